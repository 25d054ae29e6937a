"""What a method offers to be seen side by side, put into the list of settings at a press."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from demo.albums.view import tried
from demo.compare.settings_list import Cell, Chosen, Setting, shown
from demo.compare.sweeping import title_of
from demo.controls import QUIET
from demo.owners import shelf_of
from demo.presets import start
from restoration import front
from restoration.albums import Shelf
from restoration.params import build
from restoration.protocol import Method, Sweep


def lay_out(methods: Mapping[str, Method], chosen: Chosen) -> None:
    """A button for every sweep of `methods`, placed here; none where there is no sweep."""
    offered = [(method, sweep) for method in methods.values() for sweep in method.sweeps]
    if not offered:
        return
    gr.HTML('<p class="about">Or line up one method at several settings:</p>')
    with gr.Row(elem_classes="actions", equal_height=True):
        for place, (method, sweep) in enumerate(offered):
            button = gr.Button(
                f"{method.title}: {sweep.name}. {sweep.help}",
                size="sm",
                min_width=220,
                elem_id=f"compare-sweep-{place}",
            )
            wire(button, method, sweep, chosen)


def wire(button: gr.Button, method: Method, sweep: Sweep, chosen: Chosen) -> None:
    """Let a button fill the list with a sweep."""
    chooser = chosen.extra.chooser if "album" in method.needs else None

    def fill(request: gr.Request, album: str = "") -> tuple[Any, ...]:
        variant = tried(_variant_of, shelf_of(request), album) if album else None
        return chosen.update(tried(settings, method, sweep, variant))

    inputs = [chooser.name] if chooser else []
    button.click(fill, inputs, chosen.outputs(), **QUIET)


def _variant_of(shelf: Shelf, name: str) -> str | None:
    training = shelf.open(name).manifest.training
    return training.variant if training else None


def settings(method: Method, sweep: Sweep, variant: str | None = None) -> tuple[Setting, ...]:
    """The settings of a sweep, the rest as the form starts; on the best weights on disk where None.

    Raises:
        MissingWeightsError: they are not on disk.
    """
    version, first = front.variant_of(method.name, variant), start(method)
    names = {name for knobs in sweep.settings for name in knobs}
    made = []
    for knobs in sweep.settings:
        params = build(method.params, {**first, **knobs})
        one = Setting(method, version, params, told=tuple(knobs))
        if len(names) == 1:
            name = next(iter(names))
            one = replace(one, cell=Cell(shown(one.knobs()[name]), "", title_of(name), ""))
        made.append(one)
    return tuple(made)
