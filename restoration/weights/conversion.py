"""Checkpoints of torch.save into safetensors: the same tensors, without a pickle, read at once.

The new file lies beside its source and says in its metadata which checkpoint it is, and the
sha256 of what it was made from; `weights.find` then finds it in place of the source. A wrapper is
taken off as in reading; names, shapes and precision stay.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restoration import weights
from restoration.errors import RestorationError, WrongWeightsError
from restoration.runtime import stable_diffusion_base, weight_folders
from restoration.sizes import in_words
from restoration.weights import Weights, converted_name
from restoration.weights.files import kind_of, tensors
from restoration.weights.fingerprints import told_hashing

if TYPE_CHECKING:
    from torch import Tensor

SPARE = 2**20
"""Bytes of a file beside its tensors, at most."""


def target_of(entry: Weights, path: Path) -> Path | None:
    """The file that a checkpoint on disk would be converted to; None where it needs not be.

    Beside it; of one in a cache that is not the hub's own, in the hub's folder.
    """
    is_named = path == Path(stable_diffusion_base() or "/")  # and read in any case
    if path.is_dir() or is_named or path.suffix in (".safetensors", ".onnx"):
        return None
    is_ours = any(path.is_relative_to(folder) for folder in weight_folders())
    return (path.parent if is_ours else weight_folders()[-1]) / converted_name(entry)


def converting(entry: Weights) -> Generator[str, None, Path]:
    """Convert a checkpoint on disk; told between is which step comes, in a few words.

    The new file is there whole and compared, or not at all; its source stays.

    Returns:
        The new file.

    Raises:
        MissingWeightsError: it is not on disk.
        RestorationError: it needs not be converted, or there is no room for it.
        WrongWeightsError: it is not what it should be.
    """
    path = weights.locate(entry.name)
    target = target_of(entry, path)
    if target is None or kind_of(path) != "torch":
        raise RestorationError(
            f"{path.name} needs no conversion: only files of torch.save hold a pickle."
        )
    digest = yield from told_hashing(path)
    yield "reading the tensors"
    state = _read(path, entry)
    _refuse_without_room(target, state)
    facts = {"format": "pt", "checkpoint": entry.name, "source_sha256": digest}
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.writing")
    try:
        yield "writing"
        _write(part, state, facts)
        yield "comparing"
        _compare(part, state)
        part.replace(target)
    except OSError as error:
        raise RestorationError(
            f"{target.name} cannot be written ({error.strerror}): make room, and the folder "
            "writable"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return target


def _read(path: Path, entry: Weights) -> dict[str, Tensor]:
    """What is kept: as `weights.read` gives it, or the parts that Stable Diffusion is read for."""
    if entry.wrapper not in ("stable-diffusion", "control"):
        return weights.read(path, entry)
    if path.name == entry.file:  # others that stand for it have sizes of their own
        weights.check_file(path, entry)
    outer = tensors(path, training_state=True)
    inner = outer.get("state_dict", outer)
    if not isinstance(inner, Mapping):
        raise WrongWeightsError(f"{path.name} holds a state_dict that is no mapping of tensors")
    state = _parts({str(k).removeprefix("module."): v for k, v in inner.items()}, entry)
    if foreign := [key for key, value in state.items() if not hasattr(value, "shape")]:
        raise WrongWeightsError(f"{path.name} holds more than tensors, first {foreign[0]!r:.60}")
    weights.check_finite(state, path.name)
    return state


def _parts(state: dict[str, Any], entry: Weights) -> dict[str, Any]:
    """Those of a file of many parts that belong to a checkpoint; all of a file of one part."""
    from restoration.networks.stable_diffusion_files import PREFIXES

    is_control = entry.wrapper == "control"
    wanted = tuple(PREFIXES[part] for part in PREFIXES if (part == "control") == is_control)
    return {k: v for k, v in state.items() if k.startswith(wanted)} or state


def _refuse_without_room(target: Path, state: Mapping[str, Tensor]) -> None:
    size = SPARE + sum(value.numel() * value.element_size() for value in state.values())
    free = shutil.disk_usage(target.parent).free
    if size > free:
        raise RestorationError(
            f"{target.name} needs {in_words(size)} and {in_words(free)} are free: make room for "
            f"{in_words(size - free)} more"
        )


def _write(part: Path, state: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    import torch
    from safetensors.torch import save_file

    seen: set[int] = set()
    own: dict[str, Tensor] = {}
    for key, value in state.items():
        storage = value.untyped_storage().data_ptr()
        is_shared = storage in seen  # which safetensors does not know
        packed = value.clone(memory_format=torch.contiguous_format) if is_shared else value
        own[key] = packed.contiguous()
        seen.add(storage)
    save_file(own, part, metadata=dict(facts))
    part.chmod(0o644)  # else only its owner could read it


def _compare(part: Path, state: Mapping[str, Tensor]) -> None:
    """Every tensor of the new file is that of the old one, to the bit."""
    import torch

    written = tensors(part)
    same = written.keys() == state.keys() and all(
        written[key].dtype == value.dtype and torch.equal(written[key], value)
        for key, value in state.items()
    )
    if not same:
        raise WrongWeightsError(f"{part.stem} does not hold what it should: convert it again")
