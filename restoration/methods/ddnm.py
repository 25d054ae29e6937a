"""DDNM and DDNM+ (Wang et al., ICLR 2023): what was measured is put in, the prior fills the rest.

    x0' = x0 + A^+ (y - A x0)                                  so that A x0' = y
    x_s = sqrt(ab_s) x0' + sqrt(1 - ab_s) (sqrt(1 - eta^2) eps + eta z)

With noise in y (DDNM+) a measured coefficient of singular value s brings noise of sigma_y / s
along. It is followed only as far as the step has room for that noise, which then takes the place
of the other, so that x_s always has the noise that the network counts on.
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


class DdnmParams(GuidedParams):
    """Knobs of DDNM."""

    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How far what was measured replaces what the prior says; less follows the prior more."""
    eta: float = Field(default=0.85, ge=0.0, le=1.0)
    """Fresh noise per step; less gives smoother and surer results."""


def walk(prior: Prior, known: Measurement, params: GuidedParams, noise: Noise) -> Iterator[Tensor]:
    """The clean picture as guessed after every step, (B, 3, H, W) in [-1, 1]."""
    from restoration import schedules
    from restoration.guidance import followed, gamma_of
    from restoration.samplers import x0_from_eps
    from restoration.spectra import inverse

    params = cast(DdnmParams, params)
    schedule = schedules.clearing(schedules.linear(), params.steps, known.sigma)
    gamma = gamma_of(params.strength, params.steps)
    spectral = inverse(known.operator, *known.size, noise=known.sigma)
    s = spectral.values
    x_t = priors.start(known, params, noise)
    for stride in schedule.strides():
        eps = prior(x_t, stride.t)
        x0 = x0_from_eps(x_t, eps, stride.ab_t).clamp(-1, 1)
        share, predicted, fresh = followed(s, known.sigma, stride.ab_s, eta=params.eta, gamma=gamma)
        x0 = x0 + spectral.v(share * spectral.ut(known.y - known.operator(x0)))
        rest = predicted * spectral.vt(eps) + fresh * spectral.vt(noise(x0))
        x_t = stride.ab_s.sqrt() * x0 + spectral.v(rest)
        yield x0


METHOD = Method(
    name="ddnm",
    title="DDNM",
    help="Puts what was measured into every guess and lets the prior fill in the rest: keeps every "
    "known pixel, and is the best of these for noise (DDNM+).",
    paper="Wang et al., Zero-Shot Image Restoration Using Denoising Diffusion Null-Space Model, "
    "ICLR 2023, arXiv 2212.00490",
    params=DdnmParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=priors.loader(walk),
    output_size=priors.output_size,
    needs=frozenset({"mask", "kernel"}),
    check=priors.check,
    family=FAMILY,
)
