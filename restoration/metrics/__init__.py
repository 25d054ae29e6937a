"""How close two pictures are, by numbers.

Pictures are float32 (B, C, H, W) in [0, 1] of the same size; values are clamped to that range
first. All metrics are taken on all channels alike (no conversion to luminance), and by NumPy, so
that they do not depend on the number of threads.
"""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from restoration.colour import resize
from restoration.metrics.windows import WINDOW, Array, similarity

EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of `ms_ssim`, from the full size to a sixteenth."""
MS_SSIM_SMALLEST = WINDOW * 2 ** (len(EXPONENTS) - 1)
"""The shorter side in pixels that `ms_ssim` needs."""
GRADIENT_CONSTANT = 170 / 255**2
"""c of `gradient_magnitude_similarity`: gradients far below its root (13 levels) say little."""


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB over the whole batch, no border left out; inf if equal.

    Raises:
        ValueError: the pictures differ in size.
    """
    one, other = _matched(a, b)
    error = _mean_square(one - other)
    return -10 * math.log10(error) if error else math.inf


def ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity (Wang et al. 2004), 1 for equal pictures; mean of channels and batch.

    Gaussian window of 11x11 pixels, sigma 1.5, K 0.01 and 0.03; only windows that lie wholly
    inside count, that is, a border of 5 pixels is left out. NaN for pictures that hold no such
    window, unless they are equal.

    Raises:
        ValueError: the pictures differ in size.
    """
    one, other = _matched(a, b)
    if np.array_equal(one, other):
        return 1.0
    if min(one.shape[-2:]) < WINDOW:
        return math.nan
    return float(similarity(one, other)[0].mean())


def ms_ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity over five sizes, each half the last (Wang et al. 2003), 1 if equal.

    The product of the structure of each size and of the brightness of the smallest, each to the
    power of its exponent; negative structure counts as none. Windows as of `ssim`; NaN for
    unequal pictures with a side below 176, of which the smallest size holds no window.

    Raises:
        ValueError: the pictures differ in size.
    """
    one, other = _matched(a, b)
    if np.array_equal(one, other):
        return 1.0
    if min(one.shape[-2:]) < MS_SSIM_SMALLEST:
        return math.nan
    total = np.ones(len(one))
    for exponent in EXPONENTS[:-1]:
        total *= np.maximum(similarity(one, other)[1], 0) ** exponent
        one, other = _halved(one), _halved(other)
    total *= np.maximum(similarity(one, other)[0], 0) ** EXPONENTS[-1]
    return float(total.mean())


def gradient_magnitude_similarity(a: Tensor, b: Tensor) -> float:
    """How alike edges and textures are (Xue et al. 2014), 1 for equal pictures; higher is better.

    The mean of (2 m_a m_b + c) / (m_a^2 + m_b^2 + c), m the length of the Prewitt gradient, which
    falls with blur and with noise alike. Two things differ from the paper's GMSM: all channels
    count instead of their luminance, and nothing is halved first, since that would hide all that
    enlarging by 2 has to add. A border of one pixel is left out.

    Raises:
        ValueError: the pictures differ in size.
    """
    one, other = (picture.reshape(-1, *picture.shape[-2:]) for picture in _matched(a, b))
    return float(np.mean([_alike_gradients(*planes) for planes in zip(one, other, strict=True)]))


def consistency(operator_output: Tensor, y: Tensor) -> float:
    """How far a result, degraded again, is from the measurement: mean squared difference.

    On 0..255, so 6.25 is an error of 2.5 grey levels; nothing is rounded. The "Consistency" of
    GDP's tables (Fei et al. 2023).

    Raises:
        ValueError: the pictures differ in size.
    """
    a, b = _matched(operator_output, y)
    return 255**2 * _mean_square(a - b)


def downscaled_consistency(restored: Tensor, y: Tensor) -> float:
    """`consistency` of an enlarged picture, (B, C, H, W), with the small one it was made from.

    The result is made as small as y by antialiased bicubic resizing and rounded to grey levels,
    whatever y itself was made by: figures of GDP's program (compute_consistency) compare to this.
    """
    small = resize(restored, *y.shape[-2:]).clamp(0, 1)
    return consistency(small.mul(255).round() / 255, y)


def as_array(picture: Tensor) -> Array:
    """The picture in [0, 1] as NumPy takes it."""
    array: Array = picture.detach().float().cpu().clamp(0, 1).numpy()
    return array


def _mean_square(difference: Array) -> float:
    return float(np.mean(difference**2, dtype=np.float64))


def _halved(picture: Array) -> Array:
    """Means of 2x2 pixels; an odd last line is dropped."""
    height, width = (side // 2 * 2 for side in picture.shape[-2:])
    rows = picture[..., 0:height:2, :width] + picture[..., 1:height:2, :width]
    return (rows[..., 0::2] + rows[..., 1::2]) / 4


def _alike_gradients(a: Array, b: Array) -> float:
    """`gradient_magnitude_similarity` of one channel, (H, W)."""
    square_a, square_b = _squared_gradient(a), _squared_gradient(b)
    product = 2 * np.sqrt(square_a * square_b)
    alike = (product + GRADIENT_CONSTANT) / (square_a + square_b + GRADIENT_CONSTANT)
    return float(alike.mean(dtype=np.float64))


def _squared_gradient(plane: Array) -> Array:
    """(H - 2, W - 2): squared length of the Prewitt gradient."""
    across = plane[:, 2:] - plane[:, :-2]
    across = across[:-2] + across[1:-1] + across[2:]
    down = plane[2:] - plane[:-2]
    down = down[:, :-2] + down[:, 1:-1] + down[:, 2:]
    squared: Array = (across**2 + down**2) / 9
    return squared


def _matched(a: Tensor, b: Tensor) -> tuple[Array, Array]:
    if a.shape != b.shape:
        raise ValueError(
            f"only pictures of one size can be compared: "
            f"{a.shape[-1]}x{a.shape[-2]} and {b.shape[-1]}x{b.shape[-2]} were given"
        )
    return as_array(a), as_array(b)
