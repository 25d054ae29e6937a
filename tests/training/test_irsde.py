"""The recipe of the conditional U-Net, at tiny size."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.mean_reverting import noised, schedule, walk, x0_from_eps
from restoration.networks import irsde as networks
from restoration.networks.clean_unet import CleanUNet, theta_bar
from restoration.networks.conditional_unet import ConditionalUNet
from restoration.noise import seeded
from restoration.training import commands, irsde, loop
from restoration.training.daclip import DaclipParams
from restoration.training.irsde import IrsdeParams, IrsdeRecipe, relative_distance
from restoration.training.irsde_losses import LAM, matching_loss
from restoration.training.photographs import PictureBank, draw
from restoration.training.state import load_state
from tests.tiny_daclip import tiny as tiny_daclip

ENTRY = weights.named("mini-swinir").model_copy(update={"name": "i", "file": "i.safetensors"})
"""A checkpoint without a manifest, as those that are trained here."""


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 64)])


@pytest.fixture
def recipe(bank):
    return IrsdeRecipe(tiny(), bank, tiny_daclip())


@pytest.fixture
def batch(recipe):
    return recipe.batch(np.random.default_rng(0), 8)


def tiny(**knobs):
    return IrsdeParams(**{"side": 32, "batch": 2, "drawn": 1, **knobs})


def pictures(*seeds):
    return [seeded(seed)(torch.empty(1, 3, 16, 24)) for seed in seeds]


def test_a_batch_holds_pairs_noise_times_and_contexts(batch):
    x0, mu, z, t, degradation, content, _ = batch
    assert x0.shape == mu.shape == z.shape == (8, 3, 32, 32)
    assert (t.dtype, degradation.shape, content.shape) == (torch.int64, (8, 8), (8, 8))


def test_guesses_go_astray_by_a_share_of_the_degradation(batch):
    x0, mu, *_, guess = batch
    off, far = (guess - x0).square().mean((1, 2, 3)), (mu - x0).square().mean((1, 2, 3))
    assert (off < 4 * irsde.ASTRAY**2 * far + 1e-12).all()
    assert off.sum() > 0


def test_a_batch_follows_from_the_generator(recipe, batch):
    for one, two in zip(batch, recipe.batch(np.random.default_rng(0), 8), strict=True):
        assert torch.equal(one, two)


def test_each_part_of_the_schedule_has_a_step_of_its_own(batch):
    assert sorted(((batch[3] - 1) * 8 // 100).tolist()) == list(range(8))


def test_some_degradations_are_told_by_their_word(recipe):
    """A word's embedding as long as the controller's has the direction of that word."""
    *_, degradation, _, _ = recipe.batch(np.random.default_rng(0), 64)
    directions = torch.nn.functional.normalize(degradation, dim=-1)
    told = (directions @ recipe.words.T > 1 - 1e-5).any(1)
    assert 4 <= told.sum() <= 28


def test_the_first_guess_is_the_degraded_picture(recipe, batch):
    x0, mu, z, t, degradation, content, _ = batch
    tb_t = theta_bar(t).view(-1, 1, 1, 1)
    x_t = noised(x0, mu, z, tb_t, LAM)
    with torch.no_grad():
        eps = recipe.build()(x_t, mu, t, degradation, content)
    assert_close(x0_from_eps(x_t, mu, eps, tb_t, LAM), mu, atol=1e-4, rtol=0)


@torch.no_grad()
def test_the_walk_of_an_untrained_network_ends_at_the_degraded_picture(recipe):
    network, (mu,) = recipe.build(), pictures(0)
    context = torch.zeros(1, 8)

    def denoise(x_t, mu, t):
        return network(x_t, mu, t, context, context)

    *_, last = walk("fast", denoise, schedule().spaced(4), mu, seeded(1))
    assert_close(last.x_s, mu, atol=1e-4, rtol=0)


def test_the_loss_of_the_degraded_picture_is_one_share():
    x0, mu = pictures(0, 1)
    asked = float((mu - x0).abs().mean())
    found = float(relative_distance(mu, x0, mu))
    assert found == pytest.approx(asked / (asked + irsde.SLIGHTEST), rel=1e-6)


def test_a_perfect_guess_costs_nothing():
    x0, mu = pictures(0, 1)
    assert relative_distance(x0, x0, mu) == 0


def test_the_published_objective_trains_the_published_class(bank):
    recipe = IrsdeRecipe(tiny(learns="matching"), bank, tiny_daclip())
    network = loop.first_network(recipe, 0)
    x0, mu, z, t, degradation, content, _ = batch = recipe.batch(np.random.default_rng(0), 2)
    levels = theta_bar(t).view(-1, 1, 1, 1), theta_bar(t - 1).view(-1, 1, 1, 1), LAM
    x_t = noised(x0, mu, z, levels[0], LAM)
    eps = network(x_t, mu, t, degradation, content)
    assert type(network) is ConditionalUNet
    assert torch.equal(batch[-1], x0)
    assert_close(recipe.loss(network, batch), matching_loss(eps, x_t, x0, mu, levels))


def test_every_weight_that_may_learn_does(recipe, batch):
    """Else several processes would wait for its gradient for ever."""
    network = loop.first_network(recipe, 0)
    recipe.loss(network, batch).backward()
    idle = [key for key, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not idle


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    x0, _, *rest = recipe.batch(np.random.default_rng(1), 1)
    dark = x0, x0 / 2, *rest
    losses = [float(learner.learn(dark, 2e-4, step)) for step in range(8)]
    assert losses[-1] < 0.9 * losses[0]


def test_a_run_goes_on_where_the_last_one_stopped(recipe, tmp_path):
    loop.train(recipe, tiny(steps=1), tmp_path)
    assert loop.train(recipe, tiny(steps=1), tmp_path).step == 2
    assert load_state(tmp_path / "irsde.pt").step == 2


def test_the_exported_file_builds_its_network(tmp_path, monkeypatch, recipe):
    monkeypatch.setattr(irsde, "recipe_for", lambda params: recipe)
    path = tmp_path / ENTRY.file
    state = irsde.train_irsde(tiny(steps=1, out=str(path)), tmp_path)
    monkeypatch.setattr(weights, "locate", lambda name: path)
    network = networks.load(ENTRY)
    assert isinstance(network, CleanUNet)
    assert json.loads(weights.metadata(path)["config"])["lam"] == LAM
    for key, value in network.state_dict().items():
        assert_close(value, state.ema[key], atol=1e-3, rtol=1e-3)


def test_a_daclip_is_trained_and_then_what_it_guides(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_STATE", str(tmp_path))
    guide, out = (str(tmp_path / f"{name}.safetensors") for name in ("guide", "guided"))
    commands.train_daclip(DaclipParams(steps=1, batch=2, drawn=1, out=guide))
    commands.train_irsde(tiny(steps=1, daclip=guide, out=out))
    assert json.loads(weights.metadata(Path(out))["config"])["context_dim"] == 64


def test_the_recipe_takes_the_daclip_that_is_named(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(irsde.checkpoints, "load", lambda path: asked.append(path) or tiny_daclip())
    monkeypatch.setattr(weights, "locate", lambda name: name)
    irsde.recipe_for(tiny())
    irsde.recipe_for(tiny(daclip="x.safetensors"))
    assert [str(path) for path in asked] == ["mini-daclip", "x.safetensors"]


def test_theta_bar_is_that_of_the_schedule_and_even_in_between():
    levels = schedule().theta_bar.float()
    assert_close(theta_bar(torch.arange(101)), levels)
    assert_close(theta_bar(torch.tensor([7.25])), 0.75 * levels[7:8] + 0.25 * levels[8:9])
