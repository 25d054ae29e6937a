"""No archive of a stranger can do harm."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from restoration.albums import Shelf, archives
from restoration.image_io import Picture
from tests.albums.archives import (
    TENSORS,
    entry,
    members,
    packed,
    refusal,
    repacked,
    with_weights,
)
from tests.odd_files import drawn, encoded, png


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "it is no zip archive, or is damaged"),
        (b"hello", "it is no zip archive, or is damaged"),
        (png(drawn()), "it is no zip archive, or is damaged"),
        (b"PK\5\6" + bytes(18), "it has no album.json"),
    ],
    ids=["nothing", "text", "picture", "empty"],
)
def test_what_is_no_archive_is_refused(
    mine: Shelf, tmp_path: Path, data: bytes, sentence: str
) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert sentence in refusal(tmp_path / "a.zip", mine)


def test_an_archive_that_is_not_there_is_refused(mine: Shelf, tmp_path: Path) -> None:
    said = refusal(tmp_path / "a.zip", mine)
    assert said == "The archive cannot be read: No such file or directory."


def test_an_archive_cut_off_is_refused(mine: Shelf, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-100])
    assert "it is no zip archive, or is damaged" in refusal(archive, mine)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"format": 2}, "The album has format 2 and this hub reads up to 1: update the hub"),
        ({"format": 2, "new": 1}, "update the hub"),
        ({"format": "1"}, "album.json is not an album's: format: Input should be a valid int"),
        ({"new": 1}, "new: Extra inputs are not permitted"),
        ({"name": "../x"}, "name: Value error, ../x cannot be the name of an album"),
        ({"name": 1}, "name: Input should be a valid string"),
        ({"kind": "x"}, "kind: Input should be 'personal' or 'generated'"),
        ({"created": "now"}, "created: Value error, Invalid isoformat"),
        ({"pictures": []}, "pictures: Tuple should have at least 1 item"),
        ({"settings": {"a": [1]}}, "album.json is not an album's: settings"),
        ({"settings": {"a": "x" * 201}}, "album.json is not an album's: settings.a"),
        ({"settings": {f"{i}": i for i in range(101)}}, "at most 100 items"),
        ({"training": {}}, "training.way: Field required"),
    ],
)
def test_a_manifest_that_says_what_it_may_not_is_refused(
    mine: Shelf, archive: Path, changed: dict[str, object], sentence: str
) -> None:
    assert sentence in refusal(repacked(archive, **changed), mine)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([entry("../000.png")], "pictures.0.file: String should match pattern"),
        ([entry("000.png\n")], "pictures.0.file: String should match pattern"),
        ([entry("\u0660\u0660\u0660.png")], "pictures.0.file: String should match pattern"),
        ([entry()] * 2, "names a picture twice"),
        ([entry(), entry("009.png")], "not complete: its picture 009.png is missing"),
        ([entry(title="x" * 201)], "at most 200 characters"),
        ([entry(seed=-1)], "greater than or equal to 0"),
        ([entry(f"{i:03}.png") for i in range(201)], "at most 200 items"),
        ([entry(square={"left": 30, "top": 0, "side": 20})], "is not inside the picture"),
        ([entry(square={"left": 0, "top": 0, "side": 1.5})], "Input should be a valid integer"),
    ],
)
def test_pictures_that_cannot_be_are_refused(
    mine: Shelf, archive: Path, entries: list[dict[str, Any]], sentence: str
) -> None:
    assert sentence in refusal(repacked(archive, pictures=entries), mine)


def test_titles_come_in_without_marks_that_do_not_show(mine: Shelf, archive: Path) -> None:
    album = mine.take_in(repacked(archive, pictures=[entry(title="a\u202e\0\n b")]))
    assert album.manifest.pictures[0].title == "a b"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"{", "album.json is not valid JSON"),
        (b"\xff", "album.json is not valid JSON"),
        (b"[" * 100_000, "album.json is not valid JSON"),
        (b'{"format": NaN}', "album.json is not valid JSON"),
        (b"[]", "album.json is not an album's: everything: Input should be an object"),
        (b" " * (2**20 + 1), "album.json in it would have 1 MiB"),
    ],
)
def test_a_manifest_that_is_none_is_refused(
    mine: Shelf, archive: Path, text: bytes, sentence: str
) -> None:
    packed(archive, members(archive) | {"album.json": text})
    assert sentence in refusal(archive, mine)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/x", "..\\x", "C:/x", "\\x"])
def test_an_archive_that_wants_to_write_elsewhere_is_refused(
    mine: Shelf, archive: Path, name: str
) -> None:
    packed(archive, members(archive) | {name: b"x"})
    assert "a file that wants to lie outside of it" in refusal(archive, mine)


@pytest.mark.parametrize("name", ["album.json", "pictures/000.png", "weights.safetensors"])
def test_a_link_in_an_archive_is_refused(mine: Shelf, archive: Path, name: str) -> None:
    content = members(archive)
    link = zipfile.ZipInfo(name)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    del content[name]
    packed(archive, {**content, link: b"/etc/passwd"})
    assert f"{name} in it is a link or a folder" in refusal(archive, mine)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(mine: Shelf, archive: Path) -> None:
    again = zipfile.ZipInfo("album.json")
    packed(archive, {**members(archive), again: b"{}"})
    assert "two files of one name" in refusal(archive, mine)


def test_a_rare_way_of_packing_is_refused(mine: Shelf, archive: Path) -> None:
    packed(archive, members(archive), zipfile.ZIP_LZMA)
    assert "album.json in it is locked or packed in a rare way" in refusal(archive, mine)


def test_a_locked_archive_is_refused(mine: Shelf, archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    archive.write_bytes(data)
    assert "album.json in it is locked" in refusal(archive, mine)


@pytest.mark.parametrize(
    ("name", "size", "sentence"),
    [
        ("pictures/000.png", 17 * 2**20, "pictures/000.png in it would have 17 MiB"),
        ("weights.safetensors", 50 * 2**20, "weights.safetensors in it would have 50 MiB"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(
    mine: Shelf, archive: Path, name: str, size: int, sentence: str
) -> None:
    packed(archive, members(archive) | {name: bytes(size)}, zipfile.ZIP_DEFLATED)
    assert sentence in refusal(archive, mine)


def test_a_picture_that_is_larger_than_it_says_is_refused(mine: Shelf, archive: Path) -> None:
    content, noise = members(archive), np.random.default_rng(0).bytes(3 * 2**20)
    packed(archive, content | {"pictures/000.png": noise})
    data = bytearray(archive.read_bytes())
    size = len(noise).to_bytes(4, "little")
    for mark in (b"PK\3\4", b"PK\1\2"):
        place = data.index(size, data.index(b"pictures/000.png", data.index(mark)) - 30)
        data[place : place + 8] = (100).to_bytes(4, "little") * 2
    archive.write_bytes(data)
    assert "damaged" in refusal(archive, mine)


def test_a_picture_with_too_many_pixels_is_refused(mine: Shelf, archive: Path) -> None:
    wide = encoded(Image.new("L", (2049, 20)), "PNG")
    packed(archive, members(archive) | {"pictures/000.png": wide})
    assert "The picture 000.png of the archive: The picture is 2049x20" in refusal(archive, mine)


def test_what_is_no_picture_is_refused(mine: Shelf, archive: Path) -> None:
    packed(archive, members(archive) | {"pictures/001.png": b"#!/bin/sh"})
    assert "The picture 001.png of the archive: The file is" in refusal(archive, mine)


def test_pictures_are_written_anew(mine: Shelf, archive: Path) -> None:
    hidden = png(drawn(24, 40)) + b"<script>"
    packed(archive, members(archive) | {"pictures/000.png": hidden})
    assert b"<script>" not in mine.take_in(archive).picture(0).read_bytes()


def test_far_too_many_files_are_refused_before_they_are_listed(mine: Shelf, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {f"{i:0200}": b"" for i in range(5000)})
    assert "it holds far too many files" in refusal(path, mine)


def test_an_archive_beyond_the_limit_is_not_opened(
    mine: Shelf, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    assert "GiB and 9.31323e-08 is the most that is taken in" in refusal(archive, mine)


def test_weights_other_than_the_manifest_names_are_refused(mine: Shelf, archive: Path) -> None:
    said = refusal(with_weights(archive, TENSORS, "0" * 64), mine)
    assert said == "The archive is damaged: its weights are not those it was saved with."


def pickled() -> bytes:
    file = io.BytesIO()
    torch.save({"a": torch.ones(1)}, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\x80\x04K\x01.", pickled(), TENSORS[:-1], TENSORS + b"0", TENSORS[:20]],
    ids=["nothing", "text", "pickle", "torch", "cut off", "too long", "half a header"],
)
def test_weights_that_are_no_safetensors_are_refused(
    mine: Shelf, archive: Path, data: bytes
) -> None:
    assert "its weights are no safetensors file" in refusal(with_weights(archive, data), mine)


def test_weights_that_nothing_is_said_of_stay_behind(mine: Shelf, archive: Path) -> None:
    album = mine.take_in(repacked(archive, training=None))
    assert not (album.folder / "weights.safetensors").exists()


def test_an_album_that_lost_its_weights_is_not_trained(mine: Shelf, archive: Path) -> None:
    content = members(archive)
    del content["weights.safetensors"]
    assert mine.take_in(packed(archive, content)).manifest.training is None


def test_a_large_picture_survives_the_journey(mine: Shelf, tmp_path: Path) -> None:
    mine.make("Large", [Picture(torch.rand(1, 3, 100, 3000))])
    back = mine.take_in(mine.export("Large", tmp_path), name="Back")
    assert Image.open(back.picture(0)).size == (2048, 68)
