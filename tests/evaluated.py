"""An evaluation that never ran: drawn pictures and a report on them, for what shows reports."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from restoration.evaluation.form import INPUT, ReportForm, RowForm

if TYPE_CHECKING:
    from restoration.evaluation.items import Item

LABELS = (INPUT, "smooth", "sharp")
SIZE = (48, 32)


def draw(path: Path, seed: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """A picture at `path`, whatever its suffix says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    across, down = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    waves = [np.sin(9 * across + 5 * down + seed + shift) for shift in (0, 1, 3)]
    Image.fromarray((127 * np.stack(waves, -1) + 128).astype(np.uint8)).save(path)
    return path


def row(identity: str, label: str, **fields) -> RowForm:
    """A line of the report of something that is done, but for `fields`."""
    plain: RowForm = {
        "id": identity,
        "label": label,
        "status": "done",
        "error": None,
        "note": None,
        "file": f"{label}/{PurePosixPath(identity).with_suffix('.png')}",
        "size": SIZE,
        "numbers": {"psnr": 20.0, "ssim": 0.5},
        "seconds": None if label == INPUT else 0.5,
        "input": "0" * 64,
        "reference": None,
        "recipe": None,
        "output": None,
    }
    return {**plain, **fields}


def failed(identity: str, label: str, error: str) -> RowForm:
    """A line of the report of something that failed."""
    nothing = {"file": None, "size": None, "numbers": {}, "seconds": None}
    return row(identity, label, status="failed", error=error, **nothing)


def report(identities, rows, inputs="clean", left_out=()) -> ReportForm:
    """A report on pictures of these ids."""
    knobs = {"steps": 3}
    return {
        "form": 1,
        "plan": {
            "form": 1,
            "inputs": inputs,
            "kind": "noise25" if inputs == "clean" else None,
            "seed": 7,
            "contenders": [
                {"label": label, "method": label, "variant": "plain", "knobs": knobs, "weights": {}}
                for label in LABELS[1:]
            ],
            "measures": {"psnr": "1", "ssim": "1"},
            "versions": {},
        },
        "labels": list(LABELS),
        "items": [
            {"id": one, "file": str(PurePosixPath(one).with_suffix(".png")), "seed": place}
            for place, one in enumerate(identities)
        ],
        "rows": list(rows),
        "left_out": [{"name": name, "why": why} for name, why in left_out],
    }


def numbered(identities) -> list[RowForm]:
    """Rows with numbers that differ: the first contender gains 3 dB, the second loses a little."""
    rng = np.random.default_rng(1)
    rows = []
    for one in identities:
        base = 20 + 4 * float(rng.random())
        for label, gain in zip(LABELS, (0.0, 3.0, -0.1), strict=True):
            psnr = base + gain + float(rng.random()) * 0.2
            rows.append(row(one, label, numbers={"psnr": psnr, "ssim": psnr / 40}))
    return rows


def evaluated(folder: Path, identities) -> tuple[Path, ReportForm, list[Item]]:
    """The folder of an evaluation of clean pictures with all its files, its report, its items."""
    from restoration.evaluation.items import Item

    out, made = folder / "out", report(identities, numbered(identities))
    items = []
    for place, one in enumerate(made["items"]):
        clean = draw(folder / "clean" / one["id"], place)
        items.append(Item(one["id"], clean, None, PurePosixPath(one["file"])))
        for shift, label in enumerate(LABELS):
            draw(out / label / one["file"], place + shift)
    return out, made, items
