"""What fine-tuning sees of an album: patches of its pictures, noise and steps.

All that is drawn for a step follows from the generator it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from restoration.albums.knobs import TuneParams
from restoration.schedules import NUM_TRAINED

Batch = tuple[Tensor, Tensor, Tensor]
"""x0 and noise, each (B, 3, p, p), x0 in [-1, 1], and the steps (B,)."""

CHECK_SIZE = 8
"""Crops that are looked at, each at a step of the schedule of its own."""
CHECK_DRAW = 2**32
"""In place of a step, where the fixed crops and noise are drawn."""
HELD_OUT = 6
"""Every so manieth picture is kept for the check, where that may stop the training."""


@dataclass(frozen=True)
class Examples:
    """Pictures in memory, cut into patches."""

    pictures: Sequence[Tensor]
    """Each (1, 3, H, W) in 8 bit, no side shorter than a patch."""
    patch: int
    levels: int = NUM_TRAINED
    """How many of the steps of the schedule occur, from the cleanest on."""

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """Random places of random pictures, with noise, at random steps."""
        x0 = torch.cat([self._crop(rng) for _ in range(count)])
        z = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
        return x0, z, torch.from_numpy(rng.integers(self.levels, size=count))

    def fixed(self, seed: int) -> Batch:
        """Always the same crops and noise, at steps from all over their range."""
        x0, z, _ = self.batch(np.random.default_rng([seed, CHECK_DRAW]), CHECK_SIZE)
        return x0, z, self.levels * (2 * torch.arange(CHECK_SIZE) + 1) // (2 * CHECK_SIZE)

    def _crop(self, rng: np.random.Generator) -> Tensor:
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        top, left = (int(rng.integers(side - self.patch + 1)) for side in picture.shape[-2:])
        crop: Tensor = picture[..., top : top + self.patch, left : left + self.patch].float()
        return crop / 127.5 - 1


def as_seen(pictures: Sequence[Tensor], patch: int, *, whole: bool) -> list[Tensor]:
    """Pictures (1, 3, s, s) in [0, 1] in 8 bit, as the network sees them.

    Whole ones become one patch; the others keep their scale unless they are smaller than that.
    """
    return [_resized(one, patch if whole else max(patch, one.shape[-1])) for one in pictures]


def parted(pictures: Sequence[Tensor], params: TuneParams) -> tuple[list[Tensor], list[Tensor]]:
    """(what is learned from, what is looked at); the same where nothing is to be held out."""
    if not params.patience or len(pictures) < HELD_OUT:
        return list(pictures), list(pictures)
    held = list(pictures[HELD_OUT - 1 :: HELD_OUT])
    return [one for i, one in enumerate(pictures, start=1) if i % HELD_OUT], held


def _resized(picture: Tensor, side: int) -> Tensor:
    pixels = picture[0].clamp(0, 1).mul(255).round().byte()
    if picture.shape[-2:] != (side, side):
        image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
        resized = np.array(image.resize((side, side), Image.Resampling.LANCZOS))
        pixels = torch.from_numpy(resized).permute(2, 0, 1)
    return pixels[None].contiguous()
