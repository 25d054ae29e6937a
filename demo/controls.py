"""Knob -> Gradio component: the one place that knows how a knob looks."""

from __future__ import annotations

import secrets
from itertools import groupby
from typing import Any

import gradio as gr

from demo.serving import ASSETS
from restoration.front import LARGEST_SEED
from restoration.params import Knob, Params, knobs_of

MOST_RADIOS = 4
"""A choice among more than this many becomes a drop-down list."""
DRAWN = -1
"""What the seed control holds while every run is to draw its own seed."""


def control(knob: Knob) -> gr.components.Component:
    """The component that sets one knob: its label, help, default and range."""
    common: dict[str, Any] = {"label": knob.label, "info": knob.help, "value": knob.default}
    match knob.kind:
        case "flag":
            return gr.Checkbox(**common)
        case "choice" if len(knob.choices) <= MOST_RADIOS:
            return gr.Radio(choices=list(knob.choices), **common)
        case "choice":
            return gr.Dropdown(choices=list(knob.choices), **common)
        case "text":
            return gr.Textbox(**common)
    if knob.low is None or knob.high is None:
        precision = 0 if knob.kind == "whole" else None
        return gr.Number(
            minimum=knob.low, maximum=knob.high, step=knob.step, precision=precision, **common
        )
    return gr.Slider(minimum=knob.low, maximum=knob.high, step=knob.step, **common)


def controls(params: type[Params]) -> dict[str, gr.components.Component]:
    """A control for every knob of `params`, by knob key, placed in the current Blocks context.

    Single knobs stand open; each group of knobs is a folded section under its own name.
    """
    made: dict[str, gr.components.Component] = {}
    for group, knobs in groupby(knobs_of(params), key=lambda knob: knob.group):
        if not group:
            made.update({knob.key: control(knob) for knob in knobs})
            continue
        with gr.Accordion(_title(group), open=False):
            made.update({knob.key: control(knob) for knob in knobs})
    return made


def seed_control(elem_id: str) -> gr.Number:
    """A number field for the seed, and a dice button that fills it."""
    with gr.Group():
        seed = gr.Number(
            value=DRAWN,
            precision=0,
            label="Seed",
            info="Where chance starts. With -1 every run draws a seed and tells it.",
            elem_id=elem_id,
        )
        dice = gr.Button("Roll the dice", size="sm", icon=str(ASSETS / "dice.svg"))
    dice.click(
        lambda: secrets.randbelow(LARGEST_SEED),
        None,
        seed,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    return seed


def seed_of(value: int) -> int | None:
    """The seed asked for, unchecked, or None where one is to be drawn."""
    return None if value == DRAWN else value


def _title(group: str) -> str:
    return group.replace("_", " ").capitalize()
