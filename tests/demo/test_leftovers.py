"""Files that were made to be seen are gone once nobody can be looking any more."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from demo import leftovers
from demo.serving import CLEAN_EVERY, KEEP_FOR


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def file(root: Path, place: str, age: float) -> Path:
    """A file in a folder that was last used so many seconds ago."""
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"pixels")
    for one in (path, path.parent):
        os.utime(one, (time.time() - age,) * 2)
    return path


@pytest.mark.parametrize("folder", leftovers.FOLDERS)
def test_what_nobody_used_for_a_day_goes_with_its_folder(root, folder):
    old = file(root, f"{folder}/a/picture.png", KEEP_FOR + 9)
    assert (leftovers.sweep(), old.parent.exists()) == (1, False)


def test_what_somebody_may_still_look_at_stays(root):
    new = file(root, "shown/a/picture.png", KEEP_FOR - 99)
    assert (leftovers.sweep(), new.exists()) == (0, True)


def test_what_is_shown_again_stays(root):
    old = file(root, "shown/a/picture.png", KEEP_FOR + 9)
    leftovers.used(old.parent)
    assert (leftovers.sweep(), old.exists()) == (0, True)


def test_an_old_result_that_is_shown_now_stays(root):
    from demo.comparer import Shown, comparison

    old = file(root, "kept/run.png", KEEP_FOR + 9)
    (item,) = comparison([Shown("Result", old, (1, 1))])["items"]
    (root / leftovers.MARK).unlink()
    assert (leftovers.sweep(), Path(item["file"]["path"]).exists()) == (0, True)


def test_uploads_are_left_to_gradio(root):
    upload = file(root, "0123abcd/photo.png", KEEP_FOR + 9)
    assert (leftovers.sweep(), upload.exists()) == (0, True)


def test_it_looks_once_an_hour_only(root):
    leftovers.sweep()
    file(root, "shown/a/picture.png", KEEP_FOR + 9)
    assert leftovers.sweep() == 0


def test_after_an_hour_it_looks_again(root):
    leftovers.sweep()
    os.utime(root / leftovers.MARK, (time.time() - CLEAN_EVERY - 9,) * 2)
    file(root, "shown/a/picture.png", KEEP_FOR + 9)
    assert leftovers.sweep() == 1


def test_a_disk_that_cannot_be_written_stops_nothing(root, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(file(root, "a file", 0)))
    assert leftovers.sweep() == 0
