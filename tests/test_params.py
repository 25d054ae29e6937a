"""Knobs: declared once, read by every front end."""

from typing import Literal

import pytest
from pydantic import Field

from restoration.errors import BadKnobError
from restoration.params import Params, Tiles, build, flatten, knobs_of


class Sample(Params):
    """Knobs of nothing."""

    steps: int = Field(default=50, ge=1, le=1000)
    """More are slower."""
    eta: float = Field(default=0.0, ge=0, le=1, title="Fresh noise")
    """None gives the same picture."""
    walk: Literal["ddim", "ddpm"] = "ddim"
    """Which way."""
    prompt: str = ""
    """What is on it."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    """Decides what is drawn."""
    fast: bool = False
    """Sooner."""
    tiles: Tiles = Tiles()
    """How it is cut."""


def test_a_knob_carries_its_range_and_help():
    steps = knobs_of(Sample)[0]
    assert (steps.low, steps.high, steps.step, steps.default) == (1, 1000, 1, 50)
    assert steps.help == "More are slower."


def test_kinds_follow_from_types():
    kinds = {knob.name: knob.kind for knob in knobs_of(Sample)}
    assert kinds["steps"] == "whole"
    assert kinds["eta"] == "real"
    assert kinds["walk"] == "choice"
    assert kinds["prompt"] == "text"
    assert kinds["fast"] == "flag"


def test_groups_open_in_place():
    names = [knob.name for knob in knobs_of(Sample)]
    assert names[-3:] == ["tiles.cut", "tiles.size", "tiles.overlap"]


def test_a_knob_in_a_group_has_a_key_without_a_dot():
    size = next(knob for knob in knobs_of(Sample) if knob.name == "tiles.size")
    assert (size.key, size.group, size.step) == ("tiles_size", "tiles", 64)


def test_a_title_is_the_label():
    labels = {knob.name: knob.label for knob in knobs_of(Sample)}
    assert labels["eta"] == "Fresh noise"
    assert labels["walk"] == "Walk"


@pytest.mark.parametrize(
    ("name", "span"),
    [
        ("steps", "1 to 1000"),
        ("walk", "ddim, ddpm"),
        ("fast", "on, off"),
        ("prompt", "text"),
        ("tiles.overlap", "0 to 0.75"),
        ("seed", "0 to 2147483647"),
    ],
)
def test_a_span_says_what_is_allowed(name, span):
    assert next(knob for knob in knobs_of(Sample) if knob.name == name).span == span


def test_a_number_without_bounds_says_so():
    class Open(Params):
        value: float = 1.0
        """Any."""

    assert knobs_of(Open)[0].span == "a number"


def test_a_form_may_use_dots_or_underscores():
    assert build(Sample, {"tiles_size": 128}) == build(Sample, {"tiles.size": 128})


def test_flatten_and_build_are_inverse():
    params = build(Sample, {"steps": 7, "tiles_overlap": 0.5})
    assert build(Sample, flatten(params)) == params


def test_a_whole_float_passes_for_a_whole_number():
    assert build(Sample, {"steps": 3.0}).steps == 3


def test_an_unknown_knob_is_named_with_the_known_ones():
    with pytest.raises(BadKnobError, match=r"stepz: there is no such knob \(known: steps, eta"):
        build(Sample, {"stepz": 1})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"steps": 0}, "steps: Input should be greater than or equal to 1 .got 0."),
        ({"steps": 2.5}, "steps: .* integer"),
        ({"steps": None}, "steps: .*got None"),
        ({"steps": 10**9}, "less than or equal to 1000"),
        ({"eta": float("nan")}, "eta: .*finite"),
        ({"walk": "run"}, "walk: .*'ddim' or 'ddpm'"),
        ({"tiles_size": 100}, "tiles.size: .*multiple of 64"),
    ],
)
def test_a_wrong_value_is_explained(values, text):
    with pytest.raises(BadKnobError, match=text):
        build(Sample, values)


def test_every_wrong_value_is_told_at_once():
    with pytest.raises(BadKnobError, match=r"steps: .*; eta: "):
        build(Sample, {"steps": 0, "eta": 2})


def test_a_strange_type_is_no_knob():
    class Strange(Params):
        sizes: tuple[int, ...] = ()
        """No."""

    with pytest.raises(TypeError, match="a knob is a bool"):
        knobs_of(Strange)
