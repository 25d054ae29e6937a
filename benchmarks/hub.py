"""How fast the page stands and a picture is restored, and whether memory stays flat.

    python -m benchmarks.hub                    # first page, one 512x512 picture, 200 pictures

Prints Markdown. Run it on an otherwise idle machine, and compare figures of one run only.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import torch
import tyro

from restoration import image_io, restore
from restoration.image_io import Picture
from restoration.noise import seeded

ROOT = Path(__file__).parent.parent
PATIENCE = 60.0
"""Seconds after which the page is taken not to come."""
SETTLED = 20
"""Restorations before memory is first looked at: caches and thread pools are filled by then."""


def first_page() -> float:
    """Seconds from starting `python app.py` to the first page served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    start = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=settings, stdout=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - start < PATIENCE:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE).close()
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
            else:
                return time.perf_counter() - start
    finally:
        server.terminate()
        server.wait()
    raise TimeoutError(f"no page after {PATIENCE:g} s")


def resident() -> float:
    """Memory of this process now, in MB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def most_resident() -> float:
    """The most memory this process has had, in MB (Linux)."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def noisy(side: int) -> Picture:
    """A grey picture with noise; what is on it does not matter for time."""
    return Picture(image=(0.5 + 0.1 * seeded(0)(torch.empty(1, 3, side, side))).clamp(0, 1))


def main(runs: int = 200, side: int = 512, small: int = 128) -> None:
    """Measure and print.

    Args:
        runs: restorations in one process.
        side: of the picture that is timed.
        small: of the pictures that memory is watched with.
    """
    pages = sorted(first_page() for _ in range(3))
    print(f"first page: {pages[1]:.1f} s (of three: {pages[0]:.1f} to {pages[-1]:.1f})")
    picture = noisy(side)
    start = time.perf_counter()
    restore("diffbir", picture, variant="mini", seed=0)
    first = time.perf_counter() - start
    seconds = sorted(restore("diffbir", picture, variant="mini", seed=0).seconds for _ in range(5))
    print(f"{side}x{side}: {seconds[2]:.1f} s; the first, which loads the model: {first:.1f} s")
    print(f"most memory: {most_resident():.0f} MB")
    before = 0.0
    for run in range(runs):
        done = restore("diffbir", noisy(small), variant="mini", seed=run)
        image_io.preview(done.picture.image)
        if run == SETTLED:
            before = resident()
    growth = resident() / before - 1
    print(f"memory from restoration {SETTLED} to {runs}: {before:.0f} MB {growth:+.1%}")


if __name__ == "__main__":
    tyro.cli(main)
