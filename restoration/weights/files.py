"""Files of tensors: told by their first bytes, read without running anything in them.

Safetensors, or `torch.load` with `weights_only=True` and never a fallback to unpickling. Objects
beside the tensors of a training state are left unread where that is asked for. A network in ONNX
is told apart, and read by what runs it.
"""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from restoration.errors import WrongWeightsError

WRONG_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer: fetch the real file with `git lfs pull`"),
    (b"<!doctype html", "a web page, not a checkpoint: the download link led to a page"),
    (b"<html", "a web page, not a checkpoint: the download link led to a page"),
    (b"<?xml", "an XML answer, not a checkpoint: the download link led to an error"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
)
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
ONNX = b"\x08"
"""Its first field: the version of the format."""
HEAD = 64
"""Bytes that tell what a file is."""
LONGEST_HEADER = 100_000_000
"""Bytes; the bound of the safetensors library."""
BESIDE = (
    *("pytorch_lightning.", "lightning.", "lightning_fabric.", "omegaconf."),
    *("numpy.", "_codecs.encode", "typing."),
)
"""Whose objects a training state of PyTorch Lightning has beside its tensors."""
_ALLOWING = threading.Lock()


class _Unread:
    """Stands for an object beside the tensors: made from anything, keeps and runs nothing."""

    def __new__(cls, *_args: object) -> _Unread:
        return object.__new__(cls)

    def __setstate__(self, _state: object) -> None:
        """Drop what it was."""


def kind_of(path: Path) -> Literal["safetensors", "torch", "onnx"]:
    """What the first bytes say the file is.

    Raises:
        WrongWeightsError: something that holds no weights.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise WrongWeightsError(f"{path.name} is empty: fetch it again")
    for start, sentence in WRONG_KINDS:
        if head.lstrip().lower().startswith(start):
            raise WrongWeightsError(f"{path.name} is {sentence}")
    if head[8:9] == b"{":
        return "safetensors"
    if head.startswith((ZIP, PICKLE)):
        return "torch"
    if head.startswith(ONNX):
        return "onnx"
    raise WrongWeightsError(f"{path.name} is neither a safetensors file nor one of torch.save")


def metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; nothing for other files."""
    if kind_of(path) != "safetensors":
        return {}
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def header(path: Path) -> dict[str, Any]:
    """What a file holds by name, {"dtype", "shape", ...}, and what it says as "__metadata__".

    No tensor is read, and no library needed; of other files than safetensors it is empty.

    Raises:
        WrongWeightsError: it holds no weights, or is damaged.
    """
    if kind_of(path) != "safetensors":
        return {}
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        told = file.read(length) if length <= LONGEST_HEADER else b""
    try:
        found = json.loads(told)
    except ValueError:
        raise _damaged(path) from None
    if not isinstance(found, dict) or path.stat().st_size != 8 + length + _data_of(found):
        raise _damaged(path)
    return found


def _data_of(told: Mapping[str, Any]) -> int:
    """How many bytes follow the header; -1 where it makes no sense."""
    try:
        ends = [one["data_offsets"][1] for name, one in told.items() if name != "__metadata__"]
        return int(max(ends, default=0))
    except (TypeError, KeyError, IndexError, ValueError):
        return -1


def tensors(path: Path, *, training_state: bool = False) -> Mapping[str, Any]:
    """What a file holds, still in its wrapper; of safetensors only what is used is read.

    Args:
        path: the file.
        training_state: also read one of PyTorch Lightning, where something inert stands for every
            object beside the tensors; of it too only what is used is read.

    Raises:
        WrongWeightsError: it is damaged, or holds code beside its tensors, or is a whole network.
    """
    match kind_of(path):
        case "safetensors":
            return _from_safetensors(path)
        case "torch" if path.suffix == ".safetensors":  # which torch.load goes by
            raise WrongWeightsError(
                f"{path.name} is a file of torch.save under the name of a safetensors file: get "
                "the real one, or give it the ending .pth"
            )
        case "torch":
            return _from_training_state(path) if training_state else _from_torch(path)
        case "onnx":
            raise WrongWeightsError(
                f"{path.name} is a network in ONNX, and a file of its tensors alone is needed"
            )


def _from_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return cast(Mapping[str, Any], load_file(path))
    except SafetensorError as error:
        raise WrongWeightsError(
            f"{path.name} is cut off or damaged ({error}): fetch it again"
        ) from None


def _from_training_state(path: Path) -> Mapping[str, Any]:
    import torch

    unknown = _unknown_globals(path)
    if not all(name.startswith(BESIDE) for name in unknown):
        raise WrongWeightsError(_refusal(path))
    stubs: list[Any] = [(_Unread, name) for name in unknown]
    with _ALLOWING, torch.serialization.safe_globals(stubs):
        return _from_torch(path, mapped=zipfile.is_zipfile(path))


def _from_torch(path: Path, *, mapped: bool = False) -> Mapping[str, Any]:
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except pickle.UnpicklingError:
        raise WrongWeightsError(_refusal(path)) from None
    except (RuntimeError, EOFError, OSError, ValueError):
        raise _damaged(path) from None
    if not isinstance(state, Mapping):
        raise WrongWeightsError(f"{path.name} holds a {type(state).__name__}, not named tensors")
    return state


def _unknown_globals(path: Path) -> list[str]:
    """What a pickle would have run that is not about tensors, by name; nothing of it is run."""
    import torch

    try:
        return torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (RuntimeError, ValueError, OSError, EOFError, AttributeError):
        return []


def _refusal(path: Path) -> str:
    """Why a pickle is not read, naming what it would have run."""
    names = sorted(_unknown_globals(path), key=lambda name: name.startswith(BESIDE))
    calls = f" (it calls {', '.join(names[:3])})" if names else ""
    return (
        f"{path.name} holds program code beside its weights{calls} and is not read, since code "
        "in a checkpoint can do anything: use a .safetensors file, or one with tensors only"
    )


def _damaged(path: Path) -> WrongWeightsError:
    return WrongWeightsError(f"{path.name} is cut off or damaged: fetch it again")
