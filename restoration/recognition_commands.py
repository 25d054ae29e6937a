"""`python -m restoration recognise IN`: what DA-CLIP says is wrong with a picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from restoration import recognition, weights
from restoration.errors import BadKnobError, MissingWeightsError
from restoration.methods.irsde_systems import SYSTEMS, VARIANTS
from restoration.protocol import Variant
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor

ABLE = tuple(variant for variant in VARIANTS if SYSTEMS[variant.name].words)
"""Variants with a controller."""


def recognise(
    source: Positional[Path],
    words: tuple[str, ...] = (),
    view: Literal["usual", "centre", "whole", "close"] = "usual",
    variant: str | None = None,
) -> None:
    """Say how likely each degradation is what is wrong with the picture SOURCE.

    Args:
        source: the picture.
        words: hold it against these instead of the words that the model was trained with.
        view: where it looks; whole for a long picture, close for noise and JPEG blocks.
        variant: which DA-CLIP; the best one on disk where none is named.
    """
    from clip_degradation import vocabulary
    from restoration import image_io

    chosen = chosen_variant(variant)
    system = SYSTEMS[chosen.name]
    image = image_io.read(source, limits()).image
    seen = system.view if view == "usual" else view
    shares = probabilities(chosen, image, words or tuple(system.words), seen)
    for word, share in sorted(shares.items(), key=lambda pair: -pair[1]):
        print(f"{word:20} {share:6.1%}")
    if unknown := vocabulary.strangers(tuple(shares), system.words):
        print(
            f"{', '.join(unknown)}: {chosen.title} was not trained with such words and guesses",
            file=sys.stderr,
        )


def probabilities(
    variant: Variant, image: Tensor, words: Sequence[str], view: Literal["centre", "whole", "close"]
) -> dict[str, float]:
    """The share of each word, from the controller of a variant."""
    from clip_degradation import recognise as clip

    controller = recognition.load(variant.weights[1])
    with recognition.translated():
        return clip.recognise(controller, image, words, view=view).probabilities


def chosen_variant(name: str | None) -> Variant:
    """The variant of that name, or the best one whose controller is on disk.

    Raises:
        BadKnobError: there is none of that name.
        MissingWeightsError: not one controller is on disk.
    """
    names = [variant.name for variant in ABLE]
    if name is not None:
        if name not in names:
            raise BadKnobError(
                f"no variant {name!r:.60} recognises anything (known: {', '.join(names)})"
            )
        return ABLE[names.index(name)]
    for variant in ABLE:
        if weights.catalogue().get(variant.weights[1]) and weights.find(
            weights.named(variant.weights[1])
        ):
            return variant
    raise MissingWeightsError(
        f"no DA-CLIP is on disk: get one with `python -m restoration weights fetch "
        f"{ABLE[0].weights[1]}`"
    )
