"""A tiny method of real classes, and the page served with it: what the demo's tests run."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from restoration.errors import BadPictureError, RestorationError
from restoration.params import Params, only_when, suggesting
from restoration.problems import Problem
from restoration.protocol import Method, Preset, Recognised, Request, Step, Variant
from restoration.registry import METHODS

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.noise import Noise


class Window(Params):
    """How wide."""

    size: int = Field(default=3, ge=1, le=9)
    """Pixels that are averaged; more are softer."""


class SmoothParams(Params):
    """Knobs of the fake."""

    steps: int = Field(default=3, ge=1, le=1000)
    """Rounds of smoothing; more are softer."""
    pause: float = Field(default=0.0, ge=0.0, le=1.0)
    """Seconds that a round lasts at least."""
    grain: float = Field(default=0.0, ge=0.0, le=1.0)
    """Noise that is added at the end."""
    mode: Literal["mean", "none", "fail", "crash"] = "mean"
    """What a round does."""
    window: Window = Window()
    """How wide the mean is."""


def smooth(request: Request, params: Params, noise: Noise) -> Iterator[Step]:
    """Average neighbours, again and again."""
    from torch.nn import functional

    params, x = cast(SmoothParams, params), request.degraded
    if params.mode == "fail":
        raise RestorationError("the fake was asked to fail: choose another mode")
    if params.mode == "crash":
        raise ValueError("a secret that no user may read")
    size = params.window.size
    for i in range(params.steps):
        time.sleep(params.pause)
        if params.mode == "mean":
            height, width = x.shape[-2:]
            x = functional.avg_pool2d(x, size, 1, size // 2, count_include_pad=False)
            x = x[..., :height, :width]
        yield Step(i + 1, params.steps + 1, f"smoothing, round {i + 1}", partial(_same, x))
    x = (x + params.grain * noise(x)).clamp(0, 1)
    yield Step(params.steps + 1, params.steps + 1, "done", partial(_same, x))


def _same(x: Tensor) -> Tensor:
    return x


SMOOTH = Method(
    name="smooth",
    title="Smooth",
    help="Averages neighbours.",
    paper="None",
    params=SmoothParams,
    variants=(
        Variant("plain", "plain", "The only one.", ()),
        Variant("other", "other", "The same again.", ()),
    ),
    presets=(
        Preset("Soft", "For a little noise."),
        Preset("Softer", "For more noise.", {"steps": 7, "window.size": 5}),
    ),
    load=lambda device, variant: smooth,
    output_size=lambda height, width, params: (height, width),
)


class FillParams(Params):
    """Knobs of the fake that paints what is lost."""

    problem: Problem = Problem()
    """What was done to the picture."""
    colour: Literal["red", "green"] = "red"
    """What the lost part is painted with."""
    depth: float = Field(
        default=1.0, ge=0.0, le=1.0, json_schema_extra=only_when(colour=("green",))
    )
    """How green."""


def fill(request: Request, params: Params, noise: Noise) -> Iterator[Step]:
    """Paint the lost part, and leave the rest alone; a kernel is pasted into the corner."""
    import torch

    params, x = cast(FillParams, params), request.degraded
    colour = torch.zeros(1, 3, 1, 1)
    colour[0, ["red", "green"].index(params.colour)] = params.depth
    kept = torch.ones_like(x[:, :1]) if request.mask is None else request.mask
    yield Step(1, 2, "measurement", partial(_same, x * kept))
    x = x * kept + colour * (1 - kept)
    if request.kernel is not None:
        x[..., : request.kernel.shape[0], : request.kernel.shape[1]] = request.kernel
    yield Step(2, 2, "done", partial(_same, x), {"consistency": 3.2109})


def check_fill(request: Request, params: Params) -> None:
    """Ask for what the problem speaks of."""
    problem = cast(FillParams, params).problem
    if problem.missing == "drawn" and request.mask is None:
        raise BadPictureError("Draw over what is lost: nothing is marked yet.")
    if problem.missing == "drawn" and request.mask.shape[-2:] != request.degraded.shape[-2:]:
        raise BadPictureError("The mask has another size than the picture.")
    if problem.blur == "kernel" and request.kernel is None:
        raise BadPictureError("Give a picture of the blur kernel.")


class MergeParams(Params):
    """Knobs of the fake that merges exposures."""

    weight: float = Field(default=1.0, ge=0.0, le=1.0)
    """How much the further exposures count."""


def merge(request: Request, params: Params, noise: Noise) -> Iterator[Step]:
    """The mean of all exposures."""
    import torch

    x = torch.cat([request.degraded, *request.exposures]).mean(0, keepdim=True)
    yield Step(1, 1, "done", partial(_same, x))


def check_merge(request: Request, params: Params) -> None:
    """Ask for two more exposures."""
    if len(request.exposures) != 2:
        raise BadPictureError(
            f"Give a medium and a long exposure too: three in all, not {1 + len(request.exposures)}"
        )


DOUBT = "No word fits <well>."
"""What the fake warns of."""


class NameParams(Params):
    """Knobs of the fake that names what is wrong."""

    degradation: str = Field(default="recognised", json_schema_extra=suggesting("noisy", "hazy"))
    """What is wrong with the picture."""


def name(request: Request, params: Params, noise: Noise) -> Iterator[Step]:
    """Name what is wrong, and leave the picture as it is."""
    word = cast(NameParams, params).degradation
    by_hand = None if word == "recognised" else word
    seen = Recognised({"noisy": 0.4, "hazy": 0.35, "rainy": 0.25}, by_hand=by_hand, warning=DOUBT)
    picture = partial(_same, request.degraded)
    yield Step(1, 3, "looking", picture, recognised=seen)
    yield Step(2, 3, "walking back", picture, recognised=seen)
    after = {"noisy": 0.1, "hazy": 0.2, "rainy": 0.7}
    yield Step(3, 3, "done", picture, recognised=replace(seen, after=after))


PLAIN = (Variant("mini", "mini", "The only one.", ()),)
FILL = Method(
    name="fill",
    title="Fill",
    help="Paints what is lost.",
    paper="None",
    params=FillParams,
    variants=PLAIN,
    presets=(
        Preset("Fill in", "For scratches: draw over them.", {"problem.missing": "drawn"}),
        Preset("Sharpen", "For a known blur.", {"problem.blur": "kernel"}),
        Preset("Random", "For lost pixels.", {"problem.missing": "random", "problem.share": 0.5}),
    ),
    load=lambda device, variant: fill,
    output_size=lambda height, width, params: (height, width),
    needs=frozenset({"mask", "kernel"}),
    check=check_fill,
    family="Guided fakes",
)
REFILL = replace(FILL, name="refill", title="Refill", help="Paints what is lost, again.")
MERGE = Method(
    name="merge",
    title="Merge",
    help="Merges exposures.",
    paper="None",
    params=MergeParams,
    variants=PLAIN,
    presets=(),
    load=lambda device, variant: merge,
    output_size=lambda height, width, params: (height, width),
    needs=frozenset({"exposures"}),
    check=check_merge,
    family="Guided fakes",
)
GUIDED = (FILL, REFILL, MERGE)
NAME = Method(
    name="name",
    title="Name",
    help="Names what is wrong.",
    paper="None",
    params=NameParams,
    variants=PLAIN,
    presets=(),
    load=lambda device, variant: name,
    output_size=lambda height, width, params: (height, width),
)


@contextmanager
def registered(*methods: Method) -> Iterator[dict[str, Method]]:
    """The registry with `methods` in it, for as long as the block lasts; blocks may be nested."""
    before = dict(METHODS)
    METHODS.update({method.name: method for method in methods})
    try:
        yield METHODS
    finally:
        METHODS.clear()
        METHODS.update(before)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def served(methods: dict[str, Method]) -> Iterator[str]:
    """The page on a free port of this machine; gives its address."""
    from demo import page, serving

    blocks = page.build(methods)
    where = {"server_name": "127.0.0.1", "server_port": free_port()}
    _, address, _ = serving.launch(blocks, prevent_thread_lock=True, quiet=True, **where)
    try:
        yield address.rstrip("/")
    finally:
        blocks.close()
