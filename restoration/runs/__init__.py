"""Runs: every restoration that was made, kept with its result, so that it can be found again.

Each owner has a folder of their own: this computer's, or, where strangers share it, that of one
browser. It holds a list (`runs.database`), and for each run `results/ID.png`, the result with its
recipe inside, and `results/ID.jpg`, a copy of what was restored that fits a screen. Names of files
are random, so nothing a user writes becomes a path. What goes over the quota goes, oldest first.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from restoration import guests, runtime
from restoration.errors import RunError
from restoration.runs import database, records
from restoration.runs.database import ASIDE, FILE, RESULTS, in_words
from restoration.runs.records import Found, Kept, Run, Vote, Winner

__all__ = ["Found", "Kept", "Run", "Runs", "Vote", "Winner", "forget_old", "of"]

MOST_RUNS = 5000
"""Of one owner."""
GUESTS_TOGETHER = 20
"""How many times the quota of one owner all strangers together may take."""


@dataclass(frozen=True)
class Runs:
    """The runs of one owner. Safe to use from several threads and processes."""

    folder: Path
    most_bytes: int = 2_000_000_000
    most_runs: int = MOST_RUNS

    def keep(self, kept: Kept) -> Run:
        """Keep a restoration; those that are over the quota then go, oldest first.

        Raises:
            RunError: the disk is full or read-only; nothing is left of it then.
        """
        number = secrets.token_hex(16)
        try:
            with in_words():
                run = records.run_of(number, kept)
            gone = database.do(self.folder, lambda db: self._insert(db, run, kept))
        except BaseException:
            self._remove([number])
            raise
        self._remove(gone)
        return run

    def find(self, text: str = "", limit: int = 20, offset: int = 0) -> Found:
        """The runs that speak of every word of `text`, newest first.

        A word is part of a method's, variant's or knob's name, of a value (`steps=50`), a label,
        or of the day (`2026-11-21`, `saturday`, `november`, `today`, `yesterday`).

        Raises:
            RunError: the list cannot be read.
        """
        if not self._exists():
            return Found((), 0)
        terms = records.terms(text)
        where = " AND ".join(["1", *(r"words LIKE ? ESCAPE '\'" for _ in terms)])
        rest = f"runs WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?"

        def look(db: sqlite3.Connection) -> Found:
            found = records.select(db, rest, [*terms, max(0, limit), max(0, offset)])
            total = db.execute(f"SELECT count(*) FROM runs WHERE {where}", terms).fetchone()
            return Found(found, int(total[0]))

        return database.do(self.folder, look)

    def get(self, number: str) -> Run:
        """The run of this id.

        Raises:
            RunError: there is none.
        """
        found: tuple[Run, ...] = ()
        if self._exists():
            rest = "runs WHERE id = ?"
            found = database.do(self.folder, lambda db: records.select(db, rest, [number]))
        if not found:
            raise RunError("This run is gone: it was deleted, or made room for newer ones.")
        return found[0]

    def result_path(self, number: str) -> Path:
        """The result, a PNG with its recipe inside.

        Raises:
            RunError: there is no such run, or its file is gone.
        """
        return self._existing(number, ".png")

    def given_path(self, number: str) -> Path:
        """A JPEG of what was restored, of a size that fits a screen.

        Raises:
            RunError: there is no such run, or its file is gone.
        """
        return self._existing(number, ".jpg")

    def delete(self, number: str) -> None:
        """Forget a run, with its files.

        Raises:
            RunError: there is none.
        """
        gone = self.get(number).id
        database.do(self.folder, lambda db: _strike(db, [gone]))
        self._remove([gone])

    def clear(self) -> int:
        """Forget all runs and votes, and what was set aside; gives how many runs there were."""
        if not self._exists():
            return 0

        def empty(db: sqlite3.Connection) -> list[str]:
            gone = [row[0] for row in db.execute("SELECT id FROM runs")]
            db.execute("DELETE FROM votes")
            return _strike(db, gone)

        gone = database.do(self.folder, empty)
        self._remove(gone)
        for folder in self.folder.glob(f"{ASIDE}*"):
            shutil.rmtree(folder, ignore_errors=True)
        return len(gone)

    def vote(self, first: str, second: str, winner: Winner) -> Vote:
        """Note which of two runs was preferred.

        Raises:
            RunError: one of them is not kept, both are one, or there is no such winner.
        """
        if winner not in get_args(Winner):
            raise RunError(f"A vote is for first, second or neither, not for {winner!r:.60}.")
        if first == second:
            raise RunError("A vote is between two results, and this is one.")
        vote = Vote(time.time(), self.get(first).title, self.get(second).title, winner)
        columns = "made, first, second, first_label, second_label, winner"
        values = (vote.made, first, second, vote.first, vote.second, winner)
        database.do(
            self.folder,
            lambda db: db.execute(f"INSERT INTO votes ({columns}) VALUES (?,?,?,?,?,?)", values),
        )
        return vote

    def votes(self) -> tuple[Vote, ...]:
        """All votes, oldest first; they outlive the runs that they were about."""
        if not self._exists():
            return ()
        query = "SELECT made, first_label, second_label, winner FROM votes ORDER BY number"
        rows = database.do(self.folder, lambda db: db.execute(query).fetchall())
        return tuple(Vote(*row) for row in rows)

    def tally(self) -> Mapping[str, int]:
        """How many votes each label won, the most first; those that only lost have 0."""
        wins: Counter[str] = Counter()
        for vote in self.votes():
            wins.update({vote.first: vote.winner == "first", vote.second: vote.winner == "second"})
        return dict(wins.most_common())

    def usage(self) -> tuple[int, int]:
        """How many runs there are, and the bytes that they take."""
        if not self._exists():
            return 0, 0
        query = "SELECT count(*), coalesce(sum(bytes), 0) FROM runs"
        count, size = database.do(self.folder, lambda db: db.execute(query).fetchone())
        return int(count), int(size)

    def note(self) -> str:
        """What the owner should know about the list, or nothing."""
        if not any(self.folder.glob(f"{ASIDE}*")):
            return ""
        return (
            "The list of earlier runs was damaged. It is set aside with its results, in a folder "
            "beside the new list; clearing all runs removes it."
        )

    def _insert(self, db: sqlite3.Connection, run: Run, kept: Kept) -> list[str]:
        """Put a run's files into their place and itself on the list; gives those that go for it."""
        (self.folder / RESULTS).mkdir(0o700, exist_ok=True)
        shutil.copyfile(kept.result, self._file(run.id, ".png"))
        self._file(run.id, ".jpg").write_bytes(kept.given)
        records.insert(db, run)
        size, gone = 0, []
        rows = db.execute("SELECT id, bytes FROM runs ORDER BY number DESC").fetchall()
        for place, (number, taken) in enumerate(rows):
            size += taken
            if place and (place >= self.most_runs or size > self.most_bytes):
                gone.append(number)
        return _strike(db, gone)

    def _exists(self) -> bool:
        return (self.folder / FILE).exists()

    def _file(self, number: str, suffix: str) -> Path:
        return self.folder / RESULTS / f"{number}{suffix}"

    def _existing(self, number: str, suffix: str) -> Path:
        path = self._file(self.get(number).id, suffix)
        if not path.is_file():
            raise RunError("The picture of this run is gone from the disk; its recipe is left.")
        return path

    def _remove(self, numbers: Iterable[str]) -> None:
        """Remove the files of runs; one that cannot be removed now stays."""
        for number in numbers:
            for suffix in (".png", ".jpg"):
                with suppress(OSError):
                    self._file(number, suffix).unlink()


def of(owner: str | None = None) -> Runs:
    """The runs of this computer, or those of a browser, given what identifies it.

    Asking for a browser's runs counts as using them.
    """
    return Runs(guests.folder_of("runs", owner), runtime.runs_bytes())


def forget_old(older_than_seconds: float) -> int:
    """Remove what browsers left that were not here for so long; see `guests.forget`."""
    return guests.forget("runs", older_than_seconds, GUESTS_TOGETHER * runtime.runs_bytes())


def _strike(db: sqlite3.Connection, numbers: list[str]) -> list[str]:
    """Take runs off the list; gives them back."""
    db.executemany("DELETE FROM runs WHERE id = ?", [(number,) for number in numbers])
    return numbers
