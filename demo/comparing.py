"""One picture through several settings, as what the Compare tab shows while and after it."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from demo import comparer, failures
from demo.fragments import duration, notes, status
from demo.picture import refusal
from demo.restoring import Reel, Updates, keep
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
OLD = "These pictures are from the run before."


@dataclass(frozen=True)
class View:
    """The parts of the tab that a run writes to."""

    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    notes: gr.HTML
    comparer: gr.HTML
    table: gr.HTML
    files: gr.File
    shown: gr.State
    """What the comparer shows, so that it can be marked as old when the next run starts."""

    def outputs(self) -> list[Any]:
        """All of them."""
        return [
            self.status,
            self.notes,
            self.comparer,
            self.table,
            self.files,
            self.shown,
            self.run,
            self.stop,
        ]

    def started(self, shown: dict[str, Any] | None) -> Updates:
        """A run begins: what the last one left stays to be seen, marked as old."""
        return {
            self.status: status("Reading the pictures …"),
            self.notes: "",
            self.comparer: comparer.with_note(shown, OLD),
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


@dataclass(frozen=True)
class Asked:
    """What a run was asked for, as it comes from the form."""

    picture: str | None
    reference: str | None
    settings: Sequence[Setting]
    seed: int | None


@dataclass(frozen=True)
class Row:
    """One line of the table: the input, or what a setting made of it."""

    label: str
    size: tuple[int, int] | None = None
    """(width, height) in pixels, or None where nothing was made."""
    psnr: float | None = None
    ssim: float | None = None
    seconds: float | None = None
    seed: int | None = None
    remark: str = ""

    def caption(self) -> str:
        """Its numbers beside the picture."""
        if self.psnr is None or self.ssim is None:
            return ""
        return f"PSNR {_number(self.psnr, 2)} dB · SSIM {_number(self.ssim, 4) or 'none'}"


def compare(view: View, asked: Asked, shown: dict[str, Any] | None) -> Iterator[Updates]:
    """Run every setting in turn; closing the generator cancels and frees the device.

    Raises:
        gr.Error: with one sentence that says what to do.
    """
    yield view.started(shown)
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
                    told = f"{place + 1} of {len(jobs)} · {setting.label} · {reel.told()}"
                    share = (place + (reel.share or 0)) / len(jobs)
                    yield {view.status: status(told, share=share)}
            gallery.add(setting, job, reel)
        except RestorationError as error:  # one that fails leaves the others their turn
            gallery.rows.append(Row(setting.label, remark=failures.sentence(error)))
        yield gallery.updates(view)
    failed = len(jobs) - len(gallery.files)
    words = f"{failed} of {len(jobs)} failed: see the table" if failed else "Done"
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
        )
        jobs.append((one, job))
    return jobs


def _check_proportions(picture: tuple[int, int], reference: tuple[int, int]) -> None:
    """Refuse an original that cannot be of this picture, rather than measure nonsense."""
    ratio = (picture[0] * reference[1]) / (picture[1] * reference[0])
    if abs(ratio - 1) > LARGEST_MISMATCH:
        raise BadPictureError(
            f"The clean original has other proportions ({_text(reference)}) than the picture "
            f"({_text(picture)}): take the original of this very picture, or none."
        )


class Gallery:
    """The pictures and numbers of a run as they come in."""

    def __init__(self, picture: Picture, reference: Picture | None) -> None:
        self.picture = picture
        self.reference = reference
        self.rows = [self._row("Input", picture.image)]
        self.files: list[str] = []
        self._shown = [_shown(self.rows[0], keep(picture, "input"))]
        self._clean: list[comparer.Shown] = []
        if reference is not None:
            row = Row("Clean original", _size(reference.image))
            self._clean = [_shown(row, keep(reference, "clean"))]

    def add(self, setting: Setting, job: front.Job, reel: Reel) -> None:
        """Take in the result of a setting."""
        assert reel.last is not None, "a restorer yields at least one step"
        seconds = time.perf_counter() - reel.begun
        image = reel.last.estimate()
        row = replace(self._row(setting.label, image), seconds=seconds, seed=job.seed)
        mark = f"{len(self.rows)}-{job.method.name}-{job.variant.name}"
        path = keep(replace(job.picture, image=image), mark, job.recipe())
        self.rows.append(row)
        self.files.append(str(path))
        self._shown.append(_shown(row, path))

    def updates(self, view: View) -> Updates:
        """The results so far."""
        shown = [*self._shown, *self._clean]
        value = comparer.comparison(shown, len(shown) - 1 if self._clean else None)
        return {
            view.comparer: value,
            view.shown: value,
            view.table: table(self.rows),
            view.files: gr.update(value=self.files, visible=bool(self.files)),
        }

    def _row(self, label: str, image: Tensor) -> Row:
        """The line of a picture, measured where there is something to measure it against."""
        row = Row(label, _size(image))
        if self.reference is None:
            return row
        from restoration import metrics
        from restoration.colour import resize

        clean, remark = self.reference.image, ""
        if clean.shape != image.shape:
            clean = resize(clean, *image.shape[-2:]).clamp(0, 1)
            remark = f"measured against the original resized to {_text(_size(image))}"
        values = metrics.psnr(image, clean), metrics.ssim(image, clean)
        return replace(row, psnr=values[0], ssim=values[1], remark=remark)


def table(rows: Sequence[Row]) -> str:
    """The rows as an HTML table; columns that no row fills are left out."""
    measured = any(row.psnr is not None for row in rows)
    heads = ["Setting", *(["PSNR (dB)", "SSIM"] if measured else []), "Time", "Seed", "Size"]
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(_line(row, measured=measured) for row in rows)
    return (
        '<div class="sheet" role="region" aria-label="Results in numbers" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _line(row: Row, *, measured: bool) -> str:
    remark = f"<small>{html.escape(row.remark)}</small>" if row.remark else ""
    numbers = [_number(row.psnr, 2), _number(row.ssim, 4)] if measured else []
    cells = [
        *numbers,
        duration(row.seconds) if row.seconds is not None else "",
        str(row.seed) if row.seed is not None else "",
        _text(row.size) if row.size else "",
    ]
    values = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{html.escape(row.label)}{remark}</th>{values}</tr>'


def _number(value: float | None, digits: int) -> str:
    if value is None or math.isnan(value):
        return ""
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"


def _shown(row: Row, path: Path) -> comparer.Shown:
    assert row.size is not None
    return comparer.Shown(row.label, path, row.size, row.caption())


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-1], image.shape[-2]
