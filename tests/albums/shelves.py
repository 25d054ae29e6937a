"""What the tests of albums put on shelves, and how they look at them."""

from __future__ import annotations

from restoration.albums import Shelf, Training
from restoration.image_io import read
from tests.odd_files import drawn

PICTURE = read(drawn(24, 40))
TRAINING = Training(
    way="low-rank", variant="mini", base="a" * 64, steps=3, planned=9, seconds=1.5, loss=0.1,
    finished=False, sha256="b" * 64,
)  # fmt: skip


def names(on: Shelf) -> list[str]:
    return [album.name for album in on.list()]


def left_over(on: Shelf) -> list[str]:
    """What is on a shelf beside albums and locks."""
    folders = [path.name for path in on.folder.iterdir() if path.is_dir()]
    return [name for name in folders if name.startswith(".")]
