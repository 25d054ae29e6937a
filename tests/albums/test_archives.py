"""What is exported comes back, and an accident leaves nothing half made."""

from __future__ import annotations

import errno
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from restoration.albums import Album, Shelf
from restoration.errors import BadAlbumError
from tests.albums.archives import (
    TENSORS,
    members,
    packed,
    refusal,
)
from tests.albums.shelves import PICTURE


def test_an_album_comes_back_as_it_was(mine: Shelf, trained: Album, archive: Path) -> None:
    back = mine.take_in(archive)
    assert back.manifest == trained.manifest
    assert mine.open("Anna") == back


def test_the_pictures_come_back_to_the_last_bit(mine: Shelf, archive: Path) -> None:
    first, second = mine.take_in(archive).squares()
    assert torch.equal(first, PICTURE.image[..., 8:32])
    assert torch.equal(second, PICTURE.image[..., 2:22, 1:21])


def test_the_weights_come_back(mine: Shelf, archive: Path) -> None:
    weights = mine.take_in(archive).weights
    assert weights is not None
    assert weights.read_bytes() == TENSORS


def test_the_thumbnails_are_drawn_anew(mine: Shelf, archive: Path) -> None:
    assert Image.open(mine.take_in(archive).thumbnail(1)).size == (96, 96)


def test_only_what_an_album_is_made_of_leaves_the_machine(archive: Path) -> None:
    pictures = ["pictures/000.png", "pictures/001.png"]
    assert [*members(archive)] == ["album.json", *pictures, "weights.safetensors"]


def test_an_album_that_is_not_trained_comes_back(mine: Shelf, tmp_path: Path) -> None:
    mine.make("Berta", [PICTURE])
    archive = mine.export("Berta", tmp_path)
    back = mine.take_in(archive, name="Carla")
    assert (back.manifest.training, back.weights) == (None, None)


def test_an_album_whose_weights_were_taken_away_leaves_without(
    mine: Shelf, trained: Album, tmp_path: Path
) -> None:
    (trained.folder / "weights.safetensors").unlink()
    archive = mine.export("Anna", tmp_path)
    assert mine.take_in(archive, name="Berta").manifest.training is None


def test_weights_that_training_did_not_leave_are_not_exported(
    mine: Shelf, trained: Album, tmp_path: Path
) -> None:
    (trained.folder / "weights.safetensors").write_bytes(b"others")
    with pytest.raises(BadAlbumError, match="weights of the album Anna are not those that its"):
        mine.export("Anna", tmp_path)
    assert not [*tmp_path.glob("*.zip")]


@pytest.mark.parametrize(
    ("target", "name"), [("", "Anna.zip"), ("a", "a.zip"), ("a.zip", "a.zip"), ("b.c", "b.c.zip")]
)
def test_an_archive_is_called_as_asked(
    mine: Shelf, trained: Album, tmp_path: Path, target: str, name: str
) -> None:
    assert mine.export("Anna", tmp_path / target) == tmp_path / name


def test_an_archive_can_be_taken_in_under_another_name(mine: Shelf, archive: Path) -> None:
    assert mine.take_in(archive, name="Berta").name == "Berta"
    assert mine.take_in(archive).name == "Anna"


def test_an_archive_of_a_name_that_is_taken_is_refused(mine: Shelf, archive: Path) -> None:
    mine.take_in(archive)
    with pytest.raises(BadAlbumError, match='There is an album "Anna" already'):
        mine.take_in(archive)


def test_an_archive_that_another_program_packed_is_taken_in(mine: Shelf, archive: Path) -> None:
    content = members(archive) | {"__MACOSX/._album.json": b"x", ".DS_Store": b"x", "notes/": b""}
    packed(archive, content, zipfile.ZIP_DEFLATED)
    assert len(mine.take_in(archive).squares()) == 2


def test_a_full_disk_leaves_no_archive(
    mine: Shelf, trained: Album, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    with pytest.raises(BadAlbumError, match="The disk is full: the archive is not kept"):
        mine.export("Anna", tmp_path / "a.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_export_that_fails_leaves_the_last_one(
    mine: Shelf, trained: Album, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_text("the last one")
    trained.picture(0).unlink()
    with pytest.raises(BadAlbumError, match="The archive cannot be written or read: No such file"):
        mine.export("Anna", tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "the last one"


def test_a_full_disk_leaves_the_shelf_as_it_was(
    mine: Shelf, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert refusal(archive, mine).startswith("The disk is full: the album is not kept")


def test_no_damaged_archive_does_anything_but_be_refused(mine: Shelf, archive: Path) -> None:
    sound, rng = archive.read_bytes(), np.random.default_rng(0)
    directory = sound.rindex(b"PK\1\2", 0, sound.index(b"PK\5\6")) - 200
    for round_ in range(150):
        data = bytearray(sound)
        for place in rng.integers(directory if round_ % 2 else 0, len(data), 3):
            data[place] = rng.integers(256)
        archive.write_bytes(data)
        album = attempt(mine, archive)
        assert [one.name for one in mine.list()] == album


def attempt(on: Shelf, archive: Path) -> list[str]:
    """The names on the shelf after an attempt, which was the first."""
    for album in on.list():
        on.delete(album.name)
    try:
        return [on.take_in(archive).name]
    except BadAlbumError:
        return []


def test_an_archive_that_points_to_before_its_beginning_is_refused(
    mine: Shelf, archive: Path
) -> None:
    data = bytearray(archive.read_bytes())
    end = data.index(b"PK\5\6")
    data[end + 16 : end + 20] = b"\xff\xff\xff\x0f"
    archive.write_bytes(data)
    assert refusal(archive, mine).endswith(
        "it is no zip archive, or is damaged. Export the album again."
    )
