"""What this machine has to give: free memory and speed. Both are measured, the speed once."""

from __future__ import annotations

import functools
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

TRIAL = 0.3
"""Seconds for which the speed is measured, at least."""


@dataclass(frozen=True)
class Assumed:
    """What is taken for granted of a device that cannot be asked."""

    free: float
    """Bytes."""
    speed: float
    """Multiplications per second."""


ASSUMED: dict[str, Assumed] = {}
"""By the name of the device: of a GPU that is there only while something runs on it."""


def free_bytes(device: str) -> float:
    """Memory that a device has to give now, what torch holds and does not use included."""
    if device in ASSUMED:
        return ASSUMED[device].free
    import torch

    if device == "cuda":
        idle = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return float(torch.cuda.mem_get_info()[0] + idle)
    if device == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    return min(available(), left_to_container())


@functools.cache
def speed_of(device: str, dtype: str) -> float:
    """Multiplications per second of a convolution as the U-Net has them, measured once."""
    if device in ASSUMED:
        return ASSUMED[device].speed
    import torch
    from torch.nn import functional

    x = torch.ones(1, 320, 64, 64, device=device, dtype=getattr(torch, dtype))
    weight = x.new_ones(320, 320, 3, 3)

    in_a_row = 1 if device == "cpu" else 32  # a GPU is asked long before it answers

    def convolve() -> None:
        for _ in range(in_a_row):
            out = functional.conv2d(x, weight, padding=1)
        out[0, 0, 0, 0].item()  # waits for the device

    convolve()
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < TRIAL:
        convolve()
        done += 1
    return done * in_a_row * x[0, 0].numel() * weight.numel() / passed


def available(facts: Path = Path("/proc/meminfo")) -> float:
    """Of the machine's memory: on Linux what could be freed too; infinite where nobody says."""
    if facts.exists():
        lines = (line.split() for line in facts.read_text().splitlines())
        return next(int(line[1]) for line in lines if line[0] == "MemAvailable:") * 1024
    if not hasattr(os, "sysconf"):
        return math.inf
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def left_to_container(group: Path = Path("/sys/fs/cgroup")) -> float:
    """Of the memory that the container may use; infinite outside of one."""
    limit, used = group / "memory.max", group / "memory.current"
    if not limit.exists() or limit.read_text().strip() == "max":
        return math.inf
    return int(limit.read_text()) - int(used.read_text())
