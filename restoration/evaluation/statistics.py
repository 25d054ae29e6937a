"""How sure the numbers of an evaluation are: means with intervals, and differences in pairs.

Intervals are those of the bootstrap (Efron 1979): as many values as there are are drawn from them
with replacement, again and again, and the middle 95 % of the means that come out are what the
mean may be. The same values give the same interval: chance starts at a fixed seed. What is no
finite number, such as the PSNR of equal pictures, is left out and counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
NORMAL = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
"""Standard deviations to either side that hold as much of a normal distribution."""
DRAWS = 2000
"""Resamples of an interval: its ends stray by a few per cent of its width."""
SEED = 20
MOST_DRAWN = 2000
"""Values; the mean of more of them is normal for all purposes, and its interval needs no draws."""

Values = Sequence[float | None]
"""A number of each picture, None (or what is not finite) where there is none."""


@dataclass(frozen=True)
class Summary:
    """The mean of some values and how sure it is."""

    mean: float
    """NaN where there is no value."""
    low: float
    """The interval's ends; NaN for fewer than two values."""
    high: float
    count: int
    """Values that were taken."""
    left_out: int
    """Values that were no finite numbers."""


@dataclass(frozen=True)
class Difference:
    """Two contenders on the pictures that both have a number for: the second minus the first."""

    summary: Summary
    wins: int
    """Pictures on which the second is better."""
    losses: int
    ties: int


def summarised(values: Values) -> Summary:
    """The mean of the finite ones among `values` with its interval."""
    taken = np.array([value for value in values if is_finite(value)], dtype=np.float64)
    left_out = len(values) - len(taken)
    if not len(taken):
        return Summary(math.nan, math.nan, math.nan, 0, left_out)
    low, high = _interval(taken)
    return Summary(float(taken.mean()), low, high, len(taken), left_out)


def difference(first: Values, second: Values, *, better: str) -> Difference:
    """How much larger `second` is than `first`, picture by picture.

    Args:
        first: a number of each picture.
        second: the same number of the same pictures for another contender.
        better: "higher", "lower" or "neither": which values win; with "neither" none does.

    Raises:
        ValueError: the two are not as long.
    """
    both = zip(first, second, strict=True)
    gaps = [b - a if is_finite(a) and is_finite(b) else None for a, b in both]
    taken = [gap for gap in gaps if gap is not None]
    sign = {"higher": 1, "lower": -1, "neither": 0}[better]
    wins, losses = (sum(gap * side > 0 for gap in taken) for side in (sign, -sign))
    return Difference(summarised(gaps), wins, losses, len(taken) - wins - losses)


def is_finite(value: float | None) -> TypeGuard[float]:
    """Whether there is a value, and it is a finite number."""
    return value is not None and math.isfinite(value)


def _interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of the mean, as wide as that of a sample of this size has to be.

    Values drawn from n vary less than what the n were drawn from, by the root of (n - 1) / n
    (Hesterberg 2015, "What teachers should know about the bootstrap"); that is made good.
    """
    count, mean = len(values), float(values.mean())
    if count < 2:  # noqa: PLR2004 - one value says nothing of how values vary
        return math.nan, math.nan
    if count > MOST_DRAWN:
        margin = NORMAL * float(values.std(ddof=1)) / math.sqrt(count)
        return mean - margin, mean + margin
    rng = np.random.default_rng(SEED)
    means = values[rng.integers(0, count, (DRAWS, count), dtype=np.int32)].mean(1)
    widened = mean + (means - mean) * math.sqrt(count / (count - 1))
    low, high = np.quantile(widened, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)
