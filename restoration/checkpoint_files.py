"""Files of tensors: told by their first bytes, read without running anything in them.

Safetensors, or `torch.load` with `weights_only=True` and never a fallback to unpickling. A
network in ONNX is told apart, and read by what runs it.
"""

from __future__ import annotations

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


def tensors(path: Path) -> Mapping[str, Any]:
    """What a file holds, still in its wrapper.

    Raises:
        WrongWeightsError: it is damaged, or holds code beside its tensors, or is a whole network.
    """
    match kind_of(path):
        case "safetensors":
            return _from_safetensors(path)
        case "torch":
            return _from_torch(path)
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


def _from_torch(path: Path) -> Mapping[str, Any]:
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise WrongWeightsError(_refusal(path)) from None
    except (RuntimeError, EOFError, OSError, ValueError):
        raise WrongWeightsError(f"{path.name} is cut off or damaged: fetch it again") from None
    if not isinstance(state, Mapping):
        raise WrongWeightsError(f"{path.name} holds a {type(state).__name__}, not named tensors")
    return state


def _refusal(path: Path) -> str:
    """Why a pickle is not read, naming what it would have run; nothing of it is run."""
    import torch

    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (RuntimeError, ValueError, OSError, EOFError, AttributeError):
        names = []
    calls = f" (it calls {', '.join(names[:3])})" if names else ""
    return (
        f"{path.name} holds program code beside its weights{calls} and is not read, since code "
        "in a checkpoint can do anything: use a .safetensors file, or one with tensors only"
    )
