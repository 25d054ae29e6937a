"""Recipe `irsde`: the U-Net of a mean-reverting walk, told by DA-CLIP what it sees.

The class is DA-CLIP's conditional U-Net; the mini works at half the size of the picture, as the
wild one does. Degraded crops are made on the fly, all kinds equally often. What it learns is one
of two objectives:

- "clean": the distance of the clean picture that follows from the guess, as a share of how much
  the crop is degraded, so that what is dark by half does not drown what is blurred a little. This
  is what an hour on a CPU is enough for; the network is a `CleanUNet`.
- "matching": the published one (`irsde_losses.py`), for the published class.

The published systems have a recipe of their own, with the same knobs: `irsde_published.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from clip_degradation import checkpoints
from clip_degradation.model import DaCLIP
from clip_degradation.recognise import embed_words
from restoration import mean_reverting, recognition, weights
from restoration.errors import MissingWeightsError
from restoration.networks import irsde
from restoration.networks.clean_unet import theta_bar
from restoration.training.daclip import normalised
from restoration.training.irsde_losses import LAM, matching_loss
from restoration.training.loop import Batch
from restoration.training.optimisers import Lion, Manner, mean_reverted, usual
from restoration.training.pairs import MARGIN, WORDS, pairs
from restoration.training.photographs import PictureBank
from restoration.training.pictures import PictureParams, bank_of, filled, train_to_file
from restoration.training.state import State

NAMED = 0.25
"""Share of crops whose degradation is told by its word, as a user may, not by the controller."""
ASTRAY = 0.5
"""Standard deviation, as a share of the degradation, by which guesses are made wrong at most."""
FINEST = 4
"""Logarithm of the number of clouds along a side, at most."""
SLIGHTEST = 0.05
"""Mean degradation in [0, 1] below which crops no longer count more; clean ones are below it."""

AS_MINI = {"batch": 8, "side": 64, "learning_rate": 5e-4, "channels": 32}
"""Without norms, a rate of 1e-3 is unsteady."""
AS_PUBLISHED = {"batch": 16, "side": 256, "learning_rate": 2e-4, "channels": 64}
LION_RATE = 4e-5


class IrsdeParams(PictureParams):
    """Knobs of the recipe `irsde`."""

    system: Literal["mini", "universal", "wild"] = "mini"
    """The mini, or a published network of full size, which wants a GPU for days."""
    batch: int = Field(default=0, ge=1, le=4096)
    """Crops per step and process; 0 is 8 for the mini, 16 as published."""
    side: int = Field(default=0, ge=32, le=512, multiple_of=32)
    """Side of a crop in pixels; 0 is 64 for the mini, 256 as published."""
    learning_rate: float = Field(default=0, gt=0, le=1)
    """The highest one of the run; 0 is 5e-4 for the mini, 2e-4 as published, less for Lion."""
    optimizer: Literal["adamw", "lion"] = "adamw"
    """AdamW as published of DA-CLIP, or Lion as of Refusion, which takes a fifth of its rate."""
    channels: int = Field(default=0, ge=32, le=256, multiple_of=32)
    """Width of the finest level; more is slower, larger, better; 0 is 32 (mini), 64 (published)."""
    learns: Literal["clean", "matching"] = "clean"
    """What the mini learns: the clean picture, or the published objective, which takes longer."""
    daclip: str = ""
    """A file of the DA-CLIP that says what is wrong; the mini takes the bundled one without it."""

    @model_validator(mode="before")
    @classmethod
    def _as_usual(cls, told: Any) -> Any:
        published = told.get("system", "mini") != "mini"
        usual_ones = dict(AS_PUBLISHED if published else AS_MINI)
        if told.get("optimizer") == "lion":
            usual_ones["learning_rate"] = LION_RATE
        return filled(told, usual_ones)

    def manner(self) -> Manner:
        """As the system was trained, with the optimizer that was asked for."""
        manner = (usual if self.system == "mini" else mean_reverted)(self.learning_rate)
        if self.optimizer == "adamw":
            return manner
        return replace(manner, optimizer=lambda network, rate: Lion(network.parameters(), rate))


class IrsdeRecipe:
    """A conditional U-Net, and pairs of crops with what DA-CLIP says of them."""

    name = "irsde"

    def __init__(self, params: IrsdeParams, bank: PictureBank, daclip: DaCLIP) -> None:
        self.bank, self.side, self.learns = bank, params.side, params.learns
        self.daclip = daclip.requires_grad_(False).eval()
        self.words = functional.normalize(embed_words(daclip, WORDS), dim=-1)
        self.config: dict[str, Any] = {
            "in_nc": 3,
            "out_nc": 3,
            "nf": params.channels,
            "ch_mult": [1, 2, 4],
            "context_dim": self.words.shape[1],
            "use_degra_context": True,
            "use_image_context": True,
            "scale": 0.5,
        }
        if params.learns == "clean":
            self.config["lam"] = LAM

    def build(self) -> nn.Module:
        """The network; the one that learns the clean picture first gives the degraded one back."""
        network = irsde.new(self.config)
        if self.learns == "clean":
            start_as_identity(network)
        return network

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(x0, mu, z, t, degradation, content, guess).

        Clean and degraded crops and noise, each (count, 3, side, side), steps (count,), one in
        each of `count` equal parts of the schedule, contexts (count, D), and the clean crops as
        a walk may have guessed them so far.
        """
        mu, x0, words = pairs(self.bank, rng, count, self.side)
        z = torch.from_numpy(rng.standard_normal(x0.shape, dtype=np.float32))
        part = (rng.permutation(count) + rng.random(count)) / count  # no word has its own part
        t = torch.from_numpy(1 + (mean_reverting.NUM_TRAINED * part).astype(np.int64))
        content, degradation = self._contexts(mu)
        named = torch.from_numpy(rng.random((count, 1)) < NAMED)
        length = torch.linalg.vector_norm(degradation, dim=1, keepdim=True)
        degradation = torch.where(named, self.words[words] * length, degradation)
        guess = astray(x0, mu, rng) if self.learns == "clean" else x0
        return x0, mu, z, t, degradation, content, guess

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The objective that was asked for, the mean over the batch."""
        x0, mu, z, t, degradation, content, before = batch
        tb_t, tb_s = (theta_bar(at).view(-1, 1, 1, 1) for at in (t, t - 1))
        x_t = mean_reverting.noised(before, mu, z, tb_t, LAM)
        eps = network(x_t, mu, t, degradation, content)
        if self.learns == "matching":
            return matching_loss(eps, x_t, x0, mu, (tb_t, tb_s, LAM))
        guess = mean_reverting.x0_from_eps(x_t, mu, eps, tb_t, LAM)
        return relative_distance(guess, x0, mu)

    def _contexts(self, mu: Tensor) -> tuple[Tensor, Tensor]:
        """What is on crops and what is wrong with them, (B, D) each.

        Seen scaled to one square, or closely where a crop holds several, and averaged.
        """
        size = self.daclip.image_size
        if mu.shape[-1] >= 2 * size:
            seen = mu.unfold(2, size, size).unfold(3, size, size).permute(0, 2, 3, 1, 4, 5)
        else:
            seen = functional.interpolate(mu, size, mode="area")[:, None, None]
        with torch.no_grad():
            found = self.daclip.encode_image(normalised(seen.flatten(0, 2)), control=True)
        content, degradation = (one.view(len(mu), -1, one.shape[-1]).mean(1) for one in found)
        return content, degradation


def astray(x0: Tensor, mu: Tensor, rng: np.random.Generator) -> Tensor:
    """Clean crops (B, 3, S, S) as a walk may have guessed them: not evenly restored.

    The states of a walk follow from its own guesses, those of training from the truth. A network
    that has seen the truth alone believes what is coarse in a state, and its first errors in
    brightness grow into clouds (exposure bias; Ning et al. 2023 perturb the input against it).
    """
    cells = 2 ** int(rng.integers(1, FINEST + 1))
    field = rng.standard_normal((len(x0), 3, cells, cells), dtype=np.float32)
    smooth = functional.interpolate(torch.from_numpy(field), x0.shape[-2:], mode="bicubic")
    share = rng.uniform(0, ASTRAY, (len(x0), 1, 1, 1)).astype(np.float32)
    return x0 + torch.from_numpy(share) * smooth * (x0 - mu)


def relative_distance(guess: Tensor, x0: Tensor, mu: Tensor) -> Tensor:
    """How far guesses are from the clean pictures, as a share of how far the degraded ones are.

    All (B, 3, H, W) in [0, 1]; the mean over the batch, 1 where the degraded ones are given back.
    """
    far, asked = ((one - x0).abs().mean((1, 2, 3)) for one in (guess, mu))
    return (far / (asked + SLIGHTEST)).mean()


@torch.no_grad()
def start_as_identity(network: Any) -> None:
    """Make the first guess of x0 - mu zero, so that only the correction is ever learnt."""
    network.final_conv.weight.zero_()
    network.final_conv.bias.zero_()


def recipe_for(params: IrsdeParams) -> IrsdeRecipe:
    """The recipe with its pictures and its DA-CLIP in memory."""
    return IrsdeRecipe(params, bank_of(params, margin=MARGIN), daclip_of(params))


def daclip_of(params: IrsdeParams) -> DaCLIP:
    """The DA-CLIP that is named, or the bundled one.

    Raises:
        MissingWeightsError: there is no such file.
        WrongWeightsError: it is no DA-CLIP.
    """
    path = Path(params.daclip) if params.daclip else weights.locate("mini-daclip")
    try:
        with recognition.translated():
            return checkpoints.load(path)
    except FileNotFoundError:
        raise MissingWeightsError(f"daclip: there is no file {path.name!r:.80}") from None


def train_irsde(params: IrsdeParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    return train_to_file(recipe_for(params), params, folder)
