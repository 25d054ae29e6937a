"""The comparison of restoring with and without an album measures what it claims, each cell once."""

import argparse

import pytest
import torch

from benchmarks import albums
from benchmarks.albums import Place, complete, places_in, table, wanted
from benchmarks.degradations import photograph
from benchmarks.guided import Book
from restoration import image_io
from restoration.degradations.single import rounded
from restoration.errors import BadPictureError
from restoration.image_io import Picture


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "photographs"
    made.mkdir()
    image_io.write(made / "one.png", Picture(photograph(260)))
    return made


def asked(folder, **others):
    given = {"ways": list(albums.WAYS), "minutes": 3.0, "steps": 0, "limit": None}
    given |= {"kinds": ["mixed"], "noise_steps": [100]}
    return argparse.Namespace(photographs=folder, **{**given, **others})


def scores(psnr, gms=0.5):
    return {"psnr": psnr, "gms": gms}


def test_no_place_is_restored_and_learned_from(folder):
    clean, album = places_in(folder / "one.png")
    places = torch.cat([clean, *(picture.image for picture in album)])
    cells = rounded(photograph(260)).unfold(2, 64, 64).unfold(3, 64, 64)
    cells = cells[0].permute(1, 2, 0, 3, 4).flatten(0, 1)
    found = [[i for i, cell in enumerate(cells) if cell.equal(place)] for place in places]
    assert len(clean) == 4
    assert len(album) == 12
    assert sorted(i for one in found for i in one) == list(range(16))


def test_a_photograph_without_enough_places_is_refused(tmp_path):
    image_io.write(tmp_path / "small.png", Picture(photograph(130)))
    with pytest.raises(BadPictureError, match="130x130 and has room for 4 places of 64x64: 16 are"):
        places_in(tmp_path / "small.png")


def test_every_way_is_measured_by_degradation_and_depth(folder):
    places = list(wanted(asked(folder, kinds=["mixed", "blur2"], noise_steps=[100, 200])))
    assert [place.way for place in places] == ["input"] * 2 + [
        way for way in albums.WAYS for _ in range(4)
    ]
    assert {place.minutes for place in places if place.way in ("input", "none")} == {0.0}


@pytest.mark.slow
def test_a_cell_is_measured_once(folder, tmp_path):
    told = asked(folder, steps=1, ways=["none", "low-rank"])
    for _ in range(2):
        book = Book(tmp_path / "cells.jsonl", Place)
        albums.fill(book, wanted(told), folder)
    assert len((tmp_path / "cells.jsonl").read_text().splitlines()) == 3
    taught = next(found for place, found in book.cells.items() if place.way == "low-rank")
    assert taught["trained"] == 1
    assert set(taught) == {"psnr", "gms", "trained", "loss", "check"}


def test_photographs_that_lack_a_cell_are_left_out(folder):
    image_io.write(folder / "two.png", Picture(photograph(260)))
    told = asked(folder)
    *most, _ = wanted(told)
    cells = complete(dict.fromkeys(most, scores(20.0)), told)
    assert {place.picture for place in cells} == {"one.png"}


def test_the_table_holds_means_gains_and_their_spread(folder):
    image_io.write(folder / "two.png", Picture(photograph(260)))
    told = asked(folder)
    values = {"input": 19.0, "none": 20.0, "low-rank": 21.0, "full": 21.5}
    cells = {place: scores(values[place.way]) for place in wanted(told)}
    better = next(p for p in cells if (p.picture, p.way) == ("two.png", "low-rank"))
    cells[better] = scores(23.0)
    title, _, heads, _, row, mean = table(cells, "psnr", told.ways).splitlines()
    assert title == "**PSNR** (2 photographs)"
    assert heads == (
        "| degradation | K | input | none | low-rank | full "
        "| low-rank - none | full - none | low-rank - full |"
    )
    assert row == (
        "| mixed | 100 | 19.00 | 20.00 | 22.00 | 21.50 "
        "| +2.00 ± 1.41, 2 of 2 | +1.50 ± 0.00, 2 of 2 | +0.50 ± 1.41, 1 of 2 |"
    )
    assert mean == row.replace("| mixed | 100 |", "| all | all |")


def test_one_command_prints_what_is_measured(folder, tmp_path, monkeypatch, capsys):
    book = Book(tmp_path / "cells.jsonl", Place)
    for place in wanted(asked(folder)):
        book.add(place, scores(20.0))
    args = ("--photographs", str(folder), "--kinds", "mixed", "--noise-steps", "100")
    threads = torch.get_num_threads()
    monkeypatch.setattr("sys.argv", ["albums", *args, "--threads", "1", "--out", str(book.path)])
    albums.main()
    torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    assert printed.startswith("**PSNR** (1 photographs)")
    assert "**GMS** (1 photographs)" in printed
