"""Albums on the page: whose they are, which is chosen, what is done with them."""

from __future__ import annotations

import html
from types import SimpleNamespace

import gradio as gr
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from demo.albums import keeping as album_keeping
from demo.albums import making
from demo.albums.chooser import NONE, AlbumChoice, choices, of_result, shown
from demo.albums.fragments import MOST_SHOWN, album_strip, shares_of, square_of, state
from demo.albums.view import tried
from demo.owners import forget_old, shelf_of
from demo.picture import UploadedFiles
from restoration import albums, image_io
from restoration.albums import Square, Training
from restoration.albums.pictures import SHORTEST_SIDE
from restoration.errors import BadAlbumError
from restoration.image_io import Picture
from restoration.recipe import Recipe
from restoration.registry import METHODS
from tests.album_page import drawn, parts
from tests.fakes import served

LEARNT = "a" * 64


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    monkeypatch.delenv("RESTORATION_PUBLIC", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    return tmp_path


@pytest.fixture
def public(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")


@pytest.fixture
def shelf():
    return albums.shelf()


@pytest.fixture(scope="module")
def page():
    return parts()


def make(shelf, name="Anna", count=2):
    return shelf.make(name, [Picture(torch.rand(1, 3, 20, 30), name="a.png")] * count)


def train(shelf, album, **changes):
    """Note a training without having done it."""
    (album.folder / "weights.safetensors").write_bytes(b"")
    values = {
        "way": "low-rank", "variant": "mini", "base": LEARNT, "steps": 12, "planned": 12,
        "seconds": 9.0, "loss": 0.5, "finished": True, "sha256": LEARNT,
    }  # fmt: skip
    return shelf.record(album, Training(**values | changes))


def request(session):
    return SimpleNamespace(session_hash=session)


# --- owners


def test_on_ones_own_computer_every_session_has_the_same_albums(shelf):
    assert shelf_of(request("one")) == shelf_of(request("two")) == shelf


def test_on_a_public_host_no_session_sees_the_albums_of_another(public):
    make(shelf_of(request("one")))
    assert [len(shelf_of(request(name)).list()) for name in ("one", "two")] == [1, 0]


def test_on_a_public_host_the_albums_of_the_computer_are_not_seen(public, shelf):
    make(shelf)
    assert not shelf_of(request("one")).list()


@pytest.mark.parametrize("lost", [None, SimpleNamespace(session_hash=None), request("")])
def test_on_a_public_host_a_request_without_a_session_shares_no_shelf(public, lost):
    assert shelf_of(lost) != shelf_of(lost)


def test_albums_of_ones_own_computer_are_never_forgotten(shelf, monkeypatch):
    make(shelf)
    monkeypatch.setattr("demo.owners.KEEP_FOR", -1)
    forget_old()
    assert shelf.list()


def test_albums_of_sessions_are_forgotten_in_time(public, monkeypatch):
    make(shelf_of(request("one")))
    monkeypatch.setattr("demo.owners.KEEP_FOR", -1)
    forget_old()
    assert not shelf_of(request("one")).list()


# --- the chooser


def test_the_list_begins_with_no_album(shelf):
    train(shelf, make(shelf, count=1))
    make(shelf, "Bea")
    assert sorted(choices(shelf.list())) == [
        ("Anna (1 picture, trained)", "Anna"),
        ("Bea (2 pictures, not trained yet)", "Bea"),
        ("none: the bare prior", NONE),
    ]


def test_an_album_that_is_not_trained_says_what_to_do(shelf):
    assert "open “Albums” on the method's tab, then “Train”" in state(make(shelf))


def test_a_trained_album_says_how_and_on_what(shelf):
    told = state(train(shelf, make(shelf)))
    assert told == "2 pictures. Trained 12 steps (weights “mini”, low-rank, 9.0 s)."


def test_an_album_in_the_midst_of_its_training_says_how_far_it_is(shelf):
    album = train(shelf, make(shelf), planned=50, finished=False)
    assert "12 steps of 50; it can be used, and trained on" in state(album)


def test_an_album_shows_its_first_pictures_and_how_many_more_there_are(shelf):
    strip = album_strip(make(shelf, count=MOST_SHOWN + 3))
    assert (strip.count("<img"), "and 3 more" in strip) == (MOST_SHOWN, True)


def test_names_are_shown_as_text(shelf):
    album = shelf.make("Anna", [Picture(torch.rand(1, 3, 20, 20), name='"><b>.png')])
    assert "<b>" not in shown(album)


def test_an_album_that_is_gone_is_told_and_none_is_chosen(page, shelf):
    make(shelf)
    album, updates = page.chooser.update(shelf, "Bea")
    assert album is None
    assert updates[page.chooser.name]["value"] == NONE
    told = 'There is no album "Bea". There are: Anna.'
    assert told in html.unescape(updates[page.chooser.shown])


def test_a_trained_album_brings_the_weights_it_was_trained_on(page, shelf):
    train(shelf, make(shelf), variant="faces")
    updates = page.albums.update(shelf, "Anna")
    assert updates[page.form.fields["variant"]]["value"] == "faces"


@pytest.mark.parametrize("variant", ["unheard of", None])
def test_other_albums_leave_the_weights_as_they_are(page, shelf, variant):
    make(shelf)
    if variant:
        train(shelf, shelf.open("Anna"), variant=variant)
    assert page.form.fields["variant"] not in page.albums.update(shelf, "Anna")


def test_every_update_is_of_an_output(page, shelf):
    train(shelf, make(shelf))
    assert set(page.albums.update(shelf, "Anna")) <= set(page.albums.outputs())


def test_the_choice_takes_any_text_and_leaves_it_to_the_shelf():
    assert AlbumChoice(["Anna"]).preprocess("Bea") == "Bea"


def test_no_choice_is_no_album():
    assert AlbumChoice(["Anna"]).preprocess(None) == NONE


@pytest.mark.parametrize("payload", [["Anna"], 3, {"path": "Anna"}])
def test_what_is_no_text_is_no_album(payload):
    with pytest.raises(gr.Error, match="chosen by its name"):
        AlbumChoice(["Anna"]).preprocess(payload)


# --- settings back from a result


@pytest.fixture
def result(tmp_path):
    """Writes a result that was made with something beside the picture."""

    def result(method="gen2res", **inputs):
        recipe = Recipe(
            method=method, variant="mini", knobs={}, seed=1, weights={}, versions={}, size=(8, 8),
            inputs=inputs,
        )  # fmt: skip
        picture = image_io.read(Image.new("RGB", (8, 8)))
        return str(image_io.write(tmp_path / "result.png", picture, recipe=recipe))

    return result


def test_a_result_finds_its_album_by_what_it_had_learnt(shelf, result):
    train(shelf, make(shelf))
    make(shelf, "Bea")
    name, told = of_result(shelf, result(album=LEARNT), "gen2res")
    assert (name, "made with the album “Anna”" in told) == ("Anna", True)


def test_a_result_of_an_album_that_is_not_here_says_so(shelf, result):
    train(shelf, make(shelf))
    name, told = of_result(shelf, result(album="b" * 64), "gen2res")
    assert (name, "an album that is not here" in told) == (NONE, True)


def test_a_result_without_an_album_says_so(shelf, result):
    assert "without an album" in of_result(shelf, result(), "gen2res")[1]


@pytest.mark.parametrize("method", ["diffbir", None])
def test_nothing_is_said_of_what_is_no_result_of_the_method(shelf, result, method):
    path = result(method, album=LEARNT) if method else None
    assert of_result(shelf, path, "gen2res") == (NONE, "")


def test_a_damaged_result_is_left_to_be_told_elsewhere(shelf, tmp_path):
    assert of_result(shelf, str(tmp_path / "absent.png"), "gen2res") == (NONE, "")


# --- squares


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (16, 16)])
@pytest.mark.parametrize("shares", [(100, 0, 0), (5, 100, 100), (60.5, 33, 77)])
def test_the_sliders_never_leave_the_picture(size, shares):
    square = square_of(*shares, *size)
    assert square.lies_in(*size)
    assert square.side >= SHORTEST_SIDE


def test_the_sliders_show_the_square_they_describe():
    square = Square(left=400, top=900, side=500)
    shown = square_of(*shares_of(square, 2000, 1600), 2000, 1600)
    assert shown.box == pytest.approx(square.box, abs=2)


def test_a_picture_is_chosen_with_its_square(page, shelf):
    album = make(shelf)
    updates = page.crops.chosen(album, 1)
    assert updates[page.crops.grid]["selected"] == 1
    assert 'style="left:16.667%' in updates[page.crops.picture]
    assert [updates[slider] for slider in page.crops.sliders] == [100.0, 50.0, 50.0]


def test_another_album_leaves_no_picture_chosen(page, shelf):
    updates = page.crops.seen(make(shelf))
    assert (updates[page.crops.index], updates[page.crops.editor]["visible"]) == (None, False)


# --- making


def made(page, shelf, name, files, *, align=False):
    *_, last = making._told(
        page.making,
        making._made(page.making, page.albums, shelf, name, files, align=align),
    )
    return last


def test_an_album_is_made_of_uploads_and_chosen(page, shelf, tmp_path):
    updates = made(page, shelf, "Anna", [drawn(tmp_path, "a.png"), drawn(tmp_path, "b.png")])
    assert len(shelf.open("Anna").manifest.pictures) == 2
    assert updates[page.chooser.name]["value"] == "Anna"


def test_faces_that_cannot_be_found_here_are_told_and_nothing_is_made(page, shelf, tmp_path):
    with pytest.raises(gr.Error, match=r"requirements-faces\.txt|yunet"):
        made(page, shelf, "Anna", [drawn(tmp_path, "a.png")], align=True)
    assert shelf.list() == []


def test_uploads_that_are_no_pictures_are_left_out_and_named(page, shelf, tmp_path):
    (tmp_path / "b.png").write_text("<html>")
    updates = made(page, shelf, "Anna", [drawn(tmp_path, "a.png"), str(tmp_path / "b.png")])
    assert "Left out: b.png" in updates[page.making.notes]
    assert len(shelf.open("Anna").manifest.pictures) == 1


@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("", ["a.png"], "has no name"),
        ("Anna", [], "needs pictures"),
        ("Anna", ["a.png"] * 201, "has 200 at most"),
        ("Anna", ["absent.png"], "None of the pictures can be used"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_the_shelf(page, shelf, tmp_path, name, files, words):
    paths = [str(tmp_path / file) for file in files]
    with pytest.raises(gr.Error, match=words):
        made(page, shelf, name, paths)
    assert not shelf.list()


def test_a_file_brings_an_album_back_under_another_name(page, shelf, tmp_path):
    make(shelf)
    archive = shelf.export("Anna", tmp_path)
    [updates] = making._taken_in(page.making, page.albums, shelf, [str(archive)], "Bea")
    assert sorted(album.name for album in shelf.list()) == ["Anna", "Bea"]
    assert updates[page.chooser.name]["value"] == "Bea"


def test_without_a_file_there_is_nothing_to_take_in(page, shelf):
    with pytest.raises(BadAlbumError, match="Choose the file of an album first"):
        list(making._taken_in(page.making, page.albums, shelf, [], ""))


def test_files_that_were_not_uploaded_are_refused(tmp_path):
    from gradio.data_classes import FileData, ListFiles

    payload = ListFiles(root=[FileData(path=drawn(tmp_path, "a.png"))])
    with pytest.raises(gr.Error, match="The file has to be uploaded to this page first"):
        UploadedFiles(file_count="multiple").preprocess(payload)


# --- keeping


def kept(act, page, shelf, *values):
    return tried(act, page.keeping, page.albums, shelf, *values)


def test_an_album_gets_another_name_and_stays_chosen(page, shelf):
    make(shelf)
    updates = kept(album_keeping.renamed, page, shelf, "Anna", "Bea")
    assert updates[page.chooser.name]["value"] == "Bea"


def test_an_album_is_written_to_a_file_for_download(page, shelf):
    make(shelf)
    updates = kept(album_keeping.exported, page, shelf, "Anna")
    assert updates[page.keeping.download]["label"] == "Download Anna.zip"


def test_of_an_album_one_file_takes_the_disk_whatever_its_names(page, shelf, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    make(shelf)
    kept(album_keeping.exported, page, shelf, "Anna")
    shelf.rename("Anna", "Bea")
    kept(album_keeping.exported, page, shelf, "Bea")
    assert [one.name for one in (tmp_path / "served").rglob("*.zip")] == ["Bea.zip"]


def test_deleting_asks_first(page, shelf):
    make(shelf)
    updates = kept(album_keeping.asked, page, shelf, "Anna")
    assert "Delete “Anna” with its 2 pictures?" in updates[page.keeping.question]
    assert shelf.list()


def test_what_was_asked_about_is_deleted(page, shelf):
    make(shelf)
    updates = kept(album_keeping.deleted, page, shelf, "Anna", "Anna")
    assert not shelf.list()
    assert updates[page.chooser.name]["value"] == NONE


@pytest.mark.parametrize("meant", ["Bea", NONE])
def test_nothing_else_is_deleted(page, shelf, meant):
    make(shelf)
    make(shelf, "Bea")
    updates = kept(album_keeping.deleted, page, shelf, "Anna", meant)
    assert "press Delete again" in updates[page.keeping.said]
    assert len(shelf.list()) == 2


def test_an_album_can_be_kept_after_all(page, shelf):
    updates = kept(album_keeping.kept, page, shelf, "Anna")
    assert not updates[page.keeping.asking]["visible"]


@pytest.mark.parametrize("act", [album_keeping.exported, album_keeping.asked])
def test_without_an_album_one_is_asked_for(page, shelf, act):
    with pytest.raises(gr.Error, match="Choose an album first"):
        kept(act, page, shelf, NONE)


def test_an_album_in_use_is_not_deleted(page, shelf):
    with albums.busy(make(shelf)), pytest.raises(gr.Error, match="most likely it is being trained"):
        kept(album_keeping.deleted, page, shelf, "Anna", "Anna")


# --- served


@pytest.fixture
def address(folders, public):
    with served({"gen2res": METHODS["gen2res"]}) as address:
        yield address


def test_an_album_of_one_session_cannot_be_used_by_another(address, tmp_path):
    picture = handle_file(drawn(tmp_path, "a.png"))
    one, two = (Client(address, verbose=False) for _ in range(2))
    one.predict("Anna", [picture], False, api_name="/make_album")
    with pytest.raises(AppError, match="The album Anna is not trained yet"):
        one.predict(picture, album="Anna", api_name="/gen2res")
    with pytest.raises(AppError, match='There is no album "Anna", and no other'):
        two.predict(picture, album="Anna", api_name="/gen2res")
