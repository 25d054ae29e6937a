"""DPS (Chung et al., ICLR 2023): a DDPM walk that goes back through the network.

    x_s = ddpm(x_t, x0) - zeta grad_{x_t} |y - A x0(x_t)|

The gradient goes through the prior itself, so a step costs more than twice as much, and needs the
memory for it; in return it knows how the guess hangs together. The published step size is 1 for
1000 steps; here it grows as steps become fewer.
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

FARTHEST = 1.0
"""Root mean square that a step may move the picture at most, so that no step can run away."""


class DpsParams(GuidedParams):
    """Knobs of DPS."""

    steps: int = Field(default=100, ge=2, le=1000)
    """Calls of the network, there and back; fewer than 100 leave noise."""
    strength: float = Field(default=1.0, ge=0.0, le=4.0)
    """Size of the steps towards the input (zeta of the paper); too much makes noise."""


def walk(prior: Prior, known: Measurement, params: GuidedParams, noise: Noise) -> Iterator[Tensor]:
    """The clean picture as guessed after every step, (B, 3, H, W) in [-1, 1]."""
    import torch

    from restoration import schedules
    from restoration.guidance import limited
    from restoration.samplers import (
        ddpm_step,
        learned_log_variance,
        log_variance_bounds,
        posterior_mean,
        x0_from_eps,
    )

    params = cast(DpsParams, params)
    schedule = schedules.linear().at(schedules.spaced(params.steps))
    low, high = log_variance_bounds(schedule)
    zeta = params.strength * (schedules.NUM_TRAINED / params.steps) ** 0.5
    x_t = priors.start(known, params, noise)
    for stride in schedule.strides():
        with torch.enable_grad():
            x_t = x_t.detach().requires_grad_()
            eps, v = prior.predict(x_t, stride.t)
            x0 = x0_from_eps(x_t, eps, stride.ab_t).clamp(-1, 1)
            distance = torch.linalg.vector_norm(known.y - known.operator(x0), dim=(1, 2, 3))
            (gradient,) = torch.autograd.grad(distance.sum(), x_t)
        x_t, x0, v = x_t.detach(), x0.detach(), v.detach()
        mean = posterior_mean(x_t, x0, stride.ab_t, stride.ab_s)
        log_variance = learned_log_variance(v, low[stride.i], high[stride.i])
        x_s = ddpm_step(mean, log_variance, noise, last=stride.i == 0)
        x_t = x_s - limited(zeta * gradient, FARTHEST)
        yield x_t if stride.i == 0 else x0


METHOD = Method(
    name="dps",
    title="DPS",
    help="Goes back through the network at every step: slower than the others, and the one whose "
    "guesses hang together best with a strong prior.",
    paper="Chung et al., Diffusion Posterior Sampling for General Noisy Inverse Problems, "
    "ICLR 2023, arXiv 2209.14687",
    params=DpsParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=priors.loader(walk),
    output_size=priors.output_size,
    needs=frozenset({"mask", "kernel"}),
    check=priors.check,
    family=FAMILY,
)
