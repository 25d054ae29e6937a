import gradio as gr
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from demo.method_form import about, take
from demo.recall import recall, settings
from restoration import front, image_io
from restoration.errors import BadKnobError, BadRecipeError
from restoration.recipe import KEYWORD, Recipe
from restoration.registry import METHODS
from tests.fakes import SMOOTH, registered

RECIPE = Recipe(
    method="smooth",
    variant="other",
    knobs={"steps": 9, "window.size": 5},
    seed=4,
    weights={},
    versions={},
    size=(8, 8),
)


@pytest.fixture
def result(tmp_path):
    """Writes a result PNG with some of the recipe changed."""

    def write(**changes: object):
        picture = image_io.read(Image.new("RGB", (8, 8)))
        path = tmp_path / "result.png"
        return str(image_io.write(path, picture, recipe=RECIPE.model_copy(update=changes)))

    return write


def test_a_result_gives_all_its_settings_back(result):
    assert settings(SMOOTH, result()) == {
        "steps": 9,
        "pause": 0.0,
        "grain": 0.0,
        "mode": "mean",
        "window_size": 5,
        "variant": "other",
        "seed": 4,
    }


def test_a_picture_without_settings_is_told_apart(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(BadRecipeError, match="carries no settings"):
        settings(SMOOTH, str(tmp_path / "plain.png"))


def test_a_result_of_another_tab_names_that_tab(result):
    with registered(SMOOTH), pytest.raises(BadRecipeError, match="made with DiffBIR, not with Smo"):
        settings(SMOOTH, result(method="diffbir"))


def test_a_result_with_unknown_weights_names_the_known_ones(result):
    with pytest.raises(BadRecipeError, match=r"no weights called 'new' here .known: plain, other"):
        settings(SMOOTH, result(variant="new"))


def test_a_result_with_an_unknown_knob_is_refused(result):
    with pytest.raises(BadKnobError, match="wobble: there is no such knob"):
        settings(SMOOTH, result(knobs={"wobble": 1}))


def test_a_refused_result_changes_nothing_but_what_is_said(result):
    said, fields = gr.HTML(), {"steps": gr.Number()}
    updates = recall(SMOOTH, result(variant="new"), fields, said)
    assert list(updates) == [said]


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99}', '{"method": 3}'])
def test_a_malformed_recipe_is_answered_with_a_sentence(tmp_path, text):
    info = PngInfo()
    info.add_itxt(KEYWORD, text)
    Image.new("RGB", (8, 8)).save(tmp_path / "odd.png", pnginfo=info)
    said = gr.HTML()
    updates = recall(SMOOTH, str(tmp_path / "odd.png"), {}, said)
    assert 'class="said bad"' in updates[said]
    assert "Something went wrong" not in updates[said]


def test_removing_the_picture_clears_what_was_said():
    said = gr.HTML()
    assert recall(SMOOTH, None, {}, said) == {said: ""}


@pytest.mark.parametrize(
    ("variant", "missing"),
    front.available(METHODS["diffbir"]),
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_variant_says_how_to_get_its_weights_exactly_if_they_are_missing(variant, missing):
    told = about(METHODS["diffbir"], variant.name)
    assert ("weights fetch" in told) == bool(missing)


def test_a_preset_sets_its_knobs():
    updates = take(SMOOTH, "Softer", {"steps": "steps", "window_size": "size"})
    assert updates == {"steps": 7, "size": 5}


def test_a_preset_takes_back_what_another_one_set():
    updates = take(SMOOTH, "Soft", {"steps": "steps", "window_size": "size"})
    assert updates == {"steps": 3, "size": 3}
