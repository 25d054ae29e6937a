"""What an album says of itself: `album.json`, and the rules of names.

A manifest may come from a stranger: its size is capped, every field is checked, and none of it is
ever used as a path but the names of pictures, which are three digits and a suffix.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

import pydantic_core
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from restoration.errors import BadAlbumError

FORMAT = 1
FILE = "album.json"
PICTURES, THUMBNAILS = "pictures", "thumbnails"
WEIGHTS = "weights.safetensors"
STATE = "training.pt"
"""What training needs to go on; never leaves the machine that wrote it."""
MOST_PICTURES = 200
LONGEST_NAME = 60
"""Characters."""
LONGEST_TITLE = 200
LONGEST = 1024 * 1024
"""Bytes of a manifest; one of 200 pictures has about 30 thousand."""
MOST_SETTINGS = 100

Kind = Literal["personal", "generated"]


def printable(text: str) -> str:
    """The text in one line that can be shown: without control and direction marks, cut short."""
    shown = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    return " ".join(shown.split())[:LONGEST_TITLE]


def checked_name(name: str) -> str:
    """An album's name as it is kept: runs of spaces become one.

    Raises:
        BadAlbumError: it is empty, too long, or holds characters that names do not have.
    """
    name = " ".join(unicodedata.normalize("NFC", name[: 4 * LONGEST_NAME]).split())
    if not name:
        raise BadAlbumError("The album has no name: give it one, such as Anna or Holiday 2024.")
    if len(name) > LONGEST_NAME:
        raise BadAlbumError(
            f"The name of the album is too long: {LONGEST_NAME} characters are the most."
        )
    kinds = [unicodedata.category(c)[0] for c in name]
    others = [
        c for c, kind in zip(name, kinds, strict=True) if kind not in "LMN" and c not in "-_. "
    ]
    if others or not set(kinds) & {"L", "N"}:
        raise BadAlbumError(
            f"{printable(name) or 'This'} cannot be the name of an album: letters and digits can, "
            "with spaces, hyphens, underscores and points between them."
        )
    return name


def key_of(name: str) -> str:
    """What two names have in common that differ only in case or spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", name).casefold())


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _name(text: str) -> str:
    try:
        return checked_name(text)
    except BadAlbumError as error:
        raise ValueError(str(error)) from None


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, Field(max_length=LONGEST_TITLE)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Square(_Record):
    """The part of a picture that is trained on, in pixels of the picture as it is kept."""

    left: int
    top: int
    side: int

    @classmethod
    def central(cls, width: int, height: int) -> Self:
        """The largest one in the middle."""
        side = min(width, height)
        return cls(left=(width - side) // 2, top=(height - side) // 2, side=side)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom), the last two outside."""
        return self.left, self.top, self.left + self.side, self.top + self.side

    def lies_in(self, width: int, height: int) -> bool:
        """Whether it is a part of such a picture."""
        left, top, right, bottom = self.box
        return self.side > 0 and min(left, top) >= 0 and right <= width and bottom <= height


class Entry(_Record):
    """A picture of an album."""

    file: str = Field(pattern=r"^[0-9]{3}\.png$")
    """In `pictures/`; its thumbnail has the same stem."""
    title: Annotated[Word, AfterValidator(printable)]
    """How it was called where it came from."""
    square: Square
    seed: int | None = Field(default=None, ge=0)
    """That it was generated from."""


class Training(_Record):
    """What the album's weights are and how far their training came."""

    way: Literal["low-rank", "full"]
    variant: Word
    """Of the prior that was tuned."""
    base: Sha256
    """Of the prior's weights."""
    steps: int = Field(ge=0)
    planned: int = Field(ge=0)
    seconds: float = Field(ge=0)
    loss: float
    finished: bool
    sha256: Sha256
    """Of `weights.safetensors`."""


class Manifest(_Record):
    """All that is known of an album beside its pictures and its weights."""

    format: int = Field(default=FORMAT, ge=1, le=FORMAT)
    name: Annotated[str, AfterValidator(_name)]
    kind: Kind
    created: Annotated[str, Field(max_length=40), AfterValidator(_moment)]
    """ISO 8601, UTC."""
    pictures: tuple[Entry, ...] = Field(min_length=1, max_length=MOST_PICTURES)
    settings: dict[Word, bool | int | float | Word] = Field(default={}, max_length=MOST_SETTINGS)
    """How a generated one was made."""
    training: Training | None = None

    def to_json(self) -> str:
        """Indented, so that it can be read."""
        return json.dumps(self.model_dump(), indent=1)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read what `to_json` wrote.

        Raises:
            BadAlbumError: it is too long, no JSON, of a newer hub, or not a manifest.
        """
        if len(data) > LONGEST:
            raise BadAlbumError(f"{FILE} has more than {LONGEST} bytes: it is no album's.")
        try:
            found = pydantic_core.from_json(data, allow_inf_nan=False)
        except ValueError:
            raise BadAlbumError(f"{FILE} is not valid JSON: this is no album.") from None
        number = found.get("format", FORMAT) if isinstance(found, dict) else FORMAT
        if isinstance(number, int) and number > FORMAT:
            raise BadAlbumError(
                f"The album has format {number} and this hub reads up to {FORMAT}: update the hub "
                "to use it."
            )
        try:
            manifest = cls.model_validate_json(data)
        except ValidationError as error:
            first = error.errors()[0]
            where = printable(".".join(map(str, first["loc"]))) or "everything"
            raise BadAlbumError(f"{FILE} is not an album's: {where}: {first['msg']}.") from None
        if len({entry.file for entry in manifest.pictures}) < len(manifest.pictures):
            raise BadAlbumError(f"{FILE} names a picture twice: this is no album.")
        return manifest


def read(folder: Path) -> Manifest:
    """The manifest of the album in a folder.

    Raises:
        BadAlbumError: there is none, or it cannot be used.
    """
    try:
        with (folder / FILE).open("rb") as file:
            return Manifest.from_json(file.read(LONGEST + 1))
    except OSError:
        raise BadAlbumError("There is no such album any more.") from None


def write(folder: Path, manifest: Manifest) -> None:
    """Put the manifest into the album's folder; it changes at once or not at all."""
    part = folder / f".{secrets.token_hex(8)}.part"
    try:
        part.write_text(manifest.to_json(), encoding="utf-8")
        part.replace(folder / FILE)
    finally:
        part.unlink(missing_ok=True)
