"""A large picture through an AutoencoderKL band by band, with the result of the whole picture.

Cutting the picture first and working each tile alone gives wrong colours and seams, because every
GroupNorm then sees the mean and variance of one tile. Here the network is cut instead: it is
walked layer by layer, a layer is one convolution with what comes before it, and each layer goes
over its feature map in bands of rows.

- A convolution needs a row or two of the neighbouring bands: they are read, not recomputed.
- GroupNorm needs the moments of the whole map: they are pooled from those of the bands, and the
  variance between the bands is part of it.
- Attention needs every key: the map is 8 times smaller than the picture by then, so all keys are
  there at once and only the queries come in bands.

So there is nothing to blend and no margin to choose; the result differs from the untiled one by
the rounding of sums. Memory: the maps between two layers, which can lie elsewhere (`home`), and
what one band needs. A band is freed when the next layer has read it.

Works with diffusers' AutoencoderKL of plain blocks (DownEncoderBlock2D, UpDecoderBlock2D).
Pictures are in [-1, 1] here; moments and z are the network's own, without scale factor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from restoration.networks.autoencoder_layers import (
    Attend,
    Band,
    Convolve,
    Layer,
    decoder_layers,
    encoder_layers,
)

ENTRIES = 2**25
"""Most products of queries and keys at once, where attention has to write them down."""


@dataclass(frozen=True)
class Worked:
    """A band has been worked."""

    done: int
    total: int
    """Bands in all layers together."""
    result: Tensor | None = None
    """With the last band: what the network gives, float32."""


def encode_moments(autoencoder: Any, picture: Tensor, tile: int | None = None) -> Tensor:
    """The mean and log-variance of the latents, (1, 2C, H/8, W/8) float32: all of `encoding`."""
    return _last(encoding(autoencoder, picture, tile))


def decode(autoencoder: Any, z: Tensor, tile: int | None = None) -> Tensor:
    """The picture of `z`, (1, 3, 8h, 8w) float32, not clamped: all of `decoding`."""
    return _last(decoding(autoencoder, z, tile))


@torch.no_grad()
def encoding(
    autoencoder: Any, picture: Tensor, tile: int | None = None, home: str | None = None
) -> Iterator[Worked]:
    """Encode in bands; yields after each, so that it can be shown and stopped.

    Args:
        autoencoder: an AutoencoderKL; its device and dtype are worked in.
        picture: (1, 3, H, W) in [-1, 1]. What exceeds a multiple of 8 is dropped, as untiled.
        tile: a band has at most tile * tile pixels, or one row. None, and pictures that are not
            larger, are worked untiled.
        home: the device where the maps rest between layers; None for the autoencoder's own.
    """
    layers = encoder_layers(autoencoder)
    x = _moved(picture, layers)
    plan, _ = _plan(layers, x.shape[-2], x.shape[-1], tile)
    if plan:
        yield from _walk(layers, plan, x, home)
    else:
        yield Worked(1, 1, autoencoder.encode(x).latent_dist.parameters.float())


@torch.no_grad()
def decoding(
    autoencoder: Any, z: Tensor, tile: int | None = None, home: str | None = None
) -> Iterator[Worked]:
    """Decode in bands; as `encoding`, with z (1, C, h, w) and the tile in pixels of the picture."""
    layers = decoder_layers(autoencoder)
    x = _moved(z, layers)
    plan, _ = _plan(layers, x.shape[-2], x.shape[-1], tile)
    if plan:
        yield from _walk(layers, plan, x, home)
    else:
        yield Worked(1, 1, autoencoder.decode(x).sample.float())


def num_bands(autoencoder: Any, height: int, width: int, tile: int | None) -> tuple[int, int]:
    """How many steps `encoding` makes of a picture of this size, and `decoding` of its latents."""
    there, small = _plan(encoder_layers(autoencoder), height, width, tile)
    back, _ = _plan(decoder_layers(autoencoder), *small, tile)
    return max(1, sum(map(len, there))), max(1, sum(map(len, back)))


class FeatureMap:
    """A feature map (1, C, H, W) in bands of rows on the device `home`, and its moments."""

    def __init__(self, home: torch.device, device: torch.device) -> None:
        self.home = home
        self.device = device
        self.height = 0
        self._bands: deque[tuple[int, Tensor]] = deque()
        self._moments: list[tuple[int, Tensor, Tensor]] = []

    def add(self, band: Tensor) -> None:
        """Put a band below the others."""
        values = band.flatten(2)[0].float()
        variance, mean = torch.var_mean(values, dim=1, correction=0)
        self._moments.append((values.shape[1], mean, variance))
        self._bands.append((self.height, band.to(self.home)))
        self.height += band.shape[-2]

    def rows(self, top: int, bottom: int) -> Tensor:
        """The rows from `top` to `bottom`, on the device that computes."""
        found = [
            band[..., max(top - start, 0) : bottom - start, :]
            for start, band in self._bands
            if start < bottom and top < start + band.shape[-2]
        ]
        whole = found[0] if len(found) == 1 else torch.cat(found, dim=-2)
        return whole.to(self.device)

    def forget(self, top: int) -> None:
        """Let go of the bands that end above row `top`."""
        while self._bands and self._bands[0][0] + self._bands[0][1].shape[-2] <= top:
            self._bands.popleft()

    def affine(self, norm: nn.GroupNorm) -> tuple[Tensor, Tensor]:
        """Factor and summand, (C, 1, 1) float32, by which `norm` changes this map.

        Law of total variance, twice: over the bands, and over the channels of a group.
        """
        counts, *moments = zip(*self._moments, strict=True)
        shares = torch.tensor(counts, dtype=torch.float64)[:, None] / sum(counts)
        means, variances = (torch.stack(parts).cpu().double() for parts in moments)
        mean = (shares * means).sum(0)
        variance = (shares * (variances + (means - mean) ** 2)).sum(0)
        mean, variance = mean.view(norm.num_groups, -1), variance.view(norm.num_groups, -1)
        of_group = mean.mean(1, keepdim=True)
        spread = (variance + (mean - of_group) ** 2).mean(1, keepdim=True)
        weight, bias = norm.weight.cpu().double(), norm.bias.cpu().double()
        factor = weight * (spread + norm.eps).rsqrt().expand_as(mean).flatten()
        summand = bias - factor * of_group.expand_as(mean).flatten()
        return self._per_channel(factor), self._per_channel(summand)

    def _per_channel(self, values: Tensor) -> Tensor:
        return values.float().view(-1, 1, 1).to(self.device)


def _walk(
    layers: list[Layer], plan: list[list[Band]], x: Tensor, home: str | None
) -> Iterator[Worked]:
    total, done = sum(map(len, plan)), 0
    current = kept = FeatureMap(torch.device(home) if home else x.device, x.device)
    current.add(x)
    for layer, bands in zip(layers, plan, strict=True):
        if isinstance(layer, Convolve) and layer.opens:
            kept = current
        made = FeatureMap(current.home, current.device)
        for band in _worked(layer, current, kept, bands):
            made.add(band)
            done += 1
            if done < total:
                yield Worked(done, total)
        current = made
    yield Worked(total, total, current.rows(0, current.height).float())


def _plan(
    layers: list[Layer], height: int, width: int, tile: int | None
) -> tuple[list[list[Band]], tuple[int, int]]:
    """The bands of every layer, none where one tile holds the picture; the size of the result."""
    first, plan = height * width, []
    for layer in layers:
        height, width = layer.size(height), layer.size(width)
        plan.append(_bands(layer, height, width, tile or 1))
    whole = tile is None or max(first, height * width) <= tile * tile
    return [] if whole else plan, (height, width)


def _bands(layer: Layer, height: int, width: int, tile: int) -> list[Band]:
    pixels = tile * tile
    if isinstance(layer, Attend):
        pixels = min(pixels, ENTRIES // (height * width))
    rows = max(1, pixels // width)
    return [(top, min(top + rows, height)) for top in range(0, height, rows)]


def _worked(layer: Layer, x: FeatureMap, kept: FeatureMap, bands: list[Band]) -> Iterator[Tensor]:
    if isinstance(layer, Attend):
        whole = x.rows(0, x.height)
        normed = _normalised(whole, x.affine(layer.attention.group_norm)).to(whole.dtype)
        for (top, bottom), out in zip(bands, layer(normed, bands), strict=True):
            yield out + whole[..., top:bottom, :]
        return
    affine = x.affine(layer.norm) if layer.norm is not None else None
    for top, bottom in bands:
        out = _convolved(layer, x, layer.needs(top, bottom), affine)
        if layer.closes is not None:
            out += layer.closes(kept.rows(top, bottom))
            kept.forget(bottom)
        if not layer.opens:
            first, _ = layer.needs(bottom, bottom + 1)
            x.forget(first // 2 if layer.enlarges else first)
        yield out


def _convolved(
    layer: Convolve, x: FeatureMap, needs: tuple[int, int], affine: tuple[Tensor, Tensor] | None
) -> Tensor:
    first, last = needs
    scale = 2 if layer.enlarges else 1
    top, bottom = max(first, 0), min(last, scale * x.height)
    low, high = top // scale, -(-bottom // scale)
    values = x.rows(low, high)
    if affine is not None:
        values = functional.silu(_normalised(values, affine), inplace=True)
    values = values.to(layer.conv.weight.dtype)  # norms and last layers may be finer than others
    if layer.enlarges:
        values = functional.interpolate(values, scale_factor=2.0, mode="nearest")
        values = values[..., top - scale * low : bottom - scale * low, :]
    before, after = layer.zeros
    values = functional.pad(values, (before, after, top - first, last - bottom))
    return functional.conv2d(values, layer.conv.weight, layer.conv.bias, layer.conv.stride)


def _normalised(values: Tensor, affine: tuple[Tensor, Tensor]) -> Tensor:
    factor, summand = affine
    return torch.addcmul(summand, values.float(), factor)


def _moved(x: Tensor, layers: list[Layer]) -> Tensor:
    """Where and how the first layer wants it."""
    (weight, *_) = (layer.conv.weight for layer in layers if isinstance(layer, Convolve))
    return x.to(weight.device, weight.dtype)


def _last(steps: Iterator[Worked]) -> Tensor:
    *_, last = steps
    assert last.result is not None
    return last.result
