"""Sweeps: one setting under several seeds, or at several values of one or two knobs.

A sweep is a plain list of settings, each of which knows its place in a grid: what varies first
along the columns, what varies second down the rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from demo.compare.settings_list import MOST_SETTINGS, Cell, Setting, shown
from demo.controls import matters
from restoration.errors import BadKnobError
from restoration.params import Knob, build, flatten, knobs_of
from restoration.protocol import Method
from restoration.seeds import checked_seed

SEED = "seed"
"""The name of what is no knob."""
SWITCH = ("on", "off")
FEW, SEEDS = 3, 4
"""Values that a sweep is offered with, and seeds."""
WIDE = 4
"""Times the value of now: a range this much wider is not worth seeing from end to end."""


@dataclass(frozen=True)
class Axis:
    """What varies along one side of the grid."""

    name: str
    """A knob, dotted, or SEED."""
    values: tuple[str, ...]
    """As they were typed or ticked."""

    @property
    def title(self) -> str:
        """For the side of the grid."""
        return title_of(self.name)


def title_of(name: str) -> str:
    """The name of a knob in words, its group before it."""
    words = name.replace(".", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def named(method: Method, name: str) -> Knob | None:
    """The knob of that name; None for the seed."""
    return next((knob for knob in knobs_of(method.params) if knob.name == name), None)


def ticks(knob: Knob | None) -> tuple[str, ...]:
    """The values of a knob that can be ticked; none where they are typed."""
    if knob is None:
        return ()
    return SWITCH if knob.kind == "flag" else knob.choices


def parted(knob: Knob | None, text: str) -> tuple[str, ...]:
    """What was typed as single values: one in each line for texts, else between commas."""
    parts = text.splitlines() if knob is not None and knob.kind == "text" else text.split(",")
    return tuple(part.strip() for part in parts if part.strip())


def evenly(knob: Knob | None, low: float, high: float, count: int) -> str:
    """`count` values from `low` to `high` as text, on the knob's own steps.

    Fewer where these fall together. Seeds simply follow each other from `low` on.
    """
    count = max(2, min(count, MOST_SETTINGS))
    if knob is None:
        return ", ".join(str(round(low) + more) for more in range(count))
    values = (low + (high - low) * place / (count - 1) for place in range(count))
    return ", ".join(dict.fromkeys(_text(knob, value) for value in values))


def span(knob: Knob, value: float) -> tuple[float, float]:
    """From where to where a sweep of a number is worth seeing, around its value of now."""
    low = knob.low if knob.low is not None else min(0.0, value)
    high = knob.high if knob.high is not None else max(2 * value, low + 1)
    if value > 0 and high - low > WIDE * value:
        return max(low, value / 2), min(high, value * 2)
    return low, high


def axis_of(method: Method, name: str, typed: str, ticked: Sequence[str]) -> Axis:
    """What a form says of one side of a sweep.

    Raises:
        BadKnobError: the method has no such knob.
    """
    knob = named(method, name)
    if knob is None and name != SEED:
        raise BadKnobError(f"{method.title} has no knob {name!r:.60}")
    offered = ticks(knob)
    if offered:
        return Axis(name, tuple(value for value in offered if value in ticked))
    return Axis(name, parted(knob, typed))


def offered(base: Setting, name: str) -> tuple[str, tuple[float, float]]:
    """The values that a sweep is offered with; of numbers and seeds, from where to where too."""
    knob = named(base.method, name)
    if knob is None:
        first = 1.0 if base.seed is None else float(base.seed)
        return evenly(None, first, first, SEEDS), (first, first)
    now = flatten(base.params)[name]
    if knob.kind not in ("whole", "real"):
        return str(now), (0.0, 0.0)
    low, high = span(knob, float(now))
    if knob.kind == "whole":
        low, high = round(low), round(high)
    return evenly(knob, low, high, FEW), (low, high)


def swept(base: Setting, across: Axis, down: Axis | None = None) -> tuple[Setting, ...]:
    """The settings of a sweep around `base`, row by row.

    Raises:
        BadKnobError: they are fewer than two or more than fit, a value is out of range or named
            twice, both sides are the same, or a knob makes no difference here.
    """
    _check_sizes(across, down)
    places = [(row, column) for row in (down.values if down else ("",)) for column in across.values]
    made = []
    for row, column in places:
        values = {across.name: column} | ({down.name: row} if down else {})
        one = _with(base, values)
        cell = Cell(
            _told(one, across.name),
            _told(one, down.name) if down else "",
            across.title,
            down.title if down else "",
        )
        made.append(replace(one, cell=cell))
    for axis in filter(None, (across, down)):
        _check_difference(axis, made)
    for place, one in enumerate(made):
        if one in made[:place]:
            raise BadKnobError(f"{one.label} would be there twice: name every value once")
    return tuple(made)


def _check_sizes(across: Axis, down: Axis | None) -> None:
    if down is not None and down.name == across.name:
        raise BadKnobError(f"{across.title} cannot vary along both sides: choose another for one")
    for axis in filter(None, (across, down)):
        if not axis.values:
            raise BadKnobError(f"{axis.title}: name the values to try")
    rows = len(down.values) if down else 1
    count = len(across.values) * rows
    if count > MOST_SETTINGS:
        size = f"{len(across.values)} by {rows}" if down else str(count)
        raise BadKnobError(
            f"a sweep of {size} makes {count} settings and {MOST_SETTINGS} are the most that are "
            "compared: name fewer values"
        )
    if count == 1:
        raise BadKnobError(f"{across.title}: name two values or more, so that there is a choice")


def _with(base: Setting, values: dict[str, str]) -> Setting:
    """The base with other values, whatever is out of range refused in its own words."""
    knobs: dict[str, object] = dict(base.knobs())
    seed, told = base.seed, tuple(dict.fromkeys([*base.told, *values]))
    for name, value in values.items():
        if name == SEED:
            seed = _seed(value)
        else:
            knobs[name] = value
    params = build(base.method.params, knobs)
    return replace(base, params=params, seed=seed, told=told)


def _seed(text: str) -> int:
    if not re.fullmatch(r"\d{1,12}", text):
        raise BadKnobError(f"seed: takes whole numbers, separated by commas (got {text:.60})")
    return checked_seed(int(text))


def _told(setting: Setting, name: str) -> str:
    return str(setting.seed) if name == SEED else shown(setting.knobs()[name])


def _check_difference(axis: Axis, made: Sequence[Setting]) -> None:
    knob = named(made[0].method, axis.name)
    if knob is None or any(matters(knob, one.values()) for one in made):
        return
    values = made[0].knobs()
    holds = ", ".join(
        f"{title_of(name).lower()} is {shown(values[name])}"
        for name, allowed in knob.when.items()
        if values[name] not in allowed
    )
    raise BadKnobError(f"{axis.title} makes no difference while {holds}: change that first")


def _text(knob: Knob, value: float) -> str:
    """A value on the steps of its knob."""
    if knob.step:
        start = knob.low if knob.low is not None and knob.low % knob.step else 0.0
        value = start + round((value - start) / knob.step) * knob.step
    return str(round(value)) if knob.kind == "whole" else f"{value:.4g}"
