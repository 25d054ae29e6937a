"""What a method recognised: as bars while it runs, and as a cell of a comparison."""

from __future__ import annotations

import re
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from demo import restoring
from demo.compare import comparing
from demo.compare.comparing import Asked
from demo.compare.results_table import Row, table
from demo.compare.settings_list import setting_of
from demo.recognition import bars, in_short
from restoration.protocol import Recognised
from tests import fakes

SEEN = Recognised({"noisy": 0.75, "hazy": 0.25})
RESTORED = replace(SEEN, after={"noisy": 0.125, "hazy": 0.875})


@pytest.fixture
def photograph(tmp_path, monkeypatch) -> str:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    Image.fromarray(np.zeros((16, 24, 3), dtype=np.uint8)).save(tmp_path / "drawn.png")
    return str(tmp_path / "drawn.png")


@pytest.fixture
def view() -> restoring.View:
    with gr.Blocks():
        texts = [gr.HTML() for _ in range(4)]
        rest = (gr.Column(), gr.HTML(), gr.HTML(), gr.DownloadButton(), gr.Code())
        return restoring.View(gr.Button(), gr.Button(), *texts, *rest)


def shown(view, method, path, **knobs) -> list[str]:
    """What a run shows of what is recognised, in order."""
    settings = {"variant": method.variants[0].name, "seed": 1, **knobs}
    with fakes.registered(method):
        updates = list(restoring.restore(view, method, path, settings, {}))
    return [one[view.recognised] for one in updates if view.recognised in one]


def words(fragment: str) -> list[str]:
    """What a fragment says, word by word of the list."""
    items = re.findall("<li.*?</li>", fragment)
    return [" ".join(re.sub("<.*?>", " ", item).split()) for item in items]


def test_every_word_has_its_share_in_the_order_of_the_vocabulary():
    assert words(bars(SEEN)) == ["noisy 75%", "hazy 25%"]


def test_with_the_result_every_word_has_both_shares():
    assert words(bars(RESTORED)) == ["noisy 75% → 12%", "hazy 25% → 88%"]


def test_a_bar_is_as_long_as_its_share():
    assert re.findall(r"width: (.*?)%", bars(RESTORED)) == ["75.0", "12.5", "25.0", "87.5"]


def test_the_likeliest_word_of_the_input_stands_out():
    assert bars(RESTORED).count('<li class="likeliest"><span>noisy') == 1


def test_the_bars_are_a_list_with_a_name_and_hidden_from_those_who_hear_the_numbers():
    fragment = bars(RESTORED)
    assert '<ul aria-label="Recognised in the input → in the result">' in fragment
    assert fragment.count('class="bars" aria-hidden="true"') == 2


def test_a_warning_comes_before_the_bars():
    fragment = bars(replace(SEEN, warning="It may lose detail."))
    assert 0 < fragment.index("It may lose detail.") < fragment.index("<ul")


def test_a_word_by_hand_is_told():
    assert "Told by hand: rainy." in bars(replace(SEEN, by_hand="rainy"))


def test_a_word_by_hand_is_told_where_the_model_knows_no_words():
    assert "Told by hand: rainy." in bars(Recognised({}, by_hand="rainy"))


def test_a_model_that_knows_no_words_shows_nothing():
    assert bars(Recognised({})) == ""


def test_nothing_that_is_recognised_is_ever_markup():
    odd = Recognised({"<b>": 1.0}, by_hand="<b>", warning="<b>")
    assert "<b>" not in bars(odd)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, ""),
        (Recognised({}), ""),
        (SEEN, "noisy"),
        (RESTORED, "noisy → hazy"),
        (replace(RESTORED, by_hand="rainy"), "rainy, by hand → hazy"),
    ],
)
def test_in_short_it_is_the_likeliest_word_before_and_after(found, text):
    assert in_short(found) == text


def test_a_run_takes_the_last_bars_away_then_shows_those_before_and_those_after(view, photograph):
    first, before, after = shown(view, fakes.NAME, photograph)
    assert first == ""
    assert words(before) == ["noisy 40%", "hazy 35%", "rainy 25%"]
    assert words(after) == ["noisy 40% → 10%", "hazy 35% → 20%", "rainy 25% → 70%"]


def test_a_run_shows_the_warning_of_its_method(view, photograph):
    assert "No word fits &lt;well&gt;." in shown(view, fakes.NAME, photograph)[-1]


def test_a_run_takes_a_word_that_is_not_suggested(view, photograph):
    assert "Told by hand: foggy." in shown(view, fakes.NAME, photograph, degradation="foggy")[-1]


def test_a_method_that_recognises_nothing_shows_nothing(view, photograph):
    assert shown(view, fakes.SMOOTH, photograph, steps=1) == [""]


def test_a_comparison_has_a_cell_with_the_likeliest_word_before_and_after(photograph):
    with gr.Blocks():
        parts = [gr.HTML() for _ in range(6)]
        view = comparing.View(gr.Button(), gr.Button(), *parts, gr.State(None))
    asked = Asked(photograph, None, [setting_of(fakes.NAME, "mini", {})], 1)
    with fakes.registered(fakes.NAME):
        updates = list(comparing.compare(view, asked, None))
    (numbers,) = [one[view.table] for one in updates if view.table in one]
    assert "<td>noisy → rainy</td>" in numbers


def test_a_comparison_of_methods_that_recognise_nothing_has_no_such_column():
    assert "Recognised" not in table([Row("Input", (2, 2))])


def test_a_word_in_a_table_is_never_markup():
    assert "<b>" not in table([Row("Input", recognised="<b>")])
