"""What a method is: in words, as plain data, and as tables for the docs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from restoration.albums.knobs import GenerateParams, TuneParams
from restoration.front import available, lacking
from restoration.params import Knob, Params, Scalar, knobs_of
from restoration.protocol import Method

ALBUMS: dict[str, type[Params]] = {"generate": GenerateParams, "train": TuneParams}
"""Knobs of what is done with an album, by command."""
MANY = 5
"""Values above which a list of them is no longer read."""


def as_text(method: Method) -> str:
    """A method with its variants and knobs, a line each."""
    lines = [f"{method.name}: {method.help}", f"  {method.paper}", "  variants:"]
    for variant, missing in available(method):
        lacks = f" (not on disk: {', '.join(missing)})" if missing else ""
        lines.append(f"    {variant.name:12} {variant.help}{lacks}")
        if absent := lacking(variant.further):
            lines.append(f"{'':17}some settings need more (not on disk: {', '.join(absent)})")
    knobs = knobs_of(method.params)
    told = (
        f"    {knob.name:14} {knob.help} [{knob.span}; {_in_words(knob.default)}]" for knob in knobs
    )
    return "\n".join([*lines, "  knobs:", *told])


def as_data(method: Method) -> dict[str, Any]:
    """The same for programs: strings, numbers, lists and dictionaries."""
    return {
        "name": method.name,
        "title": method.title,
        "help": method.help,
        "paper": method.paper,
        "needs": sorted(method.needs),
        "variants": [
            {
                "name": v.name,
                "title": v.title,
                "help": v.help,
                "missing": list(missing),
                "further": list(v.further),
                "further_missing": list(lacking(v.further)),
            }
            for v, missing in available(method)
        ],
        "presets": [
            {"name": p.name, "help": p.help, "knobs": dict(p.knobs)} for p in method.presets
        ],
        "sweeps": [
            {"name": s.name, "help": s.help, "settings": [dict(one) for one in s.settings]}
            for s in method.sweeps
        ],
        "knobs": [
            {
                "name": knob.name,
                "kind": knob.kind,
                "default": knob.default,
                "help": knob.help,
                "low": knob.low,
                "high": knob.high,
                "choices": list(knob.choices),
            }
            for knob in knobs_of(method.params)
        ],
    }


def as_markdown(known: Iterable[Method]) -> str:
    """The knobs of every method and of albums, a table each: what `docs/knobs.md` holds."""
    head = (
        "# Knobs\n\nEvery knob of every method, made by "
        "`python -m restoration methods --markdown > docs/knobs.md`. Knobs with a dot are grouped; "
        "in Python the dot is an underscore (`tiles_size`)."
    )
    return "\n\n".join([head, *map(_section, known), *_albums()])


def table(params: type[Params]) -> str:
    """Knobs as a table in Markdown."""
    lines = ["| knob | values | default | what it does |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *map(_row, knobs_of(params))])


def _section(method: Method) -> str:
    title = f"## `{method.name}`: {method.title}"
    return "\n\n".join([title, method.help, f"{method.paper}.", table(method.params)])


def _albums() -> Iterator[str]:
    yield "## Albums"
    for command, params in ALBUMS.items():
        yield f"### `album {command}`"
        yield inspect.cleandoc(params.__doc__ or "")
        yield table(params)


def _row(knob: Knob) -> str:
    default = _in_words(knob.default)
    return f"| `{knob.name}` | {knob.span} | {default} | {knob.help}{_only(knob)} |"


def _in_words(value: Scalar) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)


def _only(knob: Knob) -> str:
    """When the knob matters, for one that does not always."""
    if not knob.when:
        return ""
    conditions = (f"`{name}` is {_one_of(values)}" for name, values in knob.when.items())
    return f" (Only where {' and '.join(conditions)}.)"


def _one_of(values: Sequence[Scalar]) -> str:
    """The values in words; of many only the first and the last, for they are numbers in a row."""
    named = [_in_words(value) for value in values]
    if len(named) > MANY:
        return f"{named[0]} to {named[-1]}"
    return " or ".join([", ".join(named[:-1]), named[-1]] if named[1:] else named)
