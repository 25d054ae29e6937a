"""The square that FFHQ cuts out around a face, turned upright: what priors of faces have learnt.

After the recipe of Karras et al. 2019 (appendix A): the square follows the line between the eyes
and the one from the eyes to the mouth; where it leaves the picture, the picture goes on mirrored,
blurred more and more, and fades to its median colour.

Notation: places are x to the right, y down, in pixels from the left top corner of the picture
(the centre of its first pixel is at 0.5, 0.5), as complex numbers x + iy where they are turned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from restoration.degradations.single import gaussian_blur

EYES, MOUTH = 2.0, 1.8
"""Half the side of the square in distances between the eyes, and from eyes to mouth."""
DOWN = 0.1
"""Its centre, in distances from the eyes to the mouth."""
MARGIN = 0.1
"""How far beyond the square the picture is of interest, in sides of it."""
FADE = 0.3
"""Over which width a picture that ends within the square fades, at least; in sides of it."""
SOFTNESS = 0.02
"""Standard deviation of the blur beyond the picture, in sides of the square."""
ROUGH = 256
"""The side that the square has where the picture is blurred; so little detail is left of it."""
FINER = 2
"""Samples per pixel of the result and direction, before they are joined."""

Size = tuple[int, int]


@dataclass(frozen=True)
class FaceSquare:
    """A square that may be turned and may leave the picture."""

    centre: complex
    half: complex
    """From the centre to the middle of its right side."""

    @property
    def side(self) -> float:
        """In pixels."""
        return 2 * abs(self.half)

    def places(self, count: int) -> Tensor:
        """The centres of count x count equal parts, (count, count, 2)."""
        steps = (torch.arange(count, dtype=torch.float64) + 0.5) / count * 2 - 1
        down, right = torch.meshgrid(steps, steps, indexing="ij")
        x = self.centre.real + right * self.half.real - down * self.half.imag
        y = self.centre.imag + right * self.half.imag + down * self.half.real
        return torch.stack([x, y], dim=-1)

    def extent(self) -> tuple[float, float, float, float]:
        """The upright box around it: left, top, right, bottom."""
        reach = abs(self.half.real) + abs(self.half.imag)
        x, y = self.centre.real, self.centre.imag
        return x - reach, y - reach, x + reach, y + reach


def around(points: Tensor) -> FaceSquare:
    """The square around a face, from its five points (5, 2).

    They are the eye on the left of the picture and the one on the right, the tip of the nose, and
    the corners of the mouth on the left and on the right.
    """
    left_eye, right_eye, _, left_corner, right_corner = (complex(x, y) for x, y in points.tolist())
    eyes, mouth = (left_eye + right_eye) / 2, (left_corner + right_corner) / 2
    across, down = right_eye - left_eye, mouth - eyes
    upright = across - 1j * down  # eyes to the right and mouth below: both point to the right
    if abs(upright) == 0:
        raise ValueError(f"these points are no face: {points.tolist()}")
    half = max(EYES * abs(across), MOUTH * abs(down))
    return FaceSquare(eyes + DOWN * down, upright / abs(upright) * half)


@torch.no_grad()
def cut(image: Tensor, square: FaceSquare, side: int) -> Tensor:
    """What is in the square, (1, 3, side, side); `image` is (1, 3, H, W) in [0, 1]."""
    image, square = _neighbourhood(image.detach().float().cpu(), square)
    height, width = image.shape[-2:]
    samples, places = _samples(image, square, side)
    beyond = _beyond(square, places, (height, width))
    if beyond is not None:
        rough = _shrunk(image, ROUGH / square.side)
        sigma = SOFTNESS * square.side * rough.shape[-1] / width
        soft = _sampled(gaussian_blur(rough, sigma), places, (height, width))
        middle = rough.flatten(2).median(dim=-1).values[..., None, None]
        samples = samples + (soft - samples) * (3 * beyond + 1).clamp(0, 1)
        samples = samples + (middle - samples) * beyond.clamp(0, 1)
    return _joined(samples, side)


@torch.no_grad()
def taken_out(image: Tensor, square: FaceSquare, side: int) -> Tensor:
    """As `cut`, only mirrored where the picture ends: what is in the picture is left as it is."""
    image, square = _neighbourhood(image.detach().float().cpu(), square)
    return _joined(_samples(image, square, side)[0], side)


def _samples(image: Tensor, square: FaceSquare, side: int) -> tuple[Tensor, Tensor]:
    """`FINER` samples per pixel of the square and direction, and where they lie."""
    near = _shrunk(image, FINER * side / square.side)
    places = square.places(FINER * side)
    return _sampled(near, places, (image.shape[-2], image.shape[-1])), places


def _joined(samples: Tensor, side: int) -> Tensor:
    joined = functional.interpolate(
        samples, (side, side), mode="bicubic", align_corners=False, antialias=True
    )
    return joined.clamp(0, 1)


def _neighbourhood(image: Tensor, square: FaceSquare) -> tuple[Tensor, FaceSquare]:
    """The part of the picture that matters, and the square within it."""
    height, width = image.shape[-2:]
    left, top, right, bottom = square.extent()
    margin = MARGIN * square.side
    x0, x1 = max(0, math.floor(left - margin)), min(width, math.ceil(right + margin))
    y0, y1 = max(0, math.floor(top - margin)), min(height, math.ceil(bottom + margin))
    near = image[..., y0:y1, x0:x1].contiguous()  # the median of an expanded tensor is NaN
    return near, FaceSquare(square.centre - complex(x0, y0), square.half)


def _shrunk(image: Tensor, scale: float) -> Tensor:
    """The picture at a resolution that samples of the square can hold without aliasing."""
    if scale >= 1:
        return image
    size = [max(2, round(length * scale)) for length in image.shape[-2:]]
    return functional.interpolate(image, size, mode="bicubic", align_corners=False, antialias=True)


def _sampled(image: Tensor, places: Tensor, size: Size) -> Tensor:
    """The picture, mirrored at its edges, at places in pixels of `size` (height, width)."""
    height, width = size
    grid = places * places.new_tensor([2 / width, 2 / height]) - 1
    return functional.grid_sample(
        image, grid[None].to(image), "bicubic", padding_mode="reflection", align_corners=False
    )


def _beyond(square: FaceSquare, places: Tensor, size: Size) -> Tensor | None:
    """How far each place is outside of a picture, 0 at its edge and 1 at most; None: all inside.

    It is negative inside, and a third of the fading width within the edge it is -1/3.
    """
    height, width = size
    left, top, right, bottom = square.extent()
    x, y = places.unbind(-1)
    reaches = (-left, -top, right - width, bottom - height)
    if max(reaches) <= 0:
        return None
    widths = [max(reach + MARGIN * square.side, FADE * square.side) for reach in reaches]
    outside = (-x, -y, x - width, y - height)
    shares = [distance / width for distance, width in zip(outside, widths, strict=True)]
    return torch.stack(shares).amax(dim=0).float()
