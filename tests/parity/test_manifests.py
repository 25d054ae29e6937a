"""Each published stage-1 file fits the class it is loaded into, name by name and shape by shape."""

import pytest
import torch
from spandrel import ModelLoader
from torch.testing import assert_close

from restoration import weights
from restoration.networks import stage1
from restoration.noise import seeded

MANIFESTS = ("diffbir_swinir", "diffbir_bsrnet", "diffbir_scunet")
NETWORKS = {
    "swinir-v2.1": (stage1.build_swinir, stage1.from_published_swinir),
    "bsrnet": (stage1.build_bsrnet, stage1.from_published_bsrnet),
    "scunet-psnr": (stage1.build_scunet, dict),
}
ENTRIES = dict(zip(MANIFESTS, NETWORKS, strict=True))
EACH_NETWORK = pytest.mark.parametrize("name", NETWORKS)
PUBLISHED_FIRST = {"swinir-v2.1": "conv_first.1.", "bsrnet": "", "scunet-psnr": ""}
SMALL = {
    "swinir-v2.1": {"img_size": 16, "embed_dim": 24, "depths": [2], "num_heads": [2]},
    "bsrnet": {"nb": 2},
    "scunet-psnr": {"config": [1] * 7},
}


def assert_fits(name, config, keys):
    build, rename = NETWORKS[name]
    published = {key: torch.empty(shape, device="meta") for key, shape in keys.items()}
    have = {key: value.shape for key, value in rename(published).items()}
    assert {key: value.shape for key, value in build(config).state_dict().items()} == have


def test_the_manifest_of_the_pack_fits(manifest):
    name, facts = manifest
    assert_fits(ENTRIES[name], facts["config"], facts["keys"])


@EACH_NETWORK
def test_the_manifest_of_the_project_fits(name):
    facts = weights.manifest(weights.named(name))
    assert_fits(name, facts["config"], facts["keys"])


@EACH_NETWORK
def test_spandrels_own_loader_gives_the_same_picture(name):
    """At a small size with random weights; the loader guesses the sizes, we are told them."""
    build, _ = NETWORKS[name]
    network = build({**weights.manifest(weights.named(name))["config"], **SMALL[name]})
    noise = seeded(0)
    state = {
        key: 0.05 * noise(torch.empty(value.shape)) if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    weights.load_into(network, state, file="random")
    published = {key.replace("conv_first.", PUBLISHED_FIRST[name]): v for key, v in state.items()}
    theirs = ModelLoader().load_from_state_dict(published).model.eval()
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert_close(network(picture), theirs(picture), rtol=0, atol=0)
