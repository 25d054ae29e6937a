"""What a comparison is made of: pictures with their names and numbers, and the grid they form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from restoration.errors import BadRecipeError
from restoration.recipe import Recipe, read_recipe


@dataclass(frozen=True)
class Axes:
    """The grid that a comparison forms, such as one value of a knob in every column.

    One axis alone has a single row without a name: `rows=("",)`.
    """

    columns: tuple[str, ...]
    """What each column stands for, from the left; plain text."""
    rows: tuple[str, ...]
    """What each row stands for, from above."""
    column_title: str
    """What varies along the columns, such as a knob."""
    row_title: str
    """What varies down the rows; empty where there is one row only."""
    places: tuple[tuple[int, int] | None, ...]
    """(column, row) of each picture shown; None for one outside the grid, such as the input."""

    def is_table(self) -> bool:
        """Whether both axes vary."""
        return len(self.columns) > 1 and len(self.rows) > 1

    def name(self, index: int) -> str:
        """What a picture is called where one axis varies: its value; empty for all others."""
        place = self.places[index] if index < len(self.places) else None
        if place is None or self.is_table():
            return ""
        if len(self.rows) > 1:
            return f"{self.row_title} {self.rows[place[1]]}".strip()
        return f"{self.column_title} {self.columns[place[0]]}".strip()


@dataclass(frozen=True)
class Pictured:
    """A picture of a comparison that is to be a file of its own."""

    label: str
    """Its name, from a user or not: always taken as plain text."""
    picture: Path | bytes
    """A PNG, JPEG or WebP that the hub wrote, or the bytes of one."""
    caption: str = ""
    """Its most telling numbers, in a line."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """All its numbers: what is measured -> the number in words."""

    def data(self) -> bytes:
        """The bytes of the file.

        Raises:
            OSError: it is gone.
        """
        return self.picture if isinstance(self.picture, bytes) else self.picture.read_bytes()

    def recipe(self) -> Recipe | None:
        """How it was made, where the file says so."""
        try:
            return read_recipe(self.picture)
        except BadRecipeError:
            return None
