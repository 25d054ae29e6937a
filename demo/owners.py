"""Whose albums a request sees: this computer's, or, where strangers share it, its own."""

from __future__ import annotations

import secrets

import gradio as gr

from demo.serving import KEEP_FOR
from restoration import albums, runtime
from restoration.albums import Shelf


def shelf_of(request: gr.Request | None) -> Shelf:
    """The shelf of a request; on a public host one without a session has an empty one."""
    if not runtime.is_public():
        return albums.shelf()
    session = request.session_hash if request is not None else None
    return albums.shelf(session or secrets.token_hex(16))


def forget_old() -> None:
    """Remove albums on a public host that nobody can see any more."""
    if runtime.is_public():
        albums.forget_old(KEEP_FOR)
