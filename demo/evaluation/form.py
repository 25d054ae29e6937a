"""What the Evaluate tab asks for: pictures, how they are degraded, the settings to be measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from demo.beside import required
from demo.compare.settings_list import (
    MOST_SETTINGS,
    Chosen,
    Setting,
    defaults,
    settings_list,
)
from demo.controls import QUIET
from demo.language import phrase
from demo.method_tab import families
from demo.picture import UploadedFiles
from restoration import runtime
from restoration.degradations.kinds import KINDS, PRESETS
from restoration.errors import BadKnobError, BadPictureError
from restoration.evaluation import kept
from restoration.evaluation.form import Inputs
from restoration.evaluation.items import PICTURES
from restoration.protocol import Method
from restoration.seeds import checked_seed

INPUTS: list[tuple[str, Inputs]] = [
    ("Clean pictures, degraded here", "clean"),
    ("Degraded pictures with their clean ones, of the same names", "paired"),
    ("Degraded pictures only", "degraded"),
]
FIRST_KIND = "noise25"
LONGEST_LABEL = 70
Words = tuple[str, ...]


@dataclass(frozen=True)
class Form:
    """What an evaluation is asked for with."""

    inputs: gr.Radio
    clean: UploadedFiles
    clean_folder: gr.Textbox
    degraded: UploadedFiles
    degraded_folder: gr.Textbox
    kind: gr.Dropdown
    seed: gr.Number

    def fields(self) -> list[Any]:
        """All of them, in the order of `Given`."""
        return [
            self.inputs,
            self.clean,
            self.clean_folder,
            self.degraded,
            self.degraded_folder,
            self.kind,
            self.seed,
        ]


@dataclass(frozen=True)
class Given:
    """What the form holds, as it comes from the page."""

    inputs: Inputs
    clean: Sequence[str] | None
    clean_folder: str
    degraded: Sequence[str] | None
    degraded_folder: str
    kind: str
    seed: int


def lay_out() -> Form:
    """The fields, placed in the current Blocks context and wired."""
    inputs = gr.Radio(
        INPUTS,
        value="clean",
        label="Pictures",
        info="With clean pictures every result is measured against them.",
        elem_classes="sentences",
        elem_id="evaluate-inputs",
    )
    with gr.Column() as clean_place:
        clean, clean_folder = _pictures("clean", "Clean pictures")
    with gr.Column(visible=False) as degraded_place:
        degraded, degraded_folder = _pictures("degraded", "Degraded pictures")
    choices = [(f"{name} (fixed, for comparisons)", name) for name in PRESETS]
    choices += [(f"{kind.title} (as its form starts)", kind.name) for kind in KINDS.values()]
    kind = gr.Dropdown(
        choices,
        value=FIRST_KIND,
        label="Degradation",
        info="What is done to every clean picture before it is restored.",
        elem_id="evaluate-kind",
    )
    seed = gr.Number(
        0,
        precision=0,
        minimum=0,
        label="Seed",
        info="Where chance starts; each picture's own seed follows from it and from its name.",
        elem_id="evaluate-seed",
    )
    inputs.change(
        lambda value: (
            gr.update(visible=value != "degraded"),
            gr.update(visible=value != "clean"),
            gr.update(visible=value == "clean"),
        ),
        inputs,
        [clean_place, degraded_place, kind],
        queue=False,
        **QUIET,
    )
    return Form(inputs, clean, clean_folder, degraded, degraded_folder, kind, seed)


def choose(methods: Mapping[str, Method], shared: gr.State) -> Chosen:
    """The list of settings with what fills it; `shared` holds those on the list of Compare."""
    gr.HTML(f"<h2>Settings to evaluate, {MOST_SETTINGS} at most</h2>")
    firsts = [family[0] for family in families(list(methods.values()))]
    begin = defaults({method.name: method for method in firsts})[:1]
    chosen = Chosen(gr.State(begin), settings_list(begin, elem_id="evaluate-settings"))
    with gr.Row(elem_classes="actions"):
        taken = gr.Button("Take those of Compare", size="sm", elem_id="evaluate-take")
        every = gr.Button("Add the default of every method", size="sm", elem_id="evaluate-defaults")
        clear = gr.Button("Clear the list", size="sm", elem_id="evaluate-clear")
    gr.HTML(f'<p class="about">{phrase("evaluate_settings")}</p>')
    taken.click(lambda settings: chosen.update(_bare(settings)), shared, chosen.outputs(), **QUIET)
    chosen.wire(methods, every, clear)
    return chosen


def asked(settings: Sequence[Setting], given: Given) -> tuple[kept.Asked, kept.Uploads]:
    """What is asked for, and the uploads that belong to it.

    Raises:
        RestorationError: something is missing, or cannot be evaluated.
    """
    if not settings:
        raise BadKnobError("Add a setting first: there is nothing to evaluate yet.")
    inputs = given.inputs
    clean = _source("clean", given.clean, given.clean_folder, is_used=inputs != "degraded")
    degraded = _source("degraded", given.degraded, given.degraded_folder, is_used=inputs != "clean")
    question = kept.Asked(
        inputs=inputs,
        kind=given.kind if inputs == "clean" else None,
        seed=checked_seed(given.seed),
        settings=_settings(settings),
        clean=clean[0],
        degraded=degraded[0],
    )
    return question, kept.Uploads(clean[1], degraded[1])


def _pictures(name: str, label: str) -> tuple[UploadedFiles, gr.Textbox]:
    files = UploadedFiles(
        label=f"{label}: several at once, or a .zip of them",
        file_count="multiple",
        file_types=[*sorted(PICTURES), ".zip"],
        height=150,
        elem_id=f"evaluate-{name}",
    )
    folder = gr.Textbox(
        label=f"{label}: or a folder on this machine",
        info="It is read with its subfolders and left as it is.",
        visible=runtime.policy().folders,
        elem_id=f"evaluate-{name}-folder",
    )
    return files, folder


def _source(
    name: str, files: Sequence[str] | None, folder: str, *, is_used: bool
) -> tuple[str | None, tuple[Path, ...]]:
    """A folder or uploads; neither where they are not used."""
    if not is_used:
        return None, ()
    folder = (folder or "").strip()
    if folder and not runtime.policy().folders:
        raise BadPictureError("This hub reads no folders: upload the pictures.")
    if folder and files:
        raise BadPictureError(f"Give either uploads or a folder of {name} pictures, not both.")
    if folder:
        return str(Path(folder).expanduser().absolute()), ()
    if not files:
        raise BadPictureError(f"Choose {name} pictures first: drop some, or a .zip of them.")
    return None, tuple(map(Path, files))


def _bare(settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """The settings without seeds of their own, each once: an evaluation has one seed."""
    return tuple(dict.fromkeys(replace(one, seed=None, cell=None) for one in settings))


def _settings(settings: Sequence[Setting]) -> tuple[kept.Setting, ...]:
    """Each under a label of its own that can name a folder."""
    made: dict[str, kept.Setting] = {}
    for one in settings:
        if needs := required(one.method, one.values()):
            raise BadKnobError(
                f"{one.label} wants more than the picture ({', '.join(sorted(needs))}), which an "
                "evaluation does not have: remove it from the list"
            )
        plain = " ".join(re.sub(r"[^A-Za-z0-9._+=-]+", " ", one.label).split())
        label = stem = plain[:LONGEST_LABEL].strip(" .") or one.method.name
        number = 1
        while label.casefold() in made:
            number += 1
            label = f"{stem} {number}"
        made[label.casefold()] = kept.Setting(
            label=label, method=one.method.name, variant=one.variant.name, knobs=one.knobs()
        )
    return tuple(made.values())
