"""Files of DA-CLIP: published training checkpoints are read safely and made into safetensors.

What is published is a whole training state, {epoch, name, state_dict, optimizer, scaler}, with
CLIP's image tower in it twice (`visual.*` and `clip.visual.*`), and NumPy numbers beside the
tensors. It is unpickled with `weights_only=True` and the four names that those numbers need; what
asks for more is not read. A converted file holds the same tensors under the same names, less the
optimizer and the aliases, and its sizes in the metadata.
"""

from __future__ import annotations

import _codecs
import json
import pickle
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from clip_degradation.errors import BadCheckpointError
from clip_degradation.model import (
    CONFIGS,
    TEXT_TOWER,
    Config,
    DaCLIP,
    build,
    with_first_controller,
)

State = Mapping[str, Tensor]

ALIAS, CONTROLLER = "visual.", "visual_control."
PATCHES = "clip.visual.conv1.weight"
TEXT_KEYS = tuple(f"clip.{name}" for name in TEXT_TOWER)
SIZES = {
    "vision_cfg": {"image_size", "layers", "width", "head_width", "patch_size"},
    "text_cfg": {"context_length", "vocab_size", "width", "heads", "layers"},
}
"""All that a file may say of its sizes: other knobs of open_clip fetch files or run other code."""
LARGEST = 100_000
MOST = {"layers": 100, "context_length": 1000}
"""Bounds of the sizes that a file may say."""

_scalar: Any = np.float64(0).__reduce__()[0]
NUMBERS: list[Any] = [
    _scalar,
    (_scalar, "numpy.core.multiarray.scalar"),  # its name in files of NumPy 1
    np.dtype,
    type(np.dtype(np.float64)),
    _codecs.encode,
]
"""What a pickled NumPy number is made of, the learning rate of the published files."""
_ALLOWING = threading.Lock()
DAMAGE = (
    *(RuntimeError, EOFError, OSError, ValueError, LookupError),
    *(TypeError, AttributeError, AssertionError, struct.error),
)
"""What the unpickler stumbles over where bytes of a file are wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds, under the published names without aliases."""

    file: str
    state: State
    config: Config | None
    """Its sizes, where it says them."""


def load(path: Path, config: Config | None = None) -> DaCLIP:
    """The network of a published or converted file: float32, on the CPU, frozen, in eval mode.

    Args:
        path: a file of torch.save or safetensors.
        config: sizes; told by the file, or by its patches where they are published ones.

    Raises:
        BadCheckpointError: the file is no DA-CLIP, or one of other sizes.
    """
    return _filled(read(path), config)


def load_clip(path: Path, config: Config | None = None) -> DaCLIP:
    """`load`, of a CLIP as open_clip keeps it too: its controller has yet to learn.

    Such a controller is a copy of the image tower whose linear layers are zero.
    """
    return _filled(read(path, bare=True), config)


def _filled(checkpoint: Checkpoint, config: Config | None) -> DaCLIP:
    model = _empty(checkpoint, config or config_of(checkpoint))
    own = {key: value.to(torch.float32, copy=True) for key, value in checkpoint.state.items()}
    model.load_state_dict(own, assign=True)
    return model.requires_grad_(False).eval()


def convert(
    path: Path,
    target: Path,
    *,
    config: Config | None = None,
    text: bool = True,
    half: bool = False,
) -> None:
    """Write the weights of a DA-CLIP alone as safetensors: 1.74 GB become 0.98 GB (ViT-B-32).

    Args:
        path: the published file.
        target: the file to write, whole or not at all.
        config: sizes, as `load` takes them.
        text: keep the text tower, without which the model knows no words.
        half: in half precision, half as large.

    Raises:
        BadCheckpointError: the file is no DA-CLIP, or one whose sizes nobody knows.
    """
    checkpoint = read(path)
    config = config or config_of(checkpoint)
    _empty(checkpoint, config)
    dtype = torch.float16 if half else torch.float32
    kept = {
        key: value.to(dtype).contiguous()
        for key, value in checkpoint.state.items()
        if text or not key.startswith(TEXT_KEYS)
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    save_file(kept, part, metadata={"config": json.dumps(config), "source": path.name})
    part.chmod(0o644)  # else only its owner could read it
    part.replace(target)


def read(path: Path, *, bare: bool = False) -> Checkpoint:
    """The tensors of a file under the published names; nothing in it is run.

    Args:
        path: a file of torch.save or safetensors.
        bare: whether a CLIP alone will do.

    Raises:
        BadCheckpointError: it is damaged, holds code, or is no DA-CLIP.
    """
    with path.open("rb") as file:
        head = file.read(9)
    if not head:
        raise BadCheckpointError(f"{path.name} is no file of weights: fetch it again")
    if head[8:] == b"{":
        return _from_safetensors(path, bare=bare)
    tensors = _from_torch(path, zipped=head.startswith(b"PK"))
    return Checkpoint(path.name, from_published(tensors, file=path.name, bare=bare), None)


def from_published(
    tensors: Mapping[str, Any], *, file: str, bare: bool = False
) -> dict[str, Tensor]:
    """The weights in a training checkpoint or a bare state, without aliases and prefix.

    A CLIP alone, where it will do (bare), gets a controller.

    Raises:
        BadCheckpointError: it is no DA-CLIP.
    """
    inner = tensors.get("state_dict", tensors)
    if not isinstance(inner, Mapping) or not all(isinstance(v, Tensor) for v in inner.values()):
        raise BadCheckpointError(f"{file} holds more than named tensors and is no DA-CLIP")
    state = {str(key).removeprefix("module."): value for key, value in inner.items()}
    if not any(key.startswith(CONTROLLER) for key in state):
        is_clip = "visual.conv1.weight" in state
        if bare and is_clip:
            return with_first_controller(state)
        if bare:
            raise BadCheckpointError(
                f"{file} is no CLIP: what is needed is a file of open_clip like that of its "
                "ViT-B-32, or of a DA-CLIP"
            )
        kind = "a CLIP without a controller" if is_clip else "no DA-CLIP"
        raise BadCheckpointError(
            f"{file} is {kind}: what is needed is a file like daclip_ViT-B-32.pt, which holds "
            "a CLIP and a controller"
        )
    aliases = {key: value for key, value in state.items() if key.startswith(ALIAS)}
    for key, value in aliases.items():
        twin = state.get(f"clip.{key}")
        if twin is None or twin.shape != value.shape:
            raise BadCheckpointError(f"{file} is damaged: {key!r:.80} has no twin 'clip.{key:.80}'")
    return {key: value for key, value in state.items() if key not in aliases}


def config_of(checkpoint: Checkpoint) -> Config:
    """Its sizes: those it says, or those in `CONFIGS` whose patches it has.

    Raises:
        BadCheckpointError: its sizes are not known.
    """
    if checkpoint.config:
        return checkpoint.config
    shape = tuple(checkpoint.state[PATCHES].shape) if PATCHES in checkpoint.state else None
    for config in CONFIGS.values():
        vision = config["vision_cfg"]
        if shape == (vision["width"], 3, vision["patch_size"], vision["patch_size"]):
            return config
    raise BadCheckpointError(
        f"{checkpoint.file} is a DA-CLIP of sizes that it does not say (its patches are {shape}): "
        f"known are {', '.join(CONFIGS)}"
    )


def _from_safetensors(path: Path, *, bare: bool) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
        tensors = load_file(path)
    except SafetensorError as error:
        raise BadCheckpointError(
            f"{path.name} is cut off or damaged ({error}): fetch it again"
        ) from None
    config = _config(facts["config"], path.name) if "config" in facts else None
    return Checkpoint(path.name, from_published(tensors, file=path.name, bare=bare), config)


def _from_torch(path: Path, *, zipped: bool) -> Mapping[str, Any]:
    try:
        with _ALLOWING, torch.serialization.safe_globals(NUMBERS):
            tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError:
        raise BadCheckpointError(
            f"{path.name} holds program code beside its weights, or is no file of weights at all, "
            "and is not read: use the published file or a .safetensors file"
        ) from None
    except DAMAGE:
        raise BadCheckpointError(f"{path.name} is cut off or damaged: fetch it again") from None
    if not isinstance(tensors, Mapping):
        raise BadCheckpointError(f"{path.name} holds a {type(tensors).__name__}, no named tensors")
    return tensors


def _config(text: str, file: str) -> Config:
    """Sizes out of a file's metadata; only numbers that are sizes, since files come from afar."""
    try:
        config = json.loads(text)
    except ValueError:
        config = None
    if not _is_config(config):
        raise BadCheckpointError(
            f"{file} says sizes in its metadata that are none of a DA-CLIP: {text:.80}"
        )
    return cast(Config, config)


def _is_config(config: Any) -> bool:
    if not isinstance(config, dict) or config.keys() != {"embed_dim", *SIZES}:
        return False
    towers = [config[name] for name in SIZES]
    if not all(isinstance(tower, dict) for tower in towers):
        return False
    if any(
        tower.keys() not in (keys, keys - {"head_width"})
        for tower, keys in zip(towers, SIZES.values(), strict=True)
    ):
        return False
    sizes = [("embed_dim", config["embed_dim"]), *(pair for t in towers for pair in t.items())]
    if any(type(size) is not int or not 0 < size <= MOST.get(k, LARGEST) for k, size in sizes):
        return False
    vision, text = towers
    return not (vision["width"] % vision.get("head_width", 64) or text["width"] % text["heads"])


def _empty(checkpoint: Checkpoint, config: Config) -> DaCLIP:
    """The network to be filled, every name and shape accounted for and every value a number."""
    text = any(key.startswith(TEXT_KEYS) for key in checkpoint.state)
    model = build(config, text=text)
    want = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    have = {key: tuple(value.shape) for key, value in checkpoint.state.items()}
    if wrong := sorted(key for key in want | have if want.get(key) != have.get(key)):
        first = wrong[0]
        raise BadCheckpointError(
            f"{checkpoint.file} is a DA-CLIP around another CLIP than the one asked for: "
            f"{len(wrong)} tensors differ, first {first!r:.80} "
            f"(file {have.get(first, 'absent')}, asked for {want.get(first, 'absent')})"
        )
    for key, value in checkpoint.state.items():
        if not value.is_floating_point() or not bool(value.isfinite().all()):
            raise BadCheckpointError(
                f"{checkpoint.file} holds values that are no numbers, first in {key!r:.80}: "
                "the file is damaged, fetch it again"
            )
    return model
