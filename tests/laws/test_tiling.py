"""Tiles cover the picture and leave no trace."""

import pytest
import torch
from torch.testing import assert_close

from restoration.noise import seeded
from restoration.params import Tiles
from restoration.tiling import pad_to_multiple, stride_for, tile_for, tiled, windows

SIZES = [(64, 64), (65, 64), (100, 130), (97, 201)]


def blended(f, x, overlap=0.25, scale=1):
    tiles = Tiles(size=64, overlap=overlap)
    tile = tile_for(*x.shape[-2:], tiles, 1)
    *_, (_, _, mosaic) = tiled(f, x, tile, stride_for(tile, tiles), scale)
    return mosaic.total / mosaic.weight


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.75])
def test_the_identity_in_tiles_is_the_identity(size, overlap):
    x = seeded(0)(torch.empty(1, 3, *size))
    assert_close(blended(lambda tile: tile, x, overlap), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_pixel_is_in_a_window(size):
    seen = torch.zeros(size)
    for top, bottom, left, right in windows(*size, (64, 64), (48, 48)):
        seen[top:bottom, left:right] += 1
    assert seen.min() >= 1


def test_an_enlarging_function_enlarges_the_mosaic():
    x = seeded(0)(torch.empty(1, 3, 70, 90))
    found = blended(lambda tile: tile.repeat_interleave(2, -1).repeat_interleave(2, -2), x, scale=2)
    assert found.shape == (1, 3, 140, 180)


def test_where_no_tile_has_been_the_mosaic_shows_the_unseen():
    x = torch.ones(1, 3, 64, 128)
    _, _, mosaic = next(tiled(lambda tile: tile * 5, x, (64, 64), (64, 64)))
    shown = mosaic.blend(x)
    assert_close(shown[..., :64], 5 * x[..., :64])
    assert_close(shown[..., 64:], x[..., 64:])


def test_an_uncut_picture_is_one_tile():
    assert tile_for(100, 3000, Tiles(cut=False), 64) == (128, 3008)


def test_a_short_side_is_not_cut():
    assert tile_for(100, 3000, Tiles(size=512), 64) == (128, 512)


def test_strides_leave_the_overlap():
    assert stride_for((512, 128), Tiles(overlap=0.25)) == (384, 96)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
@pytest.mark.parametrize("size", [(1, 1), (37, 31), (64, 3), (64, 64)], ids=str)
def test_padding_reaches_the_multiple_and_keeps_the_picture(mode, size):
    x = seeded(0)(torch.empty(1, 3, *size))
    padded = pad_to_multiple(x, 32, mode)
    assert all(side % 32 == 0 for side in padded.shape[-2:])
    assert torch.equal(padded[..., : size[0], : size[1]], x)
