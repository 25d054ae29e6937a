"""An album in use is left alone, and an accident leaves nothing half made."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from restoration.albums import (
    Album,
    Shelf,
    Square,
    busy,
    shelf,
)
from restoration.albums.folder import BEING_DELETED, BEING_MADE
from restoration.errors import BadAlbumError
from restoration.image_io import Picture
from tests.albums.shelves import PICTURE, TRAINING, left_over, names


@pytest.mark.parametrize(
    "ask",
    [
        lambda on: on.delete("Anna"),
        lambda on: on.rename("Anna", "Berta"),
        lambda on: on.crop("Anna", 0, Square(left=0, top=0, side=20)),
        lambda on: on.export("Anna", on.folder / "a.zip"),
    ],
    ids=["delete", "rename", "crop", "export"],
)
def test_an_album_in_use_is_left_alone(
    mine: Shelf, anna: Album, ask: Callable[[Shelf], object]
) -> None:
    with busy(anna), pytest.raises(BadAlbumError, match="The album Anna is in use, most likely"):
        ask(mine)
    assert mine.open("Anna") == anna


def test_an_album_is_trained_once_at_a_time(anna: Album) -> None:
    with busy(anna), pytest.raises(BadAlbumError, match="wait until that is done, or stop it"):
        busy(anna).__enter__()


def test_an_album_that_another_process_trains_is_in_use(mine: Shelf, anna: Album) -> None:
    code = (
        "from restoration.albums import shelf, busy\n"
        "with busy(shelf().open('Anna')): print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BadAlbumError, match="is in use"):
            mine.delete("Anna")
        other.kill()
    mine.delete("Anna")
    assert names(mine) == []


def test_an_album_is_free_again_when_training_ends_in_another_thread(
    mine: Shelf, anna: Album
) -> None:
    def work() -> Iterator[None]:
        with busy(anna):
            yield

    steps = work()
    in_a_thread(lambda: next(steps))
    in_a_thread(steps.close)
    mine.delete("Anna")
    assert names(mine) == []


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_while_it_is_busy_an_album_is_seen_as_it_is_now(mine: Shelf, anna: Album) -> None:
    mine.rename("Anna", "Berta")
    with busy(anna) as now:
        assert now.name == "Berta"


def test_a_deleted_album_cannot_be_used(mine: Shelf, anna: Album) -> None:
    mine.delete("Anna")
    with pytest.raises(BadAlbumError, match="There is no such album any more"):
        busy(anna).__enter__()
    assert left_over(mine) == []


def test_whoever_waits_too_long_for_the_shelf_is_told_so(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restoration.albums.folder.PATIENCE", 0.01)
    with (
        FileLock(mine.folder / ".lock"),
        pytest.raises(BadAlbumError, match="The albums are being changed elsewhere: try again"),
    ):
        mine.rename("Anna", "Berta")


def failing(error: OSError, after: int) -> Callable[[Path, bytes], int]:
    """`Path.write_bytes` on a disk that has room for so many files."""
    write, left = Path.write_bytes, iter(range(after))

    def full(path: Path, data: bytes) -> int:
        if next(left, None) is None:
            write(path, data[:10])
            raise error
        return write(path, data)

    return full


@pytest.mark.parametrize("room", range(4))
def test_on_a_full_disk_nothing_half_made_stays(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    no_room = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Path, "write_bytes", failing(no_room, room))
    with pytest.raises(BadAlbumError, match="The disk is full: the album is not kept"):
        mine.make("Berta", [PICTURE] * 2)
    assert (names(mine), left_over(mine)) == (["Anna"], [])


def test_on_a_full_disk_an_album_stays_as_it_was(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BadAlbumError, match="The disk is full: the change is not kept"):
        mine.record(anna, TRAINING)
    assert mine.open("Anna") == anna


def test_on_a_full_disk_a_thumbnail_stays_as_it_was(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = anna.thumbnail(0).read_bytes()
    no_room = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Path, "write_bytes", failing(no_room, 0))
    with pytest.raises(BadAlbumError, match="The disk is full"):
        mine.crop("Anna", 0, Square(left=0, top=0, side=20))
    assert anna.thumbnail(0).read_bytes() == before
    assert mine.open("Anna") == anna


def test_a_folder_that_cannot_be_written_is_said_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(BadAlbumError) as caught:
        shelf().make("Anna", [PICTURE])
    assert str(caught.value) == "The albums cannot be written or read: Not a directory."


@pytest.mark.parametrize("mark", [BEING_MADE, BEING_DELETED])
def test_what_a_crash_left_is_swept_away_with_the_next_album(
    mine: Shelf, anna: Album, mark: str
) -> None:
    (mine.folder / f"{mark}0123" / "pictures").mkdir(parents=True)
    assert names(mine) == ["Anna"]
    mine.make("Berta", [PICTURE])
    assert left_over(mine) == []


def test_an_album_that_is_being_made_is_not_swept_away(mine: Shelf) -> None:
    def slow() -> Iterator[Picture]:
        yield PICTURE
        mine.make("Fast", [PICTURE])
        yield PICTURE

    assert len(mine.make("Slow", slow()).squares()) == 2
    assert sorted(names(mine)) == ["Fast", "Slow"]


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', " " * 2**21])
def test_a_broken_album_is_left_out(mine: Shelf, anna: Album, text: str) -> None:
    mine.make("Berta", [PICTURE])
    (anna.folder / "album.json").write_text(text)
    assert names(mine) == ["Berta"]


def test_a_stray_file_on_the_shelf_is_no_album(mine: Shelf, anna: Album) -> None:
    (mine.folder / "notes.txt").write_text("hello")
    assert names(mine) == ["Anna"]
