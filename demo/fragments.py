"""Small pieces of HTML that a run shows: the state, a preview, the stages, notes."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

THUMBNAIL_SIDE = 240


def status(text: str, *, kind: str = "busy", share: float | None = None) -> str:
    """A line that says how things are, with a bar while a share of the work is done."""
    bar = ""
    if share is not None:
        percent = round(100 * share)
        bar = f'<progress max="100" value="{percent}" aria-label="Progress"></progress>'
    role = "alert" if kind == "bad" else "status"
    return f'<div class="state {kind}" role="{role}"><p>{html.escape(text)}</p>{bar}</div>'


def empty(text: str) -> str:
    """What stands where a result will be."""
    return f'<div class="empty"><p>{html.escape(text)}</p></div>'


def figure(image: Tensor, caption: str, side: int) -> str:
    """A small copy of a picture (1, 3, H, W) inside the page itself."""
    from restoration import image_io

    data = image_io.preview(image, side)
    kind = "webp" if data[:4] == b"RIFF" else "jpeg"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img class="live" alt="{html.escape(caption)}" src="{source}">'


def strip(pictures: list[tuple[str, Tensor]]) -> str:
    """The stages of a run side by side, each with its name."""
    items = (
        f"<figure>{figure(image, name, THUMBNAIL_SIDE)}<figcaption>{html.escape(name)}"
        "</figcaption></figure>"
        for name, image in pictures
    )
    return f'<div class="strip" role="group" aria-label="Stages">{"".join(items)}</div>'


def notes(sentences: tuple[str, ...]) -> str:
    """What the user should know about the picture, or nothing."""
    if not sentences:
        return ""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="notes" role="note">{items}</ul>'


def duration(seconds: float) -> str:
    """Seconds in words of a length that suits them."""
    if seconds < 10:  # noqa: PLR2004  # one digit more where it still matters
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
