"""The life of an album, in one fold of a tab: made, looked at, trained, kept."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.albums import crops as album_crops
from demo.albums import generating as album_generating
from demo.albums import keeping as album_keeping
from demo.albums import making as album_making
from demo.albums import training as album_training
from demo.albums.chooser import Chooser, of_result
from demo.albums.view import Albums
from demo.controls import QUIET
from demo.method_form import Form
from demo.owners import shelf_of
from demo.picture import PictureInput
from restoration import runtime

INTRODUCTION = (
    '<p class="about">An album holds clean pictures of one subject. The model is trained on them '
    "once, and every damaged picture of that subject can then be restored with it.</p>"
)
SHARED = (
    '<p class="about">This host is shared: your albums are seen in this browser only, and gone a '
    "day after your last visit. Save as a file what you want to keep.</p>"
)


def build(form: Form, picture: PictureInput, chooser: Chooser) -> None:
    """Lay out the fold in the current Blocks context and wire it."""
    name = form.method.name
    with gr.Accordion("Albums", open=False, elem_id=f"{name}-albums", elem_classes="albums"):
        gr.HTML(INTRODUCTION + (SHARED if runtime.is_public() else ""))
        with gr.Tabs(elem_id=f"{name}-album-tabs"):
            with gr.Tab("New"):
                making = album_making.lay_out(name)
            with gr.Tab("Generate"):
                generating = album_generating.lay_out(name)
            with gr.Tab("Pictures"):
                crops = album_crops.lay_out(name)
            with gr.Tab("Train"):
                training = album_training.lay_out(name)
            with gr.Tab("Keep"):
                keeping = album_keeping.lay_out(name)
    albums = Albums(chooser, form, (crops, keeping))
    album_making.wire(making, albums)
    album_generating.wire(generating, albums, picture)
    album_crops.wire(crops, albums)
    album_training.wire(training, albums, picture)
    album_keeping.wire(keeping, albums)
    _follow(albums)


def _follow(albums: Albums) -> None:
    """Show the album that the user chooses, and that of a result whose settings are put back."""
    said, dropped = albums.form.said, albums.form.dropped

    def choose(name: str, request: gr.Request) -> dict[Any, Any]:
        return albums.update(shelf_of(request), name)

    def recall(path: str | None, request: gr.Request) -> dict[Any, Any]:
        shelf = shelf_of(request)
        name, text = of_result(shelf, path, albums.form.method.name)
        return albums.update(shelf, name) | {said: text} if text else {said: ""}

    albums.chooser.name.input(choose, albums.chooser.name, albums.outputs(), queue=False, **QUIET)
    dropped.change(recall, dropped, [*albums.outputs(), said], **QUIET)
