"""The Runs tab: what was restored before, found again, looked at, used again, or deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from demo import comparer, failures, runs_view
from demo.controls import QUIET
from demo.fragments import answer, empty, lead
from demo.language import phrase
from demo.offer import Offer, name_of
from demo.owners import runs_of
from demo.restoring import Updates
from demo.runs_view import PER_PAGE
from restoration import runtime
from restoration.runs import Runs
from restoration.runs.records import LONGEST_QUERY

SHARED = (
    '<p class="about">This host is shared: your runs are seen in this browser only, and gone a '
    "day after your last visit. Download what you want to keep.</p>"
)
ALL = "all"
TO_DETAILS = (
    "() => setTimeout(() => document.querySelector('#runs-details')?.scrollIntoView("
    "{behavior: 'smooth', block: 'nearest'}), 150)"
)


@dataclass(frozen=True)
class Asking:
    """Asks before something is deleted."""

    ask: gr.Button
    column: gr.Column
    question: gr.HTML
    yes: gr.Button
    no: gr.Button
    meant: gr.State
    """What was asked about; nothing while nothing is."""

    def outputs(self) -> list[Any]:
        """What changes."""
        return [self.column, self.question, self.meant]

    def asked(self, text: str, meant: str) -> Updates:
        """Whether something is really to be deleted."""
        seen = gr.update(visible=True)
        return {self.column: seen, self.question: answer(text), self.meant: meant}

    def unasked(self) -> Updates:
        """Nothing is to be deleted."""
        return {self.column: gr.update(visible=False), self.meant: ""}


@dataclass(frozen=True)
class RunsTab:
    """The parts of the tab."""

    search: gr.Textbox
    listing: gr.HTML
    newer: gr.Button
    older: gr.Button
    place: gr.HTML
    offset: gr.State
    """How many newer ones are before the page that is seen."""
    said: gr.HTML
    every: Asking
    """Deletes all runs."""
    ready: gr.HTML
    """Stands where a run will be seen."""
    details: gr.Column
    comparer: gr.HTML
    facts: gr.HTML
    use: gr.Button
    download: gr.DownloadButton
    one: Asking
    """Deletes the run that is seen in full."""
    shown: gr.State
    """The id of that run; it is looked up among its owner's runs alone."""

    def page(self) -> list[Any]:
        """The list and what goes with it."""
        parts = [self.listing, self.newer, self.older, self.place, self.offset]
        return [*parts, self.every.ask, self.said, *self.every.outputs()]

    def full(self) -> list[Any]:
        """What shows one run in full."""
        parts = [self.ready, self.details, self.comparer, self.facts, self.download, self.shown]
        return [*parts, *self.one.outputs()]

    def listed(self, runs: Runs, text: str, offset: int) -> Updates:
        """A page of the list."""
        found = runs.find(text, PER_PAGE, offset)
        if not found.runs and offset:
            return self.listed(runs, text, max(0, found.total - 1) // PER_PAGE * PER_PAGE)
        note = runs.note()
        return {
            self.listing: runs_view.listed(found, text),
            self.newer: gr.update(visible=offset > 0),
            self.older: gr.update(visible=offset + PER_PAGE < found.total),
            self.place: runs_view.place_text(found, offset),
            self.offset: offset,
            self.said: answer(note, "bad") if note else "",
            self.every.ask: gr.update(visible=bool(found.total or note)),
            **self.every.unasked(),
        }

    def seen(self, runs: Runs, number: str) -> Updates:
        """One run in full."""
        run = runs.get(number)
        pictures, result = runs_view.compared(runs, run)
        return {
            self.ready: gr.update(visible=False),
            self.details: gr.update(visible=True),
            self.comparer: pictures,
            self.facts: runs_view.details(run),
            self.download: str(result),
            self.shown: run.id,
            self.said: "",
            **self.one.unasked(),
        }

    def unseen(self) -> Updates:
        """No run in full."""
        seen, hidden = gr.update(visible=True), gr.update(visible=False)
        nothing = {self.comparer: None, self.shown: ""}
        return {self.ready: seen, self.details: hidden, **nothing, **self.one.unasked()}


def build() -> RunsTab:
    """Lay out the tab in the current Blocks context; `wire` makes it work."""
    gr.HTML(lead(phrase("runs_lead")) + (SHARED if runtime.is_public() else ""))
    with gr.Row(elem_classes="bench"):
        with gr.Column(scale=2, min_width=300):
            search = gr.Textbox(
                label="Search",
                info="Words of the method, its settings (steps=50), the label or the day (today).",
                max_length=LONGEST_QUERY,
                elem_id="runs-search",
            )
            said = gr.HTML("", label="Answer", elem_id="runs-said", elem_classes="quiet")
            listing = _listing()
            with gr.Row(elem_classes="actions pager"):
                newer = gr.Button("Newer", size="sm", visible=False, elem_id="runs-newer")
                place = gr.HTML("", label="Place", elem_id="runs-place")
                older = gr.Button("Older", size="sm", visible=False, elem_id="runs-older")
            clear = gr.Button("Delete all …", size="sm", visible=False, elem_id="runs-clear")
            every = _asking(clear, "runs-clear")
        with gr.Column(scale=3, min_width=300, elem_classes="outputs"):
            ready = gr.HTML(
                empty(phrase("runs_ready")), elem_id="runs-ready", elem_classes="wide-only"
            )
            with gr.Column(visible=False, elem_id="runs-details") as details:
                compared = comparer.comparer("Input and result", elem_id="runs-comparer")
                with gr.Row(elem_classes="actions"):
                    more = {"size": "md", "min_width": 60}
                    use = gr.Button("Use settings", variant="primary", elem_id="runs-use", **more)
                    download = gr.DownloadButton("Download", elem_id="runs-download", **more)
                    delete = gr.Button("Delete …", elem_id="runs-delete", **more)
                one = _asking(delete, "runs-delete")
                facts = gr.HTML("", label="The run in full", elem_id="runs-facts")
    return RunsTab(
        *(search, listing, newer, older, place, gr.State(0), said, every, ready, details),
        *(compared, facts, use, download, one, gr.State("")),
    )


def _listing() -> gr.HTML:
    """The list; its click event carries the `run` and `what` is wanted of it."""
    return gr.HTML(
        value={"items": [], "nothing": ""},
        label="Runs, newest first",
        elem_id="runs-list",
        html_template=runs_view.TEMPLATE,
        css_template=runs_view.asset("list.css"),
        js_on_load=runs_view.asset("list.js"),
        apply_default_css=False,
    )


def _asking(ask: gr.Button, elem_id: str) -> Asking:
    with gr.Column(visible=False, elem_classes="asking", elem_id=f"{elem_id}-asking") as column:
        question = gr.HTML("")
        with gr.Row(elem_classes="actions"):
            yes = gr.Button("Yes, delete", variant="stop", elem_id=f"{elem_id}-yes")
            no = gr.Button("No, keep", elem_id=f"{elem_id}-no")
    return Asking(ask, column, question, yes, no, gr.State(""))


def wire(tab: RunsTab, place: gr.Tab, offer: Offer) -> None:
    """What each part does; the list is filled whenever the tab is opened."""
    asked = [tab.search, tab.offset]
    _on(tab, place.select, tab.listed, asked, tab.page())
    typed = partial(tab.search.change, trigger_mode="always_last")
    _on(tab, typed, lambda runs, text: tab.listed(runs, text, 0), [tab.search], tab.page())
    for button, step in ((tab.newer, -PER_PAGE), (tab.older, PER_PAGE)):

        def turn(runs: Runs, text: str, offset: int, step: int = step) -> Updates:
            return tab.listed(runs, text, max(0, offset + step))

        _on(tab, button.click, turn, asked, tab.page())
    _wire_use(tab, offer)
    _wire_deleting(tab)


def _wire_use(tab: RunsTab, offer: Offer) -> None:
    """Show, and the two ways to use the settings of a run."""
    both = list(dict.fromkeys([*tab.full(), tab.said, *offer.places()]))

    def clicked(request: gr.Request, event: gr.EventData) -> Updates:
        number, is_shown = str(event.run), event.what == "show"
        return _tried(tab, tab.seen if is_shown else use, runs_of(request), number)

    def use(runs: Runs, number: str) -> Updates:
        return {tab.said: "", **offer.taken(runs.get(number).recipe)}

    told = tab.listing.click(clicked, None, both, queue=False, **QUIET)
    told.then(None, None, None, js=TO_DETAILS)
    _on(tab, tab.use.click, use, [tab.shown], both)


def _wire_deleting(tab: RunsTab) -> None:
    """One run, or all of them, once the question is answered."""
    asked, every, one = [tab.search, tab.offset], tab.every, tab.one
    both = [*tab.page(), *tab.full()]

    def ask_one(runs: Runs, number: str) -> Updates:
        run = runs.get(number)
        return one.asked(f"Delete this run of {name_of(run.recipe)}? It is gone for good.", run.id)

    def ask_all(runs: Runs) -> Updates:
        count, size = runs.usage()
        what = f"all {count} runs ({size / 1e6:.1f} MB) and all votes"
        return every.asked(f"Delete {what}? They are gone for good.", ALL)

    def delete_one(runs: Runs, meant: str, text: str, offset: int) -> Updates:
        runs.delete(meant)
        return {**tab.unseen(), **tab.listed(runs, text, offset)}

    def delete_all(runs: Runs, meant: str, text: str) -> Updates:
        if meant == ALL:
            runs.clear()
        return {**tab.unseen(), **tab.listed(runs, text, 0)}

    _on(tab, one.ask.click, ask_one, [tab.shown], both)
    _on(tab, one.yes.click, delete_one, [one.meant, *asked], both)
    _on(tab, every.ask.click, ask_all, [], both)
    _on(tab, every.yes.click, delete_all, [every.meant, tab.search], both)
    for asking in (one, every):
        _on(tab, asking.no.click, lambda _, asking=asking: asking.unasked(), [], both)


def _on(
    tab: RunsTab, event: Any, act: Callable[..., Updates], inputs: list[Any], outputs: list[Any]
) -> None:
    """Let an event do something with the runs of whoever caused it."""

    def handler(request: gr.Request, *values: Any) -> Updates:
        return _tried(tab, act, runs_of(request), *values)

    event(handler, inputs, outputs, queue=False, **QUIET)


def _tried(tab: RunsTab, act: Callable[..., Updates], *values: Any) -> Updates:
    """What an act gives, or on the page why it could not be done."""
    try:
        return act(*values)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        return {tab.said: answer(failures.sentence(error), "bad")}
