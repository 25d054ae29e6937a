"""Checkpoints: which there are, where they lie, and how one is read without trusting it.

The catalogue is data (`checkpoints/catalogue.json`). Reading a file is: its kind by its first
bytes, its size and hash where they are known, tensors only (`weights/files.py`), the recorded
wrapper taken off, every key and shape held against the manifest, every value finite.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import BaseModel, ConfigDict

from restoration.errors import BadKnobError, MissingWeightsError, WrongWeightsError
from restoration.runtime import PROJECT, hub_cache, stable_diffusion_base, weight_folders
from restoration.weights.files import header, kind_of, metadata, tensors
from restoration.weights.filling import check_finite, load_into
from restoration.weights.fingerprints import fingerprint

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Weights",
    "catalogue",
    "check_file",
    "check_finite",
    "converted_name",
    "find",
    "fingerprint",
    "identity",
    "kind_of",
    "licence_of",
    "load_into",
    "locate",
    "manifest",
    "metadata",
    "named",
    "read",
    "source_of",
    "unwrap",
    "verify",
]

CHECKPOINTS = PROJECT / "checkpoints"
SD_BASE = "sd21-base"
"""The checkpoint for which a file, a folder or a repository of one's own may be named."""
STAGE_1 = "preprocess_model."


class Weights(BaseModel):
    """One published or bundled checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    file: str
    title: str
    mirrors: tuple[str, ...]
    size: int | None
    """In bytes, where it is known."""
    sha256: str | None
    licence: str
    restricted: bool
    """Whether its licence has to be read before it is fetched."""
    wrapper: Literal["bare", "params", "state_dict", "daclip", "stable-diffusion", "control"]
    """What the tensors are wrapped in, see `unwrap`; "daclip" is a training state of DA-CLIP, and
    the last two are read by `networks/stable_diffusion.py`."""
    manifest: str | None
    """File in `checkpoints/manifests` with the key and shape of every tensor."""
    bundled: bool
    note: str
    terms: str | None = None
    """File in `checkpoints/licences` with the whole licence, where the project has it."""
    also: tuple[str, ...] = ()
    """Other names under which it is found: of files, or of diffusers folders."""
    roughly: int | None = None
    """About how many bytes, where `size` is not known."""


@functools.cache
def catalogue() -> Mapping[str, Weights]:
    """Every known checkpoint by name."""
    entries = json.loads((CHECKPOINTS / "catalogue.json").read_text(encoding="utf-8"))
    return {entry["name"]: Weights(**entry) for entry in entries}


def named(name: str) -> Weights:
    """The checkpoint of that name.

    Raises:
        BadKnobError: there is none.
    """
    if name not in catalogue():
        known = ", ".join(catalogue())
        raise BadKnobError(f"there is no checkpoint {name!r:.60} (known: {known})")
    return catalogue()[name]


def find(entry: Weights) -> Path | None:
    """The file, or what stands for it, anywhere below the weight folders, or None.

    That is a file converted from it, which is found before it, or one of its other names.
    """
    if entry.bundled:
        bundled = CHECKPOINTS / "mini" / entry.file
        return bundled if bundled.is_file() else None
    if entry.name == SD_BASE and (named := stable_diffusion_base()) and Path(named).exists():
        return Path(named)
    names = (entry.file, *entry.also)
    for name in dict.fromkeys((converted_name(entry), *names)):
        for folder in weight_folders():
            for path in sorted(folder.rglob(name)):
                if (path / "unet").is_dir():
                    return path
                if path.is_file() and (name in names or source_of(path, entry)):
                    return path
    return next(_in_hub_cache(entry), None)


def _in_hub_cache(entry: Weights) -> Iterator[Path]:
    """The file as the Hub's own tools keep it, `preload_from_hub` of a Space among them."""
    for mirror in entry.mirrors:
        repository, _, place = mirror.removeprefix("https://huggingface.co/").partition("/resolve/")
        folder = hub_cache() / f"models--{repository.replace('/', '--')}" / "snapshots"
        if place and folder.is_dir():
            yield from sorted(folder.glob(f"*/{place.partition('/')[2]}"))


def converted_name(entry: Weights) -> str:
    """The file that it is converted to; its own where that is safetensors or ONNX."""
    own = Path(entry.file)
    return own.name if own.suffix == ".onnx" else own.with_suffix(".safetensors").name


def source_of(path: Path, entry: Weights) -> str | None:
    """The sha256 of the file that this one was converted from, if it was made from this entry."""
    try:
        facts = header(path).get("__metadata__", {})
    except WrongWeightsError:
        return None
    return facts.get("source_sha256") if facts.get("checkpoint") == entry.name else None


def locate(name: str) -> Path:
    """Where a checkpoint lies.

    Raises:
        MissingWeightsError: it is not on disk; says where it is published and where to put it.
    """
    entry = named(name)
    if path := find(entry):
        return path
    source, command = entry.note, ""
    if entry.mirrors:
        source = f"It is published at {entry.mirrors[0]}."
        command = f", or run `python -m restoration weights fetch {name}`"
        if entry.restricted:
            command += f", which shows its licence first ({entry.licence})"
    raise MissingWeightsError(
        f"{entry.title} needs the file {entry.file}, which is not on disk. {source} Put it into "
        f"checkpoints/ or a folder named in RESTORATION_WEIGHTS{command}."
    )


def read(path: Path, entry: Weights) -> dict[str, Tensor]:
    """The tensors of a checkpoint under their published keys, checked as this module says.

    Raises:
        WrongWeightsError: the file is not that checkpoint; says what it is instead.
    """
    check_file(path, entry)
    if entry.wrapper == "daclip":
        from restoration import recognition

        state = dict(recognition.tensors(path))
    else:
        state = unwrap(tensors(path, training_state=path.name in entry.also), entry)
    if entry.manifest:
        _hold_against(manifest(entry)["keys"], state, path.name)
    check_finite(state, path.name)
    return state


def check_file(path: Path, entry: Weights) -> None:
    """Size and hash are the recorded ones, and the first bytes are those of a checkpoint.

    A converted file has a size and hash of its own, and says those of its source.

    Raises:
        WrongWeightsError: one of them is not.
    """
    size = path.stat().st_size
    kind_of(path)
    if path.name == converted_name(entry) != entry.file:
        if entry.sha256 not in (None, source_of(path, entry)):
            raise WrongWeightsError(
                f"{path.name} was not converted from the published file {entry.file}: fetch that "
                "again, and convert it"
            )
        return
    if entry.size is not None and size != entry.size:
        raise WrongWeightsError(
            f"{path.name} has {size} bytes and should have {entry.size}: fetch it again"
        )
    if entry.sha256 is not None and fingerprint(path) != entry.sha256:
        raise WrongWeightsError(
            f"{path.name} is not the published file (its sha256 begins {fingerprint(path)[:12]}, "
            f"the published one's {entry.sha256[:12]}): fetch it again"
        )


def unwrap(state: Mapping[str, Any], entry: Weights) -> dict[str, Tensor]:
    """Take the recorded wrapper off; `module.` of data parallel training goes with "state_dict".

    Of a full checkpoint of DiffBIR v1 only stage 1 is left.

    Raises:
        WrongWeightsError: what is inside are not tensors alone.
    """
    inner: Mapping[str, Any] = state
    if entry.wrapper == "params":
        inner = state.get("params_ema", state.get("params", state))
    elif entry.wrapper == "state_dict":
        inner = state.get("state_dict", state)
        if next(iter(inner), "").startswith("module."):
            inner = {key.removeprefix("module."): value for key, value in inner.items()}
        if any(key.startswith(STAGE_1) for key in inner):
            inner = {k.removeprefix(STAGE_1): v for k, v in inner.items() if k.startswith(STAGE_1)}
    foreign = [key for key, value in inner.items() if not hasattr(value, "shape")]
    if foreign:
        raise WrongWeightsError(
            f"{entry.file} holds more than tensors, first {foreign[0]!r:.60}: "
            "it is another kind of checkpoint than the one published under this name"
        )
    return dict(inner)


def manifest(entry: Weights) -> dict[str, Any]:
    """`config` (constructor arguments) and `keys` (name to shape) of the published file."""
    assert entry.manifest, f"{entry.name} has no manifest"
    text = (CHECKPOINTS / "manifests" / entry.manifest).read_text(encoding="utf-8")
    return cast(dict[str, Any], json.loads(text))


def licence_of(entry: Weights) -> str:
    """The licence in full where the project has it, else in a line."""
    if entry.terms is None:
        return entry.licence
    return (CHECKPOINTS / "licences" / entry.terms).read_text(encoding="utf-8").strip()


def identity(name: str) -> str:
    """What says which checkpoint it was: the sha256 of its file, or the name of its folder.

    Of a converted file it is that of its source, since its tensors are the same.
    """
    path = locate(name)
    if path.is_dir():
        return path.name
    return source_of(path, named(name)) or fingerprint(path)


def verify(name: str) -> str:
    """Read a checkpoint and say what it is: its hash, and how many tensors where it is not ONNX.

    Raises:
        MissingWeightsError: it is not on disk.
        WrongWeightsError: it is not what it should be.
    """
    entry = named(name)
    path = locate(name)
    if path.suffix == ".onnx":
        check_file(path, entry)
        return f"sound: a network in ONNX, sha256 {fingerprint(path)}"
    if entry.wrapper in ("stable-diffusion", "control"):
        from restoration.networks import stable_diffusion

        count = stable_diffusion.num_tensors(entry)
        return f"sound: {count} tensors" + (f", sha256 {fingerprint(path)}" * path.is_file())
    state = read(path, entry)
    return f"sound: {len(state)} tensors, sha256 {fingerprint(path)}"


def _hold_against(keys: Mapping[str, list[int]], state: Mapping[str, Tensor], file: str) -> None:
    have = {key: list(value.shape) for key, value in state.items()}
    if wrong := sorted(key for key in {**keys, **have} if keys.get(key) != have.get(key)):
        first = wrong[0]
        raise WrongWeightsError(
            f"{file} is not the published checkpoint: {len(wrong)} tensors differ, first {first!r} "
            f"(file {have.get(first, 'absent')}, published {keys.get(first, 'absent')})"
        )
