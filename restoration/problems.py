"""What was done to a picture: the knobs that the guided priors share. Imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from restoration.params import Params, only_when

Blur = Literal["none", "gaussian", "motion", "defocus", "box", "kernel"]


class Problem(Params):
    """What was done to the picture, in this order: blur, downscale, grey, missing, noise."""

    spoil: bool = False
    """The picture is a good one: do all of this to it first, and restore what comes out."""
    noise: float = Field(default=0.0, ge=0.0, le=100.0)
    """Strength of the noise in grey levels of 255; told too little, the noise stays."""
    missing: Literal["none", "drawn", "random", "text"] = "none"
    """What is lost and filled in: what you have drawn over, random pixels, or lines of text."""
    share: float = Field(
        default=0.6, ge=0.01, le=0.99, json_schema_extra=only_when(missing=("random",))
    )
    """The part of the pixels that is lost; above 0.8 little but the colours comes back."""
    downscale: Literal["none", "x2", "x4", "x8"] = "none"
    """How many times smaller it was made; the result is as much larger."""
    downscaler: Literal["block mean", "bicubic"] = Field(
        default="block mean", json_schema_extra=only_when(downscale=("x2", "x4", "x8"))
    )
    """How it was made smaller: a scanner averages blocks, most programs resize bicubically."""
    grey: bool = False
    """Its colours are lost, and are guessed again."""
    blur: Blur = "none"
    """How it was blurred: shake is motion, bad focus is defocus; kernel is your own picture of
    a point."""
    blur_size: float = Field(
        default=2.0,
        ge=0.5,
        le=25.0,
        json_schema_extra=only_when(blur=("gaussian", "motion", "defocus", "box")),
    )
    """Of the blur in pixels: sigma of a Gaussian, length of a motion, radius of a disc, half a
    box; too large makes rings."""
    blur_angle: float = Field(
        default=0.0, ge=0.0, le=180.0, json_schema_extra=only_when(blur=("motion",))
    )
    """Direction of the motion in degrees, counter-clockwise from the right."""

    @property
    def factor(self) -> int:
        """How many times smaller the picture was made."""
        return 1 if self.downscale == "none" else int(self.downscale.removeprefix("x"))

    @property
    def is_nothing(self) -> bool:
        """Whether nothing at all was done to the picture."""
        return (self.missing, self.downscale, self.grey, self.blur) == (
            *("none", "none", False, "none"),
        ) and self.noise == 0

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the result for a picture of (height, width)."""
        enlarged = 1 if self.spoil else self.factor
        return height * enlarged, width * enlarged
