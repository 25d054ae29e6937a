"""Evaluate: every picture by every contender, in one process.

    plan = planned([Wanted("ddrm"), Wanted("diffbir", "mini")], out, clean=folder, kind="noise25")
    report = evaluate(plan)

What is done stays done: an evaluation that was stopped or killed goes on where it was when it is
started again with the same plan, and ends with the same report. What it leaves behind is described
in `form.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from restoration.errors import RestorationError
from restoration.evaluation import folder, ledger
from restoration.evaluation.form import FORM, INPUT, ItemForm, LeftOutForm, ReportForm, RowForm
from restoration.evaluation.items import Found, Item, found, picture_seed
from restoration.evaluation.ledger import LEDGER, Entry, Key
from restoration.evaluation.plan import Plan
from restoration.evaluation.work import Doing, item_steps


@dataclass(frozen=True)
class Progress:
    """How far an evaluation is."""

    done: int
    """Restorations, those of earlier runs included."""
    total: int
    """Pictures times contenders."""
    failed: int
    """Of those that are done."""
    item: str
    """The picture in work, by id."""
    label: str
    """The contender in work, or "input"."""
    note: str
    """The step in work, as the method calls it."""
    seconds_left: float | None
    """None before there is a picture to judge by."""


def evaluate(plan: Plan) -> ReportForm:
    """Evaluate to the end; gives what `report.json` holds.

    Raises:
        RestorationError: there is nothing to evaluate, nothing could be restored, or the folder
            of the results is not for this evaluation.
    """
    for _ in evaluate_steps(plan):
        pass
    return concluded(plan)


def evaluate_steps(plan: Plan) -> Generator[Progress, None, None]:
    """Evaluate what is not done yet; close to stop, start again to go on.

    Yields often: whenever a step of a restoration is made. The report is written at the end, and
    when it is stopped.

    Raises:
        RestorationError: as `evaluate`, but for results that could not be made.
    """
    with folder.opened(plan):
        pictures = found(plan.clean, plan.degraded, plan.limit)
        try:
            yield from walk(plan, pictures, LEDGER)
        finally:
            write_report(plan, pictures)


def walk(
    plan: Plan, pictures: Found, into: str, is_mine: Callable[[Item], bool] | None = None
) -> Iterator[Progress]:
    """Go through the pictures and do what is not done of those that are this process's."""
    known = ledger.read(plan.out)
    count = Count(len(pictures.items) * len(plan.contenders), known)
    for item in pictures.items:
        if is_mine is not None and not is_mine(item):
            count.pass_over(plan, item)
            continue
        for doing in item_steps(plan, item, known, plan.out / into):
            count.see(doing)
            yield count.progress(item, doing)


def report_of(plan: Plan, pictures: Found | None = None) -> ReportForm:
    """The report on what is done so far, from the ledger; may be asked for at any time."""
    if pictures is None:
        pictures = found(plan.clean, plan.degraded, plan.limit)
    entries = ledger.read(plan.out)
    return ReportForm(
        form=FORM,
        plan=plan.form(),
        labels=list(plan.labels),
        items=[
            ItemForm(id=item.id, file=str(item.file), seed=picture_seed(item.id, plan.seed))
            for item in pictures.items
        ],
        rows=[
            _row(item.id, label, entries.get((item.id, label)))
            for item in pictures.items
            for label in plan.labels
        ],
        left_out=[LeftOutForm(name=one.name, why=one.why) for one in pictures.left_out],
    )


def write_report(plan: Plan, pictures: Found | None = None) -> ReportForm:
    """Write `report.json`; gives what it holds."""
    report = report_of(plan, pictures)
    folder.write_json(plan.out / folder.REPORT, report)
    return report


def concluded(plan: Plan) -> ReportForm:
    """The report of an evaluation that is over.

    Raises:
        RestorationError: not one picture could be restored.
    """
    report = report_of(plan)
    rows = [row for row in report["rows"] if row["label"] != INPUT]
    if not any(row["status"] == "done" for row in rows):
        raise RestorationError(
            f"none of the {len(report['items'])} pictures could be restored; "
            f"{rows[0]['id']}: {rows[0]['error']}"
        )
    return report


@dataclass
class Count:
    """How much is done, and how long the rest will take."""

    total: int
    known: Mapping[Key, Entry]
    done: int = 0
    failed: int = 0
    old: int = 0
    """Those of `done` that took no time."""
    start: float = field(default_factory=time.perf_counter)

    def see(self, doing: Doing) -> None:
        """Take note of a stride."""
        if doing.entry is None or doing.label == INPUT:
            return
        self.done += 1
        self.failed += doing.entry.status == "failed"
        self.old += doing.is_old

    def pass_over(self, plan: Plan, item: Item) -> None:
        """Take note of a picture that another process has taken."""
        self.done += len(plan.contenders)
        self.old += sum((item.id, one.label) in self.known for one in plan.contenders)

    def picture(self, name: str, results: int, old: int, failed: int) -> Progress:
        """Take note of a picture that another process has finished; says how far it is."""
        self.done, self.old, self.failed = (
            self.done + results,
            self.old + old,
            self.failed + failed,
        )
        return Progress(self.done, self.total, self.failed, name, "", "done", self.left())

    def progress(self, item: Item, doing: Doing) -> Progress:
        """How far it is."""
        return Progress(
            self.done, self.total, self.failed, item.id, doing.label, doing.note, self.left()
        )

    def left(self) -> float | None:
        """Seconds until the end, as they went so far."""
        made = self.done - self.old
        if not made:
            return None
        waiting = sum(label != INPUT for _, label in self.known) - self.old
        rest = max(0, self.total - self.done - max(0, waiting))
        return (time.perf_counter() - self.start) / made * rest


def _row(item: str, label: str, entry: Entry | None) -> RowForm:
    if entry is not None:
        return cast(RowForm, entry.model_dump())
    blank = Entry(id=item, label=label, status="failed").model_dump()
    return cast(RowForm, {**blank, "status": "open"})
