"""DiffPIR (Zhu et al., CVPR 2023 workshops): the prior and the data take turns, half-quadratically.

    x0' = argmin |A x - y|^2 / sigma_y^2 + lambda |x - x0|^2 / sigma_t^2      in closed form
    x_s = sqrt(ab_s) x0' + sqrt(1 - ab_s) (sqrt(1 - zeta) eps' + sqrt(zeta) z)

with sigma_t the noise of x_t relative to its signal, and eps' the noise in x_t if x0' is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from pydantic import Field

from restoration.methods import priors
from restoration.methods.priors import FAMILY, PRESETS, VARIANTS, GuidedParams
from restoration.protocol import Method

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.denoisers import Prior
    from restoration.measurements import Measurement
    from restoration.noise import Noise

SMALLEST_SIGMA = 2e-3
"""Noise in y that is reckoned with at least, a quarter of a grey level."""


class DiffpirParams(GuidedParams):
    """Knobs of DiffPIR."""

    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How far the answer to both, data and prior, replaces what the prior says alone."""
    trade: float = Field(default=7.0, ge=0.1, le=100.0)
    """Weight of the prior against the data (lambda of the paper); more is smoother."""
    zeta: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of noise drawn anew in each step: 1 forgets a wrong guess soonest, which a small prior
    needs; the paper takes 0.3 for strong ones."""


def walk(prior: Prior, known: Measurement, params: GuidedParams, noise: Noise) -> Iterator[Tensor]:
    """The clean picture as guessed after every step, (B, 3, H, W) in [-1, 1]."""
    from restoration import schedules
    from restoration.guidance import gamma_of
    from restoration.samplers import eps_from_x0, renoise_step, x0_from_eps
    from restoration.spectra import inverse

    params = cast(DiffpirParams, params)
    schedule = schedules.clearing(schedules.linear(), params.steps, known.sigma)
    gamma = gamma_of(params.strength, params.steps)
    spectral = inverse(known.operator, *known.size)
    sigma_y = max(known.sigma, SMALLEST_SIGMA)
    x_t = priors.start(known, params, noise)
    for stride in schedule.strides():
        x0 = x0_from_eps(x_t, prior(x_t, stride.t), stride.ab_t).clamp(-1, 1)
        rho = params.trade * sigma_y**2 * float(stride.ab_t / (1 - stride.ab_t))
        residual = known.y - known.operator(x0)
        x0 = x0 + gamma * spectral.regularised_inverse(residual, rho)
        eps = eps_from_x0(x_t, x0, stride.ab_t)
        x_t = renoise_step(x0, eps, stride.ab_s, fresh=params.zeta, noise=noise)
        yield x0


METHOD = Method(
    name="diffpir",
    title="DiffPIR",
    help="Lets the prior and the data take turns, each as far as it can be trusted: good for "
    "holes and for enlarging.",
    paper="Zhu et al., Denoising Diffusion Models for Plug-and-Play Image Restoration, NTIRE at "
    "CVPR 2023, arXiv 2305.08995",
    params=DiffpirParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=priors.loader(walk),
    output_size=priors.output_size,
    needs=frozenset({"mask", "kernel"}),
    check=priors.check,
    family=FAMILY,
)
