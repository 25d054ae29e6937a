"""Files that are no picture, or one that is damaged or too large: what they are refused with."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import numpy as np

from tests.odd_files import bomb, chunk, drawn, encoded, png, png_header, tiff

RGB = drawn()
DAMAGED = "cut off or damaged"


def ftyp(*brands: bytes) -> bytes:
    """The start of an ISO media file."""
    return struct.pack(">I4s", 8 + 4 * len(brands), b"ftyp") + b"".join(brands) + bytes(64)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("photo.png", encoded(RGB, "PNG"))
    return file.getvalue()


def with_wrong_checksum() -> bytes:
    data = encoded(RGB, "PNG")
    return data[:-16] + bytes([data[-16] ^ 1]) + data[-15:]


def raw_photo() -> bytes:
    return tiff(RGB, (254, 1), (330, 8))


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "2-empty": (bytes, "The file is empty"),
    "3-text": (lambda: b"Dear diary,\n" * 5, "The file is a text, not a picture"),
    "3-text-whose-last-letter-is-cut": (("x" + "é" * 5000).encode, "is a text"),
    "3-git-lfs": (lambda: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "3-random-bytes": (lambda: bytes(range(200, 256)) * 9, "no picture that is known here"),
    "3-zeros": (lambda: bytes(99), "no picture that is known here"),
    "4-cut-JPEG": (lambda: half(encoded(drawn(64, 64), "JPEG")), f"The JPEG file is {DAMAGED}"),
    "4-JPEG-without-a-header": (lambda: encoded(RGB, "JPEG")[:30], f"The JPEG file is {DAMAGED}"),
    "5-cut-PNG": (lambda: half(encoded(RGB, "PNG")), f"The PNG file is {DAMAGED}"),
    "5-PNG-without-a-header": (lambda: encoded(RGB, "PNG")[:20], f"The PNG file is {DAMAGED}"),
    "5-PNG-of-no-pixels": (lambda: png_header(5, 5, 8, 2) + chunk(b"IEND", b""), DAMAGED),
    "5-PNG-that-is-too-short": (
        lambda: png_header(5, 5, 8, 2) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
        DAMAGED,
    ),
    "5-cut-WebP": (lambda: half(encoded(drawn(64, 64), "WEBP")), f"The WebP file is {DAMAGED}"),
    "5-cut-GIF": (lambda: half(encoded(drawn(64, 64), "GIF")), f"The GIF file is {DAMAGED}"),
    "5-cut-TIFF": (lambda: half(encoded(RGB, "TIFF")), f"The TIFF file is {DAMAGED}"),
    "5-cut-BMP": (lambda: half(encoded(RGB, "BMP")), f"The BMP file is {DAMAGED}"),
    "5-cut-AVIF": (lambda: half(encoded(drawn(64, 64), "AVIF")), f"The AVIF file is {DAMAGED}"),
    "5-cut-PPM": (lambda: half(encoded(RGB, "PPM")), f"The PPM file is {DAMAGED}"),
    "6-wrong-checksum": (with_wrong_checksum, f"The PNG file is {DAMAGED}"),
    "8-web-page": (lambda: b"\n<!DOCTYPE html><html>404</html>", "The file is a web page"),
    "9-SVG": (lambda: b"<?xml version='1.0'?><svg><script>1</script></svg>", "an SVG drawing"),
    "11-PDF": (lambda: b"%PDF-1.7\n", "The file is a PDF document"),
    "12-HEIC": (lambda: ftyp(b"heic", b"\0\0\0\0", b"mif1"), "The file is a HEIC photo"),
    "12-film": (lambda: ftyp(b"isom", b"\0\0\2\0", b"mp41"), "The file is a film"),
    "14-JPEG-XL": (lambda: b"\xff\x0a" + bytes(20), "The file is a JPEG XL picture"),
    "14-boxed-JPEG-XL": (lambda: b"\0\0\0\x0cJXL \r\n\x87\n", "The file is a JPEG XL picture"),
    "14-JPEG-2000": (lambda: b"\0\0\0\x0cjP  \r\n\x87\n", "The file is a JPEG 2000 picture"),
    "15-Canon-raw": (lambda: ftyp(b"crx ", b"\0\0\0\1"), "a camera's raw file: develop it"),
    "15-Fuji-raw": (lambda: b"FUJIFILMCCD-RAW 0201", "a camera's raw file: develop it"),
    "15-raw-inside-TIFF": (raw_photo, "a camera's raw file: develop it"),
    "15-DNG": (lambda: tiff(RGB, (50706, 1)), "a camera's raw file: develop it"),
    "20-OpenEXR": (lambda: b"v/1\1" + bytes(20), "an OpenEXR picture of scene light"),
    "20-Radiance": (lambda: b"#?RADIANCE\n", "a Radiance HDR picture"),
    "20-NaN-in-a-float-TIFF": (
        lambda: tiff(np.full((2, 2, 1), np.nan, np.float32)),
        "The picture holds values that are no numbers",
    ),
    "20-float-TIFF-in-colour": (
        lambda: tiff(RGB / np.float32(255)),
        "of a rare kind that is not read here (floats in colour, say)",
    ),
    "37-side-of-20001": (lambda: png(drawn(1, 20001)), "20000 pixels is the longest"),
    "41-90-megapixels": (lambda: bomb(9500), "9500x9500, that is 90 megapixels, and 50 is"),
    "42-bomb": (lambda: bomb(14000), "14000x14000, that is 196 megapixels, and 50 is"),
    "43-bomb-below-Pillows-limit": (lambda: bomb(7500), "7500x7500, that is 56 megapixels"),
    "43-WebP-bomb": (
        lambda: b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2 + bytes(9),
        "16384x16384, that is 268 megapixels",
    ),
    "43-lossless-WebP-bomb": (
        lambda: b"RIFF\x1e\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f" + bytes(9),
        "16384x16384, that is 268 megapixels",
    ),
    "43-GIF-bomb": (
        lambda: b"GIF89a" + struct.pack("<HH", 60000, 60000) + encoded(RGB, "GIF")[10:],
        "60000x60000, that is 3600 megapixels",
    ),
    "43-no-pixels": (lambda: b"RIFF\0\0\0\0WEBPVP8 ", "The picture has no pixels"),
    "55-zip": (archive, "The file is a zip archive: unpack it"),
    "55-gzip": (lambda: b"\x1f\x8b\x08\0", "The file is a gzip archive"),
}  # fmt: skip
