"""Pictures that come in: some, none, too many, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from restoration.albums import (
    Shelf,
    read_uploads,
)
from restoration.errors import BadAlbumError
from restoration.image_io import Picture
from tests.albums.shelves import PICTURE, left_over
from tests.odd_files import drawn, png


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
