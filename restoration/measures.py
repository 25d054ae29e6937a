"""What is measured of pictures: every number by name, with its direction and what it misses.

Importing this does not import torch, so that a page can list the numbers. How each is taken
stands in `measuring.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Need = Literal["result", "reference", "input", "seeds", "tiles"]
Better = Literal["higher", "lower", "neither"]
Borders = tuple[Sequence[int], Sequence[int]]
"""Columns and rows of pixels at which a tile begins or ends, without the picture's own edges."""
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


def measured(
    result: Tensor,
    *,
    reference: Tensor | None = None,
    degraded: Tensor | None = None,
    seeds: Sequence[Tensor] = (),
    borders: Borders | None = None,
    names: Iterable[str] | None = None,
) -> dict[str, float]:
    """Every number that can be taken of a result, by name, in the order of `MEASURES`.

    What cannot be taken is left out; `absent` says why. Pictures are RGB float32 (B, 3, H, W);
    values are clamped to [0, 1] first.

    Args:
        result: what a method made, or any picture.
        reference: the clean picture, of the result's size.
        degraded: what the method was given, of the result's size or smaller.
        seeds: results of the same settings under other seeds, of the result's size.
        borders: of the tiles that the result was made in.
        names: keys of `MEASURES`, or `pyiqa:NAME`; all of `MEASURES` where None.

    Raises:
        BadKnobError: there is no measure of that name.
        BadPictureError: a picture is not RGB, or holds values that are not numbers.
        WrongWeightsError: a checkpoint is on disk but is not what it should be.
    """
    from restoration import measuring

    given = measuring.Given(result, reference, degraded, tuple(seeds), borders)
    return measuring.take(given, None if names is None else tuple(names))


def absent(
    result: Tensor,
    *,
    reference: Tensor | None = None,
    degraded: Tensor | None = None,
    seeds: Sequence[Tensor] = (),
    borders: Borders | None = None,
    names: Iterable[str] | None = None,
) -> dict[str, str]:
    """Why `measured` leaves out what it leaves out: a sentence each, by name.

    Where no names are given, those that need what was not given are passed over.

    Raises:
        BadKnobError: there is no measure of that name.
        BadPictureError: a picture is not RGB, or holds values that are not numbers.
    """
    from restoration import measuring

    given = measuring.Given(result, reference, degraded, tuple(seeds), borders)
    return measuring.lacking(given, None if names is None else tuple(names))


RESULT: frozenset[Need] = frozenset({"result"})
PAIR: frozenset[Need] = frozenset({"result", "reference"})

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
            misses="It forgives wrong colours and fine noise, and calls flat parts alike easily.",
            digits=4,
            source="Wang et al. 2004; Gaussian window of 11 pixels, mean of the RGB channels",
            headline=True,
        ),
        Measure(
            name="gradients",
            title="Edges kept",
            unit="",
            better="higher",
            needs=PAIR,
            version="1",
            says="How alike edges and textures are in strength, from 0 to 1.",
            misses="It does not see the direction of an edge, nor wrong colours and brightness "
            "of even parts.",
            digits=4,
            source="Xue et al. 2014 (GMSM), of all RGB channels and at full size",
        ),
    )
}
"""In the order in which they are shown."""
