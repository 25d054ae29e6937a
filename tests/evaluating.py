"""A small evaluation: drawn pictures in folders, and the fake method that smoothes them."""

import torch

from restoration import image_io
from restoration.evaluation.plan import Wanted, planned
from restoration.evaluation.runner import evaluate


def drawn(level, height=24, width=32):
    """A picture of ramps and an edge, (1, 3, height, width)."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return torch.stack([level * x, 0.5 * y, (x > y) * 0.6])[None]


def put(folder, *names, level=0.4, **size):
    """Draw pictures into a folder; gives the folder."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = image_io.Picture(drawn(level + 0.05 * number, **size))
        draft = image_io.write(path.with_suffix(".part.png"), picture)
        draft.rename(path)
    return folder


def smoothed(tmp_path, *wanted, **given):
    """The report on the pictures in tmp_path/clean, or those that are given."""
    if not given.keys() & {"clean", "degraded"}:
        given = {"clean": tmp_path / "clean", "kind": "noise25", **given}
    asked = planned(wanted or (Wanted("smooth"),), tmp_path / "out", **given)
    return evaluate(asked)


def row_of(report, name, label="smooth"):
    """The row of one picture and contender."""
    return next(row for row in report["rows"] if (row["id"], row["label"]) == (name, label))
