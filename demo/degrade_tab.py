"""The Degrade tab: make a bad picture from a good one, and send it on with the clean one."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from demo import comparer, failures, gate, unchecked
from demo.compare_tab import CompareTab
from demo.controls import QUIET, controls, seed_control, seed_of
from demo.fragments import empty, lead, notes, status
from demo.language import phrase
from demo.method_tab import MethodTab
from demo.picture import PictureInput, picture_input, refusal
from demo.restoring import NO_PICTURE, Updates, keep, shown_as
from restoration.degradations.kinds import KINDS, PRESETS, degrade
from restoration.errors import BadPictureError
from restoration.runtime import limits
from restoration.seeds import checked_seed


@dataclass(frozen=True)
class View:
    """The parts of the tab that are written to."""

    status: gr.HTML
    notes: gr.HTML
    result: gr.Column
    comparer: gr.HTML
    download: gr.DownloadButton
    made: gr.State
    """Paths of the degraded and the clean picture, in the session and nowhere else."""

    def outputs(self) -> list[Any]:
        """All of them, the file first."""
        return [self.download, self.status, self.notes, self.result, self.comparer, self.made]


def build(tabs: gr.Tabs, methods: Sequence[MethodTab], compare: CompareTab) -> PictureInput:
    """Lay out the tab in the current Blocks context; gives its picture input."""
    gr.HTML(lead(phrase("degrade_lead")))
    with gr.Row(elem_classes="bench"):
        with gr.Column(scale=2, min_width=300, elem_classes="inputs"):
            picture = picture_input("Good picture", elem_id="degrade-picture")
            run = gr.Button(
                phrase("degrade"), variant="primary", elem_classes="run", elem_id="degrade-run"
            )
            fields = _fields()
        with gr.Column(scale=3, min_width=300, elem_classes="outputs"):
            view = _view(tabs, methods, compare)

    def handler(
        picture: str | None, request: gr.Request, *, kind: str, seed: int, **knobs: Any
    ) -> Iterator[Updates]:
        with gate.place(request):
            yield from _degrade(view, picture, str(kind), seed, knobs)

    handler.__name__ = "degrade"
    handler.__doc__ = "Make a picture worse in a known way. Gives the degraded picture (PNG) first."
    run.click(
        handler,
        [picture],
        view.outputs(),
        inputs_kwargs=fields,
        api_name="degrade",
        concurrency_limit=2,
        show_progress="hidden",
    )
    return picture


def _fields() -> dict[str, Any]:
    """Kind, seed, and the knobs of every kind as `kind_knob`; only the chosen one's are seen."""
    choices = [(kind.title, kind.name) for kind in KINDS.values()]
    choices += [(f"{name} (fixed, for comparisons)", name) for name in PRESETS]
    first = next(iter(KINDS))
    kind = unchecked.Dropdown(
        choices, value=first, label="Kind", info="What is wrong with the picture."
    )
    about = gr.HTML(_about(first))
    fields: dict[str, Any] = {"kind": kind}
    groups = {}
    for name, one in KINDS.items():
        with gr.Column(visible=name == first, elem_classes="knobs") as groups[name]:
            made = controls(one.params)
        fields.update({f"{_key(name)}_{key}": component for key, component in made.items()})
    fields["seed"] = seed_control("degrade-seed")
    kind.change(
        lambda name: [_about(name), *(gr.update(visible=name == one) for one in groups)],
        kind,
        [about, *groups.values()],
        queue=False,
        **QUIET,
    )
    return fields


def _view(tabs: gr.Tabs, methods: Sequence[MethodTab], compare: CompareTab) -> View:
    state = gr.HTML(
        empty(phrase("degrade_ready")),
        label="Status",
        elem_id="degrade-status",
        elem_classes="quiet",
    )
    noted, made = gr.HTML("", label="Notes", elem_classes="quiet"), gr.State(None)
    with gr.Column(visible=False, elem_id="degrade-result") as result:
        compared = comparer.comparer("Clean and degraded", elem_id="degrade-comparer")
        with gr.Row(elem_classes="actions"):
            for tab in methods:
                button = gr.Button(f"Send to {tab.title}", size="md")
                button.click(
                    lambda paths, name=tab.name: (_there(paths)[0], gr.Tabs(selected=name)),
                    made,
                    [tab.picture, tabs],
                    **QUIET,
                )
            button = gr.Button("Send to Compare, with the clean one", size="md")
            button.click(
                lambda paths: (*_there(paths), gr.Tabs(selected="compare")),
                made,
                [compare.picture, compare.reference, tabs],
                **QUIET,
            )
        download = gr.DownloadButton("Download the degraded picture (PNG)")
    return View(state, noted, result, compared, download, made)


def _degrade(
    view: View, path: str | None, kind: str, seed: int, knobs: dict[str, Any]
) -> Iterator[Updates]:
    yield {view.status: status("Degrading …"), view.result: gr.update(visible=False)}
    try:
        yield _degraded(view, path, kind, seed, knobs)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        text = failures.sentence(error)
        yield {view.status: status(text, kind="bad")}
        raise refusal(text) from None


def _degraded(view: View, path: str | None, kind: str, seed: int, knobs: dict[str, Any]) -> Updates:
    from restoration import image_io

    if path is None:
        raise BadPictureError(NO_PICTURE)
    drawn = checked_seed(seed_of(seed))
    clean = image_io.read(path, limits())
    start = f"{_key(kind)}_"
    values = {key[len(start) :]: value for key, value in knobs.items() if key.startswith(start)}
    worse = degrade(clean.image, kind, seed=drawn, values=values if kind in KINDS else {})
    degraded = replace(clean, image=worse)
    paths = keep(degraded, kind), keep(clean, "clean")
    return {
        view.download: str(paths[0]),
        view.status: status(f"Done · seed {drawn}", kind="good"),
        view.notes: notes(clean.notes),
        view.result: gr.update(visible=True),
        view.comparer: comparer.comparison(
            [shown_as("Degraded", degraded, paths[0]), shown_as("Clean", clean, paths[1])]
        ),
        view.made: tuple(map(str, paths)),
    }


def _there(paths: tuple[str, str] | None) -> tuple[str, str]:
    """The degraded and the clean picture, as long as the hub has them.

    Raises:
        gr.Error: it was restarted, or they were cleared away, while the page was open.
    """
    if paths is None or not all(map(os.path.isfile, paths)):
        raise refusal("The hub does not have this picture any more: press Degrade again.")
    return paths


def _key(kind: str) -> str:
    return kind.replace("-", "_")


def _about(name: str) -> str:
    """What a kind does, or what a fixed one consists of."""
    if name in KINDS:
        return f'<p class="about">{html.escape(KINDS[name].help)}</p>'
    steps = (
        f"{kind} ({', '.join(f'{knob} {value}' for knob, value in knobs.items())})"
        for kind, knobs in PRESETS[name]
    )
    return f'<p class="about">{html.escape(", then ".join(steps))}</p>'
