"""What of a method this machine has: its variants, and the checkpoints that they lack."""

from __future__ import annotations

from collections.abc import Sequence

from restoration import weights
from restoration.errors import MissingWeightsError
from restoration.protocol import Method, Variant


def available(method: Method) -> tuple[tuple[Variant, tuple[str, ...]], ...]:
    """Each variant with the names of the weights that it lacks on this machine."""
    return tuple((variant, lacking(variant.weights)) for variant in method.variants)


def lacking(names: Sequence[str]) -> tuple[str, ...]:
    """Those of some checkpoints that are not on this machine."""
    return tuple(name for name in names if weights.find(weights.named(name)) is None)


def default_variant(method: Method) -> Variant:
    """The best variant whose weights are on disk."""
    for variant, missing in available(method):
        if not missing:
            return variant
    raise MissingWeightsError(f"{method.title}: not one of its checkpoints is on disk")
