"""Stage 2 of DiffBIR (Lin et al. 2024): detail by latent diffusion, led by stage 1's picture y.

    c = f mode(encode(2 y - 1))                       the condition
    x_T = noise, or c noised to the last level
    c <- sqrt(ab_k) c + sqrt(1 - ab_k) noise          only where k, the condition's noise, is not 0
    answer = unet(x_t, t, words, strength * control([x_t, c], t, words))
    picture = (decode(x_0 / f) + 1) / 2

y is (1, 3, H, W), about [0, 1]; x_t, x_0 and c are latents (1, 4, h, w), float32 on the CPU, f
their scale factor. Arithmetic of `diffbir/pipeline.py` v2.1, steps 4 to 9, but that y is encoded
once and not once per prompt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from restoration.colour import resize, wavelet_decomposition
from restoration.latent import tiled_autoencoder
from restoration.latent.classifier_free import ClassifierFree
from restoration.latent.feature_reuse import Network, Turns
from restoration.latent.restoration_guidance import Guidance
from restoration.latent.schedule import LatentSchedule, Walked
from restoration.latent.walks import Course, num_steps, walk
from restoration.noise import Noise
from restoration.params import Tiles
from restoration.tiling import pad_to_multiple, stride_for, tiled

MULTIPLE, CUT_MULTIPLE = 64, 8
"""Of the sides of a picture that the U-Net sees whole, and of one that it sees in tiles."""
RIDGE = 1e-3
"""How much a preview prefers grey, so that flat pictures can be fitted too."""


@dataclass(frozen=True)
class LatentNetworks:
    """What stage 2 consists of, all on one device; or there only while at work, to save memory."""

    unet: Any
    control: Any
    autoencoder: Any
    schedule: LatentSchedule
    device: str = "cpu"
    offloaded: bool = False
    """Whether the networks rest on the CPU."""

    @property
    def factor(self) -> int:
        """How many times smaller than a picture its latent is."""
        return int(2 ** (len(self.autoencoder.config.block_out_channels) - 1))

    @property
    def scale(self) -> float:
        """What latents are multiplied by: f."""
        return float(self.autoencoder.config.scaling_factor)

    @property
    def home(self) -> str | None:
        """Where the autoencoder's maps rest between its layers; None for its own device."""
        return "cpu" if self.offloaded else None

    @contextmanager
    def at_work(self, *networks: Any) -> Iterator[None]:
        """Have some of them on the device for a while."""
        for network in networks:
            network.to(self.device)
        try:
            yield
        finally:
            if self.offloaded:
                for network in networks:
                    network.to("cpu")


@dataclass(frozen=True)
class Words:
    """What steers the network beside the condition."""

    wanted: Tensor
    """(1, L, D)"""
    unwanted: Tensor
    """(1, L, D)"""
    scale: float = 1.0
    """Of classifier-free guidance; with 1 the unwanted words do nothing."""
    rising: bool = False
    """Whether the scale begins at 1 and grows."""
    in_one_batch: bool = False
    """Whether both answers are asked for at once: quicker on a GPU, and more memory."""


@dataclass(frozen=True)
class Generation:
    """How a picture gets its detail."""

    words: Words
    course: Course = field(default_factory=Course)
    strength: float = 1.0
    """Of the control branch."""
    condition_noise: int = 0
    """k: so many steps of the training are undone on the condition, which leaves more freedom."""
    start: Literal["noise", "condition", "colours"] = "noise"
    """x_T: pure noise, or with what the last level leaves of the condition, or of its colours."""
    padding: Literal["constant", "reflect"] = "constant"
    tiles: Tiles = field(default_factory=Tiles)
    """Of the U-Net and its control branch, in pixels of the picture."""
    band: int | None = None
    """Side of the square whose pixels the autoencoder sees at once; None for the whole picture."""
    guidance: Guidance = field(default_factory=Guidance)
    """Towards y."""
    reuse: int = 1
    """How often the deep features are made anew: 1 for every step, 2 for every other one ..."""


@dataclass(frozen=True)
class Stride:
    """A part of stage 2 is done."""

    note: str
    shown: Callable[[], Tensor]
    """The picture so far, (1, 3, H, W) in about [0, 1]."""


@torch.no_grad()
def regenerate(
    networks: LatentNetworks, y: Tensor, how: Generation, noise: Noise
) -> Generator[Stride, None, Tensor]:
    """Give y (1, 3, H, W) its detail; a stride after every part, `num_strides` of them.

    Returns:
        (1, 3, H, W) in about [0, 1], not clamped, colours as the network has them.
    """
    height, width = y.shape[-2:]
    padded = pad_to_multiple(y, multiple_for(height, width, how.tiles), how.padding)

    def cropped(picture: Tensor) -> Tensor:
        return resize(picture, *padded.shape[-2:])[..., :height, :width]

    with networks.at_work(networks.autoencoder):
        x = 2 * padded - 1
        for at in tiled_autoencoder.encoding(networks.autoencoder, x, how.band, networks.home):
            yield Stride(_counted("encoding", at), lambda: y)
    assert at.result is not None
    c = networks.scale * at.result.cpu().chunk(2, dim=1)[0]
    glance = Glance.fitted(c, padded)
    with networks.at_work(networks.unet, networks.control, *_guides(networks, how)):
        for i, made in enumerate(_walk(networks, c, padded, how, noise), start=1):
            yield Stride(f"step {i}", partial(_seen, glance, made.x0, cropped))
    x_0 = made.x_t
    with networks.at_work(networks.autoencoder):
        z = x_0 / networks.scale
        for at in tiled_autoencoder.decoding(networks.autoencoder, z, how.band, networks.home):
            if at.result is None:
                yield Stride(_counted("decoding", at), partial(_seen, glance, x_0, cropped))
    assert at.result is not None
    picture = (at.result.cpu()[..., :height, :width] + 1) / 2
    yield Stride("decoding", lambda: picture)
    return picture


def num_strides(networks: LatentNetworks, height: int, width: int, how: Generation) -> int:
    """How many strides `regenerate` takes for a picture of this size."""
    multiple = multiple_for(height, width, how.tiles)
    tall, wide = (math.ceil(side / multiple) * multiple for side in (height, width))
    bands = tiled_autoencoder.num_bands(networks.autoencoder, tall, wide, how.band)
    return sum(bands) + num_steps(how.course)


def multiple_for(height: int, width: int, tiles: Tiles) -> int:
    """What the sides of a picture are padded to: little where all the U-Net sees are tiles."""
    in_tiles = tiles.cut and min(height, width) >= tiles.size
    return CUT_MULTIPLE if in_tiles and max(height, width) > tiles.size else MULTIPLE


def _walk(
    networks: LatentNetworks, c: Tensor, padded: Tensor, how: Generation, noise: Noise
) -> Iterator[Walked]:
    """From x_T to x_0; what is drawn comes in the order of the official program."""
    ab = networks.schedule.alpha_bar.float()
    x_T = noise(c)  # noqa: N806  # the paper's name
    if how.start != "noise":
        known = c if how.start == "condition" else wavelet_decomposition(c)[1]
        x_T = ab[-1].sqrt() * known + (1 - ab[-1]).sqrt() * x_T  # noqa: N806
    guide = how.guidance.towards(padded, c, partial(_decoded, networks))
    if k := how.condition_noise:
        c = ab[k].sqrt() * c + (1 - ab[k]).sqrt() * noise(c)
    words, turns = how.words, Turns(how.reuse)
    mixed = words.scale, words.rising, words.in_one_batch
    door = _Door(networks, c, how, turns)
    asked = ClassifierFree(door, words.wanted, words.unwanted, *mixed)

    def denoise(x_t: Tensor, t: float) -> Tensor:
        turns.next_step()
        return asked(x_t, t)

    return walk(how.course, denoise, networks.schedule, x_T, noise, guide)


@dataclass(frozen=True)
class _Door:
    """The one door to the networks: on their device, tile by tile, back as float32 on the CPU."""

    networks: LatentNetworks
    c: Tensor
    how: Generation
    turns: Turns

    def __call__(self, x_t: Tensor, t: float, tokens: Tensor) -> Tensor:
        networks, tiles, device = self.networks, self.how.tiles, self.networks.device
        network = Network(networks.unet, networks.control, self.how.strength, self.turns)
        context = tokens.to(device)

        def call(both: Tensor) -> Tensor:
            x, condition = both.to(device).chunk(2, dim=1)
            time = torch.full((len(x),), t, device=x.device)
            return network(x, condition, time, context).cpu().float()

        both = torch.cat([x_t, self.c.expand_as(x_t)], dim=1)
        height, width = x_t.shape[-2:]
        side = tiles.size // networks.factor
        if not tiles.cut or max(height, width) <= side:
            return call(both)
        tile = min(side, height), min(side, width)
        *_, (_, _, mosaic) = tiled(call, both, tile, stride_for(tile, tiles))
        return mosaic.total / mosaic.weight


def _guides(networks: LatentNetworks, how: Generation) -> list[Any]:
    """The networks that guidance needs on the way."""
    seen = how.guidance.share and how.guidance.space == "rgb"
    return [networks.autoencoder] if seen else []


def _decoded(networks: LatentNetworks, x0: Tensor) -> Tensor:
    """The picture of a latent in [-1, 1], differentiable."""
    z = (x0 / networks.scale).to(networks.device)
    decoded: Tensor = networks.autoencoder.decode(z).sample
    return decoded.cpu().float()


@dataclass(frozen=True)
class Glance:
    """Colours of latents by one matrix: what a decoder would show, small, and at no cost.

    Fitted by least squares to the condition and its own picture, so that it suits any autoencoder.
    """

    matrix: Tensor
    """(3, 5): of the four channels of a latent and a constant."""

    @classmethod
    def fitted(cls, c: Tensor, picture: Tensor) -> Glance:
        """The matrix by which c (1, 4, h, w) shows its picture (1, 3, H, W) best."""
        small = functional.adaptive_avg_pool2d(picture, (c.shape[-2], c.shape[-1]))[0].flatten(1)
        mean = small.mean(1, keepdim=True)
        known = torch.cat([c[0].flatten(1), torch.ones_like(small[:1])])
        squares = known @ known.T / known.shape[1] + RIDGE * torch.eye(len(known))
        solved = torch.linalg.solve(squares, known @ (small - mean).T / known.shape[1]).T
        solved[:, -1] += mean[:, 0]
        return cls(solved)

    def __call__(self, latent: Tensor) -> Tensor:
        """The small picture (1, 3, h, w) of a latent (1, 4, h, w)."""
        return (
            torch.einsum("ck,bkhw->bchw", self.matrix[:, :-1], latent) + self.matrix[:, -1:, None]
        )


def _seen(glance: Glance, latent: Tensor, cropped: Callable[[Tensor], Tensor]) -> Tensor:
    return cropped(glance(latent))


def _counted(doing: str, at: tiled_autoencoder.Worked) -> str:
    return doing if at.total == 1 else f"{doing}, band {at.done} of {at.total}"
