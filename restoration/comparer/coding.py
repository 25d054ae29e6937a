"""Pictures as files for a browser: without what a file tells beside its pixels, and not too large.

Where a file came from, when, with which camera and settings are left out: what is shown or sent
to somebody holds the pixels alone.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from restoration.image_files import png_chunks

PIXELS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))
"""The chunks of a PNG that make its pixels; colours are sRGB, as in all that the hub writes."""
FINE, GOOD = 95, 85
"""Qualities of a JPEG, tried in this order."""
LEAST_SIDE = 64
SHRINK = 0.8
"""A copy that is still too large loses at least a fifth of each side, again and again."""


@dataclass(frozen=True)
class Coded:
    """A picture as the bytes of a file."""

    data: bytes
    kind: str
    """png, jpeg or webp."""
    size: tuple[int, int]
    """(width, height) in pixels."""
    remark: str
    """How it was coded, in words."""


def opened(data: bytes) -> Image.Image:
    """The pixels of a file that the hub wrote: RGB, or RGBA where some are transparent."""
    with Image.open(BytesIO(data)) as image:
        image.load()
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def fitted(data: bytes, size: tuple[int, int]) -> Image.Image:
    """The picture of a file as RGB on white, at another size: small ones keep their pixels."""
    image = opened(data)
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if image.size == size:
        return image
    enlarged = size[0] >= 2 * image.width
    how = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    return image.resize(size, how, reducing_gap=3.0)


def size_of(data: bytes) -> tuple[int, int]:
    """(width, height) of a picture file, in pixels."""
    with Image.open(BytesIO(data)) as image:
        return image.size


def bare_size(data: bytes) -> int:
    """How many bytes the picture takes without what a PNG holds beside its pixels."""
    chunks = png_chunks.places(BytesIO(data))
    size = sum(length + png_chunks.FRAME for kind, _, length in chunks if kind in PIXELS)
    return size + len(png_chunks.SIGNATURE) if size else len(data)


def bare_png(data: bytes) -> bytes:
    """The same PNG, pixel for pixel, without EXIF, texts and whatever else it may hold."""
    parts = [png_chunks.SIGNATURE]
    for kind, start, length in png_chunks.places(BytesIO(data)):
        if kind in PIXELS:
            body = data[start : start + length]
            check = zlib.crc32(body, zlib.crc32(kind))
            parts.append(struct.pack(">I4s", length, kind) + body + struct.pack(">I", check))
    return b"".join(parts)


def coded(data: bytes, most_bytes: int, *, may_be_lossless: bool = True) -> Coded:
    """A picture in at most `most_bytes` bytes: lossless where that fits, else as a fine copy.

    `data` is a PNG, JPEG or WebP that the hub wrote. A copy is a JPEG without chroma subsampling,
    or a WebP where the picture is transparent; only where a quality of 85 is still too large it
    has fewer pixels, and never under 64 a side.
    """
    is_png = data.startswith(png_chunks.SIGNATURE)
    if may_be_lossless and is_png and bare_size(data) <= most_bytes:
        return Coded(bare_png(data), "png", size_of(data), "lossless (PNG)")
    image = opened(data)
    found = _copy(image, FINE)
    quality = FINE
    while len(found.data) > most_bytes and min(found.size) > LEAST_SIDE:
        if quality == GOOD:
            shrink = min(SHRINK, math.sqrt(most_bytes / len(found.data)))
            width, height = (max(LEAST_SIDE, round(side * shrink)) for side in found.size)
            image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        quality = GOOD
        found = _copy(image, quality)
    return found


def _copy(image: Image.Image, quality: int) -> Coded:
    buffer = BytesIO()
    if image.mode == "RGBA":
        image.save(buffer, "WEBP", quality=quality, method=2)
        return Coded(buffer.getvalue(), "webp", image.size, f"copy (WebP, quality {quality})")
    image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return Coded(buffer.getvalue(), "jpeg", image.size, f"copy (JPEG, quality {quality})")
