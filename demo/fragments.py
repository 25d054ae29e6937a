"""Small pieces of HTML that a run shows: the state, a preview, the stages, notes."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

from demo.language import in_html

if TYPE_CHECKING:
    from gradio.i18n import I18nData
    from torch import Tensor

THUMBNAIL_SIDE = 240
MEANINGS = {
    "consistency": "Consistency: how far the result, degraded in the same way, is from the input "
    "(mean squared difference in grey levels of 255; 0 is perfect agreement)."
}
"""Of the words that methods measure results by."""


def status(
    text: str | I18nData, *, kind: str = "busy", share: float | None = None, hint: str = ""
) -> str:
    """A line that says how things are, with a bar while a share of the work is done.

    The hint below it explains a word of the line.
    """
    bar = ""
    if share is not None:
        percent = round(100 * share)
        bar = f'<progress max="100" value="{percent}" aria-label="Progress"></progress>'
    small = f"<small>{html.escape(hint)}</small>" if hint else ""
    role = "alert" if kind == "bad" else "status"
    return f'<div class="state {kind}" role="{role}"><p>{in_html(text)}</p>{small}{bar}</div>'


def findings(measured: Mapping[str, float]) -> str:
    """What a method found out about its result, to go on a line that says more."""
    return "".join(f" · {word} {value:.1f}" for word, value in measured.items())


def meanings(measured: Mapping[str, float]) -> str:
    """What its words mean, in a sentence each."""
    return " ".join(MEANINGS[word] for word in measured if word in MEANINGS)


def lead(text: str | I18nData) -> str:
    """What a tab is for, above all that is in it."""
    return f'<p class="lead">{in_html(text)}</p>'


def empty(text: str | I18nData) -> str:
    """What stands where a result will be."""
    return f'<div class="empty"><p>{in_html(text)}</p></div>'


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
    all_items = "".join(items)
    return f'<div class="strip" role="group" aria-label="Stages" tabindex="0">{all_items}</div>'


def answer(text: str, kind: str = "good") -> str:
    """A line that answers what was done; `kind` is good or bad."""
    return f'<p class="said {kind}" role="status">{html.escape(text)}</p>'


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
