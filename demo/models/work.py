"""What takes its time with a model, as lines for the page: fetching, verifying, converting."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from demo.fragments import duration
from restoration import runtime
from restoration.device_line import DeviceLine
from restoration.errors import DownloadError, RestorationError
from restoration.runtime import GLANCE
from restoration.sizes import in_words
from restoration.weights import Weights, conversion, downloads
from restoration.weights import models as model_files

PAUSE = 0.25
"""Seconds between two lines about a download at least."""
SPAN = 5.0
"""Seconds that the speed is a mean of."""
Found = TypeVar("Found")
SHARED = "This page is shared with others: models are fetched, converted and deleted by its host."


@dataclass(frozen=True)
class Line:
    """How far some work is."""

    text: str
    share: float | None = None
    """Of the work, where it is known."""


Work = Generator[Line, None, str]
"""Lines on the way; what it returns says how it ended."""


def refuse_strangers() -> None:
    """Only whoever runs the hub changes what is on its disk.

    Raises:
        RestorationError: strangers share this host.
    """
    if not runtime.policy().downloads:
        raise RestorationError(SHARED)


def fetch(entry: Weights, accepted: bool) -> Work:
    """Download it; closing this stops, and what has come is kept.

    Raises:
        DownloadError: as `downloads.fetching`; also where its licence is not accepted.
    """
    if entry.restricted and not accepted:
        raise DownloadError("Read the licence first, and tick that you agree to it.")
    speed, due = Speed(), 0.0
    with closing(downloads.fetching(entry, model_files.own_folder(), accepted=accepted)) as work:
        for done, total in work:
            speed.see(done)
            if time.monotonic() >= due:
                yield Line(told(done, total, speed), done / total if total else None)
                due = time.monotonic() + PAUSE
    return f"Fetched and checked: {entry.title}. The methods that need it offer it now."


def verify(entry: Weights) -> Work:
    """Read it whole."""
    found = yield from _lines("Verifying", model_files.verifying(entry))
    return f"{entry.title} is {found}."


def convert(entry: Weights) -> Work:
    """Write it as safetensors."""
    path = yield from _lines("Converting", conversion.converting(entry))
    return f"Every tensor is the same in {path.name}, which is used from now on."


def about(title: str, work: Work) -> Work:
    """Some work, each line of which tells what it is about."""
    with closing(work):
        while True:
            try:
                line = next(work)
            except StopIteration as end:
                return str(end.value)
            yield replace(line, text=f"{title} · {line.text}")


def in_turn(line: DeviceLine, work: Work) -> Work:
    """Some work once it is first in line; close it to stop."""
    ticket = line.join()
    try:
        with closing(work):
            while ahead := line.ahead(ticket, GLANCE):
                yield Line(f"Waiting: {ahead} before this one.")
            return (yield from work)
    finally:
        line.leave(ticket)


class Speed:
    """Bytes per second over the last moments."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, done: int, now: float | None = None) -> None:
        """So many bytes are there, at a time in seconds; now where none is named."""
        now = time.monotonic() if now is None else now
        self._seen.append((now, done))
        while now - self._seen[0][0] > SPAN:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Bytes per second; 0 while nothing is known."""
        (start, few), (end, many) = self._seen[0], self._seen[-1]
        return (many - few) / (end - start) if end > start else 0.0


def told(done: int, total: int | None, speed: Speed) -> str:
    """How far a download is, how fast, and how long it takes yet."""
    if done == 0 and total is None:
        return "Another process fetches it: waiting for that."
    come = f"{in_words(done)} of {in_words(total)}" if total else in_words(done)
    if not speed.rate:
        return f"Fetching: {come}."
    left = f", {duration((total - done) / speed.rate)} left" if total else ""
    return f"Fetching: {come}, {in_words(speed.rate)}/s{left}."


def _lines(verb: str, steps: Generator[str, None, Found]) -> Generator[Line, None, Found]:
    """The steps as lines."""
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return cast(Found, end.value)
            yield Line(f"{verb}: {step} …")
