"""Recipe `diffbir-control`: the control branch of DiffBIR's second stage (Lin et al. 2024).

It sees the latent of what stage 1 has made of a degraded picture, and leads a U-Net that is left
as it is to the picture itself. As published: the branch begins as the U-Net's encoder, pictures
are degraded twice over (Real-ESRGAN), their latent is a sample and the condition's is the mode,
the condition is noised by up to 200 steps of which the network is not told, a fifth of the prompts
is left out, and the loss is the mean squared error of v or eps. Unlike it, crops are made smaller
by a factor that is drawn too, so that sharp conditions are not unknown to the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from restoration import prompts, weights
from restoration.errors import BadKnobError
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.networks import stage1 as stage1_networks
from restoration.random_degradations import second_order, second_order_ranges
from restoration.training.latent_prior import LatentParams, latents_for
from restoration.training.latents import (
    Latents,
    draw_noise,
    draw_times,
    half,
    schedule_for,
    trained,
)
from restoration.training.loop import Batch, is_main, train
from restoration.training.photographs import PictureBank
from restoration.training.pictures import bank_of
from restoration.training.state import State, export, part

Base = Literal["mini", "sd21-base-zsnr", "sd21-base"]
Stage1 = Literal[
    "mini-swinir",
    "swinir-v2.1",
    "swinir-v1-general",
    "swinir-v1-face",
    "swinir-codeformer",
    "scunet-psnr",
]


class ControlParams(LatentParams):
    """Knobs of the recipe `diffbir-control`."""

    learning_rate: float = Field(default=5e-4, gt=0, le=1)
    """The highest one of the run; a branch of full size was trained with 1e-4 and then 1e-5."""
    side: int = Field(default=128, ge=64, le=1024, multiple_of=64)
    """Side of a crop in pixels; 512 for a base of full size."""
    base: Base = "mini"
    """What is to be led: the mini, or Stable Diffusion 2.1 as DiffBIR v2.1 or v1 and v2 have it."""
    unet: str = ""
    """A file of the mini's U-Net, written by `train latent-prior`; without one, the bundled one."""
    together: bool = False
    """Whether the mini's U-Net learns along, which is cheaper than one after the other."""
    fresh: bool = False
    """Whether a U-Net that learns along begins anew, with `channels` as its width."""
    channels: int = Field(default=64, ge=16, le=512, multiple_of=16)
    """Width of the finest level of a fresh U-Net; more is slower, larger and better."""
    stage1: Stage1 = "mini-swinir"
    """The network that cleans crops up before they become conditions."""
    scale: float = Field(default=4.0, ge=1, le=8)
    """How many times smaller crops are made, at most, before they are enlarged again."""
    condition_noise: int = Field(default=200, ge=0, le=999)
    """How many of the 1000 steps a condition is noised by, at most; allows for bolder results."""
    prompt_dropout: float = Field(default=0.2, ge=0, le=1)
    """Share of captions left out; a caption is the text file beside a photograph, if any."""
    unet_out: str = ""
    """Where the averaged weights of a U-Net that learns along are written, as safetensors."""


@dataclass(frozen=True)
class Parts:
    """The networks around a control branch."""

    latents: Latents
    unet: Any
    unet_config: dict[str, Any]
    stage1: nn.Module
    """(B, 3, H, W) in [0, 1] -> the same."""
    text: nn.Module | None = None
    """The text tower, or None where the context is always the same."""


class ControlRecipe:
    """A control branch, perhaps with its U-Net, and degraded crops for it."""

    name = "diffbir-control"

    def __init__(self, params: ControlParams, bank: PictureBank, parts: Parts) -> None:
        self.params, self.bank, self.parts = params, bank, parts
        self.config: dict[str, Any] = mini_diffbir.control(parts.unet_config)

    def build(self) -> nn.Module:
        """The branch at the U-Net's side, which at first changes nothing in it."""
        control = stable_diffusion.new_control(self.config)
        mini_diffbir.copy_encoder(self.parts.unet, control)
        network = Controlled(control, self.parts.unet, together=self.params.together)
        return network.to(memory_format=torch.channels_last)  # faster in bfloat16

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(x, degraded, z, eps, t, noise, t_c, tokens).

        Crops (count, 3, side, side) in [-1, 1] and what was made of them in [0, 1]; noise for the
        sample of their latents, for x_t and for the condition; steps (count,) of the two; token
        ids of captions (count, 77).
        """
        side = self.params.side
        both = [self.bank.captioned_crop(rng, side) for _ in range(count)]
        degraded = [self._degraded(crop, rng) for crop, _ in both]
        said = ["" if rng.random() < self.params.prompt_dropout else text for _, text in both]
        small = self.parts.latents.side(side)
        shape = count, self.parts.latents.channels, small, small
        return (
            torch.cat([crop for crop, _ in both]) * 2 - 1,
            torch.cat(degraded),
            draw_noise(rng, *shape),
            draw_noise(rng, *shape),
            draw_times(rng, count),
            draw_noise(rng, *shape),
            torch.from_numpy(rng.integers(max(self.params.condition_noise, 1), size=count)),
            self._tokens(said),
        )

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error of the answer, on the way from noise to the sample of the latent."""
        x, degraded, z, eps, t, noise, t_c, tokens = batch
        latents, c_img = self.parts.latents, self.condition(degraded)
        if self.params.condition_noise:
            c_img = latents.noised(c_img, noise, t_c)
        z0, context = latents.encode(x, z), self._context(tokens)
        found = network(latents.noised(z0, eps, t), c_img, t, context)
        error: Tensor = found.float() - latents.answer(z0, eps, t)
        return error.square().mean()

    @torch.no_grad()
    def condition(self, degraded: Tensor) -> Tensor:
        """The latents of what stage 1 makes of pictures (B, 3, H, W) in [0, 1]."""
        with half(degraded.device):
            cleaned = self.parts.stage1.to(degraded.device)(degraded)
        return self.parts.latents.encode(cleaned.float() * 2 - 1)

    def _degraded(self, crop: Tensor, rng: np.random.Generator) -> Tensor:
        scale = float(rng.uniform(1, self.params.scale))
        ranges = second_order_ranges(scale=scale, blur=1, noise=1, lowest_quality=30)
        return second_order(crop, rng, ranges)

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


def parts_for(params: ControlParams) -> Parts:
    """The networks that the knobs name.

    Raises:
        BadKnobError: the knobs ask for what a base of full size cannot be or do.
    """
    stage1 = _stage1(params.stage1)
    if params.base != "mini":
        return _published(params, stage1)
    latents = latents_for(params)
    if params.fresh:
        if not params.together:
            raise BadKnobError("fresh: a U-Net that begins anew has to learn along (together)")
        config = mini_diffbir.unet(params.channels)
        return Parts(latents, mini_diffbir.new_unet(config), config, stage1)
    path = Path(params.unet) if params.unet else weights.locate("mini-diffbir-unet")
    unet, config = trained(path, stable_diffusion.build_unet)
    return Parts(latents, unet, config, stage1)


def _published(params: ControlParams, stage1: nn.Module) -> Parts:
    learns = "eps" if params.base == "sd21-base" else "v"
    if params.learns != learns:
        raise BadKnobError(f"learns: {params.base} answers {learns}, not {params.learns}")
    if params.together or params.fresh or params.unet or params.autoencoder:
        raise BadKnobError(
            f"together, fresh, unet and autoencoder are of the mini: {params.base} stays as it is"
        )
    entry = weights.named(params.base)
    autoencoder = stable_diffusion.load_autoencoder(entry)
    return Parts(
        Latents(autoencoder, schedule_for(params.learns)),
        stable_diffusion.load_unet(entry),
        dict(stable_diffusion.UNET),
        stage1,
        stable_diffusion.load_text(entry),
    )


def _stage1(name: Stage1) -> nn.Module:
    kind: stage1_networks.Network = "scunet" if name == "scunet-psnr" else "swinir"
    return stage1_networks.load(kind, weights.named(name))


def recipe_for(params: ControlParams) -> ControlRecipe:
    """The recipe with its pictures and its networks in memory."""
    return ControlRecipe(params, bank_of(params), parts_for(params))


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
