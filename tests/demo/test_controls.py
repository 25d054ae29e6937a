from typing import Literal

import gradio as gr
import pytest
from pydantic import Field

from demo.controls import DRAWN, control, controls, group_title, seed_control, seed_of
from restoration.params import Knob, Params, knobs_of, only_when, suggesting


class Inner(Params):
    size: int = Field(default=64, ge=64, le=512, multiple_of=64)
    """How large."""


class Form(Params):
    flag: bool = True
    """A switch."""
    few: Literal["a", "b"] = "b"
    """Two ways."""
    many: Literal["a", "b", "c", "d", "e"] = "c"
    """Five ways."""
    whole: int = Field(default=5, ge=1, le=50)
    """A count."""
    real: float = Field(default=0.5, ge=0, le=2)
    """A share."""
    open_end: float = Field(default=0.5, ge=0)
    """A number without an upper end."""
    text: str = "hello"
    """Words."""
    offered: str = Field(default="none", json_schema_extra=suggesting("noisy", "hazy"))
    """Words, some of them known."""
    tiles: Inner = Inner()
    """A group."""


class Shape(Params):
    kind: Literal["none", "disc"] = "none"
    """Which."""
    radius: float = Field(default=1, ge=0, le=9, json_schema_extra=only_when(kind=("disc",)))
    """How large."""


class Led(Params):
    shape: Shape = Shape()
    """A group that comes first."""
    steps: int = Field(default=5, ge=1, le=9)
    """A count."""


class Beyond(Params):
    more: Literal["no", "yes"] = "no"
    """Whether there is more."""
    shape: Shape = Field(default=Shape(), json_schema_extra=only_when(more=("yes",)))
    """A group that is for some."""


KNOBS = {knob.key: knob for knob in knobs_of(Form)}


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("flag", gr.Checkbox),
        ("few", gr.Radio),
        ("many", gr.Dropdown),
        ("whole", gr.Slider),
        ("real", gr.Slider),
        ("open_end", gr.Number),
        ("text", gr.Textbox),
        ("offered", gr.Dropdown),
        ("tiles_size", gr.Slider),
    ],
)
def test_a_knob_of_each_kind_has_its_control(key, kind):
    assert isinstance(control(KNOBS[key]), kind)


@pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda knob: knob.key)
def test_a_control_carries_the_label_help_and_default_of_its_knob(knob: Knob):
    made = control(knob)
    assert (made.label, made.info, made.value) == (knob.label, knob.help, knob.default)


def test_a_slider_has_the_range_and_step_of_its_knob():
    made = control(KNOBS["tiles_size"])
    assert (made.minimum, made.maximum, made.step) == (64, 512, 64)


def test_a_slider_ends_where_the_hub_does():
    assert control(KNOBS["tiles_size"], 128).maximum == 128


def test_a_text_with_suggestions_offers_them_after_its_default_and_takes_any_other():
    made = control(KNOBS["offered"])
    assert [value for value, _ in made.choices] == ["none", "noisy", "hazy"]
    assert made.preprocess("an old photograph") == "an old photograph"


def test_a_form_has_one_control_for_every_knob_in_order():
    with gr.Blocks():
        made = controls(Form)
    assert list(made) == list(KNOBS)


def test_a_group_of_knobs_is_a_folded_section_of_its_name():
    with gr.Blocks() as blocks:
        controls(Form)
    folded = [b for b in blocks.blocks.values() if isinstance(b, gr.Accordion)]
    assert [(section.label, section.open) for section in folded] == [("Tiles", False)]


def test_a_group_that_a_form_begins_with_stands_open():
    with gr.Blocks() as blocks:
        controls(Led)
    (section,) = [b for b in blocks.blocks.values() if isinstance(b, gr.Accordion)]
    assert section.open


def test_a_form_starts_with_the_values_it_is_given():
    with gr.Blocks():
        made = controls(Led, {"shape_kind": "disc"})
    assert made["shape_kind"].value == "disc"


@pytest.mark.parametrize(("kind", "is_seen"), [("none", False), ("disc", True)])
def test_a_knob_that_does_not_matter_beside_the_others_is_not_seen(kind, is_seen):
    with gr.Blocks():
        made = controls(Led, {"shape_kind": kind})
    assert made["shape_radius"].visible == is_seen


@pytest.mark.parametrize(("kind", "is_seen"), [("none", False), ("disc", True)])
def test_a_knob_is_shown_and_hidden_as_the_others_change(kind, is_seen):
    with gr.Blocks() as blocks:
        made = controls(Led)
    (follow,) = [fn for fn in blocks.fns.values() if made["shape_radius"] in fn.outputs]
    assert follow.fn(kind)[made["shape_radius"]]["visible"] == is_seen


def test_the_seed_starts_as_one_to_be_drawn():
    with gr.Blocks():
        assert seed_control("seed").value == DRAWN


def test_a_seed_to_be_drawn_is_none_for_the_rest_of_the_program():
    assert seed_of(DRAWN) is None


def test_a_given_seed_is_kept():
    assert seed_of(7) == 7


@pytest.mark.parametrize("more", ["no", "yes"])
def test_a_section_is_seen_only_while_something_in_it_matters(more):
    with gr.Blocks() as blocks:
        controls(Beyond, {"more": more})
    (section,) = [b for b in blocks.blocks.values() if isinstance(b, gr.Accordion)]
    assert section.visible is (more == "yes")
    (follow,) = blocks.fns.values()
    assert follow.fn(more, "none")[section]["visible"] is (more == "yes")


def test_a_condition_of_a_group_holds_for_all_that_is_in_it():
    knobs = {knob.name: dict(knob.when) for knob in knobs_of(Beyond)}
    assert knobs["shape.kind"] == {"more": ("yes",)}
    assert knobs["shape.radius"] == {"more": ("yes",), "shape.kind": ("disc",)}


def test_a_group_is_called_by_plain_words():
    assert group_title("detail_tiles") == "Detail tiles"
