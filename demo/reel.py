"""The steps of a run as they come: how far it is, how long it will take, what it looks like."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from demo.fragments import duration, figure
from restoration.protocol import Recognised, Step

if TYPE_CHECKING:
    from torch import Tensor

PREVIEW_SIDE = 768
PREVIEW_PAUSE = 0.5
"""Seconds between two previews at least."""
PREVIEW_SHARE = 0.05
"""The part of the time that may go into previews."""


class Reel:
    """The steps of a run: how far, how long to go, the stages passed."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.last: Step | None = None
        self._stages: dict[str, Step] = {}
        self._ended = 0.0
        self._before = 0.0
        self._next_preview = 0.0
        self._told: Recognised | None = None

    def add(self, step: Step) -> None:
        """Take note of a step; the clock of the work starts when the waiting is over."""
        self.last = step
        if step.total == 0:
            self.begun = time.perf_counter()
        else:
            if not self._stages:
                self._before = (step.done - 1) / step.total
            self._stages[step.note.partition(",")[0]] = step

    @property
    def share(self) -> float | None:
        """How much is done, in [0, 1], or None while waiting."""
        assert self.last is not None
        return self.last.done / self.last.total if self.last.total else None

    @property
    def seconds(self) -> float:
        """How long the work took, or takes so far."""
        return (self._ended or time.perf_counter()) - self.begun

    def stop(self) -> None:
        """The work is done."""
        assert self.last is not None, "a restorer yields at least one step"
        self._ended = time.perf_counter()

    def final(self) -> Tensor:
        """The picture of the last step."""
        assert self.last is not None
        return self.last.estimate()

    def measured(self) -> Mapping[str, float]:
        """What was found out with the last step."""
        assert self.last is not None
        return self.last.measured

    def remarks(self) -> tuple[str, ...]:
        """What was not done as asked, said with the last step."""
        assert self.last is not None
        return self.last.remarks

    def recognised(self) -> Recognised | None:
        """What is wrong with the picture, as far as the method said so."""
        assert self.last is not None
        return self.last.recognised

    def recognised_anew(self) -> Recognised | None:
        """The same, where it is not what was asked for the last time."""
        found = self.recognised()
        if found == self._told:
            return None
        self._told = found
        return found

    def said(self) -> str:
        """What is done now, in words."""
        assert self.last is not None
        return self.last.note[:1].upper() + self.last.note[1:]

    def left(self) -> str:
        """How long it will still take, in words; nothing where that is not known yet."""
        if not self.share:
            return " …"
        made = max(self.share - self._before, 1e-9)  # a run that goes on began further along
        return f" · {duration(self.seconds * (1 - self.share) / made)} left"

    def told(self) -> str:
        """The state in words."""
        return f"{self.counted()}{self.left()}"

    def counted(self) -> str:
        """What is done now and which step that is, in words."""
        assert self.last is not None
        count = f" · {self.last.done} of {self.last.total}" if self.share else ""
        return f"{self.said()}{count}"

    def preview_is_due(self) -> bool:
        """Whether the page should see the picture so far."""
        return bool(self.share) and time.perf_counter() >= self._next_preview

    def preview(self) -> str:
        """The picture so far, as HTML."""
        assert self.last is not None
        start = time.perf_counter()
        shown = figure(self.last.estimate(), f"Preview: {self.told()}", PREVIEW_SIDE)
        cost = time.perf_counter() - start
        self._next_preview = start + max(PREVIEW_PAUSE, cost / PREVIEW_SHARE)
        return shown

    def passed(self) -> list[str]:
        """The names of the stages but the newest one."""
        return list(self._stages)[:-1]

    def stages(self) -> list[tuple[str, Tensor]]:
        """Name and last picture of each of them."""
        return [
            (name[:1].upper() + name[1:], self._stages[name].estimate()) for name in self.passed()
        ]
