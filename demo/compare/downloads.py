"""The files of a comparison as a list of links."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from demo.serving import ASSETS

MEGABYTE = 1e6


def downloads(elem_id: str) -> gr.HTML:
    """An empty list; its value is what `offered` gives."""
    return gr.HTML(
        value=[],
        label="Results to download",
        elem_id=elem_id,
        html_template=(
            '<div class="downloads" hidden><p>Download a result: a lossless PNG with its recipe '
            "inside.</p><ul></ul></div>"
        ),
        css_template=(ASSETS / "downloads" / "list.css").read_text(encoding="utf-8"),
        js_on_load=(ASSETS / "downloads" / "list.js").read_text(encoding="utf-8"),
        apply_default_css=False,
    )


def offered(files: Iterable[tuple[str, Path]]) -> list[dict[str, Any]]:
    """The value of a list that offers files under labels, which are shown as plain text."""
    return [
        {
            "label": label,
            "size": size_in_words(path.stat().st_size),
            # a marked FileData: Gradio adds the address to fetch it from
            "file": FileData(path=str(path), orig_name=path.name).model_dump(),
        }
        for label, path in files
    ]


def size_in_words(count: int) -> str:
    """Bytes, as people read them."""
    return f"{count / MEGABYTE:.1f} MB" if count >= MEGABYTE / 10 else f"{count / 1e3:.0f} kB"
