"""The random degradation "in the wild" that DA-CLIP's robust variant was trained on.

What happens to a picture is drawn first (`draw_plan`) and then done (`carry_out`), so a plan can be
looked at, replayed, and asked for the words that a recogniser should answer.

Left out: the blur of a camera under a display, whose kernels (ucdpsf.pkl) were never published.
Where it would come, in 16 of 100 pictures, nothing is done.

Source: DA-CLIP (Luo et al. 2024, deg_util.py, random_degrade).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from restoration.degradations.blur_kernels import Range, random_odd, random_sinc_kernel
from restoration.degradations.single import one_by_one, rounded
from restoration.degradations.wild_kernels import WildKernelRanges, wild_kernel
from restoration.degradations.wild_steps import (
    RESAMPLINGS,
    Filter,
    GaussianNoise,
    Jpeg,
    PhotonNoise,
    Resize,
    Round,
    Step,
    Unblur,
)

Drawn = tuple[Step, tuple[str, ...]]
"""A step, and what it is called."""

BLUR, RINGING, NOISE, BLOCKS = WORDS = ("blur", "ringing artifact", "noise", "jpeg block")
"""What the plans can be described with; resizing counts as blur, as published."""

LARGEST_UNBLURRED = 7
"""Kernels drawn larger than this are not sharpened again."""


@dataclass(frozen=True)
class PhaseRanges:
    """What one of the three phases draws from; an act whose share is 0 is not in it."""

    blur_share: float
    sizes: tuple[int, int]
    """Smallest and largest odd size of the kernel."""
    sigma: Range
    """Widths of the kernel in pixels."""
    sinc_share: float
    """Of the blurs: how often it is a low-pass filter that rings."""
    resize: Literal["away", "back"] | None = None
    """To another size, or to that of the picture."""
    noise_share: float = 0.0
    jpeg_share: float = 0.0
    jpeg: Range = (60, 95)


FIRST = PhaseRanges(0.8, (5, 19), (0.2, 2.2), 0.1, "away", noise_share=0.4, jpeg_share=0.4)
SECOND = PhaseRanges(0.4, (5, 9), (0.2, 1.5), 0.1, noise_share=0.2)
THIRD = PhaseRanges(0.8, (5, 19), (0.2, 1.0), 0.8, "back", jpeg_share=0.4, jpeg=(80, 100))


@dataclass(frozen=True)
class WildRanges:
    """What `draw_plan` draws from; noise in grey levels of 255."""

    phases: tuple[PhaseRanges, ...] = (FIRST, SECOND, THIRD)
    kernel: WildKernelRanges = field(default_factory=WildKernelRanges)
    """Without its widths, which are those of the phase."""
    unblur_share: float = 0.1
    """How often a small blur is sharpened again until it rings."""
    blend_share: float = 0.1
    """How often the blurred picture is then mixed in."""
    blend: Range = (0.1, 0.5)
    resize_share: float = 0.8
    """How often the first phase resizes, and the third back."""
    shrink: Range = (0.5, 1.4)
    """How many times smaller the picture gets."""
    gaussian_share: float = 0.6
    gaussian: Range = (1, 5)
    poisson_share: float = 0.4
    """Independent of the other: noise may be of both sorts or of none, which only rounds."""
    poisson: Range = (0.01, 0.5)
    grey_share: float = 0.4


@dataclass(frozen=True)
class Plan:
    """What will be done to one picture."""

    steps: tuple[Step, ...]
    words: tuple[str, ...]
    """Of `WORDS`, in the order in which they happen; one may come again."""


def wild_ranges(*, blur: float, noise: float, ringing: float, lowest_quality: float) -> WildRanges:
    """The ranges of `WildRanges` with other strengths.

    Widths of blur and strengths of noise are multiplied. `ringing` is the share of low-pass filters
    in the third phase; `lowest_quality` is that of the first phase's JPEG, the last stays 20 above.
    """

    def changed(phase: PhaseRanges) -> PhaseRanges:
        low, high = phase.jpeg
        lowest = min(lowest_quality + low - FIRST.jpeg[0], high)
        return replace(phase, sigma=_times(phase.sigma, blur), jpeg=(lowest, high))

    first, second, third = (changed(phase) for phase in (FIRST, SECOND, THIRD))
    usual = WildRanges()
    return replace(
        usual,
        phases=(first, second, replace(third, sinc_share=ringing)),
        gaussian=_times(usual.gaussian, noise),
        poisson=_times(usual.poisson, noise),
    )


def in_the_wild(
    image: Tensor, rng: np.random.Generator, ranges: WildRanges | None = None
) -> Tensor:
    """Blur, ringing, resizing, noise and JPEG in random order; rounded to 8 bit levels.

    RGB float32 (B, 3, H, W) in [0, 1]; each picture of a batch has its own plan.
    """
    size = (image.shape[-2], image.shape[-1])
    return torch.cat(
        [carry_out(draw_plan(size, rng, ranges), picture, rng) for picture in one_by_one(image)]
    )


def carry_out(plan: Plan, image: Tensor, rng: np.random.Generator) -> Tensor:
    """The picture after every step of the plan, rounded to 8 bit levels.

    Only the noise is drawn here: how it falls depends on the picture.
    """
    for step in plan.steps:
        image = step(image, rng)
    return rounded(image)


def draw_plan(
    size: tuple[int, int], rng: np.random.Generator, ranges: WildRanges | None = None
) -> Plan:
    """What will be done to a picture of `size` (height, width); its result has the same size."""
    asked = ranges or WildRanges()
    resizes = rng.random() < asked.resize_share
    drawn: list[Drawn] = []
    for phase in asked.phases:
        acts = (
            partial(_blurred, phase, asked),
            partial(_resized, phase, asked, size) if resizes else _nothing,
            partial(_noisy, phase, asked),
            partial(_compressed, phase),
        )
        for place in rng.permutation(len(acts)):
            drawn += acts[place](rng)
    words = tuple(word for _, said in drawn for word in said)
    return Plan(tuple(step for step, _ in drawn), words)


def _times(span: Range, factor: float) -> Range:
    return span[0] * factor, span[1] * factor


def _nothing(_: np.random.Generator) -> Iterator[Drawn]:
    yield from ()


def _blurred(phase: PhaseRanges, ranges: WildRanges, rng: np.random.Generator) -> Iterator[Drawn]:
    if rng.random() >= phase.blur_share:
        return  # as published, a fifth of these would be blurred as by a display over the camera
    size, rings = random_odd(rng, phase.sizes), rng.random() < phase.sinc_share
    if rings:
        yield Filter(random_sinc_kernel(rng, size)), (BLUR, RINGING)
        return
    kernel = wild_kernel(rng, size, replace(ranges.kernel, sigma=phase.sigma))
    yield Filter(kernel), (BLUR,)
    if size <= LARGEST_UNBLURRED and rng.random() < ranges.unblur_share:
        blends = rng.random() < ranges.blend_share
        yield Unblur(kernel, rng.uniform(*ranges.blend) if blends else 0.0), (RINGING,)


def _resized(
    phase: PhaseRanges, ranges: WildRanges, size: tuple[int, int], rng: np.random.Generator
) -> Iterator[Drawn]:
    if phase.resize is None:
        return
    factor = rng.uniform(*ranges.shrink) if phase.resize == "away" else 1.0
    height, width = (max(int(side / factor), 1) for side in size)
    yield Resize((height, width), RESAMPLINGS[rng.integers(len(RESAMPLINGS))]), (BLUR,)


def _noisy(phase: PhaseRanges, ranges: WildRanges, rng: np.random.Generator) -> Iterator[Drawn]:
    if rng.random() >= phase.noise_share:
        return
    if rng.random() < ranges.gaussian_share:
        grey = rng.random() < ranges.grey_share
        yield GaussianNoise(rng.uniform(*ranges.gaussian), grey), ()
    if rng.random() < ranges.poisson_share:
        grey = rng.random() < ranges.grey_share
        yield PhotonNoise(rng.uniform(*ranges.poisson), grey), ()
    yield Round(), (NOISE,)


def _compressed(phase: PhaseRanges, rng: np.random.Generator) -> Iterator[Drawn]:
    if rng.random() < phase.jpeg_share:
        yield Jpeg(int(rng.uniform(*phase.jpeg))), (BLOCKS,)
