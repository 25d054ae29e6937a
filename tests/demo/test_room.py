"""One visitor cannot leave all others without room for their uploads."""

import os
import time
from types import SimpleNamespace

import pytest

from demo import room

OLD, OLDER = room.SPARED + 9, room.SPARED + 99


@pytest.fixture(autouse=True)
def disk(tmp_path, monkeypatch):
    """A folder on a disk with 100 bytes, each file of which takes one."""
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))

    def usage(_):
        return SimpleNamespace(free=100 - sum(one.is_file() for one in tmp_path.rglob("*")))

    monkeypatch.setattr(room.shutil, "disk_usage", usage)
    return tmp_path / "served"


def put(disk, place, age):
    """A file in a folder that was last used so many seconds ago."""
    path = disk / place / "picture.png"
    path.parent.mkdir(parents=True)
    path.touch()
    os.utime(path.parent, (time.time() - age,) * 2)
    return path


def test_while_there_is_room_everything_stays(disk):
    old = put(disk, "a" * 64, OLD)
    assert (room.is_made(99), old.exists()) == (True, True)


@pytest.mark.parametrize("place", ["a" * 64, "results/a", "shown/a", "exports/a"])
def test_what_was_used_longest_ago_gives_way(disk, place):
    oldest, old = put(disk, place, OLDER), put(disk, "b" * 64, OLD)
    assert (room.is_made(99), oldest.exists(), old.exists()) == (True, False, True)


@pytest.mark.parametrize(("place", "age"), [("a" * 64, 9), ("examples", OLD)])
def test_what_is_in_use_or_not_a_visitors_stays(disk, place, age):
    kept = put(disk, place, age)
    assert (room.is_made(100), kept.exists()) == (False, True)


def test_on_a_machine_of_ones_own_nothing_gives_way(disk, monkeypatch):
    monkeypatch.delenv("RESTORATION_PUBLIC")
    old = put(disk, "a" * 64, OLD)
    assert (room.is_made(100), old.exists()) == (False, True)
