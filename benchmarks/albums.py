"""What an album adds to Gen2Res: places of a photograph, restored with and without one of others.

    python -m benchmarks.albums --photographs DIR [--limit 10] [--minutes 3] [--ways none low-rank]

Of every photograph, 4 places of 64x64 pixels are degraded, and 12 others, that overlap neither
them nor each other, are an album. The bundled prior restores the 4 as it is (`none`), and after it
was trained on the album for some minutes, low-rank and in full. Which places these are, how they
are degraded and the noise that they are drowned in follow from the name of the file, so all ways
get the same. The tables show the means over the photographs, what an album gains with its standard
deviation over them, and for how many it gains.

Every cell is written to `--out` as it is measured, one JSON object a line, and is not measured
again: a run may be broken off, and several, say of different ways, may write to one file. Minutes
are of the clock, so let no more of them run than there are cores. The tables hold the photographs
that have every cell asked for. Move the file away when the method has changed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.guided import Book
from restoration import front, image_io, weights
from restoration.albums import Shelf
from restoration.albums.jobs import training
from restoration.degradations.kinds import degrade
from restoration.degradations.single import rounded
from restoration.errors import BadPictureError
from restoration.evaluation.items import picture_seed, pictures_in
from restoration.image_io import Picture
from restoration.methods import gen2res
from restoration.metrics import gradient_magnitude_similarity, psnr
from restoration.noise import seeded
from restoration.protocol import Request, finish
from restoration.runtime import Device, Runtime

SIDE = 64
"""Of a place, and of what the bundled prior sees at once."""
NUM_RESTORED, NUM_LEARNED = 4, 12
"""Places of a photograph."""
SEED = 0
INPUT, NONE = "input", "none"
"""In place of a way: nothing done, and restored without an album."""
WAYS = (NONE, "low-rank", "full")
MEASURES = {"psnr": ("PSNR", ".2f"), "gms": ("GMS", ".3f")}
STEPS = 25


@dataclass(frozen=True)
class Place:
    """What a cell is about; its scores are means over the places of a photograph."""

    picture: str
    way: str
    kind: str
    """Of degradation."""
    noise_step: int = 0
    minutes: float = 0.0
    steps: int = 0
    """Of training, instead of minutes."""
    weights: str = ""
    """The first digits of the prior's sha256."""


Cells = Mapping[Place, Mapping[str, float]]


def places_in(path: Path) -> tuple[Tensor, list[Picture]]:
    """(4, 3, 64, 64) to be restored, and 12 to learn from, of a photograph in 8 bit.

    Raises:
        BadPictureError: it is too small.
    """
    image = rounded(image_io.read(path).image)
    height, width = image.shape[-2:]
    corners = list(product(range(0, height - SIDE + 1, SIDE), range(0, width - SIDE + 1, SIDE)))
    if len(corners) < NUM_RESTORED + NUM_LEARNED:
        raise BadPictureError(
            f"{path.name} is {width}x{height} and has room for {len(corners)} places of "
            f"{SIDE}x{SIDE}: {NUM_RESTORED + NUM_LEARNED} are needed"
        )
    np.random.default_rng(picture_seed(path.name, SEED)).shuffle(corners)
    cut = [image[..., top : top + SIDE, left : left + SIDE] for top, left in corners]
    album = [Picture(one) for one in cut[NUM_RESTORED : NUM_RESTORED + NUM_LEARNED]]
    return torch.cat(cut[:NUM_RESTORED]), album


def wanted(asked: argparse.Namespace) -> Iterator[Place]:
    """All cells that are asked for, picture by picture, so that a run may be broken off."""
    version = weights.fingerprint(weights.locate("mini-prior64"))[:12]
    for path, way in product(pictures_in(asked.photographs, asked.limit), (INPUT, *asked.ways)):
        minutes, steps = (0.0, 0) if way in (INPUT, NONE) else (asked.minutes, asked.steps)
        depths = (0,) if way == INPUT else tuple(asked.noise_steps)
        for kind, noise_step in product(asked.kinds, depths):
            prior = "" if way == INPUT else version
            yield Place(path.name, way, kind, noise_step, minutes, steps, prior)


def fill(book: Book, places: Iterable[Place], folder: Path) -> None:
    """Measure the places that the book lacks."""
    runtime = Runtime(Device.best())
    missing = [place for place in places if place not in book.cells]
    with tqdm(total=len(missing), unit="cell", disable=None) as bar:
        for (name, way), group in groupby(missing, lambda place: (place.picture, place.way)):
            clean, pictures = places_in(folder / name)
            together = list(group)
            with tempfile.TemporaryDirectory() as kept:
                learned: Path | None = None
                about: Mapping[str, float] = {}
                if way not in (INPUT, NONE):
                    learned, about = train(Shelf(Path(kept)), pictures, together[0], runtime)
                for place in together:
                    book.add(place, {**scores(place, clean, learned, runtime), **about})
                    bar.update()


def train(
    shelf: Shelf, pictures: Sequence[Picture], place: Place, runtime: Runtime
) -> tuple[Path, dict[str, float]]:
    """(the file with what was learned, how the training went)."""
    shelf.make("album", pictures)
    knobs = {"way": place.way, "minutes": place.minutes, "steps": place.steps}
    *_, last = training(shelf, "album", variant="mini", knobs=knobs, runtime=runtime)
    path = shelf.open("album").weights
    assert path is not None, "a training that has ended leaves weights"
    return path, {"trained": last.done, **last.measured}


def scores(place: Place, clean: Tensor, learned: Path | None, runtime: Runtime) -> dict[str, float]:
    """The means of a way over the places of a photograph, in 8 bit as they are written."""
    seed = picture_seed(place.picture, SEED)
    shown = torch.cat(
        [degrade(one[None], place.kind, seed=seed + i) for i, one in enumerate(clean)]
    )
    if place.way != INPUT:
        restorer = runtime.restorer(gen2res.METHOD, front.variant_of("gen2res", "mini"))
        params = gen2res.Gen2resParams(noise_step=place.noise_step, steps=STEPS)
        request = Request(shown, album=learned)  # all at once: the walk takes a batch
        shown = rounded(finish(restorer(request, params, seeded(seed))))
    pairs = [(a[None], b[None]) for a, b in zip(shown, clean, strict=True)]
    return {
        "psnr": statistics.fmean(psnr(a, b) for a, b in pairs),
        "gms": statistics.fmean(gradient_magnitude_similarity(a, b) for a, b in pairs),
    }


def complete(cells: Cells, asked: argparse.Namespace) -> dict[Place, Mapping[str, float]]:
    """The cells of the photographs that have every one that is asked for."""
    by_picture: dict[str, list[Place]] = {}
    for place in wanted(asked):
        by_picture.setdefault(place.picture, []).append(place)
    whole = [places for places in by_picture.values() if all(place in cells for place in places)]
    return {place: cells[place] for places in whole for place in places}


def table(cells: Cells, measure: str, ways: Sequence[str]) -> str:
    """What every way comes to by degradation and depth, and what an album gains."""
    title, form = MEASURES[measure]
    values = _by_row(cells, measure)
    taught = [way for way in ways if way != NONE]
    pairs = [(way, NONE) for way in taught if NONE in ways]
    pairs += [("low-rank", "full")] if {"low-rank", "full"} <= set(ways) else []
    heads = [INPUT, *ways, *(f"{way} - {other}" for way, other in pairs)]
    lines = [
        f"**{title}** ({len({place.picture for place in cells})} photographs)",
        "",
        f"| degradation | K | {' | '.join(heads)} |",
        "| --- | ---: |" + " ---: |" * len(heads),
    ]
    for (kind, noise_step), found in values.items():
        row = [format(statistics.fmean(found[way].values()), form) for way in (INPUT, *ways)]
        row += [_gain(found[way], found[other], form) for way, other in pairs]
        lines.append(f"| {kind} | {noise_step or 'all'} | {' | '.join(row)} |")
    return "\n".join(lines)


Scores = dict[str, dict[str, float]]
"""Of a row: way -> photograph -> value."""


def _by_row(cells: Cells, measure: str) -> dict[tuple[str, int], Scores]:
    """One row for each degradation and depth, the means over them in the last."""
    rows: dict[tuple[str, int], Scores] = {}
    for place, found in cells.items():
        if place.noise_step:
            row = rows.setdefault((place.kind, place.noise_step), {})
            row.setdefault(place.way, {})[place.picture] = found[measure]
    for (kind, _), row in rows.items():
        row[INPUT] = {
            place.picture: found[measure]
            for place, found in cells.items()
            if (place.way, place.kind) == (INPUT, kind)
        }
    parts = list(rows.values())
    rows["all", 0] = {
        way: {name: statistics.fmean(part[way][name] for part in parts) for name in parts[0][way]}
        for way in (parts[0] if parts else ())
    }
    return rows


def _gain(values: Mapping[str, float], others: Mapping[str, float], form: str) -> str:
    """Mean and standard deviation over the photographs, and how many gain."""
    gains = [value - others[name] for name, value in values.items()]
    spread = statistics.stdev(gains) if len(gains) > 1 else 0.0
    better = sum(gain > 0 for gain in gains)
    return f"{statistics.fmean(gains):+{form}} ± {spread:{form}}, {better} of {len(gains)}"


def main() -> None:
    """Measure what is lacking, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of clean ones")
    parser.add_argument("--limit", type=int, default=10, help="only the first so many")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--minutes", type=float, default=3.0, help="of training")
    parser.add_argument("--steps", type=int, default=0, help="of training, instead of minutes")
    parser.add_argument("--kinds", nargs="+", default=["mixed", "noise25", "blur2"])
    parser.add_argument("--noise-steps", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 leaves it to torch")
    parser.add_argument("--out", type=Path, default=Path("albums.jsonl"), help="cells, kept")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    book = Book(asked.out, Place)
    fill(book, list(wanted(asked)), asked.photographs)
    cells = complete(book.cells, asked)
    print("\n\n".join(table(cells, measure, asked.ways) for measure in MEASURES))


if __name__ == "__main__":
    main()
