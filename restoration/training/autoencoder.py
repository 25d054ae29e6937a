"""Recipe `autoencoder`: what turns pictures into the latents that DiffBIR's second stage works on.

The class and the loss are those of latent diffusion (Rombach et al. 2022) without what needs other
networks, the perceptual and the adversarial term; the distance of the gradients stands in for
them. The mini makes a picture four times smaller, not eight: eight would leave 16 values of the
latent for 768 of the picture, and a decoder of this size cannot make up for that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from restoration.networks import mini_diffbir
from restoration.training.autoencoder_start import start_as_means
from restoration.training.loop import Batch, is_main, train
from restoration.training.photographs import PictureBank
from restoration.training.pictures import PictureParams, bank_of
from restoration.training.state import State, export, part

GRADIENT_SHARE = 0.1
KL_SHARE = 1e-6
"""That of the published autoencoders."""
NUM_MEASURED = 64
"""Crops whose latents say how large latents are."""


class AutoencoderParams(PictureParams):
    """Knobs of the recipe `autoencoder`."""

    channels: int = Field(default=32, ge=32, le=128, multiple_of=32)
    """Width at the size of the picture, doubled twice; more is slower, larger and better."""


class AutoencoderRecipe:
    """An autoencoder, and crops for it."""

    name = "autoencoder"

    def __init__(self, params: AutoencoderParams, bank: PictureBank) -> None:
        self.bank, self.side = bank, params.side
        self.config: dict[str, Any] = mini_diffbir.autoencoder(params.channels)

    def build(self) -> nn.Module:
        """The network, which at first keeps means of blocks; called as a `Reconstruction`."""
        network = mini_diffbir.new_autoencoder(self.config)
        start_as_means(network)
        return Reconstruction(network).to(memory_format=torch.channels_last)  # faster in bfloat16

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(x, z): crops (count, 3, side, side) in [-1, 1], and noise in the shape of latents."""
        x = torch.cat([self.bank.crop(rng, self.side) for _ in range(count)]) * 2 - 1
        small = self.side // mini_diffbir.factor(self.config)
        shape = (count, self.config["latent_channels"], small, small)
        return x, torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Distance of the pictures, of their gradients, and of the latents from normal noise."""
        x, z = batch
        decoded, mean, log_variance = (out.float() for out in network(x, z))
        kl = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2 / x.numel()
        error = decoded - x
        loss: Tensor = error.abs().mean() + GRADIENT_SHARE * gradients(error) + KL_SHARE * kl
        return loss


class Reconstruction(nn.Module):
    """An autoencoder whose forward pass is a whole training pass."""

    def __init__(self, autoencoder: Any) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(what is decoded of a sample, mean, log-variance) for pictures x and normal noise z."""
        latents = self.autoencoder.encode(x).latent_dist
        sample = latents.mean + latents.std * z
        return self.autoencoder.decode(sample).sample, latents.mean, latents.logvar


def gradients(difference: Tensor) -> Tensor:
    """Mean size of the differences between neighbours, across and down: (B, C, H, W) -> scalar."""
    across, down = (difference.diff(dim=dim).abs().mean() for dim in (-1, -2))
    return across + down


@torch.no_grad()
def scaling_factor(autoencoder: Any, x: Tensor) -> float:
    """What latents are multiplied by to have unit variance, measured on pictures in [-1, 1]."""
    return float(1 / autoencoder.encode(x).latent_dist.mode().std())


def write(recipe: AutoencoderRecipe, state: State, path: Path) -> Path:
    """Export the averaged weights, and beside them what makes the latents of unit variance."""
    own = part(state, "autoencoder")
    network = mini_diffbir.new_autoencoder(recipe.config)
    network.load_state_dict(own.ema)
    x, _ = recipe.batch(np.random.default_rng(0), NUM_MEASURED)
    config = {**recipe.config, "scaling_factor": scaling_factor(network.eval(), x)}
    return export(own, path, name=recipe.name, config=config)


def recipe_for(params: AutoencoderParams) -> AutoencoderRecipe:
    """The recipe with its pictures in memory."""
    return AutoencoderRecipe(params, bank_of(params))


def train_autoencoder(params: AutoencoderParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    recipe = recipe_for(params)
    state = train(recipe, params, folder)
    if params.out and is_main():
        write(recipe, state, Path(params.out))
    return state
