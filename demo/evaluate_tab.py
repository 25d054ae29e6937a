"""The Evaluate tab: several settings on many pictures, with numbers and how sure they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo import comparer, gate, unchecked
from demo.albums.view import tried
from demo.compare.settings_list import Setting
from demo.controls import QUIET, stops
from demo.evaluation import form as evaluation_form
from demo.evaluation.evaluating import NONE_YET, View, choices, evaluate, go_on, look
from demo.evaluation.files import compared, pack_up
from demo.evaluation.form import Given
from demo.fragments import answer, lead, status
from demo.language import phrase
from demo.owners import owner_of
from demo.restoring import Updates
from demo.serving import ASSETS, AT_ONCE
from restoration.evaluation import kept
from restoration.evaluation.kept import Shelf
from restoration.protocol import Method

STOPPED = "Stopped. What is done is kept: press Run again to go on."


def build(methods: Mapping[str, Method], shared: gr.State, place: gr.Tab) -> None:
    """Lay out the tab in the current Blocks context and wire it.

    Args:
        methods: those that can be evaluated.
        shared: the settings on the list of the Compare tab, to be taken over.
        place: the tab itself.
    """
    gr.HTML(lead(phrase("evaluate_lead")))
    with gr.Row(elem_classes="bench"):
        with gr.Column(scale=2, min_width=300):
            form = evaluation_form.lay_out()
        with gr.Column(scale=3, min_width=300):
            chosen = evaluation_form.choose(methods, shared)
            before = _earlier()
    with gr.Row(elem_classes="actions"):
        run = gr.Button(
            phrase("run"), variant="primary", elem_classes="run", elem_id="evaluate-run"
        )
        stop = gr.Button(phrase("stop"), interactive=False, elem_id="evaluate-stop")
    view = _view(run, stop, before.listing)

    def handler(
        settings: tuple[Setting, ...], request: gr.Request, *fields: Any
    ) -> Iterator[Updates]:
        asked, uploads = tried(evaluation_form.asked, settings, Given(*fields))
        with gate.place(request):
            yield from evaluate(view, _shelf(request), asked, uploads)

    began = _long(view, run, handler, [chosen.state, *form.fields()])
    stops(stop, began, view.status, STOPPED, *_wire(view, before, place))


@dataclass(frozen=True)
class Earlier:
    """The list of evaluations, and what can be done with the chosen one."""

    listing: gr.Dropdown
    look: gr.Button
    further: gr.Button
    delete: gr.Button
    asking: gr.Column
    yes: gr.Button
    no: gr.Button


def _view(run: gr.Button, stop: gr.Button, earlier: gr.Dropdown) -> View:
    state = gr.HTML(
        status(phrase("evaluate_ready"), kind="idle"), label="Status", elem_id="evaluate-status"
    )
    table = gr.HTML(
        "",
        label="Means",
        css_template=(ASSETS / "results_table.css").read_text(encoding="utf-8"),
        elem_id="evaluate-table",
        elem_classes="quiet",
        apply_default_css=False,
    )
    with gr.Column(visible=False, elem_id="evaluate-result") as result:
        picture = unchecked.Dropdown(
            [], label="Picture", info="Look at what became of it.", elem_id="evaluate-picture"
        )
        shown = comparer.comparer("What became of the picture", elem_id="evaluate-comparer")
        with gr.Row(elem_classes="actions"):
            pack = gr.Button("Save as a file", elem_id="evaluate-pack")
            download = gr.DownloadButton(visible=False, elem_id="evaluate-download")
    current = gr.State(None)
    view = View(run, stop, state, table, result, picture, shown, download, earlier, current)

    def seen(identity: str, number: int, request: gr.Request) -> dict[str, Any]:
        return tried(lambda: compared(_shelf(request).open(identity), number))

    picture.input(seen, [current, picture], shown, **QUIET)

    def packed(identity: str, request: gr.Request) -> dict[str, Any]:
        path = tried(lambda: pack_up(_shelf(request).open(identity)))
        label = f"Download {path.name}"
        update: dict[str, Any] = gr.update(value=str(path), label=label, visible=True)
        return update

    pack.click(packed, current, download, **QUIET)
    return view


def _earlier() -> Earlier:
    gr.HTML("<h2>Evaluations</h2>")
    listing = unchecked.Dropdown(
        [],
        label="Evaluation",
        info=NONE_YET,
        elem_id="evaluate-earlier",
    )
    with gr.Row(elem_classes="actions"):
        opened = gr.Button("Look at it", size="sm", elem_id="evaluate-open")
        further = gr.Button("Go on", size="sm", elem_id="evaluate-go-on")
        delete = gr.Button("Delete …", size="sm", elem_id="evaluate-delete")
    with gr.Column(visible=False, elem_classes="asking", elem_id="evaluate-asking") as asking:
        gr.HTML(answer("Delete this evaluation with all its results? It is gone for good."))
        with gr.Row(elem_classes="actions"):
            yes = gr.Button("Yes, delete it", variant="stop", elem_id="evaluate-delete-yes")
            no = gr.Button("No, keep it", elem_id="evaluate-delete-no")
    return Earlier(listing, opened, further, delete, asking, yes, no)


def _wire(view: View, before: Earlier, place: gr.Tab) -> list[Any]:
    """What is done with evaluations of before, and when their list is filled.

    Gives the events that take long.
    """

    def looked(identity: str | None, request: gr.Request) -> Iterator[Updates]:
        with gate.place(request):
            yield from look(view, _shelf(request), identity)

    def continued(identity: str | None, request: gr.Request) -> Iterator[Updates]:
        with gate.place(request):
            yield from go_on(view, _shelf(request), identity)

    def deleted(identity: str | None, shown: str | None, request: gr.Request) -> Updates:
        tried(_shelf(request).delete, identity or "")
        updates: Updates = {
            view.earlier: choices(_shelf(request)),
            view.status: status("The evaluation is deleted.", kind="idle"),
        }
        if identity == shown:
            updates |= {view.result: gr.update(visible=False), view.table: "", view.current: None}
        return updates

    place.select(_filled, view.earlier, view.earlier, queue=False, **QUIET)
    asked = (before.delete, True), (before.yes, False), (before.no, False)
    for button, is_asking in asked:
        button.click(
            lambda is_asking=is_asking: gr.update(visible=is_asking),
            None,
            before.asking,
            queue=False,
            **QUIET,
        )
    before.yes.click(deleted, [view.earlier, view.current], view.outputs(), **QUIET)
    return [
        _long(view, before.look, looked, [view.earlier]),
        _long(view, before.further, continued, [view.earlier]),
    ]


def _long(
    view: View, button: gr.Button, handler: Callable[..., Iterator[Updates]], inputs: list[Any]
) -> Any:
    """Let a button begin something that Stop will be able to end; gives its event."""
    event = button.click(
        handler,
        inputs,
        view.outputs(),
        concurrency_id="device",
        concurrency_limit=AT_ONCE,
        **QUIET,
    )
    # However it ends: until the step in progress is over, Gradio would drop a press without a word.
    event.then(lambda: gr.update(interactive=True), None, view.run, queue=False, **QUIET)
    event.then(_filled, view.earlier, view.earlier, queue=False, **QUIET)
    return event


def _filled(chosen: str | None, request: gr.Request) -> dict[str, Any]:
    """The list of evaluations as it is now."""
    return choices(_shelf(request), chosen)


def _shelf(request: gr.Request) -> Shelf:
    return kept.of(owner_of(request))
