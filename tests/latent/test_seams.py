"""No border of a tile is seen, even where neighbouring tiles disagree about everything.

Second differences across the borders, over those elsewhere; of a textured picture they vary by
chance from line to line, so there the same lines of the picture that was not cut are the measure.
"""

import pytest
import torch

from restoration.noise import seeded
from restoration.params import Tiles
from restoration.tiling import stride_for, tiled, windows

SIDE, TILE = 192, 64
LIMIT = 1.05


def smooth():
    y, x = torch.linspace(0, 3, SIDE)[:, None], torch.linspace(0, 2, SIDE)
    return torch.sin(x + y)[None, None].expand(1, 4, -1, -1)


def textured():
    return smooth() + 0.3 * seeded(0)(torch.empty(1, 4, SIDE, SIDE))


def blended(picture, overlap):
    """Tiles that are each brighter or darker and steeper than their neighbours."""
    noise, ramp = seeded(1), torch.linspace(-1, 1, TILE)

    def disagreeing(tile):
        level, slope = noise(torch.empty(2, 1, 4, 1, 1))
        return tile + 0.3 * level + 0.3 * slope * ramp

    stride = stride_for((TILE, TILE), Tiles(overlap=overlap))
    *_, (_, _, mosaic) = tiled(disagreeing, picture, (TILE, TILE), stride)
    return mosaic.total / mosaic.weight


def borders(overlap):
    """Pixels of a line at which tiles begin or end."""
    stride, _ = stride_for((TILE, TILE), Tiles(overlap=overlap))
    where = windows(SIDE, SIDE, (TILE, TILE), (stride, stride))
    return sorted({edge for window in where for edge in window} - {0, SIDE})


def unevenness(picture, overlap):
    """Second differences across the borders over those elsewhere, from left to right."""
    bent = picture.double().diff(n=2, dim=-1).square().mean((0, 1, 2)).sqrt()
    across = torch.zeros(len(bent), dtype=torch.bool)
    for edge in borders(overlap):
        across[edge - 2 : edge] = True
    return float(bent[across].mean() / bent[~across].mean())


@pytest.mark.parametrize("overlap", [0.25, 0.5, 0.75])
def test_a_smooth_picture_bends_no_more_across_borders_than_elsewhere(overlap):
    assert unevenness(blended(smooth(), overlap), overlap) < LIMIT


@pytest.mark.parametrize("overlap", [0.25, 0.5, 0.75])
def test_a_textured_picture_bends_across_borders_as_one_that_was_not_cut(overlap):
    found = unevenness(blended(textured(), overlap), overlap) / unevenness(textured(), overlap)
    assert 1 / LIMIT < found < LIMIT


@pytest.mark.parametrize("picture", [smooth(), textured()], ids=["smooth", "textured"])
def test_without_an_overlap_the_borders_would_be_seen(picture):
    assert unevenness(blended(picture, 0.0), 0.0) > 1.2
