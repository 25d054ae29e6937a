"""Pictures in and out: whatever a user brings becomes RGB in [0, 1], results become PNG files.

A file is judged by its content. Orientation and colour profile are applied, 16 bits are kept,
alpha is set aside and put back on the result. What had to be left out is said in the notes. The
colours under transparent pixels are restored like all others.
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor
from torch.nn import functional

from restoration.errors import BadPictureError, RestorationError
from restoration.file_names import safe_name
from restoration.image_files import exif as image_exif
from restoration.image_files import frames as image_frames
from restoration.image_files import header
from restoration.image_files import pixels as image_pixels
from restoration.image_files.header import Limits
from restoration.recipe import KEYWORD, Recipe

__all__ = ["Limits", "Picture", "preview", "read", "safe_name", "write"]

Pixels = npt.NDArray[Any]
Source = str | Path | bytes | Image.Image | Pixels | Tensor

DEFAULT_LIMITS = Limits()
WHITE = {"b": 1, "u1": 255, "u2": 65535, "f": 1}
"""What white is in an array of each kind of number."""
CHANNELS = {1: (1, False), 2: (1, True), 3: (3, False), 4: (3, True)}
"""How many channels there are -> how many of them are colours, and whether one is alpha."""
ROUNDING = 1e-4
"""How far arithmetic in float32 may stray out of [0, 1]."""
PREVIEW_QUALITY = 88


@dataclass(frozen=True)
class Picture:
    """A picture and what belongs to it."""

    image: Tensor
    """(1, 3, H, W), RGB float32 in [0, 1]."""
    alpha: Tensor | None = None
    """(1, 1, h, w) in [0, 1]; write brings it to the size of the image."""
    exif: bytes | None = None
    """Without orientation, thumbnail and place."""
    notes: tuple[str, ...] = ()
    """What the user should know about how it was read."""
    name: str = "picture"
    """For the result's file: safe on any system, without a suffix."""


def read(source: Source, limits: Limits = DEFAULT_LIMITS, *, name: str = "") -> Picture:
    """The picture in `source`: a file, its bytes, a PIL image, an array or a tensor.

    Arrays are (H, W), (H, W, C) with 1 to 4 channels; uint8 and uint16 span black to white, floats
    are in [0, 1]. Tensors are (3, H, W) or (1, 3, H, W), float, in [0, 1].

    Raises:
        BadPictureError: it is no picture, damaged or too large; the text says what would do.
    """
    notes: list[str] = []
    exif = None
    match source:
        case str() | Path():
            name = name or Path(source).name
            pixels, exif = _from_bytes(_file(Path(source), limits), limits, notes)
        case bytes():
            pixels, exif = _from_bytes(source, limits, notes)
        case Image.Image():
            pixels, exif = _from_pillow(source, limits, notes)
        case np.ndarray():
            pixels = _checked(source)
        case Tensor():
            pixels = _checked(_from_tensor(source))
        case _:
            raise BadPictureError(
                f"A picture is a file, its bytes, a PIL image, an array or a tensor, not "
                f"{type(source).__name__}."
            )
    limits.check_size(pixels.shape[1], pixels.shape[0])
    return _picture(pixels, exif, notes, safe_name(name))


def write(path: str | Path, picture: Picture, *, recipe: Recipe | None = None) -> Path:
    """Write a lossless PNG (8 bits, rounded) with alpha, EXIF and the recipe; gives its path.

    The file appears only once it is complete. `path` ends in .png, or has no suffix and gets it.

    Raises:
        RestorationError: the name is not that of a PNG, the file cannot be written, or the image
            holds NaN or infinity.
    """
    path = Path(path)
    if path.suffix == "":
        path = path.with_suffix(".png")
    if path.suffix.lower() != ".png":
        raise RestorationError(f"Results are PNG files: let the name {path.name} end in .png.")
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    if not bool(picture.image.isfinite().all()):
        raise RestorationError("The result holds values that are no numbers: it is not written.")
    image = Image.fromarray(_bytes_of(_with_alpha(picture)))
    try:
        with part.open("xb") as file:
            image.save(
                file,
                "PNG",
                compress_level=1,
                exif=picture.exif or b"",
                pnginfo=_text_chunk(recipe),
            )
        part.replace(path)
    except OSError as error:
        raise RestorationError(f"{path.name} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    return path


def preview(image: Tensor, max_side: int = 1024) -> bytes:
    """A JPEG of (1, 3, H, W) in [0, 1] for the page, its longer side at most `max_side`."""
    height, width = image.shape[-2:]
    shrink = min(1.0, max_side / max(height, width))
    small = Image.fromarray(_bytes_of(image))
    if shrink < 1:
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        small = small.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=PREVIEW_QUALITY, subsampling=0)
    return file.getvalue()


def _file(path: Path, limits: Limits) -> bytes:
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is not there"
            raise BadPictureError(f"{path.name or path} {what}: name a picture file.")
        limits.check_bytes(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise BadPictureError(f"{path.name} cannot be read: {error.strerror}.") from None


def _from_bytes(data: bytes, limits: Limits, notes: list[str]) -> tuple[Pixels, bytes | None]:
    with header.quiet():
        image = header.open_file(data, limits)
        frames = header.num_frames(image, data)
        if frames > 1:
            many = f"more than {frames - 1}" if frames == image_frames.MOST_FRAMES else str(frames)
            notes.append(f"It has {many} frames or pages; only the first one was taken.")
        pixels = image_pixels.file_pixels(image, lambda: header.open_file(data, limits), notes)
        orientation, exif = image_exif.exif_of(image, notes)
    return image_exif.upright(pixels, orientation), exif


def _from_pillow(
    image: Image.Image, limits: Limits, notes: list[str]
) -> tuple[Pixels, bytes | None]:
    limits.check_size(*image.size)
    with header.quiet():
        header.load(image)
        pixels = image_pixels.pixels_of(image, notes)
        orientation, exif = image_exif.exif_of(image, notes)
    return image_exif.upright(pixels, orientation), exif


def _from_tensor(tensor: Tensor) -> Pixels:
    shape = tuple(tensor.shape)
    if len(shape) == 4 and shape[0] == 1:  # noqa: PLR2004 - a batch of one
        tensor = tensor[0]
    if tensor.ndim != 3 or tensor.shape[0] != 3 or not tensor.is_floating_point():  # noqa: PLR2004
        raise BadPictureError(
            f"A picture as a tensor is (1, 3, H, W) or (3, H, W) in floats; this one is {shape} in "
            f"{tensor.dtype}."
        )
    return np.asarray(tensor.detach().float().cpu().permute(1, 2, 0).numpy())


def _checked(pixels: Pixels) -> Pixels:
    """An array from outside as (H, W, C), once its shape, type and range are right."""
    shape = pixels.shape
    if pixels.ndim == 2:  # noqa: PLR2004 - grey
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in CHANNELS:  # noqa: PLR2004
        raise BadPictureError(
            "A picture as an array is (H, W) or (H, W, C) with 1 to 4 channels; this one is "
            f"{shape}."
        )
    if pixels.dtype.kind != "f" and _white(pixels) == 0:
        raise BadPictureError(
            f"A picture as an array holds uint8, uint16, bool or floats; this one {pixels.dtype}."
        )
    if pixels.size and pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all():
            raise BadPictureError("The picture holds values that are no numbers (NaN or infinity).")
        low, high = float(pixels.min()), float(pixels.max())
        if low < -ROUNDING or high > 1 + ROUNDING:
            raise BadPictureError(
                f"A picture in floats is in [0, 1]; this one goes from {low:g} to {high:g}: divide "
                "it by its white, or give uint8."
            )
    return pixels


def _white(pixels: Pixels) -> int:
    kind = pixels.dtype.kind
    return WHITE.get(kind, 0) or WHITE.get(f"{kind}{pixels.dtype.itemsize}", 0)


def _picture(pixels: Pixels, exif: bytes | None, notes: list[str], name: str) -> Picture:
    """(H, W, C) in the range of its type -> tensors."""
    num_colours, has_alpha = CHANNELS[pixels.shape[2]]
    floats = np.moveaxis(pixels, 2, 0)[None].astype(np.float32, order="C")
    planes = torch.from_numpy(floats).div_(_white(pixels)).clamp_(0, 1)
    alpha = planes[:, -1:].clone() if has_alpha else None
    if alpha is not None and bool((alpha == 1).all()):
        alpha = None
    if alpha is not None and not bool(alpha.any()):
        notes.append("It is fully transparent; the colours beneath are restored, but do not show.")
    image = planes[:, :num_colours].expand(-1, 3, -1, -1).contiguous()
    return Picture(image, alpha, exif, tuple(notes), name)


def _with_alpha(picture: Picture) -> Tensor:
    """The image, its alpha brought to its size and put behind the colours."""
    image, alpha = picture.image, picture.alpha
    if alpha is None:
        return image
    if alpha.shape[-2:] != image.shape[-2:]:
        alpha = functional.interpolate(
            alpha, image.shape[-2:], mode="bicubic", align_corners=False, antialias=True
        )
    return torch.cat([image.cpu(), alpha.cpu()], dim=1)


def _bytes_of(planes: Tensor) -> npt.NDArray[np.uint8]:
    """(1, C, H, W) in [0, 1] -> (H, W, C) in 0 to 255, to the nearest."""
    levels = planes[0].detach().float().cpu().mul(255).round_().clamp_(0, 255)
    return np.asarray(levels.permute(1, 2, 0).contiguous().to(torch.uint8).numpy())


def _text_chunk(recipe: Recipe | None) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if recipe is not None:
        info.add_itxt(KEYWORD, recipe.to_json())
    return info
