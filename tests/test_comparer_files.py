"""Sheets and animations of a comparison: what is on them, how large they may be."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from restoration.comparer import animation as animating
from restoration.comparer import sheet as sheeting
from restoration.comparer.animation import animation
from restoration.comparer.lettering import font, wrapped
from restoration.comparer.pictured import Axes, Pictured
from restoration.comparer.sheet import sheet

LEVELS = (40, 90, 140, 190, 240)
TABLE = Axes(("5", "10"), ("1", "3"), "Steps", "Size", (None, (0, 0), (1, 0), (0, 1), (1, 1)))


def flat(level: int, width: int = 200, height: int = 100) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), (level, level, level)).save(buffer, "PNG")
    return buffer.getvalue()


def grainy(side: int) -> bytes:
    buffer = BytesIO()
    grain = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(grain).save(buffer, "PNG")
    return buffer.getvalue()


def five() -> list[Pictured]:
    names = ("Input", "A", "B", "C", "D")
    return [Pictured(name, flat(level)) for name, level in zip(names, LEVELS, strict=True)]


def pixels(data: bytes) -> np.ndarray:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def corner_of(data: bytes, level: int) -> tuple[int, int]:
    """(left, top) of the area that has only this grey."""
    rows, columns = np.nonzero((pixels(data) == level).all(axis=2))
    return int(np.median(columns)) - 100, int(np.median(rows)) - 50


def test_every_picture_is_on_the_sheet_pixel_for_pixel():
    found = pixels(sheet("Five", five()))
    counts = [int((found == level).all(axis=2).sum()) for level in LEVELS]
    assert all(count >= 200 * 100 for count in counts)


def test_a_sheet_has_at_most_four_columns_where_there_are_many():
    data = sheet("Nine", [Pictured(str(place), flat(20 * place)) for place in range(9)])
    lefts = {corner_of(data, 20 * place)[0] for place in range(9)}
    assert len(lefts) == 3


def test_pictures_of_a_table_stand_in_its_rows_and_columns():
    data = sheet("Table", five(), axes=TABLE)
    (_, a_top), (b_left, b_top), (c_left, _), (d_left, _) = (
        corner_of(data, level) for level in LEVELS[1:]
    )
    assert (a_top, b_left, c_left < d_left) == (b_top, d_left, True)


def test_what_is_outside_a_table_stands_before_it():
    data = sheet("Table", five(), axes=TABLE)
    assert corner_of(data, LEVELS[0])[0] < corner_of(data, LEVELS[1])[0]


def test_a_large_sheet_shows_its_pictures_smaller(monkeypatch):
    monkeypatch.setattr(sheeting, "MOST_PIXELS", 5 * 100 * 50)
    full = pixels(sheet("Five", five()[:1])).shape
    assert pixels(sheet("Five", [Pictured("A", flat(9, 800, 400))])).shape[1] < full[1] + 100


def test_tiny_pictures_are_enlarged_by_a_whole_factor():
    data = sheet("Tiny", [Pictured("A", flat(40, 60, 30))])
    assert (pixels(data) == 40).all(axis=2).sum() == 180 * 90


def test_a_small_result_is_laid_over_a_large_one():
    data = sheet("Two", [Pictured("A", flat(40, 100, 50)), Pictured("B", flat(90, 200, 100))])
    counts = [(pixels(data) == level).all(axis=2).sum() for level in (40, 90)]
    assert counts == [200 * 100, 200 * 100]


def test_the_reference_is_named_as_such_on_the_sheet():
    plain = sheet("Two", five()[:2])
    assert pixels(plain).shape != pixels(sheet("Two", five()[:2], reference=1)).shape


def test_transparent_pictures_stand_on_white():
    buffer = BytesIO()
    Image.new("RGBA", (200, 100), (0, 0, 0, 0)).save(buffer, "PNG")
    with_picture = pixels(sheet("", [Pictured("", buffer.getvalue())]))
    assert with_picture[-80:].min() == 255


def test_a_sheet_holds_nothing_beside_its_pixels():
    with Image.open(BytesIO(sheet("Five", five()))) as image:
        image.load()
        assert (image.info, dict(image.getexif())) == ({}, {})


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_an_animation_shows_every_picture_for_ever(kind):
    with Image.open(BytesIO(animation(five(), kind=kind))) as image:
        assert (image.format, image.n_frames, image.info["loop"]) == (kind.upper(), 5, 0)


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_the_pictures_of_an_animation_come_in_their_order(kind):
    found = []
    with Image.open(BytesIO(animation(five(), kind=kind))) as image:
        for frame in range(5):
            image.seek(frame)
            found.append(image.convert("RGB").getpixel((image.width - 5, image.height - 5))[0])
    assert found == pytest.approx(LEVELS, abs=3)


def test_a_name_is_burnt_into_its_picture():
    bare = animation([Pictured("", flat(140)), Pictured("", flat(40))])
    named = animation([Pictured("Input", flat(140)), Pictured("", flat(40))])
    assert pixels(bare)[:40].min() > 100 > pixels(named)[:40].min()


def test_an_animation_has_at_most_960_pixels_a_side():
    assert pixels(animation([Pictured("A", flat(9, 1920, 400))])).shape == (200, 960, 3)


def test_a_tiny_picture_is_enlarged_so_that_its_name_fits():
    assert pixels(animation([Pictured("A", flat(9, 100, 50))])).shape == (200, 400, 3)


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_an_animation_that_would_be_too_large_gets_smaller(monkeypatch, kind):
    monkeypatch.setitem(animating.MOST_BYTES, kind, 60_000)
    made = animation([Pictured("A", grainy(400))], kind=kind)
    assert pixels(made).shape[0] < 400


def test_one_knob_names_the_pictures_of_an_animation():
    line = Axes(("5",), ("",), "Steps", "", ((0, 0),))
    named = animation([Pictured("Steps 5", flat(140))])
    assert animation([Pictured("A very long label", flat(140))], axes=line) == named


def test_text_is_broken_between_words():
    assert wrapped("one two", font(20).getlength("one tw"), 20, 2) == ["one", "two"]


def test_what_does_not_fit_ends_in_an_ellipsis():
    lines = wrapped("one two three four five", font(20).getlength("one two"), 20, 2)
    assert (len(lines), lines[-1][-1], font(20).getlength(lines[-1])) == (
        2,
        "…",
        pytest.approx(0, abs=font(20).getlength("one two")),
    )


def test_no_text_has_no_lines():
    assert wrapped("", 100, 20, 2) == []
