"""How a result was made: to and from JSON, and out of the PNG that carries it.

Imports no torch: the page lists and recalls recipes before anything is restored.
"""

from __future__ import annotations

import io
import json
import zlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO, Self

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from restoration.errors import BadRecipeError
from restoration.image_files import png_chunks

HUB = "0.1.0"
FORMAT = 1
KEYWORD = "restoration"
"""Of the PNG's iTXt chunk that holds the recipe."""
LONGEST = 64 * 1024
"""Bytes of a recipe; a real one has about one thousand."""
NAME, TEXT = 200, 10_000
LIBRARIES = ("torch", "diffusers", "spandrel", "pillow", "numpy")


class Recipe(BaseModel):
    """All it takes to make a result again."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)

    version: int = FORMAT
    """Of this format; a hub refuses recipes of a newer one."""
    hub: str = Field(default=HUB, max_length=NAME)
    method: str = Field(max_length=NAME)
    variant: str = Field(max_length=NAME)
    knobs: dict[str, bool | int | float | str]
    """By dotted name, as `params.flatten` gives them."""
    seed: int = Field(ge=0)
    weights: dict[str, str]
    """Name in the catalogue -> sha256 of the file used."""
    versions: dict[str, str]
    """Of the libraries that a pixel can depend on."""
    size: tuple[int, int]
    """(width, height) of the degraded picture."""
    inputs: dict[str, str] = {}
    """What was given beside it (mask, kernel, exposures) -> sha256 of its values."""

    def to_json(self) -> str:
        """One line of ASCII; the same recipe always gives the same text."""
        return json.dumps(self.model_dump(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            BadRecipeError: it is too long, no JSON, of a newer hub, or not a recipe.
        """
        if len(text) > LONGEST:
            raise BadRecipeError(
                f"This recipe has {len(text)} characters; {LONGEST} is the most that is read."
            )
        try:
            found = pydantic_core.from_json(text, allow_inf_nan=False)
        except ValueError as error:
            raise BadRecipeError(f"This is no recipe: it is not valid JSON ({error}).") from None
        if not isinstance(found, dict):
            raise BadRecipeError("This is no recipe: a recipe is a JSON object, {...}.")
        number = found.get("version", FORMAT)
        if isinstance(number, int) and number > FORMAT:
            raise BadRecipeError(
                f"This recipe has format {number} and this hub reads up to {FORMAT}: "
                "update the hub to use it."
            )
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, e['loc']))}: {e['msg']}"[:NAME] for e in error.errors()[:5]
            )
            raise BadRecipeError(f"This recipe cannot be used: {wrong}.") from None


def library_versions() -> dict[str, str]:
    """The installed version of each library that a pixel can depend on; none is imported."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read_recipe(source: str | Path | bytes) -> Recipe | None:
    """The recipe inside a result; None for a picture without one, or a file that is no PNG.

    Only the chunk itself is read, never the pixels.

    Raises:
        BadRecipeError: there is no such file, or the recipe in it cannot be used.
    """
    if isinstance(source, bytes):
        return _read(io.BytesIO(source))
    try:
        with Path(source).open("rb") as file:
            return _read(file)
    except OSError as error:
        raise BadRecipeError(f"{Path(source).name}: {error.strerror or 'cannot be read'}") from None


def _read(file: BinaryIO) -> Recipe | None:
    mark = KEYWORD.encode() + b"\0"
    for kind, start, length in png_chunks.places(file):
        if kind != b"iTXt":
            continue
        file.seek(start)
        if file.read(len(mark)) != mark:
            continue
        if length > LONGEST:
            raise BadRecipeError(
                f"The recipe in this picture has {length} bytes; {LONGEST} is the most read here."
            )
        return Recipe.from_json(_text(file.read(length - len(mark))))
    return None


def _text(data: bytes) -> str:
    """The text of an iTXt chunk after its keyword (PNG specification, section 11.3.3.4)."""
    is_packed, rest = data[:1] == b"\1", data[2:]
    text = rest.split(b"\0", 2)[-1]
    try:
        if is_packed:
            text = zlib.decompressobj().decompress(text, LONGEST + 1)
        return text.decode()
    except (zlib.error, UnicodeDecodeError):
        raise BadRecipeError("The recipe in this picture is damaged.") from None
