"""Which album a method restores with: a list of one's own albums, and what the chosen one is."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo import failures
from demo.albums.fragments import album_strip, counted, short_state, state
from demo.fragments import answer
from demo.picture import WithoutStub, refusal
from restoration.albums import Album, Shelf
from restoration.errors import BadAlbumError, RestorationError
from restoration.recipe import read_recipe

NONE = ""
"""The value while no album is chosen."""


class AlbumChoice(gr.Dropdown, metaclass=WithoutStub):  # type: ignore[misc]
    """The name of an album, which its owner's shelf alone can say is one."""

    is_template = True

    def preprocess(self, payload: Any) -> str:
        """The name as it was sent; the choices may be behind, and are not asked.

        Raises:
            gr.Error: it is no text.
        """
        if payload is None:
            return NONE
        if not isinstance(payload, str):
            raise refusal("An album is chosen by its name.")
        return payload

    def api_info(self) -> dict[str, Any]:
        """Any text."""
        return {"type": "string"}


@dataclass(frozen=True)
class Chooser:
    """The list of albums and what is seen of the chosen one."""

    name: AlbumChoice
    shown: gr.HTML

    def outputs(self) -> list[Any]:
        """Both."""
        return [self.name, self.shown]

    def update(self, shelf: Shelf, name: str) -> tuple[Album | None, dict[Any, Any]]:
        """The album of that name, and the list as it is now with that one chosen.

        One that is not there any more is answered with the shelf's own sentence.
        """
        albums: Sequence[Album] = ()
        album, problem = None, ""
        try:
            albums = shelf.list()
            album = shelf.open(name) if name else None
        except BadAlbumError as error:
            problem = answer(failures.sentence(error), "bad")
        return album, {
            self.name: gr.update(choices=choices(albums), value=album.name if album else NONE),
            self.shown: problem or shown(album),
        }


def chooser(elem_id: str) -> Chooser:
    """A chooser without albums, placed here; `update` fills it for whoever looks at it."""
    name = AlbumChoice(
        choices([]),
        value=NONE,
        label="Album",
        info="Clean pictures of the same person or place, which the result is kept true to.",
        filterable=False,
        elem_id=f"{elem_id}-album",
    )
    return Chooser(name, gr.HTML(shown(None), elem_id=f"{elem_id}-album-shown"))


def without_album(elem_id: str) -> gr.Checkbox:
    """Whether a run shows what the album did."""
    return gr.Checkbox(
        value=True,
        label="Show what comes out without the album beside it",
        info="Restores twice, so it takes twice as long. It counts while an album is chosen.",
        elem_id=f"{elem_id}-without-album",
    )


def choices(albums: Sequence[Album]) -> list[tuple[str, str]]:
    """What the list offers, as (words, name)."""
    named = [(f"{one.name} ({counted(one)}, {short_state(one)})", one.name) for one in albums]
    return [("none: the bare prior", NONE), *named]


def shown(album: Album | None) -> str:
    """The chosen album: a strip of its pictures and how far it is."""
    strip = album_strip(album) if album else ""
    return f'{strip}<p class="about">{html.escape(state(album))}</p>'


def of_result(shelf: Shelf, path: str | None, method: str) -> tuple[str, str]:
    """The name of the album that a result of a method was made with, and what to say of it (HTML).

    An album is known by what it has learnt: trained on since, it is another one.
    """
    try:
        recipe = read_recipe(path) if path else None
        albums = shelf.list()
    except RestorationError:  # told where the settings are put back
        return NONE, ""
    if recipe is None or recipe.method != method:
        return NONE, ""
    learnt = recipe.inputs.get("album")
    if learnt is None:
        return NONE, answer("It was made without an album.", "good")
    for album in albums:
        if album.manifest.training and album.manifest.training.sha256 == learnt:
            return album.name, answer(f"It was made with the album “{album.name}”, chosen again.")
    return NONE, answer(
        "It was made with an album that is not here, or was trained further since: without it "
        "the result will be another one.",
        "bad",
    )
