"""Files that the page made for somebody to see: gone once nobody can be looking any more.

Gradio removes what it served itself. What lies beside it under another name (the file that a copy
for viewing was made of, an export) it does not know.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from gradio.utils import get_upload_folder

from demo.room import FOLDERS
from demo.serving import CLEAN_EVERY, KEEP_FOR

MARK = ".swept"


def sweep() -> int:
    """Remove folders that nobody used for a day; gives how many. Looks at most once an hour."""
    root, count = Path(get_upload_folder()), 0
    mark, now = root / MARK, time.time()
    with suppress(OSError):
        if now - mark.stat().st_mtime < CLEAN_EVERY:
            return 0
    with suppress(OSError):
        root.mkdir(parents=True, exist_ok=True)
        mark.touch()
        for folder in [one for name in FOLDERS for one in (root / name).glob("*")]:
            if folder.stat().st_mtime < now - KEEP_FOR:
                shutil.rmtree(folder, ignore_errors=True)
                count += 1
    return count


def used(folder: Path) -> None:
    """Note that somebody is going to look at what is in a folder."""
    with suppress(OSError):
        os.utime(folder)


def export_folder(source: Path) -> Path:
    """An empty folder for the file that all of `source` is packed into.

    It is the same every time, so that of what is packed again and again one file takes the disk.
    The place of the source is itself secret, so nobody can work out this one.
    """
    name = hashlib.sha256(str(source.resolve()).encode()).hexdigest()
    folder = Path(get_upload_folder()) / "exports" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return folder
