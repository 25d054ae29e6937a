"""Albums on the command line: made, generated, trained, carried, deleted; an error is a line."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from restoration.__main__ import main
from restoration.albums import Shelf, Training, busy, shelf
from restoration.albums import commands as album_commands
from restoration.methods import gen2res
from restoration.protocol import Restorer, Step
from restoration.recipe import read_recipe
from restoration.runtime import the_runtime
from restoration.training import albums as training_albums
from tests.odd_files import drawn, png

TRAINING = Training(
    way="low-rank", variant="mini", base="a" * 64, steps=3, planned=9, seconds=1.5, loss=0.125,
    finished=False, sha256="b" * 64,
)  # fmt: skip
TRAINED_ELSEWHERE = TRAINING.model_copy(update={"variant": "imagenet"})
FEW = ("--steps", "2", "--batch", "1", "--rank", "2", "--variant", "mini")


@pytest.fixture(autouse=True)
def _ctrl_c():
    """As in a terminal; in the background of a shell it would be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("RESTORATION_DATA", str(folder))
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for name in ("b.png", "a.png"):
        (folder / name).write_bytes(png(drawn(72, 80)))
    return folder


@pytest.fixture
def anna(photos: Path) -> Shelf:
    assert main(["album", "make", "Anna", str(photos)]) == 0
    return shelf()


@pytest.fixture(scope="module")
def mini() -> Restorer:
    """The bundled prior, loaded beforehand: its libraries alone take long the first time."""
    return the_runtime().restorer(gen2res.METHOD, gen2res.METHOD.variants[-1])


def pretend(on: Shelf, training: Training) -> None:
    """Note a training that was never made."""
    album = on.record(on.open("Anna"), training)
    (album.folder / "weights.safetensors").write_bytes(b"")


def said(capsys, *args):
    capsys.readouterr()
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


def names(on: Shelf) -> list[str]:
    return [album.name for album in on.list()]


def test_the_command_line_starts_without_torch():
    code = "import sys, restoration.__main__; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Made


def test_an_album_is_made_of_files_and_folders(capsys, photos):
    (photos / ".hidden").write_bytes(b"")
    code, out, err = said(capsys, "album", "make", "Anna", photos, photos / "a.png")
    assert (code, out, err) == (0, "Anna: 3 pictures, not trained\n", "")
    titles = [entry.title for entry in shelf().open("Anna").manifest.pictures]
    assert titles == ["a", "b", "a"]


def test_what_is_no_picture_is_named_and_left_out(capsys, photos):
    (photos / "notes.txt").write_text("not a picture")
    code, out, err = said(capsys, "album", "make", "Anna", photos)
    assert (code, out) == (0, "Anna: 2 pictures, not trained\n")
    assert re.fullmatch(r"left out: notes\.txt: .+\n", err)


def test_an_album_is_generated_from_a_degraded_picture(capsys, photos, mini):
    args = ("--samples", "2", "--steps", "2", "--variant", "mini", "--seed", "7")
    code, out, _ = said(capsys, "album", "generate", "Self", photos / "a.png", *args)
    assert (code, out) == (0, "Self: 2 generated pictures, not trained\n")
    assert [entry.seed for entry in shelf().open("Self").manifest.pictures] == [7, 8]


def test_the_result_of_another_method_can_be_generated_from(capsys, photos, mini):
    args = ("--samples", "1", "--steps", "2", "--variant", "mini", "--first", "diffbir")
    assert said(capsys, "album", "generate", "Self", photos / "a.png", *args)[0] == 0
    assert shelf().open("Self").manifest.settings["first"] == "diffbir"


def test_ctrl_c_leaves_nothing_of_an_album_that_is_generated(capsys, photos, mini):
    before = signal.getsignal(signal.SIGINT)

    def press():
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    args = (photos / "a.png", "--steps", "200", "--variant", "mini")
    code, out, err = said(capsys, "album", "generate", "Self", *args)
    assert (code, out) == (130, "")
    assert err.endswith("stopped; no album is made\n")
    assert names(shelf()) == []


# Trained and used


@pytest.mark.slow
def test_an_album_is_trained_and_restores(capsys, anna, photos, tmp_path):
    code, out, _ = said(capsys, "album", "train", "anna", *FEW, "--test", photos / "a.png")
    shown, line = out.splitlines()
    assert (code, shown) == (0, str(photos / "a-restored.png"))
    assert re.fullmatch(r"Anna: 2 pictures, trained on mini \(low-rank, 2 steps in .*\)", line)
    target = tmp_path / "out.png"
    args = (photos / "b.png", target, "--album", "Anna", "--steps", "2", "--seed", "1")
    code, out, _ = said(capsys, "restore", "gen2res", *args)
    assert (code, out.startswith(f"{target}: mini (bundled), seed 1")) == (0, True)
    album = anna.open("Anna")
    assert read_recipe(target).inputs == {"album": album.manifest.training.sha256}


@pytest.mark.slow
def test_ctrl_c_stops_a_training_and_keeps_what_it_learned(capsys, anna, data, monkeypatch):
    monkeypatch.setattr(training_albums, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(training_albums, "SAVE_SHARE", 1.0)

    def press():
        deadline = time.monotonic() + 60
        while not any(data.rglob("training.pt")) and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=press).start()
    code, out, err = said(capsys, "album", "train", "Anna", *FEW, "--steps", "100000")
    assert code == 130
    assert err.endswith("stopped; what was learned is kept\n")
    assert out.startswith("Anna: 2 pictures, trained on mini (low-rank, ")
    assert anna.open("Anna").manifest.training.finished is False


def pressed_after(made):
    """Steps, Ctrl+C being pressed while a certain one is made."""
    for done in range(10):
        if done == made:
            signal.raise_signal(signal.SIGINT)
        yield Step(done, 10, "working", lambda: "a picture")


def test_ctrl_c_waits_for_the_end_of_a_step():
    before = signal.getsignal(signal.SIGINT)
    end = album_commands._watch(steps := pressed_after(3), "work", look=True)
    assert end == album_commands.End(stopped=True, picture="a picture")
    assert list(steps) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_pressed_again_waits_for_nothing():
    def impatient():
        yield Step(1, 2, "working", lambda: None)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        yield Step(2, 2, "working", lambda: None)

    with pytest.raises(KeyboardInterrupt):
        album_commands._watch(impatient(), "work")


# Listed, carried, deleted


def test_albums_are_listed_with_what_was_learned(capsys, anna):
    pretend(anna, TRAINING)
    _, out, _ = said(capsys, "album", "list")
    assert out == ("Anna: 2 pictures, trained on mini (low-rank, 3 steps in 2 s, loss 0.125)\n")


def test_where_there_are_no_albums_it_is_said_how_one_is_made(capsys):
    assert said(capsys, "album", "list") == (
        0, "", "there are no albums yet: `album make NAME PICTURES` makes one\n",
    )  # fmt: skip


def test_an_album_gets_another_name(capsys, anna):
    assert said(capsys, "album", "rename", "Anna", "Aunt")[0] == 0
    assert names(anna) == ["Aunt"]


def test_an_album_is_carried_elsewhere(capsys, anna, tmp_path, monkeypatch):
    target = tmp_path / "anna.zip"
    assert said(capsys, "album", "export", "Anna", target)[:2] == (0, f"{target}\n")
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "elsewhere"))
    code, out, _ = said(capsys, "album", "import", target, "--name", "Hers")
    assert (code, out) == (0, "Hers: 2 pictures, not trained\n")


def test_an_album_is_deleted_without_a_question_if_told_so(capsys, anna):
    assert said(capsys, "album", "delete", "Anna", "--yes")[:2] == (0, "Anna is deleted\n")
    assert names(anna) == []


@pytest.mark.parametrize(("answer", "left"), [("y", []), ("n", ["Anna"]), ("", ["Anna"])])
def test_an_album_is_deleted_if_the_user_agrees(answer, left, capsys, anna, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    _, out, _ = said(capsys, "album", "delete", "Anna")
    assert out.startswith("Delete Anna: 2 pictures, not trained? [y/N] Anna is ")
    assert names(anna) == left


def test_nothing_is_deleted_where_nobody_can_agree(capsys, anna, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    code, _, err = said(capsys, "album", "delete", "Anna")
    assert (code, err) == (2, "error: nobody is there to be asked: give --yes to delete it\n")
    assert names(anna) == ["Anna"]


# What is wrong

WRONG = [
    (["make", "Ben"], "An album needs pictures: give at least one; 5 to 40 are a good number"),
    (["make", "Ben", "MORE"], "An album needs pictures"),
    (["make", "Ben", "nowhere.png"], r"None of the pictures can be used\. nowhere\.png: "),
    (["make", "anna", "PHOTOS"], 'There is an album "Anna" already: choose a name that'),
    (["make", "../up", "PHOTOS"], r"\.\./up cannot be the name of an album"),
    (["make", "n" * 61, "PHOTOS"], "The name of the album is too long: 60"),
    (["generate", "Anna", "PICTURE"], 'There is an album "Anna" already'),
    (["generate", "Ben", "nowhere.png"], "nowhere.png"),
    (["train", "Ben"], r'There is no album "Ben"\. There are: Anna\.'),
    (["train", "Anna", "--test", "nowhere.png"], "nowhere.png"),
    (["train", "Anna", "--variant", "imagenet"], "256x256_diffusion_uncond.pt, which is not on"),
    (["train", "Anna", "--variant", "portraits"], "which shows its licence first"),
    (["rename", "Ben", "Bob"], 'There is no album "Ben"'),
    (["rename", "Anna", " "], "The album has no name"),
    (["delete", "Ben"], 'There is no album "Ben"'),
    (["export", "Ben", "ben.zip"], 'There is no album "Ben"'),
    (["import", "PICTURE"], "This is no album that was exported here"),
    (["import", "nowhere.zip"], "The archive cannot be read"),
]


@pytest.mark.parametrize(("args", "text"), WRONG, ids=[" ".join(args) for args, _ in WRONG])
def test_what_is_wrong_with_an_album_is_one_line_and_exit_code_1(args, text, capsys, anna, photos):
    real = {"PHOTOS": photos, "PICTURE": photos / "a.png", "MORE": photos / "more"}
    code, out, err = said(capsys, "album", *(real.get(arg, arg) for arg in args))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert re.match(r"error: ", err)
    assert re.search(text, err)
    assert names(anna) == ["Anna"]


def test_an_album_of_far_too_many_pictures_is_refused_unread(capsys, tmp_path):
    for number in range(201):
        (tmp_path / f"{number}.png").touch()
    code, _, err = said(capsys, "album", "make", "All", tmp_path)
    assert (code, "201 pictures and an album has 200 at most" in err) == (1, True)


@pytest.mark.parametrize(
    "words", ["delete Anna --yes", "rename Anna Ben", "export Anna out.zip", "train Anna"]
)
def test_an_album_in_use_is_left_alone(words, capsys, anna):
    with busy(anna.open("Anna")):
        code, _, err = said(capsys, "album", *words.split())
    assert code == 1
    assert err.endswith("it is being trained: wait until that is done, or stop it.\n")


@pytest.mark.parametrize(
    ("training", "text"),
    [
        (None, r"The album Anna is not trained yet: train it first\."),
        (TRAINING, "is trained on another version of the prior mini: train it again"),
        (TRAINED_ELSEWHERE, "is trained on the prior imagenet, which it cannot lend to mini"),
    ],
)
def test_an_album_that_cannot_help_is_refused(training, text, capsys, anna, photos, tmp_path):
    if training:
        pretend(anna, training)
    args = (photos / "a.png", tmp_path / "out.png", "--album", "Anna", "--variant", "mini")
    code, _, err = said(capsys, "restore", "gen2res", *args)
    assert (code, err.count("\n")) == (1, 1)
    assert re.search(text, err)


def test_an_unknown_album_is_told_with_the_known_ones(capsys, anna, photos, tmp_path):
    args = (photos / "a.png", tmp_path / "out.png", "--album", "Ben")
    code, _, err = said(capsys, "restore", "gen2res", *args)
    assert (code, err) == (1, 'error: There is no album "Ben". There are: Anna.\n')


def test_wrong_knobs_of_a_training_are_wrong_use(capsys, anna):
    code, _, err = said(capsys, "album", "train", "Anna", "--rank", "0")
    assert (code, err.startswith("error: rank: ")) == (2, True)


def test_a_wrong_seed_of_an_album_is_wrong_use(capsys, photos):
    args = ("--seed", "-1", "--samples", "1", "--steps", "2", "--variant", "mini")
    code, _, err = said(capsys, "album", "generate", "Self", photos / "a.png", *args)
    assert (code, err.startswith("error: seed: takes a whole number from 0 to ")) == (2, True)
    assert names(shelf()) == []
