"""Sizes and colours: the resizing of DiffBIR's pipeline and its wavelet colour fix."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LEVELS = 5
"""Of the wavelet split: the colours kept are those of patches of about 2**5 pixels."""
FLAT = 1e-5
"""A standard deviation of pixels below this is none."""


def resize(image: Tensor, height: int, width: int) -> Tensor:
    """Bicubic with antialiasing, (B, C, H, W) -> (B, C, height, width); may leave [0, 1]."""
    if image.shape[-2:] == (height, width):
        return image
    return functional.interpolate(image, (height, width), mode="bicubic", antialias=True)


def resize_short_edge_to(image: Tensor, edge: int) -> Tensor:
    """Bring the shorter side to `edge`; the longer one is cut to a whole number."""
    return resize(image, *short_edge_size(image.shape[-2], image.shape[-1], edge))


def short_edge_size(height: int, width: int, edge: int) -> tuple[int, int]:
    """The sides when the shorter one is brought to `edge`."""
    short = min(height, width)
    tall, wide = (edge if side == short else int(side * (edge / short)) for side in (height, width))
    return tall, wide


def wavelet_decomposition(image: Tensor, levels: int = LEVELS) -> tuple[Tensor, Tensor]:
    """(detail, colour), which add up to the image: the a-trous split with a [1 2 1] kernel."""
    high = torch.zeros_like(image)
    low = image
    for level in range(levels):
        blurred = _wavelet_blur(low, radius=2**level)
        high = high + (low - blurred)
        low = blurred
    return high, low


def wavelet_reconstruction(content: Tensor, style: Tensor) -> Tensor:
    """The detail of `content` on the colours of `style`, both (B, 3, H, W); not clamped."""
    return wavelet_decomposition(content)[0] + wavelet_decomposition(style)[1]


def with_statistics(content: Tensor, style: Tensor) -> Tensor:
    """`content` with the mean and standard deviation of each channel of `style`, as in AdaIN."""
    (spread, mean), (wanted_spread, wanted_mean) = (
        torch.std_mean(image, dim=(-2, -1), keepdim=True, correction=0)
        for image in (content, style)
    )
    return (content - mean) / spread.clamp_min(FLAT) * wanted_spread + wanted_mean


def _wavelet_blur(image: Tensor, radius: int) -> Tensor:
    row = torch.tensor([0.25, 0.5, 0.25], dtype=image.dtype, device=image.device)
    channels = image.shape[1]
    kernel = torch.outer(row, row).expand(channels, 1, 3, 3)
    padded = functional.pad(image, (radius,) * 4, mode="replicate")
    return functional.conv2d(padded, kernel, dilation=radius, groups=channels)
