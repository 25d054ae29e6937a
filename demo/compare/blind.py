"""Votes of a blind test go to the runs of whoever gave them."""

from __future__ import annotations

import html
from typing import cast

import gradio as gr

from demo import failures
from demo.controls import QUIET
from demo.owners import runs_of
from restoration.errors import RestorationError
from restoration.runs import Winner


def wire(compared: gr.HTML) -> None:
    """Keep what is voted in a comparer, by the ids that its pictures have as runs.

    A picture that is not among the runs is voted on all the same: the page itself counts.
    """
    compared.vote(keep, None, None, queue=False, **QUIET)


def keep(event: gr.EventData, request: gr.Request) -> None:
    """Keep a vote; where that cannot be, say so and let the test go on."""
    said = event._data if isinstance(event._data, dict) else {}
    first, second, winner = (str(said.get(key, "")) for key in ("first", "second", "winner"))
    try:
        runs_of(request).vote(first, second, cast(Winner, winner))  # which checks all three
    except RestorationError as error:
        gr.Warning(html.escape(f"This vote is not kept. {failures.sentence(error)}"))
