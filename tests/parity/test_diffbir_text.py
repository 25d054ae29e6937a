"""Stable Diffusion's text tower and tokens give the published numbers."""

import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.latent import prompts
from restoration.networks import stable_diffusion, stable_diffusion_files, stable_diffusion_keys
from tests import published_configs
from tests.tolerances import NETWORK

PACK = "diffbir_text"
MANIFESTS = (PACK,)
ABSENT = ("model.text_projection", "model.logit_scale", "model.transformer.resblocks.")
"""Of the base with zero terminal SNR, the last with the number of the last block."""


def filled(published, config):
    network = stable_diffusion.build_text(config)
    state = stable_diffusion_keys.text(published, config)
    state = stable_diffusion_files.prefixed_as(network, state)
    weights.load_into(network, state, file="golden")
    return network


def configured(pack, layer="penultimate"):
    return published_configs.text_config({**pack.config, "layer": layer})


def without_what_is_not_read(keys, layers):
    absent = (*ABSENT[:2], f"{ABSENT[2]}{layers - 1}.")
    return {key: value for key, value in keys.items() if not key.startswith(absent)}


def fits(keys, config):
    network = stable_diffusion.build_text(config)
    published = {key: torch.empty(shape, device="meta") for key, shape in keys.items()}
    have = stable_diffusion_keys.text(published, config)
    have = stable_diffusion_files.prefixed_as(network, have)
    want = {key: value.shape for key, value in network.state_dict().items()}
    return {key: value.shape for key, value in have.items()} == want


@torch.no_grad()
def test_the_context_is_the_same(pack):
    network = filled(pack.weights, configured(pack))
    found = stable_diffusion.embed(network, pack.tensors["in.tokens"])
    assert_close(found, pack.tensors["out.penultimate"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_the_last_layer_is_the_same(pack):
    network = filled(pack.weights, configured(pack, "last"))
    found = stable_diffusion.embed(network, pack.tensors["in.tokens"])
    assert_close(found, pack.tensors["out.last"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_the_context_is_the_same_without_the_layer_that_is_not_read(pack):
    layers = pack.config["text_cfg"]["layers"]
    network = filled(without_what_is_not_read(pack.weights, layers), configured(pack))
    found = stable_diffusion.embed(network, pack.tensors["in.tokens"])
    assert_close(found, pack.tensors["out.penultimate"], atol=NETWORK, rtol=0)


def test_no_other_layer_may_be_absent(pack):
    published = {k: v for k, v in pack.weights.items() if ".resblocks.0.mlp" not in k}
    with pytest.raises(weights.WrongWeightsError, match="4 tensors differ"):
        filled(published, configured(pack))


def test_names_with_the_prefix_of_older_versions_fit_too(pack):
    config = configured(pack)
    network = stable_diffusion.build_text(config)
    state = stable_diffusion_keys.text(pack.weights, config)
    older = {f"text_model.{key}": value for key, value in state.items()}
    found = stable_diffusion_files.prefixed_as(network, older)
    assert found.keys() == network.state_dict().keys()


def test_the_tokens_are_the_same(pack):
    found = torch.tensor([prompts.read(text).tokens for text in pack.info["texts"]])
    assert torch.equal(found, pack.tensors["out.token_ids"])


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    assert fits(facts["keys"], published_configs.text_config(facts["config"]))


@pytest.mark.parametrize("absent", [dict, lambda keys: without_what_is_not_read(keys, 24)])
def test_the_manifest_of_the_project_fits_the_full_size(absent):
    entry = weights.named("sd21-base").model_copy(update={"manifest": "sd21_text.json"})
    facts = weights.manifest(entry)
    assert published_configs.text_config(facts["config"]) == stable_diffusion.TEXT
    assert fits(absent(facts["keys"]), stable_diffusion.TEXT)
