"""A tiny method of real classes, and the page served with it: what the demo's tests run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from restoration.params import Params
from restoration.protocol import Method, Preset, Request, Step, Variant
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

    from restoration.errors import RestorationError

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


@contextmanager
def registered(method: Method) -> Iterator[dict[str, Method]]:
    """The registry with `method` in it, for as long as the block lasts."""
    METHODS[method.name] = method
    try:
        yield METHODS
    finally:
        del METHODS[method.name]


@contextmanager
def served(methods: dict[str, Method]) -> Iterator[str]:
    """The page on a free port of this machine; gives its address."""
    from demo import page, serving

    blocks = page.build(methods)
    _, address, _ = serving.launch(
        blocks, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1"
    )
    try:
        yield address.rstrip("/")
    finally:
        blocks.close()
