"""Knob -> Gradio component: the one place that knows how a knob looks and when it is seen."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

import gradio as gr

from demo import unchecked
from demo.fragments import status
from demo.serving import ASSETS
from restoration.params import Knob, Params, knobs_of
from restoration.seeds import LARGEST_SEED

MOST_RADIOS = 4
"""A choice among more than this many becomes a drop-down list."""
DRAWN = -1
"""What the seed control holds while every run is to draw its own seed."""
WIDEST = 10_000
"""A range wider than this has no use for a slider."""
MORE = "more_settings"
"""The section of the knobs that are not among the first."""
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""Of events that are the page's own affair."""


def control(knob: Knob, highest: float = math.inf, **settings: Any) -> gr.components.Component:
    """The component that sets one knob: its label, help, default and range, up to `highest`."""
    common = {"label": knob.label, "info": knob.help, "value": knob.default} | settings
    match knob.kind:
        case "flag":
            return gr.Checkbox(**common)
        case "choice" if len(knob.choices) <= MOST_RADIOS:
            return unchecked.Radio(choices=list(knob.choices), **common)
        case "choice":
            return unchecked.Dropdown(choices=list(knob.choices), **common)
        case "text" if knob.suggestions:
            return unchecked.Dropdown(
                choices=list(knob.suggestions), allow_custom_value=True, **common
            )
        case "text":
            return gr.Textbox(**common)
    if knob.low is None or knob.high is None or knob.high - knob.low > WIDEST:
        precision = 0 if knob.kind == "whole" else None
        return unchecked.Number(
            minimum=knob.low, maximum=knob.high, step=knob.step, precision=precision, **common
        )
    high = min(knob.high, highest)
    return unchecked.Slider(minimum=knob.low, maximum=high, step=knob.step, **common)


def controls(
    params: type[Params],
    start: Mapping[str, Any] | None = None,
    first: Collection[str] | None = None,
    most: Callable[[str], float] = lambda _name: math.inf,
) -> dict[str, gr.components.Component]:
    """A control for every knob of `params`, by knob key, placed in the current Blocks context.

    Single knobs stand open; each group of knobs is a section under its own name, folded unless the
    form begins with it. A knob that does not matter beside the others is not seen, nor is a section
    with none that does.

    Args:
        params: the knobs.
        start: values by key that the form starts with; the defaults where it is None.
        first: keys of the knobs that are seen at once, the rest folded; all where it is None.
        most: how far the slider of a knob of this name goes, if less than what the knob takes.
    """
    values = {knob.key: knob.default for knob in knobs_of(params)} | dict(start or {})
    made: dict[str, gr.components.Component] = {}
    sections: list[tuple[gr.Accordion, list[Knob]]] = []

    def place(knob: Knob) -> None:
        seen, highest = matters(knob, values), most(knob.name)
        made[knob.key] = control(knob, highest, value=values[knob.key], visible=seen)

    def section(knob: Knob) -> str:
        return MORE if first is not None and knob.key not in first else knob.group

    ordered = sorted(knobs_of(params), key=lambda knob: section(knob) == MORE)
    for group, members in groupby(ordered, key=section):
        knobs = list(members)
        if not group:
            for knob in knobs:
                place(knob)
            continue
        seen = any(matters(knob, values) for knob in knobs)
        with gr.Accordion(group_title(group), open=not made, visible=seen) as folded:
            for knob in knobs:
                place(knob)
        sections.append((folded, knobs))
    _follow(params, made, sections)
    return made


def matters(knob: Knob, values: Mapping[str, Any]) -> bool:
    """Whether a knob matters beside the values (by key) of the others."""
    return all(values[_key(name)] in allowed for name, allowed in knob.when.items())


def seed_control(elem_id: str) -> gr.Number:
    """A number field for the seed, and a dice button that fills it."""
    with gr.Group():
        seed = unchecked.Number(
            value=DRAWN,
            precision=0,
            label="Seed",
            info="Where chance starts. With -1 every run draws a seed and tells it.",
            elem_id=elem_id,
        )
        dice = gr.Button("Roll the dice", size="sm", icon=str(ASSETS / "dice.svg"))
    dice.click(lambda: secrets.randbelow(LARGEST_SEED), None, seed, queue=False, **QUIET)
    return seed


def seed_of(value: int) -> int | None:
    """The seed asked for, unchecked, or None where one is to be drawn."""
    return None if value == DRAWN else value


def stops(stop: gr.Button, event: Any, told: gr.HTML, text: str, *others: Any) -> None:
    """Let a button cancel an event, and others, and say so; what becomes of Run, their end says.

    What the event had sent before it was cancelled may be drawn after the answer to the click, as
    if it still ran; so it is said once more when the event is over.
    """
    pressed = gr.State(False)
    said = status(text, kind="idle")
    stop.click(
        lambda: (said, gr.update(interactive=False), True),
        None,
        [told, stop, pressed],
        cancels=[event, *others],
        queue=False,
        **QUIET,
    )
    for one in (event, *others):
        one.then(
            lambda was_pressed: (said if was_pressed else gr.skip(), False),
            pressed,
            [told, pressed],
            queue=False,
            **QUIET,
        )


def _follow(
    params: type[Params],
    made: Mapping[str, gr.components.Component],
    sections: Sequence[tuple[gr.Accordion, Sequence[Knob]]],
) -> None:
    """Show and hide what matters only beside others, whenever those others change."""
    led = [knob for knob in knobs_of(params) if knob.when]
    folded = [(one, knobs) for one, knobs in sections if all(knob.when for knob in knobs)]
    leaders = sorted({_key(name) for knob in led for name in knob.when})

    def seen(*values: Any) -> dict[Any, Any]:
        now = dict(zip(leaders, values, strict=True))
        shown: dict[Any, Any] = {
            made[knob.key]: gr.update(visible=matters(knob, now)) for knob in led
        }
        for one, knobs in folded:
            shown[one] = gr.update(visible=any(matters(knob, now) for knob in knobs))
        return shown

    if led:
        gr.on(
            [made[key].change for key in leaders],
            seen,
            [made[key] for key in leaders],
            [*(made[knob.key] for knob in led), *(one for one, _ in folded)],
            queue=False,
            **QUIET,
        )


def _key(name: str) -> str:
    return name.replace(".", "_")


def group_title(group: str) -> str:
    """What a group of knobs is called."""
    return group.replace("_", " ").capitalize()
