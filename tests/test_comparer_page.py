"""A comparison as one HTML file: what is in it, what is not, and that no text in it is code."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from restoration.comparer import coding
from restoration.comparer import page as module
from restoration.comparer.coding import bare_png, bare_size, coded
from restoration.comparer.page import assets, page
from restoration.comparer.pictured import Axes, Pictured
from restoration.recipe import KEYWORD, Recipe

HOSTILE = "</script><img src=x onerror=alert(1)>&amp;"
TIMES = "\N{MULTIPLICATION SIGN}"
RECIPE = Recipe(
    method="smooth",
    variant="plain",
    knobs={"prompt": HOSTILE},
    seed=7,
    weights={},
    versions={},
    size=(8, 8),
)


def png(side: int = 8, *, mode: str = "RGB", told: bool = False) -> bytes:
    """Noise; `told` puts a camera, a place, a comment and a recipe into the file."""
    shape = (side, side, len(mode))
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), mode)
    buffer, info, exif = BytesIO(), PngImagePlugin.PngInfo(), Image.Exif()
    if told:
        info.add_itxt(KEYWORD, RECIPE.to_json())
        info.add_text("Comment", "taken at home")
        exif[0x0110] = "a camera"
        exif.get_ifd(0x8825)[1] = "N"
    image.save(buffer, "PNG", pnginfo=info, exif=exif)
    return buffer.getvalue()


def data_of(text: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def picture_in(text: str, index: int = 0) -> bytes:
    return base64.b64decode(data_of(text)["items"][index]["file"]["url"].split(",")[1])


def test_small_pictures_are_in_it_pixel_for_pixel():
    text = page("Two", [Pictured("Input", png()), Pictured("Result", png(16))])
    with Image.open(BytesIO(picture_in(text, 1))) as found, Image.open(BytesIO(png(16))) as given:
        assert np.array_equal(found, given)


def test_many_bytes_of_pictures_are_copies_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(module, "MOST_LOSSLESS", 1000)
    text = page("Two", [Pictured("Input", png()), Pictured("Result", png(64))])
    with Image.open(BytesIO(picture_in(text))) as found:
        assert (found.format, "copy (JPEG, quality 95)" in text) == ("JPEG", True)


def test_a_copy_is_named_with_its_size_where_it_has_fewer_pixels(monkeypatch):
    monkeypatch.setattr(module, "MOST_LOSSLESS", 1000)
    monkeypatch.setattr(module, "MOST_COPY", 9000)
    text = page("One", [Pictured("Input", png(128))])
    with Image.open(BytesIO(picture_in(text))) as found:
        assert f"copy (JPEG, quality 85), {found.width} {TIMES} {found.width}" in text


@pytest.mark.parametrize("secret", [b"a camera", b"taken at home", b"eXIf", KEYWORD.encode()])
def test_no_picture_tells_more_than_its_pixels(secret):
    told = png(told=True)
    assert (secret in told, secret in picture_in(page("One", [Pictured("Input", told)]))) == (
        True,
        False,
    )


@pytest.mark.parametrize("part", ["title", "label", "caption", "note", "number", "axis"])
def test_text_is_never_code(part):
    words = dict.fromkeys(("title", "label", "caption", "note", "number", "axis"), "plain")
    words |= {part: HOSTILE}
    numbers = {words["number"]: words["number"]}
    shown = Pictured(words["label"], png(), words["caption"], numbers)
    axes = Axes((words["axis"],), ("",), "Steps", "", ((0, 0),))
    text = page(words["title"], [shown], axes=axes, note=words["note"])
    assert (HOSTILE in text, text.count("<script"), text.count("onerror=alert(1)>")) == (
        False,
        2,
        0,
    )


def test_the_comparer_gets_the_very_labels():
    text = page("One", [Pictured(HOSTILE, png(), "PSNR 20 dB")], reference=0, note=HOSTILE)
    data = data_of(text)
    found = data["items"][0]["label"], data["note"], data["reference"]
    assert found == (HOSTILE, HOSTILE, 0)


def test_recipes_are_there_to_be_read():
    text = page("One", [Pictured("Result", png(told=True))])
    assert "&quot;method&quot;: &quot;smooth&quot;" in text


def test_without_recipes_there_is_no_heading_for_them():
    assert "Recipes" not in page("One", [Pictured("Input", png())])


def test_a_broken_recipe_leaves_the_page_whole():
    info, buffer = PngImagePlugin.PngInfo(), BytesIO()
    info.add_itxt(KEYWORD, "no recipe")
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    assert "Recipes" not in page("One", [Pictured("Input", buffer.getvalue())])


def test_numbers_stand_in_a_table_with_a_column_each():
    shown = [Pictured("Input", png()), Pictured("Result", png(), numbers={"PSNR": "20 dB"})]
    assert f'<tr><th scope="row">Result</th><td>20 dB</td><td>8 {TIMES} 8</td>' in page(
        "Two", shown
    )


def test_captions_take_the_place_of_numbers_that_are_not_there():
    text = page("One", [Pictured("Result", png(), "PSNR 20 dB")])
    assert "<td>PSNR 20 dB</td>" in text


@pytest.mark.parametrize(("element", "rule"), [("script", "script-src"), ("style", "style-src")])
def test_the_page_lets_nothing_run_but_itself(element, rule):
    text = page("One", [Pictured("Input", png())])
    inner = re.search(f"<{element}>(.*?)</{element}>", text, re.DOTALL)[1]
    mark = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
    assert f"{rule} 'sha256-{mark}'" in text


def test_the_page_names_no_other_host():
    text = page("One", [Pictured("Input", png(told=True))])
    assert set(re.findall(r"https?://[\w.]+", text)) == {"http://www.w3.org"}  # a namespace


def test_any_page_can_show_comparers_with_the_assets():
    css, code = assets()
    assert (".comparer {" in css, code.count("function showComparer(")) == (True, 1)


def test_transparent_pictures_stay_transparent_in_a_copy():
    copy = coded(png(64, mode="RGBA"), 1000)
    with Image.open(BytesIO(copy.data)) as image:
        assert (copy.kind, image.mode) == ("webp", "RGBA")


def test_the_bare_size_is_that_of_the_bare_file():
    assert bare_size(png(told=True)) == len(bare_png(png(told=True)))


def test_a_file_that_is_no_png_counts_in_full():
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    assert bare_size(buffer.getvalue()) == len(buffer.getvalue())


def test_a_copy_never_gets_too_small_to_be_seen():
    assert coded(png(100), 1).size == (coding.LEAST_SIDE, coding.LEAST_SIDE)


def test_one_axis_gives_each_picture_its_value():
    line = Axes(("5", "10"), ("",), "Steps", "", (None, (0, 0), (1, 0)))
    assert [line.name(index) for index in range(4)] == ["", "Steps 5", "Steps 10", ""]


def test_one_axis_may_run_down():
    column = Axes(("",), ("5", "10"), "", "Steps", ((0, 0), (0, 1)))
    assert [column.name(index) for index in range(2)] == ["Steps 5", "Steps 10"]


def test_in_a_table_the_axes_themselves_name_the_pictures():
    table = Axes(("5", "10"), ("1", "3"), "Steps", "Size", ((0, 0), (1, 1)))
    assert (table.is_table(), table.name(0)) == (True, "")


def test_making_files_imports_none_of_the_deep_learning_libraries():
    code = (
        "import sys; from restoration.comparer import page; "
        "print([name for name in ('torch', 'gradio', 'spandrel') if name in sys.modules])"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "[]"
