"""Blur kernels of the random degradations: every one sums to 1.

Kernels are (size, size) float32, computed in float64. In all of them the quadratic form is
d' S^-1 d, with d the offset (x, y) in pixels from the centre and S the matrix with standard
deviations sigma_x, sigma_y (pixels), turned by theta (radians).

Source: the kernel family of Real-ESRGAN (Wang et al. 2021, section 3.2), as DiffBIR and
CodeFormer use it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


def gaussian_kernel(size: int, sigma_x: float, sigma_y: float, theta: float = 0.0) -> Tensor:
    """Gaussian blur: exp(-q / 2) of the quadratic form q."""
    return _normalised(np.exp(-0.5 * _quadratic_form(size, sigma_x, sigma_y, theta)))


@lru_cache(maxsize=64)
def _offsets(size: int) -> tuple[Array, Array]:
    """The x and y offsets of each pixel from the centre, (size, size) each."""
    axis = np.arange(size, dtype=np.float64) - (size - 1) / 2
    x, y = np.meshgrid(axis, axis)
    return x, y


def _quadratic_form(size: int, sigma_x: float, sigma_y: float, theta: float) -> Array:
    x, y = _offsets(size)
    cos, sin = np.cos(theta), np.sin(theta)
    along, across = (cos * x + sin * y) / sigma_x, (cos * y - sin * x) / sigma_y
    return np.asarray(along**2 + across**2)


def _normalised(values: Array) -> Tensor:
    return torch.from_numpy((values / values.sum()).astype(np.float32))
