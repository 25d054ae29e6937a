"""The checkpoints on this machine: what is there, what it is for, and how it is deleted.

Nothing here reads more of a file than its header, unless a function says so. What the hub may
delete lies in its own folder, `own_folder`; bundled files, and folders named in
RESTORATION_WEIGHTS, are left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import Timeout

from restoration import weights
from restoration.errors import RestorationError
from restoration.protocol import Method
from restoration.registry import METHODS
from restoration.runtime import weight_folders
from restoration.weights import Weights, converted_name, downloads, source_of
from restoration.weights.fingerprints import known_fingerprint, told_hashing

OTHER = "Other"
"""The family of what no method names among its weights."""
KEPT = frozenset({"mini", "manifests", "licences", "catalogue.json", "README.md"})
"""What the project itself has in its own folder."""
Place = Literal["bundled", "own", "elsewhere", "nowhere"]
Hash = Literal["verified", "differs", "not checked", "not published", ""]


@dataclass(frozen=True)
class Model:
    """A checkpoint of the catalogue, and what of it is on this machine."""

    entry: Weights
    family: str
    """The tab of the methods that need it, or `OTHER`."""
    needed_by: tuple[tuple[str, str], ...]
    """(title of a method, name of its variant), in the order of the page."""
    path: Path | None
    """The file that is read, or the folder that stands for it."""
    size: int
    """Bytes on disk; 0 where it is not."""
    begun: int
    """Bytes of a download that is not whole yet."""

    @property
    def place(self) -> Place:
        """Where it lies: with the project, in the hub's own folder, or in one the user named."""
        if self.path is None:
            return "nowhere"
        if self.entry.bundled or _is_bundled(self.path):
            return "bundled"
        return "own" if is_own(self.path) else "elsewhere"

    @property
    def state(self) -> Literal["bundled", "on disk", "begun", "missing"]:
        """Whether it can be used."""
        if self.path is not None:
            return "bundled" if self.place == "bundled" else "on disk"
        return "begun" if self.begun else "missing"

    @property
    def is_converted(self) -> bool:
        """Whether what is read was made by `conversion.converting`."""
        return self._source is not None

    @property
    def hash_state(self) -> Hash:
        """What is known of its sha256 without computing it; nothing of what is bundled."""
        if self.path is None or self.path.is_dir() or self.place == "bundled":
            return ""
        if self.entry.sha256 is None:
            return "not published"
        known = self._source or known_fingerprint(self.path)
        if known is None:
            return "not checked"
        return "verified" if known == self.entry.sha256 else "differs"

    @property
    def expected(self) -> int | None:
        """Bytes that the published file has, at least roughly."""
        return self.entry.size or self.entry.roughly

    @property
    def can_be_fetched(self) -> bool:
        """Whether it is missing and published at an address."""
        return self.path is None and bool(downloads.addresses(self.entry))

    @property
    def _source(self) -> str | None:
        is_file = self.path is not None and self.path.is_file()
        return source_of(self.path, self.entry) if self.path and is_file else None


def own_folder() -> Path:
    """Where the hub itself puts checkpoints, and the only place that it deletes them from."""
    return weight_folders()[-1]


def is_own(path: Path) -> bool:
    """Whether it lies in the hub's own folder, also where links lead elsewhere; never bundled."""
    folder = own_folder()
    if not path.parent.resolve().is_relative_to(folder.resolve()):
        return False
    return path.is_relative_to(folder) and path.relative_to(folder).parts[0] not in KEPT


def models(methods: Iterable[Method] = tuple(METHODS.values())) -> tuple[Model, ...]:
    """Every checkpoint of the catalogue, by family in the order of the page."""
    methods = tuple(methods)
    uses = _uses(methods)
    families = [*map(_family, methods), OTHER]
    found = [_model(entry, uses.get(entry.name, [])) for entry in weights.catalogue().values()]
    return tuple(sorted(found, key=lambda model: families.index(model.family)))


def model(name: str, methods: Iterable[Method] = tuple(METHODS.values())) -> Model:
    """One of them.

    Raises:
        BadKnobError: there is none of that name.
    """
    entry = weights.named(name)
    return _model(entry, _uses(methods).get(name, []))


def files_of(entry: Weights) -> tuple[Path, ...]:
    """All its files in the hub's own folder: converted, as published, and begun; read first."""
    if entry.bundled:
        return ()
    names = (entry.file, *entry.also)
    part = downloads.part_of(entry, own_folder()).name
    return tuple(
        path
        for name in dict.fromkeys((converted_name(entry), *names, part))
        for path in sorted(own_folder().rglob(name))
        if path.is_file() and is_own(path)
        if name in (*names, part) or source_of(path, entry)
    )


def sources_of(entry: Weights) -> tuple[Path, ...]:
    """Of these the ones that a converted file has made needless."""
    first, *others = files_of(entry) or (None,)
    if first is None or not source_of(first, entry):
        return ()
    return tuple(path for path in others if path is not None and path.suffix != ".part")


def also_served(entry: Weights) -> tuple[str, ...]:
    """Titles of other checkpoints that are read from the same files."""
    mine = set(files_of(entry))
    others = (one for one in weights.catalogue().values() if one.name != entry.name)
    return tuple(one.title for one in others if weights.find(one) in mine)


def delete(entry: Weights, *, only_sources: bool = False) -> int:
    """Delete a checkpoint from the hub's own folder, and say how many bytes that gave.

    Args:
        entry: which.
        only_sources: of one that was converted, keep what it was converted to.

    Raises:
        RestorationError: it is bundled, or in a folder of the user's, or not there, or being
            downloaded, or it cannot be removed.
    """
    files = sources_of(entry) if only_sources else files_of(entry)
    if not files:
        raise RestorationError(_why_not(entry))
    try:
        with downloads.lock_of(entry, own_folder()).acquire(timeout=0):
            freed = sum(path.lstat().st_size for path in files)
            for path in files:
                path.unlink()
    except Timeout:
        raise RestorationError(
            f"{entry.file} is being downloaded now: stop that first, then delete it"
        ) from None
    except OSError as error:
        raise RestorationError(f"{entry.file} cannot be deleted ({error.strerror})") from None
    return freed


def verifying(entry: Weights) -> Generator[str, None, str]:
    """Read a checkpoint whole and say what it is; told between is which step comes.

    Raises:
        MissingWeightsError: it is not on disk.
        WrongWeightsError: it is not what it should be.
    """
    path = weights.locate(entry.name)
    if path.is_file():
        yield from told_hashing(path)
    yield "reading the tensors"
    return weights.verify(entry.name)


def on_disk(known: Iterable[Model]) -> int:
    """Bytes of all of them together; a file that serves several counts once."""
    return sum({model.path: model.size for model in known if model.path is not None}.values())


def free() -> int:
    """Bytes that are free where the hub puts checkpoints."""
    folder = own_folder()
    return shutil.disk_usage(folder if folder.exists() else folder.parent).free


def _uses(methods: Iterable[Method]) -> Mapping[str, list[tuple[Method, str]]]:
    """By checkpoint: methods with the variant that needs it, in the order of the page."""
    uses: dict[str, list[tuple[Method, str]]] = {}
    for method in methods:
        for variant in method.variants:
            for name in (*variant.weights, *variant.further):
                uses.setdefault(name, []).append((method, variant.name))
    return uses


def _family(method: Method) -> str:
    return method.family or method.title


def _model(entry: Weights, uses: list[tuple[Method, str]]) -> Model:
    path = weights.find(entry)
    part = downloads.part_of(entry, own_folder())
    return Model(
        entry,
        family=_family(uses[0][0]) if uses else OTHER,
        needed_by=tuple(dict.fromkeys((method.title, name) for method, name in uses)),
        path=path,
        size=_size(path) if path else 0,
        begun=part.stat().st_size if part.is_file() else 0,
    )


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def _is_bundled(path: Path) -> bool:
    return path.is_relative_to(weights.CHECKPOINTS / "mini")


def _why_not(entry: Weights) -> str:
    path = weights.find(entry)
    if path is None:
        return f"{entry.title} is not on disk: there is nothing to delete"
    if entry.bundled or _is_bundled(path):
        return f"{entry.title} comes with the project and is not deleted"
    if not is_own(path):
        return (
            f"{entry.file} lies in a folder that you named, and the hub deletes only what is in "
            "its own: delete it there"
        )
    if path.is_dir():
        return f"{path.name} is a folder: delete it by hand"
    return f"{path.name} was not converted: there is nothing beside it to delete"
