"""What DA-CLIP's controller learns from (Luo et al. 2024), and how its parameters are grouped.

Embeddings are (B, D) and of length 1, one row per example, unless said otherwise.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from clip_degradation.model import DaCLIP, Features

SHARPEST = math.log(100)
"""Highest logarithm of the scale."""


class Losses(NamedTuple):
    """The two parts of the loss, scalars."""

    captions: Tensor
    """Content embeddings of degraded pictures against captions of the clean ones."""
    words: Tensor
    """Degradation embeddings against the words for the degradations."""

    def total(self, captions: float = 1.0, words: float = 1.0) -> Tensor:
        """Their weighted sum; 1 to 1 as published."""
        return captions * self.captions + words * self.words


def losses(features: Features, groups: Tensor | None = None) -> Losses:
    """Both contrastive losses of a batch.

    Args:
        features: what the network gives.
        groups: (B,) which word each example has, see `contrastive`; None as published.
    """
    return Losses(
        contrastive(features.content, features.captions, features.scale),
        contrastive(features.degradation, features.words, features.scale, groups),
    )


def contrastive(
    images: Tensor, texts: Tensor, scale: Tensor, groups: Tensor | None = None
) -> Tensor:
    """How badly each picture finds its own text among all of the batch, and each text its picture.

    The mean of the two cross entropies of scale * images @ texts.T (Radford et al. 2021).

    Args:
        images: (B, D).
        texts: (B, D), those of the same examples.
        scale: what cosines are multiplied with.
        groups: (B,) integers; pairs of equal ones, which have the same text, do not count as
            wrong. As published (None) they do, and the loss cannot fall below `floor`.
    """
    logits = scale * images @ texts.T
    if groups is not None:
        twins = (groups[:, None] == groups[None, :]).fill_diagonal_(False)
        logits = logits.masked_fill(twins, -math.inf)
    own = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def alignment(controlled: Tensor, clean: Tensor) -> Tensor:
    """Mean distance of the content of degraded pictures from CLIP's of the clean ones.

    The robust variant of the wild model (Luo et al. 2024b); of any length, (B, D) each. No
    gradient flows into the clean ones.
    """
    return (controlled - clean.detach()).abs().mean()


def floor(batch: int, num_words: int) -> float:
    """What the loss of words cannot fall below where equal words count as wrong: ln(B / K).

    Of B examples with K equally frequent words, B / K share each word, and none of them can be
    told apart. B is that of all processes together.

    Raises:
        ValueError: there are no words, or more than examples.
    """
    if not 1 <= num_words <= batch:
        raise ValueError(f"a batch of {batch} cannot hold {num_words} words equally often")
    return math.log(batch / num_words)


def chance(batch: int) -> float:
    """The contrastive loss of a model that has learnt nothing: ln B."""
    return floor(batch, 1)


@torch.no_grad()
def clamp_scale(model: DaCLIP) -> None:
    """Keep the scale between 1 and 100, as after every published step."""
    model.logit_scale.clamp_(0, SHARPEST)


def freeze_clip(model: DaCLIP) -> DaCLIP:
    """Leave the controller, its linear layers and the scale to be trained."""
    model.clip.requires_grad_(False)
    return model


def parameter_groups(model: nn.Module, weight_decay: float = 0.05) -> list[dict[str, Any]]:
    """What of a DA-CLIP is trained, as AdamW takes it: vectors and the scale are not decayed."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
