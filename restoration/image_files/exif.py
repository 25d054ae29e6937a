"""What of a photograph's EXIF goes on to its restoration, and which way is up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt
from PIL import Image

from restoration.image_files.header import DECODER_ERRORS

Pixels = npt.NDArray[Any]

ORIENTATION, EXIF_IFD = 274, 34665
KEPT = frozenset((270, 271, 272, 282, 283, 296, 305, 306, 315, 316, 33432))
"""Description, camera, resolution, software, date, artist, computer, copyright.

The others say where the picture was taken, how its file was laid out, or hold a small copy of it.
"""
LEFT_OUT = frozenset((37500, 40962, 40963, 40965))
"""Of the details of the shot: the maker's own notes, and the size, which changes."""
LONGEST = 65_535
"""Bytes; what a JPEG file can hold."""

UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels[::-1].swapaxes(0, 1),
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels[:, ::-1].swapaxes(0, 1),
}
"""How to turn the pixels (H, W, C) for each value of the orientation tag (EXIF 2.3, 4.6.4)."""


def exif_of(image: Image.Image, notes: list[str]) -> tuple[int, bytes | None]:
    """The orientation (1 where none is given), and the EXIF without it, thumbnail and place.

    EXIF that cannot be read or kept is left out, with a note: it never stops a picture.
    """
    orientation, data = 1, None
    try:
        exif = image.getexif()
        if not exif and image.info.get("exif"):
            raise ValueError("nothing in it")
        orientation = exif.get(ORIENTATION, 1)
        data = _kept(exif)
    except DECODER_ERRORS:
        notes.append("Its EXIF is damaged or too long and was left out.")
    return orientation if orientation in UPRIGHT else 1, data


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels (H, W, C) turned and mirrored so that up is up."""
    return UPRIGHT[orientation](pixels) if orientation in UPRIGHT else pixels


def _kept(exif: Image.Exif) -> bytes | None:
    kept = Image.Exif()
    for tag in KEPT & set(exif):
        kept[tag] = exif[tag]
    shot = {tag: value for tag, value in exif.get_ifd(EXIF_IFD).items() if tag not in LEFT_OUT}
    if shot:
        kept[EXIF_IFD] = shot
    data = kept.tobytes() if kept else None
    if data and len(data) > LONGEST:
        raise ValueError(f"{len(data)} bytes of EXIF")
    return data
