"""SwinIR as published loads and gives the published numbers."""

import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.methods.diffbir import CLEANERS, DiffbirParams, Stage1
from restoration.networks import stage1
from restoration.noise import seeded
from restoration.protocol import Request, finish
from tests.tolerances import NETWORK

PACK = "diffbir_swinir"


@pytest.fixture
def network(pack):
    network = stage1.build_swinir(pack.config)
    weights.load_into(network, stage1.from_published_swinir(pack.group("weight")), file="golden")
    return network


def test_an_odd_size_gives_the_same_picture(pack, network):
    degraded, want = pack.tensors["in.x_odd"], pack.tensors["out.y_odd"]
    height, width = degraded.shape[-2:]
    found = network(degraded)[..., :height, :width]
    assert_close(found, want[..., :height, :width], atol=NETWORK, rtol=NETWORK)


def test_the_size_of_the_stored_mask_gives_the_same_picture(pack, network):
    found = network(pack.tensors["in.x_buffer"])
    assert_close(found, pack.tensors["out.y_buffer"], atol=NETWORK, rtol=NETWORK)


def test_stage_1_is_the_network_on_a_picture_of_its_own_size(network):
    restorer = Stage1(network, CLEANERS["v2.1"], "cpu", torch.float32)
    picture = torch.rand(1, 3, 512, 512, generator=torch.Generator().manual_seed(0))
    found = finish(restorer(Request(picture), DiffbirParams(), seeded(0)))
    assert_close(found, network(picture).clamp(0, 1), atol=NETWORK, rtol=NETWORK)
