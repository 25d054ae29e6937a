"""DPM-Solver++ of second order, multistep (Lu et al. 2022), along evenly spaced times.

    x_s = sigma_s / sigma_t x_t + alpha_s (1 - e^-h) D,    h = lambda_s - lambda_t
    D   = x0 + h / (2 h') (x0 - x0')

alpha = sqrt(ab), sigma = sqrt(1 - ab), lambda = ln(alpha / sigma); x0' is the guess of the step
before, whose length was h'. Deterministic. Nothing in it needs lambda to be finite: from pure noise
h is endless and the step is that of DDIM, and h / h' is 0 in the step after it.

The official program differs where the schedule ends in pure noise: it leaves out the levels with
lambda under -5.1, which leaves 986, and goes on telling times up to 999, so that noise and time
disagree by 1000/986 all the way. It also ends at the first level and not at the clean latent.
`published_levels` has all that, `levels` has not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from restoration.latent.schedule import Guesser, LatentSchedule, Walked, trailing

LOWEST_LAMBDA = -5.1
"""Where the official program cuts the schedule."""
FEW_STEPS = 10
"""Walks of fewer steps end with a step of first order in the official program."""


@dataclass(frozen=True)
class Levels:
    """Where a walk goes, noisiest first."""

    times: list[float]
    """(N,) what the network is told."""
    alpha_bar: Tensor
    """(N + 1,) float64, the level that the last step leads to included."""
    ends_low: bool
    """Whether the last step is of first order."""

    @property
    def lambdas(self) -> Tensor:
        """(N + 1,) half the logarithm of the signal-to-noise ratio; may be endless at the ends."""
        return (self.alpha_bar.log() - (-self.alpha_bar).log1p()) / 2


def levels(schedule: LatentSchedule, steps: int) -> Levels:
    """From the noisiest level to the clean latent."""
    chosen = schedule.at(trailing(steps, len(schedule)))
    alpha_bar = torch.cat([chosen.alpha_bar.flip(0), chosen.alpha_bar.new_ones(1)])
    return Levels([float(t) for t in chosen.times.flip(0)], alpha_bar, ends_low=True)


def published_levels(schedule: LatentSchedule, steps: int) -> Levels:
    """The official program's, quirks included."""
    alpha_bar = schedule.alpha_bar
    lambdas = (alpha_bar.log() - (-alpha_bar).log1p()) / 2
    log_alpha = alpha_bar[lambdas >= LOWEST_LAMBDA].log() / 2
    num = len(log_alpha)
    wanted = torch.linspace(num - 1, 0, steps + 1, dtype=torch.float64)
    below = wanted.floor().long().clamp(max=num - 2)
    share = wanted - below
    between = (1 - share) * log_alpha[below] + share * log_alpha[below + 1]
    times = (wanted[:-1] * (len(schedule) / num)).tolist()
    return Levels(times, (2 * between).exp(), ends_low=steps < FEW_STEPS)


@torch.no_grad()
def dpm_solver_walk(guess: Guesser, along: Levels, x_t: Tensor) -> Iterator[Walked]:
    """Walk from x_t, at the first level, to the last one."""
    lambdas, last = along.lambdas.tolist(), len(along.times) - 1
    before: Tensor | None = None
    behind = math.inf
    for i, (ab_t, ab_s) in enumerate(pairwise(along.alpha_bar)):
        t, ahead = along.times[i], lambdas[i + 1] - lambdas[i]
        x0 = ahead_guess = guess(x_t, t, ab_t)
        if before is not None and not (i == last and along.ends_low):
            ahead_guess = x0 + ahead / (2 * behind) * (x0 - before)
        from_x0 = -ab_s.sqrt() * math.expm1(-ahead)
        x_t = ((1 - ab_s) / (1 - ab_t)).sqrt() * x_t + from_x0 * ahead_guess
        before, behind = x0, ahead
        yield Walked(t, x_t, x0)
