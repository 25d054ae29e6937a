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
    columns = {
        **{_head(one): _values(rows, one) for one in main},
        **{word.capitalize(): [_found(row, word) for row in rows] for word in found},
        **({"Recognised": [html.escape(row.recognised) for row in rows]} if named else {}),
        "Time": [duration(row.seconds) if row.seconds is not None else "" for row in rows],
        "Seed": [str(row.seed) if row.seed is not None else "" for row in rows],
        "Size": [size_text(row.size) if row.size else "" for row in rows],
    }
    lines = list(zip(map(_label, rows), *columns.values(), strict=True))
    meaning = meanings(dict.fromkeys(found, 0.0))
    return (
        _sheet("Results in numbers", ["Setting", *columns], lines)
        + (f"<p>{html.escape(meaning)}</p>" if meaning else "")
        + (_more(rows, main, further) if taken else "")
    )


def table_as_old(numbers: str) -> str:
    """A table under the remark that it is not of this run."""
    return f"<p>{OLD}</p>{numbers}"


def size_text(size: tuple[int, int]) -> str:
    """(width, height) in words."""
    return f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"


def _head(measure: Measure) -> str:
    """What a measure is called, with its unit, its direction, and on hover what it misses."""
    unit = f" ({measure.unit})" if measure.unit else ""
    told = html.escape(f"{measure.says} {measure.misses}")
    name = f'<abbr title="{told}">{html.escape(measure.title)}{unit}</abbr>'
    if not measure.arrow:
        return name
    return f'{name} <span role="img" aria-label="{WAYS[measure.better]}">{measure.arrow}</span>'


def _values(rows: Sequence[Row], measure: Measure) -> list[str]:
    """What a measure says of each row, the best marked."""
    values = [row.numbers.get(measure.name, math.nan) for row in rows]
    best = measure.best(values)
    texts = [(measure.text(value), value == best) for value in values]
    return [f'<span class="best">{text}</span>' if top else text for text, top in texts]


def _found(row: Row, word: str) -> str:
    value = row.measured.get(word, math.nan)
    if math.isnan(value):
        return ""
    return "∞" if math.isinf(value) else f"{value:.1f}"


def _label(row: Row) -> str:
    remark = f"<small>{html.escape(row.remark)}</small>" if row.remark else ""
    return f"{html.escape(row.label)}{remark}"


def _more(rows: Sequence[Row], main: Sequence[Measure], further: Sequence[Measure]) -> str:
    """What is folded away: the further numbers, and what every number tells and misses."""
    sheet = ""
    if further:
        made = [row for row in rows if row.numbers]
        lines = [(_head(measure), *_values(made, measure)) for measure in further]
        heads = ["Number", *(html.escape(row.label) for row in made)]
        sheet = _sheet("Further numbers", heads, lines)
    title = "More numbers, and what they miss" if further else "What the numbers miss"
    taken = [*main, *further]
    return (
        f"<details><summary>{title}</summary>{sheet}{_unfetched(taken)}{_legend(taken)}</details>"
    )


def _unfetched(taken: Sequence[Measure]) -> str:
    """Which further numbers there would be with networks that have to be fetched."""
    if not any("reference" in measure.needs for measure in taken):
        return ""
    titles = [one.title for one in MEASURES.values() if one.weights and one not in taken]
    if not titles:
        return ""
    return f"<p>{' and '.join(titles)}: with a network that is fetched on the Models tab.</p>"


def _legend(measures: Iterable[Measure]) -> str:
    """What each number tells and misses, in words."""
    items = "".join(
        f"<div><dt>{html.escape(measure.heading)}</dt>"
        f"<dd>{html.escape(measure.says)} {html.escape(measure.misses)}</dd></div>"
        for measure in measures
    )
    return f"<dl>{items}</dl>"


def _sheet(name: str, heads: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of HTML; the first cell of each line is its head."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for first, *cells in lines
    )
    return (
        f'<div class="sheet" role="region" aria-label="{name}" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
