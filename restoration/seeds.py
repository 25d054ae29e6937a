"""Seeds: whole numbers that decide everything that is drawn."""

from __future__ import annotations

import secrets

from restoration.errors import BadKnobError

LARGEST_SEED = 2**31 - 1


def checked_seed(seed: int | None) -> int:
    """The seed; drawn where it is None.

    Raises:
        BadKnobError: it is no whole number, or out of range.
    """
    if seed is None:
        return secrets.randbelow(LARGEST_SEED)
    if isinstance(seed, bool) or seed != int(seed) or not 0 <= seed <= LARGEST_SEED:
        raise BadKnobError(f"seed: takes a whole number from 0 to {LARGEST_SEED} (got {seed})")
    return int(seed)
