"""Gen2Res (Ding et al., CVPR 2024): drown the picture in noise, let a constrained prior denoise it.

    x_K = sqrt(ab_K) y + sqrt(1 - ab_K) z          what is wrong with y drowns before what it shows
    x_s = step(x_t, x0(x_t)) [- lambda grad_{x_t} |y - x0(x_t)|_2]      down to the clean picture

No degradation has to be known. What the prior makes up is as good as what it knows, so it is first
fine-tuned on an album: clean pictures of the same subject (personal), or its own guesses of the
picture with skip guidance, the term in brackets every few steps (generative).

Notation: y is the degraded picture, K `noise_step`; all pictures are in [-1, 1].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from pydantic import Field

from restoration.methods import priors
from restoration.params import Params, only_when
from restoration.protocol import Method, Preset, Request, Restorer, Step, Sweep, Variant, same_size

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.denoisers import Prior
    from restoration.noise import Noise
    from restoration.runtime import Device
    from restoration.schedules import Schedule

Sampler = Literal["ddim", "ddpm"]


class SkipGuidance(Params):
    """How the walk is held near the picture; the paper does so only when it makes an album."""

    on: bool = False
    """Hold the walk near the input, through the network: truer and less clean, and slower."""
    every: int = Field(default=10, ge=1, le=1000, json_schema_extra=only_when(on=(True,)))
    """At every so many of the 1000 levels; more often holds it nearer."""
    scale: float = Field(default=0.3, ge=0.0, le=10.0, json_schema_extra=only_when(on=(True,)))
    """How far each time (lambda); too much brings back what was wrong with the input."""


class Gen2resParams(Params):
    """Knobs of Gen2Res."""

    noise_step: int = Field(default=200, ge=2, le=1000)
    """Level of noise that the picture is drowned in (K, of 1000); more is cleaner and less true."""
    steps: int = Field(default=25, ge=2, le=1000)
    """Calls of the network on the way back, K at most; more are slower and hardly better."""
    sampler: Sampler = "ddim"
    """ddim needs few steps; ddpm draws noise at each, and takes 200 for the paper's numbers."""
    eta: float = Field(default=0.0, ge=0.0, le=1.0, json_schema_extra=only_when(sampler=("ddim",)))
    """Fresh noise per step; more gives livelier texture, and less certain."""
    guidance: SkipGuidance = SkipGuidance()
    """How the walk is held near the picture."""


class Stride(NamedTuple):
    """What a step of the walk came to, each (B, 3, H, W)."""

    x0: Tensor
    """The clean picture as it was guessed."""
    unguided: Tensor
    """x_s before the guidance."""
    x_s: Tensor


def walk(  # noqa: PLR0913  # the paper's loop in full
    prior: Prior,
    x_t: Tensor,
    y: Tensor,
    schedule: Schedule,
    noise: Noise,
    *,
    scales: Sequence[float],
    sampler: Sampler = "ddpm",
    eta: float = 0.0,
) -> Iterator[Stride]:
    """Denoise x_t along the whole schedule, held near y where `scales` says so.

    Args:
        prior: what knows clean pictures.
        x_t: (B, 3, H, W) at the noisiest level of the schedule.
        y: the picture to be held near, in the shape of x_t or with one sample.
        schedule: the levels.
        noise: draws that of every step.
        scales: lambda of every position; 0 where a step is not guided.
        sampler: the step.
        eta: that of DDIM.
    """
    import torch

    from restoration import samplers

    low, high = samplers.log_variance_bounds(schedule)
    for stride in schedule.strides():
        scale = scales[stride.i]
        with torch.enable_grad() if scale else nullcontext():
            x_t = x_t.detach().requires_grad_(scale > 0)
            eps, v = prior.predict(x_t, stride.t)
            x0 = samplers.x0_from_eps(x_t, eps, stride.ab_t).clamp(-1, 1)
        gradient = _distance_gradient(y, x0, x_t) if scale else None
        x_t, x0, v = x_t.detach(), x0.detach(), v.detach()
        if sampler == "ddpm":
            mean = samplers.posterior_mean(x_t, x0, stride.ab_t, stride.ab_s)
            log_variance = samplers.learned_log_variance(v, low[stride.i], high[stride.i])
            unguided = samplers.ddpm_step(mean, log_variance, noise, last=stride.i == 0)
        else:
            unguided = samplers.ddim_step(x_t, x0, stride.ab_t, stride.ab_s, eta=eta, noise=noise)
        x_t = unguided if gradient is None else unguided - scale * gradient
        yield Stride(x0, unguided, x_t)


def _distance_gradient(y: Tensor, x0: Tensor, x_t: Tensor) -> Tensor:
    """Of |y - x0| with respect to x_t, each picture for itself, through the network.

    The published program takes the norm itself where the paper's Eq. 6 has its square, so a step
    is equally long however far the picture is.
    """
    import torch

    distance = torch.linalg.vector_norm(y - x0, dim=(1, 2, 3)).sum()
    return torch.autograd.grad(distance, x_t)[0]


def levels(noise_step: int, steps: int) -> Schedule:
    """`steps` levels, evenly spaced, of which the noisiest is the published index K - 1."""
    from restoration import schedules

    return schedules.linear().at(schedules.spaced(min(steps, noise_step), noise_step))


def skip_scales(schedule: Schedule, guidance: SkipGuidance) -> list[float]:
    """Lambda of every position, for guidance at every `every`-th of the 1000 levels.

    A stride that passes several of them is guided once, by as much as all of them together, so
    that fewer steps are held as near. With all levels this is the published rule.
    """
    if not guidance.on:
        return [0.0] * len(schedule)
    passed = [0, *((int(t) + 1) // guidance.every for t in schedule.times)]
    return [guidance.scale * (now - before) for before, now in pairwise(passed)]


@dataclass(frozen=True)
class Gen2res:
    """A prior, which the album of a request constrains."""

    prior: Prior

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:
        """Restore; yields the noised picture, a step for every step of the walk, the result."""
        from restoration import tuning
        from restoration.samplers import noised
        from restoration.tiling import mirrored_to

        params = cast(Gen2resParams, params)
        prior = tuning.constrained(self.prior, request.album) if request.album else self.prior
        height, width = request.degraded.shape[-2:]
        y = mirrored_to(request.degraded * 2 - 1, max(height, prior.patch), max(width, prior.patch))
        picture = partial(_picture, height=height, width=width)
        schedule = levels(params.noise_step, params.steps)
        x_t = noised(y, schedule.alpha_bar[-1], noise)
        total = len(schedule) + 2
        yield Step(1, total, "noise", partial(picture, x_t))
        scales = skip_scales(schedule, params.guidance)
        strides = walk(
            prior, x_t, y, schedule, noise, scales=scales, sampler=params.sampler, eta=params.eta
        )
        for done, made in enumerate(strides, start=2):
            yield Step(done, total, f"denoising, step {done - 1}", partial(picture, made.x0))
        yield Step(total, total, "done", partial(picture, made.x_s))


def _picture(x: Tensor, height: int, width: int) -> Tensor:
    """(1, 3, H, W) in [0, 1], of the size that was asked for."""
    return ((x[..., :height, :width] + 1) / 2).clamp(0, 1).cpu()


def load(device: Device, variant: Variant) -> Restorer:
    """The method on the prior of a variant."""
    return Gen2res(priors.load_prior(device, variant))


DEEP = (200, 400, 600)
VARIANTS = (
    Variant(
        "portraits",
        "portraits, 256",
        "The paper's own prior of faces; for research only, as its licence says.",
        ("gen2res-base-256",),
    ),
    *priors.VARIANTS,
)
METHOD = Method(
    name="gen2res",
    title="Gen2Res",
    help="Drowns the picture in noise and lets a prior denoise it, whatever was wrong with it; an "
    "album of clean pictures of the same subject keeps the result true to it.",
    paper="Ding et al., Restoration by Generation with Constrained Priors, CVPR 2024, "
    "arXiv 2312.17161",
    params=Gen2resParams,
    variants=VARIANTS,
    presets=(
        Preset("Restore", "In 25 steps from a fifth of the way to pure noise."),
        Preset(
            "Gently",
            "For a picture that is only a little worse than it should be.",
            {"noise_step": 60, "steps": 15},
        ),
        Preset(
            "As in the paper",
            "200 steps of DDPM without guidance; slow.",
            {"noise_step": 200, "steps": 200, "sampler": "ddpm"},
        ),
        Preset(
            "As the published script does",
            "The same with the skip guidance that its defaults leave on.",
            {"noise_step": 200, "steps": 200, "sampler": "ddpm", "guidance.on": True},
        ),
    ),
    load=load,
    output_size=same_size,
    needs=frozenset({"album"}),
    sweeps=(
        Sweep(
            "How deep it drowns",
            "K = 200, 400, 600: from true to clean.",
            tuple({"noise_step": depth} for depth in DEEP),
        ),
    ),
)
