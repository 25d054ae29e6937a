"""The conditional U-Net of DA-CLIP and IR-SDE gives the published numbers, in half nearly so."""

import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.networks import irsde
from tests.parity.irsde_networks import (
    LOWER,
    entry_with,
    error,
    filled,
    outputs,
    saved,
    shapes,
)
from tests.tolerances import NETWORK

PACK = "irsde_unet*"
MANIFESTS = ("irsde_unet", "irsde_unet_wild", "irsde_unet_plain")
OURS = ("universal", "wild", "plain_64", "plain_32", "plain_32_deep")
INERT = ("attn2.to_q", "attn2.to_k", "norm2")


@torch.no_grad()
def test_the_noise_is_the_same(pack):
    for name, found in outputs(filled(pack), pack).items():
        assert_close(found, pack.tensors[f"out.{name}"], atol=NETWORK, rtol=0)


@LOWER
@torch.no_grad()
def test_in_half_precision_it_is_nearly_the_same(pack, dtype, most):
    found = outputs(irsde.half_torso(filled(pack), dtype), pack)
    assert 0 < error(found, pack) < most


def test_only_what_is_kept_to_be_loaded_gets_no_gradient(pack):
    network = filled(pack).requires_grad_()
    outputs(network, pack, only="noise")["noise"].square().sum().backward()
    without = {name for name, value in network.named_parameters() if value.grad is None}
    inert = {
        name
        for name, _ in network.named_parameters()
        if "transformer_blocks" in name and any(part in name for part in INERT)
    }
    assert without == inert


@torch.no_grad()
def test_a_published_file_is_loaded_by_its_entry(pack, tmp_path, monkeypatch):
    entry = saved(pack, tmp_path, monkeypatch)
    found = outputs(irsde.load(entry), pack, only="noise")["noise"]
    assert_close(found, pack.tensors["out.noise"], atol=NETWORK, rtol=0)


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    assert shapes(irsde.build(facts["config"])) == facts["keys"]


@pytest.mark.parametrize("name", OURS)
def test_the_manifest_of_the_project_fits(name):
    facts = weights.manifest(entry_with(f"irsde_{name}.json"))
    assert shapes(irsde.build(facts["config"])) == facts["keys"]
