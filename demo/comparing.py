"""One picture through several settings, as what the Compare tab shows while and after it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from demo import beside, comparer, failures
from demo.fragments import notes, status
from demo.picture import refusal
from demo.recognition import in_short
from demo.reel import Reel
from demo.restoring import Updates, keep
from demo.results_table import OLD, Row, size_text, table, table_as_old
from demo.settings_list import Setting
from restoration import front
from restoration.errors import BadKnobError, BadPictureError, RestorationError
from restoration.protocol import Step
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.image_io import Picture

LARGEST_MISMATCH = 0.03
"""Of two widths over heights; rounding a small picture's size explains no more."""
Results = tuple[dict[str, Any], str]
"""What the comparer shows, and the table below it."""


@dataclass(frozen=True)
class View:
    """The parts of the tab that a run writes to."""

    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    notes: gr.HTML
    comparer: gr.HTML
    table: gr.HTML
    downloads: Sequence[gr.DownloadButton]
    """One for each setting that fits."""
    shown: gr.State
    """A `Results` or None: kept so that it can be marked as old when the next run starts."""

    def outputs(self) -> list[Any]:
        """All of them."""
        return [
            self.status,
            self.notes,
            self.comparer,
            self.table,
            *self.downloads,
            self.shown,
            self.run,
            self.stop,
        ]

    def started(self, before: Results | None) -> Updates:
        """A run begins: what the last one left stays to be seen, marked as old."""
        updates = {
            self.status: status("Reading the pictures …"),
            self.notes: "",
            self.run: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
        }
        if before is not None:
            updates[self.comparer] = comparer.with_note(before[0], OLD)
            updates[self.table] = table_as_old(before[1])
        return updates

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
    jobs = _jobs(asked)
    gallery = Gallery(jobs[0][1].picture, jobs[0][1].reference)
    yield {view.notes: notes(gallery.picture.notes)}
    for place, (setting, job) in enumerate(jobs):
        reel = Reel()
        try:
            with closing(cast(Generator[Step], job.steps())) as steps:
                for step in steps:
                    reel.add(step)
                    told = f"Setting {place + 1} of {len(jobs)} · {setting.label} · {reel.told()}"
                    share = (place + (reel.share or 0)) / len(jobs)
                    yield {view.status: status(told, share=share)}
            reel.stop()
            gallery.add(setting, job, reel)
        except RestorationError as error:  # one that fails leaves the others their turn
            gallery.rows.append(Row(setting.label, remark=failures.sentence(error)))
        yield gallery.updates(view)
    failed = len(jobs) - len(gallery.results)
    seed = jobs[0][1].seed
    words = (
        f"{failed} of {len(jobs)} failed: the table says why" if failed else f"Done · seed {seed}"
    )
    yield view.ended(words, "bad" if failed else "good")


def _jobs(asked: Asked) -> list[tuple[Setting, front.Job]]:
    """Everything that is asked for, checked before the first of it runs, under one seed."""
    from restoration import image_io

    if asked.picture is None:
        raise BadPictureError("Choose a picture first: drop one under “Picture to restore”.")
    if not asked.settings:
        raise BadKnobError("Add a setting first: there is nothing to compare yet.")
    picture = image_io.read(asked.picture, limits())
    reference = image_io.read(asked.reference, limits()) if asked.reference else None
    if reference is not None:
        _check_proportions(_size(picture.image), _size(reference.image))
    jobs: list[tuple[Setting, front.Job]] = []
    for one in asked.settings:
        job = front.prepare(
            one.method.name,
            picture,
            variant=one.variant.name,
            seed=jobs[0][1].seed if jobs else asked.seed,
            knobs=one.knobs(),
            reference=reference,
            **beside.read(one.method, one.values(), asked.given, picture),
        )
        jobs.append((one, job))
    return jobs


def _check_proportions(picture: tuple[int, int], reference: tuple[int, int]) -> None:
    """Refuse an original that cannot be of this picture, rather than measure nonsense."""
    ratio = (picture[0] * reference[1]) / (picture[1] * reference[0])
    if abs(ratio - 1) > LARGEST_MISMATCH:
        raise BadPictureError(
            f"The clean original has other proportions ({size_text(reference)}) than the picture "
            f"({size_text(picture)}): take the original of this very picture, or none."
        )


class Gallery:
    """The pictures and numbers of a run as they come in."""

    def __init__(self, picture: Picture, reference: Picture | None) -> None:
        self.picture = picture
        self.reference = reference
        self.rows = [self._row("Input", picture.image)]
        self.results: list[tuple[str, Path]] = []
        """Label and file of each, in order."""
        self._shown = [_shown(self.rows[0], keep(picture, "input"))]
        self._clean: list[comparer.Shown] = []
        if reference is not None:
            row = Row("Clean original", _size(reference.image))
            self._clean = [_shown(row, keep(reference, "clean"))]

    def add(self, setting: Setting, job: front.Job, reel: Reel) -> None:
        """Take in the result of a setting."""
        image = reel.final()
        row = replace(
            self._row(setting.label, image, job.picture.image),
            seconds=reel.seconds,
            seed=job.seed,
            measured=reel.measured(),
            recognised=in_short(reel.recognised()),
        )
        mark = f"{len(self.rows)}-{job.method.name}-{job.variant.name}"
        path = keep(replace(job.picture, image=image), mark, job.recipe())
        self.rows.append(row)
        self.results.append((setting.label, path))
        self._shown.append(_shown(row, path))

    def updates(self, view: View) -> Updates:
        """The results so far."""
        shown = [*self._shown, *self._clean]
        value = comparer.comparison(shown, len(shown) - 1 if self._clean else None)
        numbers = table(self.rows)
        return {
            view.comparer: value,
            view.table: numbers,
            view.shown: (value, numbers),
            **self._downloads(view),
        }

    def _downloads(self, view: View) -> Updates:
        updates = {button: gr.update(visible=False) for button in view.downloads}
        for button, (label, path) in zip(view.downloads, self.results, strict=False):
            text = f"Download {label} (PNG)"
            updates[button] = gr.update(value=str(path), label=text, visible=True)
        return updates

    def _row(self, label: str, image: Tensor, degraded: Tensor | None = None) -> Row:
        """The line of a picture with its numbers; `degraded` is what it was made from."""
        from restoration.colour import resize
        from restoration.measures import measured

        clean, remark = None, ""
        if self.reference is not None:
            clean = self.reference.image
            if clean.shape != image.shape:
                clean = resize(clean, *image.shape[-2:]).clamp(0, 1)
                size = size_text(_size(image))
                remark = f"measured against the original resized to {size}"
        numbers = measured(image, reference=clean, degraded=degraded)
        return Row(label, _size(image), numbers, remark=remark)


def _shown(row: Row, path: Path) -> comparer.Shown:
    assert row.size is not None
    return comparer.Shown(row.label, path, row.size, row.caption())


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-1], image.shape[-2]
