"""Every number that is taken of a result: its name, its words, its direction.

How each is taken stands in `measures/taking.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Need = Literal["result", "reference", "input", "seeds", "tiles"]
Better = Literal["higher", "lower", "neither"]
ARROWS: Mapping[Better, str] = {"higher": "↑", "lower": "↓", "neither": ""}
LEVELS = "grey levels"
"""The unit of differences of pixels: black is 0 and white 255."""


@dataclass(frozen=True)
class Measure:
    """One number that is taken of a result."""

    name: str
    title: str
    """What it is called where it is shown."""
    unit: str
    """Empty for plain numbers."""
    better: Better
    needs: frozenset[Need]
    """What it is taken from: the result, its clean reference, the degraded input, results of
    further seeds, or the borders of the tiles that the result was made in."""
    version: str
    """Numbers of one version compare; it changes whenever values do."""
    says: str
    """What it tells, in a sentence."""
    misses: str
    """What it does not see, or is fooled by, in a sentence."""
    digits: int
    """Behind the decimal point, where it is shown."""
    source: str
    """Paper or program that defines it."""
    weights: tuple[str, ...] = ()
    """Checkpoints of the catalogue that it needs on disk."""
    headline: bool = False
    """Whether a table shows it at once and not among the further numbers."""

    @property
    def arrow(self) -> str:
        """Points where better values lie; empty where neither direction is better."""
        return ARROWS[self.better]

    @property
    def heading(self) -> str:
        """Title, unit and direction, as the head of a column."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.title}{unit} {self.arrow}".rstrip()

    def text(self, value: float) -> str:
        """The value as it is shown, without its unit; empty for NaN."""
        if math.isnan(value):
            return ""
        return "∞" if math.isinf(value) else f"{value:.{self.digits}f}"

    def best(self, values: Iterable[float | None]) -> float | None:
        """The best of the values; None where there is none or where no direction is better."""
        known = [value for value in values if value is not None and not math.isnan(value)]
        if not known or self.better == "neither":
            return None
        return max(known) if self.better == "higher" else min(known)


RESULT: frozenset[Need] = frozenset({"result"})
PAIR: frozenset[Need] = frozenset({"result", "reference"})


def _band(name: str, where: str, waves: str, misses: str) -> Measure:
    """The error in one band of detail."""
    return Measure(
        name=f"error_{name}",
        title=f"Error, {where}",
        unit=LEVELS,
        better="lower",
        needs=PAIR,
        version="1",
        says=f"Root mean square of the difference from the clean picture in waves of {waves}.",
        misses=misses,
        digits=2,
        source="Octaves of the Fourier spectrum of the difference; the squares of all four bands "
        "add up to the mean squared error",
    )


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            name="psnr",
            title="PSNR",
            unit="dB",
            better="higher",
            needs=PAIR,
            version="1",
            says="How small the difference from the clean picture is, pixel by pixel, over all "
            "channels.",
            misses="It prefers a blurred picture to a sharp one whose detail lies a pixel aside.",
            digits=2,
            source="Mean squared error of RGB values, no border left out",
            headline=True,
        ),
        Measure(
            name="ssim",
            title="SSIM",
            unit="",
            better="higher",
            needs=PAIR,
            version="1",
            says="How alike brightness, contrast and structure are within small windows.",
            misses="It forgives wrong colours and takes made-up texture for no better than blur.",
            digits=4,
            source="Wang et al. 2004; Gaussian window of 11 pixels, mean of the RGB channels",
            headline=True,
        ),
        Measure(
            name="ms_ssim",
            title="MS-SSIM",
            unit="",
            better="higher",
            needs=PAIR,
            version="1",
            says="SSIM over five sizes of the picture, so that coarse structure counts too.",
            misses="It hardly sees wrong colours and brightness, nor the loss of the finest grain.",
            digits=4,
            source="Wang et al. 2003; windows as of SSIM, mean of the RGB channels",
        ),
        Measure(
            name="gradients",
            title="Edges kept",
            unit="",
            better="higher",
            needs=PAIR,
            version="1",
            says="How alike edges and textures are in strength, from 0 to 1.",
            misses="It does not see the direction of an edge, nor wrong colours and brightness of "
            "even parts.",
            digits=4,
            source="Xue et al. 2014 (GMSM), of all RGB channels and at full size",
        ),
        Measure(
            name="lpips",
            title="LPIPS",
            unit="",
            better="lower",
            needs=PAIR,
            version="0.1, AlexNet",
            says="How far a network that recognises things finds the two pictures apart.",
            misses="It was taught on patches of 64 pixels, and lets small shifts of colour and "
            "fine made-up detail pass.",
            digits=4,
            source="Zhang et al. 2018; linear layers as torchmetrics carries them",
            weights=("alexnet-imagenet",),
        ),
        Measure(
            name="dists",
            title="DISTS",
            unit="",
            better="lower",
            needs=PAIR,
            version="1, VGG16, full size",
            says="How far apart structure and texture are, a texture made anew in the same manner "
            "being no error.",
            misses="It takes means over the whole picture, so that it forgives what is in the "
            "wrong place.",
            digits=4,
            source="Ding et al. 2020; weights of its terms as torchmetrics carries them",
            weights=("vgg16-imagenet",),
        ),
        _band(
            "coarse",
            "coarse shapes",
            "more than 16 pixels, and in mean brightness",
            "Here lie wrong colours and shading; it says nothing of sharpness.",
        ),
        _band(
            "medium",
            "medium detail",
            "8 to 16 pixels",
            "Blur that takes only finer detail does not show here.",
        ),
        _band(
            "fine",
            "fine detail",
            "4 to 8 pixels",
            "Right detail a pixel or two aside counts as wrong twice.",
        ),
        _band(
            "finest",
            "finest detail",
            "2 to 4 pixels",
            "Right detail half a pixel aside counts as wrong twice; leaving it out costs less.",
        ),
        Measure(
            name="niqe",
            title="NIQE",
            unit="",
            better="lower",
            needs=RESULT,
            version="hub 1",
            says="How far the statistics of small patches are from those of sharp photographs.",
            misses="It does not know what the picture shows: made-up texture pleases it, and "
            "drawings, skies and night scenes do not.",
            digits=2,
            source="Mittal et al. 2013, with a model of photographs of our own: values differ "
            "from those of the published one",
        ),
        Measure(
            name="noise",
            title="Noise left",
            unit=LEVELS,
            better="neither",
            needs=RESULT,
            version="1",
            says="Standard deviation of the noise, as far as the picture alone tells.",
            misses="It takes fine texture for noise, and is fooled by noise that was blurred.",
            digits=2,
            source="Mask of Immerkaer 1996, median of Donoho 1995",
        ),
        Measure(
            name="sharpness",
            title="Sharpness",
            unit="",
            better="neither",
            needs=RESULT,
            version="1",
            says="The share of the steps between pixels that a further blur would take away; 0 is "
            "blurred.",
            misses="It takes noise and blocks for sharpness, and a sky for blur.",
            digits=3,
            source="Crete et al. 2007, 1 less the blur; the blurrier direction",
        ),
        Measure(
            name="blockiness",
            title="Blocks",
            unit="",
            better="lower",
            needs=RESULT,
            version="1",
            says="How much larger steps across the 8x8 grid of JPEG are than others; 1 is no "
            "blocks.",
            misses="It sees blocks on that grid alone, not those of a picture that was cropped or "
            "enlarged since.",
            digits=3,
            source="Ratio of mean steps, after Wang, Sheikh and Bovik 2002",
        ),
        Measure(
            name="input_difference",
            title="Change from the input",
            unit=LEVELS,
            better="neither",
            needs=frozenset({"result", "input"}),
            version="1",
            says="Root mean square difference from the input, the result made as small as it "
            "first; 0 is full consistency with it.",
            misses="Doing nothing is most consistent: what was rightly taken away counts "
            "like what was wrongly added.",
            digits=2,
            source="Antialiased bicubic downscaling",
        ),
        Measure(
            name="seed_spread",
            title="Spread of seeds",
            unit=LEVELS,
            better="neither",
            needs=frozenset({"result", "seeds"}),
            version="1",
            says="Standard deviation of each pixel among results of several seeds: how much of "
            "the picture was left to chance.",
            misses="What every seed makes up in the same way does not show.",
            digits=2,
            source="Mean over pixels and channels",
        ),
        Measure(
            name="seams",
            title="Seams",
            unit="",
            better="lower",
            needs=frozenset({"result", "tiles"}),
            version="1",
            says="How much more the picture bends across borders of tiles than elsewhere; 1 is no "
            "seam.",
            misses="A slow change of tone from tile to tile does not show, and an edge of the "
            "scene on a border looks like a seam.",
            digits=3,
            source="Second differences, root mean square by line",
        ),
    )
}
"""In the order in which they are shown."""
