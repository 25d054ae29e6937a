"""What is measured of pictures: every number by name, with its direction and what it misses.

Importing this does not import torch, so that a page can list the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from restoration.measures.table import MEASURES, Better, Measure, Need

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MEASURES", "Better", "Borders", "Measure", "Need", "absent", "measured"]

Borders = tuple[Sequence[int], Sequence[int]]
"""Columns and rows of pixels at which a tile begins or ends, without the picture's own edges."""


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
    values are clamped to [0, 1] first. Numbers are rounded to six digits.

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
    from restoration.measures import taking as measuring

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
    from restoration.measures import taking as measuring

    given = measuring.Given(result, reference, degraded, tuple(seeds), borders)
    return measuring.lacking(given, None if names is None else tuple(names))
