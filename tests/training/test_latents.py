"""Latents with noise, and the recipe of the prior over them, at tiny size."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from restoration import weights
from restoration.errors import WrongWeightsError
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.noise import seeded
from restoration.training import latent_prior, loop
from restoration.training.latent_prior import LatentPriorParams, LatentPriorRecipe, latents_for
from restoration.training.latents import Latents, draw_times, schedule_for, trained
from restoration.training.photographs import PictureBank, draw
from restoration.training.state import State, export, load_state


def autoencoder():
    config = {**mini_diffbir.autoencoder(), "scaling_factor": 0.5}
    return loop.first_network(First(config, mini_diffbir.new_autoencoder), 0).eval()


class First:
    """What `loop.first_network` builds from."""

    def __init__(self, config, new):
        self.config, self.new = config, new

    def build(self):
        return self.new(self.config)


@pytest.fixture(scope="module")
def latents():
    return Latents(autoencoder(), schedule_for("v"))


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 64)])


@pytest.fixture
def recipe(bank, latents):
    return LatentPriorRecipe(tiny(), bank, latents)


def tiny(**knobs):
    return LatentPriorParams(**{"side": 32, "batch": 2, "drawn": 1, "channels": 32, **knobs})


def drawn(*shape, seed=0):
    return seeded(seed)(torch.empty(shape))


@torch.no_grad()
def test_latents_are_those_of_the_autoencoder_times_its_factor(latents):
    x = drawn(1, 3, 32, 32).clamp(-1, 1)
    found = latents.autoencoder.encode(x).latent_dist
    mean, std = latents.moments(x)
    near = {"atol": 0.02, "rtol": 0.02}  # half precision, where the processor has it
    assert_close(mean, found.mean * 0.5, **near)
    assert_close(std, found.std * 0.5, **near)


def test_latents_know_their_shape(latents):
    assert (latents.channels, latents.side(64)) == (4, 16)


def test_no_noise_is_the_latent_and_the_last_step_of_v_is_noise_alone(latents):
    z0, eps, t = drawn(2, 4, 8, 8), drawn(2, 4, 8, 8, seed=1), torch.tensor([0, 999])
    x_t = latents.noised(z0, eps, t)
    assert_close(x_t[0], z0[0], atol=0.1, rtol=0)
    assert_close(x_t[1], eps[1])
    assert_close(latents.answer(z0, eps, t)[1], -z0[1])


def test_the_answer_leads_back_to_the_latent(latents):
    z0, eps, t = drawn(1, 4, 8, 8), drawn(1, 4, 8, 8, seed=1), torch.tensor([400])
    x_t, level = latents.noised(z0, eps, t), latents.schedule.alpha_bar[400]
    found = latents.schedule.x0(x_t, latents.answer(z0, eps, t), level)
    assert_close(found.float(), z0, atol=1e-5, rtol=1e-5)


def test_the_answer_may_be_the_noise(latents):
    other = Latents(latents.autoencoder, schedule_for("eps"))
    z0, eps, t = drawn(1, 4, 8, 8), drawn(1, 4, 8, 8, seed=1), torch.tensor([999])
    assert torch.equal(other.answer(z0, eps, t), eps)
    assert (other.noised(z0, eps, t) - eps).abs().max() > 0.01


def test_each_part_of_the_schedule_has_a_step_of_its_own():
    t = draw_times(np.random.default_rng(0), 8)
    assert t.dtype == torch.int64
    assert sorted((t * 8 // 1000).tolist()) == list(range(8))


def test_a_batch_holds_crops_noise_twice_and_steps(recipe):
    x, z, eps, t = recipe.batch(np.random.default_rng(0), 2)
    assert x.shape == (2, 3, 32, 32)
    assert -1 <= x.min() < 0 < x.max() <= 1
    assert z.shape == eps.shape == (2, 4, 8, 8)
    assert not torch.equal(z, eps)
    assert t.shape == (2,)


@torch.no_grad()
def test_the_first_output_is_zero_so_the_first_loss_is_the_size_of_the_answer(recipe, latents):
    network, batch = recipe.build(), recipe.batch(np.random.default_rng(0), 2)
    x, z, eps, t = batch
    mean, std = latents.moments(x)
    wanted = latents.answer(mean + std * z, eps, t).square().mean()
    assert_close(recipe.loss(network, batch), wanted)


def test_the_autoencoder_does_not_learn(recipe, latents):
    network = loop.first_network(recipe, 0)
    recipe.loss(network, recipe.batch(np.random.default_rng(0), 2)).backward()
    assert network.conv_out.weight.grad.abs().max() > 0
    assert all(value.grad is None for value in latents.autoencoder.parameters())


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    batch = recipe.batch(np.random.default_rng(0), 2)
    losses = [float(learner.learn(batch, 2e-3, step)) for step in range(8)]
    assert losses[-1] < 0.95 * losses[0]


def test_two_runs_are_one(recipe, tmp_path):
    whole = loop.train(recipe, tiny(until=2), tmp_path / "whole")
    loop.train(recipe, tiny(until=2, steps=1), tmp_path / "halves")
    halves = loop.train(recipe, tiny(until=2), tmp_path / "halves")
    for key, value in whole.network.items():
        assert_close(halves.network[key], value, atol=1e-6, rtol=1e-4)


def test_a_run_goes_on_where_the_last_one_stopped(recipe, tmp_path):
    loop.train(recipe, tiny(steps=1), tmp_path)
    assert loop.train(recipe, tiny(steps=1), tmp_path).step == 2
    assert load_state(tmp_path / "latent-prior.pt").step == 2


def written(tmp_path, name, network, config):
    own = {key: value.detach().clone() for key, value in network.state_dict().items()}
    return export(State(own, own, {}), tmp_path / name, name="x", config=config)


def test_the_prior_is_trained_with_the_autoencoder_that_is_named(tmp_path, monkeypatch):
    built = autoencoder()
    named = written(tmp_path, "a.safetensors", built, dict(built.config))
    out = tmp_path / "u.safetensors"
    latent_prior.train_latent_prior(tiny(steps=1, autoencoder=str(named), out=str(out)), tmp_path)
    monkeypatch.setattr(weights, "locate", lambda name: out)
    network = stable_diffusion.load_unet(weights.named("mini-swinir"))
    assert network.config.block_out_channels == [32, 64, 64]


def test_without_a_name_it_is_the_bundled_autoencoder(tmp_path, monkeypatch):
    built, asked = autoencoder(), []
    path = written(tmp_path, "a.safetensors", built, dict(built.config))
    monkeypatch.setattr(weights, "locate", lambda name: asked.append(name) or path)
    found = latents_for(tiny(learns="eps"))
    assert asked == ["mini-diffbir-autoencoder"]
    assert (found.schedule.prediction, found.autoencoder.config.scaling_factor) == ("eps", 0.5)


def test_a_file_that_does_not_say_its_network_is_refused(tmp_path):
    path = tmp_path / "bare.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(WrongWeightsError, match="does not say what its network is like"):
        trained(path, stable_diffusion.build_autoencoder)
