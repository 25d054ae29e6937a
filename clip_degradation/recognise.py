"""A picture -> what is wrong with it, in words, and the two embeddings that restorers take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from clip_degradation.model import DaCLIP
from clip_degradation.preprocessing import View, squares
from clip_degradation.tokenizer import tokenise
from clip_degradation.vocabulary import UNIVERSAL, checked, checked_word

SHARPNESS = 100.0
"""What cosines are multiplied with before the softmax."""


@dataclass(frozen=True)
class Embeddings:
    """What a restoration network is conditioned on: (1, D) each, float32, of any length."""

    content: Tensor
    """What is on the picture, as if it were clean."""
    degradation: Tensor
    """What is wrong with it."""


@dataclass(frozen=True)
class Recognition:
    """How likely each word is what is wrong with a picture."""

    probabilities: dict[str, float]
    """In the order of the words; they add up to 1."""
    embeddings: Embeddings

    @property
    def likeliest(self) -> str:
        """The word with the highest probability."""
        return max(self.probabilities, key=lambda word: self.probabilities[word])


def recognise(
    model: DaCLIP,
    picture: Tensor,
    words: Sequence[str] = tuple(UNIVERSAL),
    *,
    view: View = "centre",
) -> Recognition:
    """Probabilities over words, a softmax of 100 times the cosines, averaged over what is seen.

    They are shares among the words given: one of them is always likeliest, even where none fits.

    Args:
        model: in eval mode.
        picture: (1, 3, H, W) in [0, 1], of any size.
        words: two or more, the ten of the universal model unless others are given.
        view: which part of the picture is seen, see `preprocessing.View`.

    Raises:
        BadWordsError: the words cannot be compared.
    """
    words = checked(words)
    embedded = functional.normalize(embed_words(model, words), dim=-1)
    content, degradation = _embed(model, picture, view)
    cosines = functional.normalize(degradation, dim=-1) @ embedded.T
    shares = (SHARPNESS * cosines).softmax(dim=-1).mean(0)
    return Recognition(
        dict(zip(words, shares.tolist(), strict=True)), _averaged(content, degradation)
    )


def embed_picture(model: DaCLIP, picture: Tensor, *, view: View = "centre") -> Embeddings:
    """The embeddings of a picture (1, 3, H, W) in [0, 1], averaged over what is seen of it."""
    return _averaged(*_embed(model, picture, view))


@torch.no_grad()
def embed_words(model: DaCLIP, words: Sequence[str]) -> Tensor:
    """Text embeddings (len(words), D), float32, not normalised.

    Raises:
        BadWordsError: a word is longer than the model reads.
        ClipDegradationError: the model has no text tower.
    """
    tokens = tokenise(words, model.config).to(model.logit_scale.device)
    return model.encode_text(tokens).float()


def named_by_hand(model: DaCLIP, embeddings: Embeddings, word: str) -> Embeddings:
    """The embeddings with another degradation: the word's, as long as the controller's own.

    Text embeddings have the direction of the controller's but not its length, which restoration
    networks were trained on.

    Raises:
        BadWordsError: the word says nothing.
    """
    (text,) = embed_words(model, [checked_word(word)])
    length = torch.linalg.vector_norm(embeddings.degradation)
    degradation = functional.normalize(text, dim=-1) * length
    return Embeddings(embeddings.content, degradation.unsqueeze(0))


@torch.no_grad()
def _embed(model: DaCLIP, picture: Tensor, view: View) -> tuple[Tensor, Tensor]:
    """Content and degradation (N, D) of N squares, float32."""
    seen = squares(picture, model.image_size, view).to(model.logit_scale)
    content, degradation = model.encode_image(seen, control=True)
    return content.float(), degradation.float()


def _averaged(content: Tensor, degradation: Tensor) -> Embeddings:
    return Embeddings(content.mean(0, keepdim=True), degradation.mean(0, keepdim=True))
