"""What is no picture, damaged or too large is refused in one clear sentence.

The rows are named by their number in the list of inputs that a hub must survive.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.testing import assert_close

from restoration.errors import BadPictureError
from restoration.image_io import Limits, read
from tests.odd_files import (
    bomb,
    chunk,
    drawn,
    encoded,
    png,
    png_header,
    tiff,
)

Array = np.ndarray[Any, Any]
RGB, RGBA = drawn(), drawn(channels=4)
DEEP = (drawn(channels=4).astype(np.uint16) * 257 + np.arange(10, dtype=np.uint16)[:, None]) % 65521
FLAT = np.full((16, 16, 3), 90, np.uint8)
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
    "2 empty": (bytes, "The file is empty"),
    "3 text": (lambda: b"Dear diary,\n" * 5, "The file is a text, not a picture"),
    "3 text whose last letter is cut": (("x" + "é" * 5000).encode, "is a text"),
    "3 git-lfs": (lambda: b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "3 random bytes": (lambda: bytes(range(200, 256)) * 9, "no picture that is known here"),
    "3 zeros": (lambda: bytes(99), "no picture that is known here"),
    "4 cut JPEG": (lambda: half(encoded(drawn(64, 64), "JPEG")), f"The JPEG file is {DAMAGED}"),
    "4 JPEG without a header": (lambda: encoded(RGB, "JPEG")[:30], f"The JPEG file is {DAMAGED}"),
    "5 cut PNG": (lambda: half(encoded(RGB, "PNG")), f"The PNG file is {DAMAGED}"),
    "5 PNG without a header": (lambda: encoded(RGB, "PNG")[:20], f"The PNG file is {DAMAGED}"),
    "5 PNG of no pixels": (lambda: png_header(5, 5, 8, 2) + chunk(b"IEND", b""), DAMAGED),
    "5 PNG that is too short": (
        lambda: png_header(5, 5, 8, 2) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
        DAMAGED,
    ),
    "5 cut WebP": (lambda: half(encoded(drawn(64, 64), "WEBP")), f"The WebP file is {DAMAGED}"),
    "5 cut GIF": (lambda: half(encoded(drawn(64, 64), "GIF")), f"The GIF file is {DAMAGED}"),
    "5 cut TIFF": (lambda: half(encoded(RGB, "TIFF")), f"The TIFF file is {DAMAGED}"),
    "5 cut BMP": (lambda: half(encoded(RGB, "BMP")), f"The BMP file is {DAMAGED}"),
    "5 cut AVIF": (lambda: half(encoded(drawn(64, 64), "AVIF")), f"The AVIF file is {DAMAGED}"),
    "5 cut PPM": (lambda: half(encoded(RGB, "PPM")), f"The PPM file is {DAMAGED}"),
    "6 wrong checksum": (with_wrong_checksum, f"The PNG file is {DAMAGED}"),
    "8 web page": (lambda: b"\n<!DOCTYPE html><html>404</html>", "The file is a web page"),
    "9 SVG": (lambda: b"<?xml version='1.0'?><svg><script>1</script></svg>", "an SVG drawing"),
    "11 PDF": (lambda: b"%PDF-1.7\n", "The file is a PDF document"),
    "12 HEIC": (lambda: ftyp(b"heic", b"\0\0\0\0", b"mif1"), "The file is a HEIC photo"),
    "12 film": (lambda: ftyp(b"isom", b"\0\0\2\0", b"mp41"), "The file is a film"),
    "14 JPEG XL": (lambda: b"\xff\x0a" + bytes(20), "The file is a JPEG XL picture"),
    "14 boxed JPEG XL": (lambda: b"\0\0\0\x0cJXL \r\n\x87\n", "The file is a JPEG XL picture"),
    "14 JPEG 2000": (lambda: b"\0\0\0\x0cjP  \r\n\x87\n", "The file is a JPEG 2000 picture"),
    "15 Canon raw": (lambda: ftyp(b"crx ", b"\0\0\0\1"), "a camera's raw file: develop it"),
    "15 Fuji raw": (lambda: b"FUJIFILMCCD-RAW 0201", "a camera's raw file: develop it"),
    "15 raw inside TIFF": (raw_photo, "a camera's raw file: develop it"),
    "15 DNG": (lambda: tiff(RGB, (50706, 1)), "a camera's raw file: develop it"),
    "20 OpenEXR": (lambda: b"v/1\1" + bytes(20), "an OpenEXR picture of scene light"),
    "20 Radiance": (lambda: b"#?RADIANCE\n", "a Radiance HDR picture"),
    "20 NaN in a float TIFF": (
        lambda: tiff(np.full((2, 2, 1), np.nan, np.float32)),
        "The picture holds values that are no numbers",
    ),
    "20 float TIFF in colour": (
        lambda: tiff(RGB / np.float32(255)),
        "of a rare kind that is not read here (floats in colour, say)",
    ),
    "37 side of 20001": (lambda: png(drawn(1, 20001)), "20000 pixels is the longest"),
    "41 90 megapixels": (lambda: bomb(9500), "9500x9500, that is 90 megapixels, and 50 is"),
    "42 bomb": (lambda: bomb(14000), "14000x14000, that is 196 megapixels, and 50 is"),
    "43 bomb below Pillow's limit": (lambda: bomb(7500), "7500x7500, that is 56 megapixels"),
    "43 WebP bomb": (
        lambda: b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2 + bytes(9),
        "16384x16384, that is 268 megapixels",
    ),
    "43 lossless WebP bomb": (
        lambda: b"RIFF\x1e\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f" + bytes(9),
        "16384x16384, that is 268 megapixels",
    ),
    "43 GIF bomb": (
        lambda: b"GIF89a" + struct.pack("<HH", 60000, 60000) + encoded(RGB, "GIF")[10:],
        "60000x60000, that is 3600 megapixels",
    ),
    "43 no pixels": (lambda: b"RIFF\0\0\0\0WEBPVP8 ", "The picture has no pixels"),
    "55 zip": (archive, "The file is a zip archive: unpack it"),
    "55 gzip": (lambda: b"\x1f\x8b\x08\0", "The file is a gzip archive"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_readable_picture_is_refused_in_one_sentence(
    make: Callable[[], bytes], sentence: str
) -> None:
    with pytest.raises(BadPictureError) as caught:
        read(make())
    assert sentence in str(caught.value)


@pytest.mark.parametrize("make", [row[0] for row in REFUSED.values()], ids=REFUSED.keys())
def test_a_refusal_says_what_to_do_and_nothing_of_pillow_or_the_server(
    make: Callable[[], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(make())
    with pytest.raises(BadPictureError) as caught:
        read(path)
    text = str(caught.value)
    assert ("PIL" in text, str(tmp_path) in text, text.endswith("."), "\n" in text) == (
        False, False, True, False,
    )  # fmt: skip


def test_44_a_file_that_is_too_long_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(BadPictureError, match="The file has 2 MiB and 1 MiB is the most read here"):
        read(bytes(2 * 2**20), Limits(max_bytes=2**20))


def test_44_a_long_file_on_disk_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(BadPictureError, match="1048576 MiB and 64 MiB is the most read here"):
        read(path)


@pytest.mark.parametrize("name", ["photo.png", "photo.svg", "photo.pdf", "photo"])
def test_7_10_a_picture_is_known_by_its_content_and_not_by_its_name(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(encoded(RGB, "WEBP", lossless=True))
    assert_close(read(path).image, read(RGB).image)


def test_56_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPictureError, match=f"^{tmp_path.name} is a folder"):
        read(tmp_path)


def test_56_a_file_that_is_not_there_is_refused_by_its_name_alone(tmp_path: Path) -> None:
    with pytest.raises(BadPictureError, match=r"^gone\.png is not there: name a picture file\.$"):
        read(str(tmp_path / "gone.png"))


def test_53_a_name_that_is_too_long_for_a_file_is_refused() -> None:
    with pytest.raises(BadPictureError, match=r"png cannot be read: File name too long\.$"):
        read("x" * 300 + ".png")


def test_53_a_name_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(BadPictureError, match="is not there"):
        read("photo\0.png")
