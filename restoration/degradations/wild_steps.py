"""The single steps of the degradation "in the wild", as OpenCV and SciPy carry them out.

Pictures are RGB float32 (B, 3, H, W) in [0, 1]; what overshoots that range is left to overshoot,
as published, until noise or JPEG clamps it. A step is called with the picture and a generator, and
holds everything else, so that what was drawn can be looked at and carried out again.

Source: the robust data of DA-CLIP (Luo et al. 2024, deg_util.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restoration.degradations.single import (
    filter2d,
    gaussian_noise,
    jpeg_pillow,
    poisson_noise,
    resize,
    rounded,
)

Step = Callable[[Tensor, np.random.Generator], Tensor]
Resampling = Literal["area", "linear", "cubic"]
RESAMPLINGS: tuple[Resampling, ...] = ("area", "linear", "cubic")

SHARPENING = 0.006
"""What keeps the Wiener filter from dividing by nothing; the smaller, the more it rings."""
GREY = (0.299, 0.587, 0.114)
"""Weights of the grey picture, as OpenCV has them."""
MARGIN = 20
"""Pixels mirrored around a picture before it is sharpened."""


@dataclass(frozen=True)
class Filter:
    """Correlate with a kernel (k, k)."""

    kernel: Tensor

    def __call__(self, image: Tensor, _: np.random.Generator) -> Tensor:
        """Blur."""
        return filter2d(image, self.kernel)


@dataclass(frozen=True)
class Unblur:
    """Sharpen by the Wiener filter of a kernel (k, k) until it rings, and mix `kept` of it in."""

    kernel: Tensor
    kept: float = 0.0
    """Share of the picture as it was in the result."""

    def __call__(self, image: Tensor, _: np.random.Generator) -> Tensor:
        """Sharpen."""
        return torch.lerp(wiener(image, self.kernel), image, self.kept)


@dataclass(frozen=True)
class Resize:
    """Resample to (height, width)."""

    size: tuple[int, int]
    mode: Resampling

    def __call__(self, image: Tensor, _: np.random.Generator) -> Tensor:
        """Resample."""
        return resampled(image, self.size, self.mode)


@dataclass(frozen=True)
class GaussianNoise:
    """Normal noise of `sigma` grey levels of 255, clamped."""

    sigma: float
    grey: bool

    def __call__(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        """Add the noise."""
        return gaussian_noise(image, self.sigma, rng, grey=self.grey)


@dataclass(frozen=True)
class PhotonNoise:
    """Noise of counted light, `scale` times as strong as the number of tones suggests, clamped."""

    scale: float
    grey: bool

    def __call__(self, image: Tensor, rng: np.random.Generator) -> Tensor:
        """Add the noise."""
        return poisson_noise(image, self.scale, rng, grey=self.grey, weights=GREY)


@dataclass(frozen=True)
class Round:
    """Clamp to the 256 levels of an 8 bit file."""

    def __call__(self, image: Tensor, _: np.random.Generator) -> Tensor:
        """Round."""
        return rounded(image)


@dataclass(frozen=True)
class Jpeg:
    """Save as a JPEG file and read it again."""

    quality: int

    def __call__(self, image: Tensor, _: np.random.Generator) -> Tensor:
        """Compress."""
        return jpeg_pillow(image, self.quality)


def resampled(image: Tensor, size: tuple[int, int], mode: Resampling) -> Tensor:
    """Resample to (height, width) as OpenCV does: without antialiasing, cubic with a = -0.75.

    "area" is the mean over the exact box that each new pixel covers, also when it enlarges.
    """
    if mode == "area":
        across = _boxes(image.transpose(-2, -1), size[0]).transpose(-2, -1)
        return _boxes(across, size[1])
    return resize(image, size, "bicubic" if mode == "cubic" else "bilinear")


def wiener(image: Tensor, kernel: Tensor) -> Tensor:
    """Deconvolve by conj(H) / (|H|^2 + 0.006), H the spectrum of `kernel`; not clamped.

    It undoes a convolution, while the blur before it is a correlation: a kernel that is not
    symmetric gets blurred once more. So it is published, and it rings all the same.
    """
    height, width = image.shape[-2:]
    rows, columns = _mirrored_ends(height), _mirrored_ends(width)
    padded = image[..., rows, :][..., columns]
    shape = (padded.shape[-2], padded.shape[-1])
    half = kernel.shape[-1] // 2
    centred = functional.pad(kernel, (0, shape[1] - len(kernel), 0, shape[0] - len(kernel)))
    spectrum = torch.fft.rfft2(centred.roll((-half, -half), (0, 1)))
    gain = spectrum.conj() / (spectrum.abs() ** 2 + SHARPENING)
    result: Tensor = torch.fft.irfft2(torch.fft.rfft2(padded) * gain.to(image.device), s=shape)
    return result[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def _mirrored_ends(length: int) -> Tensor:
    """Indices of a row mirrored at both ends, the last pixel repeated."""
    places = torch.arange(-MARGIN, length + MARGIN).remainder(2 * length)
    return torch.minimum(places, 2 * length - 1 - places)


def _boxes(image: Tensor, width: int) -> Tensor:
    """Mean over `width` equal boxes of the last axis, read off its integral."""
    old = image.shape[-1]
    integral = functional.pad(image.double().cumsum(-1), (1, 0))
    edges = torch.arange(width + 1, dtype=torch.float64, device=image.device) * (old / width)
    left = edges.long().clamp(max=old - 1)
    share = edges - left
    at_edges = integral[..., left] * (1 - share) + integral[..., left + 1] * share
    return (at_edges.diff(dim=-1) * (width / old)).to(image)
