"""A new album out of the damaged picture itself: the model's own guesses of what it shows."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr

from demo import failures, gate
from demo.albums.view import Albums
from demo.controls import QUIET, controls, seed_of, stops
from demo.fragments import duration, status, strip
from demo.owners import shelf_of
from demo.picture import PictureInput, refusal
from demo.reel import Reel
from demo.restoring import Updates
from demo.serving import AT_ONCE
from restoration.albums import Shelf, jobs
from restoration.albums.knobs import GenerateParams
from restoration.errors import BadPictureError
from restoration.protocol import Step
from restoration.registry import METHODS
from restoration.runtime import limits

INTRODUCTION = (
    '<p class="about">For when there are no other pictures of this subject: the model makes '
    "several guesses of what the picture that is to be restored shows, each from other noise, and "
    "is then trained on those. It takes as long as that many restorations.</p>"
)
STOPPED = "Stopped. No album was made."
ITSELF = ""
"""The picture itself, rather than the result of a method."""
FIRST = ("samples",)


@dataclass(frozen=True)
class Generating:
    """The parts of the page that belong to it."""

    name: gr.Textbox
    first: gr.Dropdown
    knobs: dict[str, Any]
    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    live: gr.HTML
    made: gr.HTML

    def outputs(self) -> list[Any]:
        """What a run of it writes to."""
        return [self.name, self.status, self.live, self.made, self.run, self.stop]


def lay_out(elem_id: str) -> Generating:
    """The parts, placed in the current Blocks context."""
    gr.HTML(INTRODUCTION)
    name = gr.Textbox(
        label="Name of the album",
        placeholder="Guesses of the portrait",
        max_length=60,
        elem_id=f"{elem_id}-guessed-name",
    )
    others = [(method.title, method.name) for method in METHODS.values() if not method.needs]
    first = gr.Dropdown(
        [("the picture itself", ITSELF), *others],
        value=ITSELF,
        label="Start from the result of",
        info="Another method may clean the picture first, so that the guesses are better.",
        filterable=False,
    )
    with gr.Row(elem_classes="actions"):
        run = gr.Button("Generate", variant="primary", elem_id=f"{elem_id}-generate")
        stop = gr.Button("Stop", interactive=False, elem_id=f"{elem_id}-stop-generating")
    told = gr.HTML("", label="Status", elem_id=f"{elem_id}-generating", elem_classes="quiet")
    made = gr.HTML("", label="Guesses so far", elem_classes="quiet")
    live = gr.HTML("", label="Preview", elem_id=f"{elem_id}-generating-live", elem_classes="quiet")
    knobs = controls(GenerateParams, first=FIRST)
    return Generating(name, first, knobs, run, stop, told, live, made)


def wire(generating: Generating, albums: Albums, picture: PictureInput) -> None:
    """Generate and Stop, on the device as any run."""
    keys = list(generating.knobs)
    fields = albums.form.fields

    def handler(
        name: str,
        picture: str | None,
        first: str,
        variant: str,
        seed: int,
        request: gr.Request,
        *values: Any,
    ) -> Iterator[Updates]:
        knobs = dict(zip(keys, values, strict=True))
        asked = Asked(name, picture, first or None, variant, seed_of(seed), knobs)
        with gate.place(request):
            yield from generate(generating, albums, shelf_of(request), asked)

    event = generating.run.click(
        handler,
        [
            generating.name,
            picture,
            generating.first,
            fields["variant"],
            fields["seed"],
            *generating.knobs.values(),
        ],
        list(dict.fromkeys([*generating.outputs(), *albums.outputs()])),
        concurrency_id="device",
        concurrency_limit=AT_ONCE,
        **QUIET,
    )
    stops(generating.stop, event, generating.status, STOPPED)
    event.then(
        lambda: (gr.update(interactive=True), gr.update(interactive=False)),
        None,
        [generating.run, generating.stop],
        queue=False,
        **QUIET,
    )


@dataclass(frozen=True)
class Asked:
    """What was asked for, as it comes from the form."""

    name: str
    picture: str | None
    first: str | None
    variant: str
    seed: int | None
    knobs: dict[str, Any]


def generate(
    generating: Generating, albums: Albums, shelf: Shelf, asked: Asked
) -> Iterator[Updates]:
    """Make the album; closing the generator makes none and frees the device.

    Raises:
        gr.Error: with one sentence that says what to do.
    """
    yield {
        generating.status: status("Reading the picture …"),
        generating.live: "",
        generating.made: "",
        generating.run: gr.update(interactive=False),
        generating.stop: gr.update(interactive=True),
    }
    try:
        yield from _generated(generating, albums, shelf, asked)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        text = failures.sentence(error)
        yield {generating.status: status(text, kind="bad")}
        raise refusal(text) from None


def _generated(
    generating: Generating, albums: Albums, shelf: Shelf, asked: Asked
) -> Iterator[Updates]:
    from restoration import image_io

    if asked.picture is None:
        raise BadPictureError("Choose the picture first: drop it under “Picture to restore”.")
    steps = jobs.generation(
        shelf,
        asked.name,
        image_io.read(asked.picture, limits()),
        variant=asked.variant,
        seed=asked.seed,
        knobs=asked.knobs,
        first=asked.first,
    )
    reel, count = Reel(), 0
    with closing(cast(Generator[Step], steps)) as steps:
        for step in steps:
            reel.add(step)
            updates = {generating.status: status(reel.told(), share=reel.share)}
            if reel.preview_is_due():
                updates[generating.live] = reel.preview()
            if len(reel.passed()) > count:
                count = len(reel.passed())
                updates[generating.made] = strip(reel.stages())
            yield updates
    done = (
        f"Done in {duration(reel.seconds)}. The album “{asked.name}” is chosen. Next: look at its "
        "pictures, and train on it."
    )
    yield albums.update(shelf, asked.name) | {
        generating.name: "",
        generating.live: "",
        generating.status: status(done, kind="good"),
    }
