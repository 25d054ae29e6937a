"""The eleven samplers of k-diffusion that DiffBIR v2.1 offers, each a walk over the same probe.

Notation: see `karras`. x is the state at sigma, x_s the next one at `to`; h = ln(sigma / to) and
x0 what the probe guesses, x0' and x0'' what it guessed one and two steps before. A walk yields
(x0, x_s) after each step and ends with x_s = x0.

    euler, heun, dpm_2     the ODE, first and second order, with churn (Karras et al. 2022, Alg. 2)
    lms                    the ODE, Adams-Bashforth of a chosen order
    euler_a, dpm_2_a       the same steps to less noise, and the rest drawn anew
    dpm++_2s_a             DPM-Solver++ 2S, ancestral (Lu et al. 2022)
    dpm++_2m               DPM-Solver++ 2M
    dpm++_sde, _2m_sde, _3m_sde    the SDE, exponential integrators of order 2, 2 and 3
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from restoration.karras import Probe
from restoration.noise import Noise

Made = Iterator[tuple[Tensor, Tensor]]
MOST_CHURN = math.sqrt(2) - 1


@dataclass(frozen=True)
class Churn:
    """What a walk draws anew, and the order of "lms", as DiffBIR v2.1 has them."""

    s_churn: float = 0.0
    """Noise that euler, heun and dpm_2 add before their steps, shared out over all of them."""
    s_tmin: float = 0.0
    """sigma under which none is added."""
    s_tmax: float = 300.0
    """sigma over which none is added."""
    s_noise: float = 1.0
    """What all noise drawn anew is multiplied by."""
    eta: float = 1.0
    """How much of the noise the ancestral walks and the SDEs draw anew; 0 is none."""
    order: int = 1
    """Steps that "lms" looks back on."""


def euler(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """Draws at every step, used or not, so that a seed means the same."""
    for sigma, to in pairwise(probe.levels.sigmas):
        x, sigma_hat = _churned(x, sigma, probe, noise, churn)
        x0 = probe(x, sigma_hat)
        x = _along(x, x0, sigma_hat, to)
        yield x0, x


def heun(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """The mean of the slopes at both ends; the last step is Euler's."""
    for sigma, to in pairwise(probe.levels.sigmas):
        x, sigma_hat = _churned(x, sigma, probe, noise, churn)
        x0 = probe(x, sigma_hat)
        x_s = _along(x, x0, sigma_hat, to)
        if to and not probe.levels.is_blind(sigma):
            slope = (x - x0) / sigma_hat + (x_s - probe(x_s, to)) / to
            x_s = x + slope * (to - sigma_hat) / 2
        x = x_s
        yield x0, x


def dpm_2(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """The slope half-way in ln sigma; the last step is Euler's."""
    for sigma, to in pairwise(probe.levels.sigmas):
        x, sigma_hat = _churned(x, sigma, probe, noise, churn)
        x0 = probe(x, sigma_hat)
        x = _midpoint(probe, x, x0, sigma_hat, to)
        yield x0, x


def euler_a(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """Euler's step to less noise, and the rest drawn anew."""
    for sigma, to in pairwise(probe.levels.sigmas):
        x0 = probe(x, sigma)
        down, up = ancestral(sigma, to, churn.eta, probe.levels.precision)
        x = _along(x, x0, sigma, down)
        if to:
            x = x + churn.s_noise * up * noise(x)
        yield x0, x


def dpm_2_a(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """The step of `dpm_2` to less noise, and the rest drawn anew."""
    for sigma, to in pairwise(probe.levels.sigmas):
        x0 = probe(x, sigma)
        down, up = ancestral(sigma, to, churn.eta, probe.levels.precision)
        x = _midpoint(probe, x, x0, sigma, down)
        if to:
            x = x + churn.s_noise * up * noise(x)
        yield x0, x


def dpmpp_2s_a(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """With the guess half-way in ln sigma; the last step has none."""
    for sigma, to in pairwise(probe.levels.sigmas):
        x0 = better = probe(x, sigma)
        down, up = ancestral(sigma, to, churn.eta, probe.levels.precision)
        if down:
            middle = probe.levels.between(sigma, down)
            better = probe(_towards(x, x0, sigma, middle), middle)
        x = _towards(x, better, sigma, down)
        if to:
            x = x + churn.s_noise * up * noise(x)
        yield x0, x


def dpmpp_sde(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """With the guess half-way in ln sigma, to which noise leads that the whole step contains.

    Both draws are of one Brownian motion over sigma: w(sigma, to) = w(sigma, middle) plus a fresh
    w(middle, to), each with the variance of its interval.
    """
    for sigma, to in pairwise(probe.levels.sigmas):
        x0 = better = probe(x, sigma)
        if not to:
            x = x0
            yield x0, x
            continue
        middle = probe.levels.between(sigma, to)
        down, up = ancestral(sigma, middle, churn.eta, probe.levels.precision)
        halfway = noise(x)
        x_m = _towards(x, x0, sigma, down) + churn.s_noise * up * halfway
        better = probe(x_m, middle)
        down, up = ancestral(sigma, to, churn.eta, probe.levels.precision)
        share = (sigma - middle) / (sigma - to)
        whole = math.sqrt(share) * halfway + math.sqrt(1 - share) * noise(x)
        x = _towards(x, better, sigma, down) + churn.s_noise * up * whole
        yield x0, x


def dpmpp_2m(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:  # noqa: ARG001 one face
    """Looks back on one guess; the first and the last step on none."""
    before: tuple[Tensor, float] | None = None
    for sigma, to in pairwise(probe.levels.sigmas):
        x0 = ahead_guess = probe(x, sigma)
        if before and to:
            x0_1, h_1 = before
            h = math.log(sigma / to)
            ahead_guess = x0 + h / (2 * h_1) * (x0 - x0_1)
        x = _towards(x, ahead_guess, sigma, to)
        before = (x0, math.log(sigma / to)) if to else None
        yield x0, x


def dpmpp_2m_sde(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """Looks back on one guess (the midpoint rule)."""
    before: tuple[Tensor, float] | None = None
    for sigma, to in pairwise(probe.levels.sigmas):
        x0 = probe(x, sigma)
        if not to:
            yield x0, x0
            return
        h = math.log(sigma / to)
        forgotten = -math.expm1(-h * (1 + churn.eta))
        x_s = (1 - forgotten) * x + forgotten * x0
        if before:
            x0_1, h_1 = before
            x_s = x_s + forgotten * h / (2 * h_1) * (x0 - x0_1)
        x = _stirred(x_s, h, to, noise, churn)
        before = x0, h
        yield x0, x


def dpmpp_3m_sde(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:
    """Looks back on two guesses: the default of DiffBIR v2.1."""
    before: list[tuple[Tensor, float]] = []
    for sigma, to in pairwise(probe.levels.sigmas):
        x0 = probe(x, sigma)
        if not to:
            yield x0, x0
            return
        h = math.log(sigma / to)
        x_s = _third_order(x, x0, before, h, h * (1 + churn.eta))
        x = _stirred(x_s, h, to, noise, churn)
        before = [(x0, h), *before[:1]]
        yield x0, x


def lms(probe: Probe, x: Tensor, noise: Noise, churn: Churn) -> Made:  # noqa: ARG001 one face
    """Integrates the polynomial through the last `order` slopes."""
    sigmas = probe.levels.sigmas
    slopes: list[Tensor] = []
    for i, (sigma, to) in enumerate(pairwise(sigmas)):
        x0 = probe(x, sigma)
        slopes = [(x - x0) / sigma, *slopes[: churn.order - 1]]
        nodes = [sigmas[i - back] for back in range(len(slopes))]
        for share, slope in zip(lms_shares(nodes, to), slopes, strict=True):
            x = x + share * slope
        yield x0, x


WALKS: dict[str, Callable[[Probe, Tensor, Noise, Churn], Made]] = {
    "euler": euler,
    "heun": heun,
    "dpm_2": dpm_2,
    "euler_a": euler_a,
    "dpm_2_a": dpm_2_a,
    "lms": lms,
    "dpm++_2s_a": dpmpp_2s_a,
    "dpm++_2m": dpmpp_2m,
    "dpm++_sde": dpmpp_sde,
    "dpm++_2m_sde": dpmpp_2m_sde,
    "dpm++_3m_sde": dpmpp_3m_sde,
}


def ancestral(
    sigma: float, to: float, eta: float, precision: torch.dtype = torch.float64
) -> tuple[float, float]:
    """The noise to step down to and the noise to add, so that `to` is there afterwards."""
    start, end = torch.tensor([sigma, to], dtype=precision)
    up = torch.minimum(end, eta * (end**2 * (start**2 - end**2) / start**2).sqrt())
    return float((end**2 - up**2).sqrt()), float(up)


def lms_shares(nodes: list[float], to: float) -> list[float]:
    """Integrals from nodes[0] to `to` of the Lagrange polynomials on the nodes.

    By Gauss-Legendre quadrature, which is exact for polynomials.
    """
    places, weights = np.polynomial.legendre.leggauss(len(nodes))
    half = (to - nodes[0]) / 2
    at = nodes[0] + half * (places + 1)
    return [
        half * float(weights @ np.prod([(at - b) / (a - b) for b in nodes if b != a], axis=0))
        if len(nodes) > 1
        else 2 * half
        for a in nodes
    ]


def _churned(
    x: Tensor, sigma: float, probe: Probe, noise: Noise, churn: Churn
) -> tuple[Tensor, float]:
    z = noise(x)
    in_range = churn.s_tmin <= sigma <= churn.s_tmax
    steps = len(probe.levels.sigmas) - 1
    more = min(churn.s_churn / steps, MOST_CHURN) if in_range else 0.0
    if not more:
        return x, sigma
    sigma_hat = sigma * (1 + more)
    return x + churn.s_noise * math.sqrt(sigma_hat**2 - sigma**2) * z, sigma_hat


def _along(x: Tensor, x0: Tensor, sigma: float, to: float) -> Tensor:
    """Euler's step along the slope of the ODE."""
    return x + (x - x0) / sigma * (to - sigma)


def _towards(x: Tensor, x0: Tensor, sigma: float, to: float) -> Tensor:
    """The same step as an exponential integrator takes it, exact while x0 stays the same."""
    share = to / sigma
    return share * x + (1 - share) * x0


def _midpoint(probe: Probe, x: Tensor, x0: Tensor, sigma: float, to: float) -> Tensor:
    if not to or probe.levels.is_blind(sigma):
        return _along(x, x0, sigma, to)
    middle = probe.levels.between(sigma, to)
    x_m = _along(x, x0, sigma, middle)
    return x + (x_m - probe(x_m, middle)) / middle * (to - sigma)


def _third_order(
    x: Tensor, x0: Tensor, before: list[tuple[Tensor, float]], h: float, h_eta: float
) -> Tensor:
    forgotten = -math.expm1(-h_eta)
    x_s = (1 - forgotten) * x + forgotten * x0
    if not before:
        return x_s
    x0_1, h_1 = before[0]
    phi_2 = 1 - forgotten / h_eta
    rise = (x0 - x0_1) * (h / h_1)
    if len(before) == 1:
        return x_s + phi_2 * rise
    x0_2, h_2 = before[1]
    r_0, r_1 = h_1 / h, h_2 / h
    bend = (rise - (x0_1 - x0_2) / r_1) / (r_0 + r_1)
    return x_s + phi_2 * (rise + r_0 * bend) - (phi_2 / h_eta - 0.5) * bend


def _stirred(x: Tensor, h: float, to: float, noise: Noise, churn: Churn) -> Tensor:
    """With the noise that an SDE draws anew over a step."""
    if not churn.eta:
        return x
    up = to * math.sqrt(-math.expm1(-2 * churn.eta * h))
    return x + churn.s_noise * up * noise(x)
