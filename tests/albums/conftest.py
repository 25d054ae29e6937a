"""A shelf of the test's own, with an album on it where one is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from restoration.albums import Album, Shelf, Square, shelf
from tests.albums.archives import TENSORS, TRAINING
from tests.albums.shelves import PICTURE


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))


@pytest.fixture
def mine() -> Shelf:
    return shelf()


@pytest.fixture
def anna(mine: Shelf) -> Album:
    return mine.make("Anna", [PICTURE, PICTURE])


@pytest.fixture
def trained(mine: Shelf) -> Album:
    mine.make("Anna", [PICTURE] * 2, kind="generated", seeds=(1, 2), settings={"steps": 5})
    album = mine.crop("Anna", 1, Square(left=1, top=2, side=20))
    (album.folder / "weights.safetensors").write_bytes(TENSORS)
    album.state.write_bytes(b"only for this machine")
    return mine.record(album, TRAINING)


@pytest.fixture
def archive(mine: Shelf, trained: Album, tmp_path: Path) -> Path:
    """An album that has left its shelf."""
    path = mine.export("Anna", tmp_path / "anna.zip")
    mine.delete("Anna")
    return path
