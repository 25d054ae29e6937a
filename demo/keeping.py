"""Every restoration of the page goes into its owner's runs; none fails because it cannot."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from demo import failures
from demo.owners import runs_of
from restoration.recipe import Recipe
from restoration.runs import Kept, Run

if TYPE_CHECKING:
    from restoration.image_io import Picture

GIVEN_SIDE = 1024
"""Of the copy of what was restored, in pixels."""


@dataclass(frozen=True)
class Facts:
    """What there is to say about a restoration beside its recipe."""

    seconds: float
    numbers: Mapping[str, float] = field(default_factory=dict)
    """By the names of the measures."""
    label: str = ""
    """What it is called in its comparison."""
    batch: str = ""
    """The same, and found nowhere else, for all that were made together."""


def kept(
    request: gr.Request | None, picture: Picture, result: Path, recipe: Recipe, facts: Facts
) -> Run | None:
    """Keep a restoration; where that cannot be, the page says so and the work goes on.

    Args:
        request: whose it is.
        picture: what was restored.
        result: the PNG of the result, with the recipe inside; it is copied.
        recipe: how it was made.
        facts: the rest.

    Returns:
        None where it could not be kept; the user has been told.
    """
    from restoration import image_io

    try:
        given = image_io.preview(picture.image, GIVEN_SIDE)
        more = (facts.seconds, facts.numbers, facts.label, facts.batch)
        return runs_of(request).keep(Kept(recipe, result, given, *more))
    except Exception as error:  # noqa: BLE001  # the result is there, whatever became of its copy
        said = html.escape(f"This run is not kept. {failures.sentence(error)}")
        gr.Warning(said, duration=None)
        return None
