"""Methods -> tab: everything in it follows from their declarations.

Methods of one family share a tab, the picture in it and what they need beside it; a selector says
whose form, buttons and result are seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo import comparer, gate, switching
from demo.albums import panel as album_panel
from demo.albums.chooser import Chooser
from demo.beside import Beside, beside, leaders, picture_label, wanted
from demo.controls import MOST_RADIOS, QUIET, stops
from demo.fragments import empty
from demo.language import phrase
from demo.method_form import Form, form, lead_of
from demo.owners import shelf_of
from demo.picture import PictureInput, picture_input
from demo.presets import start
from demo.restoring import Updates, View, restore
from demo.serving import AT_ONCE
from demo.switching import Panel, Switch
from restoration.protocol import Method

STOPPED = "Stopped. Nothing runs any more; the settings are as they were."


@dataclass(frozen=True)
class MethodTab:
    """What other tabs need to hand a picture to this one."""

    name: str
    title: str
    picture: PictureInput
    chooser: Chooser | None
    """Of its album, where it has one."""
    switch: Switch
    """Its methods."""

    def methods(self) -> set[str]:
        """Their names."""
        return {panel.form.method.name for panel in self.switch.panels}


def families(methods: Sequence[Method]) -> list[tuple[Method, ...]]:
    """The methods of each tab: a method without a family has its own."""
    tabs: dict[str, list[Method]] = {}
    for method in methods:
        tabs.setdefault(title_of(method), []).append(method)
    return [tuple(members) for members in tabs.values()]


def title_of(method: Method) -> str:
    """The title of the tab that a method is in."""
    return method.family or method.title


def name_of(method: Method) -> str:
    """The name of that tab: `guided-priors`."""
    if not method.family:
        return method.name
    return re.sub(r"[^a-z0-9]+", "-", method.family.lower()).strip("-")


def build(methods: Sequence[Method], examples: list[Path]) -> MethodTab:
    """Lay out the tab of one family in the current Blocks context and wire it."""
    first, name = methods[0], name_of(methods[0])
    lead = gr.HTML(lead_of(first)) if len(methods) == 1 else None
    with gr.Row(elem_classes="bench"):
        with gr.Column(scale=2, min_width=300, elem_classes="inputs"):
            with gr.Column(elem_classes="first"):
                chosen = _selector(methods, name)
                lead = lead or gr.HTML(lead_of(first))
                picture = picture_input(
                    picture_label(first), elem_id=f"{name}-picture", elem_classes="source"
                )
                extra = beside(methods, picture, name, wanted(first, start(first)))
                buttons = [_buttons(method, seen=method is first) for method in methods]
                if examples:
                    gr.Examples(
                        [[str(path)] for path in examples], [picture], label="Or try one of these"
                    )
            with gr.Column(elem_classes="settings"):
                forms = [_form(method, seen=method is first) for method in methods]
        with gr.Column(scale=3, min_width=300, elem_classes="outputs"):
            views = [
                _view(method, run, stop, seen=method is first)
                for method, (_, run, stop) in zip(methods, buttons, strict=True)
            ]
            if extra.chooser:
                filled = next(one for _, one in forms if "album" in one.method.needs)
                album_panel.build(filled, picture, extra.chooser)
    panels = []
    for (row, _, _), (column, filled), (outputs, view) in zip(buttons, forms, views, strict=True):
        _wire(filled, view, picture, extra)
        _watch(filled, chosen, extra)
        panels.append(Panel(filled, (row, column, outputs)))
    switch = Switch(chosen, gr.State(first.name), panels, extra, lead, picture)
    if len(methods) > 1:
        switching.wire(switch)
    return MethodTab(name, title_of(first), picture, extra.chooser, switch)


def _selector(methods: Sequence[Method], name: str) -> gr.Radio | gr.Dropdown | gr.State:
    """Holds the name of the method that is seen."""
    if len(methods) == 1:
        return gr.State(methods[0].name)
    kind = gr.Radio if len(methods) <= MOST_RADIOS else gr.Dropdown
    return kind(
        [(method.title, method.name) for method in methods],
        value=methods[0].name,
        label="Method",
        info="Another one takes over the picture and every setting that both have.",
        elem_id=f"{name}-method",
    )


def _buttons(method: Method, *, seen: bool) -> tuple[gr.Row, gr.Button, gr.Button]:
    with gr.Row(elem_classes="actions", visible=seen) as row:
        run = gr.Button(
            phrase("run"), variant="primary", elem_classes="run", elem_id=f"{method.name}-run"
        )
        stop = gr.Button(phrase("stop"), interactive=False, elem_id=f"{method.name}-stop")
    return row, run, stop


def _form(method: Method, *, seen: bool) -> tuple[gr.Column, Form]:
    with gr.Column(visible=seen) as column:
        return column, form(method)


def _view(method: Method, run: gr.Button, stop: gr.Button, *, seen: bool) -> tuple[gr.Column, View]:
    with gr.Column(visible=seen) as outputs:
        state = gr.HTML("", label="Status", elem_id=f"{method.name}-status", elem_classes="quiet")
        noted = gr.HTML("", label="Notes", elem_classes="quiet")
        found = gr.HTML(
            "", label="Recognised", elem_id=f"{method.name}-recognised", elem_classes="quiet"
        )
        live = gr.HTML(
            empty(phrase("restore_ready")),
            label="Preview",
            elem_id=f"{method.name}-live",
            elem_classes="quiet",
        )
        with gr.Column(visible=False, elem_id=f"{method.name}-result") as result:
            compared = comparer.comparer("Input and result", elem_id=f"{method.name}-comparer")
            stages = gr.HTML(
                "", label="Stages", elem_id=f"{method.name}-stages", elem_classes="quiet"
            )
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
    shown = (state, noted, live, found, result, compared, stages, download, recipe)
    view = View(run, stop, *shown)
    return outputs, view


def _wire(filled: Form, view: View, picture: PictureInput, extra: Beside) -> None:
    """Run and Stop."""
    method = filled.method

    def handler(  # noqa: PLR0913  # each named, so that a program may leave it out
        picture: str | None,
        request: gr.Request,
        *,
        mask: str | None = None,
        drawing: Any = None,
        kernel: str | None = None,
        medium_exposure: str | None = None,
        long_exposure: str | None = None,
        album: str = "",
        without_album: bool = False,
        **settings: Any,
    ) -> Iterator[Updates]:
        given = {
            "mask": mask,
            "drawing": drawing,
            "kernel": kernel,
            "medium_exposure": medium_exposure,
            "long_exposure": long_exposure,
            "album": album,
            "without_album": without_album,
            "shelf": shelf_of(request),
            "request": request,
        }
        with gate.place(request):
            yield from restore(view, method, picture, settings, given)

    handler.__name__ = method.name  # of the tool, where language models are offered some
    handler.__doc__ = f"{method.title}: {method.help} Gives the result (PNG) and its recipe first."
    event = view.run.click(
        handler,
        [picture],
        view.outputs(),
        inputs_kwargs={**extra.of(method), **filled.fields},
        api_name=method.name,
        concurrency_id="device",
        concurrency_limit=AT_ONCE,
        show_progress="hidden",
    )
    stops(view.stop, event, view.status, STOPPED)
    # However a run ends. After Stop this comes once the step in progress is over; until then
    # Gradio would drop a press of Run without a word.
    event.then(lambda: gr.update(interactive=True), None, view.run, queue=False, **QUIET)


def _watch(filled: Form, chosen: Any, extra: Beside) -> None:
    """Show what the chosen method wants beside the picture whenever its knobs say otherwise."""
    method, keys = filled.method, leaders(filled.method, filled.fields)

    def seen(name: str, *values: Any) -> Any:
        if name != method.name:
            return gr.skip()
        return extra.seen(wanted(method, dict(zip(keys, values, strict=True))))

    if keys:
        gr.on(
            [filled.fields[key].change for key in keys],
            seen,
            [chosen, *(filled.fields[key] for key in keys)],
            list(extra.panes.values()),
            queue=False,
            **QUIET,
        )
