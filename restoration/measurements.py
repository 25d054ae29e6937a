"""What is known of a picture: a `Problem` in words, turned into y = A x + noise.

The unknown picture x is in [-1, 1] and at least as large as a patch of the network, so small
pictures are mirrored outwards first; `Measurement.crop` cuts the result back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from restoration import operators
from restoration.colour import resize
from restoration.degradations.blur_kernels import disc_kernel, gaussian_kernel, motion_kernel
from restoration.degradations.single import rounded
from restoration.errors import BadKnobError, BadPictureError
from restoration.metrics import consistency
from restoration.noise import Noise
from restoration.operators import Operator
from restoration.problems import Problem
from restoration.protocol import Request
from restoration.tiling import mirrored_by, mirrored_to

ROUNDING = 1 / 255 / 12**0.5 * 2
"""Standard deviation of what an 8-bit file rounds away, in [-1, 1]."""
APRON = 8
"""Mirrored margin of a blur that wraps around, in units of its reach."""
HALF = 0.5
"""Of a pixel: from here on it counts as kept."""
WORDS = "This text was written over the picture. "
LINE = 0.09
"""Height of a line of text, as a share of the shorter side."""


@dataclass(frozen=True)
class Measurement:
    """A degraded picture and how it came to be: all that a guided prior is told."""

    operator: Operator
    y: Tensor
    """(1, C, H', W') in [-1, 1]."""
    sigma: float
    """Standard deviation of the noise in y."""
    size: tuple[int, int]
    """(height, width) of the unknown picture, mirrored margins included."""
    crop: tuple[int, int, int, int]
    """(top, bottom, left, right) of the part of it that was asked for; what lies above and to the
    left of it, a blur sees below and to the right as well."""

    def cropped(self, x0: Tensor) -> Tensor:
        """The part that was asked for, of (B, 3, H, W)."""
        top, bottom, left, right = self.crop
        return x0[..., top:bottom, left:right]

    def picture(self, x0: Tensor) -> Tensor:
        """A guess of the unknown picture as (1, 3, H, W) in [0, 1], its samples averaged."""
        return ((self.cropped(x0).mean(0, keepdim=True) + 1) / 2).clamp(0, 1).cpu()

    def shown(self) -> Tensor:
        """Y as a picture of the size of the result."""
        top, bottom, left, right = self.crop
        height, width = self.size
        fitted = resize(self.y.expand(-1, 3, -1, -1), height - 2 * top, width - 2 * left)
        return ((fitted[..., : bottom - top, : right - left] + 1) / 2).clamp(0, 1).cpu()

    def consistency(self, x0: Tensor) -> float:
        """How far the degraded guess is from y: mean squared difference of grey levels."""
        guess = self.operator(x0.clamp(-1, 1).mean(0, keepdim=True))
        return consistency((guess + 1) / 2, (self.y + 1) / 2)


def check(request: Request, problem: Problem) -> None:
    """Refuse what cannot be measured, before anything is loaded.

    Raises:
        BadKnobError: nothing was done to the picture.
        BadPictureError: the mask or the kernel is missing or does not fit.
    """
    height, width = request.degraded.shape[-2:]
    if problem.is_nothing:
        raise BadKnobError(
            "problem: say what was done to the picture (noise, missing, downscale, grey, blur), "
            "or take a preset"
        )
    if problem.missing == "drawn":
        _check_mask(request.mask, height, width)
    if problem.blur == "kernel":
        _check_kernel(request.kernel, height, width)
    elif problem.blur != "none":
        reach = max(_kernel(problem, None).shape)
        if reach > min(height, width) * (1 if problem.spoil else problem.factor):
            raise BadKnobError(
                f"problem.blur_size: this blur is {reach} pixels wide, and the picture "
                f"{width}x{height}: choose a smaller blur"
            )


def measure(
    request: Request, problem: Problem, noise: Noise, *, patch: int, wrap: bool = False
) -> Measurement:
    """Turn what the user says of a picture into a measurement.

    With `problem.spoil` the picture is degraded first, else it is taken as degraded already. What
    lies beyond its border is unknown: where a blur looks there, the unknown picture is larger.

    Args:
        request: the picture; its mask and kernel where the problem speaks of them.
        problem: what was done.
        noise: draws the lost pixels, and the noise of a spoilt picture.
        patch: the least side of the unknown picture.
        wrap: blur as if the picture, in a mirrored margin, went on at its other side: for methods
            that need a spectrum.

    Raises:
        RestorationError: as `check`.
    """
    check(request, problem)
    kernel, factor = request.kernel, problem.factor
    margins = _reach(problem, kernel)
    asked = problem.output_size(*request.degraded.shape[-2:])
    degraded, mask = request.degraded * 2 - 1, request.mask
    if problem.spoil:
        degraded = _spoilt(degraded, problem, kernel, margins, noise)
        mask = None if mask is None else (resize(mask, *degraded.shape[-2:]) >= HALF).float()
    apron = (0, 0)
    if wrap:  # so that what comes round from the other side stays out of sight
        apron = _apron(degraded, margins)
        degraded = mirrored_by(degraded, *apron)
        mask = None if mask is None else mirrored_by(mask, *apron)
        margins = (0, 0)
    down, right = margins
    least = -(-max(patch - 2 * min(margins), 1) // factor)
    height, width = (max(side, least) for side in degraded.shape[-2:])
    y = mirrored_to(degraded, height, width)
    size = height * factor + 2 * down, width * factor + 2 * right
    parts = _parts(problem, kernel, size, wrap=wrap)
    if problem.grey:
        y = operators.Grey()(y)
    if problem.missing != "none":
        lost = _mask(problem, None if mask is None else mirrored_to(mask, height, width), y, noise)
        parts, y = [*parts, lost], lost(y)
    sigma = max(problem.noise / 255 * 2, ROUNDING if problem.blur != "none" else 0.0)
    top, left = (margin + factor * extra for margin, extra in zip(margins, apron, strict=True))
    crop = top, top + asked[0], left, left + asked[1]
    return Measurement(operators.compose(parts), y, sigma, size, crop)


def _spoilt(
    clean: Tensor, problem: Problem, kernel: Tensor | None, margins: tuple[int, int], noise: Noise
) -> Tensor:
    """(1, 3, H', W'): what the operators make of a clean picture that is mirrored at its border."""
    down, right = margins
    height, width = (-(-side // problem.factor) * problem.factor for side in clean.shape[-2:])
    inner = mirrored_to(clean, height, width)
    x = mirrored_by(inner, down, right)
    y = x
    for part in _parts(problem, kernel, (x.shape[-2], x.shape[-1]), wrap=False):
        y = part(y)
    y = y + problem.noise / 255 * 2 * noise(y)
    return (rounded((y + 1) / 2) * 2 - 1).expand(-1, 3, -1, -1)


def _parts(
    problem: Problem, kernel: Tensor | None, size: tuple[int, int], *, wrap: bool
) -> list[Operator]:
    """The operators before the mask, in their order."""
    parts: list[Operator] = []
    if problem.blur != "none":
        blur = operators.CircularBlur if wrap else operators.ValidBlur
        spread = _kernel(problem, kernel)
        parts.append(blur(spread))
        if not wrap:
            size = size[0] - spread.shape[0] + 1, size[1] - spread.shape[1] + 1
    if problem.factor > 1:
        if problem.downscaler == "bicubic":
            parts.append(operators.bicubic_downscale(problem.factor, *size))
        else:
            parts.append(operators.Downscale(problem.factor))
    if problem.grey:
        parts.append(operators.Grey())
    return parts


def _apron(degraded: Tensor, reach: tuple[int, int]) -> tuple[int, int]:
    """Pixels to mirror on each side, so that what comes round from the other side does not show.

    Never more than what makes the mirrored picture meet itself without a seam.
    """
    height, width = degraded.shape[-2:]
    down, right = (
        min(APRON * far, max(side - 2, 0) // 2)
        for far, side in zip(reach, (height, width), strict=True)
    )
    return down, right


def _reach(problem: Problem, kernel: Tensor | None) -> tuple[int, int]:
    """How far a blur looks up and down, and to the left and right."""
    if problem.blur == "none":
        return 0, 0
    height, width = _kernel(problem, kernel).shape
    return height // 2, width // 2


def _kernel(problem: Problem, uploaded: Tensor | None) -> Tensor:
    """The blur as (k_h, k_w) with odd sides and a sum of 1."""
    size = problem.blur_size
    match problem.blur:
        case "gaussian":
            return gaussian_kernel(2 * int(np.ceil(3 * size)) + 1, size, size)
        case "motion":
            return motion_kernel(size, problem.blur_angle)
        case "defocus":
            return disc_kernel(size)
        case "box":
            side = 2 * round(size) + 1
            return torch.full((side, side), 1 / side**2)
        case _:
            assert uploaded is not None, "checked before"
            return uploaded / uploaded.sum()


def _mask(problem: Problem, drawn: Tensor | None, y: Tensor, noise: Noise) -> operators.Mask:
    height, width = y.shape[-2:]
    match problem.missing:
        case "random":
            order = noise(y[:1, :1]).flatten().argsort()
            kept = torch.ones(height * width)
            kept[order[: round(problem.share * height * width)]] = 0
            return operators.Mask(kept.view(1, 1, height, width))
        case "text":
            return operators.Mask(text_mask(height, width))
        case _:
            assert drawn is not None, "checked before"
            return operators.Mask(drawn.float())


def text_mask(height: int, width: int) -> Tensor:
    """(1, 1, height, width): lines of text across a picture, 0 where there is ink."""
    line = max(8.0, LINE * min(height, width))
    paper = Image.new("L", (width, height), 255)
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(size=line)
    letters = WORDS * (1 + 4 * width // int(line * len(WORDS)))
    for row in range(int(height // (1.5 * line)) + 1):
        start = 7 * row % len(WORDS)
        pen.text((2, row * 1.5 * line), letters[start:], fill=0, font=font)
    return torch.from_numpy(np.asarray(paper, dtype=np.float32) / 255 >= HALF)[None, None].float()


def _check_mask(mask: Tensor | None, height: int, width: int) -> None:
    if mask is None:
        raise BadPictureError(
            "Draw over what is lost, or give a mask that is white there: nothing is marked yet."
        )
    if mask.shape[-2:] != (height, width):
        raise BadPictureError(
            f"The mask has {mask.shape[-1]}x{mask.shape[-2]} pixels and the picture "
            f"{width}x{height}: both must have the same size."
        )
    if bool((mask > 0).all()):
        raise BadPictureError("The mask is empty: mark what is lost, or there is nothing to do.")
    if not bool((mask > 0).any()):
        raise BadPictureError(
            "The mask covers the whole picture: leave something to go by, at least a border."
        )


def _check_kernel(kernel: Tensor | None, height: int, width: int) -> None:
    if kernel is None:
        raise BadPictureError("Give a picture of the blur kernel, or choose another kind of blur.")
    rows, columns = kernel.shape
    if rows % 2 == 0 or columns % 2 == 0:
        raise BadPictureError(
            f"The kernel has {columns}x{rows} pixels, but needs odd sides, so that it has a "
            "middle: cut a row or column off."
        )
    if rows > height or columns > width:
        raise BadPictureError(
            f"The kernel ({columns}x{rows}) is larger than the picture ({width}x{height}): cut "
            "its dark border off."
        )
    if not bool(kernel.isfinite().all()) or float(kernel.min()) < 0 or float(kernel.sum()) == 0:
        raise BadPictureError(
            "The kernel must be bright where light went and black elsewhere; this one has no "
            "light in it, or less than none."
        )
