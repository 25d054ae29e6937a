"""The Python half of the comparer: what it serves, and that no text in it can become code."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo import comparer as module
from demo.comparer import Axes, Shown, comparer, comparison, with_note
from restoration.comparer import ASSETS, SCRIPTS


@pytest.fixture(autouse=True)
def uploads(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path / "uploads"


def noise_png(side: int) -> bytes:
    buffer = BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def path_of(value: dict, index: int = 0) -> Path:
    return Path(value["items"][index]["file"]["path"])


def photo_like(side: int, *, transparent: bool = False) -> bytes:
    """Noise in all but the last bits would not shrink: a ramp with some grain does, lossily."""
    ramp = np.linspace(0, 200, side)[None, :, None] + np.zeros((side, 1, 3))
    grain = np.random.default_rng(0).integers(0, 40, (side, side, 3))
    image = Image.fromarray((ramp + grain).astype(np.uint8))
    if transparent:
        image.putalpha(128)
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_a_small_file_is_shown_as_it_is(tmp_path):
    file = tmp_path / "result.png"
    file.write_bytes(noise_png(8))
    item = comparison([Shown("Result", file, (8, 8))])["items"][0]
    assert (Path(item["file"]["path"]).read_bytes(), "full" in item) == (noise_png(8), False)


def test_bytes_are_put_where_gradio_serves_from(uploads):
    data = noise_png(8)
    path = path_of(comparison([Shown("Result", data, (8, 8))]))
    assert (path.is_relative_to(uploads), path.read_bytes()) == (True, data)


def test_the_name_of_what_is_served_tells_nothing(tmp_path):
    file = tmp_path / "street-1-diffbir-mini.png"
    file.write_bytes(noise_png(8))
    path = path_of(comparison([Shown("Result", file, (8, 8))]))
    assert path.name == "picture.png"


@pytest.mark.parametrize("as_file", [True, False])
@pytest.mark.parametrize(("transparent", "kind"), [(False, "JPEG"), (True, "WEBP")])
def test_a_large_picture_is_seen_as_a_copy_with_the_lossless_file_at_hand(
    tmp_path, monkeypatch, as_file, transparent, kind
):
    monkeypatch.setattr(module, "MOST_VIEW_BYTES", 20_000)
    data, file = photo_like(128, transparent=transparent), tmp_path / "result.png"
    file.write_bytes(data)
    item = comparison([Shown("Result", file if as_file else data, (128, 128))])["items"][0]
    with Image.open(item["file"]["path"]) as seen:
        found = seen.format, Path(item["full"]["path"]).read_bytes() == data
    assert found == (kind, True)


def test_no_copy_for_viewing_is_larger_than_it_may_be(monkeypatch):
    monkeypatch.setattr(module, "MOST_VIEW_BYTES", 4000)
    assert path_of(comparison([Shown("Result", noise_png(200), (200, 200))])).stat().st_size <= 4000


def test_the_same_picture_is_served_from_the_same_place_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_VIEW_BYTES", 1000)
    file = tmp_path / "result.png"
    file.write_bytes(noise_png(64))
    first, again = (comparison([Shown("Result", file, (64, 64))]) for _ in range(2))
    assert first == again


def test_a_picture_is_copied_where_the_disk_knows_no_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(module.os, "link", refuse)
    file = tmp_path / "result.png"
    file.write_bytes(noise_png(8))
    path = path_of(comparison([Shown("Result", file, (8, 8))]))
    assert path.read_bytes() == noise_png(8)


def test_a_run_goes_along_so_that_it_can_be_voted_on():
    assert comparison([Shown("Result", noise_png(8), (8, 8), run="a1")])["items"][0]["run"] == "a1"


def test_gradio_recognises_the_file_and_adds_its_address():
    from gradio_client.utils import is_file_obj_with_meta

    value = comparison([Shown("Result", noise_png(8), (8, 8))])
    assert is_file_obj_with_meta(value["items"][0]["file"])


def test_a_comparison_says_which_picture_is_the_reference():
    shown = [Shown(name, noise_png(8), (8, 8)) for name in ("Input", "Result", "Clean")]
    assert comparison(shown, reference=2)["reference"] == 2


def test_axes_travel_with_the_pictures():
    axes = Axes(("10", "50"), ("",), "Steps", "", (None, (0, 0), (1, 0)))
    shown = [Shown(name, noise_png(8), (8, 8)) for name in ("Input", "10", "50")]
    assert comparison(shown, axes=axes)["axes"]["places"] == (None, (0, 0), (1, 0))


def test_a_note_leaves_the_pictures_alone():
    value = comparison([Shown("Result", noise_png(8), (8, 8), "PSNR 30 dB")])
    assert with_note(value, "Old.") == {**value, "note": "Old."}


def test_labels_are_data_and_in_no_template():
    made = comparer("Results", elem_id="results")
    assert "value" not in made.html_template + made.css_template


@pytest.mark.parametrize("sign", ["`", "${", "{{", "\\"])
def test_the_style_holds_no_sign_that_a_template_would_read(sign):
    assert sign not in comparer("Results", elem_id="results").css_template


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_script_writes_html(script):
    code = (ASSETS / script).read_text(encoding="utf-8")
    assert not [word for word in ("innerHTML", "outerHTML", "insertAdjacentHTML") if word in code]
