"""The report of an evaluation as text and as CSV."""

import csv
import io
import math

import pytest

from restoration.evaluation.form import INPUT
from restoration.evaluation.report import (
    as_csv,
    as_text,
    by_folder,
    measures_of,
    num_open,
    summaries,
    title_of,
    values_of,
    write_whole,
)
from tests.evaluated import failed, report, row

NAMES = ("a.png", "b.png")


def both(**fields):
    """A report on two pictures of which the second is 2 dB better; `fields` are of its last row."""
    rows = [row(one, label) for one in NAMES for label in (INPUT, "smooth", "sharp")]
    rows[4] = row("b.png", "smooth", numbers={"psnr": 22.0, "ssim": None})
    rows[5] = {**rows[5], **fields}
    return report(NAMES, rows)


def cells(made):
    return list(csv.reader(io.StringIO(as_csv(made))))


def test_the_measures_are_those_of_the_plan_and_the_time():
    assert [measure.name for measure in measures_of(both())] == ["psnr", "ssim", "seconds"]


def test_a_measure_of_another_version_is_shown_under_its_name():
    made = both()
    made["plan"]["measures"]["of old"] = "9"
    assert [measure.title for measure in measures_of(made)] == ["PSNR", "SSIM", "of old", "Time"]


def test_values_come_in_the_order_of_the_pictures():
    assert values_of(both(), "smooth", "psnr") == [20.0, 22.0]


def test_a_summary_takes_every_picture_that_has_a_number():
    found = summaries(both())["smooth"]
    assert (found["psnr"].mean, found["ssim"].count, found["ssim"].left_out) == (21.0, 1, 1)


def test_the_input_has_no_time():
    assert math.isnan(summaries(both())[INPUT]["seconds"].mean)


def test_the_text_names_every_contender_with_mean_and_margin():
    assert as_text(both()).splitlines() == [
        "2 clean pictures, degraded by noise25, seed 7",
        "        pictures     PSNR (dB)             SSIM     Time (s)",
        "input          2  20.00 ± 0.00  0.5000 ± 0.0000            -",
        "smooth         2  21.00 ± 1.41           0.5000  0.50 ± 0.00",
        "sharp          2  20.00 ± 0.00  0.5000 ± 0.0000  0.50 ± 0.00",
    ]


def test_the_text_leaves_further_numbers_to_the_page():
    made = both()
    made["plan"]["measures"]["of old"] = "1"
    assert "of old" not in as_text(made)


def test_numbers_that_are_not_among_the_first_are_told_where_there_are_no_others():
    made = both()
    made["plan"]["measures"] = {"of old": "1"}
    assert "of old" in as_text(made)


def test_the_text_says_what_failed():
    made = both()
    made["rows"][5] = failed("b.png", "sharp", "It broke.")
    assert as_text(made).splitlines()[-1] == "failed: b.png, sharp: It broke."


def test_the_text_says_what_was_left_out():
    made = report((), (), left_out=[("clean/notes.txt", "By its name it is no picture.")])
    assert as_text(made).splitlines()[-1] == (
        "left out: clean/notes.txt: By its name it is no picture."
    )


def test_the_text_says_that_an_evaluation_is_not_over():
    assert "1 not done yet: run it again to go on" in as_text(both(status="open"))


def test_what_is_open_is_counted():
    assert num_open(both(status="open")) == 1


@pytest.mark.parametrize(
    ("inputs", "title"),
    [
        ("clean", "1 clean picture, degraded by noise25, seed 7"),
        ("paired", "1 pair of a degraded and a clean picture, seed 7"),
        ("degraded", "1 degraded picture, without clean ones, seed 7"),
    ],
)
def test_the_title_says_what_was_evaluated(inputs, title):
    assert title_of(report(NAMES[:1], [], inputs)) == title


def test_the_csv_has_a_line_for_every_picture_and_contender():
    lines = cells(both())
    assert len(lines) == 1 + 6
    assert lines[5] == [
        *("b.png", "smooth", "done", "", "", "smooth/b.png"),
        *("48", "32", "22.0", "", "0.5"),
    ]


@pytest.mark.parametrize("name", ["=1+1.png", "+1.png", "-1.png", "@sum.png", "\t=1.png"])
def test_no_cell_of_the_csv_is_a_formula(name):
    assert cells(report([name], [row(name, INPUT)]))[1][0] == f"'{name}"


def test_commas_quotes_and_lines_stay_inside_their_cell():
    name = 'a, "b"\nc.png'
    assert cells(report([name], [row(name, INPUT)]))[1][0] == name


def test_pictures_of_several_folders_are_told_apart():
    names = ("day/a.png", "day/b.png", "night/a.png")
    rows = [row(one, label) for one in names for label in (INPUT, "smooth", "sharp")]
    parts = by_folder(report(names, rows))
    assert {name: len(part["rows"]) for name, part in parts.items()} == {"day": 6, "night": 3}


def test_one_folder_needs_no_telling_apart():
    assert by_folder(both()) == {}


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "kept.csv").mkdir()
    with pytest.raises(OSError, match=r"kept\.csv"):
        write_whole(tmp_path / "kept.csv", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.csv"]


def test_a_name_that_is_no_unicode_can_be_written(tmp_path):
    write_whole(tmp_path / "a.csv", "\udcff")
    assert (tmp_path / "a.csv").read_text() == "?"
