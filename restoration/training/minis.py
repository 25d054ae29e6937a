"""Every bundled checkpoint made better: trained on, measured, and replaced where it has improved.

The training state and the candidates lie outside the project, so that an hour of an idle machine
is never lost; a bundled file changes only when a fixed table of numbers says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from restoration import weights
from restoration.degradation_kinds import PRESETS, degrade
from restoration.degradations import rounded
from restoration.errors import RestorationError
from restoration.metrics import psnr
from restoration.networks.stage1 import build_swinir
from restoration.params import Params
from restoration.tiling import pad_to_multiple
from restoration.training import stage1
from restoration.training.loop import LoopParams, Recipe, is_main, train
from restoration.training.photographs import draw, read_photographs
from restoration.training.state import State, export

Scores = Mapping[str, float]

CLEAN = "clean"
KINDS = (CLEAN, *PRESETS)
"""What is measured: pictures that are good already, and the fixed degradations."""
HIGHEST = 60.0
"""dB that count at most, since a picture given back unchanged would count without end."""
WORST_LOSS = 0.05
"""dB that a kind may lose; smaller differences are chance."""
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


@dataclass(frozen=True)
class Mini:
    """A bundled checkpoint and how it is made."""

    name: str
    """In the catalogue."""
    file: Path
    plan: Callable[[MinisParams, float], tuple[Recipe, LoopParams]]
    """What to train for so many minutes."""
    build: Callable[[Mapping[str, Any]], nn.Module]
    """The network without weights, from its constructor arguments."""
    multiple: int
    """What the sides of its pictures are padded to."""


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
    old = {kind: f"{before[kind]:.2f}" if before else "-" for kind in KINDS}
    return [
        f"{mini.name}: {verdict} ({steps} steps; mean PSNR in dB of {len(pictures)} pictures)",
        "           before candidate",
        *(f"  {kind:8} {old[kind]:>6} {after[kind]:9.2f}" for kind in KINDS),
    ]


def improves(before: Scores, after: Scores) -> bool:
    """Whether the kinds gain on the whole and none of them loses what can be seen."""
    gains = [after[kind] - before[kind] for kind in before]
    return sum(gains) > 0 and min(gains) >= -WORST_LOSS


@torch.no_grad()
def measure(mini: Mini, path: Path, pictures: Sequence[Tensor]) -> dict[str, float]:
    """Mean PSNR in dB of each kind, restored by the checkpoint in `path`; the same every time."""
    network = _loaded(mini, path)
    table = {}
    for kind in KINDS:
        total = 0.0
        for seed, clean in enumerate(pictures):
            degraded = clean if kind == CLEAN else degrade(clean, kind, seed=seed)
            restored = _restored(network, degraded, mini.multiple)
            total += min(psnr(restored, clean), HIGHEST)
        table[kind] = total / len(pictures)
    return table


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


def _restored(network: nn.Module, degraded: Tensor, multiple: int) -> Tensor:
    height, width = degraded.shape[-2:]
    padded = pad_to_multiple(degraded, multiple, "reflect")
    device = next(network.parameters()).device
    return rounded(network(padded.to(device))[..., :height, :width].cpu())


def _middle(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    top, left = max(height - SIDE, 0) // 2, max(width - SIDE, 0) // 2
    return picture[..., top : top + SIDE, left : left + SIDE]


def _stage1(params: MinisParams, minutes: float) -> tuple[Recipe, LoopParams]:
    knobs = stage1.Stage1Params(
        minutes=minutes,
        photographs=params.photographs,
        drawn=params.drawn,
        threads=params.threads,
        workers=params.workers,
    )
    return stage1.recipe_for(knobs), knobs


MINIS = (
    Mini(
        name="mini-swinir",
        file=weights.CHECKPOINTS / "mini" / "swinir.safetensors",
        plan=_stage1,
        build=build_swinir,
        multiple=8 * stage1.UNSHUFFLE,
    ),
)
"""All of them, one line each."""
