"""DDRM (Kawar et al., NeurIPS 2022): denoise in the basis in which the degradation is diagonal.

Each coefficient of V^T x is treated by how well it was measured (s its singular value, ybar =
U^T y / s, sigma' the level of noise that the step leads to, relative to the signal):

    not measured         x0 + sqrt(1 - eta^2) sigma' eps                    + eta sigma' z
    s sigma' < sigma_y   x0 + sqrt(1 - eta^2) sigma' (U^T y - s x0)/sigma_y + eta sigma' z
    s sigma' > sigma_y   (1 - eta_b) x0 + eta_b ybar      + sqrt(sigma'^2 - eta_b^2 sigma_y^2/s^2) z

eta 0.85 and eta_b 1 are the published values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic import Field

from restoration.errors import BadKnobError
from restoration.methods import priors
from restoration.methods.priors import FAMILY, PRESETS, VARIANTS, GuidedParams
from restoration.params import Params
from restoration.protocol import Method, Request

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.denoisers import Denoise, Prior
    from restoration.measurements import Measurement
    from restoration.noise import Noise
    from restoration.schedules import Schedule
    from restoration.spectra import Spectrum


SEVERAL = (
    "problem: DDRM undoes one degradation at a time (and noise), since several together have no "
    "spectrum: choose one, or another method"
)


class DdrmParams(GuidedParams):
    """Knobs of DDRM."""

    eta: float = Field(default=0.85, ge=0.0, le=1.0)
    """Fresh noise per step; less gives smoother and surer results."""
    eta_b: float = Field(default=1.0, ge=0.0, le=1.0)
    """How far what was measured replaces what the prior says; less follows the prior more."""


def walk(prior: Prior, known: Measurement, params: GuidedParams, noise: Noise) -> Iterator[Tensor]:
    """The clean picture as guessed after every step, (B, 3, H, W) in [-1, 1].

    Raises:
        BadKnobError: the problem has no spectrum, being several at once.
    """
    from restoration import schedules
    from restoration.spectra import spectrum

    params = cast(DdrmParams, params)
    spectral = spectrum(known.operator, *known.size)
    if spectral is None:
        raise BadKnobError(SEVERAL)
    schedule = schedules.linear().at(schedules.spaced(params.steps))
    measured = spectral, known.y, known.sigma
    update = Update(params.eta, params.eta_b)
    x_t = priors.start(known, params, noise)
    yield from denoised(prior, schedule, x_t, measured, update, noise)


@dataclass(frozen=True)
class Update:
    """How a step is made."""

    eta: float = 0.85
    eta_b: float = 1.0
    clip: bool = True
    """Keep x0 in [-1, 1], without which a weak prior runs away; the published walk does not."""


def denoised(
    denoise: Denoise,
    schedule: Schedule,
    x_t: Tensor,
    measured: tuple[Spectrum, Tensor, float],
    update: Update,
    noise: Noise,
) -> Iterator[Tensor]:
    """The walk itself: yields what the network makes of every step, the last one the result.

    Args:
        denoise: the prior.
        schedule: the levels to walk along.
        x_t: pure noise.
        measured: the operator's spectrum, y, and the noise in y.
        update: how a step is made.
        noise: draws a full picture once a step.
    """
    import torch

    from restoration.samplers import x0_from_eps

    spectral, y, sigma_y = measured
    eta, eta_b = update.eta, update.eta_b
    s, uty = spectral.values, spectral.ut(y)
    ybar = torch.where(s > 0, uty / s.clamp_min(1e-30), 0)
    error = torch.where(s > 0, sigma_y / s.clamp_min(1e-30), 0)
    sigma = float(schedule.sigma[-1])
    start = sigma * spectral.vt(x_t)
    spread = (sigma**2 - error.square()).clamp_min(0).sqrt() / sigma
    x_t = spectral.v(torch.where(s * sigma > sigma_y, ybar + spread * start, start)) / sigma
    for stride in schedule.strides():
        eps = denoise(x_t, stride.t)
        x0 = x0_from_eps(x_t, eps, stride.ab_t)
        x0 = x0.clamp(-1, 1) if update.clip else x0
        yield x0
        sigma = math.sqrt(1 / float(stride.ab_s) - 1)
        if sigma == 0:
            return
        x0_s, eps_s, z = spectral.vt(x0), spectral.vt(eps), spectral.vt(noise(x0))
        steady = math.sqrt(1 - eta**2) * sigma
        c = x0_s + steady * eps_s + eta * sigma * z
        if sigma_y:
            worse = x0_s + steady * (uty - s * x0_s) / sigma_y + eta * sigma * z
            c = torch.where((s * sigma < sigma_y) & (s > 0), worse, c)
        fresh = (sigma**2 - eta_b**2 * error.square()).clamp_min(0).sqrt()
        better = (1 - eta_b) * x0_s + eta_b * ybar + fresh * z
        c = torch.where(s * sigma > sigma_y, better, c)
        x_t = stride.ab_s.sqrt() * spectral.v(c)


def check(request: Request, params: Params) -> None:
    """Refuse what no guided prior can do, and several degradations at once."""
    priors.check(request, params)
    problem = cast(DdrmParams, params).problem
    done = (problem.blur != "none", problem.factor > 1, problem.grey, problem.missing != "none")
    if sum(done) > 1:
        raise BadKnobError(SEVERAL)


METHOD = Method(
    name="ddrm",
    title="DDRM",
    help="Denoises in the basis in which the degradation is diagonal: for pictures to "
    "which exactly one thing happened, blurred ones above all.",
    paper="Kawar et al., Denoising Diffusion Restoration Models, NeurIPS 2022, arXiv 2201.11793",
    params=DdrmParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=priors.loader(walk, wrap=True),
    output_size=priors.output_size,
    needs=frozenset({"mask", "kernel"}),
    check=check,
    family=FAMILY,
)
