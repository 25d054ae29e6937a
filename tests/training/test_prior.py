"""The recipe of the prior, at tiny size."""

import json

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.testing import assert_close

from restoration import weights
from restoration.networks import guided_unet
from restoration.noise import seeded
from restoration.schedules import NUM_TRAINED, linear
from restoration.training import loop
from restoration.training.photographs import PictureBank, draw
from restoration.training.prior import (
    PriorParams,
    PriorRecipe,
    gaussian_kl,
    hybrid_loss,
    level_log_likelihood,
    recipe_for,
    train_prior,
)
from restoration.training.state import load_state

ENTRY = weights.named("mini-swinir").model_copy(update={"name": "p", "file": "p.safetensors"})
"""A checkpoint without a manifest, as those that are trained here."""


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 64)])


@pytest.fixture
def recipe(bank):
    return PriorRecipe(tiny(), bank)


def tiny(**knobs):
    return PriorParams(**{"side": 32, "batch": 2, **knobs})


def drawn(*shape, seed=0):
    return seeded(seed)(torch.empty(shape))


def fixed(eps, v):
    """A network that always gives the same."""

    def network(x_t, t, return_dict):
        return (torch.cat([eps, v], dim=1),)

    return network


@torch.no_grad()
def test_the_first_output_is_zero(recipe):
    (out,) = recipe.build()(drawn(2, 3, 32, 32), torch.tensor([0, 999]), return_dict=False)
    assert out.shape == (2, 6, 32, 32)
    assert not out.any()


def test_the_network_depends_on_the_knob(bank):
    assert PriorRecipe(tiny(channels=64), bank).config["model_channels"] == 64


def test_a_batch_holds_crops_noise_and_steps(recipe):
    x0, z, t = recipe.batch(np.random.default_rng(0), 2)
    assert x0.shape == z.shape == (2, 3, 32, 32)
    assert -1 <= x0.min() < 0 < x0.max() <= 1
    assert abs(float(z.std()) - 1) < 0.05
    assert t.shape == (2,)
    assert t.dtype == torch.int64


def test_each_part_of_the_schedule_has_a_step_of_its_own(recipe):
    *_, t = recipe.batch(np.random.default_rng(0), 8)
    assert (t * 8 // NUM_TRAINED).tolist() == list(range(8))


def test_the_loss_is_the_mean_of_error_and_bound_together(recipe):
    batch, network = recipe.batch(np.random.default_rng(0), 2), recipe.build()
    error, bound = hybrid_loss(network, *batch)
    assert_close(recipe.loss(network, batch), error.mean() + bound.mean())


def test_a_network_that_knows_the_noise_makes_no_error():
    x0, z = drawn(2, 3, 8, 8).clamp(-1, 1), drawn(2, 3, 8, 8, seed=1)
    error, bound = hybrid_loss(fixed(z, -torch.ones_like(z)), x0, z, torch.tensor([1, 999]))
    assert not error.any()
    assert_close(bound, torch.zeros(2), atol=1e-4, rtol=0)


def test_the_bound_trains_the_variance_alone():
    eps, v = (drawn(2, 3, 8, 8, seed=seed).requires_grad_() for seed in (2, 3))
    x0, z = drawn(2, 3, 8, 8).clamp(-1, 1), drawn(2, 3, 8, 8, seed=1)
    _, bound = hybrid_loss(fixed(eps, v), x0, z, torch.tensor([0, 500]))
    bound.sum().backward()
    assert not eps.grad.any()
    assert v.grad.flatten(1).any(1).all()


def test_the_error_trains_the_noise_alone():
    eps, v = (drawn(1, 3, 8, 8, seed=seed).requires_grad_() for seed in (2, 3))
    x0, z = drawn(1, 3, 8, 8).clamp(-1, 1), drawn(1, 3, 8, 8, seed=1)
    error, _ = hybrid_loss(fixed(eps, v), x0, z, torch.tensor([500]))
    error.sum().backward()
    assert_close(eps.grad, 2 * (eps - z).detach() / z.numel())
    assert not v.grad.any()


def test_the_divergence_is_that_of_normal_distributions():
    mean_p, mean_q, log_p, log_q = (drawn(50, seed=seed) for seed in range(4))
    p, q = Normal(mean_p, (log_p / 2).exp()), Normal(mean_q, (log_q / 2).exp())
    assert_close(gaussian_kl(mean_p, log_p, mean_q, log_q), kl_divergence(p, q))


@pytest.mark.parametrize("mean", [-1.2, -0.4, 0.0, 0.999])
@pytest.mark.parametrize("log_sigma", [-4.0, -1.0])
def test_the_grey_levels_share_all_probability(mean, log_sigma):
    levels = torch.linspace(-1, 1, 256, dtype=torch.float64)
    told = torch.full_like(levels, mean), torch.full_like(levels, log_sigma)
    assert float(level_log_likelihood(levels, *told).exp().sum()) == pytest.approx(1, abs=1e-6)


def test_the_same_steps_train_the_same_weights(recipe, tmp_path):
    one, two = (loop.train(recipe, tiny(steps=2), tmp_path / name) for name in ("a", "b"))
    for key, value in one.network.items():
        assert_close(two.network[key], value, atol=1e-6, rtol=1e-4)


def test_a_run_goes_on_where_the_last_one_stopped(recipe, tmp_path):
    loop.train(recipe, tiny(steps=1), tmp_path)
    assert loop.train(recipe, tiny(steps=1), tmp_path).step == 2
    assert load_state(tmp_path / "prior.pt").step == 2


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    batch = recipe.batch(np.random.default_rng(0), 2)
    losses = [float(learner.learn(batch, 2e-3, step)) for step in range(8)]
    assert losses[-1] < 0.9 * losses[0]


def test_the_exported_file_holds_the_average_and_what_builds_the_network(tmp_path, monkeypatch):
    path = tmp_path / ENTRY.file
    state = train_prior(tiny(drawn=1, steps=1, out=str(path)), tmp_path)
    monkeypatch.setattr(weights, "locate", lambda name: path)
    network = guided_unet.load(ENTRY)
    assert json.loads(weights.metadata(path)["config"])["model_channels"] == 32
    for key, value in network.state_dict().items():
        assert_close(value, state.ema[key], atol=1e-3, rtol=1e-3)


def test_the_recipe_gathers_its_pictures():
    x0, _, _ = recipe_for(tiny(drawn=1)).batch(np.random.default_rng(0), 3)
    assert x0.shape == (3, 3, 32, 32)


def test_noise_is_added_by_the_published_schedule():
    x0, z, t = drawn(2, 3, 8, 8).clamp(-1, 1), drawn(2, 3, 8, 8, seed=1), torch.tensor([0, 700])
    seen = []

    def network(x_t, t, return_dict):
        seen.append(x_t)
        return (torch.zeros(2, 6, 8, 8),)

    hybrid_loss(network, x0, z, t)
    share = linear().alpha_bar[t].float().view(2, 1, 1, 1)
    assert_close(seen[0], share.sqrt() * x0 + (1 - share).sqrt() * z)
