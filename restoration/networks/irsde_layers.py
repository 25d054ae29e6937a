"""What the networks of IR-SDE have in common: a norm of channels, and how the time is told."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from restoration.tiling import mirrored_to

EPS = 1e-5


class ChannelNorm(nn.Module):
    """Unit variance over the channels of every pixel, then a scale `g` per channel.

    Always computed in float32 and with the same eps: the published one takes another eps in half
    precision, which changes the picture by a quarter of its contrast.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W), in the precision of x."""
        full = x.float()
        variance, mean = torch.var_mean(full, dim=1, unbiased=False, keepdim=True)
        return ((full - mean) * (variance + EPS).rsqrt() * self.g.float()).to(x.dtype)


class TimeWaves(nn.Module):
    """Sines, then cosines of the time, at `width` / 2 frequencies from 1 down to 1/10000."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_waves = width // 2

    def forward(self, t: Tensor) -> Tensor:
        """(B,) -> (B, width) float32."""
        steps = torch.arange(self.num_waves, device=t.device, dtype=torch.float32)
        frequencies = (-math.log(10_000) / (self.num_waves - 1) * steps).exp()
        angles = t.float()[:, None] * frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=1)


def time_of(t: Tensor | float, like: Tensor) -> Tensor:
    """The time as a tensor beside `like`: (B,) as given, or (1,) for one that all share."""
    return torch.as_tensor(t, device=like.device).reshape(-1)


def scaled(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """X (B, C, H, W) under a scale, as a change from 1, and a shift, (B, C) each.

    Computed in the precision of the time, rounded once to that of x.
    """
    return (x * (scale[..., None, None] + 1) + shift[..., None, None]).to(x.dtype)


def mirrored_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Mirror right and bottom up to the next multiple, as often as a small picture needs."""
    height, width = x.shape[-2:]
    down, right = -height % multiple, -width % multiple
    return mirrored_to(x, height + down, width + right) if down or right else x
