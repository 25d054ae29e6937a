"""Random degradation pipelines that blind restorers are trained on.

Pictures are RGB float32 (B, 3, H, W) in [0, 1] and keep their size. Each picture of a batch has
its own draws, all from the numpy generator that is passed in. The ranges are those that DiffBIR
(Lin et al. 2024) was trained with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from restoration.degradations.blur_kernels import (
    KernelRanges,
    Range,
    random_kernel,
    random_odd,
    sinc_kernel,
)
from restoration.degradations.single import (
    Resampling,
    filter2d,
    gaussian_noise,
    jpeg,
    jpeg_pillow,
    one_by_one,
    poisson_noise,
    resize,
    rounded,
)

RESAMPLINGS: tuple[Resampling, ...] = ("area", "bilinear", "bicubic")


@dataclass(frozen=True)
class OrderRanges:
    """What one order of `second_order` draws from; noise in grey levels of 255."""

    kernel: KernelRanges = field(default_factory=KernelRanges)
    blur_share: float = 1.0
    """How often it blurs."""
    resize_shares: tuple[float, float, float] = (0.2, 0.7, 0.1)
    """Up, down, as it is."""
    resize: Range = (0.15, 1.5)
    """The smallest and the largest factor."""
    gaussian_share: float = 0.5
    """How often the noise is normal; otherwise it is photon noise."""
    gaussian: Range = (1, 30)
    poisson: Range = (0.05, 3)
    grey_share: float = 0.4
    jpeg: Range = (30, 95)


@dataclass(frozen=True)
class SecondOrderRanges:
    """What `second_order` draws from."""

    first: OrderRanges = OrderRanges()
    second: OrderRanges = field(
        default_factory=lambda: OrderRanges(
            kernel=KernelRanges(sigma=(0.2, 1.5)),
            blur_share=0.8,
            resize_shares=(0.3, 0.4, 0.3),
            resize=(0.3, 1.2),
            gaussian=(1, 25),
            poisson=(0.05, 2.5),
        )
    )
    scale: float = 4
    """How many times smaller the degraded picture is before it is enlarged again."""
    final_sinc_share: float = 0.8
    final_sizes: tuple[int, int] = (7, 21)


@dataclass(frozen=True)
class FirstOrderRanges:
    """What `first_order` draws from; noise in grey levels of 255."""

    kernel: KernelRanges
    downscale: Range
    noise: Range
    jpeg: Range


_CODEFORMER_KERNEL = KernelRanges(sizes=(41, 41), shares=(0.5, 0.5), sigma=(0.1, 12), sinc_share=0)
CODEFORMER_GENERAL = FirstOrderRanges(_CODEFORMER_KERNEL, (1, 12), (0, 15), (30, 100))
"""DiffBIR's stage 1 for any photograph."""
CODEFORMER_FACE = FirstOrderRanges(
    replace(_CODEFORMER_KERNEL, sigma=(0.1, 10)), (0.8, 8), (0, 20), (60, 100)
)
"""The same for faces."""


def second_order_ranges(
    *, scale: float, blur: float, noise: float, lowest_quality: float
) -> SecondOrderRanges:
    """The ranges of `SecondOrderRanges` with all widths of blur and all noise multiplied."""

    def changed(order: OrderRanges) -> OrderRanges:
        return replace(
            order,
            kernel=replace(order.kernel, sigma=_times(order.kernel.sigma, blur)),
            gaussian=_times(order.gaussian, noise),
            poisson=_times(order.poisson, noise),
            jpeg=(lowest_quality, order.jpeg[1]),
        )

    usual = SecondOrderRanges()
    return replace(usual, first=changed(usual.first), second=changed(usual.second), scale=scale)


def second_order(
    image: Tensor, rng: np.random.Generator, ranges: SecondOrderRanges | None = None
) -> Tensor:
    """Blur, resize, noise and JPEG, twice, with ringing at the end; rounded to 8 bit levels.

    Source: Real-ESRGAN (Wang et al. 2021), enlarged to the size it came with as in DiffBIR.
    """
    drawn_from = ranges or SecondOrderRanges()
    return torch.cat([_second_order_one(picture, rng, drawn_from) for picture in one_by_one(image)])


def first_order(
    image: Tensor, rng: np.random.Generator, ranges: FirstOrderRanges = CODEFORMER_GENERAL
) -> Tensor:
    """Blur, downscale, noise, JPEG, and up again; rounded to 8 bit levels.

    Source: CodeFormer (Zhou et al. 2022), as DiffBIR's first stage is trained.
    """
    return torch.cat([_first_order_one(picture, rng, ranges) for picture in one_by_one(image)])


def _times(span: Range, factor: float) -> Range:
    return span[0] * factor, span[1] * factor


def _second_order_one(
    picture: Tensor, rng: np.random.Generator, ranges: SecondOrderRanges
) -> Tensor:
    height, width = picture.shape[-2:]
    small = (int(height / ranges.scale), int(width / ranges.scale))
    x = _one_order(picture, (height, width), rng, ranges.first)
    x = jpeg(x, rng.uniform(*ranges.first.jpeg))
    x = _one_order(x, small, rng, ranges.second)
    ringing, quality = _final_kernel(rng, ranges), rng.uniform(*ranges.second.jpeg)
    mode = _resampling(rng)
    if rng.integers(2):
        x = filter2d(resize(x, small, mode), ringing)
        x = jpeg(x.clamp(0, 1), quality)
    else:
        x = jpeg(x.clamp(0, 1), quality)
        x = filter2d(resize(x, small, mode), ringing)
    return rounded(resize(rounded(x), (height, width), "bicubic"))


def _one_order(
    x: Tensor, base: tuple[int, int], rng: np.random.Generator, ranges: OrderRanges
) -> Tensor:
    """Blur, resize relative to `base` (height, width), add noise."""
    if rng.random() < ranges.blur_share:
        x = filter2d(x, random_kernel(rng, ranges.kernel))
    factor = _resize_factor(rng, ranges)
    x = resize(x, (int(base[0] * factor), int(base[1] * factor)), _resampling(rng))
    grey = rng.random() < ranges.grey_share
    if rng.random() < ranges.gaussian_share:
        return gaussian_noise(x, rng.uniform(*ranges.gaussian), rng, grey=grey)
    return poisson_noise(x, rng.uniform(*ranges.poisson), rng, grey=grey)


def _resize_factor(rng: np.random.Generator, ranges: OrderRanges) -> float:
    low, high = ranges.resize
    spans = ((1, high), (low, 1), (1, 1))
    return rng.uniform(*spans[rng.choice(3, p=ranges.resize_shares)])


def _resampling(rng: np.random.Generator) -> Resampling:
    return RESAMPLINGS[rng.integers(len(RESAMPLINGS))]


def _final_kernel(rng: np.random.Generator, ranges: SecondOrderRanges) -> Tensor:
    if rng.random() < ranges.final_sinc_share:
        size = random_odd(rng, ranges.final_sizes)
        return sinc_kernel(rng.uniform(math.pi / 3, math.pi), size)
    return torch.ones(1, 1)


def _first_order_one(picture: Tensor, rng: np.random.Generator, ranges: FirstOrderRanges) -> Tensor:
    height, width = picture.shape[-2:]
    factor = rng.uniform(*ranges.downscale)
    x = filter2d(picture, random_kernel(rng, ranges.kernel))
    x = resize(x, (int(height / factor), int(width / factor)), "bilinear")
    x = gaussian_noise(x, rng.uniform(*ranges.noise), rng)
    x = jpeg_pillow(x, int(rng.uniform(*ranges.jpeg)))
    return rounded(resize(x, (height, width), "bilinear"))
