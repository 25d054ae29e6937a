"""Room for uploads on the disk, and what gives way to them where strangers share it."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from gradio.utils import get_upload_folder

from restoration import runtime

FOLDERS = ("results", "shown", "exports")
"""Of the folder that Gradio serves uploads from; each holds a folder for every result."""
UPLOAD = r"[0-9a-f]{64}"
"""The name of the folder that Gradio makes for an upload."""
SPARED = 900
"""Seconds for which nothing gives way."""


def is_made(wanted: int) -> bool:
    """Whether the disk has so many bytes left for uploads.

    On a public hub one visitor could leave none to all others for a day. There, what was used
    longest ago goes until there is room again.
    """
    root = Path(get_upload_folder())
    if _free(root) >= wanted:
        return True
    oldest = sorted(_given(root)) if runtime.is_public() else []
    for used, folder in oldest:
        if used > time.time() - SPARED:
            break
        shutil.rmtree(folder, ignore_errors=True)
        if _free(root) >= wanted:
            return True
    return False


def _free(root: Path) -> int:
    """Bytes left where the folder is, or will be."""
    there = next(one for one in (root, *root.parents) if one.is_dir())
    return shutil.disk_usage(there).free


def _given(root: Path) -> Iterator[tuple[float, Path]]:
    """When each upload and each result was last used, and its folder."""
    uploads = (one for one in root.glob("*") if re.fullmatch(UPLOAD, one.name))
    results = (one for name in FOLDERS for one in (root / name).glob("*"))
    for folder in (*uploads, *results):
        with suppress(OSError):
            yield folder.stat().st_mtime, folder
