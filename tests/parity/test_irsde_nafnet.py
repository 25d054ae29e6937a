"""The NAFNet of Refusion gives the published numbers, in half precision nearly so."""

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

PACK = "irsde_nafnet"
MANIFESTS = ("irsde_nafnet",)


@torch.no_grad()
def test_the_noise_is_the_same(pack):
    for name, found in outputs(filled(pack), pack).items():
        assert_close(found, pack.tensors[f"out.{name}"], atol=NETWORK, rtol=0)


@LOWER
@torch.no_grad()
def test_in_half_precision_it_is_nearly_the_same(pack, dtype, most):
    found = outputs(irsde.half_torso(filled(pack), dtype), pack)
    assert 0 < error(found, pack) < most


def test_every_weight_gets_a_gradient(pack):
    network = filled(pack).requires_grad_()
    outputs(network, pack, only="noise")["noise"].square().sum().backward()
    assert all(value.grad is not None for value in network.parameters())


@torch.no_grad()
def test_a_published_file_is_loaded_by_its_entry(pack, tmp_path, monkeypatch):
    entry = saved(pack, tmp_path, monkeypatch)
    found = outputs(irsde.load(entry), pack, only="noise")["noise"]
    assert_close(found, pack.tensors["out.noise"], atol=NETWORK, rtol=0)


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    assert shapes(irsde.build(facts["config"])) == facts["keys"]


def test_the_manifest_of_the_project_fits():
    facts = weights.manifest(entry_with("refusion_nafnet.json"))
    assert shapes(irsde.build(facts["config"])) == facts["keys"]
