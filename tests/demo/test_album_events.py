"""What the page calls when something of the album fold is pressed or chosen."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest
import torch
from PIL import Image

from demo import page
from restoration import albums, image_io
from restoration.albums.knobs import TuneParams
from restoration.image_io import Picture
from restoration.params import knobs_of
from restoration.recipe import Recipe
from restoration.registry import METHODS
from tests.album_page import drawn, quick_prior

ONE, TWO = SimpleNamespace(session_hash="one"), SimpleNamespace(session_hash="two")
TUNED = [knob.default for knob in knobs_of(TuneParams)]


@pytest.fixture(autouse=True, scope="module")
def _prior():
    with quick_prior():
        yield


@pytest.fixture(autouse=True)
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    shelf = albums.shelf()
    shelf.make("Anna", [Picture(torch.rand(1, 3, 20, 30), name="a.png")] * 2)
    return shelf


@pytest.fixture(scope="module")
def blocks():
    return page.build({"gen2res": METHODS["gen2res"]})


@pytest.fixture
def on(blocks):
    """The functions called on an event of a component, and their updates by its name."""
    names = {block._id: block.elem_id for block in blocks.blocks.values()}

    def on(elem_id, event="click"):
        found = [
            fn.fn
            for fn in blocks.fns.values()
            if any(names.get(i) == elem_id and kind == event for i, kind in fn.targets)
        ]
        return SimpleNamespace(functions=found, call=lambda *a, **k: named(found[-1](*a, **k)))

    return on


def named(updates):
    """Updates by the names of their components; of a generator those at its end."""
    if updates == gr.skip():
        return {}
    if not isinstance(updates, dict):
        updates = [one for one in updates if isinstance(one, dict)][-1]
    return {component.elem_id: value for component, value in updates.items() if component.elem_id}


def function(blocks, name):
    return next(fn.fn for fn in blocks.fns.values() if getattr(fn.fn, "__name__", "") == name)


def event_at(index):
    return SimpleNamespace(index=index)


def test_choosing_an_album_shows_it(on):
    updates = on("gen2res-album", "input").call("Anna", ONE)
    assert "2 pictures. Not trained yet" in updates["gen2res-album-shown"]
    assert len(updates["gen2res-grid"]["items"]) == 2


def test_compare_shows_the_album_that_is_chosen_there(on):
    assert "Not trained" in on("compare-album", "input").call("Anna", ONE)["compare-album-shown"]


def test_opening_the_page_fills_every_list(blocks):
    updates = named(function(blocks, "opened")(ONE))
    assert [len(updates[name]["choices"]) for name in ("gen2res-album", "compare-album")] == [2, 2]


def test_on_a_public_host_the_page_shows_each_session_its_own(on, monkeypatch, tmp_path):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    made = on("gen2res-make").call("Bea", [drawn(tmp_path, "a.png")], ONE)
    other = on("gen2res-album", "input").call("Bea", TWO)
    assert [len(updates["gen2res-album"]["choices"]) for updates in (made, other)] == [2, 1]
    assert "There is no album" in other["gen2res-album-shown"]


@pytest.mark.parametrize(
    ("button", "values"),
    [
        ("gen2res-rename", (TWO, "Anna", "Bea")),
        ("gen2res-export", (TWO, "Anna")),
        ("gen2res-delete", (TWO, "Anna")),
        ("gen2res-delete-yes", (TWO, "Anna", "Anna")),
        ("gen2res-keep-square", ("Anna", 0, 80, 0, 0, TWO)),
        ("gen2res-grid", ("Anna", TWO, SimpleNamespace(index=0))),
        ("gen2res-train", ("Anna", "mini", None, TWO, *TUNED)),
    ],
)
def test_on_a_public_host_no_button_reaches_anothers_album(on, monkeypatch, button, values):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    albums.shelf("one").make("Anna", [Picture(torch.rand(1, 3, 20, 30), name="a.png")])
    with pytest.raises(gr.Error, match='There is no album "Anna", and no other'):
        on(button).call(*values)
    assert albums.shelf("one").open("Anna")


def test_a_picture_of_the_grid_is_chosen(on):
    updates = on("gen2res-grid").call("Anna", ONE, event_at(1))
    assert updates["gen2res-grid"]["selected"] == 1


@pytest.mark.parametrize("index", [2, -1, "0", None])
def test_a_picture_that_is_not_there_is_not_chosen(on, index):
    assert on("gen2res-grid").call("Anna", ONE, event_at(index)) == {}


def test_the_square_of_the_chosen_picture_is_kept(on, shelf):
    on("gen2res-keep-square").call("Anna", 1, 80, 0, 100, ONE)
    assert shelf.open("Anna").manifest.pictures[1].square.box == (0, 4, 16, 20)


def test_without_a_chosen_picture_no_square_is_kept(on, shelf):
    before = shelf.open("Anna").manifest
    on("gen2res-keep-square").call("Anna", None, 80, 0, 0, ONE)
    assert shelf.open("Anna").manifest == before


def test_a_picture_that_is_gone_meanwhile_is_told(on):
    with pytest.raises(gr.Error, match="has changed meanwhile"):
        on("gen2res-keep-square").call("Anna", 7, 80, 0, 0, ONE)


def test_once_a_training_is_over_the_album_is_looked_at_again(blocks):
    updates = named(function(blocks, "over")("Anna", ONE))
    assert "2 pictures" in updates["gen2res-album-shown"]


def test_stopping_says_that_what_was_learnt_is_kept(on):
    told, button, _ = on("gen2res-stop-training").functions[0]()
    assert "What was learnt so far is kept" in told
    assert not button["interactive"]


def test_stopping_a_generation_says_that_no_album_was_made(on):
    assert "No album was made" in on("gen2res-stop-generating").functions[0]()[0]


def test_an_album_is_generated_with_the_knobs_of_the_form(on, shelf, tmp_path):
    picture = drawn(tmp_path, "a.png")
    on("gen2res-generate").call("Bea", picture, "", "mini", 7, ONE, 2, 20, 2, False, 10, 0.3)
    assert [entry.seed for entry in shelf.open("Bea").manifest.pictures] == [7, 8]


def test_a_written_file_is_taken_in(on, shelf, tmp_path):
    archive = shelf.export("Anna", tmp_path)
    updates = on("gen2res-take-in").call([str(archive)], "Bea", ONE)
    assert "“Bea” is here and chosen" in updates["gen2res-making"]


def test_settings_back_from_a_result_choose_its_album_or_say_that_it_is_gone(on, tmp_path):
    recipe = Recipe(
        method="gen2res", variant="mini", knobs={}, seed=1, weights={}, versions={}, size=(8, 8),
        inputs={"album": "b" * 64},
    )  # fmt: skip
    picture = image_io.read(Image.new("RGB", (8, 8)))
    path = image_io.write(tmp_path / "result.png", picture, recipe=recipe)
    updates = on("gen2res-recall", "change").call(str(path), ONE)
    assert "not here" in updates["gen2res-recalled-more"]


def test_a_result_that_is_taken_away_leaves_the_album_as_it_is(on):
    assert on("gen2res-recall", "change").call(None, ONE) == {"gen2res-recalled-more": ""}


def test_a_sweep_fills_the_list_of_settings(on):
    listed = on("compare-sweep-0").functions[0](ONE, "Anna")[1]
    assert [one["label"] for one in listed] == [
        f"Gen2Res mini, noise step {depth}" for depth in (200, 400, 600)
    ]


def test_what_cannot_be_foreseen_is_told_as_a_number(on, shelf, monkeypatch):
    shelf.open("Anna").picture(0).write_bytes(b"no picture")
    with pytest.raises(gr.Error, match=r"Something went wrong \(id [0-9a-f]{6}\)"):
        on("gen2res-grid").call("Anna", ONE, event_at(0))
