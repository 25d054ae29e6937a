"""Names of albums: of any script, told apart, and never a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from restoration.albums import (
    Album,
    Shelf,
)
from restoration.errors import BadAlbumError
from restoration.image_io import Picture
from tests.albums.shelves import PICTURE, left_over, names


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
