"""The training loop, the same on a CPU, on one GPU and on several (`accelerate launch`).

What is trained is a `Recipe`; this file knows batches, steps, averages and files. All randomness
of a batch follows from (seed, step, process), so that resuming needs nothing but the state file.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm import tqdm

from restoration.errors import RestorationError
from restoration.params import Params

WARM_UP = 100
"""Steps in which the learning rate rises at the start of every run."""
EMA_DECAY = 0.999
SAVE_EVERY = 60.0
"""Seconds between two states on disk."""


class LoopParams(Params):
    """How long and how hard to train."""

    minutes: float = Field(default=10.0, ge=0, le=100_000)
    """How long this run takes; the learning rate falls to its end along a cosine."""
    steps: int = Field(default=0, ge=0, le=100_000_000)
    """How many steps this run makes, instead of minutes; the same steps give the same weights."""
    batch: int = Field(default=8, ge=1, le=4096)
    """Crops per step and process."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """The highest one of the run, reached after the warm-up."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    """Decides the first weights, the crops and the degradations."""
    threads: int = Field(default=0, ge=0, le=256)
    """CPU threads of a process; 0 leaves it to torch."""


class Recipe(Protocol):
    """One trainable part."""

    name: str
    """Of its state file and of what is exported."""
    config: dict[str, Any]
    """Constructor arguments, kept in the metadata of the exported file."""

    def build(self) -> nn.Module:
        """A network with its first weights."""
        ...

    def batch(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        """(inputs, targets) for `count` examples."""
        ...


@dataclass
class State:
    """What a run goes on from."""

    network: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimizer: dict[str, Any]
    step: int = 0
    seconds: float = 0.0


def train(recipe: Recipe, params: LoopParams, folder: Path) -> State:
    """Train from the last state in `folder` on; returns, and has saved, the new one.

    The network learns mean Charbonnier distance (Lai et al., CVPR 2017) to the targets by AdamW.
    """
    from accelerate import Accelerator

    if params.threads:
        torch.set_num_threads(params.threads)
    accelerator = Accelerator(mixed_precision="bf16" if _has_bf16() else "no")
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(params.seed)
        network = recipe.build()
    optimizer = torch.optim.AdamW(
        network.parameters(), params.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
    )
    state = load_state(folder / f"{recipe.name}.pt")
    if state:
        network.load_state_dict(state.network)
        optimizer.load_state_dict(state.optimizer)
    step, seconds = (state.step, state.seconds) if state else (0, 0.0)
    ema = {k: v.clone() for k, v in (state.ema if state else network.state_dict()).items()}
    network, optimizer = accelerator.prepare(network.train(), optimizer)
    ema = {key: value.to(accelerator.device) for key, value in ema.items()}

    start, saved, first = time.monotonic(), time.monotonic(), step
    main = accelerator.is_main_process
    bar = tqdm(desc=recipe.name, unit="step", initial=step, disable=None if main else True)

    def snapshot() -> State:
        plain = accelerator.unwrap_model(network).state_dict()
        elapsed = seconds + time.monotonic() - start
        return State(dict(plain), ema, optimizer.state_dict(), step, elapsed)

    while (progress := _progress(params, step - first, time.monotonic() - start)) < 1:
        _set_rate(optimizer, params.learning_rate, step - first, progress)
        rng = np.random.default_rng([params.seed, step, accelerator.process_index])
        inputs, targets = (t.to(accelerator.device) for t in recipe.batch(rng, params.batch))
        loss = ((network(inputs).float() - targets).square() + 1e-6).sqrt().mean()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        step += 1
        _average(ema, accelerator.unwrap_model(network), step)
        bar.update()
        if main and time.monotonic() - saved > SAVE_EVERY:
            bar.set_postfix(loss=f"{float(loss.detach()):.4f}")
            save_state(folder / f"{recipe.name}.pt", snapshot())
            saved = time.monotonic()
    bar.close()
    if main:
        save_state(folder / f"{recipe.name}.pt", snapshot())
    return snapshot()


def export(recipe: Recipe, state: State, path: Path) -> Path:
    """Write the averaged weights in half precision, constructor arguments in the metadata."""
    half = {
        key: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for key, value in state.ema.items()
    }
    facts = {"recipe": recipe.name, "steps": str(state.step), "seconds": f"{state.seconds:.0f}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(half, part, metadata={"config": json.dumps(recipe.config), **facts})
    part.replace(path)
    return path


def save_state(path: Path, state: State) -> None:
    """Write a state so that there is always a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save(vars(state), part)
    part.replace(path)


def load_state(path: Path) -> State | None:
    """The state in a file, or None where training is yet to begin.

    Raises:
        RestorationError: the file is there and is no training state.
    """
    if not path.exists():
        return None
    try:
        return State(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise RestorationError(
            f"{path.name} is no training state: move it away to begin anew"
        ) from error


def _progress(params: LoopParams, steps: int, seconds: float) -> float:
    """How much of this run is over."""
    if params.steps:
        return steps / params.steps
    return seconds / (60 * params.minutes) if params.minutes else 1.0


def _set_rate(optimizer: Any, highest: float, steps: int, progress: float) -> None:
    rate = highest * min(1.0, (steps + 1) / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * progress))
    for group in optimizer.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _average(ema: dict[str, Tensor], network: nn.Module, step: int) -> None:
    """Exponential moving average of the weights, faster at first; buffers are copied."""
    decay = min(EMA_DECAY, (1 + step) / (10 + step))
    for key, value in network.state_dict().items():
        if value.is_floating_point():
            ema[key].lerp_(value.to(ema[key]), 1 - decay)
        else:
            ema[key].copy_(value)


def _has_bf16() -> bool:
    """Whether bfloat16 is computed by the hardware rather than imitated."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
