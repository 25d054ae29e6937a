"""The Models tab: which checkpoints there are, what is on disk, and how one comes and goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo import failures
from demo.controls import QUIET
from demo.fragments import answer, status
from demo.models import fragments as model_fragments
from demo.models import work as model_work
from demo.models.view import NONE, View, lay_out
from demo.models.work import Work, refuse_strangers
from demo.restoring import Updates
from demo.serving import AT_ONCE
from restoration import runtime, weights
from restoration.device_line import DeviceLine
from restoration.protocol import Method
from restoration.sizes import in_words
from restoration.weights import Weights, conversion
from restoration.weights import models as model_files
from restoration.weights import strays as stray_files
from restoration.weights.models import Model

Begin = Callable[[Weights, bool], Work]
"""Begins some work with a checkpoint; the second says whether its licence is accepted."""
STOPPED = "Stopped. What has been fetched is kept, and Fetch goes on from there."


def build(place: gr.Tab, methods: Mapping[str, Method]) -> None:
    """Lay out the tab in the current Blocks context and wire it; it fills when it is opened."""
    view = lay_out()
    page = Page(view, tuple(methods.values()))
    keys = [view.shown, view.chosen, view.agreed]
    for event in (place.select, view.shown.input):
        event(page.update, keys, view.seen(), queue=False, **QUIET)

    def choose(shown: Any, agreed: frozenset[str], event: gr.EventData) -> Updates:
        return page.update(shown, str(event.name), agreed) | {view.status: ""}

    view.listing.click(
        choose, [view.shown, view.agreed], [*view.seen(), view.status], queue=False, **QUIET
    )
    view.agree.input(
        agreeing, [view.chosen, view.agree, view.agreed], [view.agreed, view.fetch], **QUIET
    )
    _wire_work(view, page, keys)
    _wire_deleting(view, page, keys)


@dataclass(frozen=True)
class Page:
    """The tab and the methods whose models it shows."""

    view: View
    methods: tuple[Method, ...]

    def update(self, shown: Any, name: str, agreed: frozenset[str]) -> Updates:
        """All of it as things are on the disk now."""
        view, is_public = self.view, not runtime.policy().downloads
        models = model_files.models(self.methods)
        chosen = next((one for one in models if one.entry.name == name), None)
        free = None if is_public else model_files.free()
        strays = () if is_public else stray_files.strays(models)
        return {
            view.summary: model_fragments.summary(models, model_files.on_disk(models), free),
            view.listing: model_fragments.listed(models, shown, name),
            view.others: model_fragments.others(strays),
            view.details: model_fragments.details(chosen) if chosen else gr.skip(),
            view.chosen: chosen.entry.name if chosen else NONE,
            view.meant: (NONE, False),
            view.asking: gr.update(visible=False),
            **offered(view, None if is_public else chosen, agreed),
        }


def offered(view: View, model: Model | None, agreed: frozenset[str]) -> Updates:
    """The buttons for what can be done with a model; none where none is chosen."""
    entry, is_own = (model.entry, model.place == "own") if model else (None, False)
    path = model.path if model else None
    must = bool(model and entry and entry.restricted and model.can_be_fetched)
    can = {
        view.fetch: bool(model and model.can_be_fetched),
        view.verify: path is not None,
        view.convert: bool(entry and path and conversion.target_of(entry, path)),
        view.delete: bool(model and (is_own or model.begun) and model.place != "bundled"),
        view.thin: bool(entry and model_files.sources_of(entry)),
    }
    seen: Updates = {one: gr.update(visible=shown, interactive=True) for one, shown in can.items()}
    has_agreed = bool(entry and entry.name in agreed)
    if model and can[view.fetch]:
        words = f"Resume ({in_words(model.begun)} are here)" if model.begun else "Fetch"
        size = model_fragments.size_of(model)
        label = words if model.begun or not size else f"{words} ({size})"
        seen[view.fetch] = gr.update(visible=True, interactive=has_agreed or not must, value=label)
    seen[view.agree] = gr.update(visible=must, value=has_agreed, interactive=True)
    seen[view.actions] = gr.update(visible=any(can.values()))
    return seen


def agreeing(name: str, agrees: bool, agreed: frozenset[str]) -> tuple[frozenset[str], Any]:
    """The licences accepted so far, and whether Fetch may be pressed."""
    now = agreed | {name} if agrees else agreed - {name}
    return now, gr.update(interactive=agrees)


def _wire_work(view: View, page: Page, keys: list[Any]) -> None:
    """Fetch, Verify and Convert, one after the other whoever asks; Stop."""
    line = DeviceLine()
    kinds: list[tuple[gr.Button, Begin]] = [
        (view.fetch, model_work.fetch),
        (view.verify, lambda entry, _agreed: model_work.verify(entry)),
        (view.convert, lambda entry, _agreed: model_work.convert(entry)),
    ]
    events = []
    for button, begin in kinds:

        def handler(name: str, agreed: frozenset[str], begin: Begin = begin) -> Iterator[Updates]:
            yield from worked(view, model_work.in_turn(line, begun(begin, name, agreed)))

        event = button.click(
            handler,
            [view.chosen, view.agreed],
            [*view.seen(), view.status, view.stop],
            concurrency_id="models",
            concurrency_limit=AT_ONCE,
            **QUIET,
        )
        events.append(event)
    _stops(page, events, keys)


def begun(begin: Begin, name: str, agreed: frozenset[str]) -> Work:
    """Some work with a model, for whoever runs the hub."""
    refuse_strangers()
    entry = weights.named(name)
    return (yield from model_work.about(entry.title, begin(entry, name in agreed)))


def _stops(page: Page, events: list[Any], keys: list[Any]) -> None:
    """As `controls.stops`, of several events of which one runs."""
    view, pressed, said = page.view, gr.State(False), status(STOPPED, kind="idle")

    def ended(was_pressed: bool, *now: Any) -> Updates:
        return after(page, now, is_stopped=was_pressed) | {pressed: False}

    # While this works, its user may look at other models, and be asked about one.
    view.stop.click(
        lambda: (said, gr.update(interactive=False), True),
        None,
        [view.status, view.stop, pressed],
        cancels=events,
        queue=False,
        **QUIET,
    )
    for event in events:
        event.then(
            ended,
            [pressed, *keys],
            [*view.seen(), view.status, view.stop, pressed],
            queue=False,
            **QUIET,
        )


def after(page: Page, now: tuple[Any, ...], *, is_stopped: bool) -> Updates:
    """What is shown once a work is over; `now` are the arguments of `Page.update`.

    What its user looked at meanwhile stays, and so does a question about deleting.
    """
    view = page.view
    seen = page.update(*now) | {view.stop: gr.update(visible=False)}
    asked = {view.asking, view.meant}
    said = {view.status: status(STOPPED, kind="idle")} if is_stopped else {}
    return {part: update for part, update in seen.items() if part not in asked} | said


def worked(view: View, work: Work) -> Iterator[Updates]:
    """Some work on the page, whatever comes of it; closing this stops it."""
    buttons = (view.fetch, view.verify, view.convert, view.delete, view.thin)
    yield {
        **{one: gr.update(interactive=False) for one in buttons},
        view.stop: gr.update(visible=True, interactive=True),
        view.asking: gr.update(visible=False),
        view.meant: (NONE, False),
        view.status: status("Beginning …"),
    }
    try:
        while True:
            try:
                now = next(work)
            except StopIteration as end:
                yield {view.status: status(str(end.value), kind="good")}
                break
            yield {view.status: status(now.text, share=now.share)}
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        yield {view.status: status(failures.sentence(error), kind="bad")}
    finally:
        work.close()


def asked(page: Page, name: str, *, only_sources: bool) -> Updates:
    """Whether a model is really to be deleted, or only what a converted file made needless."""
    view, model = page.view, model_files.model(name, page.methods)
    entry = model.entry
    files = model_files.sources_of(entry) if only_sources else model_files.files_of(entry)
    served = () if only_sources else model_files.also_served(entry)
    freed = sum(path.stat().st_size for path in files)
    return {
        view.asking: gr.update(visible=True),
        view.question: model_fragments.question(model, served, freed, only_sources=only_sources),
        view.meant: (name, only_sources),
        view.status: "",
    }


def deleted(page: Page, now: tuple[Any, str, frozenset[str]], meant: tuple[str, bool]) -> Updates:
    """What was asked about is gone; `now` are the arguments of `Page.update`."""
    try:
        refuse_strangers()
        freed = model_files.delete(weights.named(meant[0]), only_sources=meant[1])
        said = answer(f"Deleted: {in_words(freed)} are free again.")
    except Exception as error:  # noqa: BLE001  # as above
        said = answer(failures.sentence(error), "bad")
    return page.update(*now) | {page.view.status: said}


def _wire_deleting(view: View, page: Page, keys: list[Any]) -> None:
    """Ask, then delete."""
    asking = [view.asking, view.question, view.meant, view.status]
    for button, only_sources in ((view.delete, False), (view.thin, True)):

        def ask(name: str, only_sources: bool = only_sources) -> Updates:
            return asked(page, name, only_sources=only_sources)

        button.click(ask, view.chosen, asking, queue=False, **QUIET)
    view.yes.click(
        lambda *given: deleted(page, given[:3], given[3]),
        [*keys, view.meant],
        [*view.seen(), view.status],
        **QUIET,
    )
    view.no.click(
        lambda: {view.asking: gr.update(visible=False), view.meant: (NONE, False)},
        None,
        [view.asking, view.meant],
        queue=False,
        **QUIET,
    )
