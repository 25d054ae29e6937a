"""Recipe `latent-prior`: a small diffusion model of latents, what Stable Diffusion is to DiffBIR.

The class is that of Stable Diffusion 2.1, the objective that of DiffBIR's bases: v with a schedule
that ends in pure noise (v2.1) or eps with the usual one (v1, v2), the mean squared error of it.
Pictures are encoded on the fly by an autoencoder that is left as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from restoration import weights
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.training.latents import (
    Latents,
    Prediction,
    draw_noise,
    draw_times,
    schedule_for,
    trained,
)
from restoration.training.loop import Batch
from restoration.training.photographs import PictureBank
from restoration.training.pictures import PictureParams, bank_of, train_to_file
from restoration.training.state import State


class LatentParams(PictureParams):
    """Knobs of recipes that learn from latents."""

    learning_rate: float = Field(default=5e-4, gt=0, le=1)
    """The highest one of the run, reached after the warm-up."""
    side: int = Field(default=128, ge=32, le=1024, multiple_of=32)
    """Side of a crop in pixels."""
    learns: Prediction = "v"
    """What the network answers: v as DiffBIR v2.1's, or the noise as that of v1 and v2."""
    autoencoder: str = ""
    """A file of the autoencoder, written by `train autoencoder`; without one, the bundled mini."""


class LatentPriorParams(LatentParams):
    """Knobs of the recipe `latent-prior`."""

    channels: int = Field(default=64, ge=32, le=512, multiple_of=32)
    """Width of the finest level; more is slower, larger and better."""


class LatentPriorRecipe:
    """A latent U-Net, and crops to encode for it."""

    name = "latent-prior"

    def __init__(self, params: LatentPriorParams, bank: PictureBank, latents: Latents) -> None:
        self.bank, self.side, self.latents = bank, params.side, latents
        self.config: dict[str, Any] = mini_diffbir.unet(params.channels)

    def build(self) -> nn.Module:
        """The network, whose first output is zero."""
        network: nn.Module = mini_diffbir.new_unet(self.config)
        return network.to(memory_format=torch.channels_last)  # faster in half precision

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(x, z, eps, t): crops (count, 3, side, side) in [-1, 1], noise twice, steps (count,).

        z says which sample of its latent a crop gets, eps is what the sample is drowned in.
        """
        x = torch.cat([self.bank.crop(rng, self.side) for _ in range(count)]) * 2 - 1
        small = self.latents.side(self.side)
        shape = count, self.latents.channels, small, small
        return x, draw_noise(rng, *shape), draw_noise(rng, *shape), draw_times(rng, count)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error of the answer."""
        x, z, eps, t = batch
        mean, std = self.latents.moments(x)
        z0 = mean + std * z
        context = mini_diffbir.no_prompt(len(x)).to(x)
        found = stable_diffusion.predict(network, self.latents.noised(z0, eps, t), t, context)
        return (found.float() - self.latents.answer(z0, eps, t)).square().mean()


def latents_for(params: LatentParams) -> Latents:
    """The autoencoder that is named, or the bundled one, with the schedule of what is learnt."""
    named = params.autoencoder
    path = Path(named) if named else weights.locate("mini-diffbir-autoencoder")
    autoencoder, _ = trained(path, stable_diffusion.build_autoencoder)
    return Latents(autoencoder, schedule_for(params.learns))


def recipe_for(params: LatentPriorParams) -> LatentPriorRecipe:
    """The recipe with its pictures and its autoencoder in memory."""
    return LatentPriorRecipe(params, bank_of(params), latents_for(params))


def train_latent_prior(params: LatentPriorParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    return train_to_file(recipe_for(params), params, folder)
