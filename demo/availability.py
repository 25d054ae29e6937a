"""Which variants a method offers, told anew when files have come or gone meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo.controls import QUIET
from demo.method_form import Form
from demo.method_tab import MethodTab


def wire(page: gr.Blocks, places: Sequence[tuple[gr.Tab, MethodTab]]) -> None:
    """For whoever opens the page, with the best variants chosen; and in a tab that is opened."""
    every = []
    for place, tab in places:
        forms = [panel.form for panel in tab.switch.panels]
        every += forms
        chosen = [form.fields["variant"] for form in forms]

        def again(*names: str, forms: Sequence[Form] = tuple(forms)) -> dict[Any, Any]:
            return _offered(forms, names)

        place.select(again, chosen, _outputs(forms), queue=False, **QUIET)
    page.load(
        lambda: _offered(every, [None] * len(every)), None, _outputs(every), queue=False, **QUIET
    )


def _offered(forms: Sequence[Form], names: Sequence[str | None]) -> dict[Any, Any]:
    updates: dict[Any, Any] = {}
    for form, name in zip(forms, names, strict=True):
        updates |= form.offered(name)
    return updates


def _outputs(forms: Sequence[Form]) -> list[Any]:
    return [one for form in forms for one in (form.fields["variant"], form.about)]
