"""How close two pictures are, by numbers.

Pictures are float32 (B, C, H, W) in [0, 1] of the same size; values are clamped to that range
first. All metrics are taken on all channels alike (no conversion to luminance).
"""

from __future__ import annotations

import math

from torch import Tensor

from restoration.colour import resize

WINDOW = 11
"""Side of the window of `ssim` in pixels."""


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB over the whole batch, no border left out; inf if equal.

    Raises:
        ValueError: the pictures differ in size.
    """
    a, b = _matched(a, b)
    if a.equal(b):
        return math.inf
    from torchmetrics.functional.image.psnr import peak_signal_noise_ratio

    return float(peak_signal_noise_ratio(a, b, data_range=1.0))


def ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity (Wang et al. 2004), 1 for equal pictures; mean of channels and batch.

    Gaussian window of 11x11 pixels, sigma 1.5, K 0.01 and 0.03; only windows that lie wholly
    inside count, that is, a border of 5 pixels is left out. NaN for pictures that hold no such
    window, unless they are equal.

    Raises:
        ValueError: the pictures differ in size.
    """
    a, b = _matched(a, b)
    if a.equal(b):
        return 1.0
    if min(a.shape[-2:]) < WINDOW:
        return math.nan
    from torchmetrics.functional.image.ssim import structural_similarity_index_measure

    _, values = structural_similarity_index_measure(
        a, b, kernel_size=WINDOW, sigma=1.5, data_range=1.0, return_full_image=True
    )
    border = WINDOW // 2
    return float(values[..., border:-border, border:-border].mean())


def consistency(operator_output: Tensor, y: Tensor) -> float:
    """How far a result, degraded again, is from the measurement: mean squared difference.

    On 0..255, so 6.25 is an error of 2.5 grey levels; nothing is rounded. The "Consistency" of
    GDP's tables (Fei et al. 2023).

    Raises:
        ValueError: the pictures differ in size.
    """
    a, b = _matched(operator_output, y)
    return float((a - b).mul(255).square().mean())


def downscaled_consistency(restored: Tensor, y: Tensor) -> float:
    """`consistency` of an enlarged picture, (B, C, H, W), with the small one it was made from.

    The result is made as small as y by antialiased bicubic resizing and rounded to grey levels,
    whatever y itself was made by: figures of GDP's program (compute_consistency) compare to this.
    """
    small = resize(restored, *y.shape[-2:]).clamp(0, 1)
    return consistency(small.mul(255).round() / 255, y)


def _matched(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise ValueError(
            f"only pictures of one size can be compared: "
            f"{a.shape[-1]}x{a.shape[-2]} and {b.shape[-1]}x{b.shape[-2]} were given"
        )
    return a.detach().float().cpu().clamp(0, 1), b.detach().float().cpu().clamp(0, 1)
