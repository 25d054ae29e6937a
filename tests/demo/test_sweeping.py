"""Sweeps: one setting at many values, as a list of settings that form a grid."""

from __future__ import annotations

import gradio as gr
import pytest

from demo.compare import sweep_panel
from demo.compare.settings_list import Cell, Chosen, setting_of, settings_list
from demo.compare.sweeping import SEED, Axis, axis_of, evenly, named, offered, parted, swept, ticks
from restoration.errors import BadKnobError
from tests import fakes

BASE = setting_of(fakes.SMOOTH, "plain", {"grain": 0.5})
STEPS = Axis("steps", ("5", "10"))
SIZES = Axis("window.size", ("3", "5", "7"))


def knob(name):
    return named(fakes.SMOOTH, name)


def test_a_sweep_of_two_knobs_is_a_grid_row_by_row():
    cells = [one.cell for one in swept(BASE, STEPS, SIZES)]
    assert cells[:3] == [
        Cell("5", "3", "Steps", "Window size"),
        Cell("10", "3", "Steps", "Window size"),
        Cell("5", "5", "Steps", "Window size"),
    ]


def test_a_sweep_keeps_what_does_not_vary():
    assert {one.params.grain for one in swept(BASE, STEPS, SIZES)} == {0.5}


def test_a_sweep_of_seeds_gives_each_setting_its_own():
    made = swept(BASE, Axis(SEED, ("7", "8")))
    assert [(one.seed, one.cell.column) for one in made] == [(7, "7"), (8, "8")]


def test_what_varies_is_named_also_at_its_default():
    made = swept(BASE, Axis("steps", ("3", "4")))
    assert made[0].label == "Smooth plain, steps 3, grain 0.5"


def test_choices_and_switches_are_ticked():
    from restoration.methods.gen2res import METHOD

    assert ticks(named(METHOD, "guidance.on")) == ("on", "off")
    assert ticks(named(METHOD, "sampler")) == ("ddim", "ddpm")


def test_a_switch_varies_between_on_and_off():
    from restoration.methods.gen2res import METHOD

    made = swept(setting_of(METHOD, "mini", {}), Axis("guidance.on", ("on", "off")))
    assert [one.knobs()["guidance.on"] for one in made] == [True, False]


def test_ticked_values_stand_in_the_order_of_the_knob():
    assert axis_of(fakes.SMOOTH, "mode", "", ["none", "mean"]).values == ("mean", "none")


def test_typed_numbers_stand_between_commas():
    assert parted(knob("steps"), " 5, 10,,20 ") == ("5", "10", "20")


def test_typed_texts_stand_in_lines():
    words = named(fakes.NAME, "degradation")
    assert parted(words, "rain, heavy\n\nhaze") == ("rain, heavy", "haze")


def test_values_between_two_numbers_lie_on_the_steps_of_the_knob():
    assert evenly(knob("steps"), 10, 25, 3) == "10, 18, 25"


def test_values_that_fall_together_are_named_once():
    assert evenly(knob("steps"), 1, 2, 4) == "1, 2"


def test_seeds_follow_each_other():
    assert evenly(None, 5, 0, 3) == "5, 6, 7"


def test_a_wide_range_is_offered_around_the_value_of_now():
    assert offered(setting_of(fakes.SMOOTH, "plain", {"steps": 20}), "steps") == (
        "10, 25, 40",
        (10, 40),
    )


def test_a_narrow_range_is_offered_from_end_to_end():
    assert offered(BASE, "grain") == ("0, 0.5, 1", (0, 1))


def test_seeds_are_offered_from_the_one_of_the_setting():
    seeded = setting_of(fakes.SMOOTH, "plain", {}, 40)
    assert offered(seeded, SEED)[0] == "40, 41, 42, 43"


def test_a_text_is_offered_as_it_is():
    assert offered(setting_of(fakes.NAME, "mini", {}), "degradation")[0] == "recognised"


@pytest.mark.parametrize(
    ("across", "down", "sentence"),
    [
        (Axis("steps", ("0", "5")), None, r"steps: Input should be greater than or equal to 1"),
        (Axis("steps", ("many", "5")), None, r"steps: Input should be a valid integer"),
        (Axis("steps", ()), None, "Steps: name the values to try"),
        (Axis("steps", ("5",)), None, "Steps: name two values or more"),
        (Axis("steps", ("5", "5")), None, "steps 5, grain 0.5 would be there twice"),
        (STEPS, Axis("steps", ("1", "2")), "Steps cannot vary along both sides"),
        (Axis(SEED, ("1.5", "2")), None, r"seed: takes whole numbers, separated by commas"),
        (Axis(SEED, ("1", "9999999999")), None, r"seed: takes a whole number from 0"),
        (
            Axis("steps", ("1", "2", "3", "4")),
            SIZES,
            "a sweep of 4 by 3 makes 12 settings and 9 are the most",
        ),
        (Axis("steps", tuple(map(str, range(1, 11)))), None, "a sweep of 10 makes 10 settings"),
    ],
)
def test_a_sweep_that_cannot_be_is_one_clear_sentence(across, down, sentence):
    with pytest.raises(BadKnobError, match=sentence):
        swept(BASE, across, down)


def test_a_knob_that_makes_no_difference_here_is_refused():
    base = setting_of(fakes.FILL, "mini", {})
    with pytest.raises(BadKnobError, match="Depth makes no difference while colour is red: change"):
        swept(base, Axis("depth", ("0", "1")))


def test_a_knob_that_matters_in_some_of_the_cells_may_vary():
    base = setting_of(fakes.FILL, "mini", {})
    assert len(swept(base, Axis("depth", ("0.1", "1")), Axis("colour", ("red", "green")))) == 4


def test_a_knob_of_another_method_is_refused():
    with pytest.raises(BadKnobError, match="Smooth has no knob 'eta'"):
        axis_of(fakes.SMOOTH, "eta", "1", [])


def test_the_panel_offers_seeds_and_every_knob_of_the_setting():
    choices = sweep_panel.faces(BASE, "", optional=False)[0]["choices"]
    assert [name for _, name in choices] == [
        SEED,
        *("steps", "pause", "grain", "mode", "window.size"),
    ]


def test_a_choice_is_shown_with_boxes_to_tick():
    faces = sweep_panel.faces(BASE, "mode", optional=False)
    assert [face.get("visible") for face in faces] == [None, False, None, True, None, False, True]


def test_without_a_second_side_nothing_of_it_is_seen():
    faces = sweep_panel.faces(BASE, "", optional=True)
    assert [face.get("visible") for face in faces] == [None, False, None, None, None, False, False]


def test_a_knob_that_the_setting_does_not_have_gives_way():
    assert sweep_panel.faces(BASE, "eta", optional=False)[0]["value"] == SEED


def test_the_panel_makes_what_its_sides_say():
    made = sweep_panel._made((BASE,), 0, ("steps", "5, 10", []), ("mode", "", ["mean", "none"]))
    assert [one.cell.row for one in made] == ["mean", "mean", "none", "none"]


@pytest.mark.parametrize("place", [None, 1, -1, "0"])
def test_without_a_setting_the_panel_says_what_it_lacks(place):
    with pytest.raises(BadKnobError, match="Add a setting first"):
        sweep_panel._made((BASE,), place, ("steps", "5, 10", []), ("", "", []))


def test_the_panel_can_be_laid_out_beside_an_empty_list():
    with gr.Blocks() as page:
        chosen = Chosen(gr.State(()), settings_list((), "settings"))
        sweep_panel.build(chosen, ())
    assert page.fns
