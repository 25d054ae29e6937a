"""A comparison to take along: a sheet, a page that opens anywhere, a short animation.

Files are made when somebody asks for them, from what the server itself knows of the comparison;
the same comparison gives the same file, which is then made once.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import gradio as gr
from gradio.utils import get_upload_folder

from demo import failures, leftovers
from demo.comparer import Shown
from demo.controls import QUIET
from demo.fragments import answer, duration, status
from restoration.comparer.animation import animation
from restoration.comparer.page import page
from restoration.comparer.pictured import Axes, Pictured
from restoration.comparer.sheet import sheet
from restoration.errors import RestorationError

NOTHING = "There is nothing to export yet: press Run first."
GONE = "These pictures are no longer on the server: run again."
PRESS = "() => setTimeout(() => document.querySelector('#{id}')?.click(), 200)"
"""Takes the file that was made, once its button is on the page."""
AT_ONCE = 2


class Compared(Protocol):
    """What is known of a comparison."""

    @property
    def value(self) -> dict[str, Any]:
        """Of the comparer."""

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The same pictures, in the same order."""


@dataclass(frozen=True)
class Parts:
    """A comparison as it goes into a file."""

    title: str
    pictures: Sequence[Pictured]
    reference: int | None
    axes: Axes | None


@dataclass(frozen=True)
class Export:
    """One kind of file."""

    title: str
    """On its button."""
    file: str
    """Name of the file."""
    help: str
    """What it is good for, in a sentence."""
    make: Callable[[Parts], bytes]


EXPORTS = (
    Export(
        "Sheet (PNG)",
        "comparison.png",
        "All pictures on one, with names, numbers and axes.",
        lambda of: sheet(of.title, of.pictures, of.reference, of.axes),
    ),
    Export(
        "Page (HTML)",
        "comparison.html",
        "This comparer with recipes in one file that opens in any browser, without a network.",
        lambda of: page(of.title, of.pictures, of.reference, of.axes).encode(),
    ),
    Export(
        "Animation (WebP)",
        "comparison.webp",
        "One picture after the other, in full colour.",
        lambda of: animation(of.pictures, of.axes, "webp"),
    ),
    Export(
        "Animation (GIF)",
        "comparison.gif",
        "The same for places that know no WebP, in 256 colours.",
        lambda of: animation(of.pictures, of.axes, "gif"),
    ),
)


def lay_out(compared: gr.State, elem_id: str) -> None:
    """Buttons that make files of what the state holds: a `Compared`, or None."""
    with gr.Accordion("Export this comparison", open=False, elem_id=elem_id):
        lines = "".join(f"<li><b>{one.title}</b>: {one.help}</li>" for one in EXPORTS)
        gr.HTML(
            f'<ul class="about">{lines}</ul><p class="about">None of them tells where or when '
            "your picture was taken.</p>"
        )
        with gr.Row(elem_classes="actions"):
            buttons = [gr.Button(one.title, size="sm") for one in EXPORTS]
        told = gr.HTML("", label="Export", elem_id=f"{elem_id}-told", elem_classes="quiet")
        ready = gr.DownloadButton(visible=False, elem_id=f"{elem_id}-file", size="sm")
    for button, one in zip(buttons, EXPORTS, strict=True):
        event = button.click(
            _handler(one),
            compared,
            [told, ready],
            concurrency_id="exports",
            concurrency_limit=AT_ONCE,
            **QUIET,
        )
        event.then(None, None, None, js=PRESS.format(id=f"{elem_id}-file"), **QUIET)


def made(one: Export, compared: Compared) -> Path:
    """The file of a comparison.

    Raises:
        RestorationError: its pictures are gone.
    """
    pictures = [
        Pictured(shown.label, shown.picture, shown.caption, shown.numbers)
        for shown in compared.shown
    ]
    axes = compared.value.get("axes")
    reference = compared.value.get("reference")
    title = f"Comparison of {len(pictures)} pictures"
    # the places of the pictures are in here, which nobody can guess, and so nobody can guess this
    mark = hashlib.sha256(repr((compared.shown, axes, reference)).encode()).hexdigest()
    path = Path(get_upload_folder()) / "exports" / mark / one.file
    if path.exists():
        leftovers.used(path.parent)
        return path
    parts = Parts(title, pictures, reference, None if axes is None else Axes(**axes))
    try:
        data = one.make(parts)
    except OSError:
        raise RestorationError(GONE) from None
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{os.urandom(8).hex()}")
    part.write_bytes(data)
    return part.replace(path)


def _handler(one: Export) -> Callable[[Compared | None], Iterator[tuple[str, Any]]]:
    def make(compared: Compared | None) -> Iterator[tuple[str, Any]]:
        if compared is None or not compared.shown:
            yield answer(NOTHING, "bad"), gr.update(visible=False)
            return
        yield status(f"Making the {one.title} …"), gr.update(visible=False)
        start = time.monotonic()
        try:
            path = made(one, compared)
        except Exception as error:  # noqa: BLE001  # whatever failed, the page answers
            yield answer(failures.sentence(error), "bad"), gr.update(visible=False)
            return
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        told = f"{one.title}: {size}, made in {duration(time.monotonic() - start)}."
        label = f"Download {one.file} ({size})"
        yield answer(told), gr.update(value=str(path), label=label, visible=True)

    return make
