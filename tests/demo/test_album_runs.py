"""What the page does with an album on the device: training, generating, restoring with it."""

from __future__ import annotations

import gradio as gr
import pytest
import torch

from demo.albums import generating
from demo.albums import training as album_training
from demo.albums.generating import generate
from demo.albums.training import train
from demo.compare import lineups
from demo.compare.comparing import Asked as Compared
from demo.compare.comparing import _jobs
from demo.compare.settings_list import setting_of
from demo.restoring import View, restore
from restoration import albums
from restoration.image_io import Picture
from restoration.methods.gen2res import METHOD
from restoration.recipe import read_recipe
from restoration.runtime import the_runtime
from tests.album_page import drawn, parts, quick_prior
from tests.fakes import SMOOTH, registered

SETTINGS = {"variant": "mini", "seed": 1, "noise_step": 20, "steps": 2}


@pytest.fixture(autouse=True, scope="module")
def _prior():
    with quick_prior():
        yield


@pytest.fixture(autouse=True)
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    shelf = albums.shelf()
    shelf.make("Anna", [Picture(torch.rand(1, 3, 20, 20), name="a.png")] * 2)
    return shelf


@pytest.fixture(scope="module")
def page():
    return parts()


@pytest.fixture(scope="module")
def ready(page, tmp_path_factory):
    """A shelf with an album that is trained."""
    shelf = albums.Shelf(tmp_path_factory.mktemp("albums"))
    shelf.make("Anna", [Picture(torch.rand(1, 3, 20, 20), name="a.png")])
    list(trained(page, shelf))
    return shelf


@pytest.fixture
def picture(tmp_path):
    return drawn(tmp_path, "a.png", 24, 20)


@pytest.fixture
def view():
    with gr.Blocks():
        buttons = [gr.Button(), gr.Button()]
        texts = [gr.HTML() for _ in range(4)]
        rest = (gr.Column(), gr.HTML(), gr.HTML(), gr.DownloadButton(), gr.Code())
        return View(*buttons, *texts, *rest)


def trained(page, shelf, picture=None, **knobs):
    asked = album_training.Asked("Anna", "mini", picture, {"steps": 3, "batch": 1, **knobs})
    return train(page.training, page.albums, shelf, asked)


def last(updates, part):
    return [one[part] for one in updates if part in one][-1]


def told(updates, part):
    return " ".join(str(one[part]) for one in updates if part in one)


def is_free():
    line = the_runtime().line
    ticket = line.join()
    ahead = line.ahead(ticket, 0)
    line.leave(ticket)
    return ahead == 0


def test_a_training_tells_how_far_it_is_and_chooses_the_album(page, shelf):
    updates = list(trained(page, shelf))
    assert "Training, step" in told(updates, page.training.status)
    assert "is trained: press Run" in last(updates, page.training.status)
    assert last(updates, page.chooser.name)["value"] == "Anna"
    assert shelf.open("Anna").manifest.training.steps == 3


def test_a_training_draws_its_curve_and_shows_the_picture_as_it_would_be_restored(
    page, shelf, picture
):
    updates = list(trained(page, shelf, picture))
    assert "<polyline" in last(updates, page.training.curve)
    assert "<img" in last(updates, page.training.live)


def test_a_stopped_training_is_kept_and_goes_on(page, shelf):
    updates = trained(page, shelf, steps=50)
    while "Training, step" not in str(next(updates).get(page.training.status)):
        pass
    updates.close()
    kept = shelf.open("Anna").manifest.training.steps
    list(trained(page, shelf, steps=3))
    assert (kept >= 1, is_free()) == (True, True)
    assert shelf.open("Anna").manifest.training.steps > kept


def test_a_training_over_the_time_of_the_hub_is_kept_and_told(page, shelf, monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_SECONDS", "1")
    updates = list(trained(page, shelf, steps=10_000))
    assert last(updates, page.training.status).count("Ended after 1 s, the most this hub") == 1
    assert shelf.open("Anna").manifest.training.steps > 0


def test_a_training_on_more_at_once_than_the_hub_takes_is_refused(page, shelf, monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_BATCH", "4")
    with pytest.raises(gr.Error, match="Batch: 5 were asked for, and 4 is the most"):
        list(trained(page, shelf, batch=5))


def test_without_an_album_there_is_nothing_to_train_on(page, shelf):
    asked = album_training.Asked("", "mini", None, {})
    with pytest.raises(gr.Error, match="Choose the album to train on first"):
        list(train(page.training, page.albums, shelf, asked))


def test_an_album_that_is_gone_meanwhile_is_told(page, shelf):
    shelf.delete("Anna")
    with pytest.raises(gr.Error, match='There is no album "Anna"'):
        list(trained(page, shelf))


def test_an_album_in_training_is_not_trained_twice(page, shelf):
    with albums.busy(shelf.open("Anna")), pytest.raises(gr.Error, match="is being trained"):
        list(trained(page, shelf))
    assert is_free()


def test_generating_over_the_time_of_the_hub_is_refused(page, shelf, picture, monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_SECONDS", "1")
    with pytest.raises(gr.Error, match="This run took more than 1 s"):
        list(generated(page, shelf, picture, samples=64, noise_step=1000, steps=1000))
    assert [album.name for album in shelf.list()] == ["Anna"]


def test_generating_in_more_steps_than_the_hub_takes_is_refused(page, shelf, picture, monkeypatch):
    monkeypatch.setenv("RESTORATION_MAX_STEPS", "4")
    with pytest.raises(gr.Error, match="Steps: 5 were asked for, and 4 is the most"):
        list(generated(page, shelf, picture, steps=5))


def generated(page, shelf, picture, name="Guesses", first=None, **knobs):
    knobs = {"samples": 3, "noise_step": 20, "steps": 2, "guided": False, **knobs}
    asked = generating.Asked(name, picture, first, "mini", 5, knobs)
    return generate(page.generating, page.albums, shelf, asked)


def test_an_album_is_generated_shown_on_the_way_and_chosen(page, shelf, picture):
    updates = list(generated(page, shelf, picture))
    album = shelf.open("Guesses")
    assert [entry.seed for entry in album.manifest.pictures] == [5, 6, 7]
    assert last(updates, page.chooser.name)["value"] == "Guesses"
    assert last(updates, page.generating.made).count("<img") == 3


def test_the_guesses_can_start_from_another_methods_result(page, shelf, picture):
    with registered(SMOOTH):
        updates = list(generated(page, shelf, picture, first="smooth"))
    assert "Smooth: smoothing" in told(updates, page.generating.status)


def test_a_stopped_generation_leaves_no_album(page, shelf, picture):
    updates = generated(page, shelf, picture, samples=20)
    while "Picture 2 of" not in str(next(updates).get(page.generating.status)):
        pass
    updates.close()
    assert ([album.name for album in shelf.list()], is_free()) == (["Anna"], True)


@pytest.mark.parametrize(
    ("name", "words"), [("Anna", 'There is an album "Anna" already'), ("", "has no name")]
)
def test_a_name_that_cannot_be_taken_is_told_before_the_work(page, shelf, picture, name, words):
    with pytest.raises(gr.Error, match=words):
        list(generated(page, shelf, picture, name))


def test_without_a_picture_there_is_nothing_to_guess(page, shelf):
    with pytest.raises(gr.Error, match="Choose the picture first"):
        list(generated(page, shelf, None))


def restored(view, shelf, picture, **given):
    return list(restore(view, METHOD, picture, SETTINGS, {"shelf": shelf, **given}))


def labels(updates, view):
    return [item["label"] for item in last(updates, view.comparer)["items"]]


def test_the_result_stands_beside_that_without_the_album(view, ready, picture):
    updates = restored(view, ready, picture, album="Anna", without_album=True)
    assert labels(updates, view) == ["Input", "Without the album", "Result"]
    assert 'aria-label="Album Anna"' in last(updates, view.strip)
    said = told(updates, view.status)
    assert "With the album (1 of 2)" in said
    assert "Without the album (2 of 2)" in said


def test_the_result_is_that_with_the_album(view, ready, picture):
    updates = restored(view, ready, picture, album="Anna", without_album=True)
    learnt = ready.open("Anna").manifest.training.sha256
    assert read_recipe(last(updates, view.download)).inputs == {"album": learnt}


@pytest.mark.parametrize(("album", "twice"), [("Anna", False), ("", True)])
def test_otherwise_a_picture_is_restored_once(view, ready, picture, album, twice):
    updates = restored(view, ready, picture, album=album, without_album=twice)
    assert labels(updates, view) == ["Input", "Result"]


def test_an_album_that_is_not_trained_is_told(view, shelf, picture):
    with pytest.raises(gr.Error, match="The album Anna is not trained yet: train it first"):
        restored(view, shelf, picture, album="Anna")


def test_in_compare_the_album_goes_to_the_methods_that_have_use_for_one(ready, picture):
    with registered(SMOOTH):
        settings = [setting_of(SMOOTH, "plain", {}), setting_of(METHOD, "mini", {})]
        jobs = _jobs(Compared(picture, None, settings, 1, {"album": "Anna", "shelf": ready}))
    assert [job.request.album is None for job in jobs] == [True, False]


def test_a_sweep_is_lined_up_as_settings():
    found = lineups.settings(METHOD, METHOD.sweeps[0])
    assert [one.params.noise_step for one in found] == [200, 400, 600]


def test_a_sweep_takes_the_weights_of_the_chosen_album(ready):
    assert lineups._variant_of(ready, "Anna") == "mini"


def test_an_album_without_training_leaves_a_sweep_its_own_weights(shelf):
    assert lineups._variant_of(shelf, "Anna") is None
