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
    is_number = isinstance(seed, int | float) and not isinstance(seed, bool)
    if not is_number or not 0 <= seed <= LARGEST_SEED or seed != int(seed):
        raise BadKnobError(
            f"seed: takes a whole number from 0 to {LARGEST_SEED} (got {seed!r:.60})"
        )
    return int(seed)
