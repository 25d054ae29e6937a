"""The comparer: any number of pictures of one scene, looked at in five ways.

A slider between any two, side by side with linked zoom, flip, an amplified difference map, and
a loupe over all. The browser half lies in `restoration.comparer`; this half hands it pictures that
Gradio serves. Labels travel as data and never become part of a template, which would run them as
code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from restoration.comparer import script, style

MOST_EXACT_BYTES = 8 << 20
"""A lossless file up to this size is shown as it is; above it, a WebP takes its place."""
WEBP_QUALITY = 95
WEBP_MOST_SIDE = 16383
"""The format's own limit, in pixels."""


@dataclass(frozen=True)
class Shown:
    """One picture of a comparison."""

    label: str
    """Its name on the page, from a user or not: shown as plain text."""
    picture: Path | bytes
    """A file (PNG, JPEG or WebP) that this program wrote, or the bytes of one."""
    size: tuple[int, int]
    """(width, height) in pixels."""
    caption: str = ""
    """What there is to say about it, such as its PSNR."""


@dataclass(frozen=True)
class Axes:
    """The grid that a comparison forms, such as one value of a knob in every column.

    One axis alone has a single row without a name: `rows=("",)`.
    """

    columns: tuple[str, ...]
    """What each column stands for, from the left; plain text."""
    rows: tuple[str, ...]
    """What each row stands for, from above."""
    column_title: str
    """What varies along the columns, such as a knob."""
    row_title: str
    """What varies down the rows; empty where there is one row only."""
    places: tuple[tuple[int, int] | None, ...]
    """(column, row) of each picture shown; None for one outside the grid, such as the input."""


def comparer(label: str, elem_id: str) -> gr.HTML:
    """An empty comparer; its value is what `comparison` gives."""
    return gr.HTML(
        value=None,
        label=label,
        elem_id=elem_id,
        html_template='<div class="comparer bare"></div>',
        css_template=style(),
        js_on_load=script(),
        apply_default_css=False,
    )


def comparison(
    shown: Sequence[Shown],
    reference: int | None = None,
    note: str = "",
    first: tuple[int, int] | None = None,
    axes: Axes | None = None,
) -> dict[str, Any]:
    """The value of a comparer that shows `shown`.

    Args:
        shown: the pictures; the input first.
        reference: which of them is the clean original, where there is one.
        note: a sentence above the pictures, for instance that they are from an earlier run.
        first: the two that its slider begins with; the first two where it is None.
        axes: the grid they form, where they do.
    """
    items = [_item(one) for one in shown]
    return {
        "items": items,
        "reference": reference,
        "note": note,
        "first": first,
        "axes": None if axes is None else asdict(axes),
    }


def with_note(value: dict[str, Any], note: str) -> dict[str, Any]:
    """The same comparison under another note."""
    return {**value, "note": note}


def _item(one: Shown) -> dict[str, Any]:
    width, height = one.size
    return {
        "label": one.label,
        "caption": one.caption,
        "width": width,
        "height": height,
        # a marked FileData: Gradio moves it into its cache and adds the address to fetch it from
        "file": FileData(path=str(_servable(one.picture))).model_dump(),
    }


def _servable(picture: Path | bytes) -> Path:
    """A file of a size fit for a page: `picture` itself, or a finely coded copy of it."""
    large = (len(picture) if isinstance(picture, bytes) else picture.stat().st_size) > (
        MOST_EXACT_BYTES
    )
    if isinstance(picture, Path) and not large:
        return picture
    data = picture if isinstance(picture, bytes) else picture.read_bytes()
    data = _webp(data) if large else data
    suffix = "webp" if data[8:12] == b"WEBP" else "png"
    return Path(save_bytes_to_cache(data, f"picture.{suffix}", get_upload_folder()))


def _webp(data: bytes) -> bytes:
    buffer = BytesIO()
    with Image.open(BytesIO(data)) as image:
        image.thumbnail((WEBP_MOST_SIDE, WEBP_MOST_SIDE))
        image.save(buffer, "WEBP", quality=WEBP_QUALITY, method=2)
    return buffer.getvalue()
