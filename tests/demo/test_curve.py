"""The drawing of a training."""

import math
import re

import pytest

from demo.albums.curve import HEIGHT, MOST_POINTS, WIDTH, Point, curve


def points(count, check=math.nan):
    return [Point(step, 1 / step, check) for step in range(1, count + 1)]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_is_drawn_before_the_second_step(count):
    assert curve(points(count)) == ""


def test_the_first_and_the_newest_error_are_told():
    assert "1.0000 at first, 0.2500 now" in curve(points(4))


def test_what_was_not_measured_yet_is_not_drawn():
    drawn = curve(points(4))
    assert ('points=""' in drawn, "thick line" in drawn) == (False, False)


def test_a_test_that_stays_the_same_is_a_level_line():
    line = re.findall(r'class="check" points="([^"]+)"', curve(points(4, 0.5)))[0]
    assert len({pair.split(",")[1] for pair in line.split()}) == 1


def test_what_hardly_changes_is_drawn_as_such():
    drawn = curve([Point(1, 1.0, math.nan), Point(2, 0.999, math.nan)])
    heights = [float(y) for y in re.findall(r",(\d+\.\d)", drawn)]
    assert max(heights) - min(heights) < HEIGHT / 50


def test_every_point_lies_in_the_drawing():
    pairs = re.findall(r"(\d+\.\d),(-?\d+\.\d)", curve(points(50, 0.5)))
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in pairs)


def test_a_long_training_is_drawn_coarser_up_to_its_end():
    drawn = curve(points(10 * MOST_POINTS))
    assert drawn.count(",") < 2 * MOST_POINTS
    assert f"{WIDTH - 6}.0,{HEIGHT - 6}.0" in drawn
