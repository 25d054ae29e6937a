"""GDP for unknown light (Fei et al. 2023): one picture for low light, three exposures for HDR.

    y = f x + M, where the gain f and the light M are fitted while the picture is restored.

The published walk starts from f near 0 of random sign and learns f and M at a rate of 1, so that
it needs 1000 steps and M hardly moves; all exposures share one f. The corrected walk starts from
the mean of the pictures, fits a gain for each exposure in closed form, gives M the freedom to
follow slow changes of light, and leaves out of the fit what is clipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from restoration.errors import BadPictureError
from restoration.methods import gdp
from restoration.methods.gdp import ETA, FARTHEST, LightLosses
from restoration.methods.priors import FAMILY, VARIANTS, load_prior
from restoration.params import Params, only_when
from restoration.protocol import Method, Preset, Request, Restorer, Step, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.denoisers import Prior
    from restoration.noise import Noise
    from restoration.runtime import Device
    from restoration.schedules import Schedule

PUBLISHED_SCALE = 80000 / 256**2
"""Of the guidance per pixel of a patch, for 1000 steps (sample_x0_enhancement_low_light.py)."""
PAPER = gdp.METHOD.paper
NUM_EXPOSURES = 3
PRESETS = (
    Preset("Even light", "Brightens, and lightens shadows a little more: the place to start."),
    Preset("As it was", "Brightens all of it alike; shadows stay dark.", {"local": 0.0}),
    Preset(
        "Very dark",
        "For a picture with much noise in it.",
        {"noise": 5.0, "strength": 0.8},
    ),
    Preset(
        "As published",
        "The literal walk of 1000 steps: slow without a GPU.",
        {"walk": "published", "steps": 1000},
    ),
)
CORRECTED = only_when(walk=("corrected",))
REACH = 1 / 16
"""Of the blur that keeps M smooth, as a share of the shorter side."""
CLIPPED = 3 / 255
"""What is this near to black or white may have been cut off, and says little."""


class LightParams(Params):
    """Knobs of GDP for unknown light."""

    steps: int = Field(default=25, ge=2, le=1000)
    """Calls of the network; more are slower, and after about 25 change little."""
    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How much of the disagreement with the input goes per step; less follows the prior more."""
    brightness: float = Field(default=0.45, ge=0.1, le=0.9, json_schema_extra=CORRECTED)
    """How bright the result is on the whole; the input cannot tell, so you choose."""
    local: float = Field(default=0.3, ge=0.0, le=1.0, json_schema_extra=CORRECTED)
    """How far light may differ from place to place: evens out shadows, and flattens the picture."""
    noise: float = Field(default=1.0, ge=0.0, le=30.0, json_schema_extra=CORRECTED)
    """Strength of the noise in the input in grey levels of 255; darkness brings it out."""
    smoothness: float = Field(
        default=0.0, ge=0.0, le=1000.0, json_schema_extra=only_when(walk=("published",))
    )
    """Keep the fitted light smooth, as the paper asks and the published program does not."""
    losses: LightLosses = LightLosses()
    """What is asked of the result beside agreement with the input."""
    walk: Literal["corrected", "published"] = "corrected"
    """The corrected one needs few steps; the published one 1000."""


@dataclass(frozen=True)
class Light:
    """What was done to the light of each exposure."""

    f: Tensor
    """(K, 1, 1, 1) gains."""
    mask: Tensor
    """(K, 1, H, W) light that is added, M."""


@dataclass(frozen=True)
class Relit:
    """A prior, and the walks that fit the light."""

    prior: Prior

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:
        """Restore; yields a step for every step of the walk, then the result."""
        import torch

        from restoration import schedules
        from restoration.tiling import mirrored_to

        params = cast(LightParams, params)
        size = request.degraded.shape[-2:]
        sides = [max(side, self.prior.patch) for side in size]
        exposures = [request.degraded, *request.exposures]
        y = torch.cat([mirrored_to(exposure, *sides) for exposure in exposures])
        is_corrected, total = params.walk == "corrected", params.steps + 1
        first = first_light(y, well_exposed(y), params.brightness)
        sigma = _noise_told(params, first) if is_corrected else 0.0
        schedule = schedules.clearing(schedules.linear(), params.steps, sigma)
        walk = corrected if is_corrected else as_published
        for done, x0 in enumerate(walk(self.prior, schedule, y, params, noise), start=1):
            shown = partial(_shown, x0, *size)
            yield Step(done, total, f"denoising, step {done}", shown)
        yield Step(total, total, "done", shown)


def corrected(
    prior: Prior, schedule: Schedule, y: Tensor, params: LightParams, noise: Noise
) -> Iterator[Tensor]:
    """The walk for few steps; yields x0 (1, 3, H, W) in [-1, 1].

    Args:
        prior: the network.
        schedule: the levels to walk along.
        y: the exposures (K, 3, H, W) in [0, 1], darkest first.
        params: the knobs.
        noise: draws the start and a picture for each step.
    """
    import torch

    from restoration.guidance import downhill, followed, gamma_of, limited, total
    from restoration.operators import Identity
    from restoration.samplers import x0_from_eps

    gamma, asked = gamma_of(params.strength, params.steps), total(params.losses.weighted())
    weight = well_exposed(y)
    light = first_light(y, weight, params.brightness)
    x_t, one = noise(y[:1]), torch.ones(())
    for stride in schedule.strides():
        eps = prior(x_t, stride.t)
        picture = (x0_from_eps(x_t, eps, stride.ab_t).clamp(-1, 1) + 1) / 2
        told, sure = explained(y, weight, light)
        sigma = _noise_told(params, light)
        share, predicted, fresh = followed(one, sigma, stride.ab_s, eta=ETA, gamma=gamma)
        picture = picture + share * sure * (told - picture)
        light = fit(picture, y, weight, params.local)
        x0 = picture * 2 - 1
        if asked:
            x0 = x0 + limited(downhill(x0, asked, gamma, Identity(), x0), FARTHEST)
        x_t = stride.ab_s.sqrt() * x0 + predicted * eps + fresh * noise(x0)
        yield x0


def well_exposed(y: Tensor) -> Tensor:
    """(K, 1, H, W) how far each pixel is to be believed: not where it is clipped at white."""
    return ((1 - y.amax(1, keepdim=True)) / CLIPPED).clamp(1e-3, 1)


def first_light(y: Tensor, weight: Tensor, brightness: float) -> Light:
    """The light by which the exposures would come from a picture of that mean."""
    mean = (weight * y).mean((1, 2, 3), keepdim=True) / weight.mean((1, 2, 3), keepdim=True)
    return Light((mean / brightness).clamp_min(1e-3), y.new_zeros(len(y), 1, *y.shape[-2:]))


def explained(y: Tensor, weight: Tensor, light: Light) -> tuple[Tensor, Tensor]:
    """(picture, certainty): what the exposures tell under that light, by least squares.

    (1, 3, H, W) in about [0, 1], and (1, 1, H, W) from 0, where all are clipped, to 1.
    """
    told = (weight * light.f * (y - light.mask)).sum(0, keepdim=True)
    energy = (weight * light.f.square()).sum(0, keepdim=True)
    return (told / energy).clamp(0, 1), weight.amax(0, keepdim=True)


def _noise_told(params: LightParams, light: Light) -> float:
    """Standard deviation, in [-1, 1], of the noise in what the brightest exposure tells."""
    return 2 * params.noise / 255 / float(light.f.max())


def fit(picture: Tensor, y: Tensor, weight: Tensor, local: float) -> Light:
    """The light that leads from the picture to the exposures: f by least squares, M smooth.

    M is what is left over, blurred, without its mean, which f accounts for; `local` is the part
    of it that is believed.
    """
    from restoration.degradations.single import gaussian_blur

    energy = (weight * picture.square()).mean((1, 2, 3), keepdim=True).clamp_min(1e-6)
    f = ((weight * picture * y).mean((1, 2, 3), keepdim=True) / energy).clamp_min(1e-3)
    left = (y - f * picture).mean(1, keepdim=True)
    smooth = gaussian_blur(left, max(1.0, REACH * min(y.shape[-2:])))
    return Light(f, local * (smooth - smooth.mean((2, 3), keepdim=True)))


def as_published(
    prior: Prior, schedule: Schedule, y: Tensor, params: LightParams, noise: Noise
) -> Iterator[Tensor]:
    """The published walk, its scale adapted to the number of steps; yields x0, then the sample."""
    import torch

    from restoration.guidance import total
    from restoration.methods.gdp_light_published import Form, published

    x_t = noise(y[:1])
    f = noise(y.new_empty(1)) / 100
    mask = torch.special.ndtr(noise(y.new_empty(y.shape[-2:]))) / 10000
    scale = params.strength * PUBLISHED_SCALE * prior.patch**2 * 1000 / len(schedule)
    form = Form(
        prior.patch,
        prior.patch // 2,
        scale,
        repeats=2 if len(y) == 1 else 1,
        extra=total(params.losses.weighted()),
        smoothness=params.smoothness,
    )
    last = len(schedule) - 1
    for i, made in enumerate(published(prior, schedule, y, (x_t, f, mask), form, noise=noise)):
        yield made.x_s if i == last else made.x0


def check(request: Request, params: Params) -> None:  # noqa: ARG001  # the protocol passes them
    """Refuse exposures that are not of one picture.

    Raises:
        BadPictureError: one of them is missing, or of another size.
    """
    height, width = request.degraded.shape[-2:]
    for place, exposure in enumerate(request.exposures, start=2):
        if exposure.shape != request.degraded.shape:
            raise BadPictureError(
                f"Exposure {place} has {exposure.shape[-1]}x{exposure.shape[-2]} pixels and the "
                f"first {width}x{height}: all must be of the same size and show the same view."
            )


def check_three(request: Request, params: Params) -> None:
    """Refuse anything but three exposures of one picture."""
    if len(request.exposures) != NUM_EXPOSURES - 1:
        given = 1 + len(request.exposures)
        raise BadPictureError(
            f"HDR takes {NUM_EXPOSURES} exposures of the same view, from dark to bright; "
            f"{given} {'is' if given == 1 else 'are'} there."
        )
    check(request, params)


def same_size(height: int, width: int, params: Params) -> tuple[int, int]:  # noqa: ARG001
    """The result is as large as the picture."""
    return height, width


def load(device: Device, variant: Variant) -> Restorer:
    """The walks with the prior of a variant."""
    return Relit(load_prior(device, variant))


def _shown(x0: Tensor, height: int, width: int) -> Tensor:
    return ((x0[..., :height, :width] + 1) / 2).clamp(0, 1).cpu()


LOW_LIGHT = Method(
    name="gdp_low_light",
    title="GDP, low light",
    help="Brightens a dark picture: fits the light it was taken in, and lets the prior clean what "
    "darkness brought out.",
    paper=PAPER,
    params=LightParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=load,
    output_size=same_size,
    check=check,
    family=FAMILY,
)
HDR = Method(
    name="gdp_hdr",
    title="GDP, HDR from three exposures",
    help="One well-lit picture from a short, a medium and a long exposure of the same view.",
    paper=PAPER,
    params=LightParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=load,
    output_size=same_size,
    needs=frozenset({"exposures"}),
    check=check_three,
    family=FAMILY,
)
