"""The U-Net that guesses the noise of a mean-reverting walk: IR-SDE's, and DA-CLIP's two.

    eps = network(x_t, mu, t, degradation, content)

x_t is the noisy picture and mu the degraded one, both (B, 3, H, W), in [0, 1] beside the noise;
t the step of the training schedule, whole or not. `degradation` and `content` are what DA-CLIP
says of mu, (B, context_dim) each and not normalised. All of it is float32, and so is eps, whatever
the precision of the weights. Pictures of any size are mirrored to a multiple inside.

Names of layers are those of the published files (Algolzw/daclip-uir and
Algolzw/image-restoration-sde, DenoisingUNet_arch.py); constructor arguments too where there are
such. Attention over all places goes through `scaled_dot_product_attention`, which keeps no
(H W / 64)^2 scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from restoration.networks.irsde_layers import (
    ChannelNorm,
    TimeWaves,
    mirrored_to_multiple,
    scaled,
    time_of,
)

HEAD = 32
"""Channels of a head of attention."""
LINEAR_HEADS = 4


class ConditionalUNet(nn.Module):
    """Guesses the noise of x_t from x_t - mu, mu, the time and, where it has them, contexts.

    Args:
        in_nc: channels of a picture.
        out_nc: channels of the noise.
        nf: width before the first level.
        ch_mult: width after each level, in nf.
        context_dim: length of a context.
        use_degra_context: whether the degradation changes the time's embedding.
        use_image_context: whether the content joins the attention over all places.
        full_attention_from: the first level with such attention; the middle has it anyhow.
        halved: whether the levels work at half the size of the picture.
    """

    def __init__(
        self,
        in_nc: int = 3,
        out_nc: int = 3,
        nf: int = 64,
        ch_mult: Sequence[int] = (1, 2, 4, 8),
        *,
        context_dim: int = 512,
        use_degra_context: bool = False,
        use_image_context: bool = False,
        full_attention_from: int = 3,
        halved: bool = False,
    ) -> None:
        super().__init__()
        self.multiple = 2 ** len(ch_mult)
        self.use_degra_context, self.use_image_context = use_degra_context, use_image_context
        self.halved = halved
        self.context_dim = context_dim if use_degra_context or use_image_context else None
        time_dim = 4 * nf

        def attention(channels: int, level: int) -> Residual:
            full = use_image_context and level >= full_attention_from
            inner = SpatialTransformer(channels, context_dim) if full else LinearAttention(channels)
            return Residual(channels, inner)

        self.init_conv = _conv(2 * in_nc, nf, 7)
        if halved:
            self.downsample = _downsample(nf, nf)
            self.upsample = _upsample(nf, nf)
        self.time_mlp = nn.Sequential(
            TimeWaves(nf), nn.Linear(nf, time_dim), nn.GELU(), nn.Linear(time_dim, time_dim)
        )
        if use_degra_context:
            self.prompt = nn.Parameter(nn.init.uniform_(torch.empty(1, time_dim)))
            self.text_mlp = nn.Sequential(
                nn.Linear(context_dim, time_dim), nn.SiLU(), nn.Linear(time_dim, time_dim)
            )
            self.prompt_mlp = nn.Linear(time_dim, time_dim)

        widths = [nf, *(nf * factor for factor in ch_mult)]
        levels = list(pairwise(widths))
        last = len(levels) - 1
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for i, (here, below) in enumerate(levels):
            self.downs.append(
                nn.ModuleList(
                    [
                        ResBlock(here, here, time_dim),
                        ResBlock(here, here, time_dim),
                        attention(here, i),
                        _conv(here, below, 3) if i == last else _downsample(here, below),
                    ]
                )
            )
            self.ups.insert(
                0,
                nn.ModuleList(
                    [
                        ResBlock(below + here, below, time_dim),
                        ResBlock(below + here, below, time_dim),
                        attention(below, i),
                        _conv(below, here, 3) if i == 0 else _upsample(below, here),
                    ]
                ),
            )
        self.mid_block1 = ResBlock(widths[-1], widths[-1], time_dim)
        self.mid_attn = attention(widths[-1], full_attention_from)
        self.mid_block2 = ResBlock(widths[-1], widths[-1], time_dim)
        self.final_res_block = ResBlock(2 * nf, nf, time_dim)
        self.final_conv = nn.Conv2d(nf, out_nc, 3, padding=1)

    def forward(
        self,
        x_t: Tensor,
        mu: Tensor,
        t: Tensor | float,
        degradation: Tensor | None = None,
        content: Tensor | None = None,
    ) -> Tensor:
        """The noise in x_t, float32; contexts that the network was not built for are ignored."""
        if self.use_image_context and content is None:
            raise ValueError("this network attends to the content of the picture: pass `content`")
        height, width = x_t.shape[-2:]
        full, dtype = self.final_conv.weight.dtype, self.mid_block1.block1.proj.weight.dtype
        x = mirrored_to_multiple(torch.cat([x_t - mu, mu], dim=1), self.multiple)
        skip = self.init_conv(x.to(full)).to(dtype)
        time = self._embedding(time_of(t, x_t), degradation)
        content = None if content is None else content.to(dtype)
        x = self._levels(self.downsample(skip) if self.halved else skip, time, content)
        x = self.upsample(x) if self.halved else x
        x = self.final_res_block(torch.cat([x, skip], dim=1), time)
        out: Tensor = self.final_conv(x.to(full))
        return out[..., :height, :width].float()

    def _embedding(self, t: Tensor, degradation: Tensor | None) -> Tensor:
        """The time, and what is wrong with the picture, (B, 4 nf)."""
        waves, *mlp = self.time_mlp
        dtype = self.final_conv.weight.dtype
        time: Tensor = nn.Sequential(*mlp)(waves(t).to(dtype))
        if self.use_degra_context and degradation is not None:
            share = self.text_mlp(degradation.to(dtype)).softmax(dim=1)
            time = time + self.prompt_mlp(share * self.prompt)
        return time

    def _levels(self, x: Tensor, time: Tensor, content: Tensor | None) -> Tensor:
        """Down to the coarsest level and up again: (B, nf, H, W) -> the same."""
        kept: list[Tensor] = []
        for first, second, attend, down in map(_parts, self.downs):
            x = first(x, time)
            kept.append(x)
            x = attend(second(x, time), content)
            kept.append(x)
            x = down(x)
        x = self.mid_block1(x, time)
        x = self.mid_attn(x, content)
        x = self.mid_block2(x, time)
        for first, second, attend, up in map(_parts, self.ups):
            x = first(torch.cat([x, kept.pop()], dim=1), time)
            x = second(torch.cat([x, kept.pop()], dim=1), time)
            x = up(attend(x, content))
        return x


class ResBlock(nn.Module):
    """Two convolutions, the first one scaled and shifted by the time, beside a shortcut."""

    def __init__(self, channels_in: int, channels_out: int, time_dim: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, 2 * channels_out))
        self.block1 = _Projection(channels_in, channels_out)
        self.block2 = _Projection(channels_out, channels_out)
        same = channels_in == channels_out
        self.res_conv = nn.Identity() if same else _conv(channels_in, channels_out, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """(B, C, H, W), (B, time_dim) -> (B, C', H, W)."""
        scale, shift = self.mlp(time).chunk(2, dim=1)
        hidden = functional.silu(scaled(self.block1.proj(x), scale, shift))
        out: Tensor = functional.silu(self.block2.proj(hidden)) + self.res_conv(x)
        return out


class Residual(nn.Module):
    """Attention to what is normalised, added to what came in."""

    def __init__(self, channels: int, attention: nn.Module) -> None:
        super().__init__()
        self.fn = _Normalised(channels, attention)

    def forward(self, x: Tensor, content: Tensor | None) -> Tensor:
        """(B, C, H, W), and (B, context_dim) if the attention uses it."""
        out: Tensor = self.fn.fn(self.fn.norm(x), content)
        return x + out


class LinearAttention(nn.Module):
    """Attention whose cost grows with the places, not with their square (Shen et al. 2021)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = LINEAR_HEADS * HEAD
        self.to_qkv = nn.Conv2d(channels, 3 * inner, 1, bias=False)
        self.to_out = nn.Sequential(nn.Conv2d(inner, channels, 1), ChannelNorm(channels))

    def forward(self, x: Tensor, _content: Tensor | None) -> Tensor:
        """(B, C, H, W) -> the same."""
        height, width = x.shape[-2:]
        q, k, v = self.to_qkv(x).unflatten(1, (3, LINEAR_HEADS, HEAD)).flatten(-2).unbind(1)
        q = q.softmax(dim=-2) * HEAD**-0.5
        # The published v is divided instead; the summary is small enough for half precision.
        summary = k.softmax(dim=-1) @ v.transpose(-1, -2) / (height * width)
        attended = (summary.transpose(-1, -2) @ q).flatten(1, 2).unflatten(-1, (height, width))
        out: Tensor = self.to_out(attended)
        return out


class SpatialTransformer(nn.Module):
    """Every place attends to every other one, then to the content of the picture."""

    def __init__(self, channels: int, context_dim: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, context_dim)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, content: Tensor) -> Tensor:
        """(B, C, H, W), (B, context_dim) -> (B, C, H, W)."""
        norm = self.norm  # as a module it refuses a single place where groups are single channels
        normal = torch.group_norm(x, norm.num_groups, norm.weight, norm.bias, norm.eps)
        tokens_BNC = self.proj_in(normal).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            tokens_BNC = block(tokens_BNC, content)
        grid = tokens_BNC.transpose(1, 2).unflatten(-1, x.shape[-2:])
        out: Tensor = self.proj_out(grid)
        return out + x


class TransformerBlock(nn.Module):
    """Self-attention, the content, and a gated feed-forward layer, each beside a shortcut.

    The content is one token, so the softmax over it is 1 and every place receives the same
    vector. `norm2` and the queries and keys of `attn2` are in the published files and cannot
    change anything: they are kept to be loaded, never computed and never trained, which several
    processes would wait for.
    """

    def __init__(self, channels: int, context_dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for _ in range(3))
        self.attn1 = Attention(channels, channels)
        self.attn2 = Attention(channels, context_dim)
        self.ff = _FeedForward(channels)
        for kept in (self.norm2, self.attn2.to_q, self.attn2.to_k):
            kept.requires_grad_(False)

    def forward(self, tokens: Tensor, content: Tensor) -> Tensor:
        """(B, N, C), (B, context_dim) -> (B, N, C)."""
        tokens = tokens + self.attn1(self.norm1(tokens))
        tokens = tokens + self.attn2.to_out(self.attn2.to_v(content))[:, None]
        fed: Tensor = self.ff.net(self.norm3(tokens))
        return tokens + fed


class Attention(nn.Module):
    """Heads of `HEAD` channels; queries from `channels`, keys and values from `context_dim`."""

    def __init__(self, channels: int, context_dim: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context_dim, channels, bias=False)
        self.to_v = nn.Linear(context_dim, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, tokens: Tensor) -> Tensor:
        """Self-attention, (B, N, C) -> the same."""
        q_BHNC, k_BHNC, v_BHNC = (
            project(tokens).unflatten(-1, (-1, HEAD)).transpose(1, 2)
            for project in (self.to_q, self.to_k, self.to_v)
        )
        attended = functional.scaled_dot_product_attention(q_BHNC, k_BHNC, v_BHNC)
        out: Tensor = self.to_out(attended.transpose(1, 2).flatten(-2))
        return out


class _Projection(nn.Module):
    """A convolution under its published name."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.proj = _conv(channels_in, channels_out, 3)


class _Normalised(nn.Module):
    """An attention and the norm before it, under their published names."""

    def __init__(self, channels: int, attention: nn.Module) -> None:
        super().__init__()
        self.norm, self.fn = ChannelNorm(channels), attention


class _FeedForward(nn.Module):
    """A gated layer and one back, counted as published, with a dropout between that did nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = 4 * channels
        self.net = nn.Sequential(_Gate(channels, inner), nn.Identity(), nn.Linear(inner, channels))


class _Gate(nn.Module):
    """Half of a projection, gated by the GELU of the other half (Shazeer 2020)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        out: Tensor = value * functional.gelu(gate)
        return out


def _conv(channels_in: int, channels_out: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, side, padding=side // 2, bias=False)


def _downsample(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1)


def _upsample(channels_in: int, channels_out: int) -> nn.Sequential:
    nearest = nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(nearest, nn.Conv2d(channels_in, channels_out, 3, padding=1))


def _parts(level: nn.Module) -> nn.ModuleList:
    assert isinstance(level, nn.ModuleList)
    return level
