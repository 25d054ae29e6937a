"""How sure the numbers of an evaluation are: means with intervals, and differences in pairs.

Intervals are those of the bootstrap (Efron 1979): as many values as there are are drawn from them
with replacement, again and again, and the middle 95 % of the means that come out are what the
mean may be. The same values give the same interval: chance starts at a fixed seed. What is no
finite number, such as the PSNR of equal pictures, is left out and counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
DRAWS = 2000
"""Resamples of an interval: its ends stray by a few per cent of its width."""
SEED = 20
MOST_AT_ONCE = 1 << 20
"""Values that are drawn at once, so that a hundred thousand pictures fit into memory."""

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


def best(means: Iterable[float], better: str) -> float | None:
    """The best of some means, None where no direction is better or there is no finite one."""
    finite = [mean for mean in means if math.isfinite(mean)]
    if not finite or better == "neither":
        return None
    return max(finite) if better == "higher" else min(finite)


def _interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of the mean, as wide as that of a sample of this size has to be.

    Values drawn from n vary less than what the n were drawn from, by the root of (n - 1) / n
    (Hesterberg 2015, "What teachers should know about the bootstrap"); that is made good.
    """
    count = len(values)
    if count < 2:  # noqa: PLR2004 - one value says nothing of how values vary
        return math.nan, math.nan
    rng = np.random.default_rng(SEED)
    per_turn = max(1, MOST_AT_ONCE // count)
    means = np.concatenate(
        [
            values[rng.integers(0, count, (min(per_turn, DRAWS - begun), count))].mean(1)
            for begun in range(0, DRAWS, per_turn)
        ]
    )
    mean, rest = values.mean(), (1 - CONFIDENCE) / 2
    widened = mean + (means - mean) * math.sqrt(count / (count - 1))
    low, high = np.quantile(widened, (rest, 1 - rest))
    return float(low), float(high)
