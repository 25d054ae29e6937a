"""The form of a method: presets, weights, seed and knobs, all from the method's declaration."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo import unchecked
from demo.controls import MOST_RADIOS, QUIET, controls, seed_control
from demo.fragments import lead
from demo.picture import PictureInput, picture_input
from demo.presets import offered, spoken, start
from demo.recall import recall
from restoration import front, runtime, weights
from restoration.protocol import Method, Variant


@dataclass(frozen=True)
class Versions:
    """The choice of a method's weights."""

    method: Method
    chosen: gr.Radio | gr.Dropdown
    about: gr.HTML | None = None
    """What the chosen ones are for, and what they lack; where that is told."""

    def outputs(self) -> list[Any]:
        """All of it."""
        return [self.chosen, *([self.about] if self.about else [])]

    def now(self, chosen: str | None = None) -> dict[Any, Any]:
        """As they are on disk now; the best are chosen where none are named.

        Those that are named stay as they are, whatever has been chosen meanwhile.
        """
        choices, best = variants(self.method)
        update = gr.update(choices=choices) if chosen else gr.update(choices=choices, value=best)
        said = {self.about: about(self.method, chosen or best)} if self.about else {}
        return {self.chosen: update, **said}


@dataclass(frozen=True)
class Form:
    """What a user sets before a run."""

    method: Method
    presets: gr.Radio
    fields: dict[str, Any]
    """Variant, seed and every knob, by the name that the endpoint gives them."""
    dropped: PictureInput
    """A result whose settings are put back."""
    said: gr.HTML
    """More that is to be said about it."""
    about: gr.HTML
    """What the chosen variant is for, and what it lacks."""
    to_compare: gr.Button
    """Puts what is set on the list of the Compare tab."""

    def versions(self) -> Versions:
        """Its weights."""
        return Versions(self.method, self.fields["variant"], self.about)


def form(method: Method) -> Form:
    """Lay out the form in the current Blocks context and wire it."""
    presets = _presets(method)
    variant, told = _variant(method)
    with gr.Column(elem_classes="knobs"):
        knobs = controls(method.params, start(method), most=runtime.policy().most)
    fields = {"variant": variant, "seed": seed_control(f"{method.name}-seed"), **knobs}
    to_compare = gr.Button("Add to Compare", size="sm", elem_id=f"{method.name}-to-compare")
    said, more, dropped = _recall(method)
    presets.input(lambda name: take(method, name, fields), presets, list(fields.values()), **QUIET)
    dropped.upload(
        lambda path: recall(method, path, fields, said),
        dropped,
        [*fields.values(), said],
        **QUIET,
    )
    return Form(method, presets, fields, dropped, more, told, to_compare)


def take(method: Method, name: str, fields: dict[str, Any]) -> dict[Any, Any]:
    """A preset's values; what other presets set goes back to its default, the rest stays."""
    return {fields[key]: value for key, value in spoken(method, name).items()}


def lead_of(method: Method) -> str:
    """What a method does."""
    return lead(method.help)


def about(method: Method, name: str) -> str:
    """What a variant is for and, plainly, what it lacks."""
    for variant, missing in front.available(method):
        if variant.name == name:
            lack = (
                f" Its file is not on this machine: <code>python -m restoration weights fetch "
                f"{html.escape(' '.join(missing))}</code> gets it."
                if missing
                else ""
            )
            return f'<p class="about">{html.escape(variant.help)}{lack}{_further(variant)}</p>'
    return ""


def _further(variant: Variant) -> str:
    """What a variant lacks for some of its settings."""
    missing = front.lacking(variant.further)
    if not missing:
        return ""
    lack = " Some settings need more files, which are not on this machine"
    published = [name for name in missing if weights.named(name).mirrors]
    if not published:
        return f"{lack}: {html.escape(', '.join(missing))}."
    names = html.escape(" ".join(published))
    return f"{lack}: <code>python -m restoration weights fetch {names}</code> gets them."


def _presets(method: Method) -> gr.Radio:
    return gr.Radio(
        choices=[(f"{preset.name}: {preset.help}", preset.name) for preset in offered(method)],
        value=method.presets[0].name if method.presets else None,
        label="Preset",
        info="A start for a purpose; every setting it makes can be changed below.",
        visible=bool(method.presets),
        elem_classes="sentences",
        elem_id=f"{method.name}-presets",
    )


def variants(method: Method) -> tuple[list[tuple[str, str]], str]:
    """The choices of weights as (words, name), and the one to start with: the best on disk."""
    offered = front.available(method)
    choices = [
        (variant.title if not missing else f"{variant.title} (not on disk)", variant.name)
        for variant, missing in offered
    ]
    ready = (variant.name for variant, missing in offered if not missing)
    return choices, next(ready, choices[0][1])


def _variant(method: Method) -> tuple[gr.Radio | gr.Dropdown, gr.HTML]:
    choices, first = variants(method)
    kind = unchecked.Radio if len(choices) <= MOST_RADIOS else unchecked.Dropdown
    variant = kind(
        choices=choices,
        value=first,
        label="Weights",
        info="What the network has been trained for.",
        elem_id=f"{method.name}-variant",
    )
    told = gr.HTML(about(method, first))
    variant.change(lambda name: about(method, name), variant, told, queue=False, **QUIET)
    return variant, told


def _recall(method: Method) -> tuple[gr.HTML, gr.HTML, PictureInput]:
    with gr.Accordion("Settings back from a result", open=False):
        dropped = picture_input(
            "Result PNG",
            height=180,
            placeholder="Drop a result of this method here\nto get its settings back",
            elem_id=f"{method.name}-recall",
        )
        said = gr.HTML("", elem_id=f"{method.name}-recalled")
        more = gr.HTML("", elem_id=f"{method.name}-recalled-more", elem_classes="quiet")
    return said, more, dropped
