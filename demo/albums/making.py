"""A new album from one's own pictures, or from a file that another hub wrote."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo import failures
from demo.albums.fragments import counted
from demo.albums.view import Albums
from demo.controls import QUIET
from demo.fragments import notes, status
from demo.owners import shelf_of
from demo.picture import UploadedFiles, refusal
from demo.restoring import Updates
from restoration import faces, runtime
from restoration.albums import Shelf, read_uploads
from restoration.errors import BadAlbumError

INTRODUCTION = (
    '<p class="about">Good, sharp pictures of the very person, animal or place that the damaged '
    "picture shows: 5 to 40 are a good number, from different moments.</p>"
)
MOVING = '<p class="about">An album as a file, as “Keep” writes it{most}.</p>'


@dataclass(frozen=True)
class Making:
    """What a new album is made from, and the answer."""

    name: gr.Textbox
    files: UploadedFiles
    align: gr.Checkbox
    make: gr.Button
    archive: UploadedFiles
    take_in: gr.Button
    status: gr.HTML
    notes: gr.HTML

    def outputs(self) -> list[Any]:
        """What a run of it writes to."""
        return [self.name, self.files, self.archive, self.status, self.notes]


def lay_out(elem_id: str) -> Making:
    """The inputs, placed in the current Blocks context."""
    gr.HTML(INTRODUCTION)
    name = gr.Textbox(
        label="Name of the album",
        placeholder="Anna",
        max_length=60,
        elem_id=f"{elem_id}-new-name",
    )
    files = UploadedFiles(
        label="Pictures",
        file_count="multiple",
        file_types=["image"],
        height=170,
        elem_id=f"{elem_id}-new-files",
    )
    align = gr.Checkbox(
        label="Align the faces",
        info="Cuts the largest face out of each picture, upright and centred, as priors of faces "
        "want it. Pictures without a face are left out.",
        visible=faces.are_available(),
        elem_id=f"{elem_id}-new-align",
    )
    make = gr.Button("Make the album", variant="primary", elem_id=f"{elem_id}-make")
    with gr.Accordion("Or from a file", open=False, elem_id=f"{elem_id}-import"):
        largest = runtime.policy().upload_mb
        gr.HTML(MOVING.format(most=f"; up to {largest} MB" if largest else ""))
        archive = UploadedFiles(
            label="Album (zip)",
            file_types=[".zip"],
            height=120,
            elem_id=f"{elem_id}-archive",
        )
        take_in = gr.Button("Take it in", elem_id=f"{elem_id}-take-in")
    answer = gr.HTML("", label="Status", elem_id=f"{elem_id}-making", elem_classes="quiet")
    noted = gr.HTML("", label="Notes", elem_classes="quiet")
    return Making(name, files, align, make, archive, take_in, answer, noted)


def wire(making: Making, albums: Albums) -> None:
    """Both ways to a new album."""
    outputs = list(dict.fromkeys([*making.outputs(), *albums.outputs()]))

    def make(
        name: str, files: list[str], request: gr.Request, *, align: bool = False
    ) -> Iterator[Updates]:
        yield {making.status: status("Reading the pictures …"), making.notes: ""}
        made = _made(making, albums, shelf_of(request), name, files, align=align)
        yield from _told(making, made)

    def take_in(archive: list[str], name: str, request: gr.Request) -> Iterator[Updates]:
        yield {making.status: status("Reading the file …"), making.notes: ""}
        yield from _told(making, _taken_in(making, albums, shelf_of(request), archive, name))

    making.make.click(
        make,
        [making.name, making.files],
        outputs,
        inputs_kwargs={"align": making.align},
        **(QUIET | {"api_name": "make_album", "api_visibility": "undocumented"}),
    )
    making.take_in.click(take_in, [making.archive, making.name], outputs, **QUIET)


def _told(making: Making, updates: Iterator[Updates]) -> Iterator[Updates]:
    """The updates; what goes wrong is told on the page as well."""
    try:
        yield from updates
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        text = failures.sentence(error)
        yield {making.status: status(text, kind="bad")}
        raise refusal(text) from None


def _made(
    making: Making, albums: Albums, shelf: Shelf, name: str, files: list[str], *, align: bool
) -> Iterator[Updates]:
    shelf.free(name)
    pictures, refusals = read_uploads(files)
    faceless: list[str] = []
    if align:
        pictures, faceless = faces.align_pictures(pictures)
    album = shelf.make(name, pictures)
    done = (
        f"The album “{album.name}” has {counted(album)} and is chosen. Next: look at its squares "
        "under “Pictures”, then “Train”."
    )
    yield albums.update(shelf, album.name) | {
        making.name: "",
        making.files: None,
        making.status: status(done, kind="good"),
        making.notes: notes(tuple(f"Left out: {one}" for one in [*refusals, *faceless])),
    }


def _taken_in(
    making: Making, albums: Albums, shelf: Shelf, archive: list[str], name: str
) -> Iterator[Updates]:
    if not archive:
        raise BadAlbumError("Choose the file of an album first.")
    album = shelf.take_in(Path(archive[0]), name=name)
    yield albums.update(shelf, album.name) | {
        making.name: "",
        making.archive: None,
        making.status: status(f"The album “{album.name}” is here and chosen.", kind="good"),
    }
