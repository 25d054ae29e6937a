"""What the recipes of DiffBIR's second stage share: latents of a frozen autoencoder, with noise.

z0, x_t, eps and v are latents (B, C, h, w), scaled to unit variance; pictures x are (B, 3, H, W)
in [-1, 1]; t are steps (B,), 0 to 999.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from restoration import weights
from restoration.errors import WrongWeightsError
from restoration.latent.schedule import (
    LatentSchedule,
    stable_diffusion,
    stable_diffusion_zero_snr,
)
from restoration.networks import mini_diffbir
from restoration.schedules import NUM_TRAINED
from restoration.training.loop import mixed_precision
from restoration.weights import files as checkpoint_files

Prediction = Literal["v", "eps"]
Config = dict[str, Any]


@dataclass(frozen=True)
class Latents:
    """A frozen autoencoder, and the schedule by which noise is added to its latents."""

    autoencoder: Any
    schedule: LatentSchedule

    @property
    def channels(self) -> int:
        """Of a latent."""
        return int(self.autoencoder.config.latent_channels)

    def side(self, pixels: int) -> int:
        """Of the latent of a square picture."""
        return pixels // mini_diffbir.factor(self.autoencoder.config)

    @torch.no_grad()
    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean, which is the mode, and standard deviation of the latents of pictures."""
        with half(x.device):
            found = self.autoencoder.to(x.device).encode(x).latent_dist
        factor = float(self.autoencoder.config.scaling_factor)
        return found.mean.float() * factor, found.std.float() * factor

    def noised(self, z0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """x_t, latents z0 at steps t."""
        ab_t = self._level(t, z0)
        return ab_t.sqrt() * z0 + (1 - ab_t).sqrt() * eps

    def answer(self, z0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """What the network should say of x_t: eps, or v = sqrt(ab_t) eps - sqrt(1 - ab_t) z0."""
        if self.schedule.prediction == "eps":
            return eps
        ab_t = self._level(t, z0)
        return ab_t.sqrt() * eps - (1 - ab_t).sqrt() * z0

    def _level(self, t: Tensor, like: Tensor) -> Tensor:
        levels: Tensor = self.schedule.alpha_bar[t.cpu()].to(like)
        return levels.view(-1, 1, 1, 1)


def schedule_for(prediction: Prediction) -> LatentSchedule:
    """That of DiffBIR v2.1 where v is predicted, that of v1 and v2 where eps is."""
    return stable_diffusion_zero_snr() if prediction == "v" else stable_diffusion()


def half(device: torch.device) -> torch.autocast:
    """For a frozen network beside the one in training: the precision that that one has."""
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed_precision() == "bf16")


def draw_times(rng: np.random.Generator, count: int, num: int = NUM_TRAINED) -> Tensor:
    """(count,) steps below num, one in each of `count` equal parts, in random order."""
    part = (rng.permutation(count) + rng.random(count)) / count
    return torch.from_numpy((num * part).astype(np.int64))


def draw_noise(rng: np.random.Generator, *shape: int) -> Tensor:
    """Normal noise."""
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))


def trained(path: Path, build: Callable[[Config], Any]) -> tuple[Any, Config]:
    """A network from a file that a recipe has written, frozen and in eval mode, and what built it.

    Raises:
        WrongWeightsError: the file does not say what builds its network, or is another's.
    """
    facts = checkpoint_files.metadata(path)
    if "config" not in facts:
        raise WrongWeightsError(
            f"{path.name} does not say what its network is like: name a file that was trained here"
        )
    config = json.loads(facts["config"])
    network: nn.Module = build(config)
    weights.load_into(network, checkpoint_files.tensors(path), file=path.name)
    return network, config
