"""The pictures of the chosen album, and the square of each that is learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
from PIL import Image

from demo.albums.fragments import cropper, grid, shares_of, square_of
from demo.albums.view import Albums, tried
from demo.controls import QUIET
from demo.owners import shelf_of
from demo.serving import ASSETS
from restoration.albums import Album, Shelf
from restoration.errors import BadAlbumError

FOLDER = ASSETS / "albums"
INTRODUCTION = (
    '<p class="about">What is learnt from a picture is the square that its small copy shows. '
    "Choose a picture to move its square: over the face, for instance.</p>"
)


@dataclass(frozen=True)
class Crops:
    """The parts that show the pictures and one of them with its square."""

    grid: gr.HTML
    editor: gr.Column
    """Holds the rest; hidden while no picture is chosen."""
    picture: gr.HTML
    sliders: tuple[gr.Slider, gr.Slider, gr.Slider]
    """Size, left and top, in percent."""
    index: gr.State
    """Of the chosen picture, or None."""
    keep: gr.Button

    def outputs(self) -> list[Any]:
        """All that changes with the album."""
        return [self.grid, self.editor, self.picture, *self.sliders, self.index]

    def seen(self, album: Album | None) -> dict[Any, Any]:
        """Another album, or the same one changed: no picture of it is chosen."""
        return {
            self.grid: grid(album, None),
            self.editor: gr.update(visible=False),
            self.index: None,
        }

    def chosen(self, album: Album, index: int) -> dict[Any, Any]:
        """One of its pictures, with its square."""
        with Image.open(album.picture(index)) as image:
            size = image.size
        shares = shares_of(album.manifest.pictures[index].square, *size)
        return {
            self.grid: grid(album, index),
            self.editor: gr.update(visible=True),
            self.picture: cropper(album, index),
            self.index: index,
            **dict(zip(self.sliders, shares, strict=True)),
        }


def lay_out(elem_id: str) -> Crops:
    """The parts, placed in the current Blocks context."""
    gr.HTML(INTRODUCTION)
    pictures = gr.HTML(
        value=grid(None, None),
        label="Pictures of the album",
        elem_id=f"{elem_id}-grid",
        html_template='<div class="grid"></div>',
        css_template=(FOLDER / "grid.css").read_text(encoding="utf-8"),
        js_on_load=(FOLDER / "grid.js").read_text(encoding="utf-8"),
        apply_default_css=False,
    )
    with gr.Column(visible=False) as editor:
        picture = gr.HTML("", elem_id=f"{elem_id}-cropper")
        sliders = tuple(
            gr.Slider(0 if start else 5, 100, start or 50, step=0.1, label=label, info=info)
            for label, info, start in (
                ("Size", "In percent of the largest square.", 0),
                ("Across", "0 is at the left edge, 100 at the right.", 50),
                ("Down", "0 is at the top, 100 at the bottom.", 50),
            )
        )
        keep = gr.Button("Keep this square", elem_id=f"{elem_id}-keep-square")
    moves = (FOLDER / "cropper.js").read_text(encoding="utf-8").partition("\n")[2]
    gr.on(
        [slider.change for slider in sliders],
        None,
        list(sliders),
        None,
        js=moves.replace("ELEMENT", f"{elem_id}-cropper"),
        **QUIET,
    )
    size, left, top = sliders
    return Crops(pictures, editor, picture, (size, left, top), gr.State(None), keep)


def wire(crops: Crops, albums: Albums) -> None:
    """Choosing a picture, and keeping its square."""

    def choose(name: str, request: gr.Request, event: gr.EventData) -> Any:
        album = tried(shelf_of(request).open, name)
        if not isinstance(event.index, int) or not 0 <= event.index < len(album.manifest.pictures):
            return gr.skip()  # the page is behind
        return tried(crops.chosen, album, event.index)

    def keep(
        name: str, index: int | None, size: float, left: float, top: float, request: gr.Request
    ) -> dict[Any, Any]:
        shelf = shelf_of(request)
        if index is None:
            return albums.update(shelf, name)
        album = tried(_crop, shelf, name, index, (size, left, top))
        return albums.update(shelf, name) | crops.chosen(album, index)

    crops.grid.click(choose, albums.chooser.name, crops.outputs(), **QUIET)
    crops.keep.click(
        keep, [albums.chooser.name, crops.index, *crops.sliders], albums.outputs(), **QUIET
    )


def _crop(shelf: Shelf, name: str, index: int, shares: tuple[float, float, float]) -> Album:
    album = shelf.open(name)
    if index >= len(album.manifest.pictures):
        raise BadAlbumError(f"“{album.name}” has changed meanwhile: choose the picture again.")
    with Image.open(album.picture(index)) as image:
        size = image.size
    return shelf.crop(name, index, square_of(*shares, *size))
