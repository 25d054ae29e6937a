"""How long restorations take on this machine: noted of those made, told of those to come.

What a restoration does once (load pictures, clean up, decode) is kept apart from what it does at
every step, so that ten steps tell how long fifty take. Both grow with the pixels of the result.
Nothing of a user is kept: no picture, and no knob that holds text.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from threading import Lock
from typing import Any

from restoration.front import Job
from restoration.params import Scalar, flatten, knobs_of
from restoration.protocol import Step
from restoration.runtime import LOADING, Device, state_folder

COUNTED = ("steps", "samples")
"""The knobs, of methods that have them, that the number of passes through a network grows with."""
MOST_NOTED = 12
"""Restorations kept of each variant of a method, the newest."""


@dataclass(frozen=True)
class Task:
    """What the time of a restoration depends on."""

    name: str
    """Method and variant: `ddrm/mini`."""
    knobs: Mapping[str, Scalar]
    pixels: int
    """Of the result."""
    work: int
    """Passes through the network, as far as knobs tell."""

    @classmethod
    def of(cls, job: Job) -> Task:
        """That of a job."""
        values = flatten(job.params)
        height, width = job.picture.image.shape[-2:]
        height, width = job.method.output_size(height, width, job.params)
        work = 1
        for name in COUNTED:
            work *= max(1, int(values.get(name, 1)))
        kept = {
            knob.name: values[knob.name]
            for knob in knobs_of(job.method.params)
            if knob.kind != "text" and knob.name not in COUNTED
        }
        return cls(f"{job.method.name}/{job.variant.name}", kept, height * width, work)


@dataclass(frozen=True)
class Pace:
    """What one restoration took."""

    knobs: Mapping[str, Scalar]
    pixels: int
    once: float
    """Seconds that did not depend on the number of steps."""
    each: float
    """Seconds for a unit of work."""

    def seconds(self, task: Task) -> float:
        """What another one will take."""
        return (self.once + self.each * task.work) * task.pixels / self.pixels

    def likeness(self, task: Task) -> int:
        """How many knobs it shares with another one."""
        return sum(self.knobs.get(name) == value for name, value in task.knobs.items())


class Watch:
    """The times of a restoration's steps as they come."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._at = clock()
        self._is_loading = False
        self._strides: list[tuple[str, float]] = []
        self.loading = 0.0
        """Seconds that loading the weights took; next to none where they were loaded already."""

    @property
    def worked(self) -> float:
        """Seconds of work so far: neither waiting nor loading."""
        since = self._clock() - self._at if self._strides else 0.0
        return sum(seconds for _, seconds in self._strides) + since

    def see(self, step: Step) -> None:
        """Take note of a step."""
        now = self._clock()
        if step.total:
            self._strides.append((re.sub(r"\d+", "", step.note), now - self._at))
        elif self._is_loading:
            self.loading += now - self._at
        self._is_loading = step.note == LOADING
        self._at = now

    def end(self) -> None:
        """All is done, writing the result included."""
        now = self._clock()
        self._strides.append(("kept", now - self._at))
        self._at = now

    def pace(self, task: Task) -> Pace | None:
        """What it took so far, parted; None before the first step.

        The walk is what most steps are named alike for, if there are about as many as the knobs
        tell. The median is taken of its steps: the first ones on a device are slower.
        """
        named: dict[str, list[float]] = {}
        for note, seconds in self._strides:
            named.setdefault(note, []).append(seconds)
        if not named:
            return None
        walk = max(named.values(), key=lambda times: (len(times), sum(times)))
        whole = sum(seconds for _, seconds in self._strides)
        walked = median(walk) * len(walk) if len(walk) * 2 >= task.work else 0.0
        once = max(0.0, whole - walked)
        return Pace(task.knobs, task.pixels, once, walked / task.work)


@dataclass
class Book:
    """The paces noted on one machine and device, kept in a file."""

    file: Path
    device: str
    paces: dict[str, list[Pace]] = field(default_factory=dict)
    """By method and variant, oldest first."""
    loads: dict[str, float] = field(default_factory=dict)
    """Seconds to load the weights of each."""

    def __post_init__(self) -> None:
        """Read what the file holds; one that cannot be read is begun anew."""
        self._lock = Lock()
        try:
            told = json.loads(self.file.read_text(encoding="utf-8"))[self.device]
            self.loads = {name: float(seconds) for name, seconds in told["loads"].items()}
            self.paces = {
                name: [Pace(**one) for one in paces] for name, paces in told["paces"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.paces, self.loads = {}, {}

    def note(self, task: Task, watch: Watch, *, loaded: bool) -> None:
        """Remember a restoration that is over; `loaded` where its weights were loaded for it."""
        pace = watch.pace(task)
        if pace is None:
            return
        with self._lock:
            kept = [*self.paces.get(task.name, []), pace]
            self.paces[task.name] = kept[-MOST_NOTED:]
            if loaded:
                self.loads[task.name] = watch.loading
            self._write()

    def known(self, task: Task) -> Pace | None:
        """Of the same method and variant: the one with most knobs alike, the newest of those."""
        noted = self.paces.get(task.name, [])
        return max(reversed(noted), key=lambda pace: pace.likeness(task), default=None)

    def _write(self) -> None:
        """Into the file, beside what other devices have there; a full disk is no reason to stop."""
        told: dict[str, Any] = {}
        with suppress(OSError, ValueError, TypeError):
            told = dict(json.loads(self.file.read_text(encoding="utf-8")))
        paces = {name: [asdict(one) for one in kept] for name, kept in self.paces.items()}
        told[self.device] = {"loads": self.loads, "paces": paces}
        part = self.file.with_name(f".{self.file.name}.{secrets.token_hex(4)}.part")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(told), encoding="utf-8")
            part.replace(self.file)
        except OSError:
            with suppress(OSError):
                part.unlink()


def book_of(device: Device) -> Book:
    """What is known of a device of this machine."""
    return _book(state_folder() / "pace.json", f"{device.name} {device.dtype}")


@cache
def _book(file: Path, device: str) -> Book:
    return Book(file, device)
