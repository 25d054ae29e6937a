"""Training on the chosen album: how far it is, how well it does, what it makes of a picture."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr

from demo import failures, gate
from demo.albums.curve import Point, curve
from demo.albums.view import Albums
from demo.controls import QUIET, controls, stops
from demo.fragments import duration, status
from demo.owners import shelf_of
from demo.picture import PictureInput, refusal
from demo.reel import Reel
from demo.restoring import Updates
from demo.serving import AT_ONCE
from restoration.albums import Shelf, jobs
from restoration.albums.knobs import TuneParams
from restoration.errors import BadAlbumError
from restoration.protocol import Step
from restoration.runtime import limits, policy

INTRODUCTION = (
    '<p class="about">For some minutes the model looks at the pictures of the chosen album and '
    "learns what this subject looks like. What it learns is kept in the album; the model itself "
    "stays as it is. It can be stopped at any time, and goes on from there.</p>"
)
STOPPED = "Stopped. What was learnt so far is kept; Train goes on from there."
CAPTION = (
    '<p class="about">The middle of the picture above, or else of one of the album, as it would be '
    "restored now:</p>"
)
PAUSE = 0.25
"""Seconds between two looks at the page at least."""
FIRST = ("minutes", "way")
"""The knobs that are seen at once."""


@dataclass(frozen=True)
class Training:
    """The parts of the page that belong to it."""

    knobs: dict[str, Any]
    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    curve: gr.HTML
    live: gr.HTML

    def outputs(self) -> list[Any]:
        """What a run of it writes to."""
        return [self.status, self.curve, self.live, self.run, self.stop]

    def started(self) -> Updates:
        """A run begins."""
        return {
            self.status: status("Looking at the album …"),
            self.curve: "",
            self.live: "",
            self.run: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
        }


def lay_out(elem_id: str) -> Training:
    """The parts, placed in the current Blocks context."""
    gr.HTML(INTRODUCTION)
    with gr.Row(elem_classes="actions"):
        run = gr.Button("Train", variant="primary", elem_id=f"{elem_id}-train")
        stop = gr.Button("Stop and keep", interactive=False, elem_id=f"{elem_id}-stop-training")
    told = gr.HTML("", label="Status", elem_id=f"{elem_id}-training", elem_classes="quiet")
    drawn = gr.HTML("", label="Curve", elem_id=f"{elem_id}-curve", elem_classes="quiet")
    live = gr.HTML("", label="Preview", elem_id=f"{elem_id}-training-live", elem_classes="quiet")
    knobs = controls(TuneParams, first=FIRST)
    return Training(knobs, run, stop, told, drawn, live)


def wire(training: Training, albums: Albums, picture: PictureInput) -> None:
    """Train and Stop, on the device as any run."""
    keys = list(training.knobs)

    def handler(
        name: str, variant: str, picture: str | None, request: gr.Request, *values: Any
    ) -> Iterator[Updates]:
        asked = Asked(name, variant, picture, dict(zip(keys, values, strict=True)))
        with gate.place(request):
            yield from train(training, albums, shelf_of(request), asked)

    event = training.run.click(
        handler,
        [albums.chooser.name, albums.form.fields["variant"], picture, *training.knobs.values()],
        list(dict.fromkeys([*training.outputs(), *albums.outputs()])),
        concurrency_id="device",
        concurrency_limit=AT_ONCE,
        **QUIET,
    )
    stops(training.stop, event, training.status, STOPPED)

    def over(name: str, request: gr.Request) -> Updates:
        return albums.update(shelf_of(request), name) | {
            training.run: gr.update(interactive=True),
            training.stop: gr.update(interactive=False),
        }

    # However it ends. After Stop this comes once what was learnt is on the disk.
    event.then(
        over,
        albums.chooser.name,
        [*albums.outputs(), training.run, training.stop],
        queue=False,
        **QUIET,
    )


@dataclass(frozen=True)
class Asked:
    """What a training was asked for, as it comes from the form."""

    name: str
    variant: str
    picture: str | None
    knobs: dict[str, Any]


def train(training: Training, albums: Albums, shelf: Shelf, asked: Asked) -> Iterator[Updates]:
    """Train; closing the generator stops, keeps what was learnt and frees the device.

    Raises:
        gr.Error: with one sentence that says what to do.
    """
    yield training.started()
    try:
        yield from _trained(training, albums, shelf, asked)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        text = failures.sentence(error)
        yield {training.status: status(text, kind="bad")}
        raise refusal(text) from None


def _trained(training: Training, albums: Albums, shelf: Shelf, asked: Asked) -> Iterator[Updates]:
    from restoration import image_io

    if not asked.name:
        raise BadAlbumError("Choose the album to train on first, or make one.")
    test = image_io.read(asked.picture, limits()) if asked.picture else None
    steps = jobs.training(shelf, asked.name, variant=asked.variant, knobs=asked.knobs, test=test)
    reel, points, due = Reel(), [], 0.0
    with closing(cast(Generator[Step], steps)) as steps:
        for step in steps:
            reel.add(step)
            if step.measured:
                points.append(Point(step.done, step.measured["loss"], step.measured["check"]))
            if time.monotonic() >= due or step.done == step.total:
                yield _seen(training, reel, points)
                due = time.monotonic() + PAUSE
    over = f"Done in {duration(reel.seconds)}."
    if step.done < step.total:
        over = f"Ended after {policy().seconds} s, the most this hub gives one run."
    done = (
        f"{over} The album “{asked.name}” is trained: press Run to restore with it. Train goes on "
        "from here."
    )
    yield albums.update(shelf, asked.name) | {
        training.status: status(done, kind="good"),
        training.live: CAPTION + reel.preview(),
    }


def _seen(training: Training, reel: Reel, points: list[Point]) -> Updates:
    updates = {training.status: status(reel.said() + reel.left(), share=reel.share)}
    if points:
        updates[training.curve] = curve(points)
    if reel.preview_is_due():
        updates[training.live] = CAPTION + reel.preview()
    return updates
