"""A run as it is kept: what is known of it, its line in the list, and the words it is found by."""

from __future__ import annotations

import io
import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from restoration.errors import BadRecipeError
from restoration.file_names import safe_name
from restoration.recipe import Recipe

THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 256, 80
LONGEST_QUERY = 200
LONGEST_LABEL = 200
LONGEST_WORDS = 20_000
"""Characters."""
COLUMNS = (
    *("id", "made", "recipe", "numbers", "seconds", "width", "height", "label", "batch", "name"),
    *("given", "result", "bytes", "words"),
)
Winner = Literal["first", "second", "neither"]


@dataclass(frozen=True)
class Kept:
    """What is to be kept of a restoration."""

    recipe: Recipe
    result: Path
    """A PNG with the recipe inside; it is copied."""
    given: bytes
    """A JPEG of the picture that was restored, of a size that fits a screen."""
    seconds: float
    numbers: Mapping[str, float] = field(default_factory=dict)
    label: str = ""
    """What it is called in its comparison."""
    batch: str = ""
    """The same for all that were made together."""


@dataclass(frozen=True)
class Run:
    """A restoration that was kept."""

    id: str
    made: float
    """Unix seconds."""
    recipe: Recipe
    numbers: Mapping[str, float | None]
    """By the names of the measures; None where it was no finite number."""
    seconds: float
    size: tuple[int, int]
    """(width, height) of the result."""
    label: str
    batch: str
    name: str
    """Of the result's file, for whoever downloads it."""
    given: bytes
    """A thumbnail (JPEG) of what was restored."""
    result: bytes
    """A thumbnail (JPEG) of the result."""
    bytes: int
    """What it takes of the disk."""

    @property
    def title(self) -> str:
        """What it is called where its label or its method has to do."""
        return self.label or f"{self.recipe.method}, {self.recipe.variant}"


@dataclass(frozen=True)
class Found:
    """A page of what was looked for."""

    runs: tuple[Run, ...]
    """Newest first."""
    total: int
    """How many there are on all pages."""


@dataclass(frozen=True)
class Vote:
    """Which of two results somebody preferred without knowing which was which."""

    made: float
    """Unix seconds."""
    first: str
    """Label of the first."""
    second: str
    """Label of the second."""
    winner: Winner


def run_of(number: str, kept: Kept) -> Run:
    """The run that is made of what is to be kept.

    Raises:
        OSError: its pictures cannot be read.
    """
    with Image.open(kept.result) as image:
        size, result = image.size, _thumbnail(image)
    with Image.open(io.BytesIO(kept.given)) as image:
        given = _thumbnail(image)
    numbers = {
        name: float(value) if math.isfinite(value) else None for name, value in kept.numbers.items()
    }
    return Run(
        id=number,
        made=time.time(),
        recipe=kept.recipe,
        numbers=numbers,
        seconds=kept.seconds,
        size=size,
        label=kept.label[:LONGEST_LABEL],
        batch=kept.batch,
        name=f"{safe_name(kept.result.name)}.png",
        given=given,
        result=result,
        bytes=kept.result.stat().st_size + len(kept.given) + len(given) + len(result),
    )


def insert(db: sqlite3.Connection, run: Run) -> None:
    """Put a run on the list."""
    values = (
        *(run.id, run.made, run.recipe.to_json(), json.dumps(dict(run.numbers)), run.seconds),
        *(*run.size, run.label, run.batch, run.name, run.given, run.result, run.bytes),
        _words(run),
    )
    marks = ",".join("?" * len(COLUMNS))
    db.execute(f"INSERT INTO runs ({','.join(COLUMNS)}) VALUES ({marks})", values)


def select(db: sqlite3.Connection, rest: str, values: Iterable[object]) -> tuple[Run, ...]:
    """The runs of a query, given what stands behind FROM; one that a newer hub wrote is left out.

    `rest` is ours and never from a user; what is comes as `values`.
    """
    rows = db.execute(f"SELECT {','.join(COLUMNS)} FROM {rest}", tuple(values)).fetchall()
    return tuple(_readable(rows))


def terms(text: str) -> list[str]:
    """The patterns (for LIKE, escaped by a backslash) that the words of a run have to fit."""
    return [f"%{_plain(word)}%" for word in text[:LONGEST_QUERY].casefold().split()]


def _readable(rows: Iterable[tuple[Any, ...]]) -> Iterator[Run]:
    for row in rows:
        line = dict(zip(COLUMNS, row, strict=True))
        size = line.pop("width"), line.pop("height")
        del line["words"]
        with suppress(BadRecipeError):
            recipe = Recipe.from_json(line.pop("recipe"))
            numbers = json.loads(line.pop("numbers"))
            yield Run(recipe=recipe, numbers=numbers, size=size, **line)


def _words(run: Run) -> str:
    """All that a run is found by."""
    day = datetime.fromtimestamp(run.made)
    recipe = run.recipe
    knobs = (f"{name}={value}" for name, value in recipe.knobs.items())
    said = (
        *(recipe.method, recipe.variant, run.label, run.name, f"seed={recipe.seed}"),
        *(f"{day:%Y-%m-%d}", f"{day:%A}", f"{day:%B}", *knobs),
    )
    return " ".join(said).casefold()[:LONGEST_WORDS]


def _plain(word: str) -> str:
    """A word of a query without the signs that LIKE reads; a word for a day becomes that day."""
    back = {"today": 0, "yesterday": 1}.get(word)
    if back is not None:
        now = datetime.now()
        word = f"{now - timedelta(days=back):%Y-%m-%d}"
    for sign in "\\%_":
        word = word.replace(sign, f"\\{sign}")
    return word


def _thumbnail(image: Image.Image) -> bytes:
    """A small JPEG."""
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=THUMBNAIL_QUALITY)
    return file.getvalue()
