"""The machine: its device, who may use it now, and which methods are loaded.

This is the only module that reads the environment:

- RESTORATION_DEVICE: cuda, mps or cpu instead of the best one found
- RESTORATION_DTYPE: float32, bfloat16 or float16 instead of the device's own
- RESTORATION_SWITCHES: attention-slicing, channels-last and compile, those that are wanted
- RESTORATION_WEIGHTS: further folders with checkpoints, separated like PATH
- HF_HUB_CACHE, HF_HOME: where the Hugging Face Hub keeps what it fetched, which is found there
- RESTORATION_SD_BASE: a file or diffusers folder of Stable Diffusion 2.1 base, or the repository
  (owner/name) on Hugging Face that it is fetched from
- RESTORATION_STATE: where training keeps its state
- RESTORATION_DATA: where albums and runs are kept
- RESTORATION_RUNS_MB: how much of the disk the kept runs of one owner may take (2000; 200 where
  strangers share this host)
- RESTORATION_PUBLIC: 1 where strangers share this host; $SPACE_ID, set on Spaces, says so too
- RESTORATION_MCP: 1 offers every method as a tool by the Model Context Protocol
- RESTORATION_KEEP: how many loaded methods stay in memory (2)
- RESTORATION_PRELOAD: on a GPU that is lent (ZeroGPU, which sets $SPACES_ZERO_GPU), what is loaded
  at the start, as `diffbir:v2.1 gdp:imagenet`; the best of every method where it is empty
- RESTORATION_MAX_... and RESTORATION_ALLOW_...: the limits of the hub, see `policy.VARIABLES`
"""

from __future__ import annotations

import functools
import gc
import os
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from restoration import variables
from restoration.device_line import DeviceLine
from restoration.errors import DeviceMemoryError, RestorationError
from restoration.params import Params
from restoration.policy import LOCAL, PUBLIC, Policy
from restoration.protocol import Elsewhere, Method, Request, Restorer, Step, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.image_io import Limits
    from restoration.noise import Noise

PROJECT = Path(__file__).resolve().parent.parent
DTYPES = ("float32", "bfloat16", "float16")
SWITCHES = ("attention-slicing", "channels-last", "compile")
"""Trade time for memory in attention; another layout of maps; compile the repeated blocks."""
GLANCE = 0.5
"""Seconds between two looks at the line while waiting, so that a cancel is seen soon."""
LOADING = "loading the model"
"""The note of the step after which weights are loaded, where they are not in memory."""


def weight_folders() -> tuple[Path, ...]:
    """Where checkpoints are looked for: $RESTORATION_WEIGHTS, then the project's own folder."""
    named = [part for part in os.environ.get("RESTORATION_WEIGHTS", "").split(os.pathsep) if part]
    return (*map(Path, named), PROJECT / "checkpoints")


def hub_cache() -> Path:
    """Where the Hugging Face Hub keeps what was fetched by it, or when a Space was built."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")


def stable_diffusion_base() -> str:
    """The user's own Stable Diffusion 2.1 base, see $RESTORATION_SD_BASE; mostly nothing."""
    return os.environ.get("RESTORATION_SD_BASE", "").strip()


def state_folder() -> Path:
    """Where training keeps what it needs to go on: outside the project."""
    default = Path.home() / ".local" / "state" / "photo-restoration-hub"
    return Path(os.environ.get("RESTORATION_STATE") or default)


def data_folder() -> Path:
    """Where the albums and the runs are kept: outside the project."""
    default = Path.home() / ".local" / "share" / "photo-restoration-hub"
    return Path(os.environ.get("RESTORATION_DATA") or default)


def is_public() -> bool:
    """Whether strangers share this host, so that one browser must not see another's albums."""
    said = os.environ.get("RESTORATION_PUBLIC", "")
    return variables.is_on(said) or bool(os.environ.get("SPACE_ID"))


def runs_bytes() -> int:
    """How much of the disk the kept runs of one owner may take; the oldest go first."""
    said = os.environ.get("RESTORATION_RUNS_MB") or ("200" if is_public() else "2000")
    return round(variables.number("RESTORATION_RUNS_MB", said, least=0) * 1e6)


def has_lent_gpu() -> bool:
    """Whether the GPU is there for one restoration at a time only, as on ZeroGPU Spaces."""
    return os.environ.get("SPACES_ZERO_GPU", "").strip().lower() in ("1", "t", "true")


def preloaded() -> tuple[tuple[str, str], ...]:
    """Methods and variants to load at the start on a lent GPU: `diffbir:v2.1 gdp:imagenet`."""
    named = os.environ.get("RESTORATION_PRELOAD", "").replace(",", " ").split()
    pairs = (one.partition(":") for one in named)
    return tuple((method, variant) for method, _, variant in pairs)


def offers_mcp() -> bool:
    """Whether the methods are offered to language models as tools as well."""
    return variables.is_on(os.environ.get("RESTORATION_MCP", ""))


def policy() -> Policy:
    """What this hub takes on: the public policy or the local one, changed by the environment."""
    return (PUBLIC if is_public() else LOCAL).changed(os.environ)


def limits() -> Limits:
    """What is read as a picture at most."""
    from restoration.image_io import Limits

    most = policy().megapixels_in
    return Limits(max_pixels=round(most * 1e6)) if most else Limits()


@dataclass(frozen=True)
class Device:
    """Where networks run and in which precision; `float16` never on a CPU (15 times slower)."""

    name: str
    dtype: str
    switches: frozenset[str] = frozenset()
    """Some of `SWITCHES`, for the networks of latent diffusion."""

    @classmethod
    def best(cls) -> Device:
        """The one to use here, chosen once."""
        import torch

        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        have = [*(one for one, is_there in there.items() if is_there), "cpu"]
        name = os.environ.get("RESTORATION_DEVICE") or have[0]
        if name.partition(":")[0] not in have:
            raise RestorationError(
                f"RESTORATION_DEVICE asks for {name!r:.60}, and this machine has {', '.join(have)}"
            )
        dtype = os.environ.get("RESTORATION_DTYPE") or cls._dtype_of(name)
        if dtype not in DTYPES:
            raise RestorationError(
                f"RESTORATION_DTYPE takes {', '.join(DTYPES)}, not {dtype!r:.60}"
            )
        if name == "cpu" and dtype == "float16":
            raise RestorationError("float16 is far too slow on a CPU: use float32 or bfloat16")
        switches = os.environ.get("RESTORATION_SWITCHES", "")
        return cls(name, dtype, variables.words("RESTORATION_SWITCHES", switches, SWITCHES))

    @staticmethod
    def _dtype_of(name: str) -> str:
        import torch

        if name == "cpu":
            return "float32"
        return "bfloat16" if name == "cuda" and torch.cuda.is_bf16_supported() else "float16"

    def free(self) -> None:
        """Give back the memory that nobody uses."""
        import torch

        gc.collect()
        if self.name == "cuda":
            torch.cuda.empty_cache()
        elif self.name == "mps":
            torch.mps.empty_cache()


class Runtime:
    """One process's device, the line before it, and the methods kept loaded."""

    def __init__(self, device: Device, keep: int = 2) -> None:
        self.device = device
        self.line = DeviceLine()
        self.keep = keep
        """How many methods stay loaded."""
        self.elsewhere: Elsewhere | None = None
        """What does the work where the device is not in this process, see `lent_gpu`."""
        self._loaded: OrderedDict[tuple[str, str], Restorer] = OrderedDict()
        self._loading = threading.Lock()

    def restorer(self, method: Method, variant: Variant) -> Restorer:
        """The method with these weights, loaded at its first use; the least used one gives way."""
        key = (method.name, variant.name)
        with self._loading:
            if key not in self._loaded:
                while len(self._loaded) >= self.keep:
                    self._loaded.popitem(last=False)
                    self.device.free()
                self._loaded[key] = method.load(self.device, variant)
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def _at_work(self, method: Method, variant: Variant) -> Restorer:
        if self.elsewhere is None:
            return self.restorer(method, variant)
        return functools.partial(self.elsewhere, method, variant)

    def held(self, method: Method, variant: Variant) -> Restorer | None:
        """The method with these weights where it is loaded; nothing is loaded for the question."""
        return self._loaded.get((method.name, variant.name))

    def unload(self) -> None:
        """Forget every loaded method."""
        with self._loading:
            self._loaded.clear()
        self.device.free()

    def run(
        self, method: Method, variant: Variant, request: Request, params: Params, noise: Noise
    ) -> Iterator[Step]:
        """Restore once it is this request's turn; close the generator to cancel.

        Raises:
            DeviceMemoryError: as `in_turn`.
        """
        height, width = request.degraded.shape[-2:]
        advice = (
            f"on a picture of {width}x{height}: cut it into smaller tiles, or choose a smaller "
            "upscale"
        )

        def work() -> Iterator[Step]:
            restorer = self._at_work(method, variant)
            yield Step(0, 0, "starting", lambda: request.degraded)
            yield from policy().timed(restorer(request, params, noise))

        return self.in_turn(work, request.degraded, advice)

    def in_turn(
        self, work: Callable[[], Iterator[Step]], shown: Tensor, advice: str
    ) -> Iterator[Step]:
        """Do `work` once the device is free for it; close the generator to cancel.

        Yields steps with a total of 0 while it waits and loads. Whatever ends it, the device is
        free for the next in line before it returns.

        Args:
            work: begun when it is its turn.
            shown: the picture to be seen while it waits, (1, 3, H, W) in [0, 1].
            advice: what to do where memory runs out, as the end of a sentence.

        Raises:
            DeviceMemoryError: the device ran out of memory; everything loaded was let go.
        """
        ticket = self.line.join()
        try:
            while ahead := self.line.ahead(ticket, GLANCE):
                yield Step(0, 0, f"waiting for the device, {ahead} ahead", lambda: shown)
            yield Step(0, 0, LOADING, lambda: shown)
            with closing(cast(Generator[Step], work())) as steps:
                for step in steps:
                    yield replace(step, estimate=partial(self._drawn, step.estimate, advice))
        except (RuntimeError, MemoryError) as error:
            raise self._mendable(error, advice) from None
        finally:
            self.line.leave(ticket)

    def _drawn(self, estimate: Callable[[], Tensor], advice: str) -> Tensor:
        """The picture of a step, which is drawn when it is asked for and may need memory too."""
        try:
            return estimate()
        except (RuntimeError, MemoryError) as error:
            raise self._mendable(error, advice) from None

    def _mendable(self, error: RuntimeError | MemoryError, advice: str) -> Exception:
        """The error itself, or, where memory ran out, what to do about it; all is let go then."""
        if not _is_out_of_memory(error):
            return error
        traceback.clear_frames(error.__traceback__)  # they hold the tensors that filled it
        self.unload()
        return DeviceMemoryError(f"The {self.device.name} ran out of memory {advice}.")


@functools.cache
def the_runtime() -> Runtime:
    """This process's runtime."""
    keep = variables.number("RESTORATION_KEEP", os.environ.get("RESTORATION_KEEP") or "2", least=1)
    return Runtime(Device.best(), keep=int(keep))


def _is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Whether any of the libraries means this; only CUDA has a type of its own for it."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate" in text
