"""Seconds that each number takes, and each degradation, for a picture of one megapixel.

Seconds of one core at work, so that other programs on the machine do not count.

python -m benchmarks.metrics [--side 1000] [--repeat 3]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch

from benchmarks.degradations import photograph
from restoration.degradations.kinds import KINDS, PRESETS, degrade
from restoration.measures import MEASURES, measured
from restoration.params import Tiles


def seconds(work: Callable[[], object], repeat: int) -> float:
    """The shortest time of several calls, after one to warm up."""
    work()
    spent = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def numbers(side: int, repeat: int) -> dict[str, float]:
    """Seconds by measure, as far as it can be taken here."""
    from restoration.measures.taking import tile_borders

    clean = photograph(side)
    result = degrade(clean, "noise25", seed=0)
    given = {
        "reference": clean,
        "degraded": result,
        "seeds": [clean],
        "borders": tile_borders(side, side, Tiles(size=256)),
    }
    taken = measured(result, **given)
    return {
        name: seconds(lambda name=name: measured(result, **given, names=[name]), repeat)
        for name in taken
    }


def degradations(side: int, repeat: int) -> dict[str, float]:
    """Seconds by kind of degradation, with its first settings."""
    clean = photograph(side)
    return {
        kind: seconds(lambda kind=kind: degrade(clean, kind, seed=0), repeat)
        for kind in (*KINDS, *PRESETS)
    }


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print("| number | seconds |\n| --- | --- |")
    for name, spent in numbers(asked.side, asked.repeat).items():
        print(f"| {MEASURES[name].title} | {spent:.3f} |")
    print("\n| degradation | seconds |\n| --- | --- |")
    for kind, spent in degradations(asked.side, asked.repeat).items():
        print(f"| {kind} | {spent:.3f} |")


if __name__ == "__main__":
    main()
