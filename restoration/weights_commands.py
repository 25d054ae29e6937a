"""What the command line does with checkpoints: list, fetch and verify them."""

import sys
from typing import Any

from tyro.conf import Positional

from restoration import downloads, weights
from restoration.runtime import PROJECT


def list_all() -> None:
    """List every checkpoint: whether it is on disk, its size, its licence."""
    for entry in weights.catalogue().values():
        state = "on disk" if weights.find(entry) else "missing"
        size = f"{entry.size / 1e6:.1f} MB" if entry.size else "size unknown"
        print(f"{entry.name:24} {state:8} {size:14} {entry.licence}")


def fetch(names: Positional[tuple[str, ...]], *, accept_licence: bool = False) -> None:
    """Download checkpoints into the project's checkpoints folder; interrupted ones go on.

    Args:
        names: as `weights list` shows them.
        accept_licence: you have read the licence that is shown, and agree to it.
    """
    from tqdm import tqdm

    for name in names:
        entry = weights.named(name)
        print(f"{entry.title}, licence: {weights.licence_of(entry)}", file=sys.stderr)
        with tqdm(desc=name, unit="B", unit_scale=True, disable=None) as bar:

            def progress(done: int, total: int | None, bar: Any = bar) -> None:
                bar.total = total
                bar.update(done - bar.n)

            path = downloads.fetch(
                entry, PROJECT / "checkpoints", accepted=accept_licence, progress=progress
            )
        print(path)


def verify(names: Positional[tuple[str, ...]] = ()) -> None:
    """Check checkpoints on disk: size, hash, every key and shape, every value finite.

    Args:
        names: as `weights list` shows them; all that are on disk where none is named.
    """
    present = [entry.name for entry in weights.catalogue().values() if weights.find(entry)]
    for name in names or present:
        print(f"{name:24} {weights.verify(name)}")
