"""The degradations as a user meets them: by name, with knobs, and a few fixed ones.

Importing this does not import torch, so that a page can list them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from restoration.degradations.knobs import (
    BlurParams,
    CodeformerParams,
    DefocusParams,
    DownscaleParams,
    HazeParams,
    JpegParams,
    LowLightParams,
    MissingParams,
    MotionParams,
    NoiseParams,
    RainParams,
    RealEsrganParams,
    WildParams,
)
from restoration.errors import BadKnobError
from restoration.params import Params, Scalar, build

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


Apply = Callable[["Tensor", Any, "np.random.Generator"], "Tensor"]


@dataclass(frozen=True)
class Kind:
    """A degradation as a front end lists it."""

    name: str
    title: str
    help: str
    params: type[Params]
    apply: Apply
    """(image, params, generator): RGB float32 (B, 3, H, W) in [0, 1] in and out, same size."""


def degrade(
    image: Tensor, kind: str, *, seed: int, values: Mapping[str, object] | None = None
) -> Tensor:
    """The picture made worse, in steps of 1/255 as a file would hold it.

    Args:
        image: RGB float32 (B, 3, H, W) in [0, 1]; the result has the same size.
        kind: a name in `KINDS` or `PRESETS`.
        seed: 0 or larger; the same one gives the same picture.
        values: knobs of the kind; a preset has none.

    Raises:
        BadKnobError: there is no such kind or knob, or a value is out of range.
    """
    import numpy as np

    from restoration.degradations.single import rounded

    rng = np.random.default_rng(seed)
    for step, params in steps_of(kind, values or {}):
        image = step.apply(image, params, rng)
    return rounded(image)


def steps_of(kind: str, values: Mapping[str, object]) -> tuple[tuple[Kind, Params], ...]:
    """What `degrade` does for `kind`, in order.

    Raises:
        BadKnobError: there is no such kind or knob, or a value is out of range.
    """
    if kind in KINDS:
        return ((KINDS[kind], build(KINDS[kind].params, values)),)
    if kind not in PRESETS:
        known = ", ".join([*KINDS, *PRESETS])
        raise BadKnobError(f"there is no degradation {kind!r:.60} (known: {known})")
    if values:
        raise BadKnobError(
            f"{kind} is fixed and has no knobs (got {', '.join(values)}): "
            f"take one of {', '.join(KINDS)} to set them"
        )
    return tuple((KINDS[name], build(KINDS[name].params, knobs)) for name, knobs in PRESETS[kind])


def _noise(image: Tensor, params: NoiseParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.single import gaussian_noise

    return gaussian_noise(image, params.sigma, rng, grey=params.grey)


def _blur(image: Tensor, params: BlurParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations.single import gaussian_blur

    return gaussian_blur(image, params.sigma)


def _motion(image: Tensor, params: MotionParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations.single import motion_blur

    return motion_blur(image, params.length, params.angle)


def _defocus(image: Tensor, params: DefocusParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations.single import defocus

    return defocus(image, params.radius)


def _jpeg(image: Tensor, params: JpegParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations.jpeg import jpeg_pillow

    return jpeg_pillow(image, params.quality)


def _downscale(image: Tensor, params: DownscaleParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations.single import downscale

    return downscale(image, params.factor)


def _low_light(image: Tensor, params: LowLightParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.single import low_light

    return low_light(
        image, params.exposure, params.sigma, rng, shot=params.shot, gamma=params.gamma
    )


def _rain(image: Tensor, params: RainParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.scenes import rain

    return rain(image, params.amount, rng, length=params.length, angle=params.angle)


def _haze(image: Tensor, params: HazeParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.scenes import haze

    return haze(image, params.density, rng, light=params.light, relief=params.relief)


def _missing(image: Tensor, params: MissingParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.scenes import missing

    return missing(image, params.share, rng, shape=params.shape)


def _real_esrgan(image: Tensor, params: RealEsrganParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.random import second_order, second_order_ranges

    return second_order(image, rng, second_order_ranges(**dict(params)))


def _codeformer(image: Tensor, params: CodeformerParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.random import (
        CODEFORMER_FACE,
        CODEFORMER_GENERAL,
        first_order,
    )

    ranges = CODEFORMER_FACE if params.subject == "face" else CODEFORMER_GENERAL
    return first_order(image, rng, ranges)


def _wild(image: Tensor, params: WildParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations.wild import in_the_wild, wild_ranges

    return in_the_wild(image, rng, wild_ranges(**dict(params)))


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("noise", "Noise", "Speckles, as of a high ISO setting.", NoiseParams, _noise),
        Kind("blur", "Blur", "An even softness, as of a poor lens.", BlurParams, _blur),
        Kind("motion", "Motion blur", "The camera moved in a line.", MotionParams, _motion),
        Kind("defocus", "Out of focus", "Points become discs.", DefocusParams, _defocus),
        Kind("jpeg", "JPEG", "Blocks of a strongly compressed file.", JpegParams, _jpeg),
        Kind(
            "downscale",
            "Too small",
            "Kept as a small picture and enlarged again.",
            DownscaleParams,
            _downscale,
        ),
        Kind("low-light", "Low light", "Too dark, and noisy.", LowLightParams, _low_light),
        Kind("rain", "Rain", "Bright streaks across the picture.", RainParams, _rain),
        Kind("haze", "Haze", "A veil, thicker in some places.", HazeParams, _haze),
        Kind("missing", "Missing pixels", "Parts are lost and white.", MissingParams, _missing),
        Kind(
            "real-esrgan",
            "Real-ESRGAN",
            "A random mixture: blur, resizing, noise and JPEG, twice over.",
            RealEsrganParams,
            _real_esrgan,
        ),
        Kind(
            "codeformer",
            "CodeFormer",
            "A random mixture: strong blur, downscaling, noise and JPEG, once.",
            CodeformerParams,
            _codeformer,
        ),
        Kind(
            "wild",
            "In the wild",
            "A mild random mixture: blur, ringing, resizing, noise and JPEG, three times over.",
            WildParams,
            _wild,
        ),
    )
}
"""In the order that the page shows."""

PRESETS: dict[str, tuple[tuple[str, Mapping[str, Scalar]], ...]] = {
    "noise25": (("noise", {"sigma": 25}),),
    "jpeg20": (("jpeg", {"quality": 20}),),
    "blur2": (("blur", {"sigma": 2}),),
    "mixed": (("blur", {"sigma": 1.5}), ("noise", {"sigma": 8}), ("jpeg", {"quality": 60})),
}
"""Fixed ones to compare methods on: kinds with their knobs, applied in order."""
