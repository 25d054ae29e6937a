"""The settings that a comparison puts beside each other: what one is, and the list on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr

from demo.beside import OPTIONAL, Beside, wanted
from demo.presets import start
from restoration import front
from restoration.errors import BadKnobError, MissingWeightsError
from restoration.params import Params, Scalar, build, flatten, knobs_of
from restoration.protocol import Method, Need, Variant

ASSETS = Path(__file__).parent / "assets" / "settings_list"
MOST_SETTINGS = 4


@dataclass(frozen=True)
class Setting:
    """A method with one of its variants and its knobs."""

    method: Method = field(hash=False)  # Gradio hashes what a session holds; presets have no hash
    variant: Variant
    params: Params
    told: tuple[str, ...] = ()
    """Knobs that its label names in any case."""

    @property
    def label(self) -> str:
        """What tells it from others at a glance, for the pictures and the table."""
        return ", ".join([f"{self.method.title} {self.variant.name}", *self._turned()])

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
            f"{knob.name.replace('.', ' ').replace('_', ' ')} {_shown(values[knob.name])}"
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
        return [self.state, self.listing, *self.extra.panes.values()]

    def update(self, settings: tuple[Setting, ...]) -> tuple[Any, ...]:
        """Their new values."""
        return settings, listed(settings), *self.extra.seen(wanted_by(settings)).values()


def setting_of(method: Method, variant: str, values: Mapping[str, object]) -> Setting:
    """A setting from a form.

    Raises:
        BadKnobError: a knob is out of range, or the method has no such variant.
    """
    for known in method.variants:
        if known.name == variant:
            return Setting(method, known, build(method.params, values))
    raise BadKnobError(f"{method.title} has no variant {variant!r:.60}")


def defaults(methods: Mapping[str, Method]) -> tuple[Setting, ...]:
    """Every method as its form starts, in the best variant on disk.

    Left out is a method without any on disk, and one that wants more than the picture.
    """
    made = []
    for method in methods.values():
        values = start(method)
        if wanted(method, values) - OPTIONAL:
            continue
        try:
            made.append(
                Setting(method, front.default_variant(method), build(method.params, values))
            )
        except MissingWeightsError:
            continue
    return tuple(made[:MOST_SETTINGS])


def added(settings: tuple[Setting, ...], *more: Setting) -> tuple[Setting, ...]:
    """The settings with `more` at their end, each of them once.

    Raises:
        BadKnobError: they would be more than fit.
    """
    new = list(settings)
    new.extend(one for one in more if one not in settings)
    if len(new) > MOST_SETTINGS:
        raise BadKnobError(
            f"a comparison holds {MOST_SETTINGS} settings: remove one before adding another"
        )
    return tuple(new)


def without(settings: tuple[Setting, ...], index: object) -> tuple[Setting, ...]:
    """The settings but the one at `index`; all of them where the page is behind and names none."""
    return tuple(one for place, one in enumerate(settings) if place != index)


def settings_list(value: tuple[Setting, ...], elem_id: str) -> gr.HTML:
    """The list on the page; its click event carries the `index` that is to be removed."""
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


def _shown(value: Scalar) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
