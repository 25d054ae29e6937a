"""Aligned faces: where FFHQ has them, however the picture was turned, mirrored where it ends."""

from __future__ import annotations

import cmath
import math

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from restoration import faces
from restoration.faces.squares import FaceSquare, around, cut

FACE = ((110.0, 90.0), (150.0, 90.0), (130.0, 112.0), (114.0, 130.0), (146.0, 130.0))
"""Eyes 40 pixels apart, and the mouth 40 below: the eyes decide."""
LONG_FACE = (*FACE[:3], (114.0, 150.0), (146.0, 150.0))
"""The mouth 60 below: it decides."""
CENTRE = 130 + 94j
"""Of the square of FACE."""


def points(*places: tuple[float, float]) -> Tensor:
    return torch.tensor(places, dtype=torch.float64)


def turned(places: Tensor, degrees: float, about: complex = CENTRE) -> Tensor:
    turn = cmath.rect(1, math.radians(degrees))
    moved = [about + (complex(x, y) - about) * turn for x, y in places.tolist()]
    return points(*((place.real, place.imag) for place in moved))


def turned_places(x: Tensor, y: Tensor, degrees: float) -> tuple[Tensor, Tensor]:
    """The same for many places."""
    turn = cmath.rect(1, math.radians(degrees))
    right, down = x - CENTRE.real, y - CENTRE.imag
    return (
        CENTRE.real + right * turn.real - down * turn.imag,
        CENTRE.imag + right * turn.imag + down * turn.real,
    )


def waves(x: Tensor, y: Tensor) -> Tensor:
    """A picture as a function of the place, (1, 3, H, W)."""
    rows = (torch.sin(x / 9) + torch.cos(y / 11), torch.cos((x + y) / 13), torch.sin((x - y) / 15))
    return torch.stack([row / 4 + 0.5 for row in rows])[None].float()


def pixels(height: int, width: int) -> tuple[Tensor, Tensor]:
    """The centres of pixels: x and y."""
    y, x = torch.meshgrid(
        torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij"
    )  # fmt: skip
    return x, y


def ramp(height: int, width: int) -> Tensor:
    """Dark on the left, by a hundredth brighter with each pixel to the right."""
    x, _ = pixels(height, width)
    return (x / 100).expand(1, 3, -1, -1)


def test_the_square_is_four_eye_distances_wide():
    square = around(points(*FACE))
    assert (square.centre, square.side) == (CENTRE, 160)


def test_the_square_of_a_long_face_is_3_6_times_from_eyes_to_mouth():
    square = around(points(*LONG_FACE))
    assert square.centre == 130 + 96j
    assert square.side == pytest.approx(216)


@pytest.mark.parametrize("degrees", [-120, 30, 90, 180])
def test_the_square_turns_with_the_face(degrees):
    square = around(turned(points(*FACE), degrees))
    turn = cmath.rect(1, math.radians(degrees))
    assert square.centre == pytest.approx(CENTRE)
    assert square.half == pytest.approx(80 * turn)


def test_the_square_grows_with_the_picture():
    square = around(3 * points(*FACE))
    assert (square.centre, square.side) == (3 * CENTRE, 480)


def test_a_face_whose_mouth_is_askew_is_turned_by_the_mean_of_eyes_and_mouth():
    askew = points(*FACE) + points((0, 0), (0, 0), (0, 0), (-40, 0), (-40, 0))
    assert cmath.phase(around(askew).half) > 0  # the chin goes to the left: turned clockwise


def test_points_at_one_place_are_no_face():
    with pytest.raises(ValueError, match="these points are no face"):
        around(points(*([(3.0, 4.0)] * 5)))


@pytest.mark.parametrize("place", range(5))
def test_a_point_lands_where_ffhq_has_it(place):
    x, y = pixels(200, 260)
    at = points(*FACE)[place]
    dot = torch.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 8).expand(1, 3, -1, -1).float()
    face = faces.aligned(dot, points(*FACE), 128)[0, 0]
    x, y = pixels(128, 128)
    found = torch.stack([(face * x).sum(), (face * y).sum()]) / face.sum()
    square = ((complex(*at.tolist()) - CENTRE) / 160 + 0.5 + 0.5j) * 128
    assert_close(found, torch.tensor([square.real, square.imag]), atol=0.05, rtol=0)


@pytest.mark.parametrize("degrees", [30, -75, 180])
def test_a_turned_picture_gives_the_same_face(degrees):
    room = torch.tensor([20.0, 40.0])  # so that no corner leaves the picture
    x, y = pixels(280, 300)
    x, y = x - room[0], y - room[1]
    straight = faces.aligned(waves(x, y), points(*FACE) + room, 96)
    tilted = waves(*turned_places(x, y, -degrees))
    face = faces.aligned(tilted, turned(points(*FACE), degrees) + room, 96)
    assert_close(face, straight, atol=4e-3, rtol=0)


def test_an_upright_square_of_whole_pixels_is_a_crop():
    x, y = pixels(80, 90)
    image = waves(x, y)
    assert_close(cut(image, FaceSquare(45 + 40j, 32 + 0j), 64), image[..., 8:72, 13:77],
                 atol=5e-3, rtol=0)  # fmt: skip


@pytest.mark.parametrize("side", [16, 40, 100])
def test_the_same_is_seen_at_any_size(side):
    image = waves(*pixels(200, 260))
    seen = faces.aligned(image, points(*FACE), side)
    x, y = pixels(side, side)
    assert_close(seen, waves(x / side * 160 + 50, y / side * 160 + 14), atol=0.03, rtol=0)


def test_detail_finer_than_a_pixel_becomes_its_mean():
    x, y = pixels(400, 400)
    checks = ((x.floor() + y.floor()) % 2).expand(1, 3, -1, -1)
    face = cut(checks, FaceSquare(200 + 200j, 150 * cmath.rect(1, 0.3)), 32)
    assert_close(face, torch.full_like(face, 0.5), atol=0.02, rtol=0)


def test_a_large_picture_around_a_small_face_changes_nothing():
    image = waves(*pixels(300, 300))
    square = FaceSquare(150 + 150j, 30 * cmath.rect(1, 0.3))
    near = cut(image[..., 90:210, 90:210], FaceSquare(60 + 60j, square.half), 48)
    assert_close(cut(image, square, 48), near, atol=1e-5, rtol=0)


def test_a_picture_of_one_colour_stays_one_beyond_its_edge():
    image = torch.tensor([0.2, 0.5, 0.8])[:, None, None].expand(3, 90, 100)[None]
    face = cut(image, FaceSquare(10 + 20j, 40 * cmath.rect(1, 0.5)), 32)
    assert_close(face, image[..., :32, :32], atol=1e-4, rtol=0)


def test_beyond_its_edge_a_picture_is_mirrored():
    face = cut(ramp(120, 90), FaceSquare(20 + 60j, 40 + 0j), 80)
    x = torch.arange(20) + 0.5  # columns 0 to 19 lie beyond the left edge
    share = x.flip(0) / 28  # of the 20 pixels beyond and a tenth of the side
    median = 0.34  # of columns 0 to 67
    mirrored = x.flip(0) / 100
    assert_close(face[0, 0, 40, 4:16], (mirrored + (median - mirrored) * share)[4:16],
                 atol=0.01, rtol=0)  # fmt: skip


def test_at_its_edge_a_picture_is_blurred():
    fine = torch.rand(1, 3, 120, 120, generator=torch.Generator().manual_seed(1))
    face = cut(fine, FaceSquare(40 + 60j, 50 + 0j), 100)
    assert face[..., 8:12].std() < 0.5 * face[..., 40:].std()


def test_within_the_picture_nothing_is_blurred():
    fine = torch.rand(1, 3, 120, 120, generator=torch.Generator().manual_seed(1))
    inside = cut(fine, FaceSquare(60 + 60j, 59 + 0j), 118)
    assert_close(inside[..., :5].std(), inside[..., 60:].std(), atol=0.03, rtol=0)


def test_a_face_in_the_corner_of_a_tiny_picture_is_mirrored_as_often_as_it_takes():
    face = cut(waves(*pixels(6, 5)), FaceSquare(0j, 40 + 0j), 32)
    assert face.shape == (1, 3, 32, 32)
    assert bool(face.isfinite().all())


def test_values_stay_in_range():
    edges = (torch.rand(1, 3, 90, 90, generator=torch.Generator().manual_seed(2)) > 0.5).float()
    face = cut(edges, FaceSquare(50 + 40j, 30 + 10j), 200)
    assert (float(face.min()), float(face.max())) == (0, 1)
