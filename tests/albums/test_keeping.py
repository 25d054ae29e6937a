"""What goes into an album comes out as it was."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from restoration import weights
from restoration.albums import (
    Album,
    Shelf,
    Square,
    Training,
    manifest,
    read_uploads,
    trained,
    weights_for,
)
from restoration.errors import BadAlbumError
from restoration.image_io import Picture, read
from restoration.protocol import Variant
from tests.albums.shelves import PICTURE, TRAINING, names
from tests.odd_files import drawn, encoded, png


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
        manifest.write(folder, anna.manifest.model_copy(update={"name": f"{number}"}))
    start = time.perf_counter()
    assert len(mine.list()) == 101
    assert time.perf_counter() - start < 0.5


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


def test_albums_of_more_than_the_hub_keeps_are_refused(
    mine: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.make("A", [Picture(torch.rand(1, 3, 700, 700))])
    monkeypatch.setenv("RESTORATION_MAX_ALBUMS_MB", "1")
    with pytest.raises(BadAlbumError, match="and 1 MB is the most this hub keeps for one visitor"):
        mine.make("B", [Picture(torch.rand(1, 3, 20, 20))])
    assert [album.name for album in mine.list()] == ["A"]
    assert len([path for path in mine.folder.glob("*") if path.is_dir()]) == 1
