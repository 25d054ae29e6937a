"""Blur kernels of the degradations: every one is float32, odd in size and sums to 1.

Notation: q is the quadratic form d' S^-1 d, with d the offset (x, y) in pixels from the centre
and S the covariance of standard deviations sigma_x, sigma_y (pixels), turned by theta (radians).

Source of the random family: Real-ESRGAN (Wang et al. 2021, section 3.2), as DiffBIR and
CodeFormer use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]
Range = tuple[float, float]

LARGE_SINC = 13
"""From this size on a low-pass filter may cut lower: a small one could not show it."""


def gaussian_kernel(size: int, sigma_x: float, sigma_y: float, theta: float = 0.0) -> Tensor:
    """Gaussian: exp(-q / 2), (size, size)."""
    return _normalised(np.exp(-0.5 * _quadratic_form(size, sigma_x, sigma_y, theta)))


def generalized_gaussian_kernel(
    size: int, sigma_x: float, sigma_y: float, theta: float, beta: float
) -> Tensor:
    """Gaussian with a flatter (beta > 1) or sharper (beta < 1) top: exp(-q^beta / 2)."""
    return _normalised(np.exp(-0.5 * _quadratic_form(size, sigma_x, sigma_y, theta) ** beta))


def plateau_kernel(size: int, sigma_x: float, sigma_y: float, theta: float, beta: float) -> Tensor:
    """A plateau with long tails: 1 / (q^beta + 1), (size, size)."""
    return _normalised(1 / (_quadratic_form(size, sigma_x, sigma_y, theta) ** beta + 1))


def sinc_kernel(cutoff: float, size: int, pad_to: int = 0) -> Tensor:
    """Circular low-pass filter, which rings: `cutoff` in radians per pixel, at most pi.

    It is `size` wide, with zeros around it up to `pad_to` where that is larger.
    """
    x, y = _offsets(size)
    radius = np.hypot(x, y)
    radius[size // 2, size // 2] = 1
    bessel = torch.special.bessel_j1(torch.from_numpy(cutoff * radius)).numpy()
    values = cutoff * bessel / (2 * math.pi * radius)
    values[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    margin = max(pad_to - size, 0) // 2
    return _normalised(np.pad(values, margin))


def motion_kernel(length: float, angle: float) -> Tensor:
    """A straight line of `length` pixels, `angle` degrees counter-clockwise from the right."""
    radians = math.radians(angle)
    x, y = _offsets(2 * math.ceil(length / 2) + 3)
    along = x * math.cos(radians) - y * math.sin(radians)
    across = x * math.sin(radians) + y * math.cos(radians)
    beyond = np.maximum(np.abs(along) - (length - 1) / 2, 0)
    return _normalised(np.maximum(1 - np.hypot(across, beyond), 0))


def disc_kernel(radius: float) -> Tensor:
    """The disc that a point out of focus becomes; its edge is smooth over one pixel."""
    x, y = _offsets(2 * math.ceil(radius) + 3)
    return _normalised(np.clip(radius + 0.5 - np.hypot(x, y), 0, 1))


def deblurring_kernel(size: int, nsig: float) -> Tensor:
    """The Gaussian of GDP's deblurring task (Fei et al. 2023), (size, size); 9 and 2 as published.

    From the middle to the outermost pixel it is about `nsig` standard deviations. A pixel weighs
    what the Gaussian holds over its width; the root of that, which the published program takes,
    makes the blur wider by sqrt(2).
    """
    reach = nsig + (nsig + 0.5) / size
    edges = torch.linspace(-reach, reach, size + 1, dtype=torch.float64)
    strips = torch.special.ndtr(edges).diff()
    return _normalised(torch.outer(strips, strips).sqrt().numpy())


@dataclass(frozen=True)
class KernelRanges:
    """What `random_kernel` draws from; widths in pixels, angles in radians."""

    sizes: tuple[int, int] = (7, 21)
    """Smallest and largest odd size."""
    shares: tuple[float, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    """Of round and long Gaussians, round and long generalized ones, round and long plateaus."""
    sigma: Range = (0.2, 3.0)
    generalized_beta: Range = (0.5, 4.0)
    plateau_beta: Range = (1.0, 2.0)
    sinc_share: float = 0.1


def random_kernel(rng: np.random.Generator, ranges: KernelRanges) -> Tensor:
    """A blur kernel drawn from `ranges`."""
    size = random_odd(rng, ranges.sizes)
    if rng.random() < ranges.sinc_share:
        return random_sinc_kernel(rng, size)
    kind, long = divmod(int(rng.choice(len(ranges.shares), p=ranges.shares)), 2)
    sigma_x = sigma_y = rng.uniform(*ranges.sigma)
    theta = 0.0
    if long:
        sigma_y, theta = rng.uniform(*ranges.sigma), rng.uniform(-math.pi, math.pi)
    match kind:
        case 0:
            return gaussian_kernel(size, sigma_x, sigma_y, theta)
        case 1:
            beta = around_one(rng, ranges.generalized_beta)
            return generalized_gaussian_kernel(size, sigma_x, sigma_y, theta, beta)
        case _:
            beta = around_one(rng, ranges.plateau_beta)
            return plateau_kernel(size, sigma_x, sigma_y, theta, beta)


def random_sinc_kernel(rng: np.random.Generator, size: int) -> Tensor:
    """A low-pass filter of a random cutoff, which rings."""
    lowest = math.pi / (3 if size < LARGE_SINC else 5)
    return sinc_kernel(rng.uniform(lowest, math.pi), size)


def random_odd(rng: np.random.Generator, sizes: tuple[int, int]) -> int:
    """An odd number between the two odd `sizes`, both included."""
    return int(2 * rng.integers(sizes[0] // 2, sizes[1] // 2 + 1) + 1)


def around_one(rng: np.random.Generator, span: Range) -> float:
    """Half of the draws below 1, half above."""
    return rng.uniform(span[0], 1) if rng.integers(2) else rng.uniform(1, span[1])


@lru_cache(maxsize=64)
def _grid(size: int) -> tuple[Array, Array]:
    axis = np.arange(size, dtype=np.float64) - (size - 1) / 2
    x, y = np.meshgrid(axis, axis)
    x.setflags(write=False)
    y.setflags(write=False)
    return x, y


def _offsets(size: int) -> tuple[Array, Array]:
    """The x and y offset of each pixel from the centre, (size, size) each; y points down."""
    assert size % 2, "a kernel has a centre pixel"
    return _grid(size)


def _quadratic_form(size: int, sigma_x: float, sigma_y: float, theta: float) -> Array:
    x, y = _offsets(size)
    cos, sin = math.cos(theta), math.sin(theta)
    along, across = (cos * x + sin * y) / sigma_x, (cos * y - sin * x) / sigma_y
    return np.asarray(along**2 + across**2)


def _normalised(values: Array) -> Tensor:
    return torch.from_numpy((values / values.sum()).astype(np.float32))
