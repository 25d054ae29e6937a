"""What the page shows and hands out of an evaluation: one of its pictures, and all of its files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo import comparer
from demo.leftovers import export_folder
from restoration.errors import RestorationError
from restoration.evaluation import report, shown
from restoration.evaluation.folder import REPORT
from restoration.evaluation.form import INPUT, ReportForm

if TYPE_CHECKING:
    from restoration.evaluation.kept import Kept


def compared(kept: Kept, place: int) -> dict[str, Any]:
    """The value of the comparer for one picture of an evaluation, counted from 0.

    Raises:
        RestorationError: it has no such picture.
    """
    told: ReportForm = json.loads((kept.out / REPORT).read_text(encoding="utf-8"))
    if place not in range(len(told["items"])):
        raise RestorationError("This evaluation has no such picture: choose one from the list.")
    item, labels = told["items"][place], told["labels"]
    rows = told["rows"][place * len(labels) : (place + 1) * len(labels)]
    pictures = []
    for row in rows:
        path = kept.out / shown.folder_of(told, row["label"]) / item["file"]
        name = "Input" if row["label"] == INPUT else row["label"]
        pictures += _picture(path, name, _caption(told, row["numbers"]))
    clean = _picture(kept.out / shown.CLEAN / item["file"], "Clean")
    failed = [f"{row['label']}: {row['error']}" for row in rows if row["error"]]
    return comparer.comparison(
        [*pictures, *clean], len(pictures) if clean else None, " ".join(failed)
    )


def pack_up(one: Kept) -> Path:
    """A zip archive of report and results, under an address that nobody can guess."""
    target = export_folder(one.out) / f"evaluation-{one.record.created[:10]}-{one.id[:6]}.zip"
    with zipfile.ZipFile(target, "x", zipfile.ZIP_STORED) as archive:
        for path in sorted(one.out.rglob("*")):
            name = path.relative_to(one.out)
            if path.is_file() and not any(part.startswith(".") for part in name.parts):
                archive.write(path, Path(target.stem) / name)
    return target


def _picture(path: Path, label: str, caption: str = "") -> list[comparer.Shown]:
    """One picture of the comparer; none where it is not there."""
    size = shown.size_of(path)
    return [] if size is None else [comparer.Shown(label, path, size, caption)]


def _caption(told: ReportForm, numbers: dict[str, float | None]) -> str:
    parts = [
        f"{measure.title} {measure.text(value)} {measure.unit}".rstrip()
        for measure in report.measures_of(told)
        if (value := numbers.get(measure.name)) is not None
    ]
    return " · ".join(parts[:2])
