"""Levels of noise of latent diffusion (Stable Diffusion), and the face that all its walks share.

    x_t = sqrt(ab_t) x0 + sqrt(1 - ab_t) eps        v = sqrt(ab_t) eps - sqrt(1 - ab_t) x0

x_t, x0, eps and v are latents (B, C, h, w), scaled so that those of photographs have a standard
deviation of about 1; `ab_t` is alpha_bar at step t of the training, 0 the cleanest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from restoration.samplers import x0_from_eps
from restoration.schedules import NUM_TRAINED, Schedule

Prediction = Literal["eps", "v"]
Denoise = Callable[[Tensor, float], Tensor]
"""x_t and the time of the training, 0 to 999 and rarely between two steps -> eps or v, as the
schedule's `prediction` says, in the shape of x_t."""
Guide = Callable[[Tensor, float], Tensor]
"""The guess x0 at a time -> a better one."""


@dataclass(frozen=True)
class Walked:
    """Where a walk is after a step."""

    t: float
    """Time that the network was told when the step began."""
    x_t: Tensor
    """The state that the step led to; after the last one, the result."""
    x0: Tensor
    """The clean latent as it was guessed on the way, corrected by the guide."""


@dataclass(frozen=True)
class LatentSchedule:
    """The training schedule of a latent prior."""

    alpha_bar: Tensor
    """(N,) float64, cleanest first; 0 in the end where even the last trace is gone."""
    prediction: Prediction
    """What the network answers."""

    def __len__(self) -> int:
        """How many steps the network was trained with."""
        return len(self.alpha_bar)

    def at(self, times: Sequence[int]) -> Schedule:
        """The levels of some steps alone, cleanest first."""
        chosen = torch.tensor(times)
        return Schedule(self.alpha_bar[chosen], chosen)

    def x0(self, x_t: Tensor, answer: Tensor, ab_t: Tensor) -> Tensor:
        """The clean latent, if the network's answer is right."""
        if self.prediction == "eps":
            return x0_from_eps(x_t, answer, ab_t)
        return ab_t.sqrt() * x_t - (1 - ab_t).sqrt() * answer

    def eps(self, x_t: Tensor, answer: Tensor, ab_t: Tensor) -> Tensor:
        """The noise in x_t, if the network's answer is right."""
        if self.prediction == "eps":
            return answer
        return ab_t.sqrt() * answer + (1 - ab_t).sqrt() * x_t


@dataclass(frozen=True)
class Guesser:
    """What every walk asks: the clean latent, by the network and then by the guide."""

    denoise: Denoise
    schedule: LatentSchedule
    guide: Guide | None = None

    def __call__(self, x_t: Tensor, t: float, ab_t: Tensor) -> Tensor:
        """The guess x0 from x_t at the level ab_t, of which the network is told t."""
        x0 = self.schedule.x0(x_t, self.denoise(x_t, t), ab_t)
        return self.guide(x0, t) if self.guide else x0


def scaled_linear(num: int = NUM_TRAINED) -> Tensor:
    """(num,) alpha_bar of Stable Diffusion: the root of beta goes evenly from .00085 to .012."""
    ends = math.sqrt(0.00085), math.sqrt(0.012)
    beta = torch.linspace(*ends, num, dtype=torch.float64).square()
    return (1 - beta).cumprod(0)


def zero_terminal_snr(alpha_bar: Tensor) -> Tensor:
    """(N,) the schedule with nothing of the picture left in the end (Lin et al. 2024, Alg. 1)."""
    root = alpha_bar.sqrt()
    return ((root - root[-1]) * (root[0] / (root[0] - root[-1]))).square()


def stable_diffusion() -> LatentSchedule:
    """That of Stable Diffusion 2.1 base, and so of DiffBIR v1 and v2."""
    return LatentSchedule(scaled_linear(), "eps")


def stable_diffusion_zero_snr() -> LatentSchedule:
    """That of the base model of DiffBIR v2.1: v prediction, zero terminal signal."""
    return LatentSchedule(zero_terminal_snr(scaled_linear()), "v")


def trailing(steps: int, num: int = NUM_TRAINED) -> list[int]:
    """`steps` times, cleanest first, evenly spaced and ending with the noisiest (Lin et al. 2024).

    The walk of one step starts there too: pure noise belongs to no other level.
    """
    return [num - 1 - k * num // steps for k in reversed(range(steps))]
