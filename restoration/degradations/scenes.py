"""What weather and lost data do to a picture: rain, haze, missing pixels.

Pictures are RGB float32 (B, 3, H, W) in [0, 1], and every result is one of the same size, down to
1x1. Every picture of a batch has its own draws, all from the numpy generator that is passed in.
They are meant to look like the thing, not to simulate it.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restoration.degradations.blur_kernels import gaussian_kernel, motion_kernel
from restoration.degradations.single import filter2d, one_by_one

Shape = Literal["pixels", "blocks", "strokes"]

NEAR, FAR = 1.0, 0.5
"""Length of the streaks of the two layers of rain, as a share of what is asked for."""
SWAY = 4.0
"""Standard deviation in degrees between the angles of the two layers."""
WIDTH = 1.8
"""Of a streak in pixels, as it is seen."""
THICKNESS = 0.6
"""Width in pixels of the blur that makes the near streaks thicker than a pixel."""
HILLS = 3
"""Hills of depth along the shorter side of a picture; strokes wind twice as often."""
BLOCK = 12
"""A missing block is this many times smaller than the shorter side."""


def rain(
    image: Tensor, amount: float, rng: np.random.Generator, *, length: float, angle: float
) -> Tensor:
    """Bright streaks in two layers, the far one finer.

    `amount` is about the share of the picture that is under a streak, 0 to 1. Streaks are about
    `length` pixels long, `angle` degrees counter-clockwise from the right.
    """
    if amount == 0:
        return image
    return torch.cat(
        [
            _screened(picture, _streaks(picture, amount, rng, length, angle))
            for picture in one_by_one(image)
        ]
    )


def haze(
    image: Tensor, density: float, rng: np.random.Generator, *, light: float, relief: float
) -> Tensor:
    """A veil over the picture: x t + light (1 - t) with t = exp(-density depth).

    The depth is 1 at its largest and smooth; where it is smallest it is 1 - `relief`, 0 to 1.
    The light is grey, and drawn within 0.03 of `light` in each channel. Source of the model:
    Narasimhan and Nayar 2002.
    """
    if density == 0:
        return image
    return torch.cat(
        [_veiled(picture, density, rng, light, relief) for picture in one_by_one(image)]
    )


def missing(
    image: Tensor,
    share: float,
    rng: np.random.Generator,
    *,
    shape: Shape = "pixels",
    fill: float = 1.0,
) -> Tensor:
    """Lose a share of the picture, shown as `fill`; white is how DA-CLIP knows "uncompleted"."""
    size = (image.shape[-2], image.shape[-1])
    kept = torch.cat([keep_mask(size, share, rng, shape=shape) for _ in one_by_one(image)])
    return torch.where(kept.to(image.device) > 0, image, fill)


def keep_mask(
    size: tuple[int, int], share: float, rng: np.random.Generator, *, shape: Shape = "pixels"
) -> Tensor:
    """Where a picture of `size` (height, width) is kept: (1, 1, H, W), 1 there and 0 where lost.

    Exactly round(share H W) pixels are lost: single ones, blocks, or strokes as of a pen.
    """
    order = _scores(size, rng, shape).flatten().argsort(stable=True)
    mask = torch.ones(order.numel())
    mask[order[: round(share * order.numel())]] = 0
    return mask.view(1, 1, *size)


def _scores(size: tuple[int, int], rng: np.random.Generator, shape: Shape) -> Tensor:
    """What is lost first, lowest first, (1, 1, H, W)."""
    match shape:
        case "pixels":
            return torch.from_numpy(rng.random((1, 1, *size), dtype=np.float32))
        case "blocks":
            side = max(min(size) // BLOCK, 2)
            coarse = (1, 1, -(-size[0] // side), -(-size[1] // side))
            chance = torch.from_numpy(rng.random(coarse, dtype=np.float32))
            blocks = chance.repeat_interleave(side, -2).repeat_interleave(side, -1)
            return blocks[..., : size[0], : size[1]]
        case "strokes":
            return _smooth_field(size, 2 * HILLS, rng).abs()


def _streaks(
    picture: Tensor, amount: float, rng: np.random.Generator, length: float, angle: float
) -> Tensor:
    """How much of the light of rain each pixel gets, (1, 1, H, W) in [0, 1]."""
    clear = torch.ones(1, 1, *picture.shape[-2:])
    for share in (NEAR, FAR):
        long = max(length * share, 1.0)
        layer = _layer(picture, amount / 2, rng, long, angle + SWAY * rng.standard_normal())
        if share == NEAR:
            layer = filter2d(layer, gaussian_kernel(5, THICKNESS, THICKNESS))
        clear = clear * (1 - (layer * share).clamp(0, 1))
    return 1 - clear


def _layer(
    picture: Tensor, amount: float, rng: np.random.Generator, length: float, angle: float
) -> Tensor:
    """Streaks of one length on black, (1, 1, H, W); a single one is as bright as its drop."""
    margin = math.ceil(length)
    height, width = (side + 2 * margin for side in picture.shape[-2:])
    chance = torch.from_numpy(rng.random((2, height, width), dtype=np.float32))
    drops = (chance[0] < amount / (length * WIDTH)) * (0.3 + 0.7 * chance[1])
    streaks = filter2d(drops[None, None], motion_kernel(length, angle)) * length
    return streaks[..., margin:-margin, margin:-margin]


def _screened(picture: Tensor, light: Tensor) -> Tensor:
    return picture + light.to(picture) * (1 - picture)


def _veiled(
    picture: Tensor, density: float, rng: np.random.Generator, light: float, relief: float
) -> Tensor:
    field = _smooth_field((picture.shape[-2], picture.shape[-1]), HILLS, rng)
    low, high = field.min(), field.max()
    depth = 1 - relief * (high - field) / (high - low).clamp(min=1e-6)
    seen = torch.exp(-density * depth).to(picture)
    tint = torch.from_numpy(rng.uniform(-0.03, 0.03, (1, 3, 1, 1)).astype(np.float32))
    return picture * seen + (light + tint).clamp(0, 1).to(picture) * (1 - seen)


def _smooth_field(size: tuple[int, int], cells: int, rng: np.random.Generator) -> Tensor:
    """Hills and valleys around 0, (1, 1, H, W), `cells` of them along the shorter side."""
    shorter = min(size)
    coarse = tuple(min(math.ceil(cells * side / shorter), side) + 3 for side in size)
    chance = torch.from_numpy(rng.standard_normal((1, 1, *coarse), dtype=np.float32))
    return functional.interpolate(chance, size, mode="bicubic", align_corners=True)
