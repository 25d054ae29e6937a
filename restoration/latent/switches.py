"""Ways to run a latent network quicker, or in less memory, that leave its answers as they are."""

from __future__ import annotations

import shutil
import sysconfig
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from restoration.runtime import Device

REPEATED = "BasicTransformerBlock"
"""Class of the blocks that are compiled, as diffusers chooses for its U-Net."""
COMPILERS = ("c++", "g++", "clang++", "cl")


def switched(network: Any, device: Device) -> Any:
    """A network of diffusers, in its final precision, with the device's switches set, in place."""
    if "attention-slicing" in device.switches and hasattr(network, "set_attention_slice"):
        network.set_attention_slice("max")
    if "channels-last" in device.switches:
        network.to(memory_format=torch.channels_last)
    if "compile" in device.switches:
        _compile(network, device.name)
    return network


def lacking(device: str) -> str:
    """What a compilation for the device would lack; mostly nothing."""
    if not any(map(shutil.which, COMPILERS)):
        return "a C++ compiler"
    if not (Path(sysconfig.get_path("include")) / "Python.h").exists():
        return "Python's header files"
    return "triton" if device == "cuda" and find_spec("triton") is None else ""


def _compile(network: Any, device: str) -> None:
    if missing := lacking(device):
        warnings.warn(f"Nothing is compiled: {missing} is not on this machine.", stacklevel=3)
        return
    for block in network.modules():
        if type(block).__name__ == REPEATED:
            block.compile()
