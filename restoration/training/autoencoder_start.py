"""First weights of an autoencoder that already keeps something: block means, drawn out smoothly.

With the usual first weights a small autoencoder spends its first hour of a CPU on what can be
written down: the mean colours of blocks go through, and come back as if enlarged bilinearly. All
else starts at random and is added to this, once it is of use.

Norms and SiLU stand in the way at two places, before the last convolutions. There a value s goes
with -s, since silu(s) - silu(-s) = s, and with a large constant and its negative, so that the norm
of the four is the constant's; what follows a norm is then as if there were none.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

LARGE = 8.0
"""The constant; values are in [-1, 1], so that norms vary by less than two percent."""
CHROMA = 3.0
"""How much larger than brightness the two differences of colour are drawn in the latent."""
BILINEAR = (0.25, 0.5, 0.25)
"""Of a picture whose pixels were doubled; what comes out is its bilinear enlargement."""


@torch.no_grad()
def start_as_means(autoencoder: Any) -> None:
    """Begin with latents of mean colours, in place; for an `AutoencoderKL` of two halvings."""
    for module in autoencoder.modules():
        if hasattr(module, "conv_shortcut"):  # a residual block adds nothing yet
            _clear(module.conv2)
    _start_encoder(autoencoder)
    _start_decoder(autoencoder)


def _start_encoder(autoencoder: Any) -> None:
    encoder, colours = autoencoder.encoder, 3
    _pick(encoder.conv_in, torch.eye(colours))
    for block in encoder.down_blocks[:-1]:
        if shortcut := block.resnets[0].conv_shortcut:
            _pick(shortcut, torch.eye(colours))
        _space_to_depth(block.downsamplers[0].conv, colours)
        colours *= 4
    means = colour_axes().repeat(1, colours // 3) / (colours / 3)
    _pass(encoder.down_blocks[-1].resnets[0].conv_shortcut, means, encoder)
    _pick(autoencoder.quant_conv, torch.eye(autoencoder.config.latent_channels))


def _start_decoder(autoencoder: Any) -> None:
    decoder = autoencoder.decoder
    _pick(autoencoder.post_quant_conv, torch.eye(autoencoder.config.latent_channels))
    _pick(decoder.conv_in, torch.linalg.inv(colour_axes()))
    smooth = torch.tensor(BILINEAR)
    for block in decoder.up_blocks[:-1]:
        if shortcut := block.resnets[0].conv_shortcut:
            _pick(shortcut, torch.eye(3))
        conv = block.upsamplers[0].conv
        _pick(conv, torch.eye(3))
        conv.weight[:3, :3] = torch.eye(3)[:, :, None, None] * torch.outer(smooth, smooth)
    _pass(decoder.up_blocks[-1].resnets[0].conv_shortcut, torch.eye(3), decoder)


def colour_axes() -> Tensor:
    """(3, 3) from red, green, blue to brightness and two differences of colour."""
    axes = torch.tensor([[1.0, 1, 1], [CHROMA, 0, -CHROMA], [-CHROMA, 2 * CHROMA, -CHROMA]])
    return axes / torch.tensor([[3.0], [2.0], [4.0]])


def _clear(layer: Any) -> None:
    layer.weight.zero_()
    layer.bias.zero_()


def _pick(layer: Any, matrix: Tensor) -> None:
    """Make the first outputs this matrix of the first inputs of the same pixel."""
    outputs, inputs = matrix.shape
    layer.weight[:outputs] = 0
    layer.bias[:outputs] = 0
    centre = layer.kernel_size[0] // 2
    layer.weight[:outputs, :inputs, centre, centre] = matrix


def _space_to_depth(layer: Any, channels: int) -> None:
    """Make the first outputs the four pixels of each 2x2 block of the first inputs."""
    layer.weight[: 4 * channels] = 0
    layer.bias[: 4 * channels] = 0
    for pixel in range(4):
        for channel in range(channels):
            layer.weight[channels * pixel + channel, channel, pixel // 2, pixel % 2] = 1


def _pass(layer: Any, matrix: Tensor, part: Any) -> None:
    """Make the first outputs of `part`, at its end, matrix times the input of `layer`.

    Of each value s the layer makes s, -s, LARGE and -LARGE; where the channels of a norm's group
    are more, zeros take the place of further values.
    """
    norm, last, count = part.conv_norm_out, part.conv_out, len(matrix)
    group = norm.num_channels // norm.num_groups
    padded = matrix.new_zeros(math.ceil(4 * count / group) * group // 4, matrix.shape[1])
    padded[:count] = matrix
    signs = torch.tensor([1.0, -1.0, 0.0, 0.0])
    _pick(layer, (padded[:, None] * signs[:, None]).flatten(0, 1))
    constants = LARGE * torch.tensor([0.0, 0.0, 1.0, -1.0])
    layer.bias[: 4 * len(padded)] = constants.repeat(len(padded))
    last.weight[:count] = 0
    last.bias[:count] = 0
    for value in range(count):
        pair = slice(4 * value, 4 * value + 2)
        norm.weight[pair] = LARGE / math.sqrt(2)
        last.weight[value, pair, 1, 1] = torch.tensor([1.0, -1.0])
