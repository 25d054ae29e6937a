"""What training on an album keeps in its folder: the state it goes on from, and what it learned.

Both are replaced as a whole, so that there is always a whole one.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from restoration import weights
from restoration.albums.folder import in_words
from restoration.albums.knobs import TuneParams
from restoration.errors import RestorationError
from restoration.protocol import Variant
from restoration.training.fine_tuning import Mark, Tuner
from restoration.training.state import read_state

WHAT = "What was learned"
SPARE = 2**20
"""Bytes of a file beside its tensors, at most."""


@dataclass(frozen=True)
class Origin:
    """What must agree for a training to go on: the prior, and which of its weights are tuned."""

    way: Literal["low-rank", "full"]
    rank: int
    """0 where all weights are."""
    variant: str
    base: str
    """The sha256 of the prior's weights."""

    @classmethod
    def of(cls, variant: Variant, params: TuneParams) -> Origin:
        """That of a training which is asked for."""
        rank = params.rank if params.way == "low-rank" else 0
        base = weights.identity(variant.weights[0])
        return cls(params.way, rank, variant.name, base)

    def facts(self) -> dict[str, str]:
        """Metadata of the weights; an addition is scaled by alpha / rank, which is 1."""
        return {
            **{name: str(value) for name, value in asdict(self).items()},
            "alpha": str(self.rank),
        }


def save(path: Path, origin: Origin, tuner: Tuner, mark: Mark) -> None:
    """Write the state.

    Raises:
        BadAlbumError: it cannot be written; the one before is still there.
    """
    tensors = tuner.weights()
    state = {
        "origin": asdict(origin),
        "mark": asdict(mark),
        "weights": tensors,
        "best": tuner.best,
        "optimizer": tuner.optimizer.state_dict(),
    }
    size = 3 * _bytes(tensors) + _bytes(tuner.best)
    _replace(path, size, lambda part: torch.save(state, part))


def resume(path: Path, origin: Origin, tuner: Tuner) -> Mark:
    """Fill the tuner from the state; how far that came, the beginning where there is none to use.

    A state of another origin, or a damaged one, is of no use: training begins anew.
    """
    try:
        state = read_state(path, dict[str, Any])
    except RestorationError:
        return Mark()
    if state is None or state.get("origin") != asdict(origin):
        return Mark()
    tuner.fill(state["weights"])
    tuner.best.update(state["best"])
    tuner.optimizer.load_state_dict(state["optimizer"])
    return Mark(**state["mark"])


def export(path: Path, origin: Origin, tuner: Tuner) -> str:
    """Write what was learned, as `tuning.read` reads it; gives the file's sha256.

    Raises:
        BadAlbumError: it cannot be written; the one before is still there.
    """
    kept = {name: value.float().cpu().contiguous() for name, value in tuner.weights().items()}
    _replace(path, _bytes(kept), lambda part: save_file(kept, part, metadata=origin.facts()))
    return weights.fingerprint(path)


def _replace(path: Path, size: int, write: Callable[[Path], object]) -> None:
    part = path.with_suffix(".part")
    with in_words(WHAT):
        try:
            if shutil.disk_usage(path.parent).free < size + SPARE:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(part)
            part.chmod(0o600)  # pictures of people are in it
            part.replace(path)
        except (RuntimeError, SafetensorError) as error:
            raise OSError(errno.EIO, str(error)) from error
        finally:
            part.unlink(missing_ok=True)


def _bytes(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors.values())
