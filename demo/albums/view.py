"""All on the page that shows the chosen album, brought up to date at once after every change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

import gradio as gr

from demo import failures
from demo.albums.chooser import Chooser
from demo.method_form import Form
from demo.picture import refusal
from restoration.albums import Album, Shelf

P = ParamSpec("P")
T = TypeVar("T")


class Part(Protocol):
    """A part of the page that shows something of the chosen album."""

    def outputs(self) -> list[Any]:
        """What it may change."""
        ...

    def seen(self, album: Album | None) -> dict[Any, Any]:
        """Its updates for an album, or for none."""
        ...


@dataclass(frozen=True)
class Albums:
    """The list of albums of a tab, and all that shows the chosen one."""

    chooser: Chooser
    form: Form
    parts: tuple[Part, ...]

    def outputs(self) -> list[Any]:
        """All of it."""
        found = [*self.chooser.outputs(), self.form.fields["variant"]]
        return found + [one for part in self.parts for one in part.outputs()]

    def update(self, shelf: Shelf, name: str) -> dict[Any, Any]:
        """Show the album of that name; a trained one brings the weights that it was trained on."""
        album, updates = self.chooser.update(shelf, name)
        for part in self.parts:
            updates |= part.seen(album)
        training = album.manifest.training if album else None
        known = {variant.name for variant in self.form.method.variants}
        if training and training.variant in known:
            updates[self.form.fields["variant"]] = gr.update(value=training.variant)
        return updates


def tried(make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `make` gives, its complaint turned into one that the page shows.

    Raises:
        gr.Error: with one sentence that says what to do.
    """
    try:
        return make(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        raise refusal(failures.sentence(error)) from None
