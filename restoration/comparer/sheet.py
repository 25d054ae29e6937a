"""A comparison as one PNG: all pictures under their names, numbers and axes, to print or to send.

All pictures are shown at one size, that of the largest, so that one place is the same place in
all. Where the sheet would have more than six megapixels they are shown smaller, and the sheet
says so. Transparent pictures stand on white.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from PIL import Image, ImageDraw

from restoration.comparer.coding import fitted, size_of
from restoration.comparer.lettering import font, wrapped
from restoration.comparer.pictured import Axes, Pictured

MOST_PIXELS = 6_000_000
"""Of all pictures of a sheet together."""
NARROWEST = 160
"""Pixels of a column: names need room, so tiny pictures are enlarged by whole factors."""
PAPER, INK, QUIET = "#ffffff", "#1c1917", "#57534e"
MOST_COLUMNS = 4
"""Of a sheet without axes."""
WORKERS = 4


@dataclass(frozen=True)
class Measure:
    """Lengths of a sheet in pixels, in proportion to its pictures."""

    width: int
    """Of a picture."""
    height: int
    letters: int
    margin: int

    @property
    def line(self) -> int:
        """From one line of text to the next."""
        return round(self.letters * 1.3)


def sheet(
    title: str,
    pictures: Sequence[Pictured],
    reference: int | None = None,
    axes: Axes | None = None,
) -> bytes:
    """The comparison as the bytes of a PNG, without anything about where pictures came from.

    Raises:
        OSError: a picture is gone.
    """
    files = [one.data() for one in pictures]
    largest = max((size_of(data) for data in files), key=math.prod)
    measure = _measure(largest, len(files))
    with ThreadPoolExecutor(WORKERS) as workers:
        images = list(workers.map(partial(fitted, size=(measure.width, measure.height)), files))
    places, lead = _places(len(files), axes)
    table = axes if axes is not None and axes.is_table() else None
    texts = [_texts(one, index, reference, axes, measure) for index, one in enumerate(pictures)]
    drawn = _Sheet(measure, places, max(map(len, texts)), lead if table else None)
    canvas = drawn.canvas()
    drawn.head(canvas, title, _scale_text(largest, measure))
    for image, place, lines in zip(images, places, texts, strict=True):
        drawn.picture(canvas, image, place, lines)
    if table is not None:
        drawn.axes(canvas, table)
    buffer = BytesIO()
    canvas.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _measure(largest: tuple[int, int], count: int) -> Measure:
    width, height = largest
    scale = min(1.0, math.sqrt(MOST_PIXELS / (count * width * height)))
    if width < NARROWEST:
        scale = float(-(-NARROWEST // width))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    letters = min(40, max(13, round(width / 24)))
    return Measure(width, height, letters, round(letters * 1.4))


def _scale_text(largest: tuple[int, int], measure: Measure) -> str:
    percent = round(100 * measure.width / largest[0])
    return "" if percent == 100 else f"shown at {percent} %"  # noqa: PLR2004  # as they are


def _places(count: int, axes: Axes | None) -> tuple[list[tuple[int, int]], int]:
    """(column, row) of each picture, and how many columns stand before those of the axes."""
    if axes is None or not axes.is_table():
        columns = min(count, MOST_COLUMNS) if count > MOST_COLUMNS + 1 else count
        columns = math.ceil(count / math.ceil(count / columns))
        return [(index % columns, index // columns) for index in range(count)], 0
    rows, loose = len(axes.rows), [index for index in range(count) if axes.places[index] is None]
    lead = math.ceil(len(loose) / rows)
    places = []
    for index in range(count):
        place = axes.places[index]
        if place is None:
            column, row = divmod(loose.index(index), rows)
            places.append((column, row))
        else:
            places.append((lead + place[0], place[1]))
    return places, lead


def _texts(
    one: Pictured, index: int, reference: int | None, axes: Axes | None, measure: Measure
) -> list[tuple[str, str]]:
    """The lines below a picture, each with its colour."""
    wrap = partial(wrapped, width=measure.width, size=measure.letters, most_lines=2)
    is_placed = axes is not None and axes.is_table() and axes.places[index] is not None
    name = "" if is_placed else (axes.name(index) if axes else "") or one.label
    quiet = " · ".join(filter(None, [one.caption, "reference" if index == reference else ""]))
    return [(line, INK) for line in wrap(name)] + [(line, QUIET) for line in wrap(quiet)]


class _Sheet:
    """Where everything stands on a sheet."""

    def __init__(
        self, measure: Measure, places: Sequence[tuple[int, int]], lines: int, lead: int | None
    ) -> None:
        self.measure = measure
        self.lead = lead
        """How many columns stand before the axes' names; None where there are no axes."""
        self.columns = 1 + max(column for column, _ in places)
        self.rows = 1 + max(row for _, row in places)
        self.names = 0 if lead is None else round(measure.letters * 6.5)
        self.top = 2 * measure.margin + round(measure.letters * 3.2)
        self.across = 0 if lead is None else 2 * measure.line + measure.margin // 2
        self.below = lines * measure.line + measure.margin

    def canvas(self) -> Image.Image:
        """The empty paper."""
        step = self.measure.width + self.measure.margin
        width = self.columns * step + self.measure.margin + self.names
        height = self.top + self.across + self.rows * (self.measure.height + self.below)
        return Image.new("RGB", (width, height), PAPER)

    def corner(self, column: int, row: int) -> tuple[int, int]:
        """The upper left corner of a picture."""
        after = self.names if self.lead is not None and column >= self.lead else 0
        left = self.measure.margin + column * (self.measure.width + self.measure.margin) + after
        return left, self.top + self.across + row * (self.measure.height + self.below)

    def head(self, canvas: Image.Image, title: str, remark: str) -> None:
        """The title, and at what scale the pictures are."""
        large = round(self.measure.letters * 1.35)
        width = canvas.width - 2 * self.measure.margin
        text = wrapped(title, width, large, 1)
        draw = ImageDraw.Draw(canvas)
        start = (self.measure.margin, self.measure.margin)
        draw.text(start, "".join(text), INK, font(large))
        below = (self.measure.margin, self.measure.margin + round(large * 1.35))
        told = " · ".join(filter(None, ["Photo Restoration Hub", remark]))
        draw.text(below, told, QUIET, font(self.measure.letters))

    def picture(
        self,
        canvas: Image.Image,
        image: Image.Image,
        place: tuple[int, int],
        lines: Sequence[tuple[str, str]],
    ) -> None:
        """A picture and what is said of it."""
        left, top = self.corner(*place)
        canvas.paste(image, (left, top))
        draw = ImageDraw.Draw(canvas)
        for row, (line, colour) in enumerate(lines):
            y = top + self.measure.height + round(self.measure.letters * 0.35)
            draw.text((left, y + row * self.measure.line), line, colour, font(self.measure.letters))

    def axes(self, canvas: Image.Image, axes: Axes) -> None:
        """What the columns and rows stand for."""
        lead = self.lead or 0
        for column, value in enumerate(axes.columns):
            left, top = self.corner(lead + column, 0)
            middle = left + self.measure.width // 2
            self._name(canvas, (middle, top - self.across), axes.column_title, value, "ma")
        for row, value in enumerate(axes.rows):
            left, top = self.corner(lead, row)
            middle = top + self.measure.height // 2 - self.measure.line
            start = (left - self.names - self.measure.margin // 2, middle)
            self._name(canvas, start, axes.row_title, value, "la")

    def _name(
        self, canvas: Image.Image, start: tuple[int, int], title: str, value: str, anchor: str
    ) -> None:
        draw = ImageDraw.Draw(canvas)
        room = self.names if anchor == "la" else self.measure.width
        for row, (text, colour) in enumerate(((title, QUIET), (value, INK))):
            line = "".join(wrapped(text, room, self.measure.letters, 1))
            where = (start[0], start[1] + row * self.measure.line)
            draw.text(where, line, colour, font(self.measure.letters), anchor=anchor)
