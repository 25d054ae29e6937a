"""The guided priors beside each other, and beside what needs no prior.

    python -m benchmarks.guided --photographs DIR [--limit N] [--methods ddnm gdp] [--tasks x4 text]
    python -m benchmarks.guided --photographs DIR --limit 4 --monotone

Degrades the 64x64 pixels in the middle of every photograph, restores them by every method with
the bundled prior, and prints a table for each task. `--monotone` measures every method with 10,
25 and 100 steps instead. Seeds follow from the names of the files, so every method gets the same
measurement.

Every cell is written to `--out` as it is measured, one JSON object a line, and is not measured
again as long as the weights are the same: a run may be broken off, and several, say of different
methods, may write to one file. The tables hold every row that has all the pictures asked for.
Move the file away when a method has changed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.rivals import RIVALS, Rival
from restoration import front, image_io, weights
from restoration.degradations.single import rounded
from restoration.evaluation.items import picture_seed, pictures_in
from restoration.image_io import Picture
from restoration.measurements import Measurement, measure
from restoration.metrics import gradient_magnitude_similarity, psnr, ssim
from restoration.noise import seeded
from restoration.params import build
from restoration.problems import Problem
from restoration.protocol import Request
from restoration.registry import METHODS
from restoration.runtime import Device, Runtime
from restoration.tiling import mirrored_by

SIDE = 64
"""Of a picture, and of what the bundled prior sees at once."""
SEED = 0
TASKS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "text": ("Fill in: lines of text", {"missing": "text"}),
    "random60": ("Fill in: 60 % random pixels", {"missing": "random", "share": 0.6}),
    "x2": ("Enlarge x2", {"downscale": "x2"}),
    "x4": ("Enlarge x4", {"downscale": "x4"}),
    "colour": ("Colourise", {"grey": True}),
    "noise25": ("Noise of 25 grey levels", {"noise": 25.0}),
    "blur2": (
        "Gaussian blur of 2 pixels, noise 2",
        {"blur": "gaussian", "blur_size": 2.0, "noise": 2.0},
    ),
    "several": (
        "At once: enlarge x2, fill in 20 %, noise 5",
        {"downscale": "x2", "missing": "random", "share": 0.2, "noise": 5.0},
    ),
}
"""Title and knobs of each problem."""
ROWS: Mapping[str, tuple[str, str, Mapping[str, object]]] = {
    "gdp": ("GDP", "gdp", {}),
    "gdp-xt": ("GDP, guided on x_t", "gdp", {"guide": "x_t"}),
    "ddrm": ("DDRM", "ddrm", {}),
    "ddnm": ("DDNM", "ddnm", {}),
    "diffpir": ("DiffPIR", "diffpir", {}),
    "dps": ("DPS", "dps", {}),
}
"""Title, method and knobs of each."""
UNABLE = {("ddrm", "several")}
"""DDRM undoes one degradation at a time."""
COLUMNS = {
    "psnr": ("PSNR", ".2f"),
    "ssim": ("SSIM", ".3f"),
    "gms": ("GMS", ".3f"),
    "consistency": ("consistency", ".2f"),
    "seconds": ("seconds", ".1f"),
}
STRIDES = (10, 25, 100)
"""Steps that `--monotone` compares."""
FLAT = 0.1
"""dB that more steps may lose and still count as flat."""


@dataclass(frozen=True)
class Place:
    """What a cell is about."""

    row: str
    task: str
    picture: str
    steps: int = 0
    samples: int = 0
    weights: str = ""
    """The first digits of their sha256; empty, and no steps, without a prior."""


Cells = dict[Place, dict[str, float]]


class Book:
    """The cells measured so far, in a file of JSON lines."""

    def __init__(self, path: Path, kind: Callable[..., Any] = Place) -> None:
        self.path = path
        self.cells: dict[Any, dict[str, float]] = {}
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for line in lines:
            found = json.loads(line)
            self.cells[kind(**found["place"])] = found["scores"]

    def add(self, place: Any, scores: Mapping[str, float]) -> None:
        """Keep a cell, and write it down."""
        self.cells[place] = dict(scores)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"place": asdict(place), "scores": scores}) + "\n")


def middle(path: Path) -> Tensor:
    """(1, 3, 64, 64): the middle of a photograph, in 8 bit."""
    image = rounded(image_io.read(path).image)
    top, left = ((side - SIDE) // 2 for side in image.shape[-2:])
    return image[..., top : top + SIDE, left : left + SIDE]


def measured_by_rival(rival: Rival, clean: Tensor, task: str, seed: int) -> dict[str, float]:
    """The scores of what needs no prior."""
    problem = build(Problem, {"spoil": True, **TASKS[task][1]})
    known = measure(Request(clean), problem, seeded(seed), patch=SIDE)
    start = time.perf_counter()
    restored = rival.apply(known)
    seconds = time.perf_counter() - start
    agreement = known.consistency(2 * _with_margins(restored, known) - 1)
    return {**_scores(restored, clean), "consistency": agreement, "seconds": seconds}


def measured_by_prior(place: Place, clean: Tensor, seed: int, runtime: Runtime) -> dict[str, float]:
    """The scores of a guided prior; the consistency is the one that the hub shows."""
    _, name, knobs = ROWS[place.row]
    problem = {f"problem.{knob}": value for knob, value in TASKS[place.task][1].items()}
    asked = {"steps": place.steps, "samples": place.samples, "problem.spoil": True}
    job = front.prepare(
        name, Picture(clean), variant="mini", seed=seed, knobs={**problem, **knobs, **asked}
    )
    runtime.restorer(job.method, job.variant)  # so that loading takes no part of the time
    done = front.conclude(job, job.steps(runtime))
    found = {"consistency": done.measured["consistency"], "seconds": done.seconds}
    return {**_scores(done.picture.image, clean), **found}


def fill(book: Book, places: Iterable[Place], folder: Path) -> None:
    """Measure the places that the book lacks."""
    runtime = Runtime(Device.best(), keep=len(METHODS))
    rivals = {rival.name: rival for rival in RIVALS}
    missing = [place for place in places if place not in book.cells]
    for place in tqdm(missing, unit="cell", disable=None):
        clean, seed = middle(folder / place.picture), picture_seed(place.picture, SEED)
        if place.row in rivals:
            scores = measured_by_rival(rivals[place.row], clean, place.task, seed)
        else:
            scores = measured_by_prior(place, clean, seed, runtime)
        book.add(place, scores)


def places_of(asked: argparse.Namespace) -> Iterator[Place]:
    """All cells that are asked for, picture by picture, so that a run may be broken off."""
    version = _version()
    strides = STRIDES if asked.monotone else (asked.steps,)
    samples = (1,) if asked.monotone else tuple(asked.samples)
    rivals = () if asked.monotone else RIVALS
    for path, task in product(pictures_in(asked.photographs, asked.limit), asked.tasks):
        for rival in rivals:
            if task in rival.tasks:
                yield Place(rival.name, task, path.name)
        for row, steps, several in product(asked.methods, strides, samples):
            if (row, task) not in UNABLE:
                yield Place(row, task, path.name, steps, several, version)


def complete(cells: Cells, asked: argparse.Namespace) -> Cells:
    """All cells of rows that have every picture asked for, in the order of the tables."""
    version = _version()
    names = [path.name for path in pictures_in(asked.photographs, asked.limit)]
    rows = dict.fromkeys(replace(place, picture="") for place in cells)
    order = [*(rival.name for rival in RIVALS), *ROWS]
    found: Cells = {}
    for row in sorted(rows, key=lambda row: (order.index(row.row), row.samples)):
        places = [replace(row, picture=name) for name in names]
        current = (row.steps, row.weights) in ((0, ""), (asked.steps, version))
        if current and all(place in cells for place in places):
            found.update({place: cells[place] for place in places})
    return found


def table(cells: Cells, task: str) -> str:
    """The means of a task, a line for each row."""
    rows: dict[tuple[str, int, int], list[Mapping[str, float]]] = {}
    for place, scores in cells.items():
        if place.task == task:
            rows.setdefault((place.row, place.steps, place.samples), []).append(scores)
    count = len({place.picture for place in cells})
    heads = [head for head, _ in COLUMNS.values()]
    lines = [f"**{TASKS[task][0]}** ({count} pictures)", ""]
    lines += [f"| | {' | '.join(heads)} | calls |", "| --- |" + " ---: |" * (len(heads) + 1)]
    for (row, steps, samples), found in rows.items():
        title = ROWS[row][0] if row in ROWS else row
        label = f"{title}, mean of {samples}" if samples > 1 else title
        shown = [_mean(found, name, form) for name, (_, form) in COLUMNS.items()]
        calls = f"{samples} x {steps}" if samples > 1 else str(steps or "-")
        lines.append(f"| {label} | {' | '.join(shown)} | {calls} |")
    return "\n".join(lines)


def steps_table(cells: Cells) -> str:
    """Mean PSNR of each method and task by the number of steps, and the most that more lose."""
    means: dict[tuple[str, str], dict[int, list[float]]] = {}
    for place, scores in cells.items():
        by_steps = means.setdefault((place.row, place.task), {})
        by_steps.setdefault(place.steps, []).append(scores["psnr"])
    heads = [f"{steps} steps" for steps in STRIDES]
    lines = [f"| | task | {' | '.join(heads)} | |", "| --- | --- |" + " ---: |" * 3 + " --- |"]
    for (row, task), found in means.items():
        values = [statistics.fmean(found[steps]) for steps in STRIDES]
        loss = max(a - b for a, b in combinations(values, 2))
        verdict = "monotone or flat" if loss <= FLAT else f"loses {loss:.2f} dB"
        shown = " | ".join(f"{value:.2f}" for value in values)
        lines.append(f"| {ROWS[row][0]} | {task} | {shown} | {verdict} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is lacking, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of clean ones")
    parser.add_argument("--limit", type=int, help="only the first so many")
    parser.add_argument("--methods", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--steps", type=int, default=50, help="calls of the network")
    parser.add_argument("--samples", type=int, nargs="+", default=[1, 4], help="averaged")
    parser.add_argument("--monotone", action="store_true", help="compare 10, 25 and 100 steps")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 leaves it to torch")
    parser.add_argument("--out", type=Path, default=Path("guided.jsonl"), help="cells, kept")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    book, places = Book(asked.out), list(places_of(asked))
    fill(book, places, asked.photographs)
    if asked.monotone:
        print(steps_table({place: book.cells[place] for place in places}))
    else:
        cells = complete(book.cells, asked)
        print("\n\n".join(table(cells, task) for task in asked.tasks))


def _version() -> str:
    return weights.fingerprint(weights.locate("mini-prior64"))[:12]


def _scores(restored: Tensor, clean: Tensor) -> dict[str, float]:
    """Of the picture in 8 bit, as it is written."""
    eight_bit = rounded(restored)
    return {
        "psnr": psnr(eight_bit, clean),
        "ssim": ssim(eight_bit, clean),
        "gms": gradient_magnitude_similarity(eight_bit, clean),
    }


def _with_margins(picture: Tensor, known: Measurement) -> Tensor:
    """The picture with what a blur looks at beyond its border, mirrored."""
    return mirrored_by(picture, known.crop[0], known.crop[2])


def _mean(found: list[Mapping[str, float]], key: str, form: str) -> str:
    return format(statistics.fmean(one[key] for one in found), form)


if __name__ == "__main__":
    main()
