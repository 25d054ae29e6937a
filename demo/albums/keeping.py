"""The chosen album under another name, as a file, or gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.albums.chooser import NONE
from demo.albums.fragments import counted
from demo.albums.view import Albums, tried
from demo.controls import QUIET
from demo.fragments import answer
from demo.leftovers import export_folder
from demo.owners import shelf_of
from demo.restoring import Updates
from restoration.albums import Album, Shelf
from restoration.errors import BadAlbumError

CHOOSE = "Choose an album first, in the list “Album”."
NO_LONGER = "Another album is chosen now: press Delete again."


@dataclass(frozen=True)
class Keeping:
    """The parts of the page that belong to it."""

    name: gr.Textbox
    rename: gr.Button
    export: gr.Button
    download: gr.DownloadButton
    delete: gr.Button
    asking: gr.Column
    question: gr.HTML
    yes: gr.Button
    no: gr.Button
    meant: gr.State
    """The name of the album that was asked about."""
    said: gr.HTML

    def outputs(self) -> list[Any]:
        """All that changes with the album."""
        return [self.name, self.download, self.asking, self.question, self.meant, self.said]

    def seen(self, album: Album | None) -> Updates:
        """Another album, or the same one changed: nothing is asked about it, nothing written."""
        return {
            self.name: album.name if album else "",
            self.download: gr.update(visible=False),
            self.asking: gr.update(visible=False),
            self.meant: NONE,
            self.said: "",
        }


def lay_out(elem_id: str) -> Keeping:
    """The parts, placed in the current Blocks context."""
    with gr.Row(elem_classes="actions", equal_height=True):
        name = gr.Textbox(label="Name", max_length=60, elem_id=f"{elem_id}-name", scale=3)
        rename = gr.Button("Rename", elem_id=f"{elem_id}-rename", scale=1)
    with gr.Row(elem_classes="actions"):
        export = gr.Button("Save as a file", elem_id=f"{elem_id}-export")
        delete = gr.Button("Delete …", elem_id=f"{elem_id}-delete")
    download = gr.DownloadButton(visible=False, elem_id=f"{elem_id}-download-album")
    with gr.Column(visible=False, elem_classes="asking", elem_id=f"{elem_id}-asking") as asking:
        question = gr.HTML("")
        with gr.Row(elem_classes="actions"):
            yes = gr.Button("Yes, delete it", variant="stop", elem_id=f"{elem_id}-delete-yes")
            no = gr.Button("No, keep it", elem_id=f"{elem_id}-delete-no")
    said = gr.HTML("", label="Answer", elem_id=f"{elem_id}-kept", elem_classes="quiet")
    meant = gr.State(NONE)
    return Keeping(name, rename, export, download, delete, asking, question, yes, no, meant, said)


def wire(keeping: Keeping, albums: Albums) -> None:
    """What each button does."""
    name = albums.chooser.name
    actions: list[tuple[gr.Button, list[Any], Callable[..., Updates]]] = [
        (keeping.rename, [name, keeping.name], renamed),
        (keeping.export, [name], exported),
        (keeping.delete, [name], asked),
        (keeping.yes, [name, keeping.meant], deleted),
        (keeping.no, [name], kept),
    ]
    for button, inputs, act in actions:

        def handler(
            request: gr.Request, *values: str, act: Callable[..., Updates] = act
        ) -> Updates:
            return tried(act, keeping, albums, shelf_of(request), *values)

        button.click(handler, inputs, albums.outputs(), **QUIET)


def renamed(keeping: Keeping, albums: Albums, shelf: Shelf, name: str, new: str) -> Updates:
    """The album has another name."""
    album = shelf.rename(_chosen(name), new)
    done = answer(f"It is called “{album.name}” now.")
    return albums.update(shelf, album.name) | {keeping.said: done}


def exported(keeping: Keeping, albums: Albums, shelf: Shelf, name: str) -> Updates:
    """The album is written to a file, under an address that nobody can guess."""
    del albums
    album = shelf.open(_chosen(name))
    path = shelf.export(album.name, export_folder(album.folder))
    return {
        keeping.download: gr.update(
            value=str(path), label=f"Download {path.name}", visible=True, interactive=True
        ),
        keeping.said: answer("The file holds the pictures and what was learnt from them."),
    }


def asked(keeping: Keeping, albums: Albums, shelf: Shelf, name: str) -> Updates:
    """Whether the album is really to be deleted."""
    del albums
    album = shelf.open(_chosen(name))
    what = f"{counted(album)} and what was learnt from them" if album.weights else counted(album)
    return {
        keeping.asking: gr.update(visible=True),
        keeping.question: answer(f"Delete “{album.name}” with its {what}? It is gone for good."),
        keeping.meant: album.name,
        keeping.said: "",
    }


def deleted(keeping: Keeping, albums: Albums, shelf: Shelf, name: str, meant: str) -> Updates:
    """The album that was asked about is gone, unless another one was chosen meanwhile."""
    if not meant or meant != name:
        return albums.update(shelf, name) | {keeping.said: answer(NO_LONGER, "bad")}
    shelf.delete(meant)
    return albums.update(shelf, NONE) | {keeping.said: answer(f"“{meant}” is deleted.")}


def kept(keeping: Keeping, albums: Albums, shelf: Shelf, name: str) -> Updates:
    """Nothing is deleted."""
    del shelf, name, albums
    return {keeping.asking: gr.update(visible=False), keeping.meant: NONE}


def _chosen(name: str) -> str:
    if not name:
        raise BadAlbumError(CHOOSE)
    return name
