"""A GPU that is lent for one restoration at a time, as ZeroGPU of Hugging Face Spaces does it.

There a function decorated by `spaces.GPU` runs in a process forked from this one, which has the GPU
and all that was loaded here before. What it is given and what it yields is pickled, and an error
arrives as the bare name of its class, so errors travel as values. Nowhere else is this imported.

Source: the documentation of ZeroGPU and of the package `spaces`.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from restoration import capacity, offers
from restoration.errors import RestorationError
from restoration.params import Params
from restoration.protocol import Method, Request, Step, Variant, Wish
from restoration.registry import METHODS
from restoration.runtime import Runtime

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.noise import Noise

FREE, SPEED = 40e9, 50e12
"""Bytes, and multiplications per second in half precision, of the half GPU that is lent: less than
it has, since it cannot be asked before it is there."""
USUAL, SPARE, LONGEST = 60, 2.0, 300
"""Seconds asked for where nothing is planned, the factor on what is, and the most."""
PAUSE = 0.5
"""Seconds between two previews that are worth their way through the pickle."""


@dataclass(frozen=True)
class Task:
    """One restoration, as it is handed over."""

    method: str
    variant: Variant
    request: Request
    params: Params
    noise: Noise


@dataclass(frozen=True)
class Shown:
    """The estimate of a step that has crossed to another process."""

    picture: Tensor

    def __call__(self) -> Tensor:
        """(1, 3, H, W) in [0, 1]."""
        return self.picture


@dataclass(frozen=True)
class Failure:
    """An error that a user can mend, on its way between processes."""

    error: RestorationError


@runtime_checkable
class Warmable(Protocol):
    """A restorer that loads some of its networks only when they are first asked for."""

    def warm(self) -> None:
        """Load them now."""
        ...


class Lender(Protocol):
    """What `spaces.GPU` is."""

    def __call__(
        self, *, duration: Callable[[Task], int]
    ) -> Callable[[Callable[[Task], Iterator[Step | Failure]]], Callable[[Task], Iterator[object]]]:
        """Decorate the function that needs the GPU."""
        ...


def begin(runtime: Runtime, lend: Lender, chosen: Sequence[tuple[str, str]] = ()) -> None:
    """Load what is to be offered and let every restoration of `runtime` run on a lent GPU.

    Before the page is launched, and before anything else loads a network.

    Args:
        runtime: of this process.
        lend: `spaces.GPU`.
        chosen: names of methods and variants; every method's best on disk where there is none.

    Raises:
        RestorationError: there is no such method or variant, or it lacks files.
    """
    capacity.ASSUMED[runtime.device.name] = capacity.Assumed(FREE, SPEED)
    offered = list(_offered(chosen))
    runtime.keep = max(runtime.keep, len(offered))
    for method, variant in offered:
        restorer = runtime.restorer(method, variant)
        if isinstance(restorer, Warmable):
            restorer.warm()

    def work(task: Task) -> Iterator[Step | Failure]:
        yield from _restored(runtime, task)

    borrowed = lend(duration=functools.partial(seconds_for, runtime))(work)

    def elsewhere(
        method: Method, variant: Variant, request: Request, params: Params, noise: Noise
    ) -> Iterator[Step]:
        for sent in borrowed(Task(method.name, variant, request, params, noise)):
            if isinstance(sent, Failure):
                raise sent.error
            assert isinstance(sent, Step)
            yield sent

    runtime.elsewhere = elsewhere


def seconds_for(runtime: Runtime, task: Task) -> int:
    """How long the GPU is asked for: what is planned with something to spare; less waits less."""
    height, width = task.request.degraded.shape[-2:]
    wish = Wish(task.variant, height, width, task.params, runtime.device)
    plan = METHODS[task.method].plan(wish)
    if plan is None:
        return USUAL
    return min(LONGEST, math.ceil(USUAL / 4 + SPARE * plan.seconds))


def _offered(chosen: Sequence[tuple[str, str]]) -> Iterator[tuple[Method, Variant]]:
    if not chosen:
        for method in METHODS.values():
            yield method, offers.default_variant(method)
    for name, wanted in chosen:
        found = METHODS.get(name)
        variants = {variant.name: variant for variant in found.variants} if found else {}
        if found is None or wanted not in variants:
            raise RestorationError(
                f"RESTORATION_PRELOAD names {name}:{wanted}, which is not a method with a variant"
            )
        yield found, variants[wanted]


def _restored(runtime: Runtime, task: Task) -> Iterator[Step | Failure]:
    """Runs where the GPU is; every step that leaves holds its picture, or the one before."""
    shown, last = Shown(task.request.degraded), -math.inf
    try:
        restorer = runtime.restorer(METHODS[task.method], task.variant)
        for step in restorer(task.request, task.params, task.noise):
            if step.done == step.total or time.monotonic() - last > PAUSE:
                shown, last = Shown(step.estimate().cpu()), time.monotonic()
            yield replace(step, estimate=shown)
    except RestorationError as error:
        yield Failure(error)
