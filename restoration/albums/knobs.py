"""Knobs of what is done with an album: generating its pictures, and training on them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from restoration.params import Params, only_when


class GenerateParams(Params):
    """How a generative album is made (Ding et al. 2024, Sec. 4.1)."""

    samples: int = Field(default=16, ge=1, le=64)
    """Pictures in the album; the paper takes 16."""
    noise_step: int = Field(default=200, ge=2, le=1000)
    """Level of noise that each starts from (K, of 1000); more makes them cleaner and less alike."""
    steps: int = Field(default=25, ge=2, le=1000)
    """Calls of the network for each picture; the paper takes all 200."""
    guided: bool = True
    """Hold them near the picture on the way, as the paper does for albums."""
    every: int = Field(default=10, ge=1, le=1000, json_schema_extra=only_when(guided=(True,)))
    """At every so many of the 1000 levels; more often holds them nearer."""
    scale: float = Field(default=0.3, ge=0.0, le=10.0, json_schema_extra=only_when(guided=(True,)))
    """How far each time; too much brings back what was wrong with the picture."""


class TuneParams(Params):
    """How a prior is fine-tuned on an album (Ding et al. 2024, Sec. 4.2; Hu et al. 2022)."""

    way: Literal["low-rank", "full"] = "low-rank"
    """low-rank learns a small addition to some layers; full learns every weight, as the paper."""
    rank: int = Field(default=8, ge=1, le=128, json_schema_extra=only_when(way=("low-rank",)))
    """Size of the addition; more can hold more, and takes more room on disk."""
    minutes: float = Field(default=3.0, ge=0, le=100_000)
    """How long the training takes in all; the album can be used after any part of it."""
    steps: int = Field(default=0, ge=0, le=1_000_000)
    """How many steps it makes instead of minutes; the paper makes 3000 to 5000."""
    learning_rate: float = Field(default=0.0, ge=0)
    """The rate at the start, falling to nothing; 0 takes what suits the prior and the way."""
    batch: int = Field(default=4, ge=1, le=256)
    """Crops per step."""
    levels: int = Field(default=1000, ge=10, le=1000)
    """Levels of noise that are trained on, of 1000, from the cleanest up; a short training for
    restorations from level 200 gains by taking 300."""
    dropout: float = Field(default=0.1, ge=0.0, le=0.9)
    """Share of the activations that a step does without, so that less is learned by heart."""
    crops: Literal["auto", "whole", "patches"] = "auto"
    """What a step sees: whole squares made as large as the prior, or patches of them; auto takes
    whole squares for priors of faces."""
    patience: int = Field(default=0, ge=0, le=1000)
    """Stop after so many checks, one in 50 steps, that are no better; 0 goes on to the end."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    """Decides the crops, the noise and the first weights of an addition."""
