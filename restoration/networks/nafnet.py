"""Refusion's network (Luo et al. 2023): a NAFNet that is told the time.

    eps = network(x_t, mu, t)

Everything is as with `conditional_unet`: pictures (B, 3, H, W) in [0, 1] beside the noise, float32
in and out, t the step of the training schedule. The picture is padded with zeros inside, as
published. Names of layers and constructor arguments are those of DenoisingNAFNet_arch.py in
Algolzw/image-restoration-sde.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from restoration.networks.irsde_layers import ChannelNorm, TimeWaves, scaled, time_of
from restoration.tiling import pad_to_multiple


class ConditionalNAFNet(nn.Module):
    """Guesses the noise of x_t from x_t - mu, mu and the time.

    Args:
        img_channel: channels of a picture.
        width: channels at the finest level; they double with every level.
        middle_blk_num: blocks at the coarsest level.
        enc_blk_nums: blocks at each level on the way down.
        dec_blk_nums: blocks at each level on the way up.
    """

    def __init__(
        self,
        img_channel: int = 3,
        width: int = 64,
        middle_blk_num: int = 1,
        enc_blk_nums: Sequence[int] = (1, 1, 1, 28),
        dec_blk_nums: Sequence[int] = (1, 1, 1, 1),
    ) -> None:
        super().__init__()
        self.multiple = 2 ** len(enc_blk_nums)
        time_dim = 4 * width

        def blocks(count: int, channels: int) -> nn.ModuleList:
            return nn.ModuleList(Block(channels, time_dim) for _ in range(count))

        self.time_mlp = nn.Sequential(
            TimeWaves(width), nn.Linear(width, 2 * time_dim), Gate(), nn.Linear(time_dim, time_dim)
        )
        self.intro = nn.Conv2d(2 * img_channel, width, 3, padding=1)
        self.ending = nn.Conv2d(width, img_channel, 3, padding=1)
        self.encoders, self.downs = nn.ModuleList(), nn.ModuleList()
        for count in enc_blk_nums:
            self.encoders.append(blocks(count, width))
            self.downs.append(nn.Conv2d(width, 2 * width, 2, stride=2))
            width *= 2
        self.middle_blks = blocks(middle_blk_num, width)
        self.decoders, self.ups = nn.ModuleList(), nn.ModuleList()
        for count in dec_blk_nums:
            finer = nn.Conv2d(width, 2 * width, 1, bias=False)
            self.ups.append(nn.Sequential(finer, nn.PixelShuffle(2)))
            width //= 2
            self.decoders.append(blocks(count, width))

    def forward(self, x_t: Tensor, mu: Tensor, t: Tensor | float) -> Tensor:
        """The noise in x_t, float32."""
        height, width = x_t.shape[-2:]
        full, dtype = self.ending.weight.dtype, self.downs[0].weight.dtype
        waves, *mlp = self.time_mlp
        time = nn.Sequential(*mlp)(waves(time_of(t, x_t)).to(full))
        x = pad_to_multiple(torch.cat([x_t - mu, mu], dim=1), self.multiple)
        x = self.intro(x.to(full)).to(dtype)
        kept = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            x = _through(encoder, x, time)
            kept.append(x)
            x = down(x)
        x = _through(self.middle_blks, x, time)
        for decoder, up in zip(self.decoders, self.ups, strict=True):
            x = _through(decoder, up(x) + kept.pop(), time)
        out: Tensor = self.ending(x.to(full))
        return out[..., :height, :width].float()


class Block(nn.Module):
    """Gated convolutions over places, then over channels, each scaled and shifted by the time.

    Fresh ones change nothing, since `beta` and `gamma` begin at zero.
    """

    def __init__(self, channels: int, time_dim: int) -> None:
        super().__init__()
        double = 2 * channels
        self.mlp = nn.Sequential(Gate(), nn.Linear(time_dim // 2, 4 * channels))
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.conv1 = nn.Conv2d(channels, double, 1)
        self.conv2 = nn.Conv2d(double, double, 3, padding=1, groups=double)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1))
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.conv4 = nn.Conv2d(channels, double, 1)
        self.conv5 = nn.Conv2d(channels, channels, 1)
        self.gate = Gate()
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """(B, C, H, W), (B, time_dim) -> (B, C, H, W)."""
        shift1, scale1, shift2, scale2 = self.mlp(time).chunk(4, dim=1)
        hidden = self.gate(self.conv2(self.conv1(scaled(self.norm1(x), scale1, shift1))))
        x = (x + self.beta * self.conv3(hidden * self.sca(hidden))).to(x.dtype)
        hidden = self.gate(self.conv4(scaled(self.norm2(x), scale2, shift2)))
        out: Tensor = (x + self.gamma * self.conv5(hidden)).to(x.dtype)
        return out


class Gate(nn.Module):
    """One half of the channels times the other."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2 C, ...) -> (B, C, ...)."""
        first, second = x.chunk(2, dim=1)
        return first * second


def _through(blocks: nn.Module, x: Tensor, time: Tensor) -> Tensor:
    assert isinstance(blocks, nn.ModuleList)
    for block in blocks:
        x = block(x, time)
    return x
