"""Every bundled checkpoint made better: trained on, measured, and replaced where it has improved.

The training state and the candidates lie outside the project, so that an hour of an idle machine
is never lost; a bundled file changes only when a fixed table of numbers says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from clip_degradation import checkpoints
from clip_degradation import model as daclip_model
from restoration import weights
from restoration.errors import RestorationError
from restoration.networks import guided_unet
from restoration.networks import irsde as irsde_networks
from restoration.networks.stage1 import build_swinir
from restoration.params import Params
from restoration.training import daclip, irsde, prior, stage1
from restoration.training.judging import (
    daclip_scores,
    improves,
    irsde_scores,
    prior_scores,
    stage1_scores,
)
from restoration.training.loop import LoopParams, Recipe, is_main, train
from restoration.training.photographs import draw, read_photographs
from restoration.training.pictures import PictureParams
from restoration.training.state import State, export

P = TypeVar("P", bound=PictureParams)

SIDE = 256
"""Longest side of what is measured: the middle of a picture."""
TEST_SEED = 2**31
"""Drawn pictures to measure on; training takes smaller seeds only."""


class MinisParams(Params):
    """How long to train, and on what."""

    minutes: float = Field(default=10.0, ge=0, le=100_000)
    """How long all of it takes, measuring aside; the minis get equal shares."""
    photographs: str = ""
    """A folder of photographs to train on, searched through; without one, drawn pictures only."""
    drawn: int = Field(default=40, ge=0, le=100_000)
    """How many pictures are drawn beside them."""
    test: str = ""
    """A folder of photographs to choose by, not those of a reported result; else drawn pictures."""
    limit: int = Field(default=12, ge=1, le=10_000)
    """How many pictures are measured."""
    threads: int = Field(default=0, ge=0, le=256)
    """CPU threads; 0 leaves it to torch."""
    workers: int = Field(default=0, ge=0, le=256)
    """Processes that prepare batches ahead; a GPU waits without them, a CPU is faster without."""


Plan = Callable[[MinisParams, float], tuple[Recipe, LoopParams]]


@dataclass(frozen=True)
class Mini:
    """A bundled checkpoint and how it is made."""

    name: str
    """In the catalogue."""
    file: Path
    plan: Plan
    """What to train for so many minutes."""
    build: Callable[[Mapping[str, Any]], nn.Module]
    """The network without weights, from its constructor arguments."""
    scores: Callable[[nn.Module, Sequence[Tensor]], dict[str, float]]
    """How good the network is on clean pictures (1, 3, H, W) in [0, 1]: a number of each kind."""
    unit: str = "mean PSNR in dB"
    """What the numbers are."""


def train_minis(
    params: MinisParams, folder: Path, minis: Sequence[Mini] | None = None
) -> list[str]:
    """Train every mini on from its last state in `folder`; the lines of a report.

    Raises:
        RestorationError: there is nothing to train or measure on, or a state is broken.
    """
    minis = MINIS if minis is None else minis
    share = params.minutes / len(minis)
    candidates = [_trained(mini, params, share, folder) for mini in minis]
    if not is_main():
        return []
    pictures = pictures_to_measure(params)
    return [
        line
        for mini, candidate in zip(minis, candidates, strict=True)
        for line in judge(mini, candidate, pictures)
    ]


def judge(mini: Mini, candidate: Path, pictures: Sequence[Tensor]) -> list[str]:
    """Put the candidate in the place of the bundled file if it is better; says why or why not."""
    after = measure(mini, candidate, pictures)
    before = measure(mini, mini.file, pictures) if mini.file.exists() else None
    taken = before is None or improves(before, after)
    if taken:
        mini.file.parent.mkdir(parents=True, exist_ok=True)
        part = mini.file.with_suffix(".part")
        shutil.copyfile(candidate, part)
        part.replace(mini.file)
    verdict = "replaced" if taken else "kept, for the candidate is no better"
    steps = weights.metadata(candidate)["steps"]
    old = {kind: f"{before[kind]:.2f}" if before else "-" for kind in after}
    wide = max(9, *map(len, after))
    return [
        f"{mini.name}: {verdict} ({steps} steps; {mini.unit} of {len(pictures)} pictures)",
        f"  {'':{wide}} before candidate",
        *(f"  {kind:{wide}} {old[kind]:>6} {new:9.2f}" for kind, new in after.items()),
    ]


@torch.no_grad()
def measure(mini: Mini, path: Path, pictures: Sequence[Tensor]) -> dict[str, float]:
    """The mini's own table for the checkpoint in `path`; the same every time."""
    return mini.scores(_loaded(mini, path), pictures)


def pictures_to_measure(params: MinisParams) -> list[Tensor]:
    """Clean pictures to measure on: (1, 3, H, W) in [0, 1], sides up to 256.

    Raises:
        RestorationError: the folder holds no picture.
    """
    if params.test:
        pixels = list(islice(read_photographs(Path(params.test)), params.limit))
    else:
        rngs = (np.random.default_rng([TEST_SEED, i]) for i in range(params.limit))
        pixels = [draw(rng, SIDE) for rng in rngs]
    if not pixels:
        raise RestorationError("test: there is no photograph in this folder to measure on")
    return [_middle(torch.from_numpy(one).permute(2, 0, 1)[None] / 255) for one in pixels]


def bundled_state(mini: Mini) -> State | None:
    """What training goes on from where only the bundled file is at hand, or None without one."""
    if not mini.file.exists():
        return None
    facts = weights.metadata(mini.file)
    kept = _read(mini, mini.file)
    state = {key: v.float() if v.is_floating_point() else v for key, v in kept.items()}
    return State(state, state, {}, int(facts["steps"]), float(facts["seconds"]))


def _trained(mini: Mini, params: MinisParams, minutes: float, folder: Path) -> Path:
    recipe, loop = mini.plan(params, minutes)
    state = train(recipe, loop, folder, start=bundled_state(mini))
    path = folder / f"{mini.name}.safetensors"
    if is_main():
        export(state, path, name=recipe.name, config=recipe.config)
    return path


def _read(mini: Mini, path: Path) -> dict[str, Tensor]:
    return weights.read(path, weights.named(mini.name))


def _loaded(mini: Mini, path: Path) -> nn.Module:
    from accelerate import PartialState

    network = mini.build(json.loads(weights.metadata(path)["config"]))
    weights.load_into(network, _read(mini, path), file=path.name)
    return network.to(PartialState().device)


def _middle(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    top, left = max(height - SIDE, 0) // 2, max(width - SIDE, 0) // 2
    return picture[..., top : top + SIDE, left : left + SIDE]


def _plan(recipe_for: Callable[[P], Recipe], kind: type[P]) -> Plan:
    """How a recipe is trained with what all minis are told."""

    def plan(params: MinisParams, minutes: float) -> tuple[Recipe, LoopParams]:
        told = params.model_dump(include={"photographs", "drawn", "threads", "workers"})
        knobs = kind(minutes=minutes, **told)
        return recipe_for(knobs), knobs

    return plan


def _guided_scores(network: nn.Module, pictures: Sequence[Tensor]) -> dict[str, float]:
    """With the DA-CLIP that is bundled now, since that is what will guide it."""
    from accelerate import PartialState

    guide = checkpoints.load(weights.locate("mini-daclip")).to(PartialState().device)
    return irsde_scores(network, pictures, daclip=guide)


MINIS = (
    Mini(
        name="mini-swinir",
        file=weights.CHECKPOINTS / "mini" / "swinir.safetensors",
        plan=_plan(stage1.recipe_for, stage1.Stage1Params),
        build=build_swinir,
        scores=partial(stage1_scores, multiple=8 * stage1.UNSHUFFLE),
    ),
    Mini(
        name="mini-prior64",
        file=weights.CHECKPOINTS / "mini" / "prior64.safetensors",
        plan=_plan(prior.recipe_for, prior.PriorParams),
        build=guided_unet.build,
        scores=partial(prior_scores, side=64),
    ),
    Mini(
        name="mini-daclip",
        file=weights.CHECKPOINTS / "mini" / "daclip.safetensors",
        plan=_plan(daclip.recipe_for, daclip.DaclipParams),
        build=daclip_model.build,
        scores=daclip_scores,
        unit="% recognised",
    ),
    Mini(
        name="mini-irsde",
        file=weights.CHECKPOINTS / "mini" / "irsde.safetensors",
        plan=_plan(irsde.recipe_for, irsde.IrsdeParams),
        build=irsde_networks.build,
        scores=_guided_scores,
        unit="mean gain in dB",
    ),
)
"""All of them, one entry each; what guides another one comes before it."""
