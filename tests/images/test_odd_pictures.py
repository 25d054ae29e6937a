"""Each odd picture is read as exactly what it shows, and what had to be left out is said.

The rows are named by their number in the list of inputs that a hub must survive.
"""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from torch.testing import assert_close

from restoration.image_io import Picture, read
from tests.odd_files import (
    P3_TO_XYZ,
    SRGB_TO_XYZ,
    chunk,
    drawn,
    encoded,
    png,
    profile,
    tiff,
    to_srgb,
)

Array = np.ndarray[Any, Any]
RGB, RGBA = drawn(), drawn(channels=4)
DEEP = (drawn(channels=4).astype(np.uint16) * 257 + np.arange(10, dtype=np.uint16)[:, None]) % 65521
FLAT = np.full((16, 16, 3), 90, np.uint8)
DAMAGED = "cut off or damaged"


def frames(kind: str, **how: Any) -> bytes:
    more = [Image.fromarray(FLAT + 40 * i) for i in (1, 2)]
    return encoded(FLAT, kind, save_all=True, append_images=more, **how)


def palette(**how: Any) -> bytes:
    image = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3), "P")
    image.putpalette([i * 40 % 256 for i in range(18)])
    return encoded(image, "PNG", **how)


def in_palette() -> Array:
    return (np.arange(18) * 40 % 256).astype(np.uint8).reshape(2, 3, 3)


def cmyk(*ink: int) -> Image.Image:
    return Image.new("CMYK", (16, 16), ink)


def ycck() -> bytes:
    """A JPEG whose Adobe mark says that its colours are Y, Cb, Cr and K."""
    data = encoded(cmyk(155, 127, 127, 0), "JPEG", quality=100)
    place = data.index(b"Adobe") + 11
    return data[:place] + b"\2" + data[place + 1 :]


def lab(**how: Any) -> bytes:
    return encoded(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF", **how)


def twelve_bits() -> bytes:
    """A grey TIFF of two pixels, black and white, in three bytes."""
    data = tiff(np.zeros((1, 2, 1), np.uint16), (258, 12), (279, 3))
    return data[:8] + b"\x00\x0f\xff" + data[11:]


def grey(values: Array, white: float) -> Array:
    return np.repeat(values[..., :1] / white, 3, axis=2)


def iccp(data: bytes) -> bytes:
    """The PNG chunk of a profile."""
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(data))


def wide_with_alpha() -> bytes:
    return encoded(np.dstack([INSIDE, RGB[..., :1]]), "PNG", icc_profile=WIDE)


def keyed(picture: Array) -> bytes:
    """A PNG of the first row, where the colour of the third pixel is declared transparent."""
    return png(picture[:1], chunk(b"tRNS", picture[0, 2].astype(">u2").tobytes()))


def pgm() -> bytes:
    return b"P5 10 12 65535\n" + DEEP[..., :1].astype(">u2").tobytes()


WIDE = profile("RGB", P3_TO_XYZ, 2.2)
LINEAR = profile("GRAY", None, 1.0)
LINEAR_RGB = profile("RGB", SRGB_TO_XYZ, 1.0)
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PRINTED = np.full((16, 16, 3), (205, 125, 44)) / 255
ALL_BUT_THE_THIRD = (np.arange(10) != 2).reshape(1, 10, 1)
IN_PALETTE = ALL_BUT_THE_THIRD[:, :6].reshape(2, 3, 1)
INSIDE = (drawn() // 3 + 80).astype(np.uint8)
"""Colours of P3 that sRGB has too."""
HALF = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4, 1)

EXACT, CLOSE, LOSSY = 1e-6, 0.006, 0.02

TAKEN: dict[str, tuple[Callable[[], bytes], Array, float]] = {
    "7 JPEG": (lambda: encoded(FLAT, "JPEG"), FLAT / 255, LOSSY),
    "13 AVIF": (lambda: encoded(FLAT, "AVIF"), FLAT / 255, LOSSY),
    "13 WebP": (lambda: encoded(RGB, "WEBP", lossless=True), RGB / 255, EXACT),
    "13 BMP": (lambda: encoded(RGB, "BMP"), RGB / 255, EXACT),
    "13 PPM": (lambda: encoded(RGB, "PPM"), RGB / 255, EXACT),
    "13 TIFF": (lambda: encoded(RGB, "TIFF"), RGB / 255, EXACT),
    "13 progressive JPEG": (lambda: encoded(FLAT, "JPEG", progressive=True), FLAT / 255, LOSSY),
    "13 interlaced GIF": (lambda: encoded(FLAT, "GIF", interlace=1), FLAT / 255, EXACT),
    "16 animated GIF": (lambda: frames("GIF"), FLAT / 255, EXACT),
    "17 APNG": (lambda: frames("PNG"), FLAT / 255, EXACT),
    "18 animated WebP": (lambda: frames("WEBP", lossless=True), FLAT / 255, EXACT),
    "19 multi-page TIFF": (lambda: frames("TIFF"), FLAT / 255, EXACT),
    "20 float TIFF": (lambda: tiff(HALF), grey(HALF, 1), EXACT),
    "20 float TIFF of bright light": (lambda: tiff(HALF * 8), grey(HALF, 1), EXACT),
    "20 float TIFF below zero": (lambda: tiff(HALF - 0.5), grey((HALF - 0.5).clip(0), 1), EXACT),
    "21 16-bit grey PNG": (lambda: png(DEEP[..., :1]), grey(DEEP, 65535), EXACT),
    "21 16-bit grey TIFF": (lambda: tiff(DEEP[..., :1]), grey(DEEP, 65535), EXACT),
    "21 16-bit grey Motorola TIFF": (
        lambda: tiff(DEEP[..., :1], order=">"), grey(DEEP, 65535), EXACT,
    ),
    "21 16-bit grey TIFF, white is zero": (
        lambda: tiff(DEEP[..., :1], (262, 0)), grey(65535 - DEEP, 65535), EXACT,
    ),
    "21 32-bit grey TIFF": (
        lambda: tiff(DEEP[..., :1].astype(np.uint32) * 65537),
        grey(DEEP / DEEP[..., :1].max(), 1), EXACT,
    ),
    "21 16-bit grey TIFF with a sign": (
        lambda: tiff((DEEP[..., :1] // 2).astype(np.int16)), grey(DEEP // 2, 65535), EXACT,
    ),
    "21 12-bit grey TIFF": (twelve_bits, np.array([[[0.0] * 3, [1.0] * 3]]), EXACT),
    "21 16-bit PGM": (
        pgm, grey(DEEP, 65535), EXACT,
    ),
    "21 16-bit grey and alpha": (lambda: png(DEEP[..., :2]), grey(DEEP, 65535), EXACT),
    "22 16-bit RGB PNG": (lambda: png(DEEP[..., :3]), DEEP[..., :3] / 65535, EXACT),
    "22 16-bit RGBA PNG": (lambda: png(DEEP), DEEP[..., :3] / 65535, EXACT),
    "22 16-bit RGB TIFF": (lambda: tiff(DEEP[..., :3]), DEEP[..., :3] / 65535, EXACT),
    "22 16-bit RGB Motorola TIFF": (
        lambda: tiff(DEEP[..., :3], order=">"), DEEP[..., :3] / 65535, EXACT,
    ),
    "22 16-bit RGBA packed TIFF": (
        lambda: tiff(DEEP, (338, 2), packed=True), DEEP[..., :3] / 65535, EXACT,
    ),
    "23 1 bit": (
        lambda: encoded(RGB[..., :1] > 127, "PNG"), grey(RGB[..., :1] > 127, 1), EXACT,
    ),
    "24 palette": (palette, in_palette() / 255, EXACT),
    "25 palette and transparency": (lambda: palette(transparency=2), in_palette() / 255, EXACT),
    "26 grey": (lambda: png(RGB[..., :1]), grey(RGB, 255), EXACT),
    "26 grey and alpha": (lambda: png(RGBA[..., :2]), grey(RGBA, 255), EXACT),
    "27 RGBA": (lambda: png(RGBA), RGBA[..., :3] / 255, EXACT),
    "29 CMYK JPEG": (
        lambda: encoded(cmyk(0, 100, 200, 50), "JPEG"), PRINTED, LOSSY,
    ),
    "29 CMYK TIFF": (
        lambda: encoded(cmyk(0, 100, 200, 50), "TIFF"), PRINTED, LOSSY,
    ),
    "30 YCCK JPEG": (ycck, np.full((16, 16, 3), 155) / 255, LOSSY),
    "30 LAB": (lab, np.ones((4, 4, 3)), LOSSY),
    "30 LAB with its profile": (lambda: lab(icc_profile=LAB), np.ones((4, 4, 3)), LOSSY),
    "31 wide gamut": (
        lambda: encoded(INSIDE, "PNG", icc_profile=WIDE),
        to_srgb(INSIDE / 255, P3_TO_XYZ, 2.2), CLOSE,
    ),
    "31 wide gamut in 16 bit": (
        lambda: png(INSIDE.astype(np.uint16) * 257, iccp(WIDE)),
        to_srgb(INSIDE / 255, P3_TO_XYZ, 2.2), CLOSE,
    ),
    "31 grey profile in 16 bit": (
        lambda: png(RGB[..., :1].astype(np.uint16) * 257, iccp(LINEAR)),
        to_srgb(grey(RGB, 255), SRGB_TO_XYZ, 1.0), CLOSE,
    ),
    "31 wide gamut and alpha": (
        wide_with_alpha, to_srgb(INSIDE / 255, P3_TO_XYZ, 2.2), CLOSE,
    ),
    "31 grey with a profile for colours": (
        lambda: encoded(RGB[..., :1], "PNG", icc_profile=LINEAR_RGB),
        to_srgb(grey(RGB, 255), SRGB_TO_XYZ, 1.0), CLOSE,
    ),
    "31 a profile that is sRGB": (
        lambda: encoded(RGB, "PNG", icc_profile=SRGB), RGB / 255, EXACT,
    ),
    "31 grey profile": (
        lambda: encoded(RGB[..., :1], "PNG", icc_profile=LINEAR),
        to_srgb(grey(RGB, 255), SRGB_TO_XYZ, 1.0), CLOSE,
    ),
    "32 corrupt profile": (lambda: encoded(RGB, "PNG", icc_profile=b"junk" * 50), RGB / 255, EXACT),
    "34 corrupt EXIF": (
        lambda: encoded(RGB, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff"), RGB / 255, EXACT,
    ),
    "35 1x1": (lambda: png(RGB[:1, :1]), RGB[:1, :1] / 255, EXACT),
    "36 1xN": (lambda: png(RGB[:, :1]), RGB[:, :1] / 255, EXACT),
    "36 Nx1": (lambda: png(RGB[:1]), RGB[:1] / 255, EXACT),
    "37 20000x1": (lambda: png(drawn(1, 20000)), drawn(1, 20000) / 255, EXACT),
    "38 prime sides": (lambda: png(drawn(31, 37)), drawn(31, 37) / 255, EXACT),
    "45 all black": (lambda: png(RGB * 0), RGB * 0.0, EXACT),
    "45 all white": (lambda: png(RGB * 0 + 255), RGB * 0.0 + 1, EXACT),
    "49 red is first": (lambda: png(np.uint8([[[255, 0, 0]]])), np.array([[[1.0, 0, 0]]]), EXACT),
}  # fmt: skip


@pytest.mark.parametrize(("make", "want", "tolerance"), TAKEN.values(), ids=TAKEN.keys())
def test_an_odd_picture_is_read_as_what_it_shows(
    make: Callable[[], bytes], want: Array, tolerance: float
) -> None:
    image = read(make()).image
    assert_close(image, as_image(want), atol=tolerance, rtol=0)


def as_image(pixels: Array) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32).transpose(2, 0, 1))[None]


SAID: dict[str, tuple[Callable[[], bytes], str]] = {
    "16": (lambda: frames("GIF"), "It has 3 frames or pages; only the first one was taken."),
    "17": (lambda: frames("PNG"), "It has 3 frames or pages; only the first one was taken."),
    "18": (lambda: frames("WEBP"), "It has 3 frames or pages; only the first one was taken."),
    "19": (lambda: frames("TIFF"), "It has 3 frames or pages; only the first one was taken."),
    "20 bright": (lambda: tiff(HALF * 8), "Its values go up to 8; that was made white."),
    "20 dark": (
        lambda: tiff(HALF - 0.5), "Its values go down to -0.5; all below 0 were made black.",
    ),
    "28": (
        lambda: png(RGBA * np.uint8([1, 1, 1, 0])),
        "It is fully transparent; the colours beneath are restored, but do not show.",
    ),
    "29": (
        lambda: encoded(cmyk(0, 100, 200, 50), "JPEG"),
        "It has printing colours without a profile: they may be a little off.",
    ),
    "32": (
        lambda: encoded(RGB, "PNG", icc_profile=b"junk" * 50),
        "Its colour profile cannot be read and was ignored.",
    ),
    "32 profile of another colour space": (
        lambda: encoded(RGB, "PNG", icc_profile=LINEAR),
        "Its colour profile cannot be read and was ignored.",
    ),
    "34": (
        lambda: encoded(RGB, "PNG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff"),
        "Its EXIF is damaged or too long and was left out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "note"), SAID.values(), ids=SAID.keys())
def test_what_was_left_out_is_said(make: Callable[[], bytes], note: str) -> None:
    assert read(make()).notes == (note,)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_an_ordinary_picture_has_no_notes_and_no_alpha(kind: str) -> None:
    picture = read(encoded(FLAT, kind))
    assert (picture.notes, picture.alpha) == ((), None)


@pytest.mark.parametrize(
    ("make", "want"),
    [
        (lambda: png(RGBA), RGBA[..., 3:] / 255),
        (lambda: png(RGBA[..., :2]), RGBA[..., 1:2] / 255),
        (lambda: png(DEEP), DEEP[..., 3:] / 65535),
        (lambda: png(DEEP[..., :2]), DEEP[..., 1:2] / 65535),
        (lambda: palette(transparency=2), IN_PALETTE),
        (lambda: palette(transparency=bytes([255, 255, 0])), IN_PALETTE),
        (lambda: keyed(RGB), ALL_BUT_THE_THIRD),
        (lambda: keyed(RGB[..., :1]), ALL_BUT_THE_THIRD),
        (lambda: keyed(DEEP[..., :3]), ALL_BUT_THE_THIRD),
        (lambda: keyed(DEEP[..., :1]), ALL_BUT_THE_THIRD),
        (wide_with_alpha, RGB[..., :1] / 255),
    ],
    ids=[
        "27 RGBA", "26 grey", "22 RGBA", "21 grey", "25 one colour", "25 shades", "27 one colour",
        "26 one grey", "22 one colour", "21 one grey", "31 wide gamut",
    ],
)  # fmt: skip
def test_alpha_is_kept_aside(make: Callable[[], bytes], want: Array) -> None:
    assert_close(read(make()).alpha, as_image(want), atol=1e-6, rtol=0)


@pytest.mark.parametrize("data", [row[0]() for row in SAID.values()], ids=SAID.keys())
def test_no_warning_of_pillow_gets_out(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = read(data)
    assert (isinstance(picture, Picture), capfd.readouterr().err) == (True, "")
