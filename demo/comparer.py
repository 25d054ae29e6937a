"""The comparer: any number of pictures of one scene, looked at in six ways.

A slider between any two, side by side with linked zoom (under the axes they form, with a loupe in
every picture), flip, an amplified difference map, a loupe over all, and a blind test. The browser
half lies in `restoration.comparer`; this half hands it pictures that Gradio serves. Labels travel
as data and never become part of a template, which would run them as code.

What is served has a name that tells nothing: a blind test would else give names away. A picture
of more than a megabyte is seen as a copy, and its lossless file comes when somebody zooms in.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.utils import get_upload_folder

from demo import leftovers
from restoration.comparer import script, style
from restoration.comparer.coding import coded
from restoration.comparer.pictured import Axes as Axes

MOST_VIEW_BYTES = 1_000_000
"""Of what is fetched before anybody zooms in."""
COPIES = ("png", "jpeg", "webp")
KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff\xe0": "jpeg"}
"""First bytes of a file -> what it is; else it is a WebP."""


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
    run: str = ""
    """The id under which it is kept among the runs; a blind test then keeps votes on it."""
    numbers: Mapping[str, str] = field(default_factory=dict)
    """What is measured -> the number in words; for files that are made of a comparison."""


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
    leftovers.sweep()
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
    exact = _served(one.picture)
    view = _view(exact)
    item = {"label": one.label, "caption": one.caption, "width": width, "height": height}
    files = {"file": view} if view == exact else {"file": view, "full": exact}
    # a marked FileData: Gradio moves it into its cache and adds the address to fetch it from
    item |= {name: FileData(path=str(path)).model_dump() for name, path in files.items()}
    return item | ({"run": one.run} if one.run else {})


def _served(picture: Path | bytes) -> Path:
    """The picture where Gradio serves from; the same picture always in the same place."""
    if isinstance(picture, bytes):
        start, mark = picture[:4], picture
    else:
        with picture.open("rb") as file:
            start = file.read(4)
        stat = picture.stat()
        # the place of a result is itself secret, so nobody can work out this one
        mark = f"{picture.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode()
    folder = Path(get_upload_folder()) / "shown" / hashlib.sha256(mark).hexdigest()
    path = folder / f"picture.{KINDS.get(start, 'webp')}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = folder / f".{os.urandom(8).hex()}"
        if isinstance(picture, bytes):
            part.write_bytes(picture)
        else:
            _link(picture, part)
        part.replace(path)
    leftovers.used(folder)  # a link is as old as what it leads to
    return path


def _link(picture: Path, path: Path) -> None:
    """Give a file a second name; where the disk knows no links, a copy."""
    try:
        os.link(picture, path)
    except OSError:
        shutil.copyfile(picture, path)


def _view(exact: Path) -> Path:
    """A file of a size fit for a page: the picture itself, or a finely coded copy beside it."""
    if exact.stat().st_size <= MOST_VIEW_BYTES:
        return exact
    for kind in COPIES:
        if (made := exact.with_name(f"view.{kind}")).exists():
            return made
    copy = coded(exact.read_bytes(), MOST_VIEW_BYTES)
    part = exact.with_name(f".{os.urandom(8).hex()}")
    part.write_bytes(copy.data)
    return part.replace(exact.with_name(f"view.{copy.kind}"))
