"""Tiny files made by hand, of kinds that Pillow writes only in part."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]
D50 = (0.9642, 1.0, 0.8249)
P3_TO_XYZ = ((0.51512, 0.29198, 0.15710), (0.24120, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407))
"""Display P3 seen under D50."""
SRGB_TO_XYZ = (
    (0.43607, 0.38515, 0.14307),
    (0.22249, 0.71687, 0.06061),
    (0.01392, 0.09708, 0.71410),
)


def drawn(height: int = 12, width: int = 10, channels: int = 3) -> Array:
    """A soft ramp with a bright bar, uint8 (H, W, channels)."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    picture = (y * 11 + x * 7 + c * 60) % 200 + 20
    picture[height // 3 : height // 2] = 250 - 40 * c[0]
    return picture.astype(np.uint8)


def encoded(picture: Array | Image.Image, kind: str, mode: str | None = None, **how: Any) -> bytes:
    """The picture as a file of this kind."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture.squeeze())
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, kind, **how)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, depth: int, colours: int) -> bytes:
    """A PNG up to its pixels."""
    head = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)


def png(picture: Array, *extra: bytes) -> bytes:
    """A PNG of (H, W, C) in uint8 or uint16, with further chunks before the pixels."""
    height, width, channels = picture.shape
    colours = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = picture.astype(picture.dtype.newbyteorder(">")).reshape(height, -1)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    head = png_header(width, height, picture.itemsize * 8, colours)
    return head + b"".join(extra) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def bomb(side: int) -> bytes:
    """A whole 1-bit PNG of side x side pixels, a few kilobytes long."""
    deflate = zlib.compressobj(9)
    row = b"\0" * (1 + (side + 7) // 8)
    pixels = b"".join(deflate.compress(row * 100) for _ in range(side // 100)) + deflate.flush()
    return png_header(side, side, 1, 0) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def tiff(picture: Array, *more: tuple[int, int], order: str = "<", packed: bool = False) -> bytes:
    """A TIFF of (H, W, C) in its own type of number; `more` are short tags."""
    height, width, channels = picture.shape
    data = picture.astype(picture.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if packed else data
    form = {"u": 1, "i": 2, "f": 3}[picture.dtype.kind]
    tags = {
        256: ("I", [width]), 257: ("I", [height]),
        258: ("H", [picture.itemsize * 8] * channels), 259: ("H", [8 if packed else 1]),
        262: ("H", [2 if channels > 2 else 1]), 273: ("I", [8]), 277: ("H", [channels]),
        278: ("I", [height]), 279: ("I", [len(data)]), 339: ("H", [form] * channels),
    } | {tag: ("H", [value]) for tag, value in more}  # fmt: skip
    place = 8 + len(data)
    beyond, directory, rest = place + 2 + 12 * len(tags) + 4, b"", b""
    for tag, (kind, values) in sorted(tags.items()):
        packed_values = struct.pack(f"{order}{len(values)}{kind}", *values)
        field = packed_values.ljust(4, b"\0")
        if len(field) > 4:
            field = struct.pack(f"{order}I", beyond + len(rest))
            rest += packed_values
        code = {"H": 3, "I": 4}[kind]
        directory += struct.pack(f"{order}HHI", tag, code, len(values)) + field
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", place)
    return head + data + struct.pack(f"{order}H", len(tags)) + directory + bytes(4) + rest


def profile(space: str, columns: tuple[tuple[float, ...], ...] | None, gamma: float) -> bytes:
    """An ICC profile: grey with a gamma, or RGB with a matrix to XYZ and a gamma."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {
        b"wtpt": _xyz(D50),
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x" + bytes(79),
    }
    if columns is None:
        tags[b"kTRC"] = curve
    else:
        for letter, column in zip("rgb", zip(*columns, strict=True), strict=True):
            tags[f"{letter}XYZ".encode()] = _xyz(column)
            tags[f"{letter}TRC".encode()] = curve
    table, data = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s", start + len(data), b"", 0x02100000, b"mntr",
                       space.encode().ljust(4), b"XYZ ", bytes(12), b"acsp")  # fmt: skip
    return (head + bytes(28) + _xyz(D50)[8:]).ljust(128, b"\0") + table + data


def to_srgb(values: Array, columns: tuple[tuple[float, ...], ...], gamma: float) -> Array:
    """What (..., 3) in [0, 1] of such a profile is in sRGB (IEC 61966-2-1)."""
    linear = values**gamma @ np.array(columns).T @ np.linalg.inv(np.array(SRGB_TO_XYZ)).T
    linear = linear.clip(0, 1)
    return np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))
