"""The table of a comparison: its numbers, their directions, and what they miss."""

import html

import pytest

from demo.compare.results_table import Row, table
from restoration.measures import MEASURES


def rows(**further):
    """An input and a result that is closer but less alike."""
    return [
        Row("Input", (2, 2), {"psnr": 20.0, "ssim": 0.5, **further}),
        Row("A", (2, 2), {"psnr": 30.0, "ssim": 0.4, **further}),
    ]


def test_the_best_value_of_each_number_is_marked():
    assert table(rows()).count('<span class="best">') == 2


def test_further_numbers_are_folded_away():
    main, folded = table(rows(gradients=0.5)).split("<details>")
    assert ("Edges kept" in main, "Edges kept" in folded) == (False, True)


def test_a_direction_is_said_in_words():
    assert '<span role="img" aria-label="higher is better">↑</span>' in table(rows())


@pytest.mark.parametrize("name", ["psnr", "gradients"])
def test_what_a_number_misses_stands_below_the_table(name):
    folded = table(rows(gradients=0.5)).split("<dl>")[1]
    assert html.escape(MEASURES[name].misses) in folded


def test_numbers_of_networks_that_are_not_on_disk_are_named():
    assert "<p>DISTS: with a network that is fetched" in table(rows(lpips=0.1))


def test_networks_are_not_spoken_of_where_there_is_no_reference():
    assert "Models tab" not in table([Row("A", (2, 2), {"niqe": 3.0})])


def test_further_numbers_have_a_line_each_and_their_best_is_marked():
    folded = table([*rows(), Row("B", (2, 2), {"psnr": 25.0, "niqe": 3.0})]).split("<details>")[1]
    assert '<td></td><td></td><td><span class="best">3.00</span></td>' in folded


def test_rows_without_numbers_have_nothing_folded_away():
    assert "<details>" not in table([Row("Input", (2, 2))])


def test_a_row_that_failed_leaves_its_cells_empty():
    assert "<td></td>" in table([*rows(), Row("B", remark="It failed.")])


def test_numbers_without_a_reference_stand_in_the_table_itself():
    assert "Edges kept" in table([Row("A", (2, 2), {"gradients": 0.5})]).split("<details>")[0]


def test_everything_a_user_wrote_is_escaped():
    assert "<script>" not in table([Row("<script>", remark="<script>")])


def test_a_number_that_is_none_leaves_its_cell_empty():
    assert "nan" not in table([Row("Input", (2, 2), {"psnr": 20.0, "ssim": float("nan")})])


def test_a_caption_holds_the_main_numbers():
    assert rows(gradients=0.5)[0].caption() == "PSNR 20.00 dB · SSIM 0.5000"


def test_what_a_method_found_has_its_column_and_its_meaning():
    shown = table([Row("A", measured={"consistency": 3.25}), Row("B")])
    assert ("<td>3.2</td>" in shown, "in grey levels of 255" in shown) == (True, True)
