"""One run of a method, as what the page shows while and after it: a generator of updates."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gradio as gr
from gradio.utils import get_upload_folder

from demo import beside, comparer, failures
from demo.controls import seed_of
from demo.fragments import duration, figure, findings, meanings, notes, status, strip
from demo.picture import refusal
from restoration import front
from restoration.errors import BadPictureError
from restoration.protocol import Method, Step
from restoration.recipe import Recipe
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.image_io import Picture

Updates = dict[Any, Any]
"""Component -> its new value, as Gradio takes it from a handler."""

PREVIEW_SIDE = 768
PREVIEW_PAUSE = 0.5
"""Seconds between two previews at least."""
PREVIEW_SHARE = 0.05
"""The part of the time that may go into previews."""


@dataclass(frozen=True)
class View:
    """The parts of a tab that a run writes to."""

    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    notes: gr.HTML
    live: gr.HTML
    result: gr.Column
    """Holds the four below; hidden while there is no result."""
    comparer: gr.HTML
    strip: gr.HTML
    download: gr.DownloadButton
    recipe: gr.Code

    def outputs(self) -> list[Any]:
        """All of them; the two that a program wants, file and recipe, come first."""
        return [
            self.download,
            self.recipe,
            self.status,
            self.notes,
            self.live,
            self.result,
            self.comparer,
            self.strip,
            self.run,
            self.stop,
        ]

    def started(self, text: str) -> Updates:
        """A run begins: what the last one left is taken away, so that it is not mistaken."""
        return {
            self.status: status(text),
            self.notes: "",
            self.live: "",
            self.result: gr.update(visible=False),
            self.comparer: None,
            self.strip: "",
            self.download: None,
            self.recipe: None,
            self.run: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
        }

    def ended(self, text: str, kind: str) -> Updates:
        """A run is over without a result; the last preview stays to be seen."""
        return {
            self.status: status(text, kind=kind),
            self.run: gr.update(interactive=True),
            self.stop: gr.update(interactive=False),
        }


def restore(
    view: View, method: Method, path: str | None, settings: dict[str, Any], given: dict[str, Any]
) -> Iterator[Updates]:
    """Restore an uploaded picture; closing the generator cancels and frees the device.

    `settings` holds `variant`, `seed` and the knobs by key; `given` what is beside the picture.

    Raises:
        gr.Error: with one sentence that says what to do.
    """
    yield view.started("Reading the picture …")
    try:
        yield from _restore(view, method, path, settings, given)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        text = failures.sentence(error)
        yield view.ended(text, "bad")
        raise refusal(text) from None


def _restore(
    view: View, method: Method, path: str | None, settings: dict[str, Any], given: dict[str, Any]
) -> Iterator[Updates]:
    from restoration import image_io

    if path is None:
        raise BadPictureError("Choose a picture first: drop one on the left, or take an example.")
    picture = image_io.read(path, limits())
    knobs = dict(settings)
    variant, seed = knobs.pop("variant"), seed_of(knobs.pop("seed"))
    more = beside.read(method, knobs, given, picture)
    job = front.prepare(method.name, picture, variant=variant, seed=seed, knobs=knobs, **more)
    first = figure(picture.image, "The picture as it came", PREVIEW_SIDE)
    yield {view.notes: notes(picture.notes), view.live: first}
    reel = Reel()
    with closing(cast(Generator[Step], job.steps())) as steps:
        for step in steps:
            reel.add(step)
            updates = {view.status: status(reel.told(), share=reel.share)}
            if reel.preview_is_due():
                updates[view.live] = reel.preview()
            yield updates
    seconds = time.perf_counter() - reel.begun
    assert reel.last is not None, "a restorer yields at least one step"
    yield _result(view, job, reel, seconds)


def _result(view: View, job: front.Job, reel: Reel, seconds: float) -> Updates:
    assert reel.last is not None
    result = replace(job.picture, image=reel.last.estimate())
    recipe = job.recipe()
    path = keep(result, job.method.name, recipe)
    height, width = result.image.shape[-2:]
    done = f"Done in {duration(seconds)} · {width}x{height} pixels · seed {job.seed}"
    found = reel.last.measured
    shown = [
        shown_as("Input", job.picture, keep(job.picture, "input")),
        shown_as("Result", result, path),
    ]
    return {
        view.download: str(path),
        view.recipe: json.dumps(json.loads(recipe.to_json()), indent=2),
        view.status: status(done + findings(found), kind="good", hint=meanings(found)),
        view.notes: notes(result.notes),
        view.live: "",
        view.result: gr.update(visible=True),
        view.comparer: comparer.comparison(shown),
        view.strip: strip([("Input", job.picture.image), *reel.stages(), ("Result", result.image)]),
        view.run: gr.update(interactive=True),
        view.stop: gr.update(interactive=False),
    }


def keep(picture: Picture, mark: str, recipe: Recipe | None = None) -> Path:
    """Write a picture where Gradio serves from, under a name nobody can guess."""
    from restoration import image_io

    folder = Path(get_upload_folder()) / "results" / secrets.token_hex(16)
    folder.mkdir(parents=True, mode=0o700)
    stem = Path(picture.name).stem[:60] or "picture"
    return image_io.write(folder / f"{stem}-{mark}.png", picture, recipe=recipe)


def shown_as(label: str, picture: Picture, path: Path) -> comparer.Shown:
    """A kept picture as the comparer takes it."""
    height, width = picture.image.shape[-2:]
    return comparer.Shown(label, path, (width, height))


class Reel:
    """The steps of a run as they come: how far, how long to go, the stages passed."""

    def __init__(self) -> None:
        self.begun = time.perf_counter()
        self.last: Step | None = None
        self._stages: dict[str, Step] = {}
        self._next_preview = 0.0

    def add(self, step: Step) -> None:
        """Take note of a step; the clock of the work starts when the waiting is over."""
        self.last = step
        if step.total == 0:
            self.begun = time.perf_counter()
        else:
            self._stages[step.note.partition(",")[0]] = step

    @property
    def share(self) -> float | None:
        """How much is done, in [0, 1], or None while waiting."""
        assert self.last is not None
        return self.last.done / self.last.total if self.last.total else None

    def told(self) -> str:
        """The state in words."""
        assert self.last is not None
        note = self.last.note[:1].upper() + self.last.note[1:]
        if not self.share:
            return f"{note} …"
        left = (time.perf_counter() - self.begun) * (1 / self.share - 1)
        return f"{note} · {self.last.done} of {self.last.total} · {duration(left)} left"

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

    def stages(self) -> list[tuple[str, Tensor]]:
        """Name and last picture of every stage but the final one."""
        *passed, _ = self._stages.items()
        return [(name[:1].upper() + name[1:], step.estimate()) for name, step in passed]
