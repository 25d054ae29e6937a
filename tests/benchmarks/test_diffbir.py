"""The comparison of DiffBIR's stages measures what it claims."""

import argparse

import pytest
import torch

from benchmarks import diffbir
from benchmarks.degradations import photograph
from benchmarks.diffbir import ROWS, Place, laplacian, table
from benchmarks.guided import Book
from restoration import image_io
from restoration.image_io import Picture


@pytest.fixture
def folder(tmp_path):
    image_io.write(tmp_path / "one.png", Picture(photograph(80)))
    return tmp_path


def asked(folder):
    return argparse.Namespace(photographs=folder, limit=1, side=64, variant="mini")


def test_a_slope_has_no_sharpness():
    ramp = torch.linspace(0, 1, 16).expand(1, 3, 16, 16)
    assert laplacian(ramp) == pytest.approx(0, abs=1e-6)


def test_a_checkerboard_is_sharper_than_stripes():
    rows = torch.arange(16) % 2
    checks = (rows[:, None] ^ rows).float().expand(1, 3, 16, 16)
    assert laplacian(checks) > 1.5 * laplacian(rows.float().expand(1, 3, 16, 16))


def test_every_cell_is_measured_once(folder, tmp_path, monkeypatch):
    places = diffbir.places_of(asked(folder))[:2]
    assert [place.row for place in places] == ["stage 1", "realness 0.0"]
    book = Book(tmp_path / "cells.jsonl", Place)
    diffbir.fill(book, places, folder)
    monkeypatch.setattr(diffbir, "measured", None)
    again = Book(tmp_path / "cells.jsonl", Place)
    diffbir.fill(again, places, folder)
    assert again.cells == book.cells


def test_without_detail_the_slider_gives_stage_1(folder, tmp_path):
    book, places = Book(tmp_path / "cells.jsonl", Place), diffbir.places_of(asked(folder))[:2]
    diffbir.fill(book, places, folder)
    first, second = (book.cells[place] for place in places)
    assert first["to stage 1"] == second["to stage 1"] == 100


def test_the_autoencoder_is_measured_on_whole_latents(folder):
    assert 10 < diffbir.bound(folder, None)[0] < 60


def test_the_table_has_means_over_pictures():
    scores = dict.fromkeys(diffbir.COLUMNS, 1.0)
    cells = {
        Place(row, name, 64, "mini", ""): scores | {"psnr": value}
        for name, value in (("a", 24.0), ("b", 26.0))
        for row in ("stage 1", "realness 0.5")
    }
    lines = table(cells).splitlines()
    assert lines[0].startswith("| 2 pictures | PSNR |")
    assert lines[2].startswith("| stage 1 | 25.00 | 1.000 |")
    assert lines[3].startswith(f"| {ROWS['realness 0.5'][0]} | 25.00 |")
