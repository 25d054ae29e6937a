"""A prior with some of its weights replaced, as an album's fine-tuning left them.

The prior itself is never written to: the constrained one is a second network that shares every
tensor that was not tuned, so priors of several albums stand beside each other and cost what they
add.

A file holds either whole parameters under their names (the paper's way), or for some layers the
two factors of a low-rank change (Hu et al. 2022): `<layer>.lora_A` (r, C_in[, k, k]) and
`<layer>.lora_B` (C_out, r[, 1, 1]), with `rank` and `alpha` in its metadata:

    W' = W + alpha / rank * B A
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from restoration.denoisers import Prior
from restoration.errors import WrongWeightsError
from restoration.weights import files as checkpoint_files

FACTORS = ("lora_A", "lora_B")


def constrained(prior: Prior, path: Path) -> Prior:
    """The prior as the tuned weights in a file make it.

    Raises:
        WrongWeightsError: the file is damaged or belongs to another network.
    """
    return replace(prior, network=tuned(prior.network, read(path, prior.network)))


def tuned(network: nn.Module, tensors: Mapping[str, Tensor]) -> Any:
    """A frozen network with these parameters, that shares all others with `network`."""
    own = dict(network.named_parameters())
    other = shared_copy(network)
    for name, value in tensors.items():
        layer, _, leaf = name.rpartition(".")
        parameter = nn.Parameter(value.to(own[name]), requires_grad=False)
        setattr(other.get_submodule(layer), leaf, parameter)
    return other


def shared_copy(network: nn.Module) -> Any:
    """Modules of its own with the very same tensors."""
    tensors = chain(network.parameters(), network.buffers())
    return copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})


def read(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """The parameters that a file replaces, low-rank changes added to what they change.

    Raises:
        WrongWeightsError: the file is damaged or belongs to another network.
    """
    kept: Mapping[str, Tensor] = checkpoint_files.tensors(path)
    facts = checkpoint_files.metadata(path)
    own = dict(network.named_parameters())
    if facts.get("way") == "low-rank":
        found = _merged(kept, own, _scale(facts, path.name), path.name)
    else:
        found = dict(kept)
    wrong = [name for name, value in found.items() if not _fits(value, own.get(name))]
    if wrong or not found:
        raise WrongWeightsError(_foreign(path.name, wrong[0] if wrong else "nothing"))
    return found


def _merged(
    kept: Mapping[str, Tensor], own: Mapping[str, Tensor], scale: float, file: str
) -> dict[str, Tensor]:
    merged = {}
    for layer in sorted({name.rpartition(".")[0] for name in kept}):
        a, b = (kept.get(f"{layer}.{factor}") for factor in FACTORS)
        weight = own.get(f"{layer}.weight")
        if a is None or b is None or weight is None or not _is_change(a, b, weight):
            raise WrongWeightsError(_foreign(file, layer))
        change = (b.float().flatten(1) @ a.float().flatten(1)).view_as(weight)
        merged[f"{layer}.weight"] = weight.float().cpu() + scale * change
    return merged


def _scale(facts: Mapping[str, str], file: str) -> float:
    try:
        return float(facts["alpha"]) / int(facts["rank"])
    except (KeyError, ValueError, ZeroDivisionError):
        raise WrongWeightsError(_foreign(file, "rank")) from None


def _is_change(a: Tensor, b: Tensor, weight: Tensor) -> bool:
    """Whether B A has the shape of the weight."""
    return (
        a.shape[1:] == weight.shape[1:]
        and b.shape[0] == weight.shape[0]
        and b[0].numel() == a.shape[0]
    )


def _fits(value: Tensor, parameter: Tensor | None) -> bool:
    return parameter is not None and value.shape == parameter.shape and bool(value.isfinite().all())


def _foreign(file: str, name: str) -> str:
    return (
        f"{file} does not fit this prior, first {name!r:.80}: the album was trained on another "
        "one, or its file is damaged; train it again"
    )
