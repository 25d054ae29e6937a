"""Evaluations that are kept on a shelf: what was asked for, its pictures, what has come of it.

    data folder/evaluations/OWNER/ID/
      asked.json              what was asked for
      clean/, degraded/       uploaded pictures; folders of this machine stay where they are
      out/                    the evaluation, see `form`

The id follows from what is asked for and from the pictures, so that asking for the same again goes
on with what is there. Owners are this computer or, where strangers share it, browsers; nothing that
a user writes becomes a path.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from restoration import guests
from restoration.errors import RestorationError
from restoration.evaluation import ledger
from restoration.evaluation.folder import LOCK
from restoration.evaluation.form import INPUT, Inputs
from restoration.evaluation.items import found
from restoration.evaluation.plan import Plan, Wanted, planned
from restoration.evaluation.uploads import Room, take_in
from restoration.params import Scalar

FILE = "asked.json"
OUT, CLEAN, DEGRADED = "out", "clean", "degraded"
DIGITS = 24
"""Hexadecimal, of an id."""
PUBLIC_ROOM = Room(100, 200_000_000)
LOCAL_ROOM = Room(10_000, 20_000_000_000)
MOST_KEPT = 5
"""Evaluations of one stranger."""
MOST_BYTES = 2_000_000_000
"""Of one stranger's evaluations with all their results."""
GUESTS_TOGETHER = 10
"""How many times that all strangers together may take."""


class Setting(BaseModel):
    """A contender as it is asked for: a method with all its settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    method: str
    variant: str
    knobs: dict[str, Scalar]


class Asked(BaseModel):
    """What is to be evaluated, but for uploaded pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Inputs
    kind: str | None
    seed: int
    settings: tuple[Setting, ...]
    clean: str | None = None
    """A folder of this machine; None where the pictures were uploaded, or there are none."""
    degraded: str | None = None


class Record(BaseModel):
    """`asked.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: Asked
    created: str
    """UTC, ISO 8601."""


@dataclass(frozen=True)
class Uploads:
    """Files, pictures or archives of them, that belong to what is asked for."""

    clean: tuple[Path, ...] = ()
    degraded: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Kept:
    """An evaluation on the shelf."""

    folder: Path
    record: Record

    @property
    def id(self) -> str:
        """Under which the shelf knows it."""
        return self.folder.name

    @property
    def out(self) -> Path:
        """The folder of its results."""
        return self.folder / OUT

    def plan(self) -> Plan:
        """The evaluation, ready to start or to go on.

        Raises:
            RestorationError: weights or a method are not there any more.
        """
        asked = self.record.asked
        wanted = [Wanted(one.method, one.variant, one.knobs, one.label) for one in asked.settings]
        return planned(
            wanted,
            self.out,
            clean=self._pictures(CLEAN, asked.clean, known=asked.inputs != "degraded"),
            degraded=self._pictures(DEGRADED, asked.degraded, known=asked.inputs != "clean"),
            kind=asked.kind,
            seed=asked.seed,
        )

    def title(self) -> str:
        """What it is, in a line, with how much of it is done."""
        asked = self.record.asked
        what = asked.kind or {"paired": "pairs", "degraded": "no clean pictures"}[asked.inputs]
        when = datetime.fromisoformat(self.record.created).astimezone()
        done = sum(label != INPUT for _, label in ledger.read(self.out))
        names = ", ".join(one.label for one in asked.settings)
        return f"{when:%Y-%m-%d %H:%M} · {what} · {done} results · {names}"

    def _pictures(self, name: str, folder: str | None, *, known: bool) -> Path | None:
        if not known:
            return None
        return self.folder / name if folder is None else Path(folder)


@dataclass(frozen=True)
class Shelf:
    """The evaluations of one owner."""

    folder: Path
    room: Room
    most: int | None = None
    """How many there can be."""
    most_bytes: int | None = None
    """What they can take of the disk with all their results."""

    def list(self) -> Sequence[Kept]:
        """All that can be read, newest first."""
        found = []
        with suppress(FileNotFoundError):
            for folder in self.folder.iterdir():
                with suppress(RestorationError):
                    found.append(self.open(folder.name))
        return sorted(found, key=lambda one: one.record.created, reverse=True)

    def open(self, identity: str) -> Kept:
        """The evaluation of this id.

        Raises:
            RestorationError: there is none.
        """
        if re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}", str(identity)):
            folder = self.folder / str(identity)
            with suppress(OSError, ValidationError):
                text = (folder / FILE).read_text(encoding="utf-8")
                return Kept(folder, Record.model_validate_json(text))
        raise RestorationError("This evaluation is not there any more.")

    def take(self, asked: Asked, uploads: Uploads) -> Kept:
        """The evaluation that is asked for: the one on the shelf, or a new one.

        Raises:
            RestorationError: pictures are missing, too many or damaged, or the shelf is full.
        """
        with self._building() as draft:
            for name, files in ((CLEAN, uploads.clean), (DEGRADED, uploads.degraded)):
                if files:
                    take_in(files, draft / name, self.room)
            identity = _identity(asked, draft)
            with suppress(RestorationError):
                return self.open(identity)
            if self.most is not None and len(self.list()) >= self.most:
                raise RestorationError(
                    f"there are {self.most} evaluations already, the most that are kept: delete "
                    "one first"
                )
            record = Record(asked=asked, created=datetime.now(UTC).isoformat())
            self._check_room(Kept(draft, record))
            (draft / FILE).write_text(record.model_dump_json(indent=2), encoding="utf-8")
            return Kept(draft.rename(self.folder / identity), record)

    def delete(self, identity: str) -> None:
        """Remove an evaluation with all its results.

        Raises:
            RestorationError: there is none, or it is running.
        """
        one, gone = self.open(identity), self.folder / f".{secrets.token_hex(8)}"
        try:
            one.out.mkdir(exist_ok=True)
            with FileLock(one.out / LOCK, timeout=0):
                one.folder.rename(gone)
        except Timeout:
            raise RestorationError("This evaluation is running: stop it first.") from None
        shutil.rmtree(gone, ignore_errors=True)

    def check_size(self) -> None:
        """Look whether there is room for more results.

        Raises:
            RestorationError: there is none.
        """
        if self.most_bytes is not None and guests.size_of(self.folder) > self.most_bytes:
            raise RestorationError(
                f"the evaluations take {self.most_bytes / 1e9:g} GB, the most that is kept here: "
                "delete one to go on"
            )

    def _check_room(self, kept: Kept) -> None:
        """Look whether there are pictures at all, before anything is kept."""
        plan = kept.plan()
        number = len(found(plan.clean, plan.degraded).items)
        if number > self.room.pictures:
            raise RestorationError(
                f"these are {number} pictures, and {self.room.pictures} is the most at once"
            )

    @contextmanager
    def _building(self) -> Iterator[Path]:
        draft = self.folder / f".{secrets.token_hex(8)}"
        try:
            draft.mkdir(0o700, parents=True)
            yield draft
        except OSError as error:
            raise RestorationError(
                f"the pictures cannot be taken in: {error.strerror or 'the disk refuses'}"
            ) from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def of(owner: str | None = None) -> Shelf:
    """The evaluations of this computer, or those of a browser, given what identifies it.

    Asking for a browser's evaluations counts as using them.
    """
    folder = guests.folder_of("evaluations", owner)
    if owner is None:
        return Shelf(folder, LOCAL_ROOM)
    return Shelf(folder, PUBLIC_ROOM, MOST_KEPT, MOST_BYTES)


def forget_old(older_than_seconds: float) -> int:
    """Remove what browsers left that were not here for so long; see `guests.forget`."""
    return guests.forget("evaluations", older_than_seconds, GUESTS_TOGETHER * MOST_BYTES)


def _identity(asked: Asked, draft: Path) -> str:
    """The same for the same question about the same pictures."""
    files = sorted(path for path in draft.rglob("*") if path.is_file())
    told = [[path.relative_to(draft).as_posix(), ledger.sha256_of(path)] for path in files]
    text = json.dumps([asked.model_dump(mode="json"), told], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
