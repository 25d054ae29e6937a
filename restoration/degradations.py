"""Random degradations: what makes a bad photograph out of a good one.

Pictures are RGB float32 (B, 3, H, W) in [0, 1]. Every draw comes from the numpy generator that
is passed in, so a seed is a picture; global generators are not touched.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restoration.blur_kernels import gaussian_kernel
from restoration.jpeg import jpeg_pillow

__all__ = ["filter2d", "gaussian_kernel", "gaussian_noise", "jpeg_pillow"]

LARGEST_DIRECT = 9
"""Kernels beyond this size are applied through the FFT, which is then the faster way."""


def filter2d(image: Tensor, kernel: Tensor) -> Tensor:
    """Correlate each picture with `kernel`, (k, k) for all or (B, k, k) for one each; k is odd.

    The border is mirrored without repeating the edge pixel, as often as a small picture needs.
    """
    size = kernel.shape[-1]
    padded = _mirrored(image, size // 2)
    weight = kernel.to(image).reshape(-1, 1, size, size)
    return _direct(padded, weight) if size <= LARGEST_DIRECT else _by_fft(padded, weight)


def _direct(padded: Tensor, weight: Tensor) -> Tensor:
    batch, channels, height, width = padded.shape
    if len(weight) == 1:
        result = functional.conv2d(padded.reshape(batch * channels, 1, height, width), weight)
        return result.view(batch, channels, *result.shape[-2:])
    return functional.conv2d(padded.transpose(0, 1), weight, groups=batch).transpose(0, 1)


def _by_fft(padded: Tensor, weight: Tensor) -> Tensor:
    shape = (padded.shape[-2], padded.shape[-1])
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(weight.flip(-2, -1), s=shape)
    start = weight.shape[-1] - 1
    return torch.fft.irfft2(spectrum, s=shape)[..., start:, start:]


def gaussian_noise(image: Tensor, sigma: float, rng: np.random.Generator) -> Tensor:
    """Add independent normal noise of standard deviation `sigma` (grey levels of 255), clamped."""
    return (image + _normal(image.shape, rng).to(image) * (sigma / 255)).clamp(0, 1)


def _normal(shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def _mirrored(image: Tensor, margin: int) -> Tensor:
    """Pad by `margin` on each side; index arithmetic, because a picture may be smaller than it."""
    height, width = image.shape[-2:]
    if margin < min(height, width):
        return functional.pad(image, (margin,) * 4, mode="reflect")
    rows, columns = _mirror_indices(height, margin), _mirror_indices(width, margin)
    return image[..., rows.to(image.device), :][..., columns.to(image.device)]


def _mirror_indices(length: int, margin: int) -> Tensor:
    period = max(2 * (length - 1), 1)
    steps = torch.arange(-margin, length + margin).remainder(period)
    return torch.minimum(steps, period - steps).clamp(max=length - 1)
