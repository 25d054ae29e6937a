"""The parts of Stable Diffusion and of DiffBIR in every kind of file that they are published in.

One file holds them under prefixes: `v2-1_512-ema-pruned` (safetensors, or a training state of
PyTorch Lightning), the base with zero terminal SNR, and DiffBIR v1's full checkpoints, which have
the control branch in them too. DiffBIR's own files hold the control branch alone, without a
prefix. A diffusers folder has a folder for every part. Of a large file only the part is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from restoration.errors import WrongWeightsError
from restoration.networks import stable_diffusion_keys as keys
from restoration.weights.files import kind_of, metadata, tensors

Part = Literal["unet", "control", "autoencoder", "text"]
Config = Mapping[str, Any]
State = dict[str, Tensor]

PREFIXES: Mapping[Part, str] = {
    "unet": "model.diffusion_model.",
    "control": "control_model.",
    "autoencoder": "first_stage_model.",
    "text": "cond_stage_model.",
}
FOLDERS: Mapping[Part, str] = {"unet": "unet", "autoencoder": "vae", "text": "text_encoder"}
RENAMERS = {
    "unet": keys.unet,
    "control": keys.control,
    "autoencoder": keys.autoencoder,
    "text": keys.text,
}


@dataclass(frozen=True)
class Found:
    """One part: its tensors under the names of the library's class, and its configuration."""

    state: State
    config: Config


def read(path: Path, part: Part, config: Config) -> Found:
    """One part of a file or of a diffusers folder.

    Args:
        path: the file or folder.
        part: which.
        config: of the library's class, where the file does not say its own.

    Raises:
        WrongWeightsError: it is damaged, holds code, or has no such part.
    """
    if path.is_dir():
        return Found(_from_folder(path, part), config)
    kind_of(path)
    if "config" in (facts := metadata(path)):  # trained here, under the names of the library
        return Found(dict(tensors(path)), json.loads(facts["config"]))
    return Found(RENAMERS[part](_published(path, part), config), config)


def prefixed_as(network: nn.Module, state: State) -> State:
    """The text tower's tensors, whose names begin with `text_model.` in some versions only."""
    bare = {key.removeprefix(keys.PREFIX): value for key, value in state.items()}
    wants = next(iter(network.state_dict())).startswith(keys.PREFIX)
    return {f"{keys.PREFIX}{key}": value for key, value in bare.items()} if wants else bare


def _published(path: Path, part: Part) -> State:
    """The part's tensors under their published names, without prefix."""
    outer = tensors(path, training_state=True)
    inner = outer.get("state_dict", outer)
    if not isinstance(inner, Mapping):
        raise WrongWeightsError(f"{path.name} holds a state_dict that is no mapping of tensors")
    named = {str(key).removeprefix("module."): value for key, value in inner.items()}
    prefix = PREFIXES[part]
    state = {k.removeprefix(prefix): v for k, v in named.items() if k.startswith(prefix)}
    if not state and not any(key.startswith(tuple(PREFIXES.values())) for key in named):
        state = named  # a file of one part
    if not state:
        raise WrongWeightsError(
            f"{path.name} has no {part} in it: none of its {len(named)} names begins with {prefix}"
        )
    return _tensors_only(state, path.name)


def _from_folder(path: Path, part: Part) -> State:
    folder = path / FOLDERS.get(part, part)
    files = [file for file in sorted(folder.glob("*.safetensors")) if ".fp16." not in file.name]
    files = files or sorted(folder.glob("*.safetensors"))
    if not files:
        raise WrongWeightsError(
            f"the folder {path.name} has no {folder.name}/*.safetensors: what is needed are the "
            f"folders {', '.join(FOLDERS.values())} of a diffusers repository"
        )
    state = {key: value for file in files for key, value in tensors(file).items()}
    if part == "autoencoder":
        return keys.old_autoencoder(state)
    return {key: value for key, value in state.items() if not key.endswith("position_ids")}


def _tensors_only(state: Mapping[str, Any], file: str) -> State:
    for key, value in state.items():
        if not isinstance(value, Tensor):
            raise WrongWeightsError(f"{file} holds more than tensors, first {key!r:.60}")
    return dict(state)
