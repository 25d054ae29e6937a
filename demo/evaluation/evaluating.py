"""A run of the Evaluate tab, as what the page shows while and after it; and a look at earlier ones.

Every picture joins the line for the device anew, so that an evaluation of a night lets the runs of
others come in between.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from demo import failures
from demo.evaluation.files import compared
from demo.fragments import duration, status
from demo.picture import refusal
from demo.restoring import Updates
from restoration.errors import RestorationError
from restoration.evaluation import page, report, shown
from restoration.evaluation.folder import PLAN
from restoration.evaluation.form import ReportForm
from restoration.evaluation.items import found
from restoration.evaluation.runner import Progress, evaluate_steps, report_of, write_report
from restoration.evaluation.statistics import Summary

if TYPE_CHECKING:
    from restoration.evaluation.kept import Asked, Kept, Shelf, Uploads

PAUSE = 0.25
"""Seconds between two states of the page at least."""
TABLE_SHARE = 0.05
"""The part of the time that may go into means on the way."""
MOST_CHOICES = 2000
"""Pictures that can be chosen on the page; the report shows all."""
NEWEST = "Newest first. Look at one again, go on with it, or delete it."
NONE_YET = "None yet: each is listed here once it runs, to look at it again or to go on with it."
RANGE = "<p><small>Below a mean: what holds the true one in 95 of 100 cases.</small></p>"


@dataclass(frozen=True)
class View:
    """The parts of the tab that a run writes to."""

    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    table: gr.HTML
    result: gr.Column
    """Holds the three below; hidden while there is nothing to look at."""
    picture: gr.Dropdown
    comparer: gr.HTML
    download: gr.DownloadButton
    earlier: gr.Dropdown
    current: gr.State
    """The id of the evaluation that is shown."""

    def outputs(self) -> list[Any]:
        """All of them."""
        return [
            self.run,
            self.stop,
            self.status,
            self.table,
            self.result,
            self.picture,
            self.comparer,
            self.download,
            self.earlier,
            self.current,
        ]

    def started(self, text: str) -> Updates:
        """A run begins, or an earlier one is opened."""
        return {
            self.status: status(text),
            self.table: "",
            self.result: gr.update(visible=False),
            self.comparer: None,
            self.download: gr.update(visible=False),
            self.run: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
        }

    def ended(self, text: str, kind: str) -> Updates:
        """A run is over."""
        return {
            self.status: status(text, kind=kind),
            self.run: gr.update(interactive=True),
            self.stop: gr.update(interactive=False),
        }


def evaluate(view: View, shelf: Shelf, asked: Asked, uploads: Uploads) -> Iterator[Updates]:
    """Evaluate, or go on where the same was stopped; closing the generator stops it.

    Raises:
        gr.Error: with one sentence that says what to do.
    """

    def work() -> Iterator[Updates]:
        yield from _run(view, shelf, shelf.take(asked, uploads))

    yield from _guarded(view, "Taking in the pictures …", work())


def go_on(view: View, shelf: Shelf, identity: str | None) -> Iterator[Updates]:
    """Go on with an earlier evaluation; closing the generator stops it.

    Raises:
        gr.Error: with one sentence that says what to do.
    """

    def work() -> Iterator[Updates]:
        yield from _run(view, shelf, _opened(shelf, identity))

    yield from _guarded(view, "Going on …", work())


def look(view: View, shelf: Shelf, identity: str | None) -> Iterator[Updates]:
    """Show what an earlier evaluation came to so far.

    Raises:
        gr.Error: with one sentence that says what to do.
    """

    def work() -> Iterator[Updates]:
        yield from _found(view, shelf, _opened(shelf, identity))

    yield from _guarded(view, "Opening …", work())


def _opened(shelf: Shelf, identity: str | None) -> Kept:
    if not identity:
        raise RestorationError("There is no evaluation yet: Run makes one.")
    return shelf.open(identity)


def choices(shelf: Shelf, chosen: str | None = None) -> dict[str, Any]:
    """The list of evaluations, newest first."""
    kept = [(one.title(), one.id) for one in shelf.list()]
    known = [identity for _, identity in kept]
    value = chosen if chosen in known else next(iter(known), None)
    told = NEWEST if kept else NONE_YET
    update: dict[str, Any] = gr.update(choices=kept, value=value, info=told, interactive=bool(kept))
    return update


def _guarded(view: View, text: str, work: Iterator[Updates]) -> Iterator[Updates]:
    yield view.started(text)
    try:
        yield from work
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        said = failures.sentence(error)
        yield view.ended(said, "bad")
        raise refusal(said) from None


def _run(view: View, shelf: Shelf, kept: Kept) -> Iterator[Updates]:
    yield {view.current: kept.id, view.earlier: choices(shelf, kept.id)}
    plan, pace = kept.plan(), _Pace()
    with closing(evaluate_steps(plan)) as steps:
        for progress in steps:
            updates: Updates = {}
            if pace.is_due():
                share = progress.done / progress.total
                updates[view.status] = status(told(progress), share=share)
            if pace.has_more(progress.done):
                shelf.check_size()
                updates[view.table] = pace.timed(lambda: _means(report_of(plan)))
            if updates:
                yield updates
    yield from _found(view, shelf, kept)


def _found(view: View, shelf: Shelf, kept: Kept) -> Iterator[Updates]:
    """Write the page of an evaluation and show what it came to."""
    plan, pace = kept.plan(), _Pace()
    if not (kept.out / PLAN).exists():
        raise RestorationError("Nothing of it is made yet: press Go on.")
    pictures = found(plan.clean, plan.degraded)
    made = write_report(plan, pictures)
    for done, total in shown.prepare(kept.out, made, pictures.items):
        if pace.is_due():
            yield {view.status: status("Writing the report …", share=done / total)}
    page.write(kept.out, made, pictures.items)
    names = [(item["id"], place) for place, item in enumerate(made["items"][:MOST_CHOICES])]
    yield {
        **view.ended(*_conclusion(made)),
        view.table: page.means_table(made, report.summaries(made)) + _remarks(made) + RANGE,
        view.result: gr.update(visible=True),
        view.picture: gr.update(choices=names, value=0),
        view.comparer: compared(kept, 0),
        view.earlier: choices(shelf, kept.id),
        view.current: kept.id,
    }


class _Pace:
    """When the page is told again, so that telling takes little of the time."""

    def __init__(self) -> None:
        self._told = 0.0
        self._done = -1
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether it is time for another line."""
        now = time.monotonic()
        if now - self._told < PAUSE:
            return False
        self._told = now
        return True

    def has_more(self, done: int) -> bool:
        """Whether more is done than was shown, and it is time to show it."""
        if done <= self._done or time.monotonic() < self._next:
            return False
        self._done = done
        return True

    def timed(self, make: Any) -> Any:
        """What `make` gives; the longer it takes, the later it is due again."""
        start = time.monotonic()
        made = make()
        self._next = start + max(1.0, (time.monotonic() - start) / TABLE_SHARE)
        return made


def told(progress: Progress) -> str:
    """How far it is, in words."""
    parts = [f"{progress.done} of {progress.total} results", f"{progress.item}, {progress.label}"]
    if progress.note not in ("", "done", "failed"):
        parts.append(progress.note)
    if progress.failed:
        parts.append(f"{progress.failed} failed")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return " · ".join(parts)


def _conclusion(made: ReportForm) -> tuple[str, str]:
    failed, still = len(report.failures_of(made)), report.num_open(made)
    if still:
        return f"{still} results are still to be made: press Go on to make them.", "idle"
    words = f"Done · {report.title_of(made)}"
    return (f"{words} · {failed} failed, see below", "bad") if failed else (words, "good")


def _means(made: ReportForm) -> str:
    """The means so far, without intervals."""
    means = {
        label: {
            measure.name: _plain(report.values_of(made, label, measure.name))
            for measure in report.measures_of(made)
        }
        for label in made["labels"]
    }
    return page.means_table(made, means)


def _plain(values: list[float | None]) -> Summary:
    taken = [value for value in values if value is not None]
    mean = sum(taken) / len(taken) if taken else float("nan")
    return Summary(mean, float("nan"), float("nan"), len(taken), len(values) - len(taken))


def _remarks(made: ReportForm) -> str:
    """What failed and what was left out, behind a line that counts it."""
    lines = [f"{row['id']}, {row['label']}: {row['error']}" for row in report.failures_of(made)]
    lines += [f"{one['name']}: {one['why']}" for one in made["left_out"]]
    if not lines:
        return ""
    items = "".join(f"<dd>{html.escape(line)}</dd>" for line in lines)
    head = f"{len(lines)} files or results that are missing"
    return f"<details open><summary>{head}</summary><dl>{items}</dl></details>"
