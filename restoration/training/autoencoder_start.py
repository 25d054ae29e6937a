"""First weights of an autoencoder that already keeps something: block means, drawn out smoothly.

With the usual first weights a small autoencoder spends its first hour of a CPU on what can be
written down: the mean colours of blocks go through, and come back as if enlarged bilinearly. All
else starts at random and is added to this, once it is of use.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from restoration.training.linear_start import clear, pass_on, pick

CHROMA = 3.0
"""How much larger than brightness the two differences of colour are drawn in the latent."""
BILINEAR = (0.25, 0.5, 0.25)
"""Of a picture whose pixels were doubled; what comes out is its bilinear enlargement."""


@torch.no_grad()
def start_as_means(autoencoder: Any) -> None:
    """Begin with latents of mean colours, in place; for an `AutoencoderKL` of two halvings."""
    for module in autoencoder.modules():
        if hasattr(module, "conv_shortcut"):  # a residual block adds nothing yet
            clear(module.conv2)
    _start_encoder(autoencoder)
    _start_decoder(autoencoder)


def _start_encoder(autoencoder: Any) -> None:
    encoder, colours = autoencoder.encoder, 3
    pick(encoder.conv_in, torch.eye(colours))
    for block in encoder.down_blocks[:-1]:
        if shortcut := block.resnets[0].conv_shortcut:
            pick(shortcut, torch.eye(colours))
        _space_to_depth(block.downsamplers[0].conv, colours)
        colours *= 4
    means = colour_axes().repeat(1, colours // 3) / (colours / 3)
    pass_on(encoder.down_blocks[-1].resnets[0].conv_shortcut, means, encoder)
    pick(autoencoder.quant_conv, torch.eye(autoencoder.config.latent_channels))


def _start_decoder(autoencoder: Any) -> None:
    decoder = autoencoder.decoder
    pick(autoencoder.post_quant_conv, torch.eye(autoencoder.config.latent_channels))
    pick(decoder.conv_in, torch.linalg.inv(colour_axes()))
    smooth = torch.tensor(BILINEAR)
    for block in decoder.up_blocks[:-1]:
        if shortcut := block.resnets[0].conv_shortcut:
            pick(shortcut, torch.eye(3))
        conv = block.upsamplers[0].conv
        pick(conv, torch.eye(3))
        conv.weight[:3, :3] = torch.eye(3)[:, :, None, None] * torch.outer(smooth, smooth)
    pass_on(decoder.up_blocks[-1].resnets[0].conv_shortcut, torch.eye(3), decoder)


def colour_axes() -> Tensor:
    """(3, 3) from red, green, blue to brightness and two differences of colour."""
    axes = torch.tensor([[1.0, 1, 1], [CHROMA, 0, -CHROMA], [-CHROMA, 2 * CHROMA, -CHROMA]])
    return axes / torch.tensor([[3.0], [2.0], [4.0]])


def _space_to_depth(layer: Any, channels: int) -> None:
    """Make the first outputs the four pixels of each 2x2 block of the first inputs."""
    layer.weight[: 4 * channels] = 0
    layer.bias[: 4 * channels] = 0
    for pixel in range(4):
        for channel in range(channels):
            layer.weight[channels * pixel + channel, channel, pixel // 2, pixel % 2] = 1
