"""The published finder on a photograph; needs `weights fetch yunet` and requirements-faces.txt."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.testing import assert_close

from restoration import faces, image_io

pytestmark = pytest.mark.weights
POINTS = ((203.5, 101.0), (247.0, 103.0), (224.0, 125.0), (205.0, 141.0), (245.0, 142.0))
"""Of the astronaut's face, read off by eye."""


@pytest.fixture
def astronaut() -> Image.Image:
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(data.astronaut())


def found(image: Image.Image) -> Tensor:
    points = faces.landmarks(image_io.read(image).image)
    assert points is not None
    return points


def test_the_points_of_a_face_are_found(astronaut):
    assert_close(found(astronaut), torch.tensor(POINTS), atol=6, rtol=0)


def test_the_points_of_a_tilted_face_are_found(astronaut):
    x, y = (torch.tensor(POINTS) - 256).unbind(-1)
    cos, sin = math.cos(math.radians(30)), math.sin(math.radians(30))
    tilted = torch.stack([x * cos + y * sin, y * cos - x * sin], dim=-1) + 256
    turned = astronaut.rotate(30, Image.Resampling.BICUBIC)
    assert_close(found(turned), tilted, atol=6, rtol=0)


def test_the_points_grow_with_the_picture(astronaut):
    large = astronaut.resize((2048, 2048), Image.Resampling.BICUBIC)
    assert_close(found(large) / 4, torch.tensor(POINTS), atol=6, rtol=0)
