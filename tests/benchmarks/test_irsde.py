"""The comparison of walks measures what it claims, each cell once."""

import argparse

import pytest
import torch

from benchmarks import irsde
from benchmarks.degradations import photograph
from benchmarks.guided import Book
from benchmarks.irsde import Place, confusion, middle, spoilt, table
from restoration import image_io
from restoration.image_io import Picture
from restoration.training.pairs import WORDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    image_io.write(folder / "one.png", Picture(photograph(80)))
    return folder


@pytest.fixture(scope="module")
def mini():
    return irsde.mini()


def measured(mini, folder, row, word="noisy"):
    return irsde.restored(mini, folder / "one.png", Place(row, word, "one.png", 64))


def asked(folder, **others):
    given = {"limit": 1, "limit_recognised": 1, "rows": ["fast-5", "fast-10"], "side": 64}
    return argparse.Namespace(photographs=folder, **{**given, **others})


def test_the_middle_of_a_photograph_is_restored_and_all_of_it_recognised(folder):
    assert middle(folder / "one.png", 64).shape == (1, 3, 64, 64)
    assert middle(folder / "one.png", 0).shape == (1, 3, 80, 80)


def test_a_clean_picture_is_not_spoilt(folder):
    clean = middle(folder / "one.png", 64)
    assert torch.equal(spoilt(clean, "clean", 0), clean)


def test_every_row_starts_from_the_same_degraded_picture(mini, folder):
    before = {measured(mini, folder, row)["psnr before"] for row in ("fast-5", "nothing", "wrong")}
    assert len(before) == 1


def test_what_is_told_makes_a_difference(mini, folder):
    found = {measured(mini, folder, row)["psnr"] for row in ("fast-10", "nothing", "wrong")}
    assert len(found) == 3


def test_a_wrong_word_is_never_the_right_one():
    assert all(irsde._wrong(word, seed) != word for word in WORDS for seed in range(20))


def test_a_clean_picture_is_walked_once_for_each_way_that_users_take(folder):
    places = irsde.places_of(asked(folder))
    assert [place.row for place in places if place.side and place.word == "clean"] == ["fast-10"]


def test_every_cell_is_measured_once(folder, tmp_path, monkeypatch):
    places = irsde.places_of(asked(folder))[:2]
    irsde.fill(Book(tmp_path / "cells.jsonl", Place), places, folder)
    monkeypatch.setattr(irsde, "recognised", None)
    again = Book(tmp_path / "cells.jsonl", Place)
    irsde.fill(again, places, folder)
    assert list(again.cells) == places


def test_the_confusion_counts_what_was_said():
    cells = {Place("recognised", "noisy", "a"): {word: float(word == "hazy") for word in WORDS}}
    lines = confusion(cells).splitlines()
    assert lines[2] == "| noisy | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 0 |"
    assert lines[-1] == "0 of 1 right (0.0%)."


def test_the_table_has_means_over_pictures():
    cells = {
        Place("fast-10", "noisy", name, 64): {"psnr before": 20.0, "psnr": value}
        for name, value in (("a", 24.0), ("b", 26.0))
    }
    lines = table(cells, "psnr", ".1f").splitlines()
    assert lines[0].startswith("| 2 pictures | noisy |")
    assert lines[2:] == [
        "| as degraded | 20.0" + " | -" * 7 + " |",
        "| fast, 10 steps | 25.0" + " | -" * 7 + " |",
    ]
