"""How close two pictures are, by numbers.

Pictures are float32 (B, C, H, W) in [0, 1] of the same size; values are clamped to that range
first. All metrics are taken on all channels alike (no conversion to luminance).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from restoration.colour import resize

WINDOW = 11
"""Side of the window of `ssim` in pixels."""
GRADIENT_CONSTANT = 170 / 255**2
"""c of `gradient_magnitude_similarity`: gradients far below its root (13 levels) say little."""


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


def gradient_magnitude_similarity(a: Tensor, b: Tensor) -> float:
    """How alike edges and textures are (Xue et al. 2014), 1 for equal pictures; higher is better.

    The mean of (2 m_a m_b + c) / (m_a^2 + m_b^2 + c), m the length of the Prewitt gradient, which
    falls with blur and with noise alike. Two things differ from the paper's GMSM: all channels
    count instead of their luminance, and nothing is halved first, since that would hide all that
    enlarging by 2 has to add. A border of one pixel is left out.

    Raises:
        ValueError: the pictures differ in size.
    """
    m_a, m_b = (_gradient_magnitude(picture) for picture in _matched(a, b))
    both = m_a.square() + m_b.square() + GRADIENT_CONSTANT
    return float(((2 * m_a * m_b + GRADIENT_CONSTANT) / both).mean())


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


def _gradient_magnitude(picture: Tensor) -> Tensor:
    """(B, C, H - 2, W - 2): length of the Prewitt gradient."""
    across = torch.tensor([[1.0, 0.0, -1.0]] * 3) / 3
    kernels = torch.stack([across, across.T])[:, None]
    planes = picture.flatten(0, 1)[:, None]
    lengths: Tensor = functional.conv2d(planes, kernels).square().sum(1).sqrt()
    return lengths.view(*picture.shape[:2], *lengths.shape[1:])


def _matched(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if a.shape != b.shape:
        raise ValueError(
            f"only pictures of one size can be compared: "
            f"{a.shape[-1]}x{a.shape[-2]} and {b.shape[-1]}x{b.shape[-2]} were given"
        )
    return a.detach().float().cpu().clamp(0, 1), b.detach().float().cpu().clamp(0, 1)
