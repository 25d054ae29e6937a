"""From one method of a family to another: its panel is seen, and what both have stays as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.beside import Beside, picture_label, wanted
from demo.controls import QUIET, matters
from demo.method_form import Form, lead_of
from restoration.params import knobs_of
from restoration.protocol import Method


@dataclass(frozen=True)
class Panel:
    """A method's part of a tab."""

    form: Form
    places: tuple[gr.Row | gr.Column, ...]
    """All that is seen only while the method is chosen."""


def wire(
    chosen: gr.Radio | gr.Dropdown, panels: Sequence[Panel], extra: Beside, heads: tuple[Any, Any]
) -> None:
    """Let `chosen` change the panel; `heads` are the method's help and the picture above it."""
    by_name = {panel.form.method.name: panel for panel in panels}
    before = gr.State(chosen.value)
    inputs = [one for panel in panels for one in (panel.form.presets, *panel.form.fields.values())]
    lead, picture = heads

    def switch(name: str, last: str, *values: Any) -> dict[Any, Any]:
        given = dict(zip(inputs, values, strict=True))
        source, target = by_name[last].form, by_name[name].form
        now = {key: given[one] for key, one in target.fields.items()}
        kept = taken_over(source, target, {key: given[one] for key, one in source.fields.items()})
        now |= kept
        return {
            before: name,
            lead: lead_of(target.method),
            picture: gr.update(label=picture_label(target.method)),
            **{
                place: gr.update(visible=panel is by_name[name])
                for panel in panels
                for place in panel.places
            },
            **{target.fields[key]: gr.update(value=value) for key, value in kept.items()},
            **_seen(target, now),
            **_preset(source, target, given[source.presets]),
            **extra.seen(wanted(target.method, now)),
        }

    outputs = [before, lead, picture, *extra.panes.values(), *inputs]
    outputs += [place for panel in panels for place in panel.places]
    chosen.input(switch, [chosen, before, *inputs], outputs, queue=False, **QUIET)


def taken_over(source: Form, target: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    """What `values` of the source say about the target: the seed, and all that both have."""
    known = {knob.key: knob for knob in knobs_of(source.method.params)}
    same = {knob.key for knob in knobs_of(target.method.params) if known.get(knob.key) == knob}
    if source.method.variants == target.method.variants:
        same.add("variant")
    return {key: values[key] for key in target.fields if key in same | {"seed"}}


def _seen(target: Form, now: Mapping[str, Any]) -> dict[Any, Any]:
    """The knobs that matter only beside others, shown or hidden, with their values."""
    return {
        target.fields[knob.key]: gr.update(value=now[knob.key], visible=matters(knob, now))
        for knob in knobs_of(target.method.params)
        if knob.when
    }


def _preset(source: Form, target: Form, name: str | None) -> dict[Any, Any]:
    """The same preset, where both have it."""
    one, other = (_named(form.method, name) for form in (source, target))
    return {target.presets: name} if one is not None and one == other else {}


def _named(method: Method, name: str | None) -> Any:
    return next((preset for preset in method.presets if preset.name == name), None)
