"""The parts of the Models tab: the list, one model's details, what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.fragments import lead
from demo.language import phrase
from demo.models import fragments as model_fragments
from demo.serving import ASSETS

NONE = ""
"""No model is chosen."""
BUTTONS = {
    "fetch": "Fetch",
    "verify": "Verify",
    "convert": "Convert",
    "delete": "Delete …",
    "thin": "Delete the original …",
}


@dataclass(frozen=True)
class View:
    """The parts of the tab."""

    summary: gr.HTML
    shown: gr.Radio
    listing: gr.HTML
    others: gr.HTML
    details: gr.HTML
    agree: gr.Checkbox
    actions: gr.Row
    """Holds the buttons below; hidden while there is nothing to do."""
    fetch: gr.Button
    verify: gr.Button
    convert: gr.Button
    delete: gr.Button
    thin: gr.Button
    """Deletes what a converted file has made needless."""
    status: gr.HTML
    stop: gr.Button
    """Seen while something is at work, whichever model is looked at."""
    asking: gr.Column
    question: gr.HTML
    yes: gr.Button
    no: gr.Button
    chosen: gr.State
    """Name of the model whose details are seen."""
    meant: gr.State
    """Name of the one that was asked about, and whether only its source goes."""
    agreed: gr.State
    """Names of those whose licences were accepted in this session."""

    def seen(self) -> list[Any]:
        """All that changes with the files on disk and the model that is looked at."""
        return [
            *(self.summary, self.listing, self.others, self.details, self.agree, self.actions),
            *(self.fetch, self.verify, self.convert, self.delete, self.thin),
            *(self.asking, self.chosen, self.meant),
        ]


def lay_out() -> View:
    """The parts, placed in the current Blocks context."""
    gr.HTML(lead(phrase("models_lead")))
    summary = gr.HTML("", label="In all", elem_id="models-summary", elem_classes="quiet")
    with gr.Row(elem_classes="bench"):
        with gr.Column(scale=3, min_width=300):
            shown = gr.Radio(
                ["all", "on disk", "missing"],
                value="all",
                label="Show",
                info="Which models are in the list.",
                elem_id="models-shown",
            )
            listing = _listing()
            others = _text("", "Other files", "models-others")
        with gr.Column(scale=2, min_width=300, elem_classes="chosen-model"):
            details = _text(model_fragments.unchosen(), "Details", "models-details")
            agree = gr.Checkbox(
                label="I have read this licence and agree to it",
                info="Asked once, until the page is closed.",
                visible=False,
                elem_id="models-agree",
            )
            with gr.Row(elem_classes="actions", visible=False) as actions:
                fetch, verify, convert, delete, thin = (
                    _button(name, words) for name, words in BUTTONS.items()
                )
            told = gr.HTML("", label="Status", elem_id="models-status", elem_classes="quiet")
            stop = _button("stop", "Stop")
            with gr.Column(visible=False, elem_classes="asking", elem_id="models-asking") as asking:
                question = gr.HTML("")
                with gr.Row(elem_classes="actions"):
                    yes = gr.Button("Yes, delete it", variant="stop", elem_id="models-delete-yes")
                    no = gr.Button("No, keep it", elem_id="models-delete-no")
    states = gr.State(NONE), gr.State((NONE, False)), gr.State(frozenset())
    seen = (summary, shown, listing, others, details, agree, actions)
    buttons = (fetch, verify, convert, delete, thin)
    return View(*seen, *buttons, told, stop, asking, question, yes, no, *states)


def _button(name: str, words: str) -> gr.Button:
    variant = "primary" if name == "fetch" else "secondary"
    return gr.Button(words, variant=variant, visible=False, elem_id=f"models-{name}")


def _text(value: str, label: str, elem_id: str) -> gr.HTML:
    return gr.HTML(
        value,
        label=label,
        css_template=(ASSETS / "models" / "details.css").read_text(encoding="utf-8"),
        elem_id=elem_id,
        elem_classes="quiet",
        apply_default_css=False,
    )


def _listing() -> gr.HTML:
    folder = ASSETS / "models"
    return gr.HTML(
        value=None,
        label="Models",
        elem_id="models-list",
        html_template='<table></table><p class="nothing"></p>',
        css_template=(folder / "table.css").read_text(encoding="utf-8"),
        js_on_load=(folder / "table.js").read_text(encoding="utf-8"),
        apply_default_css=False,
    )
