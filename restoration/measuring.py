"""How each of `MEASURES` is taken, and why it sometimes cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor

from restoration import metrics
from restoration.errors import BadKnobError, BadPictureError
from restoration.measures import MEASURES, Borders, Need

WANTED: dict[Need, str] = {
    "result": "a result",
    "reference": "the clean picture",
    "input": "the degraded picture",
    "seeds": "results of further seeds",
    "tiles": "the borders of the tiles",
}
CHANNELS = 3


@dataclass(frozen=True)
class Given:
    """What numbers can be taken from; pictures are RGB float (B, 3, H, W) in [0, 1].

    Raises:
        BadPictureError: a picture is not RGB, or holds values that are not numbers.
    """

    result: Tensor
    reference: Tensor | None = None
    degraded: Tensor | None = None
    seeds: tuple[Tensor, ...] = ()
    borders: Borders | None = None

    def __post_init__(self) -> None:
        for word, picture in self._pictures():
            if picture.ndim != 4 or picture.shape[1] != CHANNELS or not picture.numel():  # noqa: PLR2004
                raise BadPictureError(
                    f"the {word} has the shape {tuple(picture.shape)}; "
                    "an RGB picture (B, 3, H, W) can be measured"
                )
            if not picture.is_floating_point() or not picture.isfinite().all():
                raise BadPictureError(
                    f"the {word} holds values that are not numbers from 0 to 1: "
                    "there is nothing to measure"
                )

    def lacks(self, need: Need) -> bool:
        """Whether something that a measure needs was not given."""
        there = {
            "result": True,
            "reference": self.reference is not None,
            "input": self.degraded is not None,
            "seeds": bool(self.seeds),
            "tiles": self.borders is not None,
        }
        return not there[need]

    def _pictures(self) -> Iterator[tuple[str, Tensor]]:
        yield "result", self.result
        if self.reference is not None:
            yield "reference", self.reference
        if self.degraded is not None:
            yield "input", self.degraded
        yield from (("result of a further seed", picture) for picture in self.seeds)


def take(given: Given, names: tuple[str, ...] | None) -> dict[str, float]:
    """What `measures.measured` gives."""
    return {name: TAKEN[name](given) for name in _asked(given, names) if not _reason(given, name)}


def lacking(given: Given, names: tuple[str, ...] | None) -> dict[str, str]:
    """What `measures.absent` gives."""
    reasons = {name: _reason(given, name) for name in _asked(given, names)}
    return {name: reason for name, reason in reasons.items() if reason}


def _asked(given: Given, names: tuple[str, ...] | None) -> list[str]:
    """The measures that are meant; without names those of which everything was given."""
    if names is None:
        return [
            name
            for name, measure in MEASURES.items()
            if not any(given.lacks(need) for need in measure.needs)
        ]
    for name in names:
        if name not in MEASURES:
            raise BadKnobError(f"there is no measure {name!r:.60} (known: {', '.join(MEASURES)})")
    return [name for name in MEASURES if name in names]


def _reason(given: Given, name: str) -> str:
    """Why a measure cannot be taken, as a sentence; empty where it can."""
    measure = MEASURES[name]
    missing = [WANTED[need] for need in WANTED if need in measure.needs and given.lacks(need)]
    if missing:
        return f"{measure.title} needs {' and '.join(missing)}."
    clean = given.reference if "reference" in measure.needs else None
    if clean is not None and clean.shape != given.result.shape:
        return (
            f"{measure.title} needs a clean picture of the result's size: "
            f"it is {_size(clean)}, the result {_size(given.result)}."
        )
    least = SMALLEST.get(name, 1)
    if min(given.result.shape[-2:]) < least:
        return (
            f"{measure.title} needs sides of at least {least} pixels; "
            f"the result is {_size(given.result)}."
        )
    return ""


def _size(picture: Tensor) -> str:
    return f"{picture.shape[-1]}x{picture.shape[-2]}"


def _against(number: Callable[[Tensor, Tensor], float]) -> Callable[[Given], float]:
    """A number of result and reference."""

    def taken(given: Given) -> float:
        assert given.reference is not None
        return number(given.result, given.reference)

    return taken


TAKEN: dict[str, Callable[[Given], float]] = {
    "psnr": _against(metrics.psnr),
    "ssim": _against(metrics.ssim),
    "gradients": _against(metrics.gradient_magnitude_similarity),
}
SMALLEST = {"ssim": metrics.WINDOW, "gradients": 3}
"""The shorter side in pixels that a measure needs."""
