"""The ledger of an evaluation: a line of JSON for each picture and contender that is finished.

A line is written whole and on the disk before the next one is begun. What a killed process or a
full disk leaves of a line is passed over when it is read.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from restoration.errors import RestorationError

LEDGER = "ledger.jsonl"
PARTS = "ledger-*.jsonl"
"""Those of single processes, until they are merged."""
BLOCK = 1 << 20
Key = tuple[str, str]
"""Id of the picture, label of the contender."""


class Entry(BaseModel):
    """A line: how one contender did on one picture; see `form.RowForm` for the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str
    label: str
    status: Literal["done", "failed"]
    error: str | None = None
    note: str | None = None
    file: str | None = None
    size: tuple[int, int] | None = None
    numbers: dict[str, float | None] = {}
    seconds: float | None = None
    input: str | None = None
    reference: str | None = None
    recipe: str | None = None
    output: str | None = None

    @property
    def key(self) -> Key:
        """What it is of."""
        return self.id, self.label


def append(path: Path, entry: Entry) -> None:
    """Add a line, after a torn one on a line of its own.

    Raises:
        RestorationError: the disk does not take it.
    """
    try:
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                file.write(b"" if file.read(1) == b"\n" else b"\n")
            file.write(entry.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RestorationError(
            f"{path.name} cannot be written: {error.strerror}; "
            "make room and start again to go on from here"
        ) from None


def read(folder: Path) -> dict[Key, Entry]:
    """The last line of each picture and contender, from all ledgers of a folder."""
    return {entry.key: entry for entry in _all_lines(folder)}


def merge(folder: Path) -> None:
    """Put one ledger, by id and label, in place of those of several processes; no line is lost.

    Raises:
        RestorationError: the disk does not take it.
    """
    parts = sorted(folder.glob(PARTS))
    if not parts:
        return
    entries = sorted(_all_lines(folder), key=lambda entry: entry.key)
    draft = folder / f".{secrets.token_hex(8)}.part"
    try:
        draft.write_text("".join(entry.model_dump_json() + "\n" for entry in entries), "utf-8")
        draft.replace(folder / LEDGER)
    except OSError as error:
        raise RestorationError(f"{LEDGER} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
    for path in parts:
        path.unlink()


def sha256_of(path: Path) -> str | None:
    """The sha256 of a file; None where it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def _all_lines(folder: Path) -> list[Entry]:
    """The lines of the ledger, then those of single processes: what failed before what is done."""
    parts = [entry for path in sorted(folder.glob(PARTS)) for entry in _lines(path)]
    whole = folder / LEDGER
    lines = list(_lines(whole)) if whole.is_file() else []
    return lines + sorted(parts, key=lambda entry: entry.status == "done")


def _lines(path: Path) -> Iterable[Entry]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield Entry.model_validate_json(line)
            except ValidationError:  # torn
                continue
