"""DA-CLIP and IR-SDE: what is recognised, and what each way back gains.

    python -m benchmarks.irsde --photographs DIR [--limit N] [--side 192] [--rows fast-10 ...]

Recognition is measured on whole photographs (`--limit-recognised`), as a table of what was said of
each degradation. Restoration is measured on the middle of each photograph, by the bundled weights:
every walk, and the fast one in 10 steps without what DA-CLIP says (both embeddings zero), with the
right word by hand and with a wrong one, in turn all the others. Seeds follow from the names of the
files, so every row gets the same degraded picture and the same noise.

Every cell is written to `--out` as it is measured and is not measured again as long as the weights
are the same: a run may be broken off.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import cast

import torch
from torch import Tensor
from tqdm import tqdm

from benchmarks.guided import Book
from clip_degradation.recognise import Embeddings, recognise
from clip_degradation.vocabulary import CLEAN
from restoration import image_io, weights
from restoration.degradations.kinds import degrade
from restoration.degradations.single import rounded
from restoration.evaluation.items import picture_seed, pictures_in
from restoration.methods.daclip_irsde import (
    METHOD,
    DaclipIrsdeParams,
    MeanReverting,
    levels_for,
)
from restoration.metrics import psnr, ssim
from restoration.noise import seeded
from restoration.params import build
from restoration.runtime import Device
from restoration.training.pairs import KIND_OF, WORDS

SEED = 0
FAST = {"walk": "fast", "steps": 10}
ROWS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "posterior-100": ("posterior, 100 steps", {"walk": "posterior", "steps": 100}),
    "fast-5": ("fast, 5 steps", {"walk": "fast", "steps": 5}),
    "fast-10": ("fast, 10 steps", FAST),
    "fast-20": ("fast, 20 steps", {"walk": "fast", "steps": 20}),
    "nothing": ("fast, 10 steps, told nothing", FAST),
    "right": ("fast, 10 steps, told the right word", FAST),
    "wrong": ("fast, 10 steps, told a wrong word", FAST),
}
"""Title and knobs of each."""


@dataclass(frozen=True)
class Place:
    """What a cell is about."""

    row: str
    word: str
    """What is wrong with the picture."""
    picture: str
    side: int = 0
    """Of the square that is restored; 0 is the whole picture, recognised alone."""
    weights: str = ""
    """The first digits of the sha256 of both files."""


def spoilt(clean: Tensor, word: str, seed: int) -> Tensor:
    """The picture as the word says, at its usual strength."""
    return clean if word == CLEAN else degrade(clean, KIND_OF[word], seed=seed)


def middle(path: Path, side: int) -> Tensor:
    """(1, 3, S, S): the middle of a photograph, in 8 bit; all of it where side is 0."""
    image = rounded(image_io.read(path).image)
    if not side:
        return image
    top, left = (max(0, (length - side) // 2) for length in image.shape[-2:])
    return image[..., top : top + side, left : left + side]


def recognised(method: MeanReverting, path: Path, word: str) -> dict[str, float]:
    """The share of every word in a whole photograph that was spoilt."""
    assert method.controller is not None
    picture = spoilt(middle(path, 0), word, picture_seed(path.name, SEED))
    return recognise(method.controller, picture, WORDS, view=method.system.view).probabilities


def restored(method: MeanReverting, path: Path, place: Place) -> dict[str, float]:
    """PSNR and SSIM of the degraded picture and of the result, and the seconds it took."""
    clean, seed = middle(path, place.side), picture_seed(path.name, SEED)
    degraded = spoilt(clean, place.word, seed)
    knobs = {**ROWS[place.row][1]}
    if place.row in ("right", "wrong"):
        knobs["degradation"] = place.word if place.row == "right" else _wrong(place.word, seed)
    params = build(DaclipIrsdeParams, knobs)
    start = time.perf_counter()
    told = method.look(degraded, params).embeddings
    if place.row == "nothing":
        told = _silent(cast(Embeddings, told))
    levels = levels_for(method.system, params)
    *_, last = method.walk(degraded, told, levels, params, seeded(seed))
    seconds = time.perf_counter() - start
    result = rounded(last.x_s)
    return {
        "psnr before": psnr(degraded, clean),
        "psnr": psnr(result, clean),
        "ssim before": ssim(degraded, clean),
        "ssim": ssim(result, clean),
        "seconds": seconds,
    }


def fill(book: Book, places: Sequence[Place], folder: Path) -> None:
    """Measure the places that the book lacks."""
    method = mini()
    missing = [place for place in places if place not in book.cells]
    for place in tqdm(missing, unit="cell", disable=None):
        path = folder / place.picture
        if place.side:
            book.add(place, restored(method, path, place))
        else:
            book.add(place, recognised(method, path, place.word))


def mini() -> MeanReverting:
    """The bundled weights."""
    variant = next(one for one in METHOD.variants if one.name == "mini")
    return cast(MeanReverting, METHOD.load(Device.best(), variant))


def places_of(asked: argparse.Namespace) -> list[Place]:
    """All cells that are asked for, picture by picture."""
    version = "+".join(weights.fingerprint(weights.locate(name))[:8] for name in _FILES)
    seen = pictures_in(asked.photographs, asked.limit_recognised)
    places = [
        Place("recognised", word, path.name, 0, version) for path, word in product(seen, WORDS)
    ]
    walked = pictures_in(asked.photographs, asked.limit)
    for path, word, row in product(walked, WORDS, asked.rows):
        if word != CLEAN or row in ("posterior-100", "fast-10"):
            places.append(Place(row, word, path.name, asked.side, version))
    return places


def confusion(cells: Mapping[Place, Mapping[str, float]]) -> str:
    """How many pictures were said to have what, a line for each degradation."""
    lines = [f"| | {' | '.join(WORDS)} |", "| --- |" + " ---: |" * len(WORDS)]
    right = count = 0
    for word in WORDS:
        found = [shares for place, shares in cells.items() if not place.side and place.word == word]
        said = [max(shares, key=shares.__getitem__) for shares in found]
        right, count = right + said.count(word), count + len(said)
        lines.append(f"| {word} | {' | '.join(str(said.count(one)) for one in WORDS)} |")
    return "\n".join([*lines, "", f"{right} of {count} right ({right / max(count, 1):.1%})."])


def table(cells: Mapping[Place, Mapping[str, float]], measure: str, form: str) -> str:
    """The means of a measure, a line for each row and a column for each degradation."""
    count = len({place.picture for place in cells if place.side})
    lines = [f"| {count} pictures | {' | '.join(WORDS)} |", "| --- |" + " ---: |" * len(WORDS)]
    walked = {place: scores for place, scores in cells.items() if place.side}
    wanted = [("fast-10", f"{measure} before", "as degraded")]
    wanted += [(row, measure, title) for row, (title, _) in ROWS.items()]
    for row, key, title in wanted:
        found = [
            [
                scores[key]
                for place, scores in walked.items()
                if (place.row, place.word) == (row, word) and key in scores
            ]
            for word in WORDS
        ]
        shown = [format(statistics.fmean(some), form) if some else "-" for some in found]
        if any(found):
            lines.append(f"| {title} | {' | '.join(shown)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is lacking, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of clean ones")
    parser.add_argument("--limit", type=int, help="restore only the first so many")
    parser.add_argument("--limit-recognised", type=int, help="look only at the first so many")
    parser.add_argument("--side", type=int, default=192, help="of the square that is restored")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 leaves it to torch")
    parser.add_argument("--out", type=Path, default=Path("irsde.jsonl"), help="cells, kept")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    book, places = Book(asked.out, Place), places_of(asked)
    fill(book, places, asked.photographs)
    cells = {place: book.cells[place] for place in places}
    print(confusion(cells), "\nPSNR", table(cells, "psnr", ".2f"), sep="\n\n", end="\n\n")
    print("SSIM", table(cells, "ssim", ".3f"), sep="\n\n", end="\n\n")
    print("Seconds of", table(cells, "seconds", ".1f"), sep="\n\n")


_FILES = ("mini-irsde", "mini-daclip")


def _silent(told: Embeddings) -> Embeddings:
    """Embeddings that say nothing."""
    return Embeddings(torch.zeros_like(told.content), torch.zeros_like(told.degradation))


def _wrong(word: str, seed: int) -> str:
    others = [one for one in WORDS if one != word]
    return others[seed % len(others)]


if __name__ == "__main__":
    main()
