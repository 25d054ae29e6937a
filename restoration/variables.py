"""Variables of the environment: what their texts say. `runtime` alone asks for them."""

from __future__ import annotations

import math
from collections.abc import Collection

from restoration.errors import RestorationError

OFF = ("", "0", "false", "no", "off")


def is_on(text: str) -> bool:
    """Whether something is wanted: not where the text is empty, 0, false, no or off."""
    return text.strip().lower() not in OFF


def number(variable: str, text: str, *, least: float) -> float:
    """A number.

    Raises:
        RestorationError: the text is none, or one below `least`.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise RestorationError(f"{variable} takes a number from {least:g}, not {text!r:.60}")
    return value


def words(variable: str, text: str, known: Collection[str]) -> frozenset[str]:
    """Those that are named, with commas or spaces between them.

    Raises:
        RestorationError: one is not among those that are known.
    """
    named = frozenset(text.replace(",", " ").split())
    if unknown := sorted(named.difference(known)):
        raise RestorationError(
            f"{variable} knows no {unknown[0]!r:.60}: it takes {', '.join(known)}"
        )
    return named
