"""How many pictures a second each degradation makes on one core.

python -m benchmarks.degradations [--side 256] [--seconds 2]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from restoration.degradations.kinds import KINDS, degrade
from restoration.degradations.random import second_order
from restoration.degradations.single import sharpen


def photograph(side: int) -> Tensor:
    """A picture with smooth parts, edges and texture, (1, 3, side, side)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:side, 0:side] / side
    planes = [np.full((side, side), level) for level in (0.3, 0.5, 0.6)]
    for _ in range(60):
        inside = np.hypot(x - rng.uniform(), y - rng.uniform()) < rng.uniform(0.02, 0.2)
        for plane in planes:
            plane[inside] = rng.uniform() + 0.1 * np.sin(rng.uniform(5, 90) * (x + y))[inside]
    image = torch.from_numpy(np.stack(planes).astype(np.float32))
    return image.clamp(0, 1)[None]


def rate(work: Callable[[], object], seconds: float) -> float:
    """Calls a second, after one to warm up."""
    work()
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        work()
        count += 1
    return count / spent


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    image, rng = photograph(asked.side), np.random.default_rng(0)
    print(
        f"| degradation of {asked.side}x{asked.side} | pictures a second, one core |\n| --- | --- |"
    )
    for name in KINDS:
        found = rate(
            lambda name=name: degrade(image, name, seed=int(rng.integers(2**31))), asked.seconds
        )
        print(f"| {name} | {found:.0f} |")
    both = rate(lambda: second_order(sharpen(image), rng), asked.seconds)
    print(f"| real-esrgan of a sharpened picture | {both:.0f} |")


if __name__ == "__main__":
    main()
