"""Recipe `daclip`: a small DA-CLIP that names what is wrong with a crop, from first weights on.

The published controller steers a CLIP that has seen the world; there is none so small, so here the
whole of it is trained. Degradation embeddings are drawn to the words as published. The content of
a degraded crop is drawn to the content that the tower sees in the clean one, first by contrast
with the other crops of the batch, since without captions nothing else keeps all embeddings from
becoming the same one, and by their distance (the robust variant, Luo et al. 2024b).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from clip_degradation.model import MINI, Config, DaCLIP, Features
from clip_degradation.preprocessing import MEAN, STD
from clip_degradation.tokenizer import tokenise
from clip_degradation.training import SHARPEST, alignment, losses
from restoration.training.loop import Batch
from restoration.training.pairs import WORDS, pairs
from restoration.training.photographs import PictureBank
from restoration.training.pictures import PictureParams, bank_of, train_to_file
from restoration.training.state import State

CONTENT = 0.2
"""Weight of the contrast of contents beside that of words."""
SEEN = 4
"""Of how many crops the content of one is compared, since that takes two more towers."""


class DaclipParams(PictureParams):
    """Knobs of the recipe `daclip`."""

    batch: int = Field(default=32, ge=2, le=4096)
    """Crops per step and process, each the others' wrong answer."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """The highest one of the run, reached after the warm-up."""


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
    """The recipe with its pictures in memory."""
    return DaclipRecipe(bank_of(params))


def train_daclip(params: DaclipParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    return train_to_file(recipe_for(params), params, folder)
