"""The settings that a comparison puts beside each other: what one is, and the list on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from demo.albums.view import tried
from demo.beside import Beside, required, wanted
from demo.controls import QUIET
from demo.presets import start
from restoration import front
from restoration.errors import BadKnobError, MissingWeightsError
from restoration.params import Params, Scalar, build, flatten, knobs_of
from restoration.protocol import Method, Need, Variant
from restoration.seeds import checked_seed

ASSETS = Path(__file__).parent.parent / "assets" / "settings_list"
MOST_SETTINGS = 9
LONGEST = 40
"""Characters of a text that a label repeats."""


@dataclass(frozen=True)
class Cell:
    """Where a setting stands in the grid of a sweep: plain text."""

    column: str
    row: str
    column_title: str
    """What varies along the columns, such as a knob."""
    row_title: str
    """What varies down the rows; empty where there is one row only."""


@dataclass(frozen=True)
class Setting:
    """A method with one of its variants and its knobs."""

    method: Method = field(hash=False)  # Gradio hashes what a session holds; presets have no hash
    variant: Variant
    params: Params
    seed: int | None = None
    """Its own; None where it takes that of the comparison."""
    told: tuple[str, ...] = field(default=(), compare=False)
    """Knobs that its label names in any case."""
    cell: Cell | None = field(default=None, compare=False)
    """Of the sweep it is part of."""

    @property
    def label(self) -> str:
        """What tells it from others at a glance, for the pictures and the table."""
        seed = [] if self.seed is None else [f"seed {self.seed}"]
        return ", ".join([f"{self.method.title} {self.variant.name}", *self._turned(), *seed])

    @property
    def detail(self) -> str:
        """What its weights are for."""
        return self.variant.help

    def knobs(self) -> dict[str, Scalar]:
        """The values by dotted name."""
        return flatten(self.params)

    def values(self) -> dict[str, Scalar]:
        """The same by key, as forms have them."""
        return {name.replace(".", "_"): value for name, value in self.knobs().items()}

    def _turned(self) -> list[str]:
        """The knobs that are not at their defaults, and those that are told anyway."""
        values = self.knobs()
        return [
            f"{knob.name.replace('.', ' ').replace('_', ' ')} {shown(values[knob.name])}"
            for knob in knobs_of(self.method.params)
            if values[knob.name] != knob.default or knob.name in self.told
        ]


@dataclass(frozen=True)
class Chosen:
    """The settings that will be compared: what the session holds and what the page shows."""

    state: gr.State
    listing: gr.HTML
    extra: Beside = field(default_factory=lambda: Beside({}, {}))
    """What they want beside the picture."""

    def outputs(self) -> list[Any]:
        """All of it, in the order of `update`."""
        return [self.state, self.listing, *self.extra.panes.values(), *self.extra.folds]

    def update(self, settings: tuple[Setting, ...]) -> tuple[Any, ...]:
        """Their new values; a mask that one of them must have is unfolded."""
        musts = any("mask" in required(one.method, one.values()) for one in settings)
        folds = [gr.update(open=True) if musts else gr.skip() for _ in self.extra.folds]
        return settings, listed(settings), *self.extra.seen(wanted_by(settings)).values(), *folds

    def wire(self, methods: Mapping[str, Method], fill: gr.Button, clear: gr.Button) -> None:
        """What `fill` (with the defaults of `methods`), `clear` and the buttons of the rows do."""

        def filled(settings: tuple[Setting, ...]) -> tuple[Any, ...]:
            return self.update(tried(joined, settings, *defaults(methods)))

        def pressed(settings: tuple[Setting, ...], event: gr.EventData) -> tuple[Any, ...]:
            change = moved if event.up else without
            return self.update(change(settings, meant(settings, event.index, event.label)))

        fill.click(filled, self.state, self.outputs(), **QUIET)
        clear.click(lambda: self.update(()), None, self.outputs(), **QUIET)
        # A press while another is being answered counts as well: Gradio would drop it.
        self.listing.click(pressed, self.state, self.outputs(), trigger_mode="multiple", **QUIET)


def setting_of(
    method: Method, variant: str, values: Mapping[str, object], seed: int | None = None
) -> Setting:
    """A setting from a form.

    Raises:
        BadKnobError: a knob or the seed is out of range, or the method has no such variant.
    """
    own = None if seed is None else checked_seed(seed)
    for known in method.variants:
        if known.name == variant:
            return Setting(method, known, build(method.params, values), own)
    raise BadKnobError(f"{method.title} has no variant {variant!r:.60}")


def defaults(methods: Mapping[str, Method]) -> tuple[Setting, ...]:
    """Every method as its form starts, in the best variant on disk.

    Left out is a method without any on disk, and one that wants more than the picture.
    """
    made = []
    for method in methods.values():
        values = start(method)
        if required(method, values):
            continue
        try:
            made.append(
                Setting(method, front.default_variant(method), build(method.params, values))
            )
        except MissingWeightsError:
            continue
    return tuple(made[:MOST_SETTINGS])


def added(settings: tuple[Setting, ...], one: Setting) -> tuple[Setting, ...]:
    """The settings with another one at their end.

    Raises:
        BadKnobError: it is among them already, or they would be more than fit.
    """
    if one in settings:
        raise BadKnobError(
            f"{one.label} is on the list already: change a knob, the weights or the seed"
        )
    return joined(settings, one)


def joined(settings: tuple[Setting, ...], *more: Setting) -> tuple[Setting, ...]:
    """The settings with those of `more` at their end that are not among them.

    Raises:
        BadKnobError: they would be more than fit.
    """
    new = (*settings, *(one for one in more if one not in settings))
    if len(new) > MOST_SETTINGS:
        raise BadKnobError(
            f"a comparison holds {MOST_SETTINGS} settings: remove one before adding another"
        )
    return new


def meant(settings: tuple[Setting, ...], index: object, label: object) -> object:
    """Where the setting is that was pressed; the list may have changed since the page drew it."""
    labels = [one.label for one in settings]
    if isinstance(index, int) and 0 <= index < len(labels) and labels[index] == label:
        return index
    return labels.index(label) if label in labels else None


def without(settings: tuple[Setting, ...], index: object) -> tuple[Setting, ...]:
    """The settings but the one at `index`; all of them where the page is behind and names none."""
    return tuple(one for place, one in enumerate(settings) if place != index)


def moved(settings: tuple[Setting, ...], index: object) -> tuple[Setting, ...]:
    """The settings with the one at `index` before the one it followed."""
    if not isinstance(index, int) or not 0 < index < len(settings):
        return settings
    ahead, one = settings[index - 1 : index + 1]
    return (*settings[: index - 1], one, ahead, *settings[index + 1 :])


def settings_list(value: tuple[Setting, ...], elem_id: str) -> gr.HTML:
    """The list on the page; its click event carries an `index`, and whether it goes `up` or out."""
    return gr.HTML(
        value=listed(value),
        label="Settings to compare",
        elem_id=elem_id,
        html_template=(
            '<ol aria-live="polite"></ol><p class="nothing" hidden>Nothing yet: add a setting.</p>'
        ),
        css_template=(ASSETS / "list.css").read_text(encoding="utf-8"),
        js_on_load=(ASSETS / "list.js").read_text(encoding="utf-8"),
        apply_default_css=False,
    )


def wanted_by(settings: tuple[Setting, ...]) -> frozenset[Need]:
    """All that the settings want beside the picture."""
    return frozenset().union(*(wanted(one.method, one.values()) for one in settings))


def listed(settings: tuple[Setting, ...]) -> list[dict[str, str]]:
    """The value of the list: data, never a template, so that no text can become code."""
    return [{"label": one.label, "detail": one.detail} for one in settings]


def shown(value: Scalar) -> str:
    """The value of a knob in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value if len(value) <= LONGEST else f"{value[:LONGEST].rstrip()} …"
    return f"{value:g}"
