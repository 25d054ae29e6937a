"""Blur kernels of the degradation "in the wild": every one is float32, odd in size, sums to 1.

Source: the robust data of DA-CLIP (Luo et al. 2024, deg_util.py), whose discs, boxes, lines and
motion kernels come from pyblur.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from restoration.degradations.blur_kernels import (
    Range,
    around_one,
    gaussian_kernel,
    generalized_gaussian_kernel,
    plateau_kernel,
)

MOTION_KERNELS = Path(__file__).parent.parent / "data" / "motion_kernels.npz"
"""The motion kernels of pyblur; `data/README.md` says where they are from."""
WITHOUT_CORNERS = (3, 5)
"""Sizes of the disc that lose their corners."""
LONGEST_LINE = 15
"""A larger size draws a line `SHORTER` pixels shorter."""
SHORTER = 10

FAMILIES = (
    *("iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"),
    *("defocus", "box", "line", "psf"),
)
"""Round and long Gaussians, generalized ones and plateaus; disc, box, line, hand-held motion."""


def pixel_disc_kernel(size: int) -> Tensor:
    """A disc of whole pixels that fills (size, size); 3 and 5 have cut corners."""
    middle = size // 2
    offset = torch.arange(size) - middle
    kernel = (offset[:, None] ** 2 + offset**2 < (middle + 1) ** 2).float()
    if size in WITHOUT_CORNERS:
        kernel[:: size - 1, :: size - 1] = 0
    return kernel / kernel.sum()


def box_kernel(size: int) -> Tensor:
    """The mean over (size, size)."""
    return torch.full((size, size), 1 / size**2)


def line_kernel(size: int, angle: float) -> Tensor:
    """A line of whole pixels from border to border, `angle` degrees counter-clockwise.

    Such a square has 4 * (size // 2) lines through its middle; the one nearest in angle is taken.
    """
    num_lines = 4 * (size // 2)
    angles = np.linspace(0, 180, num_lines, endpoint=False)
    rows, columns = _pixels_between(*_line_ends(size, int(np.abs(angles - angle % 180).argmin())))
    kernel = torch.zeros(size, size)
    kernel[rows, columns] = 1 / len(rows)
    return kernel


@lru_cache(maxsize=1)
def motion_kernels() -> tuple[Tensor, ...]:
    """The 100 paths of a shaking hand of pyblur, 5 to 29 pixels wide; not to be written to."""
    with np.load(MOTION_KERNELS, allow_pickle=False) as file:
        sizes, values = file["sizes"].astype(int), file["values"]
    parts = np.split(values, np.cumsum(sizes**2)[:-1])
    return tuple(
        torch.from_numpy(part.reshape(size, size).copy())
        for part, size in zip(parts, sizes, strict=True)
    )


def uneven(kernel: Tensor, factors: Tensor) -> Tensor:
    """The kernel with each value multiplied by its own factor, (k, k) both."""
    changed = kernel.double() * factors
    return (changed / changed.sum()).float()


@dataclass(frozen=True)
class WildKernelRanges:
    """What `wild_kernel` draws from; widths in pixels."""

    shares: tuple[float, ...] = (0.35, 0.2, 0.1, 0.03, 0.1, 0.03, 0.1, 0.03, 0.03, 0.03)
    """Of the `FAMILIES`."""
    sigma: Range = (0.2, 2.2)
    generalized_beta: Range = (0.5, 2.0)
    plateau_beta: Range = (1.0, 1.5)
    unevenness: Range = (0.9, 1.1)
    """Factors of the values of Gaussians and generalized ones."""


def wild_kernel(rng: np.random.Generator, size: int, ranges: WildKernelRanges) -> Tensor:
    """A blur kernel drawn from `ranges`; only lines and motion have a size of their own."""
    family = FAMILIES[rng.choice(len(FAMILIES), p=ranges.shares)]
    if family in _OTHERS:
        return _OTHERS[family](rng, size)
    sigma_x = sigma_y = rng.uniform(*ranges.sigma)
    theta = 0.0
    if family.endswith("aniso"):
        sigma_y, theta = rng.uniform(*ranges.sigma), rng.uniform(-math.pi, math.pi)
    if family.startswith("plateau"):
        beta = around_one(rng, ranges.plateau_beta)
        return plateau_kernel(size, sigma_x, sigma_y, theta, beta)
    if family.startswith("generalized"):
        beta = around_one(rng, ranges.generalized_beta)
        kernel = generalized_gaussian_kernel(size, sigma_x, sigma_y, theta, beta)
    else:
        kernel = gaussian_kernel(size, sigma_x, sigma_y, theta)
    return uneven(kernel, torch.from_numpy(rng.uniform(*ranges.unevenness, (size, size))))


def _random_line(rng: np.random.Generator, size: int) -> Tensor:
    length = size - SHORTER if size > LONGEST_LINE else size
    num_lines = 4 * (length // 2)
    return line_kernel(length, 180 / num_lines * rng.integers(num_lines))


def _random_motion(rng: np.random.Generator, _: int) -> Tensor:
    known = motion_kernels()
    return known[rng.integers(len(known))]


_OTHERS: dict[str, Callable[[np.random.Generator, int], Tensor]] = {
    "defocus": lambda _, size: pixel_disc_kernel(size),
    "box": lambda _, size: box_kernel(size),
    "line": _random_line,
    "psf": _random_motion,
}


def _line_ends(size: int, index: int) -> tuple[int, int, int, int]:
    """Row and column of where line `index` starts and ends, on opposite sides of the border.

    Starts go down the left side from its middle, along the bottom, and on from the top left: which
    end is first decides how the line is rounded.
    """
    last, middle = size - 1, size // 2
    if index <= middle:
        row, column = middle + index, 0
    elif index <= last:
        row, column = last, index - middle
    elif index <= last + middle:
        row, column = 0, last + middle - index
    else:
        row, column = index - last - middle, 0
    return row, column, last - row, last - column


def _pixels_between(row: int, column: int, to_row: int, to_column: int) -> tuple[Tensor, Tensor]:
    """The rows and the columns of Bresenham's line, ends included; a half is a step on."""
    down, right = to_row - row, to_column - column
    longest = max(abs(down), abs(right))
    step = torch.arange(longest + 1)

    def along(way: int) -> Tensor:
        return (2 * abs(way) * step + longest) // (2 * longest) * (1 if way > 0 else -1)

    return row + along(down), column + along(right)
