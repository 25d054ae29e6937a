"""From a method's tab to the list of the Compare tab: what is set there, and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo.albums.view import tried
from demo.compare.settings_list import Chosen, added, setting_of
from demo.controls import QUIET, seed_of
from demo.method_form import Form
from demo.method_tab import MethodTab
from demo.picture import PictureInput


def wire(tabs: Sequence[MethodTab], chosen: Chosen, picture: PictureInput) -> None:
    """Let every form put what it says on the list; the picture goes along where there is none."""
    for tab in tabs:
        for panel in tab.switch.panels:
            _wire(panel.form, tab.picture, chosen, picture)


def _wire(form: Form, own: PictureInput, chosen: Chosen, picture: PictureInput) -> None:
    keys = list(form.fields)

    def take(
        settings: tuple[Any, ...], there: str | None, here: str | None, *values: Any
    ) -> tuple[Any, ...]:
        knobs = dict(zip(keys, values, strict=True))
        variant, seed = knobs.pop("variant"), seed_of(knobs.pop("seed"))
        one = tried(setting_of, form.method, variant, knobs, seed)
        now = tried(added, settings, one)
        count = "1 setting" if len(now) == 1 else f"{len(now)} settings"
        gr.Info(f"On the list of the Compare tab, which holds {count} now.")
        return gr.skip() if there or not here else here, *chosen.update(now)

    form.to_compare.click(
        take,
        [chosen.state, picture, own, *form.fields.values()],
        [picture, *chosen.outputs()],
        **QUIET,
    )
