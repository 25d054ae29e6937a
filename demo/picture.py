"""Our picture input: takes uploads only and hands the untouched file on.

The stock component decodes with Pillow on its own: it clips 16 bit, forgets orientation and alpha,
and answers a broken file with the server's path. Here the file passes as it came, and
`restoration.image_io` alone reads it. The stock component also accepts pictures that never were
uploaded (pasted into the request as `data:`, or named by address); those go around every limit
on uploads and are refused here.
"""

from __future__ import annotations

import html
from abc import ABCMeta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
from gradio import utils
from gradio.component_meta import ComponentMeta
from gradio.data_classes import FileData, ImageData, ListFiles

ONLY_UPLOADS = (
    "The {what} has to be uploaded to this page first: an address, a path or a {what} inside "
    "the request itself is not taken."
)

SERVED = "/gradio_api/file="
"""Before the path of a file in its address."""


def refusal(text: str) -> gr.Error:
    """An error the user sees as one sentence, and which stays until it is closed.

    The page takes its text for HTML.
    """
    return gr.Error(html.escape(text, quote=False), duration=None, print_exception=False)


class WithoutStub(ComponentMeta):  # type: ignore[misc]  # gradio is untyped to mypy here
    """Makes the class as any other; Gradio's own way also writes a .pyi beside the source."""

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> type:
        """Leave the folder as it is."""
        return ABCMeta.__new__(cls, name, bases, attrs)


class PictureInput(gr.Image, metaclass=WithoutStub):  # type: ignore[misc]
    """A picture as the path of its uploaded file, or None."""

    is_template = True  # else Gradio looks for the browser half of a custom component

    def preprocess(self, payload: ImageData | None) -> str | None:
        """The path of the uploaded file, as it was sent.

        Raises:
            gr.Error: the payload names anything but an upload.
        """
        return None if payload is None else uploaded(payload, "picture")


class UploadedFiles(gr.File, metaclass=WithoutStub):  # type: ignore[misc]
    """Files as the paths of what was uploaded, none where nothing was."""

    is_template = True

    def preprocess(self, payload: ListFiles | FileData | None) -> list[str]:
        """The paths of the uploaded files, as they were sent.

        Raises:
            gr.Error: the payload names anything but uploads.
        """
        if payload is None:
            return []
        files = payload.root if isinstance(payload, ListFiles) else [payload]
        return [uploaded(file, "file") for file in files]


def uploaded(payload: Any, what: str) -> str:
    """The path of an uploaded file.

    Raises:
        gr.Error: the payload names anything else; the text calls it `what`.
    """
    path = payload.path
    is_upload = path and not _is_address(path) and not (payload.url or "").startswith("data:")
    if not is_upload or not utils.is_in_or_equal(path, utils.get_upload_folder()):
        raise refusal(ONLY_UPLOADS.format(what=what))
    if not Path(path).is_file():
        raise refusal(ONLY_UPLOADS.format(what=what))
    return str(path)


def without_address(path: str, what: str) -> str:
    """A path as it is; of the address of an upload to this hub, the upload's own path.

    Language models name a picture by such an address. It is taken apart and not followed.

    Raises:
        gr.Error: it is any other address; the text calls what is there `what`.
    """
    if not _is_address(path):
        return path
    _, mark, own = path.partition(SERVED)
    if not mark or not utils.is_in_or_equal(unquote(own), utils.get_upload_folder()):
        raise refusal(ONLY_UPLOADS.format(what=what))
    return unquote(own)


def picture_input(label: str, **settings: Any) -> PictureInput:
    """A place to drop, choose or paste a picture, in the look all tabs share."""
    settings = {
        "sources": ["upload", "clipboard"],
        "height": 340,
        "buttons": ["fullscreen"],
        "alt_text": label,
        "placeholder": "Drop a picture here\nor click to choose one",
        "interactive": True,
    } | settings
    return PictureInput(label=label, type="filepath", image_mode=None, format="png", **settings)


def _is_address(path: str) -> bool:
    return "://" in path
