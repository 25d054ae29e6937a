"""The latent networks of the mini DiffBIR: diffusers' own classes, as those of the published one.

Configurations are plain, with diffusers' names of arguments. The mini works at a quarter of the
size of a picture and has no text tower: its networks are given the same zero context in training
and in use, so that a prompt changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from restoration.networks import stable_diffusion

Config = Mapping[str, Any]

FIRST_LOG_VARIANCE = -8.0
"""Of the noise in the latents of an untrained autoencoder."""
CONTEXT = 16
"""Width of the context that stands where a prompt would."""


def autoencoder(channels: int = 32) -> dict[str, Any]:
    """An AutoencoderKL whose latents are four times smaller than the picture."""
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": 4,
        "block_out_channels": [channels, 2 * channels, 4 * channels],
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "mid_block_add_attention": False,
        "scaling_factor": 1.0,
    }


def unet(channels: int = 64) -> dict[str, Any]:
    """A UNet2DConditionModel of three levels, with attention at the lowest one only."""
    return {
        **_common(channels),
        "in_channels": 4,
        "out_channels": 4,
        "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
    }


def control(config: Config) -> dict[str, Any]:
    """The ControlNetModel that fits a U-Net: its encoder, with the condition beside its input."""
    kept = {key: value for key, value in config.items() if key not in _UNET_ONLY}
    return {**kept, "in_channels": 2 * config["in_channels"]}


_UNET_ONLY = ("out_channels", "up_block_types")


def _common(channels: int) -> dict[str, Any]:
    return {
        "block_out_channels": [channels, 2 * channels, 2 * channels],
        "down_block_types": ["DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"],
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "layers_per_block": 1,
        "attention_head_dim": 4,
        "use_linear_projection": True,
        "norm_num_groups": 8,
        "cross_attention_dim": CONTEXT,
    }


def factor(config: Config) -> int:
    """How many times smaller than a picture the latents of an autoencoder are."""
    return int(2 ** (len(config["block_out_channels"]) - 1))


def no_prompt(count: int, width: int = CONTEXT) -> Tensor:
    """The context (count, 1, width) of networks without a text tower."""
    return torch.zeros(count, 1, width)


@torch.no_grad()
def new_autoencoder(config: Config) -> Any:
    """An AutoencoderKL with fresh weights, to be trained; it starts with little noise in latents.

    With the usual first weights the noise is as large as the latents, and the network spends its
    first thousand steps on growing out of it.
    """
    network = stable_diffusion.new_autoencoder(config)
    network.quant_conv.weight[config["latent_channels"] :] = 0
    network.quant_conv.bias[config["latent_channels"] :] = FIRST_LOG_VARIANCE
    return network


@torch.no_grad()
def new_unet(config: Config) -> Any:
    """A UNet2DConditionModel with fresh weights, to be trained; its first output is zero."""
    network = stable_diffusion.new_unet(config)
    network.conv_out.weight.zero_()
    network.conv_out.bias.zero_()
    return network


@torch.no_grad()
def copy_encoder(unet: nn.Module, control: nn.Module) -> None:
    """Start a control branch as the encoder of its U-Net, blind to the condition.

    The channels that its first convolution has more are zero, and so is all that it gives, as in
    DiffBIR's own initialisation (`load_controlnet_from_unet`).
    """
    source, own = unet.state_dict(), control.state_dict()
    for key, value in own.items():
        if key == "conv_in.weight":
            value.zero_()
            value[:, : source[key].shape[1]] = source[key]
        elif not key.startswith("controlnet_"):  # those are the zero convolutions
            value.copy_(source[key])
