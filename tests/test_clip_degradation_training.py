"""What DA-CLIP's controller learns from, and what it leaves alone."""

import math

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from clip_degradation import training
from clip_degradation.model import new
from clip_degradation.tokenizer import tokenise
from tests.tiny_daclip import TINY

IMAGE = torch.linspace(-1, 1, 4 * 3 * 16 * 16).view(4, 3, 16, 16)
WORDS = ["noisy", "hazy", "noisy", "hazy"]
SCALE = torch.tensor(100.0)


def unit(*shape):
    rows = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    return functional.normalize(rows, dim=-1)


@pytest.mark.parametrize(("batch", "words"), [(3136, 10), (784, 10), (784, 1), (12, 3)])
def test_the_floor_is_what_perfect_embeddings_of_equal_words_reach(batch, words):
    perfect = torch.eye(words).repeat(-(-batch // words), 1)[: batch // words * words]
    found = training.contrastive(perfect, perfect, SCALE)
    assert float(found) == pytest.approx(training.floor(len(perfect), words), abs=1e-4)


def test_the_published_batches_have_the_floors_of_the_published_reports():
    assert training.floor(3136, 10) == pytest.approx(5.748, abs=1e-3)
    assert training.floor(784, 1) == training.chance(784) == pytest.approx(6.664, abs=1e-3)


@pytest.mark.parametrize(("batch", "words"), [(4, 0), (4, 5), (0, 1)])
def test_a_floor_without_words_or_with_too_many_is_refused(batch, words):
    with pytest.raises(ValueError, match=f"a batch of {batch} cannot hold {words} words"):
        training.floor(batch, words)


def test_with_equal_words_masked_perfect_embeddings_have_no_loss():
    perfect = torch.eye(3).repeat(4, 1)
    groups = torch.arange(3).repeat(4)
    assert float(training.contrastive(perfect, perfect, SCALE, groups)) < 1e-6


def test_where_all_words_differ_masking_changes_nothing():
    images, texts = unit(5, 8), unit(5, 8).flip(0)
    masked = training.contrastive(images, texts, SCALE, torch.arange(5))
    assert_close(masked, training.contrastive(images, texts, SCALE))


def test_embeddings_that_say_nothing_have_the_loss_of_chance():
    same = torch.ones(6, 4) / 2
    assert float(training.contrastive(same, same, SCALE)) == pytest.approx(math.log(6))


def test_the_weights_of_the_two_parts_count():
    losses = training.Losses(torch.tensor(2.0), torch.tensor(3.0))
    assert losses.total() == 5
    assert losses.total(captions=0.5, words=2) == 7


def test_alignment_pulls_the_controlled_content_alone():
    controlled, clean = unit(3, 8).requires_grad_(), unit(3, 8).flip(0).requires_grad_()
    training.alignment(controlled, clean).backward()
    assert controlled.grad is not None
    assert clean.grad is None


def test_learning_moves_the_controller_and_leaves_clip_as_it_was():
    model = training.freeze_clip(new(TINY, seed=0))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(training.parameter_groups(model), lr=1e-2)
    tokens = tokenise(WORDS, TINY)
    training.losses(model(IMAGE, tokens, tokens), torch.tensor([0, 1, 0, 1])).total().backward()
    optimizer.step()
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    assert not [key for key in changed if key.startswith("clip.")]
    assert {"visual_control.proj", "logit_scale"} <= changed
    assert "visual_control.transformer.zero_modules.0.weight" in changed


def test_vectors_and_the_scale_are_not_decayed():
    model = training.freeze_clip(new(TINY, seed=0))
    decayed, free = training.parameter_groups(model, weight_decay=0.1)
    assert decayed["weight_decay"] == 0.1
    assert free["weight_decay"] == 0
    assert {p.ndim for p in free["params"]} == {0, 1}
    trained = {*model.visual_control.parameters(), model.logit_scale}
    assert {*decayed["params"], *free["params"]} == trained


@pytest.mark.parametrize(("value", "want"), [(9.0, math.log(100)), (-1.0, 0.0), (2.0, 2.0)])
def test_the_scale_stays_between_one_and_a_hundred(value, want):
    model = new(TINY, seed=0)
    model.logit_scale.data.fill_(value)
    training.clamp_scale(model)
    assert model.logit_scale.item() == pytest.approx(want)
