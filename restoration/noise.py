"""Chance, as an argument.

Every draw of a restoration comes from a `Noise` that the caller passes in, made on the CPU in
float32 and only then moved and cast: a seed is the same picture on every device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

Noise = Callable[[Tensor], Tensor]
"""Standard normal values in the shape, dtype and device of its argument."""


def seeded(seed: int) -> Noise:
    """Noise that depends on `seed` (0 to 2**63 - 1) alone; global generators are not touched."""
    return _Drawn(torch.Generator().manual_seed(seed))


@dataclass(frozen=True)
class _Drawn:
    """A class instead of a closure, so that it can be handed to another process."""

    generator: torch.Generator

    def __call__(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator).to(like)


def recorded(tensors: Iterable[Tensor]) -> Noise:
    """Noise that replays `tensors` in order: what a parity pack holds."""
    left = list(tensors)
    drawn = 0

    def noise(like: Tensor) -> Tensor:
        nonlocal drawn
        if not left:
            raise ValueError(f"the recorded noise ends after {drawn} draws")
        value = left.pop(0)
        if value.shape != like.shape:
            raise ValueError(
                f"draw {drawn} was recorded as {tuple(value.shape)}, asked as {tuple(like.shape)}"
            )
        drawn += 1
        return value.to(like)

    return noise
