"""What a hub takes on: little where strangers share it, what the machine can where they do not.

`runtime.policy()` gives the one in force. Every limit can be set by an environment variable of its
own: RESTORATION_MAX_STEPS for `steps`, RESTORATION_ALLOW_FOLDERS for `folders`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast

from restoration.errors import BadKnobError, RestorationError
from restoration.protocol import Step

FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class Policy:
    """The limits of a hub; 0 sets none."""

    name: Literal["public", "local"]
    megapixels_in: float
    """Of a picture that is read."""
    megapixels_out: float
    """Of a result."""
    steps: int
    """Of denoising."""
    samples: int
    """Results drawn for one picture."""
    characters: int
    """Of a text among the knobs, such as a prompt."""
    at_once: int
    """Runs that one visitor has under way."""
    at_once_address: int
    """The same of all visitors behind one address of the network."""
    per_minute: int
    """Runs that one visitor begins."""
    per_minute_address: int
    """The same of all visitors behind one address."""
    seconds: int
    """Of the device that one run may take."""
    upload_mb: int
    """Of one file."""
    albums_mb: int
    """Of all albums of one visitor."""
    batch: int
    """Crops in a step of training on an album."""
    folders: bool
    """Whether folders of this machine may be named."""
    downloads: bool
    """Whether visitors may have weights fetched."""

    def changed(self, environ: Mapping[str, str]) -> Policy:
        """This policy with what the environment says otherwise.

        Raises:
            RestorationError: a variable holds something else than a number, 0 or more, or than 0
                or 1 where something is allowed or not.
        """
        said = {
            one: environ[variable]
            for one, variable in VARIABLES.items()
            if environ.get(variable, "").strip()
        }
        return replace(self, **{one: _value(one, text) for one, text in said.items()})

    def check_made(self, width: int, height: int) -> None:
        """Refuse a result that is too large.

        Raises:
            BadKnobError: it is.
        """
        if _is_over(width * height / 1e6, self.megapixels_out):
            raise BadKnobError(
                f"the result would be {width}x{height}, and {self.megapixels_out:g} megapixels is "
                "the most this hub makes: choose a smaller upscale or a smaller picture"
            )

    def most(self, knob: str) -> float:
        """What a knob of this name takes here at most; infinity where there is no limit."""
        limit: int = getattr(self, knob) if knob in COUNTED else 0
        return limit or math.inf

    def takes(self, knobs: Mapping[str, object]) -> bool:
        """Whether `check_knobs` has nothing against these."""
        try:
            self.check_knobs(knobs)
        except BadKnobError:
            return False
        return True

    def check_knobs(self, knobs: Mapping[str, object]) -> None:
        """Refuse knobs, by dotted name, that ask for too much work.

        Raises:
            BadKnobError: a number of `COUNTED` is too large, or a text too long.
        """
        for name in COUNTED:
            asked, most = knobs.get(name), getattr(self, name)
            if isinstance(asked, int) and _is_over(asked, most):
                raise BadKnobError(
                    f"{name}: {asked} were asked for, and {most} is the most this hub takes"
                )
        for name, text in knobs.items():
            if isinstance(text, str) and _is_over(len(text), self.characters):
                raise BadKnobError(
                    f"{name}: the text has {len(text)} characters, and {self.characters} is the "
                    "most this hub takes"
                )

    def timed(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The steps of a run, as long as it may have the device.

        Raises:
            RestorationError: the time is over.
        """
        end = time.monotonic() + self.seconds
        with closing(cast(Generator[Step], steps)):
            for step in steps:
                if self.seconds and step.done < step.total and time.monotonic() > end:
                    raise RestorationError(
                        f"This run took more than {self.seconds} s, the most this hub gives one: "
                        "choose fewer steps or a smaller picture."
                    )
                yield step

    def ended(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The steps of a run that keeps what it has done, ended where its time is over."""
        end = time.monotonic() + self.seconds
        with closing(cast(Generator[Step], steps)):
            for step in steps:
                yield step
                if self.seconds and time.monotonic() > end:
                    return

    def sentence(self) -> str:
        """The limits that a visitor meets, in one line."""
        told = [
            *_told(self.megapixels_in, "pictures up to {:g} megapixels"),
            *_told(self.megapixels_out, "results up to {:g}"),
            *_told(self.steps, "{:g} steps"),
            *_told(self.samples, "{:g} samples"),
            *_told(self.at_once, "{:g} runs at once"),
            *_told(self.per_minute, "{:g} runs a minute"),
            *_told(self.seconds, "{:g} s a run"),
            *_told(self.upload_mb, "uploads up to {:g} MB"),
            *_told(self.albums_mb, "albums up to {:g} MB"),
        ]
        return f"{self.name.capitalize()} hub: {', '.join(told) or 'no limits'}."


COUNTED = ("steps", "samples", "batch")
"""Knobs that have a limit of the same name."""
PUBLIC = Policy(
    name="public",
    megapixels_in=4,
    megapixels_out=16,
    steps=200,
    samples=4,
    characters=1000,
    at_once=2,
    at_once_address=6,
    per_minute=12,
    per_minute_address=36,
    seconds=300,
    upload_mb=20,
    albums_mb=400,
    batch=16,
    folders=False,
    downloads=False,
)
LOCAL = Policy(
    name="local",
    megapixels_in=50,
    megapixels_out=50,
    steps=0,
    samples=0,
    characters=10_000,
    at_once=0,
    at_once_address=0,
    per_minute=0,
    per_minute_address=0,
    seconds=0,
    upload_mb=50,
    albums_mb=0,
    batch=0,
    folders=True,
    downloads=True,
)
VARIABLES = {
    field.name: f"RESTORATION_{'ALLOW' if field.type == 'bool' else 'MAX'}_{field.name.upper()}"
    for field in fields(Policy)
    if field.name != "name"
}
"""Limit -> the environment variable that sets it."""


def _value(limit: str, text: str) -> Any:
    kind = next(field.type for field in fields(Policy) if field.name == limit)
    read: dict[object, Callable[[str], float]] = {"bool": _flag, "int": int, "float": float}
    try:
        value = read[kind](text.strip().lower())
    except (ValueError, KeyError):
        value = -1
    if not 0 <= value < math.inf:
        takes = "1 or 0" if kind == "bool" else "a number, 0 for no limit"
        raise RestorationError(f"{VARIABLES[limit]} takes {takes}, not {text!r:.60}")
    return value


def _flag(text: str) -> bool:
    return FLAGS[text]


def _is_over(value: float, limit: float) -> bool:
    return bool(limit) and value > limit


def _told(limit: float, words: str) -> list[str]:
    return [words.format(limit)] if limit else []
