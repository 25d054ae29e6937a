"""Noise schedules: how much of the picture is left at a step, as float64 tables of alpha_bar.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps          (Ho et al. 2020, Eq. 4)

A `Schedule` is the training schedule or some of its steps: position i of a walk, 0 the cleanest,
is step `times[i]` of the network's training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

NUM_TRAINED = 1000
"""Steps that the published priors were trained with."""


@dataclass(frozen=True)
class Stride:
    """One step of a walk."""

    i: int
    """Its position; 0 is the last step, which leads to the clean picture."""
    t: int
    """Step of the training schedule, which the network is told."""
    ab_t: Tensor
    """alpha_bar where it starts."""
    ab_s: Tensor
    """alpha_bar where it ends."""


@dataclass(frozen=True)
class Schedule:
    """The levels of a walk, cleanest first, in float64."""

    alpha_bar: Tensor
    """(N,)"""
    times: Tensor
    """(N,) steps of the training schedule, int64."""

    def __len__(self) -> int:
        """How many steps a walk along all of it makes."""
        return len(self.times)

    @property
    def alpha_bar_before(self) -> Tensor:
        """(N,) the level that a step leads to; 1, the clean picture, for the last one."""
        return torch.cat([self.alpha_bar.new_ones(1), self.alpha_bar[:-1]])

    @property
    def sigma(self) -> Tensor:
        """(N,) noise relative to the signal, sqrt((1 - alpha_bar) / alpha_bar)."""
        return ((1 - self.alpha_bar) / self.alpha_bar).sqrt()

    def strides(self) -> Iterator[Stride]:
        """The steps of a walk along all of it, noisiest first."""
        for i in reversed(range(len(self))):
            yield Stride(i, int(self.times[i]), self.alpha_bar[i], self.alpha_bar_before[i])

    def at(self, times: Sequence[int]) -> Schedule:
        """The schedule of these steps of it alone, cleanest first."""
        chosen = torch.tensor(times)
        return Schedule(self.alpha_bar[chosen], self.times[chosen])


def linear(num: int = NUM_TRAINED) -> Schedule:
    """The schedule of the published priors: beta from 1e-4 to 0.02 (Ho et al. 2020)."""
    beta = torch.linspace(1e-4, 0.02, num, dtype=torch.float64)
    return Schedule((1 - beta).cumprod(0), torch.arange(num))


def spaced(count: int, num: int = NUM_TRAINED) -> list[int]:
    """`count` steps from the first to the last, evenly spaced (Nichol & Dhariwal 2021).

    The published respacing of one section: step k is round(k (num - 1) / (count - 1)).
    """
    if count == 1:
        return [0]
    return [round(k * (num - 1) / (count - 1)) for k in range(count)]


def clearing(schedule: Schedule, count: int, sigma: float) -> Schedule:
    """`count` steps for a picture that is known with noise of `sigma`, in [-1, 1].

    The last but one leads to where x_t is as noisy as that: there it can hold all that is known,
    and one more step clears it. Evenly spaced steps jump over this level, and lose in the last
    jump what was known better. Where the schedule has no room for it they are evenly spaced.
    """
    first = int((schedule.sigma <= sigma).sum())
    noisier = len(schedule) - first
    if first == 0 or not 1 < count - 1 <= noisier:
        return schedule.at(spaced(count, len(schedule)))
    return schedule.at([0, *(first + step for step in spaced(count - 1, noisier))])
