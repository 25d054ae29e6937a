"""The recipe of the latent autoencoder, at tiny size."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from restoration import weights
from restoration.metrics import psnr
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.training import autoencoder, loop
from restoration.training.autoencoder import AutoencoderParams, AutoencoderRecipe, gradients
from restoration.training.autoencoder_start import colour_axes
from restoration.training.photographs import PictureBank, draw
from restoration.training.state import State, load_state, part


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 64)])


@pytest.fixture
def recipe(bank):
    return AutoencoderRecipe(tiny(), bank)


@pytest.fixture(scope="module")
def first(bank):
    """The autoencoder as training begins."""
    return loop.first_network(AutoencoderRecipe(tiny(), bank), 0).autoencoder.eval()


def tiny(**knobs):
    return AutoencoderParams(**{"side": 32, "batch": 2, "drawn": 1, **knobs})


def batch_of(recipe, count=2):
    return recipe.batch(np.random.default_rng(0), count)


@pytest.fixture(scope="module")
def smooth():
    """A picture in [-1, 1] that changes slowly."""
    coarse = torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    return functional.interpolate(coarse, 64, mode="bicubic").clamp(0, 1) * 2 - 1


def test_a_batch_holds_crops_and_noise_for_their_latents(recipe):
    x, z = batch_of(recipe)
    assert x.shape == (2, 3, 32, 32)
    assert -1 <= x.min() < 0 < x.max() <= 1
    assert z.shape == (2, 4, 8, 8)


def test_a_batch_follows_from_the_generator(recipe):
    for one, two in zip(batch_of(recipe), batch_of(recipe), strict=True):
        assert torch.equal(one, two)


def test_the_network_depends_on_the_knob(bank):
    config = AutoencoderRecipe(tiny(channels=64), bank).config
    assert config["block_out_channels"] == [64, 128, 256]


@torch.no_grad()
def test_an_untrained_one_gives_a_smooth_picture_back(first, smooth):
    decoded = first.decode(first.encode(smooth).latent_dist.mode()).sample
    inside = (..., slice(8, -8), slice(8, -8))
    assert psnr((decoded[inside] / 2 + 0.5).clamp(0, 1), smooth[inside] / 2 + 0.5) > 30


@torch.no_grad()
def test_the_first_latents_are_mean_colours(first, smooth):
    latent = first.encode(smooth).latent_dist.mode()
    means = functional.avg_pool2d(smooth, 4)
    wanted = torch.einsum("ij,bjhw->bihw", colour_axes(), means)
    assert_close(latent[:, :3], wanted, atol=0.05, rtol=0)


@torch.no_grad()
def test_there_is_little_noise_in_the_first_latents(first, smooth):
    assert first.encode(smooth).latent_dist.std.max() < 0.05


def test_colours_come_back_from_their_axes():
    assert_close(torch.linalg.inv(colour_axes()) @ colour_axes(), torch.eye(3))
    assert_close(colour_axes().sum(1), torch.tensor([1.0, 0, 0]))


def test_gradients_are_mean_differences_of_neighbours():
    ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    assert gradients(ramp) == 1
    assert gradients(ramp + ramp.mT) == 2


def test_a_perfect_reconstruction_costs_only_what_its_latents_do(recipe):
    x, z = batch_of(recipe)
    standard = torch.zeros_like(z)
    assert recipe.loss(lambda x, z: (x, standard, standard), (x, z)) == 0
    far = recipe.loss(lambda x, z: (x, standard + 1, standard), (x, z))
    assert float(far) == pytest.approx(autoencoder.KL_SHARE / 2 * z.numel() / x.numel(), rel=1e-4)


def test_the_noise_moves_what_is_decoded(recipe):
    network = loop.first_network(recipe, 0)
    x, z = batch_of(recipe)
    one, two = network(x, z)[0], network(x, -z)[0]
    assert (one - two).abs().max() > 1e-3


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    batch = batch_of(recipe)
    losses = [float(learner.learn(batch, 2e-5, step)) for step in range(8)]
    assert losses[-1] < 0.97 * losses[0]


def test_two_runs_are_one(recipe, tmp_path):
    whole = loop.train(recipe, tiny(until=2), tmp_path / "whole")
    loop.train(recipe, tiny(until=2, steps=1), tmp_path / "halves")
    halves = loop.train(recipe, tiny(until=2), tmp_path / "halves")
    for key, value in whole.network.items():
        assert_close(halves.network[key], value, atol=1e-6, rtol=1e-4)


def test_a_run_goes_on_where_the_last_one_stopped(recipe, tmp_path):
    loop.train(recipe, tiny(steps=1), tmp_path)
    assert loop.train(recipe, tiny(steps=1), tmp_path).step == 2
    assert load_state(tmp_path / "autoencoder.pt").step == 2


def test_the_exported_file_builds_its_network_with_latents_of_unit_variance(
    tmp_path, monkeypatch, recipe
):
    monkeypatch.setattr(autoencoder, "recipe_for", lambda params: recipe)
    monkeypatch.setattr(autoencoder, "NUM_MEASURED", 8)
    path = tmp_path / "a.safetensors"
    monkeypatch.setattr(weights, "locate", lambda name: path)
    autoencoder.train_autoencoder(tiny(steps=1, out=str(path)), tmp_path)
    network = stable_diffusion.load_autoencoder(weights.named("mini-swinir"))
    x, _ = batch_of(recipe, 8)
    with torch.no_grad():
        latent = network.encode(x).latent_dist.mode() * network.config.scaling_factor
    assert float(latent.std()) == pytest.approx(1, abs=0.02)
    assert json.loads(weights.metadata(path)["config"])["block_out_channels"] == [32, 64, 128]


def test_the_recipe_gathers_its_pictures():
    x, _ = batch_of(autoencoder.recipe_for(tiny()), 3)
    assert x.shape == (3, 3, 32, 32)


def test_the_factor_counts_the_halvings():
    assert mini_diffbir.factor(mini_diffbir.autoencoder()) == 4
    assert mini_diffbir.factor(stable_diffusion.AUTOENCODER) == 8


def test_a_part_of_a_state_has_the_names_of_its_module():
    whole = {"a.x": torch.zeros(1), "b.x": torch.ones(1)}
    own = part(State(whole, whole, {"state": {}}, step=3, seconds=2.0), "b")
    assert own.network == own.ema == {"x": torch.ones(1)}
    assert (own.optimizer, own.step, own.seconds) == ({}, 3, 2.0)
