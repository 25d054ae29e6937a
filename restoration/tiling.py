"""Large pictures in overlapping tiles, blended by Gaussian weights as DiffBIR v2.1 does.

Windows are (top, bottom, left, right) in pixels of the input. The blend is
sum(weight * f(tile)) / sum(weight), accumulated in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from restoration.params import Tiles

Window = tuple[int, int, int, int]

VARIANCE = 0.01
"""Of the blending weights, in squared tile sides (DiffBIR v2.1)."""


def windows(
    height: int, width: int, tile: tuple[int, int], stride: tuple[int, int]
) -> list[Window]:
    """Where tiles of (height, width) lie, row by row; the last of each row ends at the border."""
    tops = _starts(height, tile[0], stride[0])
    lefts = _starts(width, tile[1], stride[1])
    return [(top, top + tile[0], left, left + tile[1]) for top in tops for left in lefts]


def gaussian_weights(width: int, height: int) -> Tensor:
    """(height, width) float64 weights, highest in the middle.

    The vertical centre lies half a pixel below the horizontal one's convention: so in the
    official program, and kept for parity.
    """
    x = (torch.arange(width, dtype=torch.float64) - (width - 1) / 2) / width
    y = (torch.arange(height, dtype=torch.float64) - height / 2) / height
    bell_x, bell_y = (
        torch.exp(-(d**2) / (2 * VARIANCE)) / math.sqrt(2 * math.pi * VARIANCE) for d in (x, y)
    )
    return torch.outer(bell_y, bell_x)


@dataclass
class Mosaic:
    """A picture in the making: the weighted sum of the tiles done and the sum of their weights."""

    total: Tensor
    weight: Tensor

    def blend(self, unseen: Tensor) -> Tensor:
        """The mosaic so far, with `unseen` (same shape) where no tile has been."""
        return torch.where(self.weight > 0, self.total / self.weight.clamp_min(1e-30), unseen)


@torch.no_grad()
def tiled(
    f: Callable[[Tensor], Tensor],
    x: Tensor,
    tile: tuple[int, int],
    stride: tuple[int, int],
    scale: int = 1,
) -> Iterator[tuple[int, int, Mosaic]]:
    """Apply `f` tile by tile; yields (tiles done, tiles in all, mosaic) after each.

    Args:
        f: (B, C, h, w) -> (B, C', h * scale, w * scale).
        x: (B, C, H, W), both sides at least a tile long.
        tile: height and width of a tile.
        stride: rows and columns between the starts of neighbours, at most a tile.
        scale: how much larger the result of `f` is.
    """
    height, width = x.shape[-2:]
    where = windows(height, width, tile, stride)
    weight = gaussian_weights(tile[1] * scale, tile[0] * scale).to(x.device, torch.float32)
    mosaic = None
    for done, (top, bottom, left, right) in enumerate(where, start=1):
        out = f(x[..., top:bottom, left:right]).float()
        if mosaic is None:
            total = out.new_zeros(*out.shape[:2], height * scale, width * scale)
            mosaic = Mosaic(total, torch.zeros_like(total[:1, :1]))
        place = (..., slice(top * scale, bottom * scale), slice(left * scale, right * scale))
        mosaic.total[place] += out * weight
        mosaic.weight[place] += weight
        yield done, len(where), mosaic


def tile_for(height: int, width: int, tiles: Tiles, multiple: int) -> tuple[int, int]:
    """The (height, width) of a tile for a picture; the whole picture where it is not to be cut.

    A side shorter than a tile is not cut. Sides are rounded up to what the network needs, so the
    picture must have been padded to that multiple.
    """
    whole = math.ceil(height / multiple) * multiple, math.ceil(width / multiple) * multiple
    if not tiles.cut:
        return whole
    return min(tiles.size, whole[0]), min(tiles.size, whole[1])


def stride_for(tile: tuple[int, int], tiles: Tiles) -> tuple[int, int]:
    """The stride that leaves `tiles.overlap` of a tile to its neighbour."""
    share = 1 - tiles.overlap
    return max(1, round(tile[0] * share)), max(1, round(tile[1] * share))


def pad_to_multiple(x: Tensor, multiple: int, mode: str = "constant") -> Tensor:
    """Pad right and bottom to a multiple; zeros, or "reflect" / "replicate" the border.

    Reflection needs more pixels than it adds; where they are missing the border is replicated.
    """
    height, width = x.shape[-2:]
    down, right = -height % multiple, -width % multiple
    if mode == "reflect" and (down >= height or right >= width):
        mode = "replicate"
    return functional.pad(x, (0, right, 0, down), mode=mode)


def mirrored_to(x: Tensor, height: int, width: int) -> Tensor:
    """Mirror right and bottom until x is (height, width), as often as a small picture needs."""
    rows, columns = (
        _mirror_indices(side, wanted).to(x.device)
        for side, wanted in zip(x.shape[-2:], (height, width), strict=True)
    )
    return x[..., rows, :][..., columns]


def mirrored_by(x: Tensor, down: int, right: int) -> Tensor:
    """Mirror top and bottom by `down` pixels, left and right by `right`."""
    height, width = x.shape[-2:]
    rows = _mirror_indices(height, height + down, -down).to(x.device)
    columns = _mirror_indices(width, width + right, -right).to(x.device)
    return x[..., rows, :][..., columns]


def _mirror_indices(side: int, stop: int, start: int = 0) -> Tensor:
    period = max(2 * (side - 1), 1)
    steps = torch.arange(start, max(stop, side)).remainder(period)
    return torch.minimum(steps, period - steps).clamp(max=side - 1)


def _starts(size: int, tile: int, stride: int) -> list[int]:
    starts = list(range(0, size - tile + 1, stride))
    if starts[-1] + tile < size:
        starts.append(size - tile)
    return starts
