"""Structural similarity in Gaussian windows, fast enough to wait for.

The 11x11 window is the product of two rows of eleven, and the picture is taken in strips that fit
the processor's cache: the values of a convolution with the whole window, several times sooner and
in little memory. NumPy, so that the values do not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]

WINDOW = 11
"""Side of the window in pixels."""
SIGMA = 1.5
ROWS = 32
"""Of windows in a strip."""
C1, C2 = 0.01**2, 0.03**2
"""Keep the quotients finite (K1 and K2 of the paper, for values in [0, 1])."""


def similarity(a: Array, b: Array) -> tuple[Array, Array]:
    """(similarity, its contrast and structure alone): means over all windows, (B,) each.

    Wang et al. 2004, Eq. 13, on every channel; only windows that lie wholly inside count.

    Args:
        a: (B, C, H, W) in [0, 1], both sides at least `WINDOW`.
        b: the same shape.
    """
    height, width = (side - WINDOW + 1 for side in a.shape[-2:])
    totals = np.zeros((2, a.shape[0]))
    for top in range(0, height, ROWS):
        rows = slice(top, min(top + ROWS, height) + WINDOW - 1)
        totals += _strip(a[..., rows, :], b[..., rows, :])
    whole, structure = totals / (a.shape[1] * height * width)
    return whole, structure


def gaussian_means(planes: Array, sigma: float, length: int) -> Array:
    """Means under a Gaussian of `length` (odd) pixels a side: (..., H, W), less length - 1 each."""
    distance = np.arange(length) - length // 2
    bell = np.exp(-(distance**2) / (2 * sigma**2))
    weights = (bell / bell.sum()).astype(planes.dtype)
    for axis in (-2, -1):
        planes = _weighted(planes, weights, axis)
    return planes


def _strip(a: Array, b: Array) -> Array:
    """(2, B): sums over the windows of a strip."""
    moments = np.stack([a, b, a * a + b * b, a * b])
    mean_a, mean_b, squares, product = gaussian_means(moments, SIGMA, WINDOW)
    means = mean_a * mean_b
    square_means = mean_a**2 + mean_b**2
    structure = (2 * (product - means) + C2) / (np.maximum(squares - square_means, 0) + C2)
    whole = structure * (2 * means + C1) / (square_means + C1)
    sums: Array = np.stack([whole, structure]).sum((-3, -2, -1), dtype=np.float64)
    return sums


def _weighted(planes: Array, weights: Array, axis: int) -> Array:
    """The weighted sum of neighbours along an axis, the weights being symmetric."""
    middle = len(weights) // 2
    length = planes.shape[axis] - 2 * middle

    def shifted(by: int) -> Array:
        return planes[..., by : by + length] if axis == -1 else planes[..., by : by + length, :]

    total: Array = shifted(middle) * weights[middle]
    pair = np.empty_like(total)
    for by in range(middle):
        np.add(shifted(by), shifted(2 * middle - by), out=pair)
        pair *= weights[by]
        total += pair
    return total
