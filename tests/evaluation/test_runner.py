"""An evaluation measures what it says, keeps what is done, and survives what is broken."""

import json
from dataclasses import replace

import pytest
import torch
from PIL import Image

from restoration import image_io
from restoration.degradations.kinds import degrade
from restoration.errors import RestorationError
from restoration.evaluation.form import comparable
from restoration.evaluation.items import picture_seed
from restoration.evaluation.ledger import sha256_of
from restoration.evaluation.plan import Wanted, planned
from restoration.evaluation.runner import evaluate, evaluate_steps, report_of
from restoration.metrics import psnr, ssim
from restoration.recipe import read_recipe
from restoration.registry import METHODS
from tests.evaluating import put, row_of, smoothed
from tests.fakes import SMOOTH, registered


@pytest.fixture(autouse=True)
def _fake():
    with registered(SMOOTH, replace(SMOOTH, name="gone", load=None)):
        yield


@pytest.fixture(autouse=True)
def clean(tmp_path):
    return put(tmp_path / "clean", "a.png", "sub/b.png")


def plan(tmp_path, *wanted, **given):
    given = {"clean": tmp_path / "clean", "kind": "noise25", **given}
    return planned(wanted or (Wanted("smooth"),), tmp_path / "out", **given)


def files(folder):
    """Path -> content of every file that is not hidden."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def test_the_report_is_written_as_it_is_returned(tmp_path):
    report = smoothed(tmp_path)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written == json.loads(json.dumps(report))


def test_every_picture_has_a_row_for_its_input_and_for_each_contender(tmp_path):
    rows = smoothed(tmp_path)["rows"]
    assert [(row["id"], row["label"], row["status"]) for row in rows] == [
        ("a.png", "input", "done"),
        ("a.png", "smooth", "done"),
        ("sub/b.png", "input", "done"),
        ("sub/b.png", "smooth", "done"),
    ]


def test_the_numbers_are_those_of_the_written_pictures(tmp_path, clean):
    row = row_of(smoothed(tmp_path), "sub/b.png")
    written = image_io.read(tmp_path / "out" / row["file"]).image
    reference = image_io.read(clean / "sub/b.png").image
    assert row["numbers"]["psnr"] == pytest.approx(psnr(written, reference))
    assert row["numbers"]["ssim"] == pytest.approx(ssim(written, reference))


def test_only_the_measures_asked_for_are_taken(tmp_path):
    assert set(row_of(smoothed(tmp_path, measures=["ssim"]), "a.png")["numbers"]) == {"ssim"}


def test_the_input_is_the_degraded_picture_of_its_own_seed(tmp_path, clean):
    smoothed(tmp_path, seed=5)
    written = image_io.read(tmp_path / "out" / "input" / "sub" / "b.png").image
    reference = image_io.read(clean / "sub/b.png").image
    assert torch.equal(written, degrade(reference, "noise25", seed=picture_seed("sub/b.png", 5)))


def test_a_picture_scores_the_same_alone_and_among_others(tmp_path, clean):
    together = row_of(smoothed(tmp_path), "sub/b.png")
    (clean / "a.png").unlink()
    alone = evaluate(replace(plan(tmp_path), out=tmp_path / "alone"))
    assert row_of(alone, "sub/b.png")["output"] == together["output"]


def test_results_carry_the_recipe_that_makes_them_again(tmp_path):
    report = smoothed(tmp_path, Wanted("smooth", knobs={"grain": 0.5}))
    recipe = read_recipe(tmp_path / "out" / "smooth" / "a.png")
    assert (recipe.knobs["grain"], recipe.seed) == (0.5, report["items"][0]["seed"])


def test_results_keep_the_exif_without_the_orientation(tmp_path, clean):
    exif = Image.Exif()
    exif[271], exif[274] = "A camera", 6
    Image.new("RGB", (32, 24), "grey").save(clean / "c.jpg", exif=exif)
    smoothed(tmp_path)
    with Image.open(tmp_path / "out" / "smooth" / "c.png") as result:
        assert (result.getexif()[271], result.getexif().get(274), result.size) == (
            "A camera",
            None,
            (24, 32),
        )


def test_pairs_are_measured_against_their_clean_picture(tmp_path, clean):
    degraded = put(tmp_path / "degraded", "a.jpg.png", "a.png", level=0.6)
    report = smoothed(tmp_path, clean=clean, degraded=degraded)
    assert report["plan"]["inputs"] == "paired"
    bad, good = (image_io.read(one / "a.png").image for one in (degraded, clean))
    assert row_of(report, "a.png", "input")["numbers"]["psnr"] == pytest.approx(psnr(bad, good))


def test_pictures_without_a_clean_one_get_the_numbers_that_need_none(tmp_path, clean):
    row = row_of(smoothed(tmp_path, degraded=clean), "a.png")
    assert row["status"] == "done"
    assert "psnr" not in row["numbers"]


def test_an_input_that_was_given_is_not_copied(tmp_path, clean):
    report = smoothed(tmp_path, degraded=clean)
    assert row_of(report, "a.png", "input")["file"] is None
    assert not (tmp_path / "out" / "input").exists()


def test_a_result_of_another_size_than_its_clean_picture_says_what_is_left_out(tmp_path, clean):
    degraded = put(tmp_path / "degraded", "a.png", height=12, width=16)
    row = row_of(smoothed(tmp_path, clean=clean, degraded=degraded), "a.png")
    assert "psnr" not in row["numbers"]
    assert "32x24" in row["note"]


def test_a_number_that_is_not_finite_is_none(tmp_path, clean):
    report = smoothed(tmp_path, clean=clean, degraded=put(tmp_path / "same", "a.png"))
    assert row_of(report, "a.png", "input")["numbers"]["psnr"] is None


@pytest.mark.parametrize(
    ("knobs", "complaint"),
    [
        ({"mode": "fail"}, "the fake was asked to fail: choose another mode"),
        ({"mode": "crash"}, "Unexpected ValueError: a secret that no user may read"),
    ],
)
def test_a_contender_that_fails_is_noted_and_the_others_go_on(tmp_path, knobs, complaint):
    report = smoothed(tmp_path, Wanted("smooth", knobs=knobs, label="bad"), Wanted("smooth"))
    assert row_of(report, "a.png", "bad")["error"] == complaint
    assert row_of(report, "a.png")["status"] == "done"


def test_a_broken_picture_is_noted_and_the_others_are_measured(tmp_path, clean):
    (clean / "aa.png").write_bytes(b"<html>not here</html>")
    report = smoothed(tmp_path)
    assert row_of(report, "aa.png")["error"].startswith("The file is a web page")
    assert row_of(report, "sub/b.png")["status"] == "done"


def test_a_disk_that_is_full_for_one_result_is_noted(tmp_path):
    (tmp_path / "out").mkdir()
    steps = evaluate_steps(plan(tmp_path))
    next(steps)
    (tmp_path / "out" / "smooth").write_text("in the way of the folder")
    *_, last = steps
    assert (last.done, last.failed) == (2, 2)


def test_memory_that_runs_out_for_one_picture_is_noted(tmp_path):
    def hungry(request, params, noise):
        raise MemoryError
        yield

    METHODS["gone"] = replace(METHODS["gone"], load=lambda device, variant: hungry)
    report = smoothed(tmp_path, Wanted("gone"), Wanted("smooth"))
    assert "ran out of memory" in row_of(report, "a.png", "gone")["error"]


def test_an_evaluation_without_any_result_is_an_error(tmp_path):
    with pytest.raises(RestorationError, match=r"none of the 2 pictures .* a.png: the fake was"):
        smoothed(tmp_path, Wanted("smooth", knobs={"mode": "fail"}))


def test_what_is_done_is_not_done_again(tmp_path):
    first = smoothed(tmp_path)
    METHODS["smooth"] = replace(SMOOTH, load=None)
    assert smoothed(tmp_path) == first


def test_an_evaluation_that_was_stopped_goes_on_to_the_same_end(tmp_path):
    steps = evaluate_steps(plan(tmp_path))
    while next(steps).done < 1:
        pass
    steps.close()
    assert [row["status"] for row in report_of(plan(tmp_path))["rows"]].count("open") == 2
    resumed = smoothed(tmp_path)
    whole = evaluate(replace(plan(tmp_path), out=tmp_path / "whole"))
    assert comparable(resumed) == comparable(whole)


def test_stopping_writes_the_report_on_what_is_done(tmp_path):
    steps = evaluate_steps(plan(tmp_path))
    next(steps)
    steps.close()
    statuses = [
        row["status"] for row in json.loads((tmp_path / "out/report.json").read_text())["rows"]
    ]
    assert statuses == ["done", "open", "open", "open"]


def test_a_picture_that_has_changed_is_done_again_and_its_old_result_kept(tmp_path, clean):
    before = smoothed(tmp_path)
    old = (tmp_path / "out" / "smooth" / "a.png").read_bytes()
    put(clean, "a.png", level=0.9)
    assert row_of(smoothed(tmp_path), "a.png")["output"] != row_of(before, "a.png")["output"]
    assert (tmp_path / "out" / "smooth" / "a.old-1.png").read_bytes() == old


def test_a_result_that_is_lost_is_made_again(tmp_path):
    before = smoothed(tmp_path)
    (tmp_path / "out" / "smooth" / "a.png").unlink()
    assert comparable(smoothed(tmp_path)) == comparable(before)
    assert (tmp_path / "out" / "smooth" / "a.png").exists()


def test_a_result_that_someone_changed_is_set_aside_and_made_again(tmp_path):
    smoothed(tmp_path)
    result = tmp_path / "out" / "smooth" / "a.png"
    result.write_bytes(b"retouched")
    report = smoothed(tmp_path)
    assert sha256_of(result) == row_of(report, "a.png")["output"]
    assert (tmp_path / "out" / "smooth" / "a.old-1.png").read_bytes() == b"retouched"


def test_failures_are_tried_again_only_on_request(tmp_path):
    METHODS["gone"] = replace(SMOOTH, name="gone", load=None)
    both = (Wanted("gone"), Wanted("smooth"))
    assert row_of(smoothed(tmp_path, *both), "a.png", "gone")["status"] == "failed"
    METHODS["gone"] = replace(SMOOTH, name="gone")
    assert row_of(smoothed(tmp_path, *both), "a.png", "gone")["status"] == "failed"
    retried = smoothed(tmp_path, *both, retry=True)
    assert row_of(retried, "a.png", "gone")["status"] == "done"


def test_the_time_left_is_known_after_the_first_result(tmp_path):
    first, *_, last = evaluate_steps(plan(tmp_path))
    assert (first.done, first.total, first.seconds_left) == (0, 2, None)
    assert (last.done, last.total, last.seconds_left) == (2, 2, 0)


def test_hidden_pictures_and_other_files_are_no_part_of_it(tmp_path, clean):
    put(clean, ".hidden.png")
    (clean / "notes.txt").write_text("none")
    report = smoothed(tmp_path)
    assert [item["id"] for item in report["items"]] == ["a.png", "sub/b.png"]
    assert report["left_out"] == [
        {"name": "clean/notes.txt", "why": "By its name it is no picture."}
    ]


def test_nothing_but_the_results_lies_in_the_folder(tmp_path):
    smoothed(tmp_path)
    assert list(files(tmp_path / "out")) == [
        "input/a.png",
        "input/sub/b.png",
        "ledger.jsonl",
        "plan.json",
        "report.json",
        "smooth/a.png",
        "smooth/sub/b.png",
    ]
