"""The pictures and numbers of a comparison as they come in, in the order of its settings."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo import comparer
from demo.compare.results_table import Row, size_text, table
from demo.compare.settings_list import Setting
from demo.comparer import Axes, Shown
from demo.keeping import Facts, kept
from demo.recognition import in_short
from demo.reel import Reel
from demo.restoring import keep
from restoration.front import Job

if TYPE_CHECKING:
    import gradio as gr
    from torch import Tensor

    from restoration.image_io import Picture

SPREAD = "seed_spread"
"""The number that says how far results of several seeds are apart."""
MOST_SPREAD = 40_000_000
"""Pixels of all results together that it is taken of; more would fill the memory."""


@dataclass(frozen=True)
class Results:
    """What a comparison has brought so far."""

    value: dict[str, Any]
    """Of the comparer."""
    numbers: str
    """The table, as HTML."""
    shown: tuple[Shown, ...] = ()
    """The pictures: input, results in the order of the settings, and the clean original last."""
    files: tuple[tuple[str, Path], ...] = ()
    """Label and lossless file of each result."""


class Gallery:
    """Takes in what a comparison brings."""

    def __init__(
        self, picture: Picture, reference: Picture | None, settings: Sequence[Setting]
    ) -> None:
        """Begin with the input, and the clean original where there is one."""
        self.picture = picture
        self.reference = reference
        self._settings = settings
        self._input = self._row("Input", picture.image)
        self._rows: dict[int, Row] = {}
        self._files: dict[int, Path] = {}
        self._runs: dict[int, str] = {}
        self._first = _shown(self._input, keep(picture, "input"))
        self._clean: list[Shown] = []
        if reference is not None:
            row = Row("Clean original", _size(reference.image))
            self._clean = [_shown(row, keep(reference, "clean"))]
        self._batch = secrets.token_hex(8) if len(settings) > 1 else ""

    @property
    def count(self) -> int:
        """How many results there are."""
        return len(self._files)

    def add(self, place: int, job: Job, reel: Reel, request: gr.Request | None) -> None:
        """Take in the result of the setting at `place`, and keep it among the owner's runs."""
        label, image = self._settings[place].label, reel.final()
        row = replace(
            self._row(label, image, job.picture.image),
            seconds=reel.seconds,
            seed=job.seed,
            measured=reel.measured(),
            recognised=in_short(reel.recognised()),
        )
        recipe = job.recipe()
        mark = f"{place + 1}-{job.method.name}-{job.variant.name}"
        path = keep(replace(job.picture, image=image), mark, recipe)
        facts = Facts(reel.seconds, {**row.numbers, **row.measured}, label, self._batch)
        run = kept(request, job.picture, path, recipe, facts)
        self._rows[place], self._files[place] = row, path
        self._runs[place] = "" if run is None else run.id

    def failed(self, place: int, why: str) -> None:
        """The setting at `place` came to nothing."""
        self._rows[place] = Row(self._settings[place].label, remark=why)

    def spread(self) -> bool:
        """Measure how far results are apart that differ by their seeds alone; if there are such."""
        from restoration import image_io
        from restoration.measures import measured

        alike: dict[Any, list[int]] = {}
        found = False
        for place in sorted(self._files):
            setting = self._settings[place]
            kind = setting.method.name, setting.variant.name, setting.params
            alike.setdefault(kind, []).append(place)
        for places in alike.values():
            width, height = self._rows[places[0]].size or (0, 0)
            if len(places) == 1 or len(places) * width * height > MOST_SPREAD:
                continue
            first, *more = (image_io.read(self._files[one]).image for one in places)
            numbers = measured(first, seeds=more, names=(SPREAD,))
            for one in places:
                row = self._rows[one]
                self._rows[one] = replace(row, numbers={**row.numbers, **numbers})
            found = True
        return found

    def results(self) -> Results:
        """All there is so far."""
        places = sorted(self._files)
        made = [_shown(self._rows[one], self._files[one], self._runs[one]) for one in places]
        shown = (self._first, *made, *self._clean)
        standing = [None, *(self._settings[one] for one in places), *([None] * len(self._clean))]
        value = comparer.comparison(
            shown,
            len(shown) - 1 if self._clean else None,
            axes=axes(self._settings, standing),
        )
        rows = [self._input, *(self._rows[place] for place in sorted(self._rows))]
        files = tuple((self._settings[one].label, self._files[one]) for one in places)
        return Results(value, table(rows), shown, files)

    def _row(self, label: str, image: Tensor, degraded: Tensor | None = None) -> Row:
        """The line of a picture with its numbers; `degraded` is what it was made from."""
        from restoration.colour import resize
        from restoration.measures import measured

        clean, remark = None, ""
        if self.reference is not None:
            clean = self.reference.image
            if clean.shape != image.shape:
                clean = resize(clean, *image.shape[-2:]).clamp(0, 1)
                size = size_text(_size(image))
                remark = f"measured against the original resized to {size}"
        numbers = measured(image, reference=clean, degraded=degraded)
        return Row(label, _size(image), numbers, remark=remark)


def axes(settings: Sequence[Setting], shown: Sequence[Setting | None]) -> Axes | None:
    """The grid of a sweep among `settings`, and where in it what is shown stands."""
    cells = [one.cell for one in settings if one.cell is not None]
    if not cells:
        return None
    titles = cells[0].column_title, cells[0].row_title
    columns = tuple(dict.fromkeys(cell.column for cell in cells))
    rows = tuple(dict.fromkeys(cell.row for cell in cells))
    places = tuple(
        (columns.index(one.cell.column), rows.index(one.cell.row))
        if one is not None and one.cell is not None
        else None
        for one in shown
    )
    return Axes(columns, rows, *titles, places)


def _shown(row: Row, path: Path, run: str = "") -> Shown:
    assert row.size is not None
    return Shown(row.label, path, row.size, row.caption(), run, row.texts())


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-1], image.shape[-2]
