"""Every way from noise to a clean latent that DiffBIR offers, under one name each.

    spaced          the posterior of DDPM, evenly spaced steps; v1 and v2 were made for it
    ddim            deterministic
    dpm++_m2        DPM-Solver++, deterministic, for few steps
    edm_...         the eleven of `karras_walks`; edm_dpm++_3m_sde is the default of v2.1

A walk starts from noise, or from a noised latent, at the last level of the schedule, and is a
generator: it yields after every step and can be closed at any. Its states are x_t, whatever the
sampler computes in. `Course.published` replays the official program to the letter, for comparisons;
without it every sampler takes the number of steps that was asked for, 1 to 1000, starts at the
noisiest level and ends at the clean latent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor

from restoration import dpm_solver, karras, schedules
from restoration.errors import BadKnobError
from restoration.karras_walks import WALKS, Churn
from restoration.latent.schedule import (
    Denoise,
    Guesser,
    Guide,
    LatentSchedule,
    Walked,
    trailing,
)
from restoration.noise import Noise
from restoration.samplers import ddim_step, ddpm_step, posterior_mean
from restoration.schedules import Schedule

Sampler = Literal[
    "spaced",
    "ddim",
    "dpm++_m2",
    "edm_euler",
    "edm_heun",
    "edm_dpm_2",
    "edm_euler_a",
    "edm_dpm_2_a",
    "edm_lms",
    "edm_dpm++_2s_a",
    "edm_dpm++_2m",
    "edm_dpm++_sde",
    "edm_dpm++_2m_sde",
    "edm_dpm++_3m_sde",
]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)


@dataclass(frozen=True)
class Course:
    """Which way a walk takes; the defaults are those of DiffBIR v2.1."""

    sampler: Sampler = "edm_dpm++_3m_sde"
    steps: int = 10
    """1 to 1000."""
    churn: Churn = field(default_factory=Churn)
    """What the edm samplers draw anew."""
    published: bool = False
    """Whether to replay the official program's levels and times, oddities included."""


def walk(
    course: Course,
    denoise: Denoise,
    schedule: LatentSchedule,
    start: Tensor,
    noise: Noise,
    guide: Guide | None = None,
) -> Iterator[Walked]:
    """Walk from `start` to a clean latent.

    Args:
        course: the sampler, its steps and its knobs.
        denoise: the network.
        schedule: the one that it was trained with.
        start: (B, C, h, w) standard normal noise, or a latent noised to the last level.
        noise: what else is drawn.
        guide: corrects every guess of the clean latent, also those half-way through a step.

    Raises:
        BadKnobError: the official program cannot take as many steps.
    """
    guess = Guesser(denoise, schedule, guide)
    if course.sampler == "spaced":
        return spaced_walk(guess, spaced_levels(course.steps, schedule), start, noise)
    if course.sampler == "ddim":
        return ddim_walk(guess, *ddim_levels(course, schedule), start, noise)
    if course.sampler == "dpm++_m2":
        made = dpm_solver.published_levels if course.published else dpm_solver.levels
        return dpm_solver.dpm_solver_walk(guess, made(schedule, course.steps), start)
    levels = karras.published_levels if course.published else karras.levels
    probe = karras.Probe(guess, levels(schedule, course.steps))
    return karras_walk(probe, course, start, noise)


def num_steps(course: Course) -> int:
    """How many steps the walk makes: as many as were asked for, but for one oddity."""
    if course.sampler == "ddim" and course.published:
        return len(published_ddim_times(course.steps))
    return course.steps


def spaced_levels(steps: int, schedule: LatentSchedule) -> Schedule:
    """The levels of "spaced": from the last to the first; for one step, the last."""
    last = len(schedule) - 1
    return schedule.at(schedules.spaced(steps, last + 1) if steps > 1 else [last])


def ddim_levels(course: Course, schedule: LatentSchedule) -> tuple[Schedule, float]:
    """The levels of "ddim", and the alpha_bar that its last step leads to.

    In the official program the last step leads to the first level and not to the clean latent, and
    the first one starts below the noisiest level, which the noise then does not fit.
    """
    if course.published:
        return schedule.at(published_ddim_times(course.steps)), float(schedule.alpha_bar[0])
    return schedule.at(trailing(course.steps, len(schedule))), 1.0


def published_ddim_times(steps: int) -> list[int]:
    """The official program's list, cleanest first: another length where `steps` divides badly."""
    num = schedules.NUM_TRAINED
    times = [t + 1 for t in range(0, num, num // steps)]
    if times[-1] >= num:
        raise BadKnobError(
            f"the official program cannot take {steps} steps of ddim: its list of times ends at "
            f"{times[-1]} and the schedule at {num - 1}; any other number near it works"
        )
    return times


@torch.no_grad()
def spaced_walk(guess: Guesser, levels: Schedule, x_t: Tensor, noise: Noise) -> Iterator[Walked]:
    """Draw x_s as if the guess were true; the last step draws too and adds nothing."""
    for stride in levels.strides():
        x0 = guess(x_t, stride.t, stride.ab_t)
        mean = posterior_mean(x_t, x0, stride.ab_t, stride.ab_s)
        beta = 1 - stride.ab_t / stride.ab_s
        log_variance = (beta * (1 - stride.ab_s) / (1 - stride.ab_t)).log()
        x_t = ddpm_step(mean, log_variance, noise, last=stride.i == 0)
        yield Walked(stride.t, x_t, x0)


@torch.no_grad()
def ddim_walk(
    guess: Guesser, levels: Schedule, ab_end: float, x_t: Tensor, noise: Noise
) -> Iterator[Walked]:
    """Keep the noise as it was guessed; nothing is drawn."""
    for stride in levels.strides():
        x0 = guess(x_t, stride.t, stride.ab_t)
        ab_s = stride.ab_s if stride.i else stride.ab_s * ab_end
        x_t = ddim_step(x_t, x0, stride.ab_t, ab_s, eta=0, noise=noise)
        yield Walked(stride.t, x_t, x0)


@torch.no_grad()
def karras_walk(probe: karras.Probe, course: Course, x_t: Tensor, noise: Noise) -> Iterator[Walked]:
    """One of `karras_walks`, in x_t again."""
    sigmas = probe.levels.sigmas
    made = WALKS[course.sampler.removeprefix("edm_")]
    states = made(probe, math.hypot(1, sigmas[0]) * x_t, noise, course.churn)
    for (x0, x), (sigma, to) in zip(states, pairwise(sigmas), strict=True):
        yield Walked(probe.levels.time(sigma), x / math.hypot(1, to), x0)
