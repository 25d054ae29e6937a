"""The U-Net of guided diffusion as published loads and gives the published numbers."""

import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.networks import guided_unet
from tests.tolerances import NETWORK

PACK = "guided_unet"
MANIFESTS = ("guided_unet",)
PRIORS = [name for name in weights.catalogue() if name.startswith("guided-")]
GRADIENT = 2e-5
"""Of an output weighted by normal numbers; up to 1.2e-5 was measured between two builds."""


@pytest.fixture
def probed(pack):
    if "in.probe" not in pack.tensors:
        pytest.skip("this golden has neither gradient nor embedding")
    return pack


@pytest.fixture
def network(pack):
    network = guided_unet.build(pack.config)
    state = guided_unet.from_published(pack.weights, pack.config)
    weights.load_into(network, state, file="golden")
    return network


def output(network, pack, x):
    (found,) = network(x, pack.tensors["in.t"], pack.tensors.get("in.y"), return_dict=False)
    return found


def assert_fits(facts):
    keys, config = facts["keys"], facts["config"]
    published = {key: torch.empty(shape, device="meta") for key, shape in keys.items()}
    have = guided_unet.from_published(published, config)
    want = guided_unet.build(config).state_dict()
    assert {key: v.shape for key, v in have.items()} == {key: v.shape for key, v in want.items()}


@torch.no_grad()
def test_the_output_is_the_same(pack, network):
    found = output(network, pack, pack.tensors["in.x"])
    assert_close(found, pack.tensors["out.eps_and_v"], atol=NETWORK, rtol=0)


def test_the_gradient_of_the_input_is_the_same(probed, network):
    x = probed.tensors["in.x"].requires_grad_()
    (output(network, probed, x) * probed.tensors["in.probe"]).sum().backward()
    assert_close(x.grad, probed.tensors["out.grad_x"], atol=GRADIENT, rtol=0)


@torch.no_grad()
def test_the_embedding_of_the_time_is_the_same(probed, network):
    found = network.time_embedding(network.time_proj(probed.tensors["in.t"]))
    assert_close(found, probed.tensors["out.emb"], atol=NETWORK, rtol=0)


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    assert_fits(facts)


@pytest.mark.parametrize("name", PRIORS)
def test_the_manifest_of_the_project_fits(name):
    assert_fits(weights.manifest(weights.named(name)))
