"""From a picture as Pillow holds it to plain numbers in sRGB.

The numbers are (H, W, C) with C = 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha);
uint8 and uint16 span black to white, float32 is in [0, 1].
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms
from PIL.ImageFile import ImageFile

from restoration.errors import BadPictureError
from restoration.image_files.header import DECODER_ERRORS, load

Pixels = npt.NDArray[Any]

LOW_BYTE = {
    f"{mode};16{order}": f"{mode};16{'L' if order == 'B' else 'B'}"
    for mode in ("RGB", "RGBA")
    for order in "BLN"
} | {"LA;16B": "RGBA"}
"""Pillow keeps one byte of each 16-bit value; how to read the bytes it leaves out.

Read with the byte order turned round, the byte that was dropped is the one that is kept. Grey with
alpha has four bytes a pixel, which pass as one RGBA pixel.
"""
PLAIN = {
    "1": "L", "L": "L", "LA": "LA", "La": "LA", "RGB": "RGB", "RGBX": "RGB", "RGBA": "RGBA",
    "RGBa": "RGBA", "P": "RGB", "PA": "RGBA", "CMYK": "CMYK", "LAB": "LAB",
}  # fmt: skip
"""Mode of Pillow's -> the mode in which its colours are managed."""
GREY, COLOUR = ("L", "LA"), ("RGB", "RGBA")
SPACES = {"GRAY": GREY, "RGB": (*COLOUR, *GREY), "CMYK": ("CMYK",), "Lab": ("LAB",)}
"""Colour space of a profile -> the modes it can speak about."""
SAME = 2
"""Grey levels of 255: a profile that changes no colour by more is taken to be sRGB itself."""
FULL_16, FULL_12 = 65535, 4095
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT, WHITE_IS_ZERO = 258, 262, 339, 0


def file_pixels(image: ImageFile, reopen: Callable[[], ImageFile], notes: list[str]) -> Pixels:
    """The pixels of a file in full depth; `reopen` opens it a second time.

    Raises:
        BadPictureError: the file is cut off or damaged.
    """
    raw_modes = {_raw_mode(tile.args) for tile in image.tile}
    load(image)
    if not raw_modes or not raw_modes <= set(LOW_BYTE):
        return pixels_of(image, notes)
    high = np.asarray(image)
    key = image.info.pop("transparency", None)
    managed = _to_srgb(image, image.info.get("icc_profile"), notes)
    if managed is not image:
        notes.append("Its 16-bit colours were brought to sRGB with 8 bits.")
        return np.asarray(managed)
    return _with_key(_with_low_bytes(high, reopen(), raw_modes.pop()), key)


def pixels_of(image: Image.Image, notes: list[str]) -> Pixels:
    """The pixels of a decoded picture."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        grey = _with_key(_grey16(image), image.info.get("transparency"))
        return _managed_grey16(grey, profile, notes)
    if image.mode in ("I", "F"):
        return _scaled(_signed(image), notes)[..., None]
    pixels = np.asarray(_to_srgb(_plain(image), profile, notes))
    return pixels.reshape(*pixels.shape[:2], -1)


def _plain(image: Image.Image) -> Image.Image:
    """In a mode that colour management knows, alpha beside it where there is any."""
    mode = PLAIN.get(image.mode, "RGB")
    if "transparency" in image.info and mode in ("L", "RGB"):
        mode = "LA" if image.mode == "L" else "RGBA"
    return image if image.mode == mode else image.convert(mode)


def _raw_mode(args: object) -> str:
    """How a tile's pixels lie in the file; decoders take it first or alone."""
    first = args[0] if isinstance(args, tuple) and args else args
    return str(first)


def _with_low_bytes(high: Pixels, again: ImageFile, raw_mode: str) -> Pixels:
    """Full 16 bit, from the high bytes and a second reading of the low ones."""
    low_mode = LOW_BYTE[raw_mode]
    again.tile = [
        tile._replace(args=(low_mode, *tile.args[1:]) if isinstance(tile.args, tuple) else low_mode)
        for tile in again.tile
    ]
    load(again)
    low = np.asarray(again)
    if raw_mode.startswith("LA"):
        high, low = low[..., 0::2], low[..., 1::2]
    full: Pixels = np.left_shift(high, 8, dtype=np.uint16) | low
    return full


def _with_key(pixels: Pixels, key: object) -> Pixels:
    """16-bit pixels; those of the one colour that a PNG declares transparent get alpha 0."""
    if key is None:
        return pixels
    is_clear = (pixels == np.asarray(key)).all(axis=2, keepdims=True)
    return np.concatenate([pixels, np.where(is_clear, 0, FULL_16).astype(np.uint16)], axis=2)


def _grey16(image: Image.Image) -> Pixels:
    """16-bit grey (H, W, 1); Pillow leaves out what a TIFF says about its depth and its white."""
    grey = np.asarray(image).astype(np.uint16)[..., None]
    tags = getattr(image, "tag_v2", {})
    if tags.get(BITS_PER_SAMPLE) == (12,):
        grey = (grey.astype(np.uint32) * FULL_16 // FULL_12).astype(np.uint16)
    return FULL_16 - grey if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else grey


def _managed_grey16(pixels: Pixels, profile: object, notes: list[str]) -> Pixels:
    """16-bit grey by the curve that its profile gives to 256 levels."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    managed = _to_srgb(ramp, profile, notes)
    if managed is ramp:
        return pixels
    levels, curve = np.arange(256) * 257, np.asarray(managed)[0, :, 0] * 257.0
    grey = np.interp(pixels[..., :1], levels, curve).round().astype(np.uint16)
    return np.concatenate([grey, pixels[..., 1:]], axis=2)


def _signed(image: Image.Image) -> Pixels:
    """(H, W) of floats or whole numbers; Pillow takes all those of 32 bits to have a sign."""
    tags, values = getattr(image, "tag_v2", {}), np.asarray(image)
    has_no_sign = tags.get(BITS_PER_SAMPLE) == (32,) and tags.get(SAMPLE_FORMAT, (1,)) == (1,)
    return values.view(np.uint32) if image.mode == "I" and has_no_sign else values


def _scaled(grey: Pixels, notes: list[str]) -> Pixels:
    """Floats in [0, 1] as they are; a wider span, of light or of whole numbers, up to its maximum.

    Raises:
        BadPictureError: not all values are numbers.
    """
    if not np.isfinite(grey).all():
        raise BadPictureError("The picture holds values that are no numbers (NaN or infinity).")
    low, high = float(grey.min()), float(grey.max())
    if low < 0:
        notes.append(f"Its values go down to {low:g}; all below 0 were made black.")
    white = 1.0 if grey.dtype.kind == "f" else float(FULL_16)
    if high > white:
        notes.append(f"Its values go up to {high:g}; that was made white.")
        white = high
    return np.clip(grey / white, 0, 1).astype(np.float32)


def _to_srgb(image: Image.Image, profile: object, notes: list[str]) -> Image.Image:
    """The picture in sRGB, in one of the modes L, LA, RGB and RGBA; itself if it is already."""
    if isinstance(profile, bytes) and profile:
        try:
            return _managed(image, profile)
        except (ImageCms.PyCMSError, *DECODER_ERRORS):
            notes.append("Its colour profile cannot be read and was ignored.")
    if image.mode == "LAB":
        return _transform(image, ImageCms.createProfile("LAB"), "LAB")
    if image.mode == "CMYK":
        notes.append("It has printing colours without a profile: they may be a little off.")
        return image.convert("RGB")
    return image


def _managed(image: Image.Image, data: bytes) -> Image.Image:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
    space = profile.profile.xcolor_space.strip()
    if image.mode not in SPACES.get(space, ()):
        raise ValueError(f"a profile for {space} on a picture in {image.mode}")
    if space == "GRAY":
        colours, alpha = image.getchannel(0), image.mode == "LA"
    else:
        colours, alpha = image.convert("RGB") if space == "RGB" else image, image.mode.endswith("A")
    if _is_srgb(profile, colours.mode):
        return image
    managed = _transform(colours, profile, colours.mode)
    if alpha:
        managed.putalpha(image.getchannel("A"))
    return managed


def _is_srgb(profile: ImageCms.ImageCmsProfile, mode: str) -> bool:
    """Whether the profile leaves a lattice of colours where they are."""
    if mode not in ("L", "RGB"):
        return False
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3)
    colours = Image.fromarray(lattice if mode == "RGB" else levels[None])
    moved = np.asarray(_transform(colours, profile, mode)).astype(int)
    return bool(np.abs(moved - np.asarray(colours.convert("RGB"))).max() <= SAME)


def _transform(image: Image.Image, source: Any, mode: str) -> Image.Image:
    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return transform.apply(image)
