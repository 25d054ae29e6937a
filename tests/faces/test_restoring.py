"""Faces are laid upright, restored by themselves, and put back without a seam."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from restoration import faces
from restoration.faces import restoring
from restoration.faces import squares as face_squares
from restoration.faces.restoring import SIDE, TEMPLATE, pasted, restored, softness, square_of
from restoration.faces.squares import FaceSquare
from restoration.protocol import Step, finish

needs_opencv = pytest.mark.skipif(not faces.find_spec("cv2"), reason="needs requirements-faces.txt")
SQUARES = (
    FaceSquare(centre=100 + 80j, half=cmath.rect(55, 0.3)),
    FaceSquare(centre=30 + 20j, half=cmath.rect(50, -0.2)),
    FaceSquare(centre=190 + 150j, half=cmath.rect(45, math.pi)),
)
"""Inside of a picture of 200x160, over its left top corner, and over the opposite one."""


def points_in(square: FaceSquare) -> Tensor:
    """The five points of a face that lies in a square as in the template."""
    wanted = [complex(x, y) / (SIDE / 2) - (1 + 1j) for x, y in TEMPLATE]
    places = [square.centre + square.half * place for place in wanted]
    return torch.tensor([(place.real, place.imag) for place in places])


def waves(height: int = 160, width: int = 200) -> Tensor:
    """A smooth picture, (1, 3, height, width)."""
    y = torch.arange(height)[:, None] / 9
    x = torch.arange(width)[None] / 11
    rows = (torch.sin(x + y), torch.cos(x - y), torch.sin(2 * x) * torch.cos(y))
    return torch.stack([row / 4 + 0.5 for row in rows])[None]


def places(count: int) -> Tensor:
    """The centres of count x count parts of a square, from -1 to 1."""
    steps = (torch.arange(count, dtype=torch.float64) + 0.5) / count * 2 - 1
    down, right = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([right, down], dim=-1)


def mask_of(square: FaceSquare, height: int = 160, width: int = 200) -> Tensor:
    """Where a white face shows on a black picture, (height, width)."""
    white = torch.ones(1, 3, SIDE, SIDE)
    return pasted(torch.zeros(1, 3, height, width), square, white)[0, 0]


def same(x: Tensor) -> Tensor:
    return x


def in_steps(x: Tensor, note: str, count: int = 2, **found) -> Iterator[Step]:
    """A restoration that leaves a picture as it is."""
    for i in range(1, count):
        yield Step(i, count, f"{note} {i}", partial(same, x))
    yield Step(count, count, "done", partial(same, x), **found)


def white(face: Tensor) -> Iterator[Step]:
    """A restoration after which every face is white."""
    return in_steps(torch.ones_like(face), "step", 3)


def steps_with(*squares: FaceSquare) -> list[Step]:
    """The steps of a restoration that makes faces white on a black background."""
    black = torch.zeros(1, 3, 160, 200)
    found = [points_in(square) for square in squares]
    return list(restored(waves(), lambda _: found, white, in_steps(black, "clean-up")))


# Where a face is


@pytest.mark.parametrize("square", SQUARES, ids=["inside", "top", "bottom"])
def test_a_face_as_in_the_template_has_its_square(square):
    found = square_of(points_in(square))
    assert found.centre == pytest.approx(square.centre, abs=1e-4)
    assert found.half == pytest.approx(square.half, abs=1e-4)


def test_an_upright_face_of_the_templates_size_is_left_where_it_is():
    found = square_of(torch.tensor(TEMPLATE))
    assert found.centre == pytest.approx(256 + 256j, abs=1e-3)
    assert found.half == pytest.approx(256, abs=1e-3)


@pytest.mark.parametrize("which", range(5))
def test_one_point_that_is_off_moves_nothing(which):
    points = points_in(SQUARES[0])
    points[which] += torch.tensor([25.0, -15.0])
    found = square_of(points)
    assert found.centre == pytest.approx(SQUARES[0].centre, abs=1e-3)
    assert found.half == pytest.approx(SQUARES[0].half, abs=1e-3)


def test_small_errors_are_shared():
    points = points_in(SQUARES[0])
    off = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.5, -1.0], [0.0, 1.0], [-0.5, -0.5]])
    found = square_of(points + off)
    assert found.centre == pytest.approx(SQUARES[0].centre, abs=1.5)
    assert found.side == pytest.approx(SQUARES[0].side, rel=0.03)


@needs_opencv
@pytest.mark.parametrize("seed", range(4))
def test_the_square_is_that_of_the_published_programs_library(seed):
    from cv2 import LMEDS, estimateAffinePartial2D

    generator = torch.Generator().manual_seed(seed)
    points = points_in(SQUARES[0]) + 0.3 * torch.randn(5, 2, generator=generator)
    points[2] += 12  # the nose, as of a face that is seen from the side
    matrix = estimateAffinePartial2D(points.numpy(), torch.tensor(TEMPLATE).numpy(), method=LMEDS)[
        0
    ]
    slope, offset = complex(matrix[0, 0], matrix[1, 0]), complex(matrix[0, 2], matrix[1, 2])
    found = square_of(points)
    assert found.centre == pytest.approx((256 + 256j - offset) / slope, abs=0.02)
    assert found.half == pytest.approx(256 / slope, abs=0.02)


# Put back


@pytest.mark.parametrize("square", SQUARES, ids=["inside", "top", "bottom"])
def test_a_face_that_was_not_changed_changes_nothing(square):
    picture = waves()
    face = face_squares.taken_out(picture, square, SIDE)
    assert_close(pasted(picture, square, face), picture, atol=5e-3, rtol=0)


def test_a_face_larger_than_its_square_is_put_back_without_aliasing():
    picture = waves()
    square = FaceSquare(centre=100 + 80j, half=30 + 0j)
    stripes = (torch.arange(SIDE) % 2).float().expand(1, 3, SIDE, SIDE)
    middle = pasted(picture, square, stripes)[..., 70:90, 90:110]
    assert_close(middle, torch.full_like(middle, 0.5), atol=0.02, rtol=0)


def test_a_face_larger_than_512_pixels_comes_back():
    picture = waves(700, 800)
    square = FaceSquare(centre=400 + 350j, half=cmath.rect(300, 0.1))
    face = face_squares.taken_out(picture, square, SIDE)
    assert_close(pasted(picture, square, face), picture, atol=1e-2, rtol=0)


def test_a_square_outside_of_the_picture_changes_nothing():
    picture = waves()
    square = FaceSquare(centre=400 + 90j, half=50 + 0j)
    assert torch.equal(pasted(picture, square, torch.ones(1, 3, SIDE, SIDE)), picture)


def test_the_picture_that_is_given_is_left_alone():
    picture = waves()
    pasted(picture, SQUARES[0], torch.ones(1, 3, SIDE, SIDE))
    assert torch.equal(picture, waves())


def test_what_overshoots_is_cut():
    bright = torch.full((1, 3, SIDE, SIDE), 1.5)
    assert pasted(waves(), SQUARES[0], bright).max() <= 1


# The edge


def test_the_mask_is_whole_in_the_middle_and_nothing_at_the_edge():
    mask = softness(places(200))
    assert_close(mask[25:175, 25:175], torch.ones(150, 150), atol=1e-3, rtol=0)
    assert mask[0].max() < 1e-3


def test_the_mask_is_half_a_twentieth_within_the_edge():
    assert softness(torch.tensor([[[0.9, 0.0]]])).item() == pytest.approx(0.5)


def test_the_mask_never_jumps():
    steps = softness(places(SIDE)).diff(dim=0).abs()
    assert steps.max() < 0.06


def test_there_is_nothing_outside_of_the_square():
    outside = torch.tensor([[[1.0, 0.0], [-1.2, 0.3], [0.2, 7.0]]])
    assert torch.equal(softness(outside), torch.zeros(1, 3))


def test_the_mask_turns_with_the_face():
    square = FaceSquare(centre=100 + 80j, half=cmath.rect(50, math.pi / 4))
    mask = mask_of(square)
    assert mask[80, 156] > 0.99  # towards the corner that now lies on the right
    assert mask[40, 140] < 0.01


def test_at_the_border_of_the_picture_the_mask_does_not_fade():
    square = FaceSquare(centre=0 + 80j, half=50 + 0j)
    assert_close(mask_of(square)[60:100, 0], torch.ones(40), atol=1e-4, rtol=0)


# The whole


def test_faces_are_restored_and_the_rest_is_the_background():
    result = steps_with(*SQUARES)[-1].estimate()
    dark = torch.stack([1 - mask_of(square) for square in SQUARES]).prod(dim=0)
    assert_close(result[0, 0], 1 - dark, atol=1e-3, rtol=0)


def test_a_face_is_restored_upright_and_512_pixels_wide():
    picture, seen = waves(), []

    def look(face: Tensor) -> Iterator[Step]:
        seen.append(face)
        return in_steps(face, "step")

    finish(restored(picture, lambda _: [points_in(SQUARES[0])], look, in_steps(picture, "step")))
    assert_close(seen[0], face_squares.taken_out(picture, SQUARES[0], SIDE), atol=1e-4, rtol=0)


def test_steps_count_up_to_the_total():
    steps = steps_with(*SQUARES)
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))


def test_the_total_is_right_once_the_faces_have_begun():
    assert {step.total for step in steps_with(*SQUARES)[2:]} == {2 + 3 * 3 + 1}


def test_the_notes_say_which_face_it_is():
    assert [step.note for step in steps_with(*SQUARES[:2])] == [
        *("clean-up 1", "done"),
        *("faces, 1 of 2, step 1", "faces, 1 of 2, step 2", "faces, 1 of 2, done"),
        *("faces, 2 of 2, step 1", "faces, 2 of 2, step 2", "faces, 2 of 2, done"),
        "done, 2 faces",
    ]


def test_the_largest_face_lies_on_top():
    order = [points_in(square) for square in (SQUARES[0], SQUARES[2])]
    seen: list[float] = []

    def shades(face: Tensor) -> Iterator[Step]:
        seen.append(1.0 if seen else 0.5)
        return in_steps(torch.full_like(face, seen[-1]), "step")

    black = torch.zeros(1, 3, 160, 200)
    result = finish(restored(waves(), lambda _: order, shades, in_steps(black, "step")))
    assert result[0, 0, 80, 100].item() == pytest.approx(1.0)
    assert result[0, 0, 155, 195].item() == pytest.approx(0.5)


def test_previews_show_the_face_in_its_place():
    steps = steps_with(SQUARES[0])
    assert steps[1].estimate().max() == 0
    assert_close(steps[2].estimate()[0, 0], mask_of(SQUARES[0]), atol=1e-4, rtol=0)


def test_an_earlier_preview_stays_what_it_was():
    steps = steps_with(*SQUARES)
    assert_close(steps[2].estimate().amax(), steps[4].estimate().amax())
    assert steps[2].estimate().mean() < steps[-1].estimate().mean()


def test_without_a_face_the_background_is_the_result():
    steps = steps_with()
    assert torch.equal(steps[-1].estimate(), torch.zeros(1, 3, 160, 200))
    assert (steps[-1].done, steps[-1].total, steps[-1].note) == (3, 3, "done, no face")


def test_without_a_face_that_is_said():
    assert steps_with()[-1].remarks == (
        "No face was found, so the picture was restored as a whole.",
    )


def test_what_is_to_be_remarked_is_said_once():
    def face(upright: Tensor) -> Iterator[Step]:
        return in_steps(upright, "step", remarks=("The prompt was cut.",))

    found = [points_in(square) for square in SQUARES]
    said = ("The prompt was cut.", "Twice.")
    *_, last = restored(waves(), lambda _: found, face, in_steps(waves(), "step", remarks=said))
    assert last.remarks == said


def test_what_was_measured_on_the_background_is_kept():
    *_, last = restored(waves(), lambda _: [], white, in_steps(waves(), "", measured={"words": 2}))
    assert last.measured == {"words": 2}


@pytest.mark.parametrize(("distance", "count"), [(4.9, 0), (5.1, 1)])
def test_of_eyes_closer_than_five_pixels_nothing_is_known(distance, count):
    eyes = (TEMPLATE[1][0] - TEMPLATE[0][0]) / SIDE
    small = FaceSquare(centre=100 + 80j, half=distance / eyes / 2 + 0j)
    last = steps_with(small)[-1]
    assert last.note == ("done, no face", "done, 1 face")[count]


def test_no_face_is_touched_before_its_turn():
    begun = restored(waves(), lambda _: [points_in(SQUARES[0])], white, in_steps(waves(), "step"))
    next(begun)
    begun.close()
    assert not list(begun)


def test_the_background_is_as_large_as_the_picture():
    half = torch.zeros(1, 3, 80, 100)
    with pytest.raises(ValueError, match="the background is 100x80 and the picture 200x160"):
        finish(restored(waves(), lambda _: [], white, in_steps(half, "step")))


def test_the_published_template_is_symmetric_within_a_percent():
    middle = torch.tensor(TEMPLATE)[[0, 1, 3, 4], 0].mean()
    assert middle.item() == pytest.approx(restoring.SIDE / 2, rel=0.01)
