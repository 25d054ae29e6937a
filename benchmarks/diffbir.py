"""DiffBIR's stages beside each other, from faithful to real.

    python -m benchmarks.diffbir --photographs DIR [--limit N] [--side 256] [--variant mini]

Degrades the middle of every photograph by the random second-order degradation that DiffBIR is
trained on, restores it with every value of the slider, and prints means: PSNR, gradient magnitude
similarity (GMS) and SSIM to the clean picture, PSNR to the picture of stage 1, and sharpness, the
standard deviation of the Laplacian over that of the clean picture. Seeds follow from the names of
the files. Cells are kept in `--out`, as `benchmarks.guided` does. With `--autoencoder` it measures
instead what the autoencoder alone does to clean photographs, whole: no detail can be nearer.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from benchmarks.guided import Book
from benchmarks.irsde import middle
from restoration import front, weights
from restoration.degradations.kinds import degrade
from restoration.degradations.single import rounded
from restoration.evaluation.items import picture_seed, pictures_in
from restoration.image_io import Picture
from restoration.methods.diffbir import METHOD
from restoration.metrics import gradient_magnitude_similarity, psnr, ssim
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.runtime import Device, Runtime

SEED = 0
KIND = "real-esrgan"
ROWS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "stage 1": ("stage 1", {}),
    **{
        f"realness {share}": (f"both, realness {share}", {"stages": "both", "realness": share})
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    },
    "held": ("both, held flat (w_mse)", {"stages": "both", "guidance.loss": "w_mse"}),
}
"""Title and knobs of each."""
COLUMNS = {
    "psnr": ("PSNR", ".2f"),
    "ssim": ("SSIM", ".3f"),
    "gms": ("GMS", ".4f"),
    "sharpness": ("sharpness", ".2f"),
    "to stage 1": ("PSNR to stage 1", ".2f"),
    "seconds": ("seconds", ".1f"),
}
LAPLACE = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


@dataclass(frozen=True)
class Place:
    """What a cell is about."""

    row: str
    picture: str
    side: int
    variant: str
    weights: str
    """The first digits of the sha256 of all files of the variant."""


def laplacian(picture: Tensor) -> float:
    """Standard deviation of the Laplacian of (1, 3, H, W), a measure of fine detail and grain."""
    kernel = picture.new_tensor(LAPLACE)[None, None]
    return float(functional.conv2d(picture.transpose(0, 1), kernel).std())


def measured(
    clean: Tensor, seed: int, places: Sequence[Place], runtime: Runtime
) -> dict[Place, dict[str, float]]:
    """The scores of several rows for one picture."""
    degraded = degrade(clean, KIND, seed=seed)
    stage1, _ = _restored(degraded, places[0].variant, {}, seed, runtime)
    found = {}
    for place in places:
        knobs = ROWS[place.row][1]
        result, seconds = _restored(degraded, place.variant, knobs, seed, runtime)
        found[place] = _scores(result, clean) | {
            "to stage 1": min(psnr(result, stage1), 100),
            "seconds": seconds,
        }
    return found


def fill(book: Book, places: Sequence[Place], folder: Path) -> None:
    """Measure the places that the book lacks, picture by picture."""
    runtime = Runtime(Device.best())
    lacking: dict[str, list[Place]] = {}
    for place in places:
        if place not in book.cells:
            lacking.setdefault(place.picture, []).append(place)
    for name, some in tqdm(lacking.items(), unit="picture", disable=None):
        clean, seed = middle(folder / name, some[0].side), picture_seed(name, SEED)
        for place, scores in measured(clean, seed, some, runtime).items():
            book.add(place, scores)


def places_of(asked: argparse.Namespace) -> list[Place]:
    """All cells that are asked for."""
    variant = next(one for one in METHOD.variants if one.name == asked.variant)
    files = (*variant.weights, *variant.further)
    version = "+".join(weights.fingerprint(weights.locate(name))[:6] for name in files)
    return [
        Place(row, path.name, asked.side, asked.variant, version)
        for path in pictures_in(asked.photographs, asked.limit)
        for row in ROWS
    ]


@torch.no_grad()
def through_autoencoder(autoencoder: Any, clean: Tensor) -> Tensor:
    """(1, 3, H, W), cut to whole latents: a picture encoded and decoded."""
    factor = mini_diffbir.factor(autoencoder.config)
    height, width = (side // factor * factor for side in clean.shape[-2:])
    latent = autoencoder.encode(clean[..., :height, :width] * 2 - 1).latent_dist.mode()
    decoded: Tensor = autoencoder.decode(latent).sample
    return rounded((decoded / 2 + 0.5).clamp(0, 1))


def bound(folder: Path, limit: int | None) -> list[float]:
    """PSNR of each clean photograph through the mini's autoencoder."""
    autoencoder = stable_diffusion.load_autoencoder(weights.named("mini-diffbir-autoencoder"))
    found = []
    for path in tqdm(pictures_in(folder, limit), unit="picture", disable=None):
        clean = middle(path, 0)
        back = through_autoencoder(autoencoder, clean)
        found.append(psnr(back, clean[..., : back.shape[-2], : back.shape[-1]]))
    return found


def table(cells: Mapping[Place, Mapping[str, float]]) -> str:
    """The means, a line for each row."""
    heads = " | ".join(head for head, _ in COLUMNS.values())
    count = len({place.picture for place in cells})
    lines = [f"| {count} pictures | {heads} |", "| --- |" + " ---: |" * len(COLUMNS)]
    for row, (title, _) in ROWS.items():
        found = [scores for place, scores in cells.items() if place.row == row]
        if found:
            means = (
                format(statistics.fmean(one[key] for one in found), form)
                for key, (_, form) in COLUMNS.items()
            )
            lines.append(f"| {title} | {' | '.join(means)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is lacking, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of clean ones")
    parser.add_argument("--limit", type=int, help="only the first so many")
    parser.add_argument("--side", type=int, default=256, help="of the square that is restored")
    parser.add_argument("--variant", default="mini", help="of diffbir")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0 leaves it to torch")
    parser.add_argument("--out", type=Path, default=Path("diffbir.jsonl"), help="cells, kept")
    parser.add_argument("--autoencoder", action="store_true", help="measure it alone")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    if asked.autoencoder:
        found = bound(asked.photographs, asked.limit)
        print(f"{len(found)} pictures, PSNR {statistics.fmean(found):.2f} dB")
        return
    book, places = Book(asked.out, Place), places_of(asked)
    fill(book, places, asked.photographs)
    print(table({place: book.cells[place] for place in places}))


def _restored(
    degraded: Tensor, variant: str, knobs: Mapping[str, object], seed: int, runtime: Runtime
) -> tuple[Tensor, float]:
    job = front.prepare("diffbir", Picture(degraded), variant=variant, seed=seed, knobs=knobs)
    done = front.conclude(job, job.steps(runtime))
    return rounded(done.picture.image), done.seconds


def _scores(result: Tensor, clean: Tensor) -> dict[str, float]:
    return {
        "psnr": psnr(result, clean),
        "ssim": ssim(result, clean),
        "gms": gradient_magnitude_similarity(result, clean),
        "sharpness": laplacian(result) / laplacian(clean),
    }


if __name__ == "__main__":
    main()
