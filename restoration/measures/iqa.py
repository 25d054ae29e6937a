"""Measures of pyiqa, by the name `pyiqa:NAME`: an extra that has to be installed and asked for.

pyiqa is for non-commercial use, and fetches the weights of what is asked of it by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from restoration.errors import BadKnobError, MissingLibraryError, MissingWeightsError
from restoration.measures.table import PAIR, RESULT, Measure

if TYPE_CHECKING:
    from restoration.measures.taking import Given

PREFIX = "pyiqa:"


def named(name: str) -> Measure:
    """What pyiqa says of a measure.

    Raises:
        MissingLibraryError: pyiqa is not installed.
        BadKnobError: pyiqa has no such measure.
        MissingWeightsError: its weights could not be had.
    """
    metric = _metric(name)
    return Measure(
        name=name,
        title=f"{name.removeprefix(PREFIX).upper()} (pyiqa)",
        unit="",
        better="lower" if metric.lower_better else "higher",
        needs=PAIR if metric.metric_mode == "FR" else RESULT,
        version=f"pyiqa {_library().__version__}",
        says="A measure of the library pyiqa.",
        misses="See what pyiqa says of it.",
        digits=4,
        source="pyiqa, for non-commercial use",
    )


def taken(measure: Measure) -> Callable[[Given], float]:
    """How it is taken."""

    def take(given: Given) -> float:
        pictures = [given.result, *([given.reference] if "reference" in measure.needs else [])]
        ready = [
            picture.detach().float().cpu().clamp(0, 1)
            for picture in pictures
            if picture is not None
        ]
        return float(_metric(measure.name)(*ready).mean())

    return take


@functools.lru_cache(maxsize=2)
def _metric(name: str) -> Any:
    """A metric of pyiqa, on the CPU."""
    library, plain = _library(), name.removeprefix(PREFIX)
    if plain not in library.list_models():
        raise BadKnobError(f"pyiqa has no measure {plain!r:.60}")
    try:
        return library.create_metric(plain, device="cpu")
    except OSError as error:
        raise MissingWeightsError(
            f"the weights of pyiqa's measure {plain} could not be fetched: connect to the "
            "internet once, or put them where pyiqa looks for them"
        ) from error


def _library() -> Any:
    if find_spec("pyiqa") is None:
        raise MissingLibraryError(
            "measures of pyiqa need the library pyiqa, which is for non-commercial use: "
            "`pip install -r requirements-iqa.txt`"
        )
    import pyiqa

    return pyiqa
