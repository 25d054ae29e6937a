"""Tiling, padding, resizing and the wavelet colour fix are those of DiffBIR v2.1."""

import torch
from torch.nn import functional
from torch.testing import assert_close

from restoration.colour import (
    resize,
    resize_short_edge_to,
    wavelet_decomposition,
    wavelet_reconstruction,
)
from restoration.tiling import gaussian_weights, pad_to_multiple, tiled, windows
from tests.tolerances import ARITHMETIC, LEVEL, TABLE

PACK = "diffbir_color"
CLOSE = {"atol": 10 * ARITHMETIC, "rtol": 0}


def blend(f, x, pack, scale=1):
    tile, stride = pack.config["blend"]
    *_, (_, _, mosaic) = tiled(f, x, (tile, tile), (stride, stride), scale)
    return mosaic.total / mosaic.weight


def test_detail_and_colour_are_split_alike(pack):
    high, low = wavelet_decomposition(pack.tensors["in.content"])
    assert_close(high, pack.tensors["out.high"], **CLOSE)
    assert_close(low, pack.tensors["out.low"], **CLOSE)


def test_the_colour_fix_is_alike(pack):
    fixed = wavelet_reconstruction(pack.tensors["in.content"], pack.tensors["in.style"])
    assert_close(fixed, pack.tensors["out.wavelet"], **CLOSE)


def test_windows_lie_alike(pack):
    for i, (height, width, tile, stride) in enumerate(pack.config["windows"]):
        found = torch.tensor(windows(height, width, (tile, tile), (stride, stride)))
        assert torch.equal(found, pack.tensors[f"out.tiles.{i}"].long())


def test_weights_are_alike(pack):
    for i, (width, height) in enumerate(pack.config["gauss"]):
        assert_close(
            gaussian_weights(width, height), pack.tensors[f"out.gauss.{i}"], atol=TABLE, rtol=1e-9
        )


def test_tiles_blend_alike(pack):
    def shifted(x):
        return 0.5 * x.roll(1, -1) + x.mean((-2, -1), keepdim=True)

    found = blend(shifted, pack.tensors["in.content"], pack)
    assert_close(found, pack.tensors["out.blend1"], **CLOSE)


def test_enlarging_tiles_blend_alike(pack):
    def enlarged(x):
        return functional.interpolate(x, scale_factor=4) + x.mean((-2, -1), keepdim=True)

    found = blend(enlarged, pack.tensors["in.small"], pack, scale=4)
    assert_close(found, pack.tensors["out.blend4"], **CLOSE)


def test_the_short_edge_is_resized_alike(pack):
    found = resize_short_edge_to(pack.tensors["in.content"], pack.config["edge"])
    assert_close(found, pack.tensors["out.short_edge"], **CLOSE)


def test_padding_is_alike(pack):
    found = pad_to_multiple(pack.tensors["in.content"], pack.config["pad"])
    assert torch.equal(found, pack.tensors["out.pad"])


def test_the_final_picture_is_alike(pack):
    height, width = pack.config["final"]
    found = resize(pack.tensors["out.wavelet"], height, width).mul(255).clamp(0, 255).byte()
    want = pack.tensors["out.final_u8"]
    assert (found.int() - want.int()).abs().max() <= LEVEL
