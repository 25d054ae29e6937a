"""What recipes that learn from pictures have in common: their knobs, and from knobs to a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from restoration.training.loop import LoopParams, Recipe, is_main, train
from restoration.training.photographs import PictureBank
from restoration.training.state import State, export


class PictureParams(LoopParams):
    """Knobs of a recipe that learns from pictures."""

    photographs: str = ""
    """A folder of photographs, searched through; without one only drawn pictures are used."""
    drawn: int = Field(default=40, ge=0, le=100_000)
    """How many pictures are drawn beside them; they add edges and textures of another kind."""
    side: int = Field(default=64, ge=32, le=512, multiple_of=32)
    """Side of a crop in pixels."""
    out: str = ""
    """Where the averaged weights are written at the end, as safetensors."""


def filled(told: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """What knobs are told, and what is usual in place of those that are 0 or left out."""
    return {**told, **{name: value for name, value in usual.items() if not told.get(name)}}


def bank_of(params: PictureParams, *, margin: int = 0) -> PictureBank:
    """The pictures in memory, each large enough for a crop and a margin beside it."""
    folder = Path(params.photographs) if params.photographs else None
    return PictureBank.gather(folder, params.drawn, seed=params.seed, side=params.side + margin)


def train_to_file(recipe: Recipe, params: PictureParams, folder: Path) -> State:
    """Train from the last state in `folder` on, and write the weights where `out` says."""
    state = train(recipe, params, folder)
    if params.out and is_main():
        export(state, Path(params.out), name=recipe.name, config=recipe.config)
    return state
