"""What a method needs beside the picture: when it is wanted, and how it is read."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr
import pytest
import torch
from PIL import Image

from demo.beside import beside, kernel_shown, leaders, picture_label, read, wanted
from demo.picture import picture_input
from demo.presets import preset_values, spoken, start
from restoration.errors import BadPictureError
from restoration.image_io import Picture
from tests.fakes import FILL, MERGE, REFILL, SMOOTH

PICTURE = Picture(image=torch.full((1, 3, 20, 30), 0.5))
DRAWN = {"strokes": [{"erase": False, "radius": 0.1, "points": [0.5, 0.5]}]}
MASKED = {"problem_missing": "drawn", "problem_blur": "none"}
BLURRED = {"problem_missing": "none", "problem_blur": "kernel"}


@pytest.fixture
def file(tmp_path):
    def file(name, size=(30, 20), colour="white"):
        Image.new("RGB", size, colour).save(tmp_path / name)
        return str(tmp_path / name)

    return file


@pytest.mark.parametrize(
    ("method", "values", "what"),
    [
        (SMOOTH, {}, set()),
        (FILL, MASKED, {"mask"}),
        (FILL, BLURRED, {"kernel"}),
        (FILL, MASKED | BLURRED | {"problem_missing": "drawn"}, {"mask", "kernel"}),
        (MERGE, {}, {"exposures"}),
        (replace(MERGE, needs=frozenset({"mask"})), {}, {"mask"}),
    ],
)
def test_what_is_wanted_follows_from_the_needs_and_the_knobs(method, values, what):
    assert wanted(method, values) == what


def test_only_the_knobs_a_method_has_lead():
    assert leaders(FILL, {"problem_missing": 0, "steps": 0}) == ["problem_missing"]


def test_what_is_drawn_is_a_mask_of_the_pictures_size():
    mask = read(FILL, MASKED, {"drawing": DRAWN}, PICTURE)["mask"]
    assert mask.image.shape == PICTURE.image.shape
    assert mask.image[0, 0, 10, 15] == 1


def test_an_uploaded_and_a_drawn_mask_count_together(file):
    given = {"mask": file("mask.png", colour="black"), "drawing": DRAWN}
    assert read(FILL, MASKED, given, PICTURE)["mask"].image[0, 0, 10, 15] == 1


def test_an_uploaded_mask_that_does_not_fit_is_left_to_be_refused(file):
    given = {"mask": file("mask.png", (9, 9)), "drawing": DRAWN}
    assert read(FILL, MASKED, given, PICTURE)["mask"].image.shape[-2:] == (9, 9)


def test_what_is_not_wanted_is_not_read(tmp_path):
    given = {"mask": str(tmp_path / "absent.png"), "drawing": {"strokes": "bad"}}
    assert read(FILL, BLURRED, given, PICTURE) == {"kernel": None}


def test_exposures_are_read_in_their_order(file):
    given = {"long_exposure": file("l.png"), "medium_exposure": file("m.png", colour="black")}
    found = read(MERGE, {}, given, PICTURE)["exposures"]
    assert [float(one.image.max()) for one in found] == [0, 1]


def test_a_mask_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "mask.png").write_text("<html>")
    with pytest.raises(BadPictureError):
        read(FILL, MASKED, {"mask": str(tmp_path / "mask.png")}, PICTURE)


def test_a_tab_has_no_inputs_that_none_of_its_methods_needs():
    with gr.Blocks():
        made = beside([SMOOTH, FILL], picture_input("Picture"), "tab", frozenset())
    assert list(made.fields) == ["mask", "drawing", "kernel"]


def test_a_method_gets_only_the_inputs_that_it_needs():
    with gr.Blocks():
        made = beside([FILL, MERGE], picture_input("Picture"), "tab", frozenset())
    assert list(made.of(MERGE)) == ["medium_exposure", "long_exposure"]


def test_what_is_wanted_is_seen_and_the_rest_is_not():
    with gr.Blocks():
        made = beside([FILL, MERGE], picture_input("Picture"), "tab", frozenset())
    seen = made.seen(frozenset({"kernel"}))
    assert [seen[made.panes[need]]["visible"] for need in ("mask", "kernel", "exposures")] == [
        False,
        True,
        False,
    ]


def folds(*methods, **settings):
    """The titles of the folded lines among what these methods need."""
    with gr.Blocks() as page:
        beside(methods, picture_input("Picture"), "tab", frozenset({"mask"}), **settings)
    return [one.label for one in page.blocks.values() if isinstance(one, gr.Accordion)]


def test_a_mask_that_no_knob_asks_for_is_offered_behind_a_folded_line():
    asked = replace(MERGE, needs=frozenset({"mask"}))
    assert folds(asked) == ["Is something missing? Draw over it", "Or give a picture of the mask"]


def test_a_mask_that_a_knob_asks_for_is_not_folded():
    assert folds(FILL) == ["Or give a picture of the mask"]


def test_where_several_settings_share_a_mask_it_is_folded():
    assert folds(FILL, shared=True)[0] == "Is something missing? Draw over it"


def test_of_several_exposures_the_picture_is_the_short_one():
    assert (picture_label(MERGE), picture_label(FILL)) == ("Short exposure", "Picture to restore")


def test_a_kernel_is_shown_with_its_size(file):
    assert "9 \N{MULTIPLICATION SIGN} 7 pixels" in kernel_shown(file("k.png", (9, 7)))


def test_a_black_kernel_can_be_shown(file):
    assert "<img" in kernel_shown(file("k.png", (9, 7), "black"))


def test_a_kernel_that_is_no_picture_is_said_to_be_none(tmp_path):
    (tmp_path / "k.png").write_text("<html>")
    assert "This is no picture." in kernel_shown(str(tmp_path / "k.png"))


def test_a_form_starts_under_the_first_preset():
    values = start(REFILL)
    assert (values["problem_missing"], values["problem_share"]) == ("drawn", 0.6)


def test_a_form_without_presets_starts_with_the_defaults():
    assert start(MERGE) == {"weight": 1.0}


def test_a_preset_gives_every_knob_a_value():
    assert preset_values(FILL, "Random")["colour"] == "red"


def test_a_chosen_preset_changes_only_what_presets_set():
    assert spoken(FILL, "Random") == {
        "problem_missing": "random",
        "problem_share": 0.5,
        "problem_blur": "none",
    }
