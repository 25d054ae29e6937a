"""The page: a tab for every family of methods, then the tabs that are not methods."""

from __future__ import annotations

import html
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from demo import (
    availability,
    compare_tab,
    degrade_tab,
    evaluate_tab,
    help_page,
    method_tab,
    models_tab,
    offer,
    runs_tab,
)
from demo.albums.chooser import NONE, Chooser
from demo.answering import Page
from demo.controls import QUIET
from demo.examples import examples
from demo.language import TITLE, phrase
from demo.method_form import Versions
from demo.method_tab import MethodTab
from demo.owners import forget_old, shelf_of
from demo.serving import CLEAN_EVERY, KEEP_FOR
from restoration import runtime
from restoration.protocol import Method
from restoration.registry import METHODS


def build(methods: Mapping[str, Method] = METHODS) -> gr.Blocks:
    """The page with a tab for each family of `methods`; imports no deep-learning library."""
    with Page(title=TITLE, analytics_enabled=False, delete_cache=(CLEAN_EVERY, KEEP_FOR)) as page:
        gr.HTML(str(phrase("header")))
        spoilt = examples()
        made: list[MethodTab] = []
        places: list[tuple[gr.Tab, Sequence[Versions]]] = []
        with gr.Tabs(elem_id="tabs") as tabs:
            for family in method_tab.families(list(methods.values())):
                title, name = method_tab.title_of(family[0]), method_tab.name_of(family[0])
                with gr.Tab(title, id=name) as place:
                    made.append(method_tab.build(family, spoilt))
                forms = [panel.form for panel in made[-1].switch.panels]
                places.append((place, [form.versions() for form in forms]))
            with gr.Tab(phrase("compare"), id="compare") as compare_place:
                compare = compare_tab.build(methods, made)
                places.append((compare_place, compare.versions))
            with gr.Tab(phrase("degrade"), id="degrade"):
                clean = degrade_tab.build(tabs, made, compare)
            with gr.Tab(phrase("evaluate"), id="evaluate") as evaluate_place:
                evaluate_tab.build(methods, compare.settings, evaluate_place)
            with gr.Tab(phrase("runs"), id="runs") as runs_place:
                runs = runs_tab.build()
            with gr.Tab(phrase("models"), id="models") as models_place:
                models_tab.build(models_place, methods)
        bar = offer.lay_out(tabs, made)
        offer.wire(bar, [*(tab.picture for tab in made), compare.picture, clean])
        runs_tab.wire(runs, runs_place, bar)
        gr.HTML(_footer())
        availability.wire(page, places)
        page.load(_warm, None, None, queue=False, api_visibility="private")
        _show_albums(page, compare_place, compare.chooser, [tab.chooser for tab in made])
    help_page.build(page, methods)
    return page


def _footer() -> str:
    limits = runtime.policy().sentence()
    said = f"{phrase('footer')}<br>{html.escape(limits)}"
    return f'<footer class="page">{said}</footer>'


def _show_albums(
    page: gr.Blocks, place: gr.Tab, compared: Chooser | None, others: Sequence[Chooser | None]
) -> None:
    """Fill the lists of albums for whoever opens the page, and that of Compare when it is opened.

    What strangers left on a public host a day ago is removed then.
    """
    choosers = [one for one in (compared, *others) if one is not None]

    def opened(request: gr.Request) -> dict[Any, Any]:
        forget_old()
        shelf = shelf_of(request)
        updates: dict[Any, Any] = {}
        for one in choosers:
            updates |= one.update(shelf, NONE)[1]
        return updates

    def again(name: str, request: gr.Request) -> dict[Any, Any]:
        assert compared is not None
        return compared.update(shelf_of(request), name)[1]

    if choosers:
        outputs = [part for one in choosers for part in one.outputs()]
        page.load(opened, None, outputs, queue=False, **QUIET)
    if compared is not None:
        events = [place.select, compared.name.input]
        gr.on(events, again, compared.name, compared.outputs(), queue=False, **QUIET)


def _warm() -> None:
    """Import what the first run needs while its user still looks at the page."""
    threading.Thread(target=_import_torch, daemon=True).start()


def _import_torch() -> None:
    import torch  # noqa: F401
