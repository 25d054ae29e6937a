"""One picture through several settings, as what the Compare tab shows while and after it."""

from __future__ import annotations

import html
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from demo import beside, comparer, failures
from demo.compare.downloads import offered
from demo.compare.gallery import Gallery, Results
from demo.compare.results_table import OLD, size_text, table_as_old
from demo.compare.settings_list import Setting
from demo.fragments import duration, notes, status
from demo.picture import refusal
from demo.reel import Reel
from demo.restoring import Updates
from restoration import front
from restoration.course import Course
from restoration.errors import BadKnobError, BadPictureError, RestorationError
from restoration.front import Job
from restoration.protocol import Step
from restoration.runtime import limits
from restoration.seeds import checked_seed

if TYPE_CHECKING:
    from torch import Tensor

PAUSE = 0.25
"""Seconds between two words on how far a run is; a browser works on each of them."""
LARGEST_MISMATCH = 0.03
"""Of two widths over heights; rounding a small picture's size explains no more."""


@dataclass(frozen=True)
class View:
    """The parts of the tab that a run writes to."""

    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    plan: gr.HTML
    """What will be run, in which order, and what each is expected to need."""
    notes: gr.HTML
    comparer: gr.HTML
    table: gr.HTML
    files: gr.HTML
    """To download."""
    shown: gr.State
    """`Results` or None: kept so that they can be marked as old when the next run starts."""

    def outputs(self) -> list[Any]:
        """All of them."""
        return [
            self.status,
            self.plan,
            self.notes,
            self.comparer,
            self.table,
            self.files,
            self.shown,
            self.run,
            self.stop,
        ]

    def started(self, before: Results | None) -> Updates:
        """A run begins: what the last one left stays to be seen, marked as old."""
        updates = {
            self.status: status("Reading the pictures …"),
            self.plan: "",
            self.notes: "",
            self.run: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
        }
        if before is not None:
            updates[self.comparer] = comparer.with_note(before.value, OLD)
            updates[self.table] = table_as_old(before.numbers)
        return updates

    def brought(self, results: Results) -> Updates:
        """The results so far."""
        return {
            self.comparer: results.value,
            self.table: results.numbers,
            self.files: offered(results.files),
            self.shown: results,
        }

    def ended(self, text: str, kind: str) -> Updates:
        """A run is over."""
        return {
            self.status: status(text, kind=kind),
            self.run: gr.update(interactive=True),
            self.stop: gr.update(interactive=False),
        }


@dataclass(frozen=True)
class Asked:
    """What a run was asked for, as it comes from the form."""

    picture: str | None
    reference: str | None
    settings: Sequence[Setting]
    seed: int | None
    given: Mapping[str, Any] = field(default_factory=dict)
    """What is there beside the picture."""


def compare(view: View, asked: Asked, before: Results | None) -> Iterator[Updates]:
    """Run every setting in turn; closing the generator cancels and frees the device.

    Raises:
        gr.Error: with one sentence that says what to do.
    """
    yield view.started(before)
    try:
        yield from _compare(view, asked)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        text = failures.sentence(error)
        yield view.ended(text, "bad")
        raise refusal(text) from None


def _compare(view: View, asked: Asked) -> Iterator[Updates]:
    jobs, settings = _jobs(asked), asked.settings
    course = Course(jobs)
    gallery = Gallery(jobs[0].picture, jobs[0].reference, settings)
    yield {view.notes: notes(gallery.picture.notes), view.plan: plan(settings, course)}
    begun = time.perf_counter()
    for turn, place in enumerate(course.order):
        head = f"Run {turn + 1} of {len(jobs)} · {settings[place].label}"
        try:
            reel = yield from _played(view, course, place, Turn(head, turn, len(jobs)))
            gallery.add(place, jobs[place], reel, asked.given.get("request"))
            course.over()
        except RestorationError as error:  # one that fails leaves the others their turn
            course.failed()
            gallery.failed(place, failures.sentence(error))
        yield view.brought(gallery.results())
    if gallery.spread():
        yield view.brought(gallery.results())
    failed = len(jobs) - gallery.count
    seeds = ", ".join(map(str, dict.fromkeys(job.seed for job in jobs)))
    words = (
        f"{failed} of {len(jobs)} failed: the table says why"
        if failed
        else f"Done in {duration(time.perf_counter() - begun)} · seed {seeds}"
    )
    yield view.ended(words, "bad" if failed else "good")


@dataclass(frozen=True)
class Turn:
    """Which run of a comparison this is."""

    head: str
    place: int
    of: int

    def told(self, reel: Reel, course: Course) -> str:
        """How far the comparison is, as HTML."""
        share = (self.place + (reel.share or 0)) / self.of
        left = course.left()
        more = "" if left is None else f" · {in_all(left, sure=course.is_sure())}"
        return status(f"{self.head} · {reel.counted()}{more}", share=share)


def in_all(seconds: float, *, sure: bool) -> str:
    """How long a comparison still takes, in words."""
    return f"{'about' if sure else 'at a guess'} {duration(seconds)} left in all"


def _played(view: View, course: Course, place: int, turn: Turn) -> Generator[Updates, None, Reel]:
    """Do a job and show how far it is; gives its steps."""
    reel, due, worked = Reel(), 0.0, False
    with closing(cast(Generator[Step], course.steps(place))) as steps:
        for step in steps:
            reel.add(step)
            if worked and time.perf_counter() < due:
                continue
            worked, due = step.total > 0, time.perf_counter() + PAUSE
            yield {view.status: turn.told(reel, course)}
    reel.stop()
    return reel


def plan(settings: Sequence[Setting], course: Course) -> str:
    """What will be run, in which order, and what each is expected to need, as HTML."""
    count, left = len(settings), course.left()
    runs = "1 run" if count == 1 else f"{count} runs"
    loads = {0: "", 1: " · 1 model to load"}.get(course.loads, f" · {course.loads} models to load")
    takes = "time not known yet"
    if left is not None:
        takes = f"{'about' if course.is_sure() else 'at a guess'} {duration(left)}"
    lines = []
    for place in course.order:
        seconds = course.seconds(place)
        need = course.jobs[place].outlook()
        told = [f"about {duration(seconds)}"] if seconds is not None and not need else []
        more = " · ".join([*told, *([need] if need else [])])
        small = f"<small> · {html.escape(more)}</small>" if more else ""
        lines.append(f"<li>{html.escape(settings[place].label)}{small}</li>")
    return (
        f'<details class="course"><summary>Plan: {runs}{loads} · {takes}</summary>'
        f"<ol>{''.join(lines)}</ol></details>"
    )


def _jobs(asked: Asked) -> list[Job]:
    """Everything that is asked for, checked before the first of it runs.

    One seed is drawn for all that have none of their own.
    """
    from restoration import image_io

    if asked.picture is None:
        raise BadPictureError("Choose a picture first: drop one under “Picture to restore”.")
    if not asked.settings:
        raise BadKnobError("Add a setting first: there is nothing to compare yet.")
    picture = image_io.read(asked.picture, limits())
    reference = image_io.read(asked.reference, limits()) if asked.reference else None
    if reference is not None:
        _check_proportions(_size(picture.image), _size(reference.image))
    seed = checked_seed(asked.seed)
    return [
        front.prepare(
            one.method.name,
            picture,
            variant=one.variant.name,
            seed=seed if one.seed is None else one.seed,
            knobs=one.knobs(),
            reference=reference,
            **beside.read(one.method, one.values(), asked.given, picture),
        )
        for one in asked.settings
    ]


def _check_proportions(picture: tuple[int, int], reference: tuple[int, int]) -> None:
    """Refuse an original that cannot be of this picture, rather than measure nonsense."""
    ratio = (picture[0] * reference[1]) / (picture[1] * reference[0])
    if abs(ratio - 1) > LARGEST_MISMATCH:
        raise BadPictureError(
            f"The clean original has other proportions ({size_text(reference)}) than the picture "
            f"({size_text(picture)}): take the original of this very picture, or none."
        )


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-1], image.shape[-2]
