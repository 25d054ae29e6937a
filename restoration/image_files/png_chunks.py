"""The chunks of a PNG file, read without decoding anything (PNG specification, section 5)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FRAME = 12
"""Bytes that a chunk has beside its data: length, kind, checksum."""

Place = tuple[bytes, int, int]
"""A chunk's kind, where its data start, and their length."""


def places(file: BinaryIO) -> Iterator[Place]:
    """Where each complete chunk is, up to the end mark IEND; the data are not read.

    A file that is no PNG has no chunks; one that is cut off ends before IEND. Each step seeks,
    so the file may be moved in between.
    """
    end = file.seek(0, 2)
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return
    start, kind = len(SIGNATURE), b""
    while kind != b"IEND" and start + FRAME <= end:
        file.seek(start)
        length, kind = struct.unpack(">I4s", file.read(8))
        if start + FRAME + length > end:
            return
        yield kind, start + 8, length
        start += FRAME + length


def is_sound(data: bytes, chunks: Iterable[Place]) -> bool:
    """Whether the checksums of what makes the picture hold; Pillow skips those of the pixels."""
    view = memoryview(data)
    return all(
        zlib.crc32(view[start : start + length], zlib.crc32(kind)).to_bytes(4, "big")
        == view[start + length : start + length + 4]
        for kind, start, length in chunks
        if kind in (b"IHDR", b"PLTE", b"IDAT")
    )
