"""Measure methods on pictures whose clean version is known."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from restoration import front, image_io
from restoration.degradation_kinds import degrade, steps_of
from restoration.degradations import rounded
from restoration.errors import BadKnobError, BadPictureError, DeviceMemoryError, RestorationError
from restoration.metrics import psnr, ssim
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor

Scores = dict[str, float]

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
"""Suffixes, in lower case, of what counts as a picture in a folder."""
INPUT = "input"
"""The row of the degraded pictures themselves, and the folder they are kept in."""


@dataclass(frozen=True)
class Contender:
    """A method to be measured, under the name that the report gives it."""

    label: str
    method: str
    variant: str | None


@dataclass(frozen=True)
class Run:
    """What is the same for all pictures of an evaluation."""

    kind: str
    seed: int
    out: Path
    contenders: tuple[Contender, ...]


def evaluate(
    methods: Sequence[tuple[str, str | None]],
    clean: Path,
    kind: str,
    out: Path,
    *,
    limit: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Degrade clean pictures, restore them with each method, write `report.json` and the pictures.

    Every method runs under its first preset, as its form starts. A picture's degradation and the
    methods' chance depend on `seed` and on the picture's name alone. All numbers are taken from
    8 bit pictures, as they are written. A picture that cannot be read or restored is noted with
    its error and left out of every mean.

    Args:
        methods: names of methods with their variants; None is the best variant on disk.
        clean: a folder of clean pictures; folders inside it are not searched.
        kind: a name in `KINDS` or `PRESETS` of `degradation_kinds`.
        out: gets `report.json`, `input/NAME.png` and `METHOD/NAME.png`.
        limit: the first so many pictures by name.
        seed: 0 or larger.

    Returns:
        What `report.json` holds. A number that is not finite, as the PSNR of equal pictures, is
        None there, and left out of its mean.

    Raises:
        RestorationError: there is nothing to measure, or nothing could be.
    """
    steps_of(kind, {})
    files = pictures_in(clean, limit)
    contenders = labelled(methods)
    report: dict[str, Any] = {"kind": kind, "seed": seed, "mean": {}, "variants": {}}
    report["pictures"] = rows = []
    run = Run(kind, seed, out, tuple(contenders))
    pairs = list(zip(files, file_names(files), strict=True))
    for path, file in tqdm(pairs, desc=kind, unit="picture", disable=None):
        try:
            rows.append(_row(path, file, run))
        except (BadPictureError, DeviceMemoryError) as error:
            rows.append({"name": path.name, "error": str(error)})
        report["variants"] |= rows[-1].pop("variants", {})
    measured = [row for row in rows if "error" not in row]
    if not measured:
        raise RestorationError(
            f"none of the {len(rows)} pictures could be measured; "
            f"{rows[0]['name']}: {rows[0]['error']}"
        )
    labels = [INPUT, *(contender.label for contender in contenders)]
    report["mean"] = {label: _mean(row[label] for row in measured) for label in labels}
    report = _finite(report)
    _write(out / "report.json", report)
    return report


def pictures_in(folder: Path, limit: int | None = None) -> list[Path]:
    """The pictures of a folder by name, at most `limit` of them.

    Raises:
        RestorationError: there is no such folder, or no picture in it.
        BadKnobError: the limit is below 1.
    """
    if limit is not None and limit < 1:
        raise BadKnobError(f"limit: takes a whole number from 1 (got {limit})")
    if not folder.is_dir():
        raise RestorationError(f"there is no folder {folder.name!r} of clean pictures")
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURES and path.is_file() and not path.name.startswith(".")
    )
    if not found:
        raise RestorationError(
            f"the folder {folder.name!r} holds no pictures "
            f"({', '.join(sorted(PICTURES))} would be taken)"
        )
    return found[:limit]


def labelled(methods: Sequence[tuple[str, str | None]]) -> list[Contender]:
    """Each method under its name, or under name and variant where the name comes twice.

    Raises:
        BadKnobError: there is no method, or one comes twice with the same variant.
    """
    if not methods:
        raise BadKnobError("methods: at least one is needed")
    if len(set(methods)) < len(methods):
        raise BadKnobError("methods: each can be measured once with each variant")
    names = [name for name, _ in methods]
    return [
        Contender(name if names.count(name) == 1 else f"{name}-{variant}", name, variant)
        for name, variant in methods
    ]


def file_names(pictures: Sequence[Path]) -> list[str]:
    """What each picture's results are called: NAME.png, or NAME.jpg.png where two share NAME."""
    stems = [path.stem.lower() for path in pictures]
    return [
        f"{path.stem if stems.count(path.stem.lower()) == 1 else path.name}.png"
        for path in pictures
    ]


def picture_seed(name: str, seed: int) -> int:
    """The seed (0 to 2**31 - 1) of the picture called `name` in a run with `seed`."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def _row(path: Path, file: str, run: Run) -> dict[str, Any]:
    """One picture's part of the report; its results are written as `file`."""
    own_seed = picture_seed(path.name, run.seed)
    clean = image_io.read(path, limits())
    reference = rounded(clean.image)
    bad = replace(clean, image=degrade(reference, run.kind, seed=own_seed), alpha=None, exif=None)
    image_io.write(_ready(run.out / INPUT) / file, bad)
    row: dict[str, Any] = {"name": path.name, INPUT: _scores(bad.image, reference)}
    row["variants"] = {}
    for contender in run.contenders:
        name, knobs = contender.method, front.first_settings(contender.method)
        job = front.prepare(name, bad, variant=contender.variant, seed=own_seed, knobs=knobs)
        result = front.conclude(job, job.steps())
        result.save(_ready(run.out / contender.label) / file)
        restored = rounded(result.picture.image)
        if restored.shape != reference.shape:
            raise BadPictureError(
                f"{contender.label} gives {_size(restored)} for {_size(reference)}: "
                "only methods that keep the size can be measured"
            )
        row[contender.label] = {**_scores(restored, reference), "seconds": result.seconds}
        row["variants"][contender.label] = result.recipe.variant
    return row


def _ready(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _size(image: Tensor) -> str:
    return f"{image.shape[-1]}x{image.shape[-2]}"


def _scores(image: Tensor, reference: Tensor) -> Scores:
    return {"psnr": psnr(image, reference), "ssim": ssim(image, reference)}


def _mean(scores: Iterable[Scores]) -> Scores:
    """The mean of each number over the pictures where it is finite; NaN where it never is."""
    rows = list(scores)
    means = {}
    for key in rows[0]:
        values = [row[key] for row in rows if math.isfinite(row[key])]
        means[key] = sum(values) / len(values) if values else math.nan
    return means


def _finite(value: Any) -> Any:
    """The same data with None, which JSON knows, in place of NaN and infinity."""
    match value:
        case dict():
            return {key: _finite(inner) for key, inner in value.items()}
        case list():
            return [_finite(inner) for inner in value]
        case float() if not math.isfinite(value):
            return None
    return value


def _write(path: Path, report: dict[str, Any]) -> None:
    """Write whole or not at all."""
    _ready(path.parent)
    draft = path.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    draft.replace(path)
