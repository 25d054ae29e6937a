"""The degradations as a user meets them: by name, with knobs, and a few fixed ones.

Importing this does not import torch, so that a page can list them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from restoration.errors import BadKnobError
from restoration.params import Params, Scalar, build

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


class NoiseParams(Params):
    """Knobs of Gaussian noise."""

    sigma: float = Field(default=25, ge=0, le=150)
    """Strength in grey levels of 255; 25 is what a phone shows in a dim room."""
    grey: bool = False
    """The same noise in all three colours, like film grain, instead of coloured speckles."""


class BlurParams(Params):
    """Knobs of Gaussian blur."""

    sigma: float = Field(default=2, ge=0, le=20)
    """Width in pixels; at 2 small writing cannot be read any more."""


class MotionParams(Params):
    """Knobs of motion blur."""

    length: float = Field(default=15, ge=1, le=100)
    """How far the camera moved, in pixels; 1 leaves the picture sharp."""
    angle: float = Field(default=30, ge=0, le=180)
    """Direction of the movement in degrees, counter-clockwise from the right."""


class DefocusParams(Params):
    """Knobs of a lens out of focus."""

    radius: float = Field(default=4, ge=0, le=30)
    """Points of light become discs of this radius in pixels."""


class JpegParams(Params):
    """Knobs of JPEG compression."""

    quality: int = Field(default=20, ge=1, le=95)
    """Quality of the file; the lower, the more blocks and colour bleeding."""


class DownscaleParams(Params):
    """Knobs of a picture kept too small."""

    factor: float = Field(default=4, ge=1, le=16)
    """How many times smaller it was kept before being enlarged again; fine detail is lost."""


class LowLightParams(Params):
    """Knobs of a picture taken in the dark."""

    exposure: float = Field(default=0.1, ge=0.01, le=1)
    """Share of the light that is left; 1 is the picture as it was."""
    sigma: float = Field(default=5, ge=0, le=50)
    """Noise in grey levels of 255, added after darkening."""


class RealEsrganParams(Params):
    """Knobs of the Real-ESRGAN mixture."""

    scale: float = Field(default=4, ge=1, le=8)
    """How many times smaller the picture gets on the way; the larger, the less detail is left."""
    blur: float = Field(default=1, ge=0.1, le=2)
    """Multiplies the width of the blur; 1 is what DiffBIR was trained on."""
    noise: float = Field(default=1, ge=0, le=2)
    """Multiplies the strength of the noise; 0 leaves only blur, resizing and JPEG."""
    lowest_quality: float = Field(default=30, ge=5, le=95)
    """Worst JPEG quality that may be drawn; lower gives stronger blocks."""


class CodeformerParams(Params):
    """Knobs of the CodeFormer mixture."""

    subject: Literal["general", "face"] = "general"
    """Strength meant for any photograph, or the milder blur meant for portraits."""


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

    from restoration.degradations import rounded

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
    from restoration.degradations import gaussian_noise

    return gaussian_noise(image, params.sigma, rng, grey=params.grey)


def _blur(image: Tensor, params: BlurParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations import gaussian_blur

    return gaussian_blur(image, params.sigma)


def _motion(image: Tensor, params: MotionParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations import motion_blur

    return motion_blur(image, params.length, params.angle)


def _defocus(image: Tensor, params: DefocusParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations import defocus

    return defocus(image, params.radius)


def _jpeg(image: Tensor, params: JpegParams, _: np.random.Generator) -> Tensor:
    from restoration.jpeg import jpeg_pillow

    return jpeg_pillow(image, params.quality)


def _downscale(image: Tensor, params: DownscaleParams, _: np.random.Generator) -> Tensor:
    from restoration.degradations import downscale

    return downscale(image, params.factor)


def _low_light(image: Tensor, params: LowLightParams, rng: np.random.Generator) -> Tensor:
    from restoration.degradations import low_light

    return low_light(image, params.exposure, params.sigma, rng)


def _real_esrgan(image: Tensor, params: RealEsrganParams, rng: np.random.Generator) -> Tensor:
    from restoration.random_degradations import second_order, second_order_ranges

    return second_order(image, rng, second_order_ranges(**dict(params)))


def _codeformer(image: Tensor, params: CodeformerParams, rng: np.random.Generator) -> Tensor:
    from restoration.random_degradations import (
        CODEFORMER_FACE,
        CODEFORMER_GENERAL,
        first_order,
    )

    ranges = CODEFORMER_FACE if params.subject == "face" else CODEFORMER_GENERAL
    return first_order(image, rng, ranges)


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
