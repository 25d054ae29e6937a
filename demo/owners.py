"""Whose albums and runs a request sees: this computer's, or, where strangers share it, its own.

On a public host an owner is a browser, known by a cookie with a value that nobody can guess
(`serving.OwnerCookie`); one that refuses cookies is known by its session, until it is reloaded.
"""

from __future__ import annotations

import re
import secrets

import gradio as gr

from demo.serving import KEEP_FOR, OWNER_COOKIE, OWNER_DIGITS
from restoration import albums, runs, runtime
from restoration.albums import Shelf
from restoration.evaluation import kept
from restoration.runs import Runs


def owner_of(request: gr.Request | None) -> str | None:
    """What tells an owner from others on a public host; None where the owner is this computer.

    A request that tells nothing belongs to nobody, and never to the same nobody twice.
    """
    if not runtime.is_public():
        return None
    cookie = getattr(request, "cookies", {}).get(OWNER_COOKIE, "")
    if re.fullmatch(f"[0-9a-f]{{{OWNER_DIGITS}}}", cookie):
        return f"browser {cookie}"
    session = request.session_hash if request is not None else None
    return f"session {session or secrets.token_hex(16)}"


def shelf_of(request: gr.Request | None) -> Shelf:
    """The albums of a request."""
    return albums.shelf(owner_of(request))


def runs_of(request: gr.Request | None) -> Runs:
    """The runs of a request."""
    return runs.of(owner_of(request))


def forget_old() -> None:
    """Remove what owners left on a public host who were not here for long."""
    if runtime.is_public():
        albums.forget_old(KEEP_FOR)
        runs.forget_old(KEEP_FOR)
        kept.forget_old(KEEP_FOR)
