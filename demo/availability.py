"""Which variants a method offers, told anew when files have come or gone meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo.controls import QUIET
from demo.method_form import Versions


def wire(page: gr.Blocks, places: Sequence[tuple[gr.Tab, Sequence[Versions]]]) -> None:
    """For whoever opens the page, with the best variants chosen; and in a tab that is opened.

    The first tab is opened with the page. What is said of its variants then must not come after
    what the page is told; so nothing is.
    """
    every = [one for _, offers in places for one in offers]
    is_told = gr.Checkbox(visible=False)  # the browser's: a state would be ahead of what is seen
    for place, offers in places:

        def again(
            is_told: bool, *names: str, offers: Sequence[Versions] = offers
        ) -> dict[Any, Any]:
            return _now(offers, names) if is_told else gr.skip()

        inputs = [is_told, *(one.chosen for one in offers)]
        place.select(again, inputs, _outputs(offers), queue=False, **QUIET)

    def loaded() -> dict[Any, Any]:
        return {is_told: True, **_now(every, [None] * len(every))}

    page.load(loaded, None, [is_told, *_outputs(every)], queue=False, **QUIET)


def _now(offers: Sequence[Versions], names: Sequence[str | None]) -> dict[Any, Any]:
    updates: dict[Any, Any] = {}
    for one, name in zip(offers, names, strict=True):
        updates |= one.now(name)
    return updates


def _outputs(offers: Sequence[Versions]) -> list[Any]:
    return [part for one in offers for part in one.outputs()]
