"""Method -> tab: everything in it follows from the method's declaration."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo import comparer
from demo.controls import MOST_RADIOS, controls, seed_control
from demo.fragments import empty
from demo.picture import PictureInput, picture_input
from demo.recall import recall
from demo.restoring import Updates, View, restore
from restoration import front
from restoration.params import knobs_of
from restoration.protocol import Method, Preset

AT_ONCE = 16
"""Runs that may wait at the device, where each is told its place; more wait in Gradio's queue."""

READY = "Choose a picture and press Run. The result appears here."
STOPPED = "Stopped. Nothing runs any more; the settings are as they were."


@dataclass(frozen=True)
class MethodTab:
    """What other tabs need to hand a picture to this one."""

    method: Method
    picture: PictureInput


def build(method: Method, examples: list[Path]) -> MethodTab:
    """Lay out the tab of a method in the current Blocks context and wire it."""
    gr.HTML(f'<p class="lead">{html.escape(method.help)}</p>')
    with gr.Row(elem_classes="bench"):
        with gr.Column(scale=2, min_width=300, elem_classes="inputs"):
            with gr.Column(elem_classes="first"):
                picture = picture_input("Picture to restore", elem_id=f"{method.name}-picture")
                with gr.Row(elem_classes="actions"):
                    run = gr.Button(
                        "Run", variant="primary", elem_classes="run", elem_id=f"{method.name}-run"
                    )
                    stop = gr.Button("Stop", interactive=False, elem_id=f"{method.name}-stop")
                if examples:
                    gr.Examples(
                        [[str(path)] for path in examples], [picture], label="Or try one of these"
                    )
            with gr.Column(elem_classes="settings"):
                presets = _presets(method)
                fields = _settings(method)
                said, dropped = _recall(method)
        with gr.Column(scale=3, min_width=300, elem_classes="outputs"):
            view = _view(method, run, stop)

    def handler(picture: str | None, **settings: Any) -> Iterator[Updates]:
        yield from restore(view, method, picture, settings)

    handler.__doc__ = f"{method.title}: {method.help} Gives the result (PNG) and its recipe first."
    event = run.click(
        handler,
        [picture],
        view.outputs(),
        inputs_kwargs=fields,
        api_name=method.name,
        concurrency_id="device",
        concurrency_limit=AT_ONCE,
        show_progress="hidden",
    )
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    stop.click(
        lambda: view.ended(STOPPED, "idle"),
        None,
        [view.status, run, stop],
        cancels=[event],
        queue=False,
        **quiet,
    )
    presets.input(lambda name: _take(method, name, fields), presets, list(fields.values()), **quiet)
    dropped.upload(
        lambda path: recall(method, path, fields, said),
        dropped,
        [*fields.values(), said],
        **quiet,
    )
    return MethodTab(method, picture)


def _view(method: Method, run: gr.Button, stop: gr.Button) -> View:
    state = gr.HTML("", label="Status", elem_id=f"{method.name}-status", elem_classes="quiet")
    noted = gr.HTML("", label="Notes", elem_classes="quiet")
    live = gr.HTML(
        empty(READY), label="Preview", elem_id=f"{method.name}-live", elem_classes="quiet"
    )
    with gr.Column(visible=False, elem_id=f"{method.name}-result") as result:
        compared = comparer.comparer("Input and result", elem_id=f"{method.name}-comparer")
        stages = gr.HTML("", label="Stages", elem_id=f"{method.name}-stages", elem_classes="quiet")
        download = gr.DownloadButton(
            "Download the result (lossless PNG)", elem_id=f"{method.name}-download"
        )
        with gr.Accordion("Recipe of the result", open=False):
            recipe = gr.Code(
                label="All it takes to do it again; it is inside the PNG too",
                language="json",
                interactive=False,
                elem_id=f"{method.name}-recipe",
            )
    return View(run, stop, state, noted, live, result, compared, stages, download, recipe)


def _presets(method: Method) -> gr.Radio:
    return gr.Radio(
        choices=[(f"{preset.name}: {preset.help}", preset.name) for preset in method.presets],
        value=method.presets[0].name if method.presets else None,
        label="Preset",
        info="A start for a purpose; every setting it makes can be changed below.",
        visible=bool(method.presets),
        elem_classes="sentences",
        elem_id=f"{method.name}-presets",
    )


def _settings(method: Method) -> dict[str, Any]:
    """The form: variant, seed and every knob, by the name the endpoint gives them."""
    variant = _variant(method)
    with gr.Column(elem_classes="knobs"):
        knobs = controls(method.params)
    return {"variant": variant, "seed": seed_control(f"{method.name}-seed"), **knobs}


def _variant(method: Method) -> gr.Radio | gr.Dropdown:
    offered = front.available(method)
    choices = [
        (variant.title if not missing else f"{variant.title} (not on disk)", variant.name)
        for variant, missing in offered
    ]
    kind = gr.Radio if len(choices) <= MOST_RADIOS else gr.Dropdown
    default = front.default_variant(method).name
    variant = kind(
        choices=choices,
        value=default,
        label="Weights",
        info="What the network has been trained for.",
        elem_id=f"{method.name}-variant",
    )
    about = gr.HTML(_about(method, default))
    variant.change(
        lambda name: _about(method, name),
        variant,
        about,
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )
    return variant


def _about(method: Method, name: str) -> str:
    """What a variant is for and, plainly, what it lacks."""
    for variant, missing in front.available(method):
        if variant.name == name:
            lack = (
                f" Its file is not on this machine: <code>python -m restoration weights fetch "
                f"{html.escape(' '.join(missing))}</code> gets it."
                if missing
                else ""
            )
            return f'<p class="about">{html.escape(variant.help)}{lack}</p>'
    return ""


def _recall(method: Method) -> tuple[gr.HTML, PictureInput]:
    with gr.Accordion("Settings back from a result", open=False):
        dropped = picture_input(
            "Result PNG",
            height=160,
            placeholder="Drop a result of this tab here\nto get its settings back",
            elem_id=f"{method.name}-recall",
        )
        said = gr.HTML("", elem_id=f"{method.name}-recalled")
    return said, dropped


def _take(method: Method, name: str, fields: Mapping[str, Any]) -> Updates:
    """A preset's values; what other presets set goes back to its default, the rest stays."""
    chosen = next(preset for preset in method.presets if preset.name == name)
    spoken = {key for preset in method.presets for key in _by_key(preset)}
    defaults = {knob.key: knob.default for knob in knobs_of(method.params) if knob.key in spoken}
    return {fields[key]: value for key, value in (defaults | _by_key(chosen)).items()}


def _by_key(preset: Preset) -> dict[str, Any]:
    return {name.replace(".", "_"): value for name, value in preset.knobs.items()}
