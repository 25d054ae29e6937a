"""Pairs of degraded and clean crops for DA-CLIP's published systems, with what is wrong.

The published networks learnt from data sets of ten degradations, and in the wild from LSDIR made
worse. Here all pairs are made of clean pictures, so "raindrop", "shadowed" and "snowy", which
nothing in this project makes, are left out of the ten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from clip_degradation.vocabulary import CLEAN
from restoration.degradations import single as degradations
from restoration.degradations import wild as wild_degradations
from restoration.training.pairs import MARGIN, SPOIL

Pair = tuple[Tensor, Tensor, str]
"""A degraded and the clean picture, (1, 3, H, W) in [0, 1], and what is wrong."""
Spoil = Callable[[Tensor, np.random.Generator, int], Pair]
"""(clean picture, generator, number of the picture) -> a pair of its size."""

GREY = 0.1
"""Share of the wild system's pictures that lose their colour, the clean ones too."""
LUMA = (0.299, 0.587, 0.114)


def _noise(clean: Tensor, rng: np.random.Generator) -> Tensor:
    return degradations.gaussian_noise(clean, float(rng.uniform(10, 50)), rng)


def _jpeg(clean: Tensor, rng: np.random.Generator) -> Tensor:
    return degradations.jpeg_pillow(clean, int(rng.integers(8, 41)))


def _motion(clean: Tensor, rng: np.random.Generator) -> Tensor:
    length, angle = rng.uniform((5, 0), (25, 180)).tolist()
    return degradations.motion_blur(clean, length, angle)


UNIVERSAL: dict[str, Callable[[Tensor, np.random.Generator], Tensor]] = {
    "motion-blurry": _motion,
    "hazy": SPOIL["hazy"],
    "jpeg-compressed": _jpeg,
    "low-light": SPOIL["low-light"],
    "noisy": _noise,
    "rainy": SPOIL["rainy"],
    "uncompleted": SPOIL["uncompleted"],
}
"""What each word of the universal system that can be made here does to a picture.

The published sigma of 50 and quality of 10 are among the strengths that are drawn.
"""
MADE = tuple(UNIVERSAL)


def universal(clean: Tensor, rng: np.random.Generator, number: int) -> Pair:
    """One degradation; pictures of consecutive numbers have all of them in turn."""
    word = MADE[number % len(MADE)]
    return degradations.rounded(UNIVERSAL[word](clean, rng)), clean, word


def wild(clean: Tensor, rng: np.random.Generator, _: int) -> Pair:
    """Several degradations at once, see `degradations/wild.py`; each is named once."""
    if rng.random() < GREY:
        luma = (clean * clean.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
        clean = degradations.rounded(luma.expand_as(clean))
    plan = wild_degradations.draw_plan((clean.shape[-2], clean.shape[-1]), rng)
    named = [word for word in wild_degradations.WORDS if word in plan.words]
    return wild_degradations.carry_out(plan, clean, rng), clean, ", ".join(named) or CLEAN


SPOILS: dict[str, Spoil] = {"universal": universal, "wild": wild}
"""By the name of the system."""


def spoilt_crops(
    spoil: Spoil, crops: Sequence[Tensor], rng: np.random.Generator
) -> tuple[Tensor, Tensor, list[str]]:
    """(degraded, clean, what is wrong) of clean crops (1, 3, side + MARGIN, side + MARGIN).

    The results, (len(crops), 3, side, side), are cut out at random places, the same in both.
    """
    first = int(rng.integers(2**31))
    pairs = [spoil(crop, rng, first + i) for i, crop in enumerate(crops)]
    side = crops[0].shape[-1] - MARGIN
    windows = []
    for degraded, clean, _ in pairs:
        top, left = rng.integers(MARGIN + 1, size=2).tolist()
        window = (..., slice(top, top + side), slice(left, left + side))
        windows.append((degraded[window], clean[window]))
    degraded, clean = (torch.cat(both) for both in zip(*windows, strict=True))
    return degraded, clean, [said for *_, said in pairs]
