"""Files in the hub's own folder that are none of the catalogue's, and what they may be."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from restoration import weights, zip_files
from restoration.errors import WrongWeightsError
from restoration.weights import Weights
from restoration.weights.files import ZIP, header
from restoration.weights.models import Model, files_of, is_own, own_folder

COPY = re.compile(r"( ?\(\d+\)| - copy)(?=\.)|\.\d+$", re.IGNORECASE)
"""What browsers and file managers add to the name of a second copy."""
LEFT = (".part", ".writing")
"""Ends of the names of files that are not whole yet."""
LARGEST_INDEX = 20_000_000
"""Bytes; more than the names of the tensors of any checkpoint."""
MOST_GUESSES = 3


@dataclass(frozen=True)
class Stray:
    """A file in the hub's own folder that is not in the catalogue."""

    name: str
    """Relative to the folder."""
    size: int
    likely: str
    """What it may be, and what to do about it, as a sentence; mostly nothing."""


def strays(known: Iterable[Model]) -> tuple[Stray, ...]:
    """What lies in the hub's own folder beside the checkpoints of the catalogue."""
    folder, known = own_folder(), tuple(known)
    mine = {path for one in known for path in files_of(one.entry)}
    folders = [one.path for one in known if one.path is not None and one.path.is_dir()]
    return tuple(
        Stray(str(path.relative_to(folder)), path.stat().st_size, _likely(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and is_own(path) and path not in mine
        if path.suffix != ".lock" and not path.name.startswith(".")
        if not any(path.is_relative_to(one) for one in folders)
    )


def _likely(path: Path) -> str:
    """What it is, by its name, its size, or the names of its tensors."""
    if path.suffix in LEFT:
        return "Left by something that was interrupted."
    plain, size = COPY.sub("", path.name).lower(), path.stat().st_size
    entries = [one for one in weights.catalogue().values() if not one.bundled]
    named = [one for one in entries if one.file.lower() == plain]
    sized = [one for one in entries if one.size == size]
    for entry in (*named, *sized):
        return f"Looks like {entry.title}: name it {entry.file}."
    fitting = _fitting(path, entries)[:MOST_GUESSES]
    titles = " or ".join(f"{one.title} (then name it {one.file})" for one in fitting)
    return f"Has the tensors of {titles}." if fitting else ""


def _fitting(path: Path, entries: Iterable[Weights]) -> list[Weights]:
    """Checkpoints whose tensors a file has, by its index alone."""
    shapes, index = _shapes(path), _index(path)
    found = []
    for entry in entries:
        if not entry.manifest:
            continue
        keys = weights.manifest(entry)["keys"]
        if shapes == keys or (index and all(key.encode() in index for key in keys)):
            found.append(entry)
    return found


def _shapes(path: Path) -> dict[str, list[int]]:
    """Those of the tensors of a safetensors file."""
    try:
        told = header(path)
    except WrongWeightsError:
        return {}
    return {name: one["shape"] for name, one in told.items() if name != "__metadata__"}


def _index(path: Path) -> bytes:
    """The pickle of a zip of torch.save, which names its tensors; it is searched, never run."""
    with path.open("rb") as file:
        if file.read(len(ZIP)) != ZIP:
            return b""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith("data.pkl") and member.file_size <= LARGEST_INDEX:
                    return archive.read(member)
    except (*zip_files.FAULTS, RuntimeError, OSError):
        pass
    return b""
