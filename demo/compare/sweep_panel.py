"""The panel of the Compare tab that fills the list of settings with a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.albums.view import tried
from demo.compare.settings_list import MOST_SETTINGS, Chosen, Setting
from demo.compare.sweeping import (
    FEW,
    SEED,
    SEEDS,
    Axis,
    axis_of,
    evenly,
    named,
    offered,
    swept,
    ticks,
    title_of,
)
from demo.controls import QUIET
from restoration.errors import BadKnobError
from restoration.params import knobs_of

NOTHING = ""
"""What varies down the rows, as long as there is one row."""
TYPED = "Separated by commas; change them as you like."
TEXTS = "One in each line."


@dataclass(frozen=True)
class Side:
    """The fields that say what varies along one side of the grid."""

    knob: gr.Dropdown
    numbers: gr.Row
    low: gr.Number
    high: gr.Number
    count: gr.Number
    values: gr.Textbox
    ticked: gr.CheckboxGroup
    optional: bool

    def fields(self) -> list[Any]:
        """All that is set, in the order of `faces`."""
        return [
            self.knob,
            self.numbers,
            self.low,
            self.high,
            self.count,
            self.values,
            self.ticked,
        ]

    def updates(self, base: Setting | None, name: str) -> list[Any]:
        """The fields for a knob of a setting; for the first one where it has none of that name."""
        return [gr.update(**face) for face in faces(base, name, optional=self.optional)]

    def kept(self, base: Setting | None, name: str) -> list[Any]:
        """The same after another list, with the values as they are where the knob is still known.

        So that a list that was just filled can be filled again with one value more.
        """
        choices = _choices(base, optional=self.optional)
        if base is None or name not in [value for _, value in choices]:
            return self.updates(base, name)
        return [gr.update(choices=choices), *[gr.skip()] * (len(self.fields()) - 1)]


def faces(base: Setting | None, name: str, *, optional: bool) -> list[dict[str, Any]]:
    """What the fields of a side show for a knob of a setting, as settings of their components."""
    choices = _choices(base, optional=optional)
    known = [value for _, value in choices]
    name = name if name in known else known[0]
    chosen = {"choices": choices, "value": name}
    if base is None or name == NOTHING:
        return [chosen, {"visible": False}, {}, {}, {}, {"visible": False}, {"visible": False}]
    knob, (typed, (low, high)) = named(base.method, name), offered(base, name)
    options = list(ticks(knob))
    is_text = knob is not None and knob.kind == "text"
    lines, info = (FEW, TEXTS) if is_text else (1, TYPED)
    return [
        chosen,
        {"visible": not options and not is_text},
        {"value": low, "label": "From" if knob else "First seed"},
        {"value": high, "visible": knob is not None},
        {"value": FEW if knob else SEEDS},
        {"value": typed, "visible": not options, "lines": lines, "info": info},
        {"choices": options, "value": options, "visible": bool(options)},
    ]


def build(chosen: Chosen, begin: tuple[Setting, ...]) -> None:
    """Lay out the panel in the current Blocks context and wire it to the list."""
    with gr.Accordion("Sweep: one setting at many values", open=False, elem_id="compare-sweep"):
        gr.HTML(
            '<p class="about">Replaces the list by one of its settings under several seeds, or '
            f"with one or two knobs at several values: {MOST_SETTINGS} in all at most. The results "
            "stand in a grid with its sides named.</p>"
        )
        base = gr.Dropdown(
            _bases(begin),
            value=0 if begin else None,
            label="Setting",
            info="All that does not vary is as in this one.",
            filterable=False,
            elem_id="compare-sweep-base",
        )
        across = _side("Varies along the columns", "across", begin, optional=False)
        down = _side("Varies down the rows", "down", begin, optional=True)
        fill = gr.Button("Fill the list", elem_id="compare-sweep-fill")
    sides = (across, down)
    fields = [field for side in sides for field in side.fields()]

    def follow(settings: tuple[Setting, ...], place: int | None, *names: str) -> tuple[Any, ...]:
        one = _at(settings, place)
        updates = [side.updates(one, name) for side, name in zip(sides, names, strict=True)]
        return tuple(update for each in updates for update in each)

    def renew(settings: tuple[Setting, ...], *names: str) -> tuple[Any, ...]:
        first = 0 if settings else None
        updates = [
            side.kept(_at(settings, first), name) for side, name in zip(sides, names, strict=True)
        ]
        bases = gr.update(choices=_bases(settings), value=first)
        return bases, *(update for each in updates for update in each)

    names = [side.knob for side in sides]
    chosen.state.change(renew, [chosen.state, *names], [base, *fields], queue=False, **QUIET)
    base.input(follow, [chosen.state, base, *names], fields, queue=False, **QUIET)
    for side in sides:
        _wire(side, chosen, base)

    def make(settings: tuple[Setting, ...], place: int | None, *said: Any) -> tuple[Any, ...]:
        return chosen.update(tried(_made, settings, place, said[:3], said[3:]))

    inputs = [part for side in sides for part in (side.knob, side.values, side.ticked)]
    fill.click(make, [chosen.state, base, *inputs], chosen.outputs(), **QUIET)


def _side(label: str, name: str, begin: tuple[Setting, ...], *, optional: bool) -> Side:
    shown = faces(_at(begin, 0), NOTHING, optional=optional)
    number: dict[str, Any] = {"min_width": 90}
    with gr.Group():
        knob = gr.Dropdown(label=label, elem_id=f"compare-sweep-{name}", **shown[0])
        with gr.Row(**shown[1]) as numbers:
            low = gr.Number(**({"label": "From"} | number | shown[2]))
            high = gr.Number(**({"label": "To"} | number | shown[3]))
            count = gr.Number(
                label="How many", minimum=2, maximum=MOST_SETTINGS, precision=0, **number | shown[4]
            )
        values = gr.Textbox(
            label="Values", elem_id=f"compare-sweep-{name}-values", **{"info": TYPED} | shown[5]
        )
        ticked = gr.CheckboxGroup(label="Values", info="Those that are ticked.", **shown[6])
    return Side(knob, numbers, low, high, count, values, ticked, optional)


def _wire(side: Side, chosen: Chosen, base: gr.Dropdown) -> None:
    def face(settings: tuple[Setting, ...], place: int | None, name: str) -> tuple[Any, ...]:
        return tuple(side.updates(_at(settings, place), name)[1:])

    def spread(
        settings: tuple[Setting, ...], place: int | None, name: str, *numbers: float | None
    ) -> Any:
        one = _at(settings, place)
        if one is None or None in numbers[:1] + numbers[2:]:
            return gr.skip()
        low, high, count = numbers
        return evenly(named(one.method, name), low or 0, high or 0, int(count or FEW))

    side.knob.input(face, [chosen.state, base, side.knob], side.fields()[1:], queue=False, **QUIET)
    gr.on(
        [side.low.input, side.high.input, side.count.input],
        spread,
        [chosen.state, base, side.knob, side.low, side.high, side.count],
        side.values,
        queue=False,
        **QUIET,
    )


def _made(
    settings: tuple[Setting, ...],
    place: int | None,
    across: tuple[Any, ...],
    down: tuple[Any, ...],
) -> tuple[Setting, ...]:
    base = _at(settings, place)
    if base is None:
        raise BadKnobError("Add a setting first: a sweep begins with one of the list.")
    return swept(base, _axis(base, *across), None if down[0] == NOTHING else _axis(base, *down))


def _axis(base: Setting, name: str, typed: str | None, ticked: list[str] | None) -> Axis:
    return axis_of(base.method, name, typed or "", ticked or [])


def _at(settings: tuple[Setting, ...], place: object) -> Setting | None:
    """The setting at a place of the list; None where the page is behind."""
    if not isinstance(place, int) or not 0 <= place < len(settings):
        return None
    return settings[place]


def _bases(settings: tuple[Setting, ...]) -> list[tuple[str, int]]:
    return [(one.label, place) for place, one in enumerate(settings)]


def _choices(base: Setting | None, *, optional: bool) -> list[tuple[str, str]]:
    """What can vary, as (words, name)."""
    knobs = [knob.name for knob in knobs_of(base.method.params)] if base else []
    numbers = [(title_of(name), name) for name in knobs]
    return [*([("Nothing: one row", NOTHING)] if optional else []), ("Seed", SEED), *numbers]
