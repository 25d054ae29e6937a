"""Fit the model of photographs that NIQE holds pictures against, and judge it.

python -m benchmarks.niqe FOLDER [--out restoration/data/niqe.npz]

The model is fitted to nine of ten photographs by name; the table is that of every tenth one, clean
and made worse in three ways: mean NIQE, and in how many of them it grows with every step.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from restoration import image_io
from restoration.degradations.kinds import degrade
from restoration.metrics import niqe
from restoration.runtime import limits
from restoration.training.photographs import photograph_paths

HELD_OUT = 10
"""One photograph in so many is kept for the table."""
STRENGTHS: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    ("noise", "sigma", (5, 15, 25, 50)),
    ("blur", "sigma", (0.7, 1, 2, 4)),
    ("jpeg", "quality", (70, 40, 20, 10)),
)
"""Kind, knob, and its values from weak to strong."""


def read(files: list[Path]) -> Iterator[Tensor]:
    """The pictures one by one."""
    for file in files:
        yield image_io.read(file, limits()).image


def judged(files: list[Path], model: niqe.Model, kind: str, knob: str) -> str:
    """The line of one kind."""
    values = next(values for name, _, values in STRENGTHS if name == kind)
    scores = np.array(
        [
            [
                niqe.niqe(image, model),
                *(
                    niqe.niqe(degrade(image, kind, seed=0, values={knob: value}), model)
                    for value in values
                ),
            ]
            for image in read(files)
        ]
    )
    grows = (np.diff(scores) > 0).all(1).mean()
    worse = (scores[:, 1:] > scores[:, :1]).mean(0)
    cells = [f"{scores[:, 0].mean():.2f}"]
    for place, value in enumerate(values):
        cells.append(f"{scores[:, place + 1].mean():.2f} ({value:g}; {worse[place]:.0%})")
    return f"| {kind}, {knob} | {' | '.join(cells)} | {grows:.0%} |"


def main() -> None:
    """Fit, write, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=niqe.MODEL)
    asked = parser.parse_args()
    files = photograph_paths(asked.folder)
    held_out = files[::HELD_OUT]
    model = niqe.fitted(read([file for file in files if file not in held_out]))
    np.savez_compressed(
        asked.out,
        mean=model.mean.astype(np.float32),
        covariance=model.covariance.astype(np.float32),
    )
    print("| made worse by | clean | weak | | | strong | grows with every step |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind, knob, _ in STRENGTHS:
        print(judged(held_out, model, kind, knob))


if __name__ == "__main__":
    main()
