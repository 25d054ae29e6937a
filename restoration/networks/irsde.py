"""The networks of IR-SDE, Refusion and DA-CLIP by their published configuration.

Which class a configuration belongs to shows in the names it uses: `depth` is IR-SDE's U-Net,
`ch_mult` DA-CLIP's, `scale` beside it the one of restoration in the wild, `width` Refusion's;
`lam` is the mini's, see `clean_unet.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from restoration import weights
from restoration.networks.clean_unet import CleanUNet
from restoration.networks.conditional_unet import ConditionalUNet
from restoration.networks.nafnet import ConditionalNAFNet

TORSO = (nn.Conv2d, nn.Linear, nn.GroupNorm, nn.LayerNorm)
FULL = re.compile(r"mlp|^(init_conv|final_conv|intro|ending)$")
Config = Mapping[str, Any]
Network = ConditionalUNet | ConditionalNAFNet


def load(entry: weights.Weights) -> Network:
    """The network filled with a checkpoint of the catalogue: float32, on the CPU, in eval mode.

    Raises:
        MissingWeightsError: the file is not on disk.
        WrongWeightsError: it is not what it should be.
    """
    path = weights.locate(entry.name)
    state = weights.read(path, entry)
    facts = weights.metadata(path)
    config = json.loads(facts["config"]) if "config" in facts else weights.manifest(entry)["config"]
    network = build(config)
    weights.load_into(network, state, file=entry.file)
    return network


def half_torso(network: Network, dtype: torch.dtype) -> Network:
    """Compute in half precision what costs time, in place; the same network is given back.

    What the time and the degradation say, the norms of channels and the convolutions at both ends
    stay in float32: they cost next to nothing, and their rounding is seen. So does what the
    network takes and gives.
    """
    for name, layer in network.named_modules():
        if isinstance(layer, TORSO) and not FULL.search(name):
            layer.to(dtype)
    return network


def build(config: Config) -> Network:
    """The network without weights, for `weights.load_into`."""
    with torch.device("meta"):
        return new(config)


def new(config: Config) -> Network:
    """The network with fresh weights, to be trained."""
    told = dict(config)
    if "width" in told:
        return ConditionalNAFNet(**told)
    if "depth" in told:
        depth = told.pop("depth")
        return ConditionalUNet(**told, ch_mult=[2 ** (level + 1) for level in range(depth)])
    if "scale" in told:
        told["halved"] = told.pop("scale") == 0.5
        told["full_attention_from"] = len(told["ch_mult"]) - 1
    return CleanUNet(**told) if "lam" in told else ConditionalUNet(**told)
