"""The folder of an evaluation belongs to one plan and one run."""

import json

import pytest
from filelock import FileLock

from restoration.errors import RestorationError
from restoration.evaluation import folder
from restoration.evaluation.plan import Wanted
from tests.evaluating import put, smoothed
from tests.fakes import SMOOTH, registered


@pytest.fixture(autouse=True)
def _fake():
    with registered(SMOOTH):
        yield


@pytest.fixture(autouse=True)
def clean(tmp_path):
    return put(tmp_path / "clean", "a.png")


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"seed": 1}, "seed"),
        ({"kind": "jpeg20"}, "kind"),
        ({"measures": ["psnr"]}, "measures"),
    ],
)
def test_another_evaluation_is_refused(tmp_path, other, named):
    smoothed(tmp_path)
    with pytest.raises(
        RestorationError,
        match=rf"^the folder 'out' holds another evaluation \(other {named}\): name a new folder",
    ):
        smoothed(tmp_path, **other)


def test_other_knobs_are_another_evaluation(tmp_path):
    smoothed(tmp_path)
    with pytest.raises(RestorationError, match="other contenders"):
        smoothed(tmp_path, Wanted("smooth", knobs={"steps": 1}))


def test_a_plan_that_cannot_be_read_is_another_evaluation(tmp_path):
    smoothed(tmp_path)
    (tmp_path / "out" / "plan.json").write_text("{")
    with pytest.raises(RestorationError, match="another evaluation"):
        smoothed(tmp_path)


def test_a_folder_with_other_files_is_refused(tmp_path):
    put(tmp_path / "out", "holiday.png")
    with pytest.raises(RestorationError, match="'out' holds other files: name a new one"):
        smoothed(tmp_path)


def test_results_among_the_pictures_are_refused(tmp_path, clean):
    (tmp_path / "out").symlink_to(clean)
    with pytest.raises(RestorationError, match="would lie inside one another"):
        smoothed(tmp_path)


def test_pictures_among_the_results_are_refused(tmp_path):
    pictures = put(tmp_path / "out" / "clean", "a.png")
    with pytest.raises(RestorationError, match="would lie inside one another"):
        smoothed(tmp_path, clean=pictures, kind="noise25")


def test_two_runs_do_not_write_to_one_folder(tmp_path):
    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out" / folder.LOCK),
        pytest.raises(RestorationError, match="another evaluation is writing to 'out' now"),
    ):
        smoothed(tmp_path)


def test_a_fresh_folder_is_the_first_free_one(tmp_path):
    (tmp_path / "new").mkdir()
    put(tmp_path / "old", "a.png")
    put(tmp_path / "old-2", "a.png")
    named = [folder.fresh(tmp_path / name).name for name in ("none", "new", "old")]
    assert named == ["none", "new", "old-3"]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "x.json").mkdir()
    with pytest.raises(RestorationError, match=r"x.json cannot be written"):
        folder.write_json(tmp_path / "x.json", {})


def test_the_plan_holds_no_path(tmp_path):
    smoothed(tmp_path)
    assert str(tmp_path) not in json.dumps(json.loads((tmp_path / "out/plan.json").read_text()))


def test_what_a_killed_run_left_half_written_is_swept_away(tmp_path):
    put(tmp_path / "out" / folder.DRAFTS / "x", "a.png")
    smoothed(tmp_path)
    assert not (tmp_path / "out" / folder.DRAFTS).exists()
