"""The U-Net of guided diffusion gives the published numbers, in half precision nearly so."""

import json

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from restoration import weights
from restoration.errors import WrongWeightsError
from restoration.networks import guided_unet
from restoration.noise import seeded
from tests.tolerances import NETWORK

PACK = "guided_unet"
MANIFESTS = ("guided_unet",)
PRIORS = [name for name in weights.catalogue() if name.startswith(("guided-", "gen2res-"))]
GRADIENT = 2e-5
"""Of an output weighted by normal numbers; up to 1.2e-5 was measured between two builds."""
HALF, HALF_GRADIENT = 0.03, 0.06
"""Relative root mean square error in bfloat16; at most 0.015 and 0.032 were measured."""


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


def gradient(network, pack):
    x = pack.tensors["in.x"].clone().requires_grad_()
    probe = pack.tensors.get("in.probe", seeded(0)(pack.tensors["out.eps_and_v"]))
    (output(network, pack, x) * probe).sum().backward()
    return x.grad


def error(found, want):
    return float((found - want).norm() / want.norm())


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
    found = gradient(network, probed)
    assert_close(found, probed.tensors["out.grad_x"], atol=GRADIENT, rtol=0)


@torch.no_grad()
def test_the_embedding_of_the_time_is_the_same(probed, network):
    found = network.time_embedding(network.time_proj(probed.tensors["in.t"]))
    assert_close(found, probed.tensors["out.emb"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_a_published_file_is_loaded_by_its_entry(pack, tmp_path, monkeypatch):
    file, manifest = tmp_path / "prior.pt", tmp_path / "manifests" / "prior.json"
    torch.save(pack.weights, file)
    manifest.parent.mkdir()
    keys = {key: list(value.shape) for key, value in pack.weights.items()}
    manifest.write_text(json.dumps({"config": pack.config, "keys": keys}))
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(weights, "locate", lambda name: file)
    entry = weights.named("guided-ffhq-256").model_copy(update={"manifest": manifest.name})
    found = output(guided_unet.load(entry), pack, pack.tensors["in.x"])
    assert_close(found, pack.tensors["out.eps_and_v"], atol=NETWORK, rtol=0)


def test_a_tensor_of_another_network_is_named(pack):
    state = {**pack.weights, "encoder.0.weight": torch.zeros(1)}
    with pytest.raises(WrongWeightsError, match=r"1 tensors differ, first 'encoder\.0\.weight'"):
        weights.load_into(
            guided_unet.build(pack.config),
            guided_unet.from_published(state, pack.config),
            file="prior.pt",
        )


def test_checkpointing_leaves_the_gradient_as_it_is(pack, network):
    plain = gradient(network, pack)
    network.enable_gradient_checkpointing()
    assert_close(gradient(network, pack), plain, atol=1e-6, rtol=0)


def test_what_is_half_is_what_convolves_or_attends(network, pack):
    guided_unet.half_torso(network, torch.bfloat16)
    half = {
        name.rpartition(".")[0]
        for name, value in network.named_parameters()
        if value.dtype == torch.bfloat16
    }
    convolving = {
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d) and name != "conv_out"
    }
    attending = {
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear) and ".attentions." in name
    }
    assert attending
    assert half == convolving | attending


def test_the_names_of_a_half_network_are_those_of_a_full_one(network, pack):
    names = set(network.state_dict())
    guided_unet.half_torso(network, torch.bfloat16)
    assert set(network.state_dict()) == names


@torch.no_grad()
def test_the_output_in_half_precision_is_near(pack, network):
    guided_unet.half_torso(network, torch.bfloat16)
    found = output(network, pack, pack.tensors["in.x"])
    assert found.dtype == torch.float32
    assert 0 < error(found, pack.tensors["out.eps_and_v"]) < HALF


@torch.no_grad()
def test_the_time_is_embedded_in_full_precision_all_the_same(pack, network):
    seen = []
    network.time_embedding.register_forward_hook(lambda layer, args, out: seen.append(out))
    output(network, pack, pack.tensors["in.x"])
    guided_unet.half_torso(network, torch.bfloat16)
    output(network, pack, pack.tensors["in.x"])
    assert_close(seen[1], seen[0], atol=NETWORK, rtol=0)


def test_the_gradient_in_half_precision_is_near(pack, network):
    full = gradient(network, pack)
    guided_unet.half_torso(network, torch.bfloat16)
    assert error(gradient(network, pack), full) < HALF_GRADIENT


def test_checkpointing_works_in_half_precision(pack, network):
    guided_unet.half_torso(network, torch.bfloat16)
    plain = gradient(network, pack)
    network.enable_gradient_checkpointing()
    assert_close(gradient(network, pack), plain, atol=1e-6, rtol=0)


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    assert_fits(facts)


@pytest.mark.parametrize("name", PRIORS)
def test_the_manifest_of_the_project_fits(name):
    assert_fits(weights.manifest(weights.named(name)))
