"""What DA-CLIP learns from is what the published training computes."""

import pytest
import torch
from torch.testing import assert_close

from clip_degradation import training
from clip_degradation.model import Features
from tests.tolerances import ARITHMETIC

PACK = "daclip_losses"
CLOSE = {"atol": ARITHMETIC, "rtol": ARITHMETIC}
INPUTS = ("image_features", "text_features", "image_degra_features", "text_degra_features")


@pytest.fixture
def features(pack):
    tensors = [pack.tensors[f"in.{name}"].clone() for name in (*INPUTS, "logit_scale")]
    return Features(*(tensor.requires_grad_() for tensor in tensors))


def test_both_losses_are_the_published(pack, features):
    found = training.losses(features)
    assert_close(found.captions.view(1), pack.tensors["out.daclip.contrastive_loss"], **CLOSE)
    assert_close(found.words.view(1), pack.tensors["out.daclip.degra_loss"], **CLOSE)
    assert_close(found.total().view(1), pack.tensors["out.daclip.total"], **CLOSE)


def test_their_gradients_are_the_published(pack, features):
    training.losses(features).total().backward()
    names = ("image_features", "image_degra_features", "logit_scale")
    found = (features.content.grad, features.degradation.grad, features.scale.grad)
    want = tuple(pack.tensors[f"out.daclip.grad_{name}"] for name in names)
    assert_close(found, want, **CLOSE)


def test_the_alignment_of_the_robust_variant_is_a_mean_over_values(pack):
    lq, hq = pack.tensors["in.content_lq"], pack.tensors["in.content_hq"]
    found = training.alignment(lq, hq)
    assert_close(found.view(1), pack.tensors["out.wild.l1_mean"], **CLOSE)
    summed = pack.tensors["out.wild.l1_sum_per_sample_mean"]
    assert_close((found * lq.shape[1]).view(1), summed, **CLOSE)


def test_the_total_keeps_its_gradient_where_equal_words_are_masked(pack, features):
    groups = torch.arange(len(features.content)) // 2
    training.losses(features, groups).total().backward()
    assert torch.isfinite(features.degradation.grad).all()
