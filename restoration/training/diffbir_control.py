"""Recipe `diffbir-control`: the control branch of DiffBIR's second stage (Lin et al. 2024).

It sees the latent of what stage 1 has made of a degraded picture, and leads a U-Net that is left
as it is to the picture itself. As published: the branch begins as the U-Net's encoder, pictures
are degraded twice over (Real-ESRGAN), their latent is a sample and the condition's is the mode,
the condition is noised by up to 200 steps of which the network is not told, a fifth of the prompts
is left out, and the loss is the mean squared error of v or eps. Unlike it, crops are made smaller
by a factor that is drawn too, so that sharp conditions are not unknown to the network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from restoration.degradations.random import second_order, second_order_ranges
from restoration.latent import prompts
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.training.control_parts import ControlParams, Parts, parts_for
from restoration.training.control_start import start_as_condition
from restoration.training.latents import draw_noise, draw_times, half
from restoration.training.loop import Batch, is_main, train
from restoration.training.photographs import PictureBank
from restoration.training.pictures import bank_of
from restoration.training.state import State, export, part


class Pair(NamedTuple):
    """What is learnt from."""

    clean: Tensor
    """(1, 3, side, side) in [0, 1]."""
    degraded: Tensor
    said: str
    """The caption."""


class ControlRecipe:
    """A control branch, perhaps with its U-Net, and degraded crops for it."""

    name = "diffbir-control"

    def __init__(self, params: ControlParams, bank: PictureBank, parts: Parts) -> None:
        self.params, self.bank, self.parts = params, bank, parts
        self.config: dict[str, Any] = mini_diffbir.control(parts.unet_config)

    def build(self) -> nn.Module:
        """The branch at the U-Net's side.

        At first it changes nothing in a U-Net that has learnt; two fresh ones answer a mixture of
        x_t and the condition.
        """
        control = stable_diffusion.new_control(self.config)
        mini_diffbir.copy_encoder(self.parts.unet, control)
        if self.params.fresh:
            start_as_condition(self.parts.unet, control)
        network = Controlled(control, self.parts.unet, together=self.params.together)
        return network.to(memory_format=torch.channels_last)  # faster in bfloat16

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(x, degraded, tokens, z, eps, t, noise, t_c).

        Crops (count, 3, side, side) in [-1, 1] and what was made of them in [0, 1]; token ids of
        captions (count, 77); the others are those of `draws`.
        """
        both = [self.pair(rng) for _ in range(count)]
        said = ["" if rng.random() < self.params.prompt_dropout else pair.said for pair in both]
        x = torch.cat([pair.clean for pair in both]) * 2 - 1
        degraded = torch.cat([pair.degraded for pair in both])
        return x, degraded, self._tokens(said), *self.draws(rng, count)

    def pair(self, rng: np.random.Generator) -> Pair:
        """A crop and what becomes of it."""
        crop, said = self.bank.captioned_crop(rng, self.params.side)
        scale = float(rng.uniform(1, self.params.scale))
        ranges = second_order_ranges(scale=scale, blur=1, noise=1, lowest_quality=30)
        return Pair(crop, second_order(crop, rng, ranges), said)

    def draws(self, rng: np.random.Generator, count: int) -> Batch:
        """(z, eps, t, noise, t_c): noise for the sample of a latent, for x_t and for the condition.

        Noise is (count, C, h, w); t and t_c are the steps (count,) of x_t and of the condition.
        """
        small = self.parts.latents.side(self.params.side)
        shape = count, self.parts.latents.channels, small, small
        return (
            draw_noise(rng, *shape),
            draw_noise(rng, *shape),
            draw_times(rng, count),
            draw_noise(rng, *shape),
            torch.from_numpy(rng.integers(max(self.params.condition_noise, 1), size=count)),
        )

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error of the answer, on the way from noise to the sample of the latent."""
        x, degraded, tokens, *drawn = batch
        pair = *self.parts.latents.moments(x), self.condition(degraded)
        return self.error(network, pair, self._context(tokens), tuple(drawn))

    def error(self, network: nn.Module, pair: Batch, context: Tensor, drawn: Batch) -> Tensor:
        """The loss, given what is encoded.

        Args:
            network: as `Controlled`.
            pair: mean and standard deviation of the latents, and the conditions.
            context: of the prompts, (B, N, C).
            drawn: as `draws` gives it.
        """
        (mean, std, c_img), (z, eps, t, noise, t_c) = pair, drawn
        latents, z0 = self.parts.latents, mean + std * z
        if self.params.condition_noise:
            c_img = latents.noised(c_img, noise, t_c)
        found = network(latents.noised(z0, eps, t), c_img, t, context)
        error: Tensor = found.float() - latents.answer(z0, eps, t)
        return error.square().mean()

    @torch.no_grad()
    def condition(self, degraded: Tensor) -> Tensor:
        """The latents of what stage 1 makes of pictures (B, 3, H, W) in [0, 1]."""
        with half(degraded.device):
            cleaned = self.parts.stage1.to(degraded.device)(degraded)
        mode, _ = self.parts.latents.moments(cleaned.float() * 2 - 1)
        return mode

    def _tokens(self, said: list[str]) -> Tensor:
        if self.parts.text is None:
            return torch.zeros(len(said), prompts.LENGTH, dtype=torch.int64)
        return torch.tensor([prompts.read(text).tokens for text in said])

    @torch.no_grad()
    def _context(self, tokens: Tensor) -> Tensor:
        if self.parts.text is None:
            width = self.parts.unet_config["cross_attention_dim"]
            return mini_diffbir.no_prompt(len(tokens), width).to(tokens.device)
        with half(tokens.device):
            return stable_diffusion.embed(self.parts.text.to(tokens.device), tokens)


class KeptControlRecipe(ControlRecipe):
    """The same with a fixed number of crops, each of which is degraded and encoded once.

    Crop i follows from the seed and i alone, so a run that is resumed makes the same ones.
    """

    def __init__(self, params: ControlParams, bank: PictureBank, parts: Parts) -> None:
        super().__init__(params, bank, parts)
        self.kept: dict[int, tuple[Tensor, ...]] = {}

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(mean, std, c_img, z, eps, t, noise, t_c), see `error`."""
        pairs = [self._encoded(int(i)) for i in rng.integers(self.params.kept, size=count)]
        stacked = (torch.cat(same).float() for same in zip(*pairs, strict=True))
        return *stacked, *self.draws(rng, count)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """That of `ControlRecipe`, without prompts."""
        context = self._context(self._tokens([""] * len(batch[0])).to(batch[0].device))
        return self.error(network, batch[:3], context, batch[3:])

    def _encoded(self, i: int) -> tuple[Tensor, ...]:
        if i not in self.kept:
            pair = self.pair(np.random.default_rng([self.params.seed, i]))
            mean, std = self.parts.latents.moments(pair.clean * 2 - 1)
            c_img = self.condition(pair.degraded)
            self.kept[i] = tuple(latent.half().cpu() for latent in (mean, std, c_img))
        return self.kept[i]


class Controlled(nn.Module):
    """A U-Net led by its control branch; the U-Net is a part of it only where it learns along."""

    def __init__(self, control: nn.Module, unet: nn.Module, *, together: bool) -> None:
        super().__init__()
        self.control = control
        if together:
            self.unet = unet.requires_grad_()
        self._kept = () if together else (unet.requires_grad_(False).eval(),)  # no child of ours

    def forward(self, x_t: Tensor, c_img: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """The answer of the U-Net to latents x_t (B, C, h, w) at steps t, given the condition."""
        unet = self._kept[0].to(x_t.device) if self._kept else self.unet
        taps = stable_diffusion.residuals(self.control, x_t, c_img, t, context)
        return stable_diffusion.predict(unet, x_t, t, context, taps)


def recipe_for(params: ControlParams) -> ControlRecipe:
    """The recipe with its pictures and its networks in memory."""
    kind = KeptControlRecipe if params.kept else ControlRecipe
    return kind(params, bank_of(params), parts_for(params))


def train_control(params: ControlParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    recipe = recipe_for(params)
    state = train(recipe, params, folder)
    if is_main():
        write(recipe, state, params)
    return state


def write(recipe: ControlRecipe, state: State, params: ControlParams) -> None:
    """Export the branch where `out` says, and a U-Net that has learnt along where `unet_out` does.

    Both begin from the same state, so they fit together.
    """
    if params.out:
        own = part(state, "control")
        export(own, Path(params.out), name=recipe.name, config=recipe.config)
    if params.unet_out and params.together:
        own = part(state, "unet")
        export(own, Path(params.unet_out), name="latent-prior", config=recipe.parts.unet_config)
