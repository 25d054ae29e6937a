"""Recipe `daclip`: a small DA-CLIP that names what is wrong with a crop, from first weights on.

The published controller steers a CLIP that has seen the world; there is none so small, so here the
whole of it is trained. Degradation embeddings are drawn to the words as published. The content of
a degraded crop is drawn to the content that the tower sees in the clean one, first by contrast
with the other crops of the batch, since without captions nothing else keeps all embeddings from
becoming the same one, and by their distance (the robust variant, Luo et al. 2024b).

Where there is a CLIP, its controller is trained in the published way, with the same knobs:
`daclip_controller.py`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from clip_degradation.model import MINI, Config, DaCLIP, Features
from clip_degradation.preprocessing import MEAN, STD
from clip_degradation.tokenizer import tokenise
from clip_degradation.training import SHARPEST, alignment, losses, parameter_groups
from restoration.errors import BadKnobError
from restoration.training.loop import Batch
from restoration.training.optimisers import Manner, usual, warmed_cosine
from restoration.training.pairs import WORDS, pairs
from restoration.training.photographs import PictureBank
from restoration.training.pictures import PictureParams, bank_of, filled, train_to_file
from restoration.training.state import State

CONTENT = 0.2
"""Weight of the contrast of contents beside that of words."""
SEEN = 4
"""Of how many crops the content of one is compared, since that takes two more towers."""


class DaclipParams(PictureParams):
    """Knobs of the recipe `daclip`."""

    batch: int = Field(default=0, ge=2, le=4096)
    """Crops per step and process, each the others' wrong answer; 0 is 32, and 784 with a CLIP."""
    side: int = Field(default=0, ge=32, le=512, multiple_of=32)
    """Side of a picture that is made worse, before a CLIP sees it scaled; 0 is 256."""
    learning_rate: float = Field(default=0, gt=0, le=1)
    """The highest one of the run, after the warm-up; 0 is 1e-3, and 3e-5 with a CLIP."""
    clip: str = ""
    """A file of a CLIP, of open_clip or a DA-CLIP; it stays, and only its controller learns."""
    system: Literal["universal", "wild"] = "universal"
    """With a CLIP: what its controller is to name, one of several degradations or a mixture."""
    align: float = Field(default=0.0, ge=0, le=100)
    """With a CLIP: weight of the distance of content from the clean picture's; 1 is more robust."""
    mask_equal: bool = False
    """With a CLIP: whether pictures with equal words are no wrong answers for each other."""

    @model_validator(mode="before")
    @classmethod
    def _as_usual(cls, told: Any) -> Any:
        return filled(told, AS_PUBLISHED if told.get("clip") else AS_MINI)

    def manner(self) -> Manner:
        """As the controller was trained, where there is a CLIP."""
        return controlling(self) if self.clip else usual(self.learning_rate)


AS_MINI = {"batch": 32, "side": 64, "learning_rate": 1e-3}
AS_PUBLISHED = {"batch": 784, "side": 256, "learning_rate": 3e-5}
"""Published with four processes, so 3136 pictures in all."""
WARM_UP = 100


def controlling(params: DaclipParams) -> Manner:
    """AdamW, a warm-up and a cosine to 0, and no average, as DA-CLIP's controller was trained."""

    def rate(made: int, over: float) -> float:
        steps = made / over if over else math.inf  # that the run will have made
        return warmed_cosine(made, steps, params.learning_rate, WARM_UP)

    return Manner(
        optimizer=lambda network, rate: torch.optim.AdamW(
            parameter_groups(network), rate, betas=(0.9, 0.98), eps=1e-6
        ),
        rate=rate,
        kept=lambda _: 0.0,
        longest=0.0,
    )


class Paired(DaCLIP):
    """A DA-CLIP that is trained: the clean pictures stand where captions would."""

    def forward(self, image: Tensor, clean: Tensor, words: Tensor) -> Features:
        """What training compares, all embeddings of length 1; contents of the first crops alone.

        Args:
            image: degraded pictures (B, 3, S, S), normalised.
            clean: the first N of them before, normalised.
            words: token ids (B, context_length) of what is wrong with the degraded ones.
        """
        content, _ = self.encode_image(image[: len(clean)], control=True, normalize=True)
        degradation, _ = self.control(image)
        return Features(
            content.float(),
            self.encode_image(clean, normalize=True).float(),
            functional.normalize(degradation.float(), dim=-1),
            self.encode_text(words, normalize=True).float(),
            self.logit_scale.clamp(0, SHARPEST).exp(),
        )


class DaclipRecipe:
    """A DA-CLIP, and pairs of crops with words for it."""

    name = "daclip"

    def __init__(self, bank: PictureBank, config: Config = MINI) -> None:
        self.bank = bank
        self.config: dict[str, Any] = dict(config)
        self.side = int(config["vision_cfg"]["image_size"])
        self.tokens = tokenise(WORDS, config)

    def build(self) -> nn.Module:
        """The network; its controller steers nothing yet."""
        return Paired(self.config)

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """(degraded, clean, words), see `pairs`."""
        return pairs(self.bank, rng, count, self.side)

    def loss(self, network: nn.Module, batch: Batch) -> Tensor:
        """The contrastive loss of words, and what keeps the content the same.

        Crops with the same word are no wrong answers for each other.
        """
        degraded, clean, words = batch
        tokens = self.tokens.to(words.device)[words]
        compared = normalised(clean[: max(len(clean) // SEEN, 2)])
        features: Features = network(normalised(degraded), compared, tokens)
        apart = losses(features, groups=words).total(captions=CONTENT)
        return apart + alignment(features.content, features.captions)


def normalised(image: Tensor) -> Tensor:
    """Pictures in [0, 1] as CLIP takes them; (B, 3, S, S)."""
    return (image - image.new_tensor(MEAN).view(3, 1, 1)) / image.new_tensor(STD).view(3, 1, 1)


def recipe_for(params: DaclipParams) -> DaclipRecipe:
    """The recipe of the mini with its pictures in memory.

    Raises:
        BadKnobError: a knob asks for what only the recipe of a controller can do.
    """
    if params.system != "universal" or params.align or params.mask_equal:
        raise BadKnobError("system, align and mask-equal are about a controller: name its clip")
    return DaclipRecipe(bank_of(params))


def train_daclip(params: DaclipParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    return train_to_file(recipe_for(params), params, folder)
