"""A result that is dropped offers its settings, and changes nothing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from demo import method_tab, offer
from demo.offer import Offer, offered, recalled, used
from restoration import image_io
from restoration.recipe import KEYWORD, LONGEST
from tests.fakes import FILL, GUIDED, SMOOTH, registered
from tests.runs.drawn import RECIPE


@pytest.fixture(scope="module")
def bar() -> Iterator[Offer]:
    with registered(SMOOTH, *GUIDED), gr.Blocks():
        tabs = gr.Tabs()
        made = [method_tab.build([SMOOTH], []), method_tab.build(GUIDED, [])]
        yield offer.lay_out(tabs, made)


@pytest.fixture
def result(tmp_path: Path) -> Callable[..., str]:
    """Writes a result with some of the recipe changed."""

    def write(**changes: object) -> str:
        recipe = RECIPE.model_copy(update=changes)
        picture = image_io.read(Image.new("RGB", (8, 8)))
        return str(image_io.write(tmp_path / "result.png", picture, recipe=recipe))

    return write


def told(bar: Offer, updates: dict[Any, Any]) -> str:
    return str(updates[bar.said])


def test_a_result_says_what_made_it_and_offers_its_settings(
    bar: Offer, result: Callable[..., str]
) -> None:
    updates = offered(bar, result())
    assert "This picture was made by Smooth, plain, seed 4." in told(bar, updates)
    assert updates[bar.use]["visible"]
    assert set(updates) == set(bar.outputs())


@pytest.mark.parametrize("text", ["a photograph", None])
def test_nothing_is_said_of_a_photograph_in_an_input(
    bar: Offer, tmp_path: Path, text: str | None
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    path = str(tmp_path / "photo.png") if text else None
    assert offered(bar, path) == bar.closed()


def test_a_photograph_beside_the_inputs_is_told_where_to_go(bar: Offer, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    updates = recalled(bar, [str(tmp_path / "photo.png")])
    assert "This picture carries no settings" in told(bar, updates)
    assert "downloaded. To restore a picture, drop it on" in told(bar, updates)
    assert not updates[bar.use]["visible"]


def test_a_result_beside_the_inputs_is_offered_too(bar: Offer, result: Callable[..., str]) -> None:
    assert "made by Smooth, plain, seed 4" in told(bar, recalled(bar, [result()]))
    assert recalled(bar, []) == bar.closed()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not valid JSON"),
        ("[]", "a recipe is a JSON object"),
        ('{"version": 99}', "has format 99 and this hub reads up to 1: update the hub"),
        ('{"method": "smooth", "evil": 1}', "This recipe cannot be used"),
        ("x" * LONGEST, "is the most read here"),
    ],
)
def test_a_recipe_that_cannot_be_used_is_told_in_a_sentence(
    bar: Offer, tmp_path: Path, text: str, words: str
) -> None:
    info = PngInfo()
    info.add_itxt(KEYWORD, text)
    Image.new("RGB", (8, 8)).save(tmp_path / "odd.png", pnginfo=info)
    for updates in (offered(bar, str(tmp_path / "odd.png")), recalled(bar, [tmp_path / "odd.png"])):
        assert words in told(bar, updates)
        assert not updates[bar.use]["visible"]


def test_names_in_a_file_are_not_read_as_markup(bar: Offer, result: Callable[..., str]) -> None:
    said = told(bar, offered(bar, result(method="<img src=x onerror=alert(1)>")))
    assert "&lt;img" in said
    assert "<img" not in said


def test_the_settings_go_into_the_form_of_their_method(bar: Offer) -> None:
    updates = used(bar, RECIPE.to_json())
    fields = bar.methods[0].switch.panel("smooth").form.fields
    assert updates[fields["steps"]]["value"] == 9
    assert updates[fields["window_size"]]["value"] == 5
    assert (updates[fields["variant"]]["value"], updates[fields["seed"]]["value"]) == ("plain", 4)
    assert updates[bar.tabs].selected == "smooth"
    assert "Smooth has these settings now. Put in what was restored" in told(bar, updates)
    assert set(updates) <= set(bar.places())


def test_of_a_family_the_method_is_chosen_and_seen(bar: Offer) -> None:
    recipe = RECIPE.model_copy(
        update={"method": "refill", "variant": "mini", "knobs": {"problem.missing": "drawn"}}
    )
    updates = used(bar, recipe.to_json())
    switch = bar.methods[1].switch
    assert (updates[switch.chosen], updates[switch.before]) == ("refill", "refill")
    seen = [updates[panel.places[0]]["visible"] for panel in switch.panels]
    assert seen == [False, True, False]
    assert updates[switch.extra.panes["mask"]]["visible"]


def test_what_a_recipe_cannot_bring_back_is_said(bar: Offer) -> None:
    recipe = RECIPE.model_copy(
        update={"method": FILL.name, "variant": "mini", "knobs": {}, "inputs": {"mask": "a" * 64}}
    )
    said = told(bar, used(bar, recipe.to_json()))
    assert "It was made with a mask too, which you have to give again." in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "gone"}, "There is no method &#x27;gone&#x27; here"),
        ({"variant": "gone"}, "Smooth has no weights called &#x27;gone&#x27; here"),
        ({"knobs": {"steps": 10**9}}, "Steps: "),
        ({"knobs": {"gone": 1}}, "Gone: there is no such knob"),
    ],
)
def test_settings_that_do_not_fit_change_nothing(
    bar: Offer, changes: dict[str, object], words: str
) -> None:
    updates = used(bar, RECIPE.model_copy(update=changes).to_json())
    assert words in told(bar, updates)
    assert set(updates) == set(bar.outputs())
