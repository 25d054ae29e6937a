"""What a restoration method is, and what passes between it and its callers.

Nothing here imports torch at run time, so that listing the methods costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from restoration.memory_plan import Plan
from restoration.params import Params, Scalar

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.noise import Noise
    from restoration.runtime import Device

Need = Literal["mask", "kernel", "exposures", "album"]
"""What a method can make use of beside the picture; the tab offers it, the method says if it lacks.
"""


@dataclass(frozen=True)
class Request:
    """What a user brings: all pictures are RGB float32 in [0, 1]."""

    degraded: Tensor
    """(1, 3, H, W)"""
    mask: Tensor | None = None
    """(1, 1, H, W), 1 where the picture is to be kept."""
    kernel: Tensor | None = None
    """(k, k) of a blur, not negative; it is scaled to a sum of 1."""
    exposures: tuple[Tensor, ...] = ()
    """Further exposures of the same scene, each (1, 3, H, W), darkest first."""
    album: Path | None = None
    """What a prior has learned from an album, a file that `tuning.constrained` reads."""
    reference: Tensor | None = None
    """(1, 3, H, W): the clean picture, where it is known. Never shown to a method."""


@dataclass(frozen=True)
class Recognised:
    """How likely each word is what is wrong with a picture, before and after it was restored."""

    before: Mapping[str, float]
    """In the order of the vocabulary; they add up to 1. None where the model knows no words."""
    after: Mapping[str, float] = field(default_factory=dict)
    """The same of the result: with the last step."""
    by_hand: str | None = None
    """The word that was told to the method in place of what it recognised."""
    warning: str = ""
    """A sentence where the result deserves doubt."""

    @property
    def likeliest(self) -> str:
        """The word by hand, else the one with the highest probability; "" where none is known."""
        known = self.before
        return self.by_hand or max(known, key=lambda word: known[word], default="")

    @property
    def said(self) -> str:
        """Where the likeliest word comes from, for a line about a step."""
        if not self.likeliest:
            return "looked at"
        return f"{self.likeliest}, by hand" if self.by_hand else f"recognised {self.likeliest}"

    def in_words(self) -> str:
        """The likeliest words, before and after, as one line."""
        both = {"recognised": self.before, "afterwards": self.after}
        return ", ".join(f"{when} {_most(shares)}" for when, shares in both.items() if shares)


def _most(shares: Mapping[str, float], count: int = 2) -> str:
    best = sorted(shares, key=lambda word: -shares[word])[:count]
    return " and ".join(f"{word} {shares[word]:.0%}" for word in best)


@dataclass(frozen=True)
class Step:
    """A stride of a restoration has been made."""

    done: int
    total: int
    """0 while waiting for the device, when the number of strides is not known."""
    note: str
    estimate: Callable[[], Tensor]
    """The picture so far, (1, 3, H', W') in [0, 1]; computed when asked for."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the method found out about the result, in words and numbers: with the last step."""
    recognised: Recognised | None = None
    """What a method that names degradations found: with every step, `after` with the last one."""
    remarks: tuple[str, ...] = ()
    """Sentences on what was asked for and not done as asked: with the last step."""


@dataclass(frozen=True)
class Wish:
    """A restoration that has not begun: all that its needs depend on."""

    variant: Variant
    height: int
    """Of the degraded picture."""
    width: int
    params: Params
    device: Device
    held: Restorer | None = None
    """The method itself where it is loaded already, so that its weights are not counted again."""


class Restorer(Protocol):
    """A method with its weights loaded; keeps no state of a request, so it serves everyone."""

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:
        """Restore: a generator of steps, of which the last one holds the result."""
        ...


@dataclass(frozen=True)
class Variant:
    """A named set of weights of a method."""

    name: str
    title: str
    help: str
    weights: tuple[str, ...]
    """Names in `checkpoints/catalogue.json`."""
    further: tuple[str, ...] = ()
    """Names of those that only some settings need; `Method.uses` says which."""


@dataclass(frozen=True)
class Preset:
    """Settings for an intention, with a sentence that says when to take them."""

    name: str
    help: str
    knobs: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """Settings of a method that are worth seeing side by side, with a sentence that says why."""

    name: str
    help: str
    settings: tuple[Mapping[str, Scalar], ...]


def same_size(height: int, width: int, params: Params) -> tuple[int, int]:  # noqa: ARG001
    """The output size of a method whose result is as large as its input."""
    return height, width


def _any_will_do(request: Request, params: Params) -> None:
    """The check of a method that takes every picture."""


def _its_own(variant: Variant, params: Params) -> tuple[str, ...]:  # noqa: ARG001
    """The checkpoints of a method that always needs all of a variant."""
    return variant.weights


def _unplanned(wish: Wish) -> None:
    """The plan of a method whose needs are small."""


@dataclass(frozen=True)
class Method:
    """A restoration method as the registry lists it."""

    name: str
    title: str
    help: str
    paper: str
    params: type[Params]
    variants: tuple[Variant, ...]
    """Best first. The first one whose weights are on disk is the default; `mini` always is."""
    presets: tuple[Preset, ...]
    load: Callable[[Device, Variant], Restorer]
    output_size: Callable[[int, int, Params], tuple[int, int]]
    """(height, width) of the result for a degraded picture of (height, width)."""
    needs: frozenset[Need] = frozenset()
    check: Callable[[Request, Params], None] = _any_will_do
    """Raises a RestorationError where a request makes no sense, before the device is asked for."""
    uses: Callable[[Variant, Params], tuple[str, ...]] = _its_own
    """Names of the checkpoints that a restoration needs."""
    plan: Callable[[Wish], Plan | None] = _unplanned
    """What a restoration will need of the device, where that is worth saying before it starts."""
    family: str = ""
    """Methods of one family share a tab of this title."""
    sweeps: tuple[Sweep, ...] = ()
    """What the Compare tab offers to line up."""


class Elsewhere(Protocol):
    """A restoration that runs in another process."""

    def __call__(
        self, method: Method, variant: Variant, request: Request, params: Params, noise: Noise
    ) -> Iterator[Step]:
        """As a `Restorer`."""
        ...


def finish(steps: Iterator[Step]) -> Tensor:
    """The result of a restoration, (1, 3, H', W') in [0, 1], once all its steps are made."""
    *_, last = steps
    return last.estimate()
