"""What the recipe `diffbir-control` is told, and the networks around the branch that it trains."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from torch import nn

from restoration import weights
from restoration.errors import BadKnobError
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.networks import stage1 as stage1_networks
from restoration.training.latent_prior import LatentParams, latents_for
from restoration.training.latents import Latents, schedule_for, trained

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
    channels: int = Field(default=64, ge=32, le=512, multiple_of=32)
    """Width of the finest level of a fresh U-Net; more is slower, larger and better."""
    stage1: Stage1 = "mini-swinir"
    """The network that cleans crops up before they become conditions."""
    scale: float = Field(default=4.0, ge=1, le=8)
    """How many times smaller crops are made, at most, before they are enlarged again."""
    condition_noise: int = Field(default=200, ge=0, le=999)
    """How many of the 1000 steps a condition is noised by, at most; allows for bolder results."""
    kept: int = Field(default=0, ge=0, le=10_000_000)
    """How many crops are degraded and encoded once, to be used again and again; 0 makes every one
    anew. Almost twice as fast on a CPU, for the mini."""
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
