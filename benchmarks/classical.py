"""A hub method beside non-local means, bilateral filter and total variation.

python -m benchmarks.classical --clean DIR --train DIR [--limit N] [--kinds noise25 jpeg20 mixed]

All of them restore the same degraded pictures in one run. The classical filters are those of
scikit-image. Each has one strength in the range of the picture, `share * estimate + floor`, where
the estimate is that of the noise in the degraded picture. Share and floor are those with the best
mean PSNR on degraded *training* photographs of the same kind, so that every filter is as good as
it gets without seeing the pictures it is measured on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.restoration import (
    denoise_bilateral,
    denoise_nl_means,
    denoise_tv_chambolle,
)
from torch import Tensor
from tqdm import tqdm

from restoration import front, image_io
from restoration.degradations.kinds import degrade
from restoration.degradations.single import rounded
from restoration.evaluation.items import picture_seed, pictures_in
from restoration.metrics import psnr, ssim

Pixels = NDArray[np.float32]
Setting = tuple[float, float]
Row = dict[str, float]

SETTINGS: tuple[Setting, ...] = (
    *((share, 0.0) for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 2.0)),
    *((0.0, floor) for floor in (0.003, 0.006, 0.012, 0.02, 0.03, 0.05, 0.08)),
)
"""Pairs of share and floor that are tried."""


@dataclass(frozen=True)
class Filter:
    """A classical filter: pixels (H, W, 3), its strength, the noise estimate; pixels."""

    name: str
    apply: Callable[[Pixels, float, float], Pixels]


def non_local_means(pixels: Pixels, strength: float, estimate: float) -> Pixels:
    """Patches of 5x5, searched 6 pixels far; the strength is h."""
    return denoise_nl_means(
        pixels,
        h=strength,
        sigma=estimate,
        patch_size=5,
        patch_distance=6,
        fast_mode=True,
        channel_axis=-1,
    )


def bilateral(pixels: Pixels, strength: float, _: float) -> Pixels:
    """A window of 7x7 with 2 pixels of sigma; the strength is the sigma in colour."""
    return denoise_bilateral(
        pixels, win_size=7, sigma_color=strength, sigma_spatial=2, channel_axis=-1
    )


def total_variation(pixels: Pixels, strength: float, _: float) -> Pixels:
    """Chambolle's algorithm; the strength is its weight."""
    return denoise_tv_chambolle(pixels, weight=strength, channel_axis=-1)


FILTERS = (
    Filter("non-local means", non_local_means),
    Filter("bilateral", bilateral),
    Filter("total variation", total_variation),
)


def degraded_pairs(folder: Path, kind: str, limit: int | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Degraded and clean picture, as `evaluate` with seed 0 makes them."""
    for path in pictures_in(folder, limit):
        clean = rounded(image_io.read(path).image)
        yield degrade(clean, kind, seed=picture_seed(path.name, 0)), clean


def noise_estimate(pixels: Pixels) -> float:
    """Standard deviation of the noise: the median of the diagonal Haar details (Donoho 1994)."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    even, odd = pixels[0:height:2], pixels[1:height:2]
    detail = even[:, 0:width:2] - even[:, 1:width:2] - odd[:, 0:width:2] + odd[:, 1:width:2]
    return float(np.median(np.abs(detail))) / 2 / 0.6745


def filtered(image: Tensor, classic: Filter, setting: Setting) -> Tensor:
    """(1, 3, H, W) in and out."""
    pixels = image[0].permute(1, 2, 0).contiguous().numpy()
    estimate = noise_estimate(pixels)
    strength = max(setting[0] * estimate + setting[1], 1e-4)
    result = np.asarray(classic.apply(pixels, strength, estimate), dtype=np.float32)
    return rounded(torch.from_numpy(result).permute(2, 0, 1)[None])


def best_setting(classic: Filter, pairs: list[tuple[Tensor, Tensor]]) -> Setting:
    """The setting with the best mean PSNR on these pairs of degraded and clean."""

    def mean(setting: Setting) -> float:
        return statistics.fmean(psnr(filtered(bad, classic, setting), good) for bad, good in pairs)

    return max(tqdm(SETTINGS, desc=classic.name, disable=None), key=mean)


def scores(restored: Tensor, clean: Tensor, started: float) -> Row:
    """What is written down of one restored picture."""
    seconds = time.perf_counter() - started
    return {"psnr": psnr(restored, clean), "ssim": ssim(restored, clean), "seconds": seconds}


def measure(kind: str, asked: argparse.Namespace) -> dict[str, object]:
    """One kind: the chosen settings and the mean of every number by method."""
    training = list(degraded_pairs(asked.train, kind, asked.tune))
    chosen = {classic.name: best_setting(classic, training) for classic in FILTERS}
    rows: dict[str, list[Row]] = {}
    for bad, clean in tqdm(degraded_pairs(asked.clean, kind, asked.limit), desc=kind, disable=None):
        rows.setdefault("input", []).append(scores(bad, clean, time.perf_counter()))
        for classic in FILTERS:
            start = time.perf_counter()
            result = filtered(bad, classic, chosen[classic.name])
            rows.setdefault(classic.name, []).append(scores(result, clean, start))
        start = time.perf_counter()
        restored = front.restore(asked.method, bad, variant=asked.variant, seed=0).picture.image
        label = f"{asked.method} ({asked.variant})"
        rows.setdefault(label, []).append(scores(rounded(restored), clean, start))
    return {
        "kind": kind,
        "pictures": len(rows["input"]),
        "settings": {name: {"share": s, "floor": f} for name, (s, f) in chosen.items()},
        "mean": {
            name: {key: statistics.fmean(row[key] for row in found) for key in found[0]}
            for name, found in rows.items()
        },
    }


def markdown(results: list[dict[str, object]]) -> str:
    """One row for each method, one column for each kind: PSNR / SSIM / seconds."""
    means: list[dict[str, Row]] = [result["mean"] for result in results]  # type: ignore[misc]
    lines = ["| | " + " | ".join(f"{r['kind']} ({r['pictures']} pictures)" for r in results) + " |"]
    lines.append("| --- |" + " --- |" * len(results))
    for name in means[0]:
        cells = (f"{m[name]['psnr']:.2f} / {m[name]['ssim']:.4f}" for m in means)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", type=Path, required=True, help="photographs to measure on")
    parser.add_argument(
        "--train", type=Path, required=True, help="photographs to choose settings on"
    )
    parser.add_argument("--limit", type=int, help="only the first so many")
    parser.add_argument("--tune", type=int, default=10, help="training photographs to look at")
    parser.add_argument("--kinds", nargs="+", default=["noise25", "jpeg20", "mixed"])
    parser.add_argument("--method", default="diffbir")
    parser.add_argument("--variant", default="mini")
    parser.add_argument("--out", type=Path, default=Path("classical.json"))
    asked = parser.parse_args()
    results = [measure(kind, asked) for kind in asked.kinds]
    asked.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(markdown(results))


if __name__ == "__main__":
    main()
