"""The table of a comparison: what each setting made of the picture, in numbers."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from demo.fragments import duration, meanings
from restoration.measures import MEASURES, Measure

OLD = "From the run before."
WAYS = {"higher": "higher is better", "lower": "lower is better", "neither": ""}


@dataclass(frozen=True)
class Row:
    """One line of the table: the input, or what a setting made of it."""

    label: str
    size: tuple[int, int] | None = None
    """(width, height) in pixels, or None where nothing was made."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    """By name of `MEASURES`."""
    seconds: float | None = None
    seed: int | None = None
    remark: str = ""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the method found out about it."""
    recognised: str = ""
    """The likeliest word for what is wrong, before and after."""

    def caption(self) -> str:
        """Its main numbers beside the picture."""
        main = ((MEASURES[name], value) for name, value in self.numbers.items())
        parts = (
            f"{measure.title} {measure.text(value) or 'none'} {measure.unit}".rstrip()
            for measure, value in main
            if measure.headline
        )
        return " · ".join(parts)

    def texts(self) -> dict[str, str]:
        """Every number as it is shown, by its heading."""
        taken = ((MEASURES[name], value) for name, value in self.numbers.items())
        return {one.heading: one.text(value) for one, value in taken}


def table(rows: Sequence[Row]) -> str:
    """The rows as an HTML table, the further numbers folded away below it.

    Columns that no row fills are left out.
    """
    taken = [m for m in MEASURES.values() if any(m.name in row.numbers for row in rows)]
    main = [measure for measure in taken if measure.headline] or taken
    further = [measure for measure in taken if measure not in main]
    found = list(dict.fromkeys(word for row in rows for word in row.measured))
    named = any(row.recognised for row in rows)
    rest = [
        *(_Column(word.capitalize(), [_found(row, word) for row in rows]) for word in found),
        *([_Column("Recognised", [html.escape(row.recognised) for row in rows])] * named),
        _Column("Time", [duration(r.seconds) if r.seconds is not None else "" for r in rows]),
        _Column("Seed", [str(row.seed) if row.seed is not None else "" for row in rows]),
        _Column("Size", [size_text(row.size) if row.size else "" for row in rows]),
    ]
    meaning = meanings(dict.fromkeys(found, 0.0))
    return (
        _sheet("Results in numbers", rows, [*(_numbers(rows, one) for one in main), *rest])
        + (f"<p>{html.escape(meaning)}</p>" if meaning else "")
        + (_more(rows, main, further) if taken else "")
    )


def table_as_old(numbers: str) -> str:
    """A table under the remark that it is not of this run."""
    return f"<p>{OLD}</p>{numbers}"


def size_text(size: tuple[int, int]) -> str:
    """(width, height) in words."""
    return f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"


@dataclass(frozen=True)
class _Column:
    """A column as HTML: its head, and a cell for each row."""

    head: str
    cells: Sequence[str]


def _numbers(rows: Sequence[Row], measure: Measure) -> _Column:
    """The column of a measure, its best value marked."""
    values = [row.numbers.get(measure.name) for row in rows]
    best = measure.best(values)
    cells = [
        "" if value is None else _cell(measure.text(value), best=value == best) for value in values
    ]
    unit = f" ({measure.unit})" if measure.unit else ""
    told = html.escape(f"{measure.says} {measure.misses}")
    head = f'<abbr title="{told}">{html.escape(measure.title)}{unit}</abbr>'
    if measure.arrow:
        head += f' <span role="img" aria-label="{WAYS[measure.better]}">{measure.arrow}</span>'
    return _Column(head, cells)


def _cell(text: str, *, best: bool) -> str:
    return f'<span class="best">{text}</span>' if best else text


def _found(row: Row, word: str) -> str:
    value = row.measured.get(word, math.nan)
    if math.isnan(value):
        return ""
    return "∞" if math.isinf(value) else f"{value:.1f}"


def _more(rows: Sequence[Row], main: Sequence[Measure], further: Sequence[Measure]) -> str:
    """What is folded away: the further numbers, and what every number tells and misses."""
    sheet = ""
    if further:
        sheet = _sheet("Further numbers", rows, [_numbers(rows, measure) for measure in further])
    title = "More numbers, and what they miss" if further else "What the numbers miss"
    return f"<details><summary>{title}</summary>{sheet}{_legend([*main, *further])}</details>"


def _legend(measures: Iterable[Measure]) -> str:
    """What each number tells and misses, in words."""
    items = "".join(
        f"<dt>{html.escape(measure.heading)}</dt>"
        f"<dd>{html.escape(measure.says)} {html.escape(measure.misses)}</dd>"
        for measure in measures
    )
    return f"<dl>{items}</dl>"


def _sheet(name: str, rows: Sequence[Row], columns: Sequence[_Column]) -> str:
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ["Setting", *(c.head for c in columns)]
    )
    lines = []
    for place, row in enumerate(rows):
        remark = f"<small>{html.escape(row.remark)}</small>" if row.remark else ""
        cells = "".join(f"<td>{column.cells[place]}</td>" for column in columns)
        lines.append(f'<tr><th scope="row">{html.escape(row.label)}{remark}</th>{cells}</tr>')
    return (
        f'<div class="sheet" role="region" aria-label="{name}" tabindex="0">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
