"""DA-CLIP around open_clip's CLIP gives the published numbers, and takes the published files."""

import pytest
import torch
from torch.testing import assert_close

from clip_degradation.checkpoints import from_published
from clip_degradation.model import CONFIGS, build
from clip_degradation.preprocessing import squares
from tests.tolerances import NETWORK

PACK = "daclip_model"
MANIFESTS = ("daclip_model",)
CLOSE = {"atol": NETWORK, "rtol": NETWORK}


@pytest.fixture
def model(pack):
    model = build(pack.config)
    model.load_state_dict(from_published(pack.weights, file="golden"), assign=True)
    return model.eval()


def outputs(pack, *names):
    return tuple(pack.tensors[f"out.{name}"] for name in names)


@pytest.mark.parametrize(("normalize", "ending"), [(False, ""), (True, "_norm")])
@torch.no_grad()
def test_the_controlled_embeddings_are_the_published(pack, model, normalize, ending):
    found = model.encode_image(pack.tensors["in.image"], control=True, normalize=normalize)
    names = (f"image_features_controlled{ending}", f"degra_features{ending}")
    assert_close(found, outputs(pack, *names), **CLOSE)


@pytest.mark.parametrize(("normalize", "ending"), [(False, ""), (True, "_norm")])
@torch.no_grad()
def test_without_control_it_is_the_plain_clip(pack, model, normalize, ending):
    found = model.encode_image(pack.tensors["in.image"], normalize=normalize)
    assert_close(found, pack.tensors[f"out.image_features_plain{ending}"], **CLOSE)


@pytest.mark.parametrize(("normalize", "ending"), [(False, ""), (True, "_norm")])
@torch.no_grad()
def test_words_are_embedded_as_published(pack, model, normalize, ending):
    found = model.encode_text(pack.tensors["in.tokens"], normalize=normalize)
    assert_close(found, pack.tensors[f"out.text_features{ending}"], **CLOSE)


@torch.no_grad()
def test_what_the_controller_adds_is_the_published(pack, model):
    embedding, hiddens = model.control(pack.tensors["in.image"])
    found = {str(i): hidden.transpose(0, 1) for i, hidden in enumerate(hiddens)}
    assert_close(found, pack.group("out.control_hidden"), **CLOSE)
    assert_close(embedding, pack.tensors["out.degra_features"], **CLOSE)


@torch.no_grad()
def test_what_training_compares_is_the_published(pack, model):
    inputs = (pack.tensors[f"in.{name}"] for name in ("image", "tokens", "tokens_degradation"))
    found = model(*inputs)
    names = ("image_features", "text_features", "image_degra_features", "text_degra_features")
    assert_close(tuple(found[:4]), outputs(pack, *(f"forward.{name}" for name in names)), **CLOSE)
    assert_close(found.scale.view(1), pack.tensors["out.forward.logit_scale"], **CLOSE)


def test_the_embeddings_are_the_same_where_gradients_are_recorded(pack, model):
    """Without gradients torch takes a fused attention, which sums in another order."""
    content, degradation = model.encode_image(pack.tensors["in.image"], control=True)
    want = outputs(pack, "image_features_controlled", "degra_features")
    assert_close((content.detach(), degradation.detach()), want, **CLOSE)


def test_a_photograph_is_prepared_as_published(pack, model):
    photo = pack.tensors["in.photo_uint8_hwc"].permute(2, 0, 1)[None] / 255
    found = squares(photo, model.image_size)
    assert_close(found[0], pack.tensors["out.photo_preprocessed"], atol=1e-6, rtol=0)


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    published = {key: torch.empty(shape, device="meta") for key, shape in facts["keys"].items()}
    have = from_published(published, file="manifest")
    want = build(facts["config"]).state_dict()
    assert {key: v.shape for key, v in have.items()} == {key: v.shape for key, v in want.items()}
    assert sum(value.numel() for value in want.values()) == facts["parameters"]


def test_the_config_of_the_manifest_is_known_by_name(manifest):
    _, facts = manifest
    assert facts["config"] == CONFIGS[facts["model_config_name"].removeprefix("daclip_")]
