"""The steps of DiffBIR's two stages as those of one way."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from restoration.protocol import Step

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.latent.diffusion import Stride


def longer(
    cleaning: Generator[Step, None, tuple[Tensor, int]], more: int
) -> Generator[Step, None, tuple[Tensor, int]]:
    """The steps of stage 1 as the first of a longer way: `more` are to come."""
    while True:
        try:
            step = next(cleaning)
        except StopIteration as stop:
            return cast("tuple[Tensor, int]", stop.value)
        yield replace(step, total=step.total - 1 + more)


def told(
    drawing: Generator[Stride, None, Tensor], done: int, total: int, size: tuple[int, int]
) -> Generator[Step, None, Tensor]:
    """The strides of stage 2 as steps after `done` others."""
    while True:
        try:
            stride = next(drawing)
        except StopIteration as stop:
            return cast("Tensor", stop.value)
        done += 1
        yield Step(done, total, f"detail, {stride.note}", partial(_shown, stride, size))


def _shown(stride: Stride, size: tuple[int, int]) -> Tensor:
    from restoration.colour import resize

    return resize(stride.shown(), *size).clamp(0, 1)
