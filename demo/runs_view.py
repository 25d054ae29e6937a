"""Runs as the page shows them: the list, and one run in full."""

from __future__ import annotations

import base64
import html
import math
import secrets
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from PIL import Image

from demo import comparer
from demo.compare.results_table import size_text
from demo.controls import group_title
from demo.fragments import duration
from demo.offer import missing, name_of
from demo.serving import ASSETS
from restoration.measures import MEASURES
from restoration.params import Knob, Scalar, knobs_of
from restoration.registry import METHODS
from restoration.runs import Found, Run, Runs

PER_PAGE = 8
MEGA = 1e6
NOTHING = "Nothing here yet. Restore a picture in one of the tabs: each result is kept here."
NOT_FOUND = "No run says all of these words. Fewer words find more."
TEMPLATE = '<div class="runs"><ol></ol><p class="nothing" hidden></p></div>'


def listed(found: Found, text: str) -> dict[str, Any]:
    """The value of the list: data, never a template, so that no text can become code."""
    nothing = NOT_FOUND if text.strip() else NOTHING
    return {"items": [_item(run) for run in found.runs], "nothing": nothing}


def place_text(found: Found, offset: int) -> str:
    """Which of all runs are seen."""
    if not found.runs:
        return ""
    return f"{offset + 1} to {offset + len(found.runs)} of {found.total}"


def numbers_text(numbers: Mapping[str, float | None]) -> str:
    """The main numbers in a line, as Compare tells them from further ones; all where none is."""
    further = {name for name in numbers if name in MEASURES and not MEASURES[name].headline}
    if any(name in MEASURES for name in numbers.keys() - further):
        numbers = {name: value for name, value in numbers.items() if name not in further}
    return " · ".join(f"{title} {value}" for title, value in _numbers(numbers))


def details(run: Run) -> str:
    """All that is known of a run, as HTML."""
    recipe = run.recipe
    method = METHODS.get(recipe.method)
    labels = {knob.name: _label(knob) for knob in knobs_of(method.params)} if method else {}
    facts = [
        ("Called", run.label),
        ("Seed", str(recipe.seed)),
        ("Took", duration(run.seconds)),
        ("Picture", size_text(recipe.size)),
        ("Result", f"{size_text(run.size)}, {_bytes_text(run.bytes)}"),
        *_numbers(run.numbers),
    ]
    names = [*(name for name in labels if name in recipe.knobs), *(recipe.knobs.keys() - labels)]
    knobs = [(labels.get(name, name), _said(recipe.knobs[name])) for name in names]
    files = [(name, f"sha256 {digest[:12]}") for name, digest in recipe.weights.items()]
    used = [*files, *recipe.versions.items(), ("hub", recipe.hub)]
    beside = f'<p class="about">{html.escape(missing(recipe).strip())}</p>'
    return (
        f"<h2>{html.escape(name_of(recipe))}</h2>{_table('The run', facts)}"
        f"{beside if recipe.inputs else ''}{_table('Settings', knobs)}"
        f"<details><summary>Weights and versions</summary>{_table('Made with', used)}</details>"
    )


def compared(runs: Runs, run: Run) -> tuple[dict[str, Any], Path]:
    """The pictures of a run as the comparer takes them, and its result to download.

    Both are copied to where Gradio serves from, under a name nobody can guess.

    Raises:
        RunError: the pictures are gone.
    """
    folder = Path(get_upload_folder()) / "results" / secrets.token_hex(16)
    folder.mkdir(parents=True, mode=0o700)
    result = shutil.copyfile(runs.result_path(run.id), folder / run.name)
    given = shutil.copyfile(runs.given_path(run.id), folder / f"{Path(run.name).stem}-input.jpg")
    with Image.open(given) as image:
        size = image.size
    label = "Input" if size == run.recipe.size else "Input (small copy)"
    shown = [
        comparer.Shown(label, given, size),
        comparer.Shown("Result", result, run.size, numbers_text(run.numbers)),
    ]
    return comparer.comparison(shown), result


def asset(name: str) -> str:
    """A file of the browser's half."""
    return (ASSETS / "runs" / name).read_text(encoding="utf-8")


def _item(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "title": name_of(run.recipe),
        "label": run.label,
        "facts": f"seed {run.recipe.seed} · {duration(run.seconds)}",
        "numbers": numbers_text(run.numbers),
        "made": run.made,
        "given": _source(run.given),
        "result": _source(run.result),
    }


def _numbers(numbers: Mapping[str, float | None]) -> list[tuple[str, str]]:
    """Title and value of each that is a number, in the order and digits of their measures."""
    found = []
    for name in sorted(numbers, key=lambda one: [*MEASURES, one].index(one)):
        value, measure = numbers[name], MEASURES.get(name)
        if value is None or math.isnan(value):
            continue
        title = measure.title if measure else name.capitalize()
        found.append((title, measure.text(value) if measure else f"{value:.4g}"))
    return found


def _said(value: Scalar) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bytes_text(size: int) -> str:
    return f"{size / MEGA:.1f} MB" if size >= MEGA else f"{size / 1e3:.0f} kB"


def _label(knob: Knob) -> str:
    return f"{group_title(knob.group)}: {knob.label}" if knob.group else knob.label


def _table(caption: str, lines: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in lines
        if value
    )
    return f'<table class="facts"><caption>{html.escape(caption)}</caption>{rows}</table>'


def _source(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
