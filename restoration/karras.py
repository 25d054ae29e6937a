"""Levels of the walks in sigma notation (Karras et al. 2022), over a latent prior.

    x = x0 + sigma eps = x_t / sqrt(ab_t),    sigma = sqrt((1 - ab_t) / ab_t)

The network is shown x_t and told a time. Where a walk stops between the levels of its list, the
time is interpolated in ln sigma over the training schedule.

The official program differs in two points, which `published_levels` has and `levels` has not. It
starts from sigma 1e4 whatever the schedule: right for one that ends in pure noise, but Stable
Diffusion's own ends at 14.6, and a network that is shown noise of 1e4 as its noisiest level answers
with latents a hundred times too large. And between the levels of a walk it tells the time of the
nearest of these, by absolute distance: 832 instead of 996 where the noise is 307.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from restoration.latent.schedule import Guesser, LatentSchedule

LEAST_SIGNAL = 1e-8
"""alpha_bar of the noisiest level of a walk, where the schedule has less."""
PURE_NOISE = 1e3
"""sigma from which on a state says nothing, and a slope measured there misleads a long step."""
THOUSANDTH = 3
"""Digits of an interpolated time."""


@dataclass(frozen=True)
class Levels:
    """Where a walk goes, noisiest first, in float64."""

    sigmas: list[float]
    """(N + 1,) ending with 0."""
    known: list[float]
    """sigmas, rising, whose times are known."""
    times: list[float]
    """Those times."""
    published: bool = False

    def time(self, sigma: float) -> float:
        """What the network is told at a level."""
        if self.published:
            nearest = min(range(len(self.known)), key=lambda i: abs(self.known[i] - sigma))
            return self.times[nearest]
        above = bisect_left(self.known, sigma)
        if above in (0, len(self.known)):
            return self.times[0 if above == 0 else -1]
        low, high = self.known[above - 1], self.known[above]
        share = math.log(sigma / low) / math.log(high / low)
        return round(self.times[above - 1] + share, THOUSANDTH)

    @property
    def precision(self) -> torch.dtype:
        """That of what is computed from sigmas alone.

        The official program splits sigma in float32, and what is to be left of the noise after a
        step from 1e4 comes out a tenth wrong.
        """
        return torch.float32 if self.published else torch.float64

    def between(self, sigma: float, to: float) -> float:
        """The level half-way in ln sigma."""
        middle = torch.tensor([sigma, to], dtype=self.precision).log().mean().exp()
        return float(middle)

    def is_blind(self, sigma: float) -> bool:
        """Whether a slope there says nothing, so that a step of second order is none.

        Heun's method and DPM-2 divide the change of x0 over the first step by its end and multiply
        it by its length: from sigma 1e4 that makes 500 of 1. The official program does so.
        """
        return sigma >= PURE_NOISE and not self.published


@dataclass(frozen=True)
class Probe:
    """What the walks ask: the clean latent, in sigma notation."""

    guess: Guesser
    levels: Levels

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        """The guess x0 from x at a level."""
        ab = torch.tensor(1 / (1 + sigma**2), dtype=torch.float64)
        return self.guess(ab.sqrt() * x, self.levels.time(sigma), ab)


def edm_times(steps: int, num: int) -> list[int]:
    """The times of a walk, noisiest first, as published: evenly spaced, 0 left out."""
    return [int(t) for t in np.linspace(num - 1, 0, steps, endpoint=False)]


def levels(schedule: LatentSchedule, steps: int) -> Levels:
    """The published times, beginning as noisy as the schedule ends."""
    alpha_bar = schedule.alpha_bar.clamp_min(LEAST_SIGNAL)
    known = _sigmas(alpha_bar)
    sigmas = [known[t] for t in edm_times(steps, len(schedule))]
    return Levels([*sigmas, 0.0], known, [float(t) for t in range(len(schedule))])


def published_levels(schedule: LatentSchedule, steps: int) -> Levels:
    """The official program's, quirks included."""
    times = edm_times(steps, len(schedule))
    alpha_bar = schedule.alpha_bar[torch.tensor(times)].clone()
    alpha_bar[0] = LEAST_SIGNAL
    sigmas = [*_sigmas(alpha_bar), 0.0]
    return Levels(sigmas, sigmas, [*(float(t) for t in times), 0.0], published=True)


def _sigmas(alpha_bar: Tensor) -> list[float]:
    sigmas: list[float] = ((1 - alpha_bar) / alpha_bar).sqrt().tolist()
    return sigmas
