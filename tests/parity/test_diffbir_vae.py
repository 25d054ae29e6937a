"""Stable Diffusion's autoencoder gives the published numbers, in half precision nearly so."""

import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.networks import stable_diffusion, stable_diffusion_keys
from tests import published_configs
from tests.tolerances import NETWORK

PACK = "diffbir_vae"
MANIFESTS = (PACK,)
MOMENTS = 1e-4
"""Log-variances are of size 30, and what is decoded from a mean carries its rounding."""
HALF = 0.05
"""Relative root mean square error in bfloat16; at most 0.014 was measured."""


@pytest.fixture
def config(pack):
    return published_configs.autoencoder_config(pack.config, pack.info["latent_scale_factor"])


@pytest.fixture
def network(pack, config):
    network = stable_diffusion.build_autoencoder(config)
    state = stable_diffusion_keys.autoencoder(pack.weights, config)
    weights.load_into(network, state, file="golden")
    return network


def encoded(network, pack):
    return network.encode(pack.tensors["in.x"]).latent_dist


def decoded(network, pack, config):
    return network.decode(pack.tensors["in.z"] / config["scaling_factor"]).sample


def error(found, want):
    return float((found - want).norm() / want.norm())


def shapes(state):
    return {key: tuple(value.shape) for key, value in state.items()}


def fits(facts, config):
    published = {k: torch.empty(s, device="meta") for k, s in facts["keys"].items()}
    have = stable_diffusion_keys.autoencoder(published, config)
    return shapes(have) == shapes(stable_diffusion.build_autoencoder(config).state_dict())


@torch.no_grad()
def test_the_moments_are_the_same(pack, network):
    found = encoded(network, pack).parameters
    assert_close(found, pack.tensors["out.moments"], atol=MOMENTS, rtol=0)


@torch.no_grad()
def test_the_log_variance_is_clamped_alike(pack, network):
    found = encoded(network, pack).logvar
    assert_close(found, pack.tensors["out.logvar_clamped"], atol=MOMENTS, rtol=0)


@torch.no_grad()
def test_the_mode_is_the_same(pack, config, network):
    found = encoded(network, pack).mode() * config["scaling_factor"]
    assert_close(found, pack.tensors["out.z_mode"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_a_sample_is_the_same(pack, config, network):
    moments = encoded(network, pack)
    found = (moments.mean + moments.std * pack.tensors["in.noise"]) * config["scaling_factor"]
    assert_close(found, pack.tensors["out.z_sample"], atol=MOMENTS, rtol=1e-5)


@torch.no_grad()
def test_the_decoded_picture_is_the_same(pack, config, network):
    found = decoded(network, pack, config)
    assert_close(found, pack.tensors["out.decoded"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_there_and_back_is_the_same(pack, network):
    found = network.decode(encoded(network, pack).mode()).sample
    assert_close(found, pack.tensors["out.roundtrip"], atol=MOMENTS, rtol=0)


@torch.no_grad()
def test_in_half_precision_the_mode_is_nearly_the_same(pack, config, network):
    stable_diffusion.half_torso(network, torch.bfloat16)
    found = encoded(network, pack).mode() * config["scaling_factor"]
    assert found.dtype == torch.float32
    assert 0 < error(found, pack.tensors["out.z_mode"]) < HALF


@torch.no_grad()
def test_in_half_precision_the_picture_is_nearly_the_same(pack, config, network):
    stable_diffusion.half_torso(network, torch.bfloat16)
    found = decoded(network, pack, config)
    assert found.dtype == torch.float32
    assert 0 < error(found, pack.tensors["out.decoded"]) < HALF


@torch.no_grad()
def test_in_half_precision_no_layer_that_costs_time_is_given_float32(pack, config, network):
    stable_diffusion.half_torso(network, torch.bfloat16)
    seen = []
    for block in (*network.encoder.down_blocks, *network.decoder.up_blocks):
        block.register_forward_hook(lambda layer, args, out: seen.append(out.dtype))
    encoded(network, pack)
    decoded(network, pack, config)
    assert set(seen) == {torch.bfloat16}


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    config = facts["config"]
    assert fits(facts, published_configs.autoencoder_config(config, config["latent_scale_factor"]))


def test_the_manifest_of_the_project_fits_the_full_size():
    entry = weights.named("sd21-base").model_copy(update={"manifest": "sd21_autoencoder.json"})
    facts = weights.manifest(entry)
    factor = facts["config"]["latent_scale_factor"]
    full = stable_diffusion.AUTOENCODER
    assert published_configs.autoencoder_config(facts["config"], factor) == full
    assert fits(facts, full)
