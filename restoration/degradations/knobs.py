"""Knobs of the degradations, one class for each kind.

Importing this does not import torch, so that a page can list them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from restoration.params import Params


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
    shot: float = Field(default=3, ge=0, le=50)
    """Noise of the light itself: grey levels of 255 at white, less where it is darker."""
    gamma: float = Field(default=1, ge=1, le=4)
    """Over 1 the shadows get darker than the lights, as in a picture against the light."""


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


class RainParams(Params):
    """Knobs of rain."""

    amount: float = Field(default=0.2, ge=0, le=1)
    """About the share of the picture that is under a streak; 0 is dry."""
    length: float = Field(default=20, ge=2, le=100)
    """Length of the near streaks in pixels; longer ones look like heavier rain."""
    angle: float = Field(default=75, ge=0, le=180)
    """Direction of the streaks in degrees, counter-clockwise from the right; 90 falls upright."""


class HazeParams(Params):
    """Knobs of haze."""

    density: float = Field(default=1.2, ge=0, le=4)
    """How thick it is where it is deepest; at 4 hardly anything is seen there, 0 is clear air."""
    light: float = Field(default=0.9, ge=0.3, le=1)
    """Brightness of the haze itself, from dark smoke to white mist."""
    relief: float = Field(default=0.7, ge=0, le=1)
    """How much thinner it gets elsewhere; 0 is an even veil."""


class MissingParams(Params):
    """Knobs of missing pixels."""

    share: float = Field(default=0.25, ge=0, le=0.95)
    """Share of the pixels that are lost and shown white."""
    shape: Literal["pixels", "blocks", "strokes"] = "pixels"
    """Lost one by one, in square blocks, or under the strokes of a pen."""


class WildParams(Params):
    """Knobs of the mixture in the wild."""

    blur: float = Field(default=1, ge=0.1, le=3)
    """Multiplies the width of the blur; 1 is what DA-CLIP's robust variant was trained on."""
    noise: float = Field(default=1, ge=0, le=10)
    """Multiplies the strength of the noise; 0 leaves blur, ringing, resizing and JPEG."""
    ringing: float = Field(default=0.8, ge=0, le=1)
    """How often the last blur leaves ripples beside every edge."""
    lowest_quality: float = Field(default=60, ge=5, le=95)
    """Worst JPEG quality that may be drawn first; lower gives stronger blocks."""
