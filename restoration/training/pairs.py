"""Pairs of degraded and clean crops, with the word for what is wrong: what the minis learn from.

The words are those of the mini DA-CLIP, equally frequent. Strengths are drawn around those that
the kinds of `degradations/kinds.py` have unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from clip_degradation.vocabulary import CLEAN, MINI
from restoration.degradations import scenes
from restoration.degradations import single as degradations
from restoration.training.photographs import PictureBank

WORDS = tuple(MINI)
KIND_OF = {
    "noisy": "noise",
    "blurry": "blur",
    "jpeg-compressed": "jpeg",
    "low-light": "low-light",
    "rainy": "rain",
    "hazy": "haze",
    "uncompleted": "missing",
}
"""The kind in `degradation_kinds.KINDS` of each word but "clean"."""
MARGIN = 8
"""Pixels that a crop loses at two sides once degraded: JPEG blocks then begin anywhere."""


def pairs(
    bank: PictureBank, rng: np.random.Generator, count: int, side: int
) -> tuple[Tensor, Tensor, Tensor]:
    """(degraded, clean, words): crops (count, 3, side, side) in [0, 1], places in `WORDS` (count,).

    Every word comes as often as any other: a batch takes them in turn from a random one on.
    """
    words = (int(rng.integers(len(WORDS))) + np.arange(count)) % len(WORDS)
    both = [_pair(bank, rng, WORDS[word], side) for word in words]
    degraded, clean = (torch.cat(list(crops)) for crops in zip(*both, strict=True))
    return degraded, clean, torch.from_numpy(words)


def spoilt(clean: Tensor, word: str, rng: np.random.Generator) -> Tensor:
    """A picture as the word says, (1, 3, H, W) in [0, 1], in steps of 1/255."""
    return degradations.rounded(SPOIL[word](clean, rng))


def _pair(
    bank: PictureBank, rng: np.random.Generator, word: str, side: int
) -> tuple[Tensor, Tensor]:
    whole = bank.crop(rng, side + MARGIN)
    top, left = rng.integers(MARGIN + 1, size=2).tolist()
    window = (..., slice(top, top + side), slice(left, left + side))
    return spoilt(whole, word, rng)[window], whole[window]


def _same(clean: Tensor, _: np.random.Generator) -> Tensor:
    return clean


def _noise(clean: Tensor, rng: np.random.Generator) -> Tensor:
    return degradations.gaussian_noise(clean, float(rng.uniform(8, 45)), rng)


def _blur(clean: Tensor, rng: np.random.Generator) -> Tensor:
    if rng.random() < 0.2:
        return degradations.defocus(clean, float(rng.uniform(1.5, 4)))
    return degradations.gaussian_blur(clean, float(rng.uniform(1, 3)))


def _jpeg(clean: Tensor, rng: np.random.Generator) -> Tensor:
    return degradations.jpeg_pillow(clean, int(rng.integers(8, 46)))


def _low_light(clean: Tensor, rng: np.random.Generator) -> Tensor:
    exposure = float(np.exp(rng.uniform(np.log(0.05), np.log(0.2))))
    sigma, shot = rng.uniform((1, 1), (8, 5)).tolist()
    return degradations.low_light(clean, exposure, sigma, rng, shot=shot)


def _rain(clean: Tensor, rng: np.random.Generator) -> Tensor:
    amount, length, angle = rng.uniform((0.08, 10, 50), (0.4, 35, 130)).tolist()
    return scenes.rain(clean, amount, rng, length=length, angle=angle)


def _haze(clean: Tensor, rng: np.random.Generator) -> Tensor:
    density, light, relief = rng.uniform((0.6, 0.75, 0), (2, 1, 0.9)).tolist()
    return scenes.haze(clean, density, rng, light=light, relief=relief)


def _missing(clean: Tensor, rng: np.random.Generator) -> Tensor:
    shape = rng.choice(np.array(["pixels", "blocks", "strokes"]), p=(0.6, 0.2, 0.2))
    share = float(rng.uniform(0.1, 0.6 if shape == "pixels" else 0.3))
    return scenes.missing(clean, share, rng, shape=str(shape))  # type: ignore[arg-type]


SPOIL: dict[str, Callable[[Tensor, np.random.Generator], Tensor]] = {
    "noisy": _noise,
    "blurry": _blur,
    "jpeg-compressed": _jpeg,
    "low-light": _low_light,
    "rainy": _rain,
    "hazy": _haze,
    "uncompleted": _missing,
    CLEAN: _same,
}
"""What each word of `WORDS` does to a picture."""
