"""What the command line does with checkpoints: list, fetch, verify, convert and delete them."""

import sys
from collections.abc import Generator
from typing import Any

from tyro.conf import Positional

from restoration import weights
from restoration.sizes import in_words
from restoration.weights import conversion, downloads, strays
from restoration.weights import models as model_files
from restoration.weights.models import Model

WORDS = {"verified": "sha256 verified", "differs": "sha256 differs", "not checked": "not verified"}
"""Of what is known of a file's sha256."""


def list_all() -> None:
    """List every checkpoint: whether it is on disk, its size, its licence; then what it adds up to.

    At the end stands what lies in the hub's own folder and is none of them.
    """
    known = model_files.models()
    for one in known:
        name, licence = one.entry.name, one.entry.licence
        must = " (to be accepted)" * one.entry.restricted
        print(f"{name:24} {_state(one):24} {_size(one):14} {licence}{must}")
    total, free = in_words(model_files.on_disk(known)), in_words(model_files.free())
    print(f"{total} on disk, {free} free")
    for stray in strays.strays(known):
        print(
            f"not in the catalogue: {stray.name} ({in_words(stray.size)}) {stray.likely}".rstrip()
        )


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
                entry, model_files.own_folder(), accepted=accept_licence, progress=progress
            )
        print(path)


def verify(names: Positional[tuple[str, ...]] = ()) -> None:
    """Check checkpoints on disk: size, hash, every key and shape, every value finite.

    Args:
        names: as `weights list` shows them; all that are on disk where none is named.
    """
    present = [entry.name for entry in weights.catalogue().values() if weights.find(entry)]
    for name in names or present:
        print(f"{name:24} {_watched(name, model_files.verifying(weights.named(name)))}")


def convert(names: Positional[tuple[str, ...]]) -> None:
    """Write checkpoints of torch.save as safetensors, which are read at once and hold no code.

    The new file lies beside the old one and is used in its place; every tensor has been compared.

    Args:
        names: as `weights list` shows them.
    """
    for name in names:
        path = _watched(name, conversion.converting(weights.named(name)))
        print(f"{name:24} {path}")


def delete(names: Positional[tuple[str, ...]], *, only_sources: bool = False) -> None:
    """Delete checkpoints from the project's checkpoints folder, and from nowhere else.

    Args:
        names: as `weights list` shows them.
        only_sources: keep the converted file, and delete what it was converted from.
    """
    for name in names:
        freed = model_files.delete(weights.named(name), only_sources=only_sources)
        print(f"{name:24} deleted, {in_words(freed)} freed")


def _watched(name: str, work: Generator[str, None, Any]) -> Any:
    """What some work comes to, its steps told on the way."""
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            return end.value
        print(f"{name}: {step}", file=sys.stderr)


def _state(model: Model) -> str:
    if model.state == "begun":
        return f"begun, {in_words(model.begun)}"
    known = WORDS.get(model.hash_state, "converted" * model.is_converted)
    return f"{model.state}, {known}" if known else model.state


def _size(model: Model) -> str:
    if model.size:
        return in_words(model.size)
    if model.expected is None:
        return "size unknown"
    return in_words(model.expected) if model.entry.size else f"about {in_words(model.expected)}"
