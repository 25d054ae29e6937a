"""Whose folder is whose: this computer's, or, where strangers share it, one for each browser.

Folders are called after a digest of what identifies a browser, so that nothing anybody sends
becomes a path. What strangers leave is kept for a while, and within a size for all together.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from restoration import runtime
from restoration.errors import RestorationError

LOCAL, GUESTS = "local", "guests"
SWEEP_EVERY = 600
"""Seconds."""


def folder_of(kind: str, owner: str | None) -> Path:
    """Where the things of an owner are, such as their albums; this computer's where it is None.

    Asking for a browser's folder counts as using it.
    """
    root = runtime.data_folder() / kind
    if owner is None:
        return root / LOCAL
    if not owner:
        raise ValueError(f"an owner without an identity would share {kind} with others")
    folder = root / GUESTS / hashlib.sha256(owner.encode()).hexdigest()[:32]
    with suppress(OSError):
        os.utime(folder)
    return folder


def forget(
    kind: str, idle_for: float, most_bytes: float, remove: Callable[[Path], None] | None = None
) -> int:
    """Remove what browsers left that were not here for so many seconds; gives how many they were.

    Where all others together still take more than `most_bytes`, those that were away longest go as
    well. Looks once in a while only, however often it is asked. A folder that `remove` refuses,
    with a `RestorationError`, stays.
    """
    guests = runtime.data_folder() / kind / GUESTS
    swept = guests / ".swept"
    with suppress(OSError):
        if time.time() - swept.stat().st_mtime < SWEEP_EVERY:
            return 0
    size, count = 0, 0
    with suppress(OSError):
        swept.touch()
        found = [(one.stat().st_mtime, one) for one in guests.iterdir() if one.is_dir()]
        for used, folder in sorted(found, reverse=True):
            size += size_of(folder)
            if size > most_bytes or time.time() - used > idle_for:
                with suppress(RestorationError):
                    (remove or _remove)(folder)
                    count += 1
    return count


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder; what goes meanwhile does not count."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.stat().st_size
    return size


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
