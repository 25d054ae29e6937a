"""The Compare tab: one picture through several methods, variants and knobs, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo import comparer, gate
from demo.albums.chooser import Chooser
from demo.albums.view import tried
from demo.beside import Beside, beside
from demo.compare import blind, exports, handing, lineups, sweep_panel
from demo.compare.comparing import Asked, View, compare
from demo.compare.downloads import downloads
from demo.compare.gallery import Results
from demo.compare.settings_list import (
    MOST_SETTINGS,
    Chosen,
    Setting,
    added,
    defaults,
    setting_of,
    settings_list,
    wanted_by,
)
from demo.controls import DRAWN, MOST_RADIOS, QUIET, controls, seed_control, seed_of, stops
from demo.fragments import lead, status
from demo.language import phrase
from demo.method_form import Versions, variants
from demo.method_tab import MethodTab, families
from demo.owners import shelf_of
from demo.picture import PictureInput, picture_input
from demo.presets import offered, preset_values, start
from demo.restoring import Updates
from demo.serving import ASSETS, AT_ONCE
from restoration import runtime
from restoration.protocol import Method

STOPPED = "Stopped. The results so far stay."


@dataclass(frozen=True)
class CompareTab:
    """What other tabs need to hand pictures to this one."""

    picture: PictureInput
    reference: PictureInput
    chooser: Chooser | None
    """Of the album that all settings share, where a method has use for one."""
    settings: gr.State
    """Those on its list."""
    versions: list[Versions]
    """The weights of each method in the form that makes a new setting."""


def build(methods: Mapping[str, Method], tabs: Sequence[MethodTab] = ()) -> CompareTab:
    """Lay out the tab in the current Blocks context and wire it; `tabs` hand it their settings."""
    firsts = [family[0] for family in families(list(methods.values()))]
    begin = defaults({method.name: method for method in firsts})
    gr.HTML(lead(phrase("compare_lead")))
    with gr.Row(elem_classes="bench"):
        with gr.Column(scale=2, min_width=300, elem_classes="inputs"):
            picture = picture_input(
                "Picture to restore", elem_id="compare-picture", elem_classes="source"
            )
            reference = picture_input(
                "Clean original (optional)",
                height=200,
                placeholder="Drop the clean original here\nto have the results measured",
                elem_id="compare-reference",
            )
            every = list(methods.values())
            extra = beside(every, picture, "compare", wanted_by(begin), shared=True)
        with gr.Column(scale=3, min_width=300):
            chosen = _chosen(methods, begin, extra)
            versions = _adding(methods, chosen)
            sweep_panel.build(chosen, begin)
            lineups.lay_out(methods, chosen)
            seed = seed_control("compare-seed")
    with gr.Row(elem_classes="actions"):
        run = gr.Button(phrase("run"), variant="primary", elem_classes="run", elem_id="compare-run")
        stop = gr.Button(phrase("stop"), interactive=False, elem_id="compare-stop")
    view = _view(run, stop)

    def handler(
        picture: str | None,
        reference: str | None,
        settings: tuple[Setting, ...],
        seed: int,
        before: Results | None,
        request: gr.Request,
        *given: Any,
    ) -> Iterator[Updates]:
        more = dict(zip(extra.fields, given, strict=True))
        more |= {"shelf": shelf_of(request), "request": request}
        asked = Asked(picture, reference, settings, seed_of(seed), more)
        with gate.place(request):
            yield from compare(view, asked, before)

    event = run.click(
        handler,
        [picture, reference, chosen.state, seed, view.shown, *extra.fields.values()],
        view.outputs(),
        concurrency_id="device",
        concurrency_limit=AT_ONCE,
        **QUIET,
    )
    stops(stop, event, view.status, STOPPED)
    # However a run ends. After Stop this comes once the step in progress is over; until then
    # Gradio would drop a press of Run without a word.
    event.then(lambda: gr.update(interactive=True), None, run, queue=False, **QUIET)
    handing.wire(tabs, chosen, picture)
    return CompareTab(picture, reference, extra.chooser, chosen.state, versions)


def _view(run: gr.Button, stop: gr.Button) -> View:
    state = gr.HTML(
        status(phrase("compare_ready"), kind="idle"), label="Status", elem_id="compare-status"
    )
    planned = gr.HTML("", label="Plan", elem_id="compare-plan", elem_classes="quiet")
    noted = gr.HTML("", label="Notes", elem_classes="quiet")
    compared = comparer.comparer("Comparison of the results", elem_id="compare-comparer")
    table = gr.HTML(
        "",
        label="Results in numbers",
        css_template=(ASSETS / "results_table.css").read_text(encoding="utf-8"),
        elem_id="compare-table",
        elem_classes="quiet",
        apply_default_css=False,
    )
    files, shown = downloads("compare-downloads"), gr.State(None)
    exports.lay_out(shown, "compare-export")
    blind.wire(compared)
    return View(run, stop, state, planned, noted, compared, table, files, shown)


def _chosen(methods: Mapping[str, Method], begin: tuple[Setting, ...], extra: Beside) -> Chosen:
    """The list, which begins with these, and what changes it as a whole."""
    gr.HTML(f"<h2>Settings to compare, {MOST_SETTINGS} at most</h2>")
    chosen = Chosen(gr.State(begin), settings_list(begin, elem_id="compare-settings"), extra)
    with gr.Row(elem_classes="actions", equal_height=True):
        every = gr.Button("Add the default of every method", size="sm", elem_id="compare-defaults")
        clear = gr.Button("Clear the list", size="sm", elem_id="compare-clear")
    chosen.wire(methods, every, clear)
    return chosen


def _adding(methods: Mapping[str, Method], chosen: Chosen) -> list[Versions]:
    """The form that makes a new setting: a method, and below it that method's variant and knobs."""
    with gr.Accordion("Add a setting", open=False, elem_id="compare-add"):
        kind = gr.Radio if len(methods) <= MOST_RADIOS else gr.Dropdown
        names = list(methods)
        method = kind(
            [(one.title, name) for name, one in methods.items()],
            value=names[0] if names else None,
            label="Method",
            visible=len(names) > 1,
        )
        seed = gr.Number(
            DRAWN,
            precision=0,
            label="Its own seed",
            info="With -1 it takes the seed of the comparison, further below.",
            elem_id="compare-add-seed",
        )
        forms, versions = [], []
        for place, one in enumerate(methods.values()):
            with gr.Column(visible=place == 0, elem_classes="knobs") as form:
                versions.append(_form(one, chosen, seed))
            forms.append(form)
        method.change(
            lambda name: [gr.Column(visible=name == one) for one in names],
            method,
            forms,
            queue=False,
            **QUIET,
        )
    return versions


def _form(method: Method, chosen: Chosen, seed: gr.Number) -> Versions:
    """The variant, presets and knobs of one method, and the button that adds what they say."""
    choices, ready = variants(method)
    variant = gr.Dropdown(choices, value=ready, label="Weights", filterable=False)
    preset = gr.Dropdown(
        [(f"{one.name}: {one.help}", one.name) for one in offered(method)],
        value=method.presets[0].name if method.presets else None,
        label="Preset",
        info="Sets every knob below; each can be changed after it.",
        visible=bool(method.presets),
        filterable=False,
    )
    fields = controls(method.params, start(method), most=runtime.policy().most)
    keys = list(fields)
    add = gr.Button("Add this setting", elem_id=f"compare-add-{method.name}")

    def take(
        settings: tuple[Setting, ...], seed: int, variant: str, *values: Any
    ) -> tuple[Any, ...]:
        knobs = dict(zip(keys, values, strict=True))
        one = tried(setting_of, method, variant, knobs, seed_of(seed))
        return chosen.update(tried(added, settings, one))

    add.click(take, [chosen.state, seed, variant, *fields.values()], chosen.outputs(), **QUIET)
    preset.input(
        lambda name: list(preset_values(method, name).values()),
        preset,
        list(fields.values()),
        queue=False,
        **QUIET,
    )
    return Versions(method, variant)
