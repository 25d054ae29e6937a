"""From one method of a family to another: its panel is seen, and what both have stays as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.beside import Beside, picture_label, wanted
from demo.controls import QUIET, matters
from demo.method_form import Form, lead_of
from demo.picture import PictureInput
from restoration.params import knobs_of
from restoration.protocol import Method


@dataclass(frozen=True)
class Panel:
    """A method's part of a tab."""

    form: Form
    places: tuple[gr.Row | gr.Column, ...]
    """All that is seen only while the method is chosen."""


@dataclass(frozen=True)
class Switch:
    """The methods of a tab, one of which is seen."""

    chosen: gr.Radio | gr.Dropdown | gr.State
    """Holds the name of the one that is seen."""
    before: gr.State
    """The same, until another one is switched to."""
    panels: Sequence[Panel]
    extra: Beside
    lead: gr.HTML
    """The help of the method that is seen."""
    picture: PictureInput

    def panel(self, name: str) -> Panel:
        """That of a method."""
        return next(panel for panel in self.panels if panel.form.method.name == name)

    def inputs(self) -> list[Any]:
        """All that a user sets."""
        return [
            one
            for panel in self.panels
            for one in (panel.form.presets, *panel.form.fields.values())
        ]

    def outputs(self) -> list[Any]:
        """All that changes with the method."""
        places = [place for panel in self.panels for place in panel.places]
        seen = [self.chosen, self.before, self.lead, self.picture, *self.extra.panes.values()]
        return [*seen, *self.inputs(), *places]

    def shown(self, name: str, now: Mapping[str, Any]) -> dict[Any, Any]:
        """The panel of a method and all that goes with it, while its fields hold `now`."""
        target = self.panel(name)
        method = target.form.method
        return {
            self.before: name,
            self.lead: lead_of(method),
            self.picture: gr.update(label=picture_label(method)),
            **{
                place: gr.update(visible=panel is target)
                for panel in self.panels
                for place in panel.places
            },
            **_seen(target.form, now),
            **self.extra.seen(wanted(method, now)),
        }

    def filled(self, name: str, values: Mapping[str, Any]) -> dict[Any, Any]:
        """The same, with these values (of all its fields) in the form and no preset chosen."""
        form = self.panel(name).form
        fields = {form.fields[key]: gr.update(value=value) for key, value in values.items()}
        return {self.chosen: name, form.presets: None, **fields, **self.shown(name, values)}


def wire(shared: Switch) -> None:
    """Let a user choose another method."""
    inputs = shared.inputs()

    def switch(name: str, last: str, *values: Any) -> dict[Any, Any]:
        given = dict(zip(inputs, values, strict=True))
        source, target = shared.panel(last).form, shared.panel(name).form
        now = {key: given[one] for key, one in target.fields.items()}
        kept = taken_over(source, target, {key: given[one] for key, one in source.fields.items()})
        return {
            **{target.fields[key]: gr.update(value=value) for key, value in kept.items()},
            **shared.shown(name, now | kept),
            **_preset(source, target, given[source.presets]),
        }

    chosen = shared.chosen
    outputs = [one for one in shared.outputs() if one is not chosen]
    chosen.input(switch, [chosen, shared.before, *inputs], outputs, queue=False, **QUIET)


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
