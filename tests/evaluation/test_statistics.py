"""Means, intervals and paired differences."""

import math

import numpy as np
import pytest

from restoration.evaluation.statistics import MOST_DRAWN, difference, summarised


def drawn(count, seed=0):
    return [float(value) for value in np.random.default_rng(seed).normal(30, 4, count)]


def test_the_mean_is_that_of_the_values():
    assert summarised([1.0, 2.0, 6.0]).mean == pytest.approx(3.0)


def test_what_is_no_finite_number_is_left_out_and_counted():
    found = summarised([1.0, None, math.inf, math.nan, 3.0])
    assert (found.mean, found.count, found.left_out) == (2.0, 2, 3)


def test_the_mean_of_nothing_is_no_number():
    found = summarised([None, math.inf])
    assert (math.isnan(found.mean), found.count, found.left_out) == (True, 0, 2)


def test_one_value_has_no_interval():
    assert math.isnan(summarised([1.0]).low)


def test_equal_values_have_an_interval_without_width():
    found = summarised([2.0] * 5)
    assert (found.low, found.high) == (2.0, 2.0)


def test_the_interval_holds_the_mean_and_the_same_values_give_the_same_one():
    found = summarised(drawn(20))
    assert found.low < found.mean < found.high
    assert found == summarised(drawn(20))


def test_an_interval_is_as_wide_as_the_law_of_large_numbers_says():
    found = summarised(drawn(400))
    assert found.high - found.low == pytest.approx(2 * 1.96 * 4 / 20, rel=0.15)


def test_a_shift_of_the_values_shifts_the_interval():
    plain, shifted = summarised(drawn(30)), summarised([value + 7 for value in drawn(30)])
    assert (shifted.low, shifted.high) == pytest.approx((plain.low + 7, plain.high + 7))


def test_about_nineteen_of_twenty_intervals_of_ten_values_hold_the_truth():
    found = [summarised(drawn(10, seed)) for seed in range(300)]
    assert 0.89 < np.mean([one.low <= 30 <= one.high for one in found]) < 0.97


def test_the_interval_of_many_values_joins_that_of_fewer():
    drawn_one, told = summarised(drawn(MOST_DRAWN)), summarised(drawn(MOST_DRAWN + 1))
    assert (told.low, told.high) == pytest.approx((drawn_one.low, drawn_one.high), abs=0.03)


def test_a_difference_is_taken_picture_by_picture():
    first = drawn(30)
    found = difference(first, [value + 0.5 for value in first], better="higher")
    assert found.summary.mean == pytest.approx(0.5)
    assert found.summary.high - found.summary.low == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("better", "counted"), [("higher", (2, 1, 1)), ("lower", (1, 2, 1)), ("neither", (0, 0, 4))]
)
def test_wins_are_counted_in_the_direction_of_the_measure(better, counted):
    found = difference([1.0, 1.0, 1.0, 1.0], [2.0, 3.0, 0.5, 1.0], better=better)
    assert (found.wins, found.losses, found.ties) == counted


def test_a_picture_that_one_of_the_two_has_no_number_of_is_left_out():
    found = difference([1.0, None, math.inf], [2.0, 5.0, 5.0], better="higher")
    assert (found.summary.count, found.summary.left_out, found.wins) == (1, 2, 1)


def test_lists_of_different_lengths_cannot_be_paired():
    with pytest.raises(ValueError, match="shorter"):
        difference([1.0, 2.0], [1.0], better="higher")
