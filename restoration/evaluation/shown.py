"""What `report.html` shows beside the results: copies that a browser can show, and thumbnails.

    OUT/report/input/SUBFOLDERS/NAME.png      inputs that were given, upright, 8 bits, without EXIF
    OUT/report/clean/SUBFOLDERS/NAME.png      the clean pictures in the same way
    OUT/report/thumbnails/ADDRESS.webp        of those, and of every result at OUT/ADDRESS.png

What is older than the picture it was made from is made again, the rest is left as it is.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from restoration.errors import RestorationError
from restoration.evaluation.form import INPUT, ReportForm
from restoration.evaluation.items import Item
from restoration.runtime import limits

FOLDER = "report"
CLEAN = f"{FOLDER}/clean"
GIVEN = f"{FOLDER}/{INPUT}"
THUMBNAILS = f"{FOLDER}/thumbnails"
THUMBNAIL_SIDE = 192
"""Pixels of the longer side: twice what the page shows, for screens that are fine."""
THUMBNAIL_QUALITY = 78
MOST_THREADS = 4
"""Each holds a picture in full."""


@dataclass(frozen=True)
class Task:
    """A picture that the page shows."""

    address: str
    """Below OUT."""
    source: Path | None
    """What it is copied from; None for one that the evaluation wrote itself."""


def prepare(out: Path, report: ReportForm, items: Sequence[Item]) -> Iterator[tuple[int, int]]:
    """Make what is missing; tells after each picture how many are done, and of how many.

    A picture that cannot be read is passed over: the page shows none in its place.

    Args:
        out: the folder of the evaluation.
        report: what it came to.
        items: the pictures it is about; those that are not in the report are passed over.
    """
    tasks = list(_tasks(report, items))
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
        running = [pool.submit(_make, out, task) for task in tasks]
        try:
            for count, one in enumerate(as_completed(running)):
                one.result()
                yield count + 1, len(tasks)
        finally:
            pool.shutdown(cancel_futures=True)


def size_of(path: Path) -> tuple[int, int] | None:
    """(width, height) of a picture that was written here, from its header; None if it is not."""
    try:
        with Image.open(path) as image:
            return image.size
    except OSError:
        return None


def folder_of(report: ReportForm, label: str) -> str:
    """Where the pictures of a label lie below OUT."""
    is_given = label == INPUT and report["plan"]["inputs"] != "clean"
    return GIVEN if is_given else label


def has_clean(report: ReportForm) -> bool:
    """Whether clean pictures are known."""
    return report["plan"]["inputs"] != "degraded"


def _tasks(report: ReportForm, items: Sequence[Item]) -> Iterator[Task]:
    known = {item["id"] for item in report["items"]}
    was_degraded_here = report["plan"]["inputs"] == "clean"
    for item in items:
        if item.id not in known:
            continue
        clean = item.source if was_degraded_here else item.reference
        if clean is not None:
            yield Task(f"{CLEAN}/{item.file}", clean)
        if not was_degraded_here:
            yield Task(f"{GIVEN}/{item.file}", item.source)
    yield from (Task(row["file"], None) for row in report["rows"] if row["file"])


def _make(out: Path, task: Task) -> None:
    """The copy and the thumbnail of a picture."""
    picture = out / task.address
    thumbnail = out / THUMBNAILS / PurePosixPath(task.address).with_suffix(".webp")
    with suppress(OSError, RestorationError):
        if task.source is not None and _is_older(picture, task.source):
            _copy(task.source, picture)
        if _is_older(thumbnail, picture):
            _shrink(picture, thumbnail)


def _is_older(made: Path, source: Path) -> bool:
    """Whether a file is not there, or was made before its source."""
    return not made.exists() or made.stat().st_mtime_ns < source.stat().st_mtime_ns


def _copy(source: Path, target: Path) -> None:
    from dataclasses import replace

    from restoration import image_io

    target.parent.mkdir(parents=True, exist_ok=True)
    image_io.write(target, replace(image_io.read(source, limits()), exif=None))


def _shrink(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with Image.open(source) as image:
            image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=3.0)
            image.save(part, "WEBP", quality=THUMBNAIL_QUALITY)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
