"""Albums: whole or not there at all, of their owner only, and in nobody's way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from pydantic import ValidationError

from restoration import album_manifest, runtime, weights
from restoration.album_folder import BEING_DELETED, BEING_MADE
from restoration.albums import (
    Album,
    Shelf,
    Square,
    Training,
    busy,
    forget_old,
    read_uploads,
    shelf,
    trained,
    weights_for,
)
from restoration.errors import BadAlbumError
from restoration.image_io import Picture, read
from restoration.protocol import Variant
from tests.odd_files import drawn, encoded, png

PICTURE = read(drawn(24, 40))
TRAINING = Training(
    way="low-rank", variant="mini", base="a" * 64, steps=3, planned=9, seconds=1.5, loss=0.1,
    finished=False, sha256="b" * 64,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))


@pytest.fixture
def mine() -> Shelf:
    return shelf()


@pytest.fixture
def anna(mine: Shelf) -> Album:
    return mine.make("Anna", [PICTURE, PICTURE])


def names(on: Shelf) -> list[str]:
    return [album.name for album in on.list()]


def left_over(on: Shelf) -> list[str]:
    """What is on a shelf beside albums and locks."""
    folders = [path.name for path in on.folder.iterdir() if path.is_dir()]
    return [name for name in folders if name.startswith(".")]


# What is kept


def test_an_album_is_found_under_its_name(mine: Shelf, anna: Album) -> None:
    assert mine.open("Anna") == anna


def test_the_page_can_list_albums_without_loading_torch() -> None:
    code = "import sys, restoration.albums as a; a.shelf().list(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_middle_of_a_picture_is_marked_at_first(anna: Album) -> None:
    assert anna.manifest.pictures[0].square == Square(left=8, top=0, side=24)


def test_squares_are_cut_out_of_the_pictures_to_the_last_bit(anna: Album) -> None:
    first, _ = anna.squares()
    assert torch.equal(first, PICTURE.image[..., 8:32])


def test_pictures_of_different_sizes_go_into_one_album(mine: Shelf) -> None:
    sizes = [(24, 40), (64, 16), (31, 33)]
    album = mine.make("Sizes", [read(drawn(*size)) for size in sizes])
    assert [one.shape[-1] for one in album.squares()] == [24, 16, 31]


def test_one_picture_makes_an_album(mine: Shelf) -> None:
    assert len(mine.make("One", [PICTURE]).squares()) == 1


def test_an_album_keeps_the_shape_of_a_large_picture_and_not_its_size(mine: Shelf) -> None:
    album = mine.make("Large", [Picture(torch.rand(1, 3, 64, 4096))])
    assert Image.open(album.picture(0)).size == (2048, 32)


def test_a_turned_photo_is_kept_upright(mine: Shelf, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.png").write_bytes(encoded(drawn(24, 40), "PNG", exif=exif))
    pictures, _ = read_uploads([tmp_path / "a.png"])
    kept = Image.open(mine.make("Turned", pictures).picture(0))
    np.testing.assert_array_equal(kept, np.rot90(drawn(24, 40), -1))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_whatever_comes_is_kept_in_eight_bits_of_rgb(
    mine: Shelf, channels: int, kind: type[np.uint8 | np.uint16]
) -> None:
    deep = drawn(24, 40, channels).astype(kind) * (np.iinfo(kind).max // 255)
    picture = read(png(deep.astype(kind)))
    (square,) = mine.make("Any", [picture]).squares()
    torch.testing.assert_close(square, picture.image[..., 8:32], atol=0.5 / 255 + 1e-6, rtol=0)


def test_a_thumbnail_shows_the_marked_square(mine: Shelf) -> None:
    picture = torch.zeros(1, 3, 100, 200)
    picture[..., :50] = 1
    album = mine.make("Half", [Picture(picture)])
    before = np.asarray(Image.open(album.thumbnail(0))).mean()
    album = mine.crop("Half", 0, Square(left=0, top=10, side=50))
    after = np.asarray(Image.open(album.thumbnail(0)))
    assert after.shape == (96, 96, 3)
    assert (before < 5, after.mean() > 250) == (True, True)


def test_another_square_is_remembered(mine: Shelf, anna: Album) -> None:
    mine.crop("Anna", 1, Square(left=3, top=2, side=20))
    assert torch.equal(mine.open("Anna").squares()[1], PICTURE.image[..., 2:22, 3:23])


def test_seeds_and_settings_of_a_generated_album_are_kept(mine: Shelf) -> None:
    settings = {"samples": 2, "guided": True, "scale": 0.3, "first": "diffbir"}
    mine.make("New", [PICTURE] * 2, kind="generated", seeds=(7, 8), settings=settings)
    found = mine.open("New").manifest
    assert [entry.seed for entry in found.pictures] == [7, 8]
    assert (found.kind, found.settings) == ("generated", settings)


def test_a_seed_for_each_picture_or_none(mine: Shelf) -> None:
    with pytest.raises(ValueError, match="shorter"):
        mine.make("New", [PICTURE] * 2, seeds=(7,))


def test_the_newest_album_stands_first(mine: Shelf) -> None:
    for name in "bca":
        mine.make(name, [PICTURE])
        time.sleep(0.002)
    assert names(mine) == ["a", "c", "b"]


def test_a_hundred_albums_are_listed_in_an_instant(mine: Shelf, anna: Album) -> None:
    for number in range(100):
        folder = mine.folder / f"{number:016}"
        folder.mkdir()
        album_manifest.write(folder, anna.manifest.model_copy(update={"name": f"{number}"}))
    start = time.perf_counter()
    assert len(mine.list()) == 101
    assert time.perf_counter() - start < 0.5


# Names


@pytest.mark.parametrize("name", ["Anna", "Ünï çødé 2", "祖母", "A-b_c. d", "x" * 60, " a  b "])
def test_letters_of_any_script_make_a_name(mine: Shelf, name: str) -> None:
    assert mine.make(name, [PICTURE]).name == " ".join(name.split())


def test_the_name_is_no_part_of_a_path(mine: Shelf) -> None:
    album = mine.make("..Anna..", [PICTURE])
    assert album.folder.parent == mine.folder
    assert set(album.folder.name) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "The album has no name: give it one"),
        (" \t\n", "The album has no name"),
        ("x" * 61, "too long: 60 characters are the most"),
        ("x" * 10**6, "too long"),
        ("../../etc", "../../etc cannot be the name of an album"),
        ("a/b", "letters and digits can"),
        ("a\\b", "cannot be the name"),
        ("a\0b", "cannot be the name"),
        ("<b>", "cannot be the name"),
        ("\u202eabc", "abc cannot be the name"),
        ("..", "cannot be the name"),
        ("\u200b", "This cannot be the name"),
    ],
)
def test_what_is_no_name_is_refused(mine: Shelf, name: str, sentence: str) -> None:
    with pytest.raises(BadAlbumError) as caught:
        mine.make(name, [PICTURE])
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", ["Anna", "anna", " AN NA ", "\uff21nna"])
def test_names_that_differ_in_case_and_spaces_only_collide(
    mine: Shelf, anna: Album, name: str
) -> None:
    with pytest.raises(BadAlbumError, match='There is an album "Anna" already: choose a name'):
        mine.make(name, [PICTURE])


def test_a_free_name_is_given_as_it_will_be_kept(mine: Shelf, anna: Album) -> None:
    assert mine.free("  Old   Anna ") == "Old Anna"
    with pytest.raises(BadAlbumError, match="already"):
        mine.free("ANNA")


def test_a_renamed_album_keeps_its_folder(mine: Shelf, anna: Album) -> None:
    assert mine.rename("anna", "Berta").folder == anna.folder
    assert names(mine) == ["Berta"]


def test_the_case_of_a_name_can_be_changed(mine: Shelf, anna: Album) -> None:
    mine.rename("Anna", "ANNA")
    assert names(mine) == ["ANNA"]


def test_a_name_cannot_be_taken_from_another_album(mine: Shelf, anna: Album) -> None:
    mine.make("Berta", [PICTURE])
    with pytest.raises(BadAlbumError, match='There is an album "Anna" already'):
        mine.rename("Berta", "anna")


def test_two_who_take_a_name_at_once_do_not_both_get_it(mine: Shelf) -> None:
    def late() -> Iterator[Picture]:
        yield PICTURE
        mine.make("Anna", [PICTURE])

    with pytest.raises(BadAlbumError, match="already"):
        mine.make("Anna", late())
    assert (names(mine), left_over(mine)) == (["Anna"], [])


@pytest.mark.parametrize(
    "ask",
    [Shelf.open, Shelf.delete, lambda on, name: on.rename(name, "x")],
    ids=["open", "delete", "rename"],
)
def test_an_album_that_is_not_there_is_answered_with_those_that_are(
    mine: Shelf, anna: Album, ask: Callable[[Shelf, str], object]
) -> None:
    with pytest.raises(BadAlbumError, match=r'There is no album "Ann"\. There are: Anna\.'):
        ask(mine, "Ann")


def test_on_an_empty_shelf_one_is_told_to_make_an_album(mine: Shelf) -> None:
    with pytest.raises(BadAlbumError, match='There is no album "A", and no other: make one first'):
        mine.open("A")


# Uploads


def test_no_pictures_are_refused(mine: Shelf) -> None:
    with pytest.raises(BadAlbumError, match="An album needs pictures: give at least one"):
        mine.make("None", [])


def test_a_source_that_gives_no_pictures_is_refused(mine: Shelf) -> None:
    with pytest.raises(BadAlbumError, match="An album needs pictures"):
        mine.make("None", iter(()))
    assert left_over(mine) == []


def test_an_upload_of_nothing_is_refused() -> None:
    with pytest.raises(BadAlbumError, match="An album needs pictures"):
        read_uploads([])


def test_ten_thousand_files_are_refused_before_one_is_read() -> None:
    with pytest.raises(BadAlbumError, match="10000 pictures and an album has 200 at most"):
        read_uploads(["there is no such file.png"] * 10_000)


def test_ten_thousand_pictures_are_refused_before_one_is_kept(mine: Shelf) -> None:
    with pytest.raises(BadAlbumError, match="These are 10000 pictures and an album has 200"):
        mine.make("Many", [PICTURE] * 10_000)
    assert not mine.folder.exists()


@pytest.mark.slow
def test_pictures_without_end_are_refused_at_the_201st(mine: Shelf) -> None:
    with pytest.raises(BadAlbumError, match="201 pictures and an album has 200 at most"):
        mine.make("Many", iter(lambda: PICTURE, None))
    assert left_over(mine) == []


def test_files_that_cannot_be_read_are_named_and_the_others_kept(
    mine: Shelf, tmp_path: Path
) -> None:
    (tmp_path / "good.png").write_bytes(png(drawn(24, 40)))
    (tmp_path / "cut.png").write_bytes(png(drawn(24, 40))[:60])
    (tmp_path / "tiny.png").write_bytes(png(drawn(12, 40)))
    files = [tmp_path / name for name in ("cut.png", "good.png", "tiny.png", "gone.png")]
    pictures, refusals = read_uploads(files)
    album = mine.make("Some", pictures)
    assert [entry.title for entry in album.manifest.pictures] == ["good"]
    assert [text.split(":")[0] for text in refusals] == ["cut.png", "tiny.png", "gone.png"]
    assert "40x12, which is too narrow to learn from: 16 pixels are the least" in refusals[1]


def test_where_no_file_can_be_read_the_first_three_are_named(mine: Shelf, tmp_path: Path) -> None:
    files = [tmp_path / f"{letter}.txt" for letter in "abcde"]
    for path in files:
        path.write_text("hello")
    with pytest.raises(BadAlbumError) as caught:
        mine.make("None", read_uploads(files)[0])
    said = str(caught.value)
    assert said.startswith("None of the pictures can be used. a.txt: The file is a text, not a")
    assert said.endswith("2 more cannot be used either.")
    assert ("c.txt" in said, "d.txt" in said, str(tmp_path) in said) == (True, False, False)


def test_a_picture_too_narrow_is_refused_by_name(mine: Shelf) -> None:
    with pytest.raises(BadAlbumError, match="Line: The picture is 40x8, which is too narrow"):
        mine.make("Line", [Picture(torch.rand(1, 3, 8, 40), name="Line")])


# Squares


@pytest.mark.parametrize(
    ("square", "sentence"),
    [
        ((-1, 0, 20), r"from \(-1, 0\) to \(19, 20\) is not inside the picture, which is 40x24"),
        ((0, -1, 20), "is not inside the picture"),
        ((21, 0, 20), "is not inside the picture"),
        ((0, 5, 20), "is not inside the picture"),
        ((0, 0, 0), "is not inside the picture"),
        ((0, 0, -5), "is not inside the picture"),
        ((10**30, 0, 16), "is not inside the picture"),
        ((0, 0, 15), "a side of 15 pixels, and 16 is the least"),
    ],
)
def test_a_square_outside_of_the_picture_is_refused(
    mine: Shelf, anna: Album, square: tuple[int, int, int], sentence: str
) -> None:
    left, top, side = square
    with pytest.raises(BadAlbumError, match=sentence):
        mine.crop("Anna", 0, Square(left=left, top=top, side=side))
    assert mine.open("Anna") == anna


@pytest.mark.parametrize("index", [-1, 2])
def test_a_picture_that_is_not_there_cannot_be_cropped(
    mine: Shelf, anna: Album, index: int
) -> None:
    with pytest.raises(BadAlbumError, match=f"has no picture {index + 1}: it has 2"):
        mine.crop("Anna", index, Square(left=0, top=0, side=20))


def test_a_picture_that_was_taken_away_is_missed(anna: Album) -> None:
    anna.picture(1).unlink()
    with pytest.raises(BadAlbumError, match='"picture" of this album is gone or damaged'):
        anna.squares()


# Training


def test_a_trained_album_has_weights(mine: Shelf, anna: Album) -> None:
    (anna.folder / "weights.safetensors").write_bytes(b"0")
    album = mine.record(anna, TRAINING)
    assert album == mine.open("Anna")
    assert album.weights == anna.folder / "weights.safetensors"
    assert trained(album) == TRAINING


@pytest.mark.parametrize("training", [None, TRAINING])
def test_an_album_without_weights_is_not_trained(anna: Album, training: Training | None) -> None:
    album = Album(anna.folder, anna.manifest.model_copy(update={"training": training}))
    assert album.weights is None
    with pytest.raises(BadAlbumError, match="The album Anna is not trained yet: train it first"):
        trained(album)


def test_a_record_does_not_undo_what_was_changed_meanwhile(mine: Shelf, anna: Album) -> None:
    mine.rename("Anna", "Berta")
    assert mine.record(anna, TRAINING).name == "Berta"


def test_the_state_of_training_lies_in_the_album(anna: Album) -> None:
    assert anna.state.parent == anna.folder


def variant(name: str) -> Variant:
    return Variant(name, name, "", ("mini-prior64",))


def trained_on(anna: Album, base: str) -> Album:
    (anna.folder / "weights.safetensors").write_bytes(b"0")
    training = TRAINING.model_copy(update={"base": base})
    return Album(anna.folder, anna.manifest.model_copy(update={"training": training}))


def test_an_album_lends_its_weights_to_the_prior_it_was_trained_on(anna: Album) -> None:
    album = trained_on(anna, weights.fingerprint(weights.locate("mini-prior64")))
    assert weights_for(album, variant("mini")) == album.weights


def test_an_album_lends_nothing_to_another_prior(anna: Album) -> None:
    with pytest.raises(BadAlbumError, match="trained on the prior mini, which it cannot lend to x"):
        weights_for(trained_on(anna, "a" * 64), variant("x"))


def test_an_album_lends_nothing_to_a_prior_that_has_changed(anna: Album) -> None:
    with pytest.raises(BadAlbumError, match="on another version of the prior mini: train it again"):
        weights_for(trained_on(anna, "a" * 64), variant("mini"))


@pytest.mark.parametrize("wrong", [{"loss": float("nan")}, {"base": "x"}, {"steps": -1}])
def test_a_training_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Training.model_validate(TRAINING.model_dump() | wrong)


# In use


@pytest.mark.parametrize(
    "ask",
    [
        lambda on: on.delete("Anna"),
        lambda on: on.rename("Anna", "Berta"),
        lambda on: on.crop("Anna", 0, Square(left=0, top=0, side=20)),
        lambda on: on.export("Anna", on.folder / "a.zip"),
    ],
    ids=["delete", "rename", "crop", "export"],
)
def test_an_album_in_use_is_left_alone(
    mine: Shelf, anna: Album, ask: Callable[[Shelf], object]
) -> None:
    with busy(anna), pytest.raises(BadAlbumError, match="The album Anna is in use, most likely"):
        ask(mine)
    assert mine.open("Anna") == anna


def test_an_album_is_trained_once_at_a_time(anna: Album) -> None:
    with busy(anna), pytest.raises(BadAlbumError, match="wait until that is done, or stop it"):
        busy(anna).__enter__()


def test_an_album_that_another_process_trains_is_in_use(mine: Shelf, anna: Album) -> None:
    code = (
        "from restoration.albums import shelf, busy\n"
        "with busy(shelf().open('Anna')): print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BadAlbumError, match="is in use"):
            mine.delete("Anna")
        other.kill()
    mine.delete("Anna")
    assert names(mine) == []


def test_an_album_is_free_again_when_training_ends_in_another_thread(
    mine: Shelf, anna: Album
) -> None:
    def work() -> Iterator[None]:
        with busy(anna):
            yield

    steps = work()
    in_a_thread(lambda: next(steps))
    in_a_thread(steps.close)
    mine.delete("Anna")
    assert names(mine) == []


def in_a_thread(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_while_it_is_busy_an_album_is_seen_as_it_is_now(mine: Shelf, anna: Album) -> None:
    mine.rename("Anna", "Berta")
    with busy(anna) as now:
        assert now.name == "Berta"


def test_a_deleted_album_cannot_be_used(mine: Shelf, anna: Album) -> None:
    mine.delete("Anna")
    with pytest.raises(BadAlbumError, match="There is no such album any more"):
        busy(anna).__enter__()
    assert left_over(mine) == []


def test_whoever_waits_too_long_for_the_shelf_is_told_so(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("restoration.album_folder.PATIENCE", 0.01)
    with (
        FileLock(mine.folder / ".lock"),
        pytest.raises(BadAlbumError, match="The albums are being changed elsewhere: try again"),
    ):
        mine.rename("Anna", "Berta")


# Accidents


def failing(error: OSError, after: int) -> Callable[[Path, bytes], int]:
    """`Path.write_bytes` on a disk that has room for so many files."""
    write, left = Path.write_bytes, iter(range(after))

    def full(path: Path, data: bytes) -> int:
        if next(left, None) is None:
            write(path, data[:10])
            raise error
        return write(path, data)

    return full


@pytest.mark.parametrize("room", range(4))
def test_on_a_full_disk_nothing_half_made_stays(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    no_room = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Path, "write_bytes", failing(no_room, room))
    with pytest.raises(BadAlbumError, match="The disk is full: the album is not kept"):
        mine.make("Berta", [PICTURE] * 2)
    assert (names(mine), left_over(mine)) == (["Anna"], [])


def test_on_a_full_disk_an_album_stays_as_it_was(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BadAlbumError, match="The disk is full: the change is not kept"):
        mine.record(anna, TRAINING)
    assert mine.open("Anna") == anna


def test_on_a_full_disk_a_thumbnail_stays_as_it_was(
    mine: Shelf, anna: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = anna.thumbnail(0).read_bytes()
    no_room = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(Path, "write_bytes", failing(no_room, 0))
    with pytest.raises(BadAlbumError, match="The disk is full"):
        mine.crop("Anna", 0, Square(left=0, top=0, side=20))
    assert anna.thumbnail(0).read_bytes() == before
    assert mine.open("Anna") == anna


def test_a_folder_that_cannot_be_written_is_said_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(BadAlbumError) as caught:
        shelf().make("Anna", [PICTURE])
    assert str(caught.value) == "The albums cannot be written or read: Not a directory."


@pytest.mark.parametrize("mark", [BEING_MADE, BEING_DELETED])
def test_what_a_crash_left_is_swept_away_with_the_next_album(
    mine: Shelf, anna: Album, mark: str
) -> None:
    (mine.folder / f"{mark}0123" / "pictures").mkdir(parents=True)
    assert names(mine) == ["Anna"]
    mine.make("Berta", [PICTURE])
    assert left_over(mine) == []


def test_an_album_that_is_being_made_is_not_swept_away(mine: Shelf) -> None:
    def slow() -> Iterator[Picture]:
        yield PICTURE
        mine.make("Fast", [PICTURE])
        yield PICTURE

    assert len(mine.make("Slow", slow()).squares()) == 2
    assert sorted(names(mine)) == ["Fast", "Slow"]


@pytest.mark.parametrize("text", ["", "{}", '{"format": 2}', " " * 2**21])
def test_a_broken_album_is_left_out(mine: Shelf, anna: Album, text: str) -> None:
    mine.make("Berta", [PICTURE])
    (anna.folder / "album.json").write_text(text)
    assert names(mine) == ["Berta"]


def test_a_stray_file_on_the_shelf_is_no_album(mine: Shelf, anna: Album) -> None:
    (mine.folder / "notes.txt").write_text("hello")
    assert names(mine) == ["Anna"]


# Owners


def test_sessions_do_not_see_each_others_albums() -> None:
    shelf("first").make("Anna", [PICTURE])
    assert (names(shelf("first")), names(shelf("second")), names(shelf())) == (["Anna"], [], [])


@pytest.mark.parametrize("owner", ["../local", "/etc", "a" * 10_000, "\0", "💥"])
def test_what_a_session_is_called_is_no_part_of_a_path(owner: str, tmp_path: Path) -> None:
    assert shelf(owner).folder.parent == tmp_path / "data" / "albums" / "sessions"
    assert len(shelf(owner).folder.name) == 32


def test_a_session_without_identity_gets_no_shelf() -> None:
    with pytest.raises(ValueError, match="would share its albums with others"):
        shelf("")


def age(on: Shelf, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(on.folder, (then, then))


def test_the_albums_of_a_session_long_gone_are_forgotten(mine: Shelf, anna: Album) -> None:
    old, new = shelf("old"), shelf("new")
    for one in (old, new):
        one.make("Anna", [PICTURE])
    age(old, 100)
    age(mine, 1000)
    assert forget_old(60) == 1
    assert (old.folder.exists(), names(new), names(mine)) == (False, ["Anna"], ["Anna"])


def test_whoever_asks_for_a_shelf_still_uses_it() -> None:
    shelf("me").make("Anna", [PICTURE])
    age(shelf("me"), 100)
    shelf("me")
    assert forget_old(60) == 0


def test_a_session_that_trains_is_not_forgotten() -> None:
    album = shelf("me").make("Anna", [PICTURE])
    age(shelf("me"), 100)
    with busy(album):
        assert forget_old(60) == 0
    assert names(shelf("me")) == ["Anna"]


def test_where_no_session_ever_was_none_is_forgotten() -> None:
    assert forget_old(0) == 0


# The machine


def test_albums_are_kept_below_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESTORATION_DATA")
    assert runtime.data_folder().is_relative_to(Path.home())


@pytest.mark.parametrize(
    ("variable", "value", "is_public"),
    [
        ("RESTORATION_PUBLIC", "1", True),
        ("RESTORATION_PUBLIC", "True", True),
        ("RESTORATION_PUBLIC", "0", False),
        ("RESTORATION_PUBLIC", "", False),
        ("SPACE_ID", "somebody/hub", True),
    ],
)
def test_a_host_is_public_where_it_is_said_or_on_spaces(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, is_public: bool
) -> None:
    for name in ("RESTORATION_PUBLIC", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert runtime.is_public() is is_public
