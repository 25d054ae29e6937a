"""Exports of a comparison and votes of a blind test, without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from demo.compare import blind, exports
from demo.compare.exports import EXPORTS, GONE, NOTHING
from demo.compare.results_table import Row
from demo.comparer import Axes, Shown, comparison
from restoration import runs
from restoration.measures import MEASURES
from restoration.recipe import Recipe
from restoration.runs import Kept

SHEET = EXPORTS[0]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    return tmp_path


@dataclass(frozen=True)
class Compared:
    """What the Compare tab holds."""

    shown: tuple[Shown, ...]
    value: dict[str, Any] = field(default_factory=dict)


def png(folder: Path, level: int) -> Path:
    path = folder / f"street-{level}.png"
    Image.new("RGB", (64, 48), (level, level, level)).save(path)
    return path


def compared(folder: Path, axes: Axes | None = None) -> Compared:
    shown = tuple(Shown(f"Level {level}", png(folder, level), (64, 48)) for level in (40, 90))
    return Compared(shown, comparison(shown, 1, axes=axes))


def pressed(one, held) -> list:
    return list(exports._handler(one)(held))


@pytest.mark.parametrize("one", EXPORTS, ids=lambda one: one.file)
def test_every_button_makes_its_file(folders, one):
    *_, (told, button) = pressed(one, compared(folders))
    path = Path(button["value"])
    assert (path.name, path.stat().st_size > 300, one.title in told) == (one.file, True, True)


@pytest.mark.parametrize("one", EXPORTS, ids=lambda one: one.file)
def test_a_file_is_of_the_kind_that_its_name_says(folders, one):
    start = exports.made(one, compared(folders)).read_bytes()[:15]
    kinds = {"png": b"\x89PNG", "html": b"<!doctype html>", "webp": b"RIFF", "gif": b"GIF89a"}
    assert start.startswith(kinds[one.file.rsplit(".", 1)[1]])


def test_what_is_under_way_is_said_before_it_is_done(folders):
    (told, _), *_ = pressed(SHEET, compared(folders))
    assert "Making the Sheet (PNG) …" in told


def test_without_a_comparison_the_page_says_what_to_do():
    ((told, button),) = pressed(SHEET, None)
    assert (NOTHING in told, button["visible"]) == (True, False)


def test_a_comparison_that_is_gone_is_told_in_a_sentence(folders):
    held = compared(folders)
    held.shown[0].picture.unlink()
    *_, (told, _) = pressed(SHEET, held)
    assert GONE in told


def test_the_same_comparison_is_made_into_a_file_once(folders):
    held = compared(folders)
    first = exports.made(SHEET, held)
    first.write_bytes(b"as it was")
    assert exports.made(SHEET, held).read_bytes() == b"as it was"


def test_another_comparison_is_another_file(folders):
    held = compared(folders)
    other = Compared(held.shown[:1], held.value)
    assert exports.made(SHEET, held) != exports.made(SHEET, other)


def test_axes_go_along(folders):
    line = Axes(("4", "9"), ("",), "Steps", "", ((0, 0), (1, 0)))
    plain, along = (compared(folders, axes) for axes in (None, line))
    assert exports.made(SHEET, plain).read_bytes() != exports.made(SHEET, along).read_bytes()


def test_numbers_go_into_the_page(folders):
    shown = (Shown("Result", png(folders, 40), (64, 48), numbers={"PSNR": "20 dB"}),)
    page = exports.made(EXPORTS[1], Compared(shown)).read_text()
    assert '<th scope="col">PSNR</th>' in page


def test_every_number_of_a_row_goes_along_under_its_heading():
    texts = Row("Result", (8, 8), {"psnr": 20.0}).texts()
    assert texts == {MEASURES["psnr"].heading: "20.00"}


def test_buttons_for_all_are_laid_out():
    with gr.Blocks() as page:
        exports.lay_out(gr.State(None), "export")
    titles = [one.value for one in page.blocks.values() if type(one) is gr.Button]
    assert titles == [one.title for one in EXPORTS]


# --- votes ---


@pytest.fixture
def two(folders) -> tuple[str, str]:
    """Ids of two runs of this computer."""
    kept = []
    for level in (40, 90):
        recipe = Recipe(
            method="smooth",
            variant="plain",
            knobs={"steps": level},
            seed=0,
            weights={},
            versions={},
            size=(64, 48),
        )
        buffer = BytesIO()
        Image.new("RGB", (8, 8)).save(buffer, "JPEG")
        given = Kept(recipe, png(folders, level), buffer.getvalue(), 1.0, {}, f"Level {level}", "")
        kept.append(runs.of(None).keep(given).id)
    return kept[0], kept[1]


def voted(data: Any) -> None:
    blind.keep(gr.EventData(None, data), SimpleNamespace(session_hash="s", cookies={}))


def test_a_vote_is_kept_among_the_runs(two):
    voted({"first": two[0], "second": two[1], "winner": "second"})
    (vote,) = runs.of(None).votes()
    assert (vote.first, vote.second, vote.winner) == ("Level 40", "Level 90", "second")


@pytest.mark.parametrize(
    "data",
    [{"first": "a", "second": "b", "winner": "first"}, {"winner": "everybody"}, {}, "text", None],
)
def test_a_vote_that_cannot_be_kept_is_told_and_ends_nothing(two, data):
    with pytest.warns(UserWarning, match="This vote is not kept"):
        voted(data)
    assert runs.of(None).votes() == ()


def test_a_comparer_hands_its_votes_on():
    from demo.comparer import comparer

    with gr.Blocks() as page:
        blind.wire(comparer("Results", elem_id="results"))
    assert [target[1] for fn in page.fns.values() for target in fn.targets] == ["vote"]
