"""Strokes become a mask, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from demo.drawing import FINEST, LARGEST_RADIUS, MOST_NUMBERS, drawing, mask_of, surface_of
from restoration.errors import BadPictureError


def stroke(*points: float, radius: float = 0.02, erase: bool = False) -> dict[str, object]:
    return {"erase": erase, "radius": radius, "points": list(points)}


def covered(value: object, height: int = 60, width: int = 90) -> torch.Tensor:
    """(height, width): what is filled in."""
    return mask_of(value, height, width).image[0, 0] >= 0.5


@pytest.mark.parametrize("value", [None, "", {}, {"strokes": []}, []])
def test_without_strokes_there_is_no_mask(value):
    assert mask_of(value, 60, 90) is None


def test_a_dot_is_a_disc_of_the_brushs_size_where_it_was_set():
    rows, columns = torch.nonzero(covered([stroke(0.5, 0.25, radius=0.1)]), as_tuple=True)
    ends = [rows.min(), rows.max() + 1, columns.min(), columns.max() + 1]
    assert [int(end) for end in ends] == [15 - 9, 15 + 9, 45 - 9, 45 + 9]


def test_a_dot_covers_as_much_as_a_disc_does():
    area = covered([stroke(0.5, 0.5, radius=0.1)], 200, 300).sum()
    assert float(area) == pytest.approx(np.pi * 30**2, rel=0.01)


def test_a_line_is_as_wide_everywhere():
    mask = covered([stroke(0.2, 0.5, 0.5, 0.5, 0.8, 0.5, radius=0.05)], 200, 300)
    assert mask[:, 70:230].sum(0).unique().tolist() == [30]


def test_a_mask_mirrors_with_its_strokes():
    value = [stroke(0.2, 0.3, 0.6, 0.8)]
    turned = [stroke(0.8, 0.3, 0.4, 0.8)]
    assert (covered(value) != covered(turned).flip(-1)).float().mean() < 0.01


def test_what_is_rubbed_out_is_not_filled_in():
    line, rubber = stroke(0.1, 0.5, 0.9, 0.5), stroke(0.6, 0.5, 0.9, 0.5, radius=0.1, erase=True)
    assert not covered([line, rubber])[:, 50:].any()


def test_a_stroke_may_leave_the_picture():
    assert covered([stroke(-0.4, 0.5, 1.4, 0.5)])[30].all()


def test_on_a_large_picture_the_mask_is_as_large_and_has_two_values():
    mask = mask_of([stroke(0.2, 0.5, 0.8, 0.5)], 100, 2 * FINEST).image
    assert mask.shape == (1, 3, 100, 2 * FINEST)
    assert mask.unique().tolist() == [0, 1]


@pytest.mark.parametrize(
    "value",
    [
        "text",
        7,
        [1],
        [{}],
        [{"erase": False, "radius": "wide", "points": [0, 0]}],
        [{"erase": False, "radius": 0.1, "points": None}],
        {"strokes": [None]},
    ],
)
def test_what_is_no_stroke_is_answered_with_a_sentence(value):
    with pytest.raises(BadPictureError, match="cannot be read: strokes have erase, radius"):
        mask_of(value, 60, 90)


@pytest.mark.parametrize(
    "value",
    [
        stroke(0.5, 0.5, radius=0),
        stroke(0.5, 0.5, radius=2 * LARGEST_RADIUS),
        stroke(0.5, 0.5, radius=float("nan")),
        stroke(0.5, float("inf")),
        stroke(0.5, 1e9),
        stroke(0.5),
        stroke(),
    ],
)
def test_a_stroke_out_of_bounds_is_refused(value):
    with pytest.raises(BadPictureError, match="pairs from 0 to 1, and the radius is at most"):
        mask_of([value], 60, 90)


def test_more_strokes_than_can_be_drawn_are_refused():
    with pytest.raises(BadPictureError, match="give a picture of the mask instead"):
        mask_of([stroke(*[0.5] * (MOST_NUMBERS + 2))], 60, 90)


def test_the_surface_shows_the_picture_upright_and_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    surface = surface_of(str(tmp_path / "turned.jpg"))
    assert surface["strokes"] == []
    assert Image.open(surface["file"]["path"]).size == (20, 40)


def test_without_a_picture_there_is_no_surface():
    assert surface_of(None) is None


def test_a_file_that_is_no_picture_has_no_surface(tmp_path):
    (tmp_path / "a.png").write_text("<html>")
    assert surface_of(str(tmp_path / "a.png")) is None


def test_the_browser_stops_where_the_server_does():
    assert f"MOST_NUMBERS = {MOST_NUMBERS};" in drawing("Draw", "surface").js_on_load
