"""An AutoencoderKL as a list of layers, each with what it must see of its input.

For diffusers' AutoencoderKL of plain blocks (DownEncoderBlock2D, UpDecoderBlock2D) with one head
of attention in the middle, or none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

Band = tuple[int, int]
"""First row of a band, and the one below its last."""


@dataclass(frozen=True)
class Convolve:
    """A convolution, what is done to its input, and what is added to its output."""

    conv: nn.Conv2d
    norm: nn.GroupNorm | None = None
    """Before it, with SiLU."""
    enlarges: bool = False
    """Every value of the input becomes 2 x 2."""
    halves: bool = False
    """Stride 2, and zeros on the right and at the bottom only."""
    opens: bool = False
    """Its input is kept for the layer that closes the block."""
    closes: nn.Module | None = None
    """What the kept map goes through before it is added."""

    @property
    def zeros(self) -> tuple[int, int]:
        """Around the map: before and after, alike for rows and columns."""
        margin = int(self.conv.padding[0])
        return (0, 1) if self.halves else (margin, margin)

    def size(self, side: int) -> int:
        """Of the output, along one side."""
        room = (2 * side if self.enlarges else side) + sum(self.zeros) - self.conv.kernel_size[0]
        return room // int(self.conv.stride[0]) + 1

    def needs(self, top: int, bottom: int) -> tuple[int, int]:
        """The rows under the output's rows `top` to `bottom`; some may lie beyond the map."""
        stride = int(self.conv.stride[0])
        first = top * stride - self.zeros[0]
        return first, first + (bottom - top - 1) * stride + self.conv.kernel_size[0]


@dataclass(frozen=True)
class Attend:
    """The attention of all places to all places in the middle block, added to its input."""

    attention: Any

    def size(self, side: int) -> int:
        """Of the output, along one side."""
        return side

    def __call__(self, normed: Tensor, bands: list[Band]) -> Iterator[Tensor]:
        """What is to be added to each band, (1, C, rows, W), of the normalised map (1, C, H, W)."""
        width = normed.shape[-1]
        tokens_BNC = normed.flatten(2).transpose(1, 2)
        k_BHNC = self.attention.to_k(tokens_BNC)[:, None]
        v_BHNC = self.attention.to_v(tokens_BNC)[:, None]
        for top, bottom in bands:
            q_BHNC = self.attention.to_q(tokens_BNC[:, top * width : bottom * width])[:, None]
            seen = functional.scaled_dot_product_attention(q_BHNC, k_BHNC, v_BHNC)[:, 0]
            out = self.attention.to_out[0](seen).transpose(1, 2)
            yield out.unflatten(2, (bottom - top, width))


Layer = Convolve | Attend


def encoder_layers(autoencoder: Any) -> list[Layer]:
    """From the picture to the moments of its latents."""
    encoder = autoencoder.encoder
    layers: list[Layer] = [Convolve(encoder.conv_in)]
    for block in encoder.down_blocks:
        layers += [layer for resnet in block.resnets for layer in _resnet(resnet)]
        layers += [Convolve(down.conv, halves=True) for down in block.downsamplers or ()]
    layers += [*_middle(encoder.mid_block), Convolve(encoder.conv_out, encoder.conv_norm_out)]
    return layers + _if_any(autoencoder.quant_conv)


def decoder_layers(autoencoder: Any) -> list[Layer]:
    """From latents to the picture."""
    decoder = autoencoder.decoder
    layers = [*_if_any(autoencoder.post_quant_conv), Convolve(decoder.conv_in)]
    layers += _middle(decoder.mid_block)
    for block in decoder.up_blocks:
        layers += [layer for resnet in block.resnets for layer in _resnet(resnet)]
        layers += [Convolve(up.conv, enlarges=True) for up in block.upsamplers or ()]
    return [*layers, Convolve(decoder.conv_out, decoder.conv_norm_out)]


def _middle(block: Any) -> Iterable[Layer]:
    first, *others = block.resnets
    yield from _resnet(first)
    for attention, resnet in zip(block.attentions, others, strict=True):
        if attention is not None:
            yield Attend(attention)
        yield from _resnet(resnet)


def _resnet(block: Any) -> tuple[Layer, Layer]:
    shortcut = nn.Identity() if block.conv_shortcut is None else block.conv_shortcut
    return (
        Convolve(block.conv1, block.norm1, opens=True),
        Convolve(block.conv2, block.norm2, closes=shortcut),
    )


def _if_any(conv: nn.Conv2d | None) -> list[Layer]:
    return [] if conv is None else [Convolve(conv)]
