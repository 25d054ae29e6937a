"""The sha256 of files, computed once for as long as a file does not change."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path

BLOCK = 1 << 24
"""Bytes that are read at a time."""
Key = tuple[int, int, int, int]

_KNOWN: dict[Key, str] = {}


def fingerprint(path: Path) -> str:
    """The sha256 of a file."""
    work = hashing(path)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return str(end.value)


def hashing(path: Path) -> Generator[int, None, str]:
    """The sha256 of a file, told between how many of its bytes are read."""
    key, done = _key(path), 0
    if key not in _KNOWN:
        total = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                total.update(block)
                done += len(block)
                yield done
        _KNOWN[key] = total.hexdigest()
    return _KNOWN[key]


def told_hashing(path: Path) -> Generator[str, None, str]:
    """The sha256 of a file, told between how far it is, in words."""
    size, work = path.stat().st_size, hashing(path)
    while True:
        try:
            done = next(work)
        except StopIteration as end:
            return str(end.value)
        yield f"computing its sha256, {done / size:.0%}"


def known_fingerprint(path: Path) -> str | None:
    """The sha256 of a file, where it has been computed already; costs nothing."""
    return _KNOWN.get(_key(path))


def _key(path: Path) -> Key:
    """The same for a file that is only renamed: what was hashed while it came need not be again."""
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
