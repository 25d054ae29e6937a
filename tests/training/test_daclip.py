"""The recipe of the small DA-CLIP and the pairs it learns from, at tiny size."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from clip_degradation import checkpoints
from clip_degradation.preprocessing import squares
from restoration.training import daclip, loop
from restoration.training.daclip import DaclipParams, DaclipRecipe, normalised
from restoration.training.pairs import KIND_OF, WORDS, pairs, spoilt
from restoration.training.photographs import PictureBank, draw
from restoration.training.state import load_state
from tests.tiny_daclip import TINY


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 64)])


@pytest.fixture
def recipe(bank):
    return DaclipRecipe(bank, TINY)


def tiny(**knobs):
    return DaclipParams(**{"side": 32, "batch": 8, "drawn": 1, **knobs})


def test_every_word_comes_equally_often(bank):
    _, _, words = pairs(bank, np.random.default_rng(0), 2 * len(WORDS), 16)
    assert torch.bincount(words).tolist() == [2] * len(WORDS)


def test_a_short_batch_begins_with_any_word(bank):
    firsts = {int(pairs(bank, np.random.default_rng(i), 1, 16)[2]) for i in range(40)}
    assert firsts == set(range(len(WORDS)))


def test_pairs_follow_from_the_generator(bank):
    one, two = (pairs(bank, np.random.default_rng(3), 8, 16) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert torch.equal(first, second)


def test_a_clean_crop_is_left_alone_and_every_other_one_is_not(bank):
    degraded, clean, words = pairs(bank, np.random.default_rng(0), 8, 32)
    same = [word for word, a, b in zip(words, degraded, clean, strict=True) if torch.equal(a, b)]
    assert [WORDS[word] for word in same] == ["clean"]


@pytest.mark.parametrize("word", WORDS)
def test_a_spoilt_picture_holds_levels_of_a_file(word):
    clean = torch.from_numpy(draw(np.random.default_rng(1), 40)).permute(2, 0, 1)[None] / 255
    spoiled = spoilt(clean, word, np.random.default_rng(0))
    assert spoiled.shape == clean.shape
    assert_close(spoiled * 255, (spoiled * 255).round())
    assert 0 <= spoiled.min() <= spoiled.max() <= 1


def test_every_word_but_clean_has_a_kind_to_measure():
    assert {*KIND_OF, "clean"} == set(WORDS)


def test_crops_are_normalised_as_pictures_are():
    picture = torch.from_numpy(draw(np.random.default_rng(0), 16)).permute(2, 0, 1)[None] / 255
    assert_close(normalised(picture), squares(picture, 16, "close"))


def test_the_side_of_a_crop_is_that_of_the_network(recipe):
    degraded, clean, words = recipe.batch(np.random.default_rng(0), 8)
    assert degraded.shape == clean.shape == (8, 3, 16, 16)
    assert words.shape == (8,)


@torch.no_grad()
def test_words_that_a_batch_repeats_are_no_wrong_answers(recipe):
    """Chance among eight pictures of one word would be ln 8; there is nothing to be wrong about."""
    degraded, clean, _ = recipe.batch(np.random.default_rng(0), 8)
    network, one = loop.first_network(recipe, 0), torch.zeros(8, dtype=torch.int64)
    own = float(recipe.loss(network, (degraded, clean, one)))
    told = float(recipe.loss(network, (degraded, clean, torch.arange(8))))
    assert own < 0.5 < 1.5 < told


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    batch = recipe.batch(np.random.default_rng(0), 8)
    losses = [float(learner.learn(batch, 3e-3, step)) for step in range(12)]
    assert losses[-1] < 0.9 * losses[0]


def test_both_towers_and_the_words_are_trained(recipe):
    network = loop.first_network(recipe, 0)
    recipe.loss(network, recipe.batch(np.random.default_rng(0), 8)).backward()
    for tower in (network.clip.visual, network.visual_control, network.clip.transformer):
        assert any(bool(p.grad is not None and p.grad.any()) for p in tower.parameters())


def test_a_run_goes_on_where_the_last_one_stopped(recipe, tmp_path):
    loop.train(recipe, tiny(steps=1), tmp_path)
    assert loop.train(recipe, tiny(steps=1), tmp_path).step == 2
    assert load_state(tmp_path / "daclip.pt").step == 2


def test_the_exported_file_is_a_daclip(tmp_path, monkeypatch, recipe):
    monkeypatch.setattr(daclip, "recipe_for", lambda params: recipe)
    path = tmp_path / "d.safetensors"
    state = daclip.train_daclip(tiny(steps=1, out=str(path)), tmp_path)
    model = checkpoints.load(path)
    assert model.config == TINY
    for key, value in model.state_dict().items():
        assert_close(value, state.ema[key], atol=1e-3, rtol=1e-3)


def test_the_recipe_is_that_of_the_mini():
    recipe = daclip.recipe_for(tiny(side=128))
    assert recipe.side == 64
    assert recipe.config["embed_dim"] == 64
