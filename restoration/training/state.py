"""What training keeps on disk: the state it goes on from, and the weights that come of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor

from restoration.errors import RestorationError

S = TypeVar("S")


@dataclass(frozen=True)
class State:
    """What a run goes on from."""

    network: dict[str, Tensor]
    ema: dict[str, Tensor]
    optimizer: dict[str, Any]
    """Empty where it begins anew."""
    step: int = 0
    seconds: float = 0.0


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
    return read_state(path, State)


def read_state(path: Path, kind: Callable[..., S]) -> S | None:
    """What a file holds, as arguments by name of `kind`; None where there is no file.

    Raises:
        RestorationError: the file is there and is no such state.
    """
    if not path.exists():
        return None
    try:
        return kind(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:
        raise RestorationError(
            f"{path.name} is no training state: move it away to begin anew"
        ) from error


def part(state: State, name: str) -> State:
    """The state of one module of the network, under its own names; to be exported, not resumed."""
    prefix = f"{name}."
    network, ema = (
        {key.removeprefix(prefix): value for key, value in whole.items() if key.startswith(prefix)}
        for whole in (state.network, state.ema)
    )
    return replace(state, network=network, ema=ema, optimizer={})


def export(state: State, path: Path, *, name: str, config: Mapping[str, Any]) -> Path:
    """Write the averaged weights in half precision, constructor arguments in the metadata."""
    half = {
        key: (value.half() if value.is_floating_point() else value).contiguous().cpu()
        for key, value in state.ema.items()
    }
    facts = {"recipe": name, "steps": str(state.step), "seconds": f"{state.seconds:.0f}"}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(half, part, metadata={"config": json.dumps(dict(config)), **facts})
    part.chmod(0o644)  # else only its owner could read it
    part.replace(path)
    return path
