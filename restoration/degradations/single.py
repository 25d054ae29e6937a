"""Degradations: what makes a bad photograph out of a good one.

Pictures are RGB float32 (B, 3, H, W) in [0, 1], and every result is one of the same size, down to
1x1. Every draw comes from the numpy generator that is passed in, so a seed is a picture; global
generators are not touched.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from restoration.degradations.blur_kernels import disc_kernel, gaussian_kernel, motion_kernel
from restoration.degradations.jpeg import jpeg, jpeg_pillow

__all__ = [
    "defocus",
    "downscale",
    "filter2d",
    "gaussian_blur",
    "gaussian_kernel",
    "gaussian_noise",
    "jpeg",
    "jpeg_pillow",
    "low_light",
    "motion_blur",
    "one_by_one",
    "poisson_noise",
    "resize",
    "rounded",
    "sharpen",
]

Resampling = Literal["area", "bilinear", "bicubic"]

LARGEST_DIRECT = 9
"""Kernels beyond this size are applied through the FFT, which is then the faster way."""
GREY = (0.2989, 0.587, 0.114)
"""Weights of the grey picture that grey Poisson noise is drawn from, as torchvision has them."""
TONE = 2.2
"""Power between the levels of a picture and light."""
SMALL_GAUSSIANS = {
    3: (64, 128, 64),
    5: (16, 64, 96, 64, 16),
    7: (8, 28, 56, 72, 56, 28, 8),
    9: (4, 13, 30, 51, 60, 51, 30, 13, 4),
}
"""The profiles, times 256, of OpenCV's Gaussians of these sizes when no width is asked for."""


def filter2d(image: Tensor, kernel: Tensor) -> Tensor:
    """Correlate each picture with `kernel`, (k, k) for all or (B, k, k) for one each; k is odd.

    The border is mirrored without repeating the edge pixel, as often as a small picture needs.
    """
    size = kernel.shape[-1]
    padded = _mirrored(image, size // 2)
    weight = kernel.to(image).reshape(-1, 1, size, size)
    return _direct(padded, weight) if size <= LARGEST_DIRECT else _by_fft(padded, weight)


def resize(image: Tensor, size: tuple[int, int], mode: Resampling) -> Tensor:
    """Resample to (height, width), at least 1x1, without antialiasing; bicubic may overshoot."""
    size = (max(size[0], 1), max(size[1], 1))
    if mode == "area":
        return functional.interpolate(image, size, mode="area")
    return functional.interpolate(image, size, mode=mode, align_corners=False)


def one_by_one(image: Tensor) -> list[Tensor]:
    """The pictures of a batch, (1, 3, H, W) each."""
    return [picture[None] for picture in image]


def rounded(image: Tensor) -> Tensor:
    """The picture as an 8 bit file holds it: clamped, in steps of 1/255."""
    return image.clamp(0, 1).mul(255).round() / 255


def gaussian_noise(
    image: Tensor, sigma: float, rng: np.random.Generator, *, grey: bool = False
) -> Tensor:
    """Add independent normal noise of standard deviation `sigma` (grey levels of 255), clamped.

    With `grey` it is the same in all three channels.
    """
    shape = (len(image), 1 if grey else 3, *image.shape[-2:])
    noise = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(image)
    return (image + noise * (sigma / 255)).clamp(0, 1)


def poisson_noise(
    image: Tensor,
    scale: float,
    rng: np.random.Generator,
    *,
    grey: bool = False,
    weights: tuple[float, float, float] = GREY,
) -> Tensor:
    """Add photon noise, `scale` times as strong as the number of tones in each picture suggests.

    A picture of n tones is counted in 2^ceil(log2 n) photons at white (Real-ESRGAN). With `grey`
    the noise is that of the grey picture of these `weights`, the same in all three channels.
    """
    to_grey = weights if grey else None
    return torch.cat([_poisson_one(picture, scale, rng, to_grey) for picture in one_by_one(image)])


def sharpen(image: Tensor, weight: float = 0.5, radius: int = 51, threshold: float = 10) -> Tensor:
    """Unsharp mask where the picture differs from its blur by over `threshold` grey levels.

    `radius` is the size of the blur in pixels. Source: USMSharp of Real-ESRGAN, which sharpens
    the clean pictures before they are degraded.
    """
    size = radius + 1 - radius % 2
    kernel = _gaussian_of_size(size)
    detail = image - filter2d(image, kernel)
    mask = filter2d((detail.abs() * 255 > threshold).to(image), kernel)
    return mask * (image + weight * detail).clamp(0, 1) + (1 - mask) * image


def gaussian_blur(image: Tensor, sigma: float) -> Tensor:
    """Blur with a round Gaussian of `sigma` pixels; 0 leaves the picture as it is."""
    if sigma == 0:
        return image
    return filter2d(image, gaussian_kernel(2 * math.ceil(4 * sigma) + 1, sigma, sigma))


def motion_blur(image: Tensor, length: float, angle: float) -> Tensor:
    """Blur along a line of `length` pixels, `angle` degrees counter-clockwise from the right."""
    return filter2d(image, motion_kernel(length, angle))


def defocus(image: Tensor, radius: float) -> Tensor:
    """Turn every point into a disc of `radius` pixels."""
    return filter2d(image, disc_kernel(radius))


def downscale(image: Tensor, factor: float) -> Tensor:
    """Make the picture `factor` times smaller, then as large as it was; bicubic both ways."""
    height, width = image.shape[-2:]
    size = (max(round(height / factor), 1), max(round(width / factor), 1))
    small = functional.interpolate(image, size, mode="bicubic", antialias=True)
    return resize(small.clamp(0, 1), (height, width), "bicubic").clamp(0, 1)


def low_light(
    image: Tensor,
    exposure: float,
    sigma: float,
    rng: np.random.Generator,
    *,
    shot: float = 0.0,
    gamma: float = 1.0,
) -> Tensor:
    """Darken in linear light to a share `exposure`, then add noise of `sigma` grey levels.

    The tone curve is a plain power of 2.2. `gamma` over 1 darkens the shadows more than the lights.
    `shot` is the noise of the light itself: its standard deviation in grey levels of linear light
    at white, falling with the root of the light.
    """
    dark = image.clamp(0, 1) ** gamma * exposure ** (1 / TONE)
    if shot:
        light = dark**TONE
        noise = torch.from_numpy(rng.standard_normal(light.shape, dtype=np.float32)).to(light)
        dark = (light + noise * light.sqrt() * (shot / 255)).clamp(0, 1) ** (1 / TONE)
    return gaussian_noise(dark, sigma, rng)


def _gaussian_of_size(size: int) -> Tensor:
    """OpenCV's Gaussian when only its size is given."""
    if size in SMALL_GAUSSIANS:
        profile = torch.tensor(SMALL_GAUSSIANS[size]) / 256
        return torch.outer(profile, profile)
    sigma = 0.3 * ((size - 1) / 2 - 1) + 0.8
    return gaussian_kernel(size, sigma, sigma)


def _poisson_one(
    picture: Tensor,
    scale: float,
    rng: np.random.Generator,
    to_grey: tuple[float, float, float] | None,
) -> Tensor:
    levels = rounded(picture)
    if to_grey:
        levels = rounded(torch.einsum("bchw,c->bhw", picture, picture.new_tensor(to_grey))[:, None])
    tones = int(torch.bincount(levels.mul(255).round().byte().flatten()).count_nonzero())
    photons = 2 ** math.ceil(math.log2(tones))
    counted = rng.poisson(levels.mul(photons).cpu().numpy()).astype(np.float32)
    noise: Tensor = torch.from_numpy(counted).to(picture) / photons - levels
    return (picture + scale * noise).clamp(0, 1)


def _direct(padded: Tensor, weight: Tensor) -> Tensor:
    """Each channel of each picture as a group of its own, which is the quickest on a CPU."""
    batch, channels, height, width = padded.shape
    groups = batch * channels
    each = weight.expand(batch, *weight.shape[1:]).repeat_interleave(channels, 0)
    result = functional.conv2d(padded.reshape(1, groups, height, width), each, groups=groups)
    return result.view(batch, channels, *result.shape[-2:])


def _by_fft(padded: Tensor, weight: Tensor) -> Tensor:
    shape = (padded.shape[-2], padded.shape[-1])
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(weight.flip(-2, -1), s=shape)
    start = weight.shape[-1] - 1
    result: Tensor = torch.fft.irfft2(spectrum, s=shape)
    return result[..., start:, start:]


def _mirrored(image: Tensor, margin: int) -> Tensor:
    """Pad by `margin` on each side; index arithmetic where the picture is smaller than that."""
    height, width = image.shape[-2:]
    if margin < min(height, width):
        return functional.pad(image, (margin,) * 4, mode="reflect")
    rows, columns = _mirror_indices(height, margin), _mirror_indices(width, margin)
    return image[..., rows.to(image.device), :][..., columns.to(image.device)]


def _mirror_indices(length: int, margin: int) -> Tensor:
    period = max(2 * (length - 1), 1)
    steps = torch.arange(-margin, length + margin).remainder(period)
    return torch.minimum(steps, period - steps).clamp(max=length - 1)
