"""Recipe `prior`: an unconditional pixel diffusion model, the prior of GDP, DDRM and Gen2Res.

The class and the loss are those of the published priors (Dhariwal & Nichol 2021): the network
learns the noise of x_t, and beside it where the variance of a step lies between its bounds. The
mini is a small one for patches of 64x64, with attention at its lowest level only.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from restoration.networks import guided_unet
from restoration.samplers import (
    learned_log_variance,
    log_variance_bounds,
    posterior_mean,
    x0_from_eps,
)
from restoration.schedules import NUM_TRAINED, linear
from restoration.training.loop import Batch
from restoration.training.photographs import PictureBank
from restoration.training.pictures import PictureParams, bank_of, train_to_file
from restoration.training.state import State

BITS = math.log(2)
"""Nats in a bit."""


class PriorParams(PictureParams):
    """Knobs of the recipe `prior`."""

    batch: int = Field(default=16, ge=1, le=4096)
    """Crops per step and process."""
    learning_rate: float = Field(default=6e-4, gt=0, le=1)
    """The highest one of the run, reached after the warm-up."""
    channels: int = Field(default=32, ge=32, le=512, multiple_of=32)
    """Width of the finest level; more is slower, larger and better."""


class PriorRecipe:
    """A guided-diffusion U-Net, and noisy crops for it."""

    name = "prior"

    def __init__(self, params: PriorParams, bank: PictureBank) -> None:
        self.bank = bank
        self.side = params.side
        self.config: dict[str, Any] = {
            "image_size": 64,
            "in_channels": 3,
            "model_channels": params.channels,
            "out_channels": 6,
            "num_res_blocks": 1,
            "attention_resolutions": [8],
            "dropout": 0.0,
            "channel_mult": [1, 2, 4, 4],
            "num_classes": None,
            "num_heads": 1,
            "num_head_channels": 32,
            "use_scale_shift_norm": True,
            "resblock_updown": False,
            "use_new_attention_order": False,
        }

    def build(self) -> nn.Module:
        """The network, whose first output is zero."""
        network: nn.Module = guided_unet.new(self.config)
        return network

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(x0, z, t): crops in [-1, 1] and noise, each (count, 3, side, side), and steps (count,).

        The steps are spread over the schedule, one in each of `count` equal parts of it, which
        makes the loss of a batch vary less than steps drawn apart.
        """
        x0 = torch.cat([self.bank.crop(rng, self.side) for _ in range(count)]) * 2 - 1
        z = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
        t = NUM_TRAINED * (np.arange(count) + rng.random(count)) / count
        return x0, z, torch.from_numpy(t.astype(np.int64))

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """`hybrid_loss`, its mean over the batch."""
        x0, z, t = batch
        mse, bound = hybrid_loss(network, x0, z, t)
        return (mse + bound).mean()


def hybrid_loss(network: nn.Module, x0: Tensor, z: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """(B,) squared error of the noise, and (B,) variational bound of the step in bits per value.

    The bound trains the variance alone: the mean in it is held fixed (Nichol & Dhariwal 2021,
    Sec. 3.1). Their sum is the loss of the published training.

    Args:
        network: x_t, t -> ((B, 6, H, W),).
        x0: clean pictures (B, 3, H, W) in [-1, 1].
        z: normal noise in the shape of x0.
        t: steps (B,), 0 to 999.
    """
    schedule = linear()
    low, high = log_variance_bounds(schedule)
    tables = schedule.alpha_bar, schedule.alpha_bar_before, low, high
    ab_t, ab_s, low, high = (table[t.cpu()].to(x0).view(-1, 1, 1, 1) for table in tables)
    x_t = ab_t.sqrt() * x0 + (1 - ab_t).sqrt() * z
    eps, v = network(x_t, t, return_dict=False)[0].float().chunk(2, dim=1)
    mean = posterior_mean(x_t, x0_from_eps(x_t, eps.detach(), ab_t), ab_t, ab_s)
    log_variance = learned_log_variance(v, low, high)
    divergence = gaussian_kl(posterior_mean(x_t, x0, ab_t, ab_s), low, mean, log_variance)
    likelihood = level_log_likelihood(x0, mean, log_variance / 2)
    bound = torch.where((t == 0).view(-1, 1, 1, 1), -likelihood, divergence) / BITS
    return (z - eps).square().mean((1, 2, 3)), bound.mean((1, 2, 3))


def gaussian_kl(mean_p: Tensor, log_var_p: Tensor, mean_q: Tensor, log_var_q: Tensor) -> Tensor:
    """KL(p || q) of normal distributions in nats, value by value."""
    spread = log_var_p - log_var_q
    return 0.5 * (spread.exp() - 1 - spread + (mean_p - mean_q).square() * (-log_var_q).exp())


def level_log_likelihood(x: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """Log-probability of the grey level of x, one of 256 in [-1, 1], under a normal distribution.

    The lowest and the highest level take the tails; the distribution function is the tanh
    approximation that the published priors were trained with.
    """
    above, below = (
        _normal_cdf((x - mean + half) * (-log_sigma).exp()) for half in (1 / 255, -1 / 255)
    )
    inside = torch.where(x > 0.999, 1 - below, above - below)
    return torch.where(x < -0.999, above, inside).clamp_min(1e-12).log()


def recipe_for(params: PriorParams) -> PriorRecipe:
    """The recipe with its pictures in memory."""
    return PriorRecipe(params, bank_of(params))


def train_prior(params: PriorParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    return train_to_file(recipe_for(params), params, folder)


def _normal_cdf(x: Tensor) -> Tensor:
    return 0.5 * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)).tanh())
