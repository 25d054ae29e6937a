"""The SQLite file that lists the runs of one owner: opened, set aside where it is damaged.

It lies beside the results it speaks of, in a folder that only its owner's account can enter. Every
piece of work opens it anew, so threads and processes need no agreement; writers wait for another.
"""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from restoration.errors import RunError

FILE, RESULTS, ASIDE = "runs.sqlite", "results", "set-aside-"
FORMAT = 1
PATIENCE = 10.0
"""Seconds to wait for another writer, who takes an instant."""
PAUSE = 0.02
"""Seconds between two looks where SQLite does not wait by itself."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, made REAL NOT NULL,
    recipe TEXT NOT NULL, numbers TEXT NOT NULL, seconds REAL NOT NULL, width INTEGER NOT NULL,
    height INTEGER NOT NULL, label TEXT NOT NULL, batch TEXT NOT NULL, name TEXT NOT NULL,
    given BLOB NOT NULL, result BLOB NOT NULL, bytes INTEGER NOT NULL, words TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS votes (
    number INTEGER PRIMARY KEY AUTOINCREMENT, made REAL NOT NULL, first TEXT NOT NULL,
    second TEXT NOT NULL, first_label TEXT NOT NULL, second_label TEXT NOT NULL,
    winner TEXT NOT NULL
);
"""
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
FULL = {errno.ENOSPC, errno.EDQUOT}
NO_ROOM = "The disk is full: the run is not kept. Make room, or delete runs that are not needed."
T = TypeVar("T")


def do(folder: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """What `work` gives, done in one transaction; a damaged file is set aside and begun anew.

    Raises:
        RunError: the disk is full, read-only or slow, or a newer hub wrote the file.
    """
    with in_words():
        try:
            return _once(folder, work)
        except sqlite3.DatabaseError as error:
            if _code(error) not in DAMAGED:
                raise
        set_aside(folder)
        return _once(folder, work)


def set_aside(folder: Path) -> None:
    """Move a damaged list and its results out of the way, unless another has just done so."""
    with FileLock(folder / ".lock", PATIENCE):
        if _is_sound(folder):
            return
        target = folder / f"{ASIDE}{time.time_ns()}"
        target.mkdir(mode=0o700)
        for name in (RESULTS, f"{FILE}-wal", f"{FILE}-shm", FILE):
            with suppress(FileNotFoundError):
                (folder / name).rename(target / name)


@contextmanager
def in_words() -> Iterator[None]:
    """Say in a sentence why runs cannot be kept or read."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _code(error) == sqlite3.SQLITE_FULL:
            raise RunError(NO_ROOM) from None
        raise RunError(f"The runs cannot be kept or read: {error}.") from None
    except OSError as error:
        if error.errno in FULL:
            raise RunError(NO_ROOM) from None
        raise RunError(f"The runs cannot be kept or read: {error.strerror or error}.") from None


def _is_sound(folder: Path) -> bool:
    try:
        checked = _once(folder, lambda db: db.execute("PRAGMA quick_check").fetchone())
    except sqlite3.DatabaseError as error:
        return _code(error) not in DAMAGED
    return bool(checked[0] == "ok")


def _once(folder: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    folder.mkdir(0o700, parents=True, exist_ok=True)
    file = folder / FILE
    with closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as db:
        _begin(db)
        try:
            given = work(db)
        except BaseException:
            db.rollback()
            raise
        db.commit()
        return given


def _begin(db: sqlite3.Connection) -> None:
    """Begin a transaction.

    SQLite waits for other writers by itself, but not for those who open the file as the first or
    close it as the last.
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return _try_to_begin(db)
        except sqlite3.OperationalError as error:
            db.rollback()
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(PAUSE)


def _try_to_begin(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > FORMAT:
        raise RunError(
            f"The list of runs has format {found} and this hub reads up to {FORMAT}: update the "
            "hub to see them."
        )
    if found < FORMAT:
        db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={FORMAT}; COMMIT;")
    db.execute("BEGIN IMMEDIATE")


def _code(error: sqlite3.Error) -> int:
    """The primary code, also of errors that have an extended one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
