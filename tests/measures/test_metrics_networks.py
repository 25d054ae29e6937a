"""LPIPS and DISTS on networks of random weights, against torchmetrics."""

from __future__ import annotations

import functools

import pytest
import torch

from restoration import weights
from restoration.errors import WrongWeightsError
from restoration.measures import absent, measured
from restoration.metrics import networks
from restoration.metrics.networks import ALEXNET, VGG16, dists, lpips

SIDE = 32


@pytest.fixture(scope="module", autouse=True)
def libraries():
    """Imported once and outside any test's time."""
    import torchvision.models  # noqa: F401


@functools.cache
def state(name: str) -> dict[str, torch.Tensor]:
    """Random convolutions of the right shapes; the classifier, which nobody reads, is zero."""
    generator = torch.Generator().manual_seed(0)
    made = {}
    for key, shape in weights.manifest(weights.named(name))["keys"].items():
        if key.startswith("features."):
            fan = torch.tensor(shape[1:]).prod() if len(shape) > 1 else torch.tensor(100)
            made[key] = torch.randn(shape, generator=generator) * (2 / fan) ** 0.5
        else:
            made[key] = torch.zeros(1).expand(shape)
    return made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where random weights stand for the published ones, whose hashes they cannot have."""
    known = dict(weights.catalogue())
    for name in (ALEXNET, VGG16):
        known[name] = known[name].model_copy(update={"size": None, "sha256": None})
    monkeypatch.setattr(weights, "catalogue", lambda: known)
    monkeypatch.setenv("RESTORATION_WEIGHTS", str(tmp_path))
    yield tmp_path
    networks._features.cache_clear()


def put(folder, name):
    torch.save(state(name), folder / weights.named(name).file)


def pair():
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(2, 3, SIDE, SIDE, generator=generator) for _ in range(2))


def convolutions(name):
    return {k.removeprefix("features."): v for k, v in state(name).items() if "features" in k}


@pytest.mark.slow
def test_lpips_is_that_of_torchmetrics(folder, monkeypatch):
    from torchmetrics.functional.image import lpips as theirs
    from torchvision import models

    def random_network(net, pretrained):
        with torch.device("meta"):
            features = models.alexnet().features
        features.load_state_dict(convolutions(ALEXNET), assign=True)
        return features

    put(folder, ALEXNET)
    monkeypatch.setattr(theirs, "_get_tv_model_features", random_network)
    a, b = pair()
    expected = theirs.learned_perceptual_image_patch_similarity(a, b, "alex", normalize=True)
    assert lpips(a, b) == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.slow
def test_dists_is_that_of_torchmetrics(folder, monkeypatch):
    from torchmetrics.functional.image import dists as theirs
    from torchvision import models

    def random_network(weights):
        with torch.device("meta"):
            network = models.vgg16(init_weights=False)
        network.features.load_state_dict(convolutions(VGG16), assign=True)
        return network

    put(folder, VGG16)
    monkeypatch.setattr(theirs, "vgg16", random_network)
    a, b = pair()
    expected = theirs.deep_image_structure_and_texture_similarity(a, b).mean()
    assert dists(a, b) == pytest.approx(expected.item(), rel=1e-4)


def test_equal_pictures_are_no_way_apart(folder):
    put(folder, ALEXNET)
    clean, _ = pair()
    assert measured(clean, reference=clean, names=["lpips"])["lpips"] == 0


def test_random_pictures_are_some_way_apart(folder):
    put(folder, ALEXNET)
    a, b = pair()
    assert lpips(a, b) > 0


def test_other_weights_are_not_taken_for_these(folder):
    torch.save({"features.0.weight": torch.zeros(1)}, folder / weights.named(ALEXNET).file)
    with pytest.raises(WrongWeightsError, match="is not the published checkpoint"):
        lpips(*pair())


def test_without_weights_the_others_are_still_taken(folder):
    clean, other = pair()
    taken = measured(other, reference=clean)
    assert ({"lpips", "dists"} & taken.keys(), "ssim" in taken) == (set(), True)


def test_missing_weights_are_named_with_the_way_to_fetch_them(folder):
    clean, other = pair()
    reason = absent(other, reference=clean, names=["lpips"])["lpips"]
    assert "`python -m restoration weights fetch alexnet-imagenet`" in reason


def test_terms_that_torchmetrics_does_not_carry_are_missed(folder, monkeypatch):
    put(folder, ALEXNET)
    monkeypatch.setattr(networks, "find_spec", lambda name: None)
    assert networks.lacking("lpips").endswith("`pip install -U torchmetrics`.")


def test_a_large_picture_is_too_much_for_dists():
    large = torch.zeros(1, 1, 1, 1).expand(1, 3, 2000, 2000)
    assert absent(large, reference=large, names=["dists"])["dists"] == (
        "DISTS takes pictures of up to 2.0 megapixels; the result is 2000x2000."
    )
