"""Which pictures are evaluated: those of one folder, or the pairs of two, with their subfolders.

Nothing outside the folders is looked at: a link that leads out of one is left out, and an id only
ever picks from what was found here; no path is made of it.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from restoration.errors import BadKnobError, RestorationError

PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".gif", ".ppm", ".pgm"}
)
"""Suffixes, in lower case, of what counts as a picture in a folder."""


@dataclass(frozen=True)
class Item:
    """A picture to be evaluated."""

    id: str
    """Its path below the folder, with forward slashes."""
    source: Path
    """What is read: the degraded picture, or the clean one that is degraded."""
    reference: Path | None
    """The clean one, where it is a file of its own."""
    file: PurePosixPath
    """Of its results, below the folder of each contender: SUBFOLDERS/NAME.png."""


@dataclass(frozen=True)
class LeftOut:
    """A file that is no part of the evaluation."""

    name: str
    why: str


@dataclass(frozen=True)
class Found:
    """What there is to evaluate."""

    items: tuple[Item, ...]
    """By id."""
    left_out: tuple[LeftOut, ...]


def found(clean: Path | None, degraded: Path | None, limit: int | None = None) -> Found:
    """The pictures of one folder, or the pairs of two, at most `limit` of them by id.

    A pair has the same path and the same name up to its suffix. Where that is true of several
    clean pictures, the one with the same suffix is taken.

    Raises:
        RestorationError: there is no such folder, or nothing to evaluate in it.
        BadKnobError: the limit is below 1.
    """
    if limit is not None and limit < 1:
        raise BadKnobError(f"limit: takes a whole number from 1 (got {limit})")
    left_out: list[LeftOut] = []
    main, word = (clean, "clean") if degraded is None else (degraded, "degraded")
    assert main is not None
    sources = _pictures(main, word, left_out)
    pairs: dict[str, Path | None] = dict.fromkeys(sources)
    if degraded is not None and clean is not None:
        pairs = dict(_paired(sources, _pictures(clean, "clean", left_out), left_out))
    if not pairs:
        raise RestorationError(_nothing(main, word, left_out))
    names = result_names([PurePosixPath(name) for name in pairs])
    items = [
        Item(name, sources[name], reference, file)
        for (name, reference), file in zip(pairs.items(), names, strict=True)
    ]
    return Found(tuple(items[:limit]), tuple(left_out))


def pictures_in(folder: Path, limit: int | None = None) -> list[Path]:
    """The pictures of a folder and its subfolders by name, at most `limit` of them.

    Raises:
        RestorationError: there is no such folder, or no picture in it.
        BadKnobError: the limit is below 1.
    """
    return [item.source for item in found(folder, None, limit).items]


def picture_seed(name: str, seed: int) -> int:
    """The seed (0 to 2**31 - 1) of the picture with the id `name` in an evaluation with `seed`."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def result_names(pictures: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """What each picture's results are called: NAME.png, or NAME.jpg.png where two share NAME.

    No two are alike, not even where capitals are not told from small letters.
    """
    stems = Counter(_folded(path.with_suffix("")) for path in pictures)
    taken: set[str] = set()
    names = []
    for path in pictures:
        alone = stems[_folded(path.with_suffix(""))] == 1
        name = path.with_name(f"{path.stem if alone else path.name}.png")
        while _folded(name) in taken:
            name = name.with_name(f"{name.stem}-.png")
        taken.add(_folded(name))
        names.append(name)
    return names


def _pictures(folder: Path, word: str, left_out: list[LeftOut]) -> dict[str, Path]:
    """Id -> file of every picture below a folder, by id; `word` names the folder in `left_out`."""
    if not folder.is_dir():
        raise RestorationError(f"there is no folder {folder.name!r} of {word} pictures")
    root = folder.resolve()
    pictures = {}
    for path in _files(root, root, word, left_out):
        name = path.relative_to(root).as_posix()
        why = _unfit(path, root)
        if why:
            left_out.append(LeftOut(_shown(f"{word}/{name}"), why))
        else:
            pictures[name] = path
    return dict(sorted(pictures.items()))


def _files(folder: Path, root: Path, word: str, left_out: list[LeftOut]) -> Iterator[Path]:
    """Every file and link below a folder, by name; hidden ones and linked folders left out."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        name = f"{word}/{folder.relative_to(root).as_posix()}"
        left_out.append(LeftOut(_shown(name), f"The folder cannot be read: {error.strerror}."))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), root, word, left_out)
        else:
            yield Path(entry.path)


def _unfit(path: Path, root: Path) -> str:
    """Why a file is no part of an evaluation, as a sentence; empty where it is."""
    if _shown(path.name) != path.name:
        return "Its name is not UTF-8: rename it."
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        return "It is a link that leads out of the folder."
    if path.is_dir():
        return "It is a link to another folder."
    if not path.is_file():
        return "It is no file, or a link to nothing."
    if path.suffix.lower() not in PICTURES:
        return "By its name it is no picture."
    return ""


def _paired(
    degraded: dict[str, Path], clean: dict[str, Path], left_out: list[LeftOut]
) -> Iterator[tuple[str, Path]]:
    """Id of each degraded picture with its clean one; those without one go to `left_out`."""
    by_stem: defaultdict[str, list[str]] = defaultdict(list)
    for name in clean:
        by_stem[_stem(name)].append(name)
    used = set()
    for name in degraded:
        alike = by_stem[_stem(name)]
        match = name if name in alike else alike[0] if len(alike) == 1 else None
        if match is None:
            number = "No clean picture has" if not alike else "Several clean pictures have"
            left_out.append(LeftOut(f"degraded/{name}", f"{number} its name."))
            continue
        used.add(match)
        yield name, clean[match]
    left_out += [
        LeftOut(f"clean/{name}", "No degraded picture has its name.")
        for name in clean
        if name not in used
    ]


def _nothing(folder: Path, word: str, left_out: Iterable[LeftOut]) -> str:
    first = next((f"; {one.name}: {one.why}" for one in left_out), "")
    return (
        f"the folder {folder.name!r} holds no {word} pictures to evaluate "
        f"({', '.join(sorted(PICTURES))} would be taken){first}"
    )


def _stem(name: str) -> str:
    return unicodedata.normalize("NFC", str(PurePosixPath(name).with_suffix("")))


def _folded(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _shown(name: str) -> str:
    return os.fsencode(name).decode(errors="replace")
