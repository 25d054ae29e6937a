"""Seconds and peak memory of every stage of a DiffBIR restoration, at full size.

    python -m benchmarks.stage2                             # 512 and 1024, float32, best device
    python -m benchmarks.stage2 --sizes 512 --stages unet control --dtype bfloat16
    python -m benchmarks.stage2 --sizes 1024 --stages decode --tile 256
    python -m benchmarks.stage2 --sizes 512 --stages whole --batch 2    # everything held at once

Prints Markdown. The networks are those of Stable Diffusion 2.1 and DiffBIR with weights by chance,
which cost what trained ones cost. Each stage runs in a process of its own, so that no peak hides
another: beside its weights, memory is what the stage needs while it works. `unet` and `control`
are one call; a step with guidance makes two, or one with a batch of 2. `whole` holds all networks
and works every stage once. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from torch import Tensor, nn

from restoration import weights
from restoration.latent import tiled_autoencoder
from restoration.networks import stable_diffusion, stage1
from restoration.noise import seeded
from restoration.runtime import Device

Stage = Literal["clean", "encode", "text", "control", "unet", "decode", "whole"]
STAGES: tuple[Stage, ...] = ("clean", "encode", "text", "control", "unet", "decode")
LATENT = 8
"""How many times smaller than a picture its latents are."""


@dataclass(frozen=True)
class Asked:
    """What to measure."""

    sizes: tuple[int, ...] = (512, 1024)
    """Sides of the square picture."""
    stages: tuple[Stage, ...] = STAGES
    """Which of them."""
    dtype: str = ""
    """float32, bfloat16 or float16; empty for the device's own."""
    device: str = ""
    """cuda, mps or cpu; empty for the best."""
    tile: int = 0
    """Of the autoencoder, in pixels; 0 works the picture whole."""
    batch: int = 1
    """Of the control branch and the U-Net; 2 is guidance in one call."""
    runs: int = 1
    """Timed ones; the fastest counts. On a GPU one more goes before."""
    threads: int = 0
    """Of the CPU; 0 leaves it to torch."""

    def best_device(self) -> Device:
        """The one asked for, or the best."""
        best = Device.best()
        name = self.device or best.name
        dtype = self.dtype or (best.dtype if name == best.name else "float32")
        return Device(name, dtype)


@dataclass(frozen=True)
class Measured:
    """One stage at one size."""

    stage: Stage
    size: int
    parameters: int
    weights: float
    """Memory of the weights, MB."""
    activations: float
    """Peak of what the stage needs beside them, MB."""
    seconds: float


def new_clean() -> Any:
    """The SwinIR that DiffBIR v2.1 cleans with, without weights."""
    return stage1.build_swinir(weights.manifest(weights.named("swinir-v2.1"))["config"])


BUILD: dict[Stage, Callable[[], Any]] = {
    "clean": new_clean,
    "encode": stable_diffusion.build_autoencoder,
    "text": stable_diffusion.build_text,
    "control": stable_diffusion.build_control,
    "unet": stable_diffusion.build_unet,
    "decode": stable_diffusion.build_autoencoder,
}


def filled(stage: Stage, device: Device) -> Any:
    """The network of a stage on the device, with small weights by chance; norms in float32."""
    if stage == "whole":
        parts = nn.ModuleDict({part: filled(part, device) for part in STAGES if part != "decode"})
        parts["decode"] = parts["encode"]
        return parts
    network, chance = BUILD[stage](), torch.Generator().manual_seed(0)
    for module in network.modules():
        for name, empty in list(module.named_parameters(recurse=False)):
            values = torch.empty(empty.shape).normal_(std=0.02, generator=chance)
            setattr(module, name, nn.Parameter(values, requires_grad=False))
    dtype = getattr(torch, device.dtype)
    if dtype == torch.float32 or stage == "clean":
        return network.to(device.name).eval()
    in_half = network.to(dtype) if stage == "text" else stable_diffusion.half_torso(network, dtype)
    return in_half.to(device.name).eval()


@torch.no_grad()
def work(stage: Stage, network: Any, size: int, asked: Asked) -> Tensor:
    """One stage on noise."""
    if stage == "whole":
        return [work(part, network[part], size, asked) for part in STAGES][-1]
    place, noise, small = next(network.parameters()).device, seeded(0), size // LATENT

    def drawn(*shape: int) -> Tensor:
        return noise(torch.empty(shape, device=place))

    if stage == "clean":
        return network(drawn(1, 3, size, size))
    if stage == "encode":
        picture = drawn(1, 3, size, size)
        return tiled_autoencoder.encode_moments(network, picture, asked.tile or None)
    if stage == "decode":
        return tiled_autoencoder.decode(network, drawn(1, 4, small, small), asked.tile or None)
    if stage == "text":
        return stable_diffusion.embed(network, torch.zeros(2, 77, dtype=torch.long, device=place))
    x_t = drawn(asked.batch, 4, small, small)
    context = drawn(asked.batch, 77, network.config.cross_attention_dim)
    if stage == "control":
        return stable_diffusion.residuals(network, x_t, x_t, 500, context)[-1]
    return stable_diffusion.predict(network, x_t, 500, context)


def measure(stage: Stage, size: int, asked: Asked) -> Measured:
    """Of one stage at one size, in this process, which has done nothing else yet."""
    if asked.threads:
        torch.set_num_threads(asked.threads)
    device = asked.best_device()
    network = filled(stage, device)
    if device.name != "cpu":
        work(stage, network, size, asked)
    before, times = forget_peak(device), []
    for _ in range(asked.runs):
        start = time.perf_counter()
        work(stage, network, size, asked).cpu()
        times.append(time.perf_counter() - start)
    held = list(network.parameters())
    return Measured(
        stage,
        size,
        sum(values.numel() for values in held),
        sum(values.numel() * values.element_size() for values in held) / 1e6,
        (peak(device) - before) / 1e6,
        min(times),
    )


def forget_peak(device: Device) -> int:
    """Begin to look for the peak; gives the bytes in use now."""
    if device.name == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak(device: Device) -> int:
    """Most bytes in use since `forget_peak` (on Linux, or of CUDA)."""
    return torch.cuda.max_memory_allocated() if device.name == "cuda" else _status("VmHWM")


def table(found: Iterable[Measured]) -> str:
    """A line for each."""
    lines = [
        "| stage | size | parameters, M | weights, MB | peak beside them, MB | seconds |",
        "| --- |" + " ---: |" * 5,
    ]
    lines += [
        f"| {one.stage} | {one.size} | {one.parameters / 1e6:.1f} | {one.weights:.0f} | "
        f"{one.activations:.0f} | {one.seconds:.2f} |"
        for one in found
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    asked = tyro.cli(Asked, description=__doc__)
    found = []
    for size, stage in product(asked.sizes, asked.stages):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            found.append(alone.submit(measure, stage, size, asked).result())
        print(f"{stage} at {size}: {found[-1].seconds:.2f} s", flush=True)
    device = asked.best_device()
    print(f"\n{device.name}, {device.dtype}, {torch.get_num_threads()} threads\n")
    print(table(found))


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
