"""GDP (Fei et al., CVPR 2023): a diffusion prior, pulled towards the measurement at every step.

    x0   = (x_t - sqrt(1 - ab_t) eps) / sqrt(ab_t), clipped
    g    = -s grad_p loss(A p, y), p = x0 or x_t
    x_s  = mean(x_t, x0) + g + exp(log_variance / 2) z          the published walk
    x_s  = sqrt(ab_s) (x0 + g) + sqrt(1 - ab_s) (...)          the corrected walk

The published scales only work with 1000 steps: early corrections of the mean are washed out by
the noise. Correcting x0 before the step is what makes 25 steps work, and is the default.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from restoration.methods import priors
from restoration.methods.priors import FAMILY, PRESETS, VARIANTS, GuidedParams
from restoration.params import Params, only_when
from restoration.protocol import Method, Preset

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.denoisers import Prior
    from restoration.guidance import Loss
    from restoration.measurements import Measurement
    from restoration.noise import Noise
    from restoration.schedules import Schedule

Form = Literal["x0", "x_t", "score"]
"""Where the published walks are guided: at x0, at x_t, or at x_t by way of the score."""
REGION = 16
"""Side of the regions that `exposure` looks at, in pixels."""
FARTHEST = 0.1
"""Root mean square by which the further losses may move x0 in a step of the corrected walk."""
ETA = 0.85
"""Fresh noise per step of the corrected walk, as in DDRM."""


class LightLosses(Params):
    """What is asked of the result beside agreement with the input; weights relative to it."""

    colour_constancy: float = Field(default=0.0, ge=0.0, le=10.0)
    """Keep the mean of red, green and blue alike: against a tint in guessed colours."""
    exposure: float = Field(default=0.0, ge=0.0, le=10.0)
    """Bring every region to a middle brightness: for pictures that are too dark or too light."""
    exposure_level: float = Field(default=0.5, ge=0.1, le=0.9)
    """The brightness that `exposure` aims at."""

    def weighted(self) -> list[tuple[float, Loss]]:
        """Each weight that is not zero, with its loss."""
        from restoration import losses

        parts: list[tuple[float, Loss]] = [
            (self.colour_constancy, lambda x: losses.colour_constancy(x).mean()),
            (self.exposure, lambda x: losses.exposure(x, REGION, self.exposure_level)),
        ]
        return [(weight, loss) for weight, loss in parts if weight]


class Losses(LightLosses):
    """What is asked of the result beside agreement with the input; weights relative to it."""

    ssim: float = Field(default=0.0, ge=0.0, le=10.0)
    """Agreement in structure as well as in values: brings out edges, and noise with them."""


class GdpParams(GuidedParams):
    """Knobs of GDP."""

    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How much of the disagreement with the input goes per step; less follows the prior more."""
    guide: Literal["x0", "x_t"] = Field(
        default="x0", json_schema_extra=only_when(walk=("corrected", "published"))
    )
    """What is compared with the input: the clean picture as guessed, or the noisy one."""
    walk: Literal["corrected", "published", "score"] = "corrected"
    """How the pull enters: before the step (few steps do), or as published, which needs 1000."""
    losses: Losses = Losses()
    """What is asked of the result beside agreement with the input."""


def walk(prior: Prior, known: Measurement, params: GuidedParams, noise: Noise) -> Iterator[Tensor]:
    """The clean picture as guessed after every step, (B, 3, H, W) in [-1, 1]."""
    from restoration import schedules
    from restoration.guidance import gamma_of

    params = cast(GdpParams, params)
    sigma = known.sigma if params.walk == "corrected" else 0.0
    schedule = schedules.clearing(schedules.linear(), params.steps, sigma)
    pull = Pull(known, gamma_of(params.strength, params.steps), params.losses)
    x_t = priors.start(known, params, noise)
    if params.walk == "corrected":
        yield from corrected(prior, schedule, x_t, pull, guide=params.guide, noise=noise)
    else:
        form: Form = "score" if params.walk == "score" else params.guide
        last = len(schedule) - 1
        steps = published(prior, schedule, x_t, pull, form=form, noise=noise)
        for i, (x0, x_s) in enumerate(steps):
            yield x_s if i == last else x0


@dataclass(frozen=True)
class Pull:
    """What moves a picture towards the measurement, and towards what else is asked of it."""

    known: Measurement
    gamma: float
    losses: Losses

    def __call__(self, p: Tensor) -> Tensor:
        """What to add to p, (B, 3, H, W) in [-1, 1], as published: both at once."""
        return self.towards(p) + self.wished(p)

    def towards(self, p: Tensor) -> Tensor:
        """What to add for the measurement alone."""
        from restoration.guidance import pull

        return pull(p, self.known.operator, self.known.y, self.gamma)

    def wished(self, p: Tensor) -> Tensor:
        """What to add for the further losses alone."""
        from restoration.guidance import downhill, total

        asked = total(self._weighted())
        if asked is None:
            return p.new_zeros(())
        return downhill(p, asked, self.gamma, self.known.operator, self.known.y)

    def _weighted(self) -> list[tuple[float, Loss]]:
        from restoration.losses import padded_ssim

        operator, y01, weight = self.known.operator, (self.known.y + 1) / 2, self.losses.ssim

        def dissimilarity(x: Tensor) -> Tensor:
            return 1 - padded_ssim((operator(2 * x - 1) + 1) / 2, y01)

        return [*self.losses.weighted(), *([(weight, dissimilarity)] if weight else [])]


def corrected(
    prior: Prior, schedule: Schedule, x_t: Tensor, pull: Pull, *, guide: str, noise: Noise
) -> Iterator[Tensor]:
    """The walk for few steps: correct x0, then go on with the noise as predicted.

    Guided on x_t, the noisy picture is compared with the measurement at the same level of noise,
    since the clean one would take the noise out of it that the network counts on.
    """
    import torch

    from restoration.guidance import followed, limited
    from restoration.samplers import renoise_step, x0_from_eps

    known, whole = pull.known, replace(pull, gamma=1.0)
    one = torch.ones(())
    for stride in schedule.strides():
        eps = prior(x_t, stride.t)
        x0 = x0_from_eps(x_t, eps, stride.ab_t).clamp(-1, 1)
        a, level = stride.ab_s.sqrt(), (1 - stride.ab_s).sqrt()
        if guide == "x0":
            share, predicted, fresh = followed(
                one, known.sigma, stride.ab_s, eta=ETA, gamma=pull.gamma
            )
            x0 = x0 + limited(pull.wished(x0), FARTHEST)
            x0 = x0 + share * whole.towards(x0)  # last, so that it holds
            x_t = a * x0 + predicted * eps + fresh * noise(x0)
        else:
            x_t = renoise_step(x0, eps, stride.ab_s, fresh=ETA**2, noise=noise)
            brought, made = (a * known.sigma).square(), level.square()
            rest = (made - brought).clamp_min(0).sqrt() * noise(x0)
            # Where y is noisier than the step, this share leaves x_t as noisy as it was.
            share = torch.where(brought > 0, 2 * made / (made + brought), 1).clamp(0, 1)
            noisy = replace(known, y=a * known.y + known.operator(rest))
            x_t = x_t + share * replace(pull, known=noisy).towards(x_t)
        yield x_t if stride.i == 0 else x0


def published(
    prior: Prior,
    schedule: Schedule,
    x_t: Tensor,
    pull: Callable[[Tensor], Tensor],
    *,
    form: Form,
    noise: Noise,
) -> Iterator[tuple[Tensor, Tensor]]:
    """The literal walks of the published programs; yields (x0, x_s) after every step.

    At x0 and x_t the gradient is added to the mean of a DDPM step with learned variance
    (gaussian_diffusion_x0.py, gaussian_diffusion.py); by the score (gaussian_diffusion_v1.py) it
    changes eps, from which x0 follows again, unclipped. No variance is multiplied in, unlike in
    the paper.
    """
    from restoration.samplers import (
        ddpm_step,
        eps_from_x0,
        learned_log_variance,
        log_variance_bounds,
        posterior_mean,
        x0_from_eps,
    )

    low, high = log_variance_bounds(schedule)
    for stride in schedule.strides():
        ab_t, ab_s = stride.ab_t, stride.ab_s
        eps, v = prior.predict(x_t, stride.t)
        x0 = x0_from_eps(x_t, eps, ab_t).clamp(-1, 1)
        gradient = pull(x0 if form == "x0" else x_t)
        if form == "score":
            x0 = x0_from_eps(x_t, eps_from_x0(x_t, x0, ab_t) - (1 - ab_t).sqrt() * gradient, ab_t)
            mean = posterior_mean(x_t, x0, ab_t, ab_s)
        else:
            mean = posterior_mean(x_t, x0, ab_t, ab_s) + gradient
        log_variance = learned_log_variance(v, low[stride.i], high[stride.i])
        x_t = ddpm_step(mean, log_variance, noise, last=stride.i == 0)
        yield x0, x_t


COLOURISE = Preset(
    "Colourise",
    "For black and white; the bundled prior only tints, the published ones know colours.",
    {"problem.grey": True, "losses.colour_constancy": 0.01},
)
METHOD = Method(
    name="gdp",
    title="GDP",
    help="Pulls a generative prior towards the picture at every step: fills in, enlarges, "
    "sharpens, colourises and takes away noise, also several at once.",
    paper="Fei et al., Generative Diffusion Prior for Unified Image Restoration and Enhancement, "
    "CVPR 2023, arXiv 2304.01247",
    params=GdpParams,
    variants=VARIANTS,
    presets=(
        *(COLOURISE if preset.name == COLOURISE.name else preset for preset in PRESETS),
        Preset(
            "As published",
            "The literal walk of 1000 steps, for 25 % of missing pixels: slow without a GPU.",
            {
                "problem.spoil": True,
                "problem.missing": "random",
                "problem.share": 0.25,
                "walk": "published",
                "steps": 1000,
                "strength": 0.336,
            },
        ),
    ),
    load=priors.loader(walk),
    output_size=priors.output_size,
    needs=frozenset({"mask", "kernel"}),
    check=priors.check,
    family=FAMILY,
)
