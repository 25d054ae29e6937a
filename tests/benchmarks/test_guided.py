"""The comparison of guided priors measures what it claims, each cell once."""

import argparse

import pytest
import torch

from benchmarks import guided
from benchmarks.degradations import photograph
from benchmarks.guided import ROWS, TASKS, Book, Place, middle, steps_table, table
from benchmarks.rivals import RIVALS, mean_filled
from restoration import image_io
from restoration.image_io import Picture
from restoration.metrics import psnr
from restoration.registry import METHODS

RIVAL_OF_TASK = [
    pytest.param(rival, task, id=f"{rival.name}-{task}") for rival in RIVALS for task in rival.tasks
]


@pytest.fixture
def folder(tmp_path):
    image_io.write(tmp_path / "one.png", Picture(photograph(80)))
    return tmp_path


@pytest.fixture
def clean(folder):
    return middle(folder / "one.png")


def asked(folder, **others):
    given = {"limit": None, "methods": ["ddnm"], "tasks": ["x4"], "steps": 2, "samples": [1]}
    return argparse.Namespace(photographs=folder, **{**given, "monotone": False, **others})


def run(book, folder, **others):
    places = list(guided.places_of(asked(folder, **others)))
    guided.fill(book, places, folder)
    return {place: book.cells[place] for place in places}


def psnr_by(rival, clean, task):
    (found,) = (one for one in RIVALS if one.name == rival)
    return guided.measured_by_rival(found, clean, task, seed=0)["psnr"]


def test_the_middle_of_a_photograph_is_measured(folder, clean):
    assert clean.shape == (1, 3, 64, 64)
    assert torch.equal(clean, image_io.read(folder / "one.png").image[..., 8:72, 8:72])


@pytest.mark.parametrize(("rival", "task"), RIVAL_OF_TASK)
def test_every_rival_has_every_figure(rival, task, clean):
    scores = guided.measured_by_rival(rival, clean, task, seed=0)
    assert set(scores) == set(guided.COLUMNS)
    assert all(torch.tensor(list(scores.values())).isfinite())


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_rival(task):
    assert [rival for rival in RIVALS if task in rival.tasks]


@pytest.mark.parametrize(
    ("better", "worse", "task"),
    [
        ("biharmonic", "mean-filled", "random60"),
        ("non-local means", "input", "noise25"),
        ("Wiener", "input", "blur2"),
    ],
)
def test_rivals_restore(better, worse, task, clean):
    assert psnr_by(better, clean, task) > psnr_by(worse, clean, task) + 0.5


def test_what_is_lost_becomes_the_mean_of_what_is_known():
    kept = torch.tensor([1.0, 0.0, 1.0]).expand(1, 1, 2, 3)
    picture = torch.tensor([0.2, 0.9, 0.4]).expand(1, 3, 2, 3)
    expected = torch.tensor([0.2, 0.3, 0.4]).expand(1, 3, 2, 3)
    torch.testing.assert_close(mean_filled(picture, kept), expected)


def test_every_row_is_a_method_of_the_hub():
    assert {name for _, name, _ in ROWS.values()} <= set(METHODS)


def test_a_prior_is_measured_by_the_same_figures(folder, tmp_path):
    book = Book(tmp_path / "cells.jsonl")
    cells = run(book, folder)
    place = next(place for place in cells if place.row == "ddnm")
    assert (place.task, place.picture, place.steps, place.samples) == ("x4", "one.png", 2, 1)
    assert set(cells[place]) == set(guided.COLUMNS)


def test_a_cell_is_measured_once(folder, tmp_path):
    first = run(Book(tmp_path / "cells.jsonl"), folder)
    written = (tmp_path / "cells.jsonl").read_text()
    assert run(Book(tmp_path / "cells.jsonl"), folder) == first
    assert (tmp_path / "cells.jsonl").read_text() == written


def test_ddrm_is_not_asked_for_several_things_at_once(folder):
    places = list(guided.places_of(asked(folder, methods=["ddrm"], tasks=["several", "x2"])))
    assert [place.task for place in places if place.row == "ddrm"] == ["x2"]


def test_the_numbers_of_steps_are_compared_without_rivals(folder):
    places = list(guided.places_of(asked(folder, monotone=True)))
    assert [place.steps for place in places] == [10, 25, 100]


def test_the_tables_hold_all_rows_that_are_complete_in_their_order(folder, tmp_path):
    image_io.write(folder / "two.png", Picture(photograph(80)))
    book = Book(tmp_path / "cells.jsonl")
    kinds = [{"methods": ["dps"], "samples": [4]}, {"methods": ["gdp"], "samples": [4, 1]}]
    for kind in kinds:
        for place in guided.places_of(asked(folder, **kind)):
            book.add(place, scores(20.0))
    *_, incomplete = guided.places_of(asked(folder, methods=["ddnm"], limit=1))
    book.add(incomplete, scores(20.0))
    book.add(Place("gdp", "x4", "one.png", 2, 1, "of other weights"), scores(20.0))
    found = guided.complete(book.cells, asked(folder))
    rows = dict.fromkeys((place.row, place.samples) for place in found)
    assert list(rows) == [("bicubic", 0), ("gdp", 1), ("gdp", 4), ("dps", 4)]


def scores(db):
    return {"psnr": db, "ssim": 0.5, "gms": 0.9, "consistency": 1.0, "seconds": 2.0}


def test_the_table_holds_the_means():
    places = [Place("ddnm", "x4", name, 50, 4, "abc") for name in ("a", "b")]
    cells = {Place("bicubic", "x4", "a"): scores(20.0), Place("bicubic", "x4", "b"): scores(22.0)}
    cells |= {places[0]: scores(24.0), places[1]: scores(25.0)}
    title, _, _, _, bicubic, ddnm = table(cells, "x4").splitlines()
    assert title == "**Enlarge x4** (2 pictures)"
    assert bicubic == "| bicubic | 21.00 | 0.500 | 0.900 | 1.00 | 2.0 | - |"
    assert ddnm == "| DDNM, mean of 4 | 24.50 | 0.500 | 0.900 | 1.00 | 2.0 | 4 x 50 |"


@pytest.mark.parametrize(
    ("at_100", "verdict"), [(24.95, "monotone or flat"), (24.0, "loses 1.00 dB")]
)
def test_more_steps_that_make_it_worse_are_named(at_100, verdict):
    by_steps = zip((10, 25, 100), (24.0, 25.0, at_100), strict=True)
    cells = {Place("dps", "x4", "a", steps, 1, "abc"): scores(db) for steps, db in by_steps}
    *_, row = steps_table(cells).splitlines()
    assert row == f"| DPS | x4 | 24.00 | 25.00 | {at_100:.2f} | {verdict} |"


def test_one_command_prints_every_table(folder, tmp_path, monkeypatch, capsys):
    args = ("--photographs", str(folder), "--methods", "gdp", "--tasks", "colour", "--steps", "2")
    out = ("--samples", "1", "--threads", "1", "--out", str(tmp_path / "cells.jsonl"))
    monkeypatch.setattr("sys.argv", ["guided", *args, *out])
    threads = torch.get_num_threads()
    guided.main()
    torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    assert printed.startswith("**Colourise** (1 pictures)")
    assert "| GDP | " in printed


def test_one_command_compares_the_numbers_of_steps(folder, tmp_path, monkeypatch, capsys):
    book = Book(tmp_path / "cells.jsonl")
    for place in guided.places_of(asked(folder, monotone=True, tasks=["text"])):
        book.add(place, scores(psnr(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8))))
    args = ("--photographs", str(folder), "--methods", "ddnm", "--tasks", "text", "--monotone")
    monkeypatch.setattr("sys.argv", ["guided", *args, "--out", str(book.path)])
    guided.main()
    assert "| DDNM | text | 0.00 | 0.00 | 0.00 | monotone or flat |" in capsys.readouterr().out
