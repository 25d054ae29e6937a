"""`python -m restoration measure RESULT` and `measures`: numbers, and what they are."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from restoration import weights
from restoration.measures import MEASURES, Measure, Need
from restoration.params import Tiles, build
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.measures.taking import Given

WAYS = {"higher": "higher is better", "lower": "lower is better", "neither": "neither is better"}
GIVEN: Mapping[Need, str] = {
    "reference": "the clean picture",
    "input": "the input",
    "seeds": "results of further seeds",
    "tiles": "the tiles it was made in",
}
"""What a measure needs beside the result, in words."""


@dataclass(frozen=True)
class Beside:
    """What a result is held against."""

    reference: Path | None = None
    """The clean picture, of the result's size."""
    input: Path | None = None
    """What the result was made from."""
    seeds: tuple[Path, ...] = ()
    """Results of the same settings under other seeds."""
    tile: int | None = None
    """Side of the tiles that it was made in, in pixels of the result."""
    overlap: float = Tiles().overlap
    """Share of a tile that its neighbours redid."""


def measure(
    result: Positional[Path],
    beside: Annotated[Beside, arg(name="")],
    names: tuple[str, ...] = (),
    *,
    as_json: Annotated[bool, arg(name="json")] = False,
) -> None:
    """Take every number that can be taken of the picture RESULT.

    Args:
        result: the picture.
        beside: what it is held against.
        names: these alone, as `measures` lists them, or pyiqa:NAME with requirements-iqa.txt.
        as_json: as JSON, for programs; a number that is infinite is null.
    """
    from restoration.measures import taking as measuring

    given = _given(result, beside)
    wanted = measuring.asked_of(names or None)
    numbers = measuring.take(given, names or None)
    reasons = measuring.lacking(given, names or None)
    if as_json:
        finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        print(json.dumps({"numbers": finite, "absent": reasons}, indent=2))
        return
    for one in wanted:
        if one.name in numbers:
            print(f"{one.heading:34} {one.text(numbers[one.name]):>10}")
    for reason in reasons.values():
        print(reason, file=sys.stderr)


def list_all(*, markdown: bool = False) -> None:
    """List every number: its direction, what it tells and what it misses.

    Args:
        markdown: as the tables of docs/metrics.md.
    """
    print(as_markdown() if markdown else "\n\n".join(map(_as_text, MEASURES.values())))


def as_markdown() -> str:
    """What `docs/metrics.md` says of every number."""
    kinds: Mapping[str, list[Measure]] = {
        "With the clean picture": [m for m in MEASURES.values() if "reference" in m.needs],
        "Without it": [m for m in MEASURES.values() if "reference" not in m.needs],
    }
    return "\n\n".join(
        "\n\n".join([f"## {title}", *map(_as_section, measures)])
        for title, measures in kinds.items()
    )


def _as_section(one: Measure) -> str:
    needs = "".join(f", needs {words}" for need, words in GIVEN.items() if need in one.needs)
    return (
        f"### {one.heading}\n\n`{one.name}`, {WAYS[one.better]}{needs}. {one.says}\n\n"
        f"*Misses*: {one.misses}\n\n*Version* {one.version}: {_source(one)}"
    )


def _as_text(one: Measure) -> str:
    return (
        f"{one.name}: {one.heading} ({WAYS[one.better]})\n  {one.says}\n  Misses: {one.misses}\n"
        f"  Version {one.version}: {_source(one)}"
    )


def _source(one: Measure) -> str:
    """Where it is defined, and where the weights come from that it needs."""
    entries = [weights.named(name) for name in one.weights]
    needs = "".join(
        f" Needs `weights fetch {entry.name}` ({(entry.size or 0) / 1e6:.0f} MB from "
        f"{entry.mirrors[0]}; {entry.licence})."
        for entry in entries
    )
    return f"{one.source}.{needs}"


def _given(result: Path, beside: Beside) -> Given:
    from restoration.measures import taking as measuring

    image = _read(result)
    borders = None
    if beside.tile is not None:
        tiles = build(Tiles, {"size": beside.tile, "overlap": beside.overlap})
        borders = measuring.tile_borders(image.shape[-2], image.shape[-1], tiles)
    return measuring.Given(
        image,
        _read(beside.reference) if beside.reference else None,
        _read(beside.input) if beside.input else None,
        tuple(map(_read, beside.seeds)),
        borders,
    )


def _read(path: Path) -> Tensor:
    from restoration import image_io

    return image_io.read(path, limits()).image
