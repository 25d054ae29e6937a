"""Recipe `stage1`: a SwinIR that removes degradation, DiffBIR's first stage.

The class is that of the published stage 1 (embed 180, 8 x 6 blocks, 8x unshuffle). The mini is a
small one with a 4x unshuffle: 8x would squeeze 192 values of a patch through its 128 channels,
4x leaves room for all 48, which is what lets training start as the identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from restoration.degradations import single as degradations
from restoration.training.loop import Batch
from restoration.training.photographs import PictureBank
from restoration.training.pictures import PictureParams, bank_of, train_to_file
from restoration.training.state import State

UNSHUFFLE = 4
"""How many pixels of a side become channels."""


class Stage1Params(PictureParams):
    """Knobs of the recipe `stage1`."""

    channels: int = Field(default=128, ge=48, le=512, multiple_of=4)
    """Width of the network; more is slower, larger and better."""
    blocks: int = Field(default=2, ge=1, le=12)
    """Transformer blocks in each of its three groups."""


class Stage1Recipe:
    """A SwinIR, and pairs of degraded and clean crops for it."""

    name = "stage1"

    def __init__(self, params: Stage1Params, bank: PictureBank) -> None:
        self.bank = bank
        self.side = params.side
        self.config: dict[str, Any] = {
            "img_size": 64 // UNSHUFFLE,
            "in_chans": 3,
            "embed_dim": params.channels,
            "depths": [params.blocks] * 3,
            "num_heads": [4] * 3,
            "window_size": 8,
            "mlp_ratio": 2,
            "sf": UNSHUFFLE,
            "img_range": 1.0,
            "upsampler": "pixelshuffledirect",
            "resi_connection": "1conv",
            "unshuffle": True,
            "unshuffle_scale": UNSHUFFLE,
        }

    def build(self) -> nn.Module:
        """The network, at first the identity."""
        from restoration.networks.stage1 import new_swinir

        network: nn.Module = new_swinir(self.config)
        start_as_identity(network)
        return network

    def batch(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """(degraded, clean), each (count, 3, side, side)."""
        clean = [self.bank.crop(rng, self.side) for _ in range(count)]
        degraded = [random_degradation(crop, rng) for crop in clean]
        return torch.cat(degraded), torch.cat(clean)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The mean Charbonnier distance (Lai et al. 2017)."""
        degraded, clean = batch
        restored: Tensor = network(degraded)
        return ((restored.float() - clean).square() + 1e-6).sqrt().mean()


@torch.no_grad()
def start_as_identity(network: Any) -> None:
    """Make SwinIR return its input, so that it only ever learns the correction.

    The first convolution copies the unshuffled pixels into the first channels, the body, which
    is added to them, starts at zero, and the last convolution reads those channels back. So no
    training is spent on learning to repeat the picture.
    """
    first, body, last = network.conv_first, network.conv_after_body, network.upsample[0]
    pixels = first.in_channels
    for layer in (body, last):
        layer.weight.zero_()
        layer.bias.zero_()
    first.weight[:pixels] = 0
    first.bias[:pixels] = 0
    for channel in range(pixels):
        first.weight[channel, channel, 1, 1] = 1
        last.weight[channel, channel, 1, 1] = 1


def random_degradation(clean: Tensor, rng: np.random.Generator) -> Tensor:
    """What the network learns to undo: blur, resizing, noise and JPEG, singly and together.

    Sharp pictures with noise alone and JPEG alone are common, so that they are not blurred;
    blurred ones without noise are there to teach sharpening, and clean ones so that a good
    photograph is left alone. The shares were set by trial.
    """
    kind = rng.random()
    if kind < 0.14:
        degraded = clean
    elif kind < 0.26:
        degraded = degradations.gaussian_noise(clean, float(rng.uniform(3, 50)), rng)
    elif kind < 0.46:
        degraded = _jpeg(clean, rng)
    elif kind < 0.52:
        degraded = _blur(clean, rng)
    else:
        degraded = _several(clean, rng)
    return degradations.rounded(degraded)


def _several(clean: Tensor, rng: np.random.Generator) -> Tensor:
    degraded = clean
    if rng.random() < 0.65:
        degraded = _blur(degraded, rng)
    if rng.random() < 0.25:
        degraded = degradations.downscale(degraded, float(rng.uniform(1, 3)))
    if rng.random() < 0.65:
        degraded = _noise(degraded, rng)
    if rng.random() < 0.5:
        degraded = _jpeg(degraded, rng)
    return degraded


def _blur(image: Tensor, rng: np.random.Generator) -> Tensor:
    kind = rng.random()
    if kind < 0.1:
        return degradations.motion_blur(image, rng.uniform(3, 11), rng.uniform(0, 180))
    if kind < 0.2:
        return degradations.defocus(image, float(rng.uniform(0.7, 3.5)))
    sigma = rng.uniform(0.3, 3, 2) if kind < 0.45 else np.full(2, rng.uniform(0.3, 3))
    size = 2 * int(np.ceil(3 * sigma.max())) + 1
    wide, high = sigma.tolist()
    kernel = degradations.gaussian_kernel(size, wide, high, float(rng.uniform(0, np.pi)))
    return degradations.filter2d(image, kernel)


def _noise(image: Tensor, rng: np.random.Generator) -> Tensor:
    if rng.random() < 0.1:
        return degradations.poisson_noise(image, float(rng.uniform(0.05, 2.5)), rng)
    sigma = float(np.exp(rng.uniform(0, np.log(50))))
    return degradations.gaussian_noise(image, sigma, rng, grey=bool(rng.random() < 0.05))


def _jpeg(image: Tensor, rng: np.random.Generator) -> Tensor:
    quality = 10 + 85 * rng.random() ** 1.5  # low qualities are where there is most to learn
    return degradations.jpeg_pillow(image.clamp(0, 1), int(quality))


def recipe_for(params: Stage1Params) -> Stage1Recipe:
    """The recipe with its pictures in memory."""
    return Stage1Recipe(params, bank_of(params))


def train_stage1(params: Stage1Params, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    return train_to_file(recipe_for(params), params, folder)
