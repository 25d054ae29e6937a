"""Pictures on their way into an album: read from uploads, kept as PNG, shown as thumbnails."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from restoration.albums.manifest import (
    MOST_PICTURES,
    PICTURES,
    THUMBNAILS,
    Entry,
    Square,
    printable,
)
from restoration.errors import BadAlbumError, BadPictureError

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from restoration.image_io import Picture

LONGEST_SIDE = 2048
"""Of a picture as it is kept; larger ones are shrunk."""
SHORTEST_SIDE = 16
THUMBNAIL = 96
"""Side in pixels."""
NAMED = 3
"""How many of the files that cannot be read an error names."""


def read_uploads(paths: Sequence[str | Path]) -> tuple[Iterator[Picture], list[str]]:
    """The pictures in some files, and a sentence for each file that cannot be used.

    A picture is read when it is asked for, so that an album of any size takes the memory of one;
    the sentences come as the files are read, and are complete once the pictures are at their end.

    Raises:
        BadAlbumError: there are none or too many, and, in place of a first picture, where none
            of the files can be used.
    """
    check_count(len(paths))
    refusals: list[str] = []
    return _readable(paths, refusals), refusals


def check_count(count: int) -> None:
    """Refuse an album without pictures or with too many."""
    if count == 0:
        raise BadAlbumError(
            "An album needs pictures: give at least one; 5 to 40 are a good number."
        )
    if count > MOST_PICTURES:
        raise BadAlbumError(
            f"These are {count} pictures and an album has {MOST_PICTURES} at most: choose some; "
            "5 to 40 are a good number."
        )


def _readable(paths: Sequence[str | Path], refusals: list[str]) -> Iterator[Picture]:
    from restoration import image_io, runtime

    for path in map(Path, paths):
        try:
            picture = image_io.read(path, runtime.limits())
            _check_shape(picture)
        except BadPictureError as error:
            refusals.append(f"{printable(path.name)}: {error}")
        else:
            yield picture
    if len(refusals) == len(paths):
        rest = len(refusals) - NAMED
        more = f" {rest} more cannot be used either." if rest > 0 else ""
        raise BadAlbumError(f"None of the pictures can be used. {' '.join(refusals[:NAMED])}{more}")


def _check_shape(picture: Picture) -> None:
    height, width = picture.image.shape[-2:]
    if min(_kept_size(width, height)) < SHORTEST_SIDE:
        raise BadPictureError(
            f"The picture is {width}x{height}, which is too narrow to learn from: "
            f"{SHORTEST_SIDE} pixels are the least, {LONGEST_SIDE} the most that are kept."
        )


def _kept_size(width: int, height: int) -> tuple[int, int]:
    shrink = min(1.0, LONGEST_SIDE / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def keep(folder: Path, index: int, picture: Picture, square: Square | None = None) -> Entry:
    """Put a picture into an album's folder, with its central square marked or the one given.

    Raises:
        BadPictureError: it is too narrow.
        BadAlbumError: the square is no part of the picture as it is kept.
    """
    from PIL.Image import Resampling

    _check_shape(picture)
    image = _in_bytes(picture.image)
    size = _kept_size(*image.size)
    if size != image.size:
        image = image.resize(size, Resampling.LANCZOS, reducing_gap=3.0)
    entry = Entry(
        file=f"{index:03d}.png",
        title=printable(picture.name),
        square=square or Square.central(*size),
    )
    check_square(entry.square, image)
    _save(image, folder / PICTURES / entry.file, compress_level=1)
    _draw_thumbnail(folder, entry, image)
    return entry


def crop(folder: Path, entry: Entry, square: Square) -> Entry:
    """The entry with another square, and its thumbnail drawn anew.

    Raises:
        BadAlbumError: the square is no part of the picture, or the picture is gone.
    """
    image = open_kept(folder, entry)
    check_square(square, image)
    cropped = entry.model_copy(update={"square": square})
    _draw_thumbnail(folder, cropped, image)
    return cropped


def open_kept(folder: Path, entry: Entry) -> Image.Image:
    """A picture of an album as it is kept.

    Raises:
        BadAlbumError: it is gone or damaged.
    """
    from restoration import image_io

    limits = image_io.Limits(max_pixels=LONGEST_SIDE**2, max_side=LONGEST_SIDE)
    try:
        return _in_bytes(image_io.read(folder / PICTURES / entry.file, limits).image)
    except BadPictureError:
        raise BadAlbumError(
            f'The picture "{entry.title}" of this album is gone or damaged: make the album again.'
        ) from None


def check_square(square: Square, image: Image.Image) -> None:
    """Refuse a square that is no part of the picture, or too small to learn from."""
    width, height = image.size
    if not square.lies_in(width, height):
        left, top, right, bottom = square.box
        raise BadAlbumError(
            f"The square from ({left}, {top}) to ({right}, {bottom}) is not inside the picture, "
            f"which is {width}x{height}."
        )
    if square.side < SHORTEST_SIDE:
        raise BadAlbumError(
            f"The square has a side of {square.side} pixels, and {SHORTEST_SIDE} is the least."
        )


def square_of(folder: Path, entry: Entry) -> Tensor:
    """The part of a picture to train on, (1, 3, side, side) in [0, 1].

    Raises:
        BadAlbumError: the picture is gone or damaged, or the square is no part of it.
    """
    from restoration import image_io

    image = open_kept(folder, entry)
    check_square(entry.square, image)
    return image_io.read(image.crop(entry.square.box)).image


def thumbnail_of(folder: Path, entry: Entry) -> Path:
    """Where the small picture of an entry's square lies."""
    return (folder / THUMBNAILS / entry.file).with_suffix(".webp")


def _draw_thumbnail(folder: Path, entry: Entry, image: Image.Image) -> None:
    from PIL.Image import Resampling

    size = (THUMBNAIL, THUMBNAIL)
    small = image.resize(size, Resampling.LANCZOS, box=entry.square.box, reducing_gap=3.0)
    _save(small, thumbnail_of(folder, entry), quality=80)


def _save(image: Image.Image, path: Path, **how: int) -> None:
    """Write a picture, whole or not at all.

    Through memory, since Pillow's own writing loses the reason where the disk is full.
    """
    encoded = io.BytesIO()
    image.save(encoded, path.suffix[1:], **how)
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(encoded.getvalue())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _in_bytes(image: Tensor) -> Image.Image:
    """(1, 3, H, W) in [0, 1] -> 8 bits, to the nearest."""
    import torch
    from PIL import Image

    levels = image[0].detach().float().cpu().mul(255).round_().clamp_(0, 255)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().to(torch.uint8).numpy())
