"""Tensors into a network: every key and shape accounted for, every value a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from restoration.errors import WrongWeightsError

if TYPE_CHECKING:
    from torch import Tensor, nn


def load_into(network: nn.Module, state: Mapping[str, Tensor], *, file: str) -> None:
    """Fill a network built without weights: every key and shape accounted for, frozen, eval mode.

    Half precision is widened to float32, since a CPU is many times slower in float16; the caller
    casts to what its device likes.

    Raises:
        WrongWeightsError: the checkpoint belongs to another network.
    """
    want = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    have = {key: tuple(value.shape) for key, value in state.items()}
    if wrong := sorted(key for key in want | have if want.get(key) != have.get(key)):
        first = wrong[0]
        raise WrongWeightsError(
            f"{file} does not fit {type(network).__name__}: {len(wrong)} tensors differ, first "
            f"{first!r} (file {have.get(first, 'absent')}, network {want.get(first, 'absent')})"
        )
    full = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
    network.load_state_dict(full, strict=True, assign=True)
    network.requires_grad_(False).eval()


def check_finite(state: Mapping[str, Tensor], file: str) -> None:
    """Every value is a number.

    Raises:
        WrongWeightsError: one is not.
    """
    broken = [key for key, value in state.items() if not _is_finite(value)]
    if broken:
        raise WrongWeightsError(
            f"{file} holds values that are not numbers, first in {broken[0]!r}: "
            "the file is damaged, fetch it again"
        )


def _is_finite(value: Tensor) -> bool:
    return not value.is_floating_point() or bool(value.isfinite().all())
