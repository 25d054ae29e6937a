"""How far steps are, as the command line shows it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from restoration.protocol import Step


def shown(steps: Iterator[Step], bar: Any) -> Iterator[Step]:
    """The steps, with a bar of tqdm following them."""
    for step in steps:
        bar.total = step.total or None
        known = {word: value for word, value in step.measured.items() if not math.isnan(value)}
        bar.set_postfix_str(", ".join([step.note, *(f"{w} {v:.3g}" for w, v in known.items())]))
        bar.update(step.done - bar.n)
        yield step
