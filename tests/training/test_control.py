"""The recipe of DiffBIR's control branch, at tiny size."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from restoration import weights
from restoration.errors import BadKnobError
from restoration.latent import prompts
from restoration.networks import mini_diffbir, stable_diffusion
from restoration.noise import seeded
from restoration.training import commands, control_parts, diffbir_control, loop
from restoration.training.autoencoder import AutoencoderParams
from restoration.training.control_parts import ControlParams, Parts, parts_for
from restoration.training.diffbir_control import Controlled, ControlRecipe, KeptControlRecipe
from restoration.training.latent_prior import LatentPriorParams
from restoration.training.latents import Latents, schedule_for
from restoration.training.photographs import PictureBank, draw
from restoration.training.state import load_state

UNET = mini_diffbir.unet(32)


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 96)], ["leaves"])


@pytest.fixture
def parts():
    return Parts(
        Latents(made(mini_diffbir.new_autoencoder, mini_diffbir.autoencoder()), schedule_for("v")),
        trained_unet(),
        UNET,
        nn.Identity(),
    )


@pytest.fixture
def recipe(bank, parts):
    return ControlRecipe(tiny(), bank, parts)


def made(new, config):
    """A network with weights of a seed, frozen."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return new(config).eval().requires_grad_(False)


def trained_unet():
    """As if trained: its last layer is not zero."""
    return made(stable_diffusion.new_unet, UNET)


def tiny(**knobs):
    return ControlParams(**{"side": 64, "batch": 2, "drawn": 1, **knobs})


def batch_of(recipe, count=2):
    return recipe.batch(np.random.default_rng(0), count)


def inputs():
    x_t, c_img = (seeded(seed)(torch.empty(2, 4, 16, 16)) for seed in (0, 1))
    return x_t, c_img, torch.tensor([5, 500]), mini_diffbir.no_prompt(2)


def test_a_batch_holds_pairs_noise_steps_and_tokens(recipe):
    x, degraded, tokens, z, eps, t, noise, t_c = batch_of(recipe)
    assert x.shape == degraded.shape == (2, 3, 64, 64)
    assert x.min() < 0 <= degraded.min()
    assert z.shape == eps.shape == noise.shape == (2, 4, 16, 16)
    assert t.shape == t_c.shape == (2,)
    assert tokens.shape == (2, prompts.LENGTH)


def test_a_batch_follows_from_the_generator(recipe):
    for one, two in zip(batch_of(recipe), batch_of(recipe), strict=True):
        assert torch.equal(one, two)


def test_conditions_are_noised_by_less_than_the_knob_says(bank, parts):
    recipe = ControlRecipe(tiny(condition_noise=3), bank, parts)
    *_, t_c = batch_of(recipe, 12)
    assert set(t_c.tolist()) == {0, 1, 2}


def test_conditions_without_noise_are_as_they_are(bank, parts):
    recipe = ControlRecipe(tiny(condition_noise=0), bank, parts)
    batch, seen = batch_of(recipe), []

    def network(x_t, c_img, t, context):
        seen.append(c_img)
        return torch.zeros_like(x_t)

    recipe.loss(network, batch)
    assert torch.equal(seen[0], recipe.condition(batch[1]))


@torch.no_grad()
def test_a_condition_is_the_mode_of_what_stage_1_makes(bank, parts):
    bright = Parts(parts.latents, parts.unet, UNET, nn.Hardtanh(0.5, 1))
    degraded = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    found = ControlRecipe(tiny(), bank, bright).condition(degraded)
    wanted, _ = parts.latents.moments(degraded.clamp_min(0.5) * 2 - 1)
    assert_close(found, wanted, atol=0.02, rtol=0.02)


def test_the_scale_rules_the_degradation(bank, parts):
    light, heavy = (
        torch.stack(
            [
                (pair.degraded - pair.clean).abs().mean()
                for pair in map(ControlRecipe(tiny(scale=scale), bank, parts).pair, rngs(8))
            ]
        ).mean()
        for scale in (1, 8)
    )
    assert light < heavy


def rngs(count):
    return map(np.random.default_rng, range(count))


def test_kept_crops_are_encoded_once_and_again_the_same(bank, parts):
    recipe = KeptControlRecipe(tiny(kept=3), bank, parts)
    first, again = batch_of(recipe, 6), batch_of(recipe, 6)
    assert set(recipe.kept) <= {0, 1, 2}
    other = batch_of(KeptControlRecipe(tiny(kept=3), bank, parts), 6)
    for one, two, three in zip(first, again, other, strict=True):
        assert torch.equal(one, two)
        assert torch.equal(one, three)


@torch.no_grad()
def test_kept_crops_cost_what_fresh_ones_do(bank, parts):
    kept = KeptControlRecipe(tiny(kept=1), bank, parts)
    network, (*pair, z, eps, t, noise, t_c) = kept.build(), batch_of(kept, 1)
    fresh = ControlRecipe(tiny(), bank, parts)
    clean, degraded, _ = fresh.pair(np.random.default_rng([0, 0]))
    tokens = torch.zeros(1, prompts.LENGTH, dtype=torch.int64)
    loss = fresh.loss(network, (clean * 2 - 1, degraded, tokens, z, eps, t, noise, t_c))
    assert_close(kept.loss(network, (*pair, z, eps, t, noise, t_c)), loss, rtol=1e-3, atol=0)


@torch.no_grad()
def test_at_first_the_branch_adds_nothing_to_the_unet(recipe):
    x_t, c_img, t, context = inputs()
    network = recipe.build()
    taps = stable_diffusion.residuals(network.control, x_t, c_img, t, context)
    assert len(taps) == 7
    assert not any(tap.any() for tap in taps)
    alone = stable_diffusion.predict(trained_unet(), x_t, t, context)
    assert_close(network(x_t, c_img, t, context), alone)


@torch.no_grad()
def test_fresh_networks_mix_state_and_condition_at_first(bank, parts):
    network = ControlRecipe(tiny(together=True, fresh=True, channels=32), bank, parts).build()
    x_t, c_img, t, context = inputs()
    assert_close(network(x_t, c_img, t, context), 0.2 * x_t - 0.7 * c_img, atol=0.1, rtol=0.05)


def test_at_first_the_branch_is_the_encoder_of_the_unet(recipe):
    own = recipe.build().control.state_dict()
    source = trained_unet().state_dict()
    assert not own["conv_in.weight"][:, 4:].any()
    assert torch.equal(own["conv_in.weight"][:, :4], source["conv_in.weight"])
    assert torch.equal(
        own["time_embedding.linear_1.weight"], source["time_embedding.linear_1.weight"]
    )
    shared = [key for key in own if not key.startswith("controlnet_")]
    assert set(shared) <= set(source)
    assert len(shared) > 60


def test_only_the_branch_learns(recipe):
    network = recipe.build()
    recipe.loss(network, batch_of(recipe)).backward()
    assert network.control.controlnet_mid_block.weight.grad.any()
    assert all(value.grad is None for value in recipe.parts.unet.parameters())
    assert all(key.startswith("control.") for key in network.state_dict())


def test_the_unet_learns_along_where_it_is_told_to(bank, parts):
    recipe = ControlRecipe(tiny(together=True), bank, parts)
    network = recipe.build()
    recipe.loss(network, batch_of(recipe)).backward()
    assert network.unet.conv_in.weight.grad.any()
    assert {key.split(".")[0] for key in network.state_dict()} == {"control", "unet"}


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    batch = batch_of(recipe)
    losses = [float(learner.learn(batch, 2e-3, step)) for step in range(8)]
    assert losses[-1] < 0.95 * losses[0]


def test_two_runs_are_one(recipe, tmp_path):
    whole = loop.train(recipe, tiny(until=2, batch=1), tmp_path / "whole")
    loop.train(recipe, tiny(until=2, batch=1, steps=1), tmp_path / "halves")
    halves = loop.train(recipe, tiny(until=2, batch=1), tmp_path / "halves")
    for key, value in whole.network.items():
        assert_close(halves.network[key], value, atol=1e-6, rtol=1e-4)


def test_a_run_goes_on_where_the_last_one_stopped(recipe, tmp_path):
    loop.train(recipe, tiny(steps=1, batch=1), tmp_path)
    assert loop.train(recipe, tiny(steps=1, batch=1), tmp_path).step == 2
    assert load_state(tmp_path / "diffbir-control.pt").step == 2


class Reader(nn.Module):
    """A text tower that gives every token as it is."""

    def forward(self, input_ids):
        self.last_hidden_state = input_ids[..., None].float()
        return self


def test_captions_are_read_and_some_left_out(bank, parts):
    told = Parts(
        parts.latents, parts.unet, {**UNET, "cross_attention_dim": 1}, parts.stage1, Reader()
    )
    recipe = ControlRecipe(tiny(prompt_dropout=0.5), bank, told)
    _, _, tokens, *_ = batch_of(recipe, 12)
    said = {tuple(row) for row in tokens.tolist()}
    assert said == {prompts.read("leaves").tokens, prompts.read("").tokens}
    assert recipe._context(tokens).shape == (12, prompts.LENGTH, 1)


def test_without_a_text_tower_the_context_is_zero(recipe):
    _, _, tokens, *_ = batch_of(recipe)
    context = recipe._context(tokens)
    assert context.shape == (2, 1, mini_diffbir.CONTEXT)
    assert not context.any()


def config_of(path):
    return json.loads(weights.metadata(Path(path))["config"])


def test_an_autoencoder_a_prior_and_a_branch_are_trained_one_upon_the_other(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTORATION_STATE", str(tmp_path))
    first, prior, branch = (str(tmp_path / f"{name}.safetensors") for name in "aub")
    quick = {"steps": 1, "batch": 1, "drawn": 1}
    commands.train_autoencoder(AutoencoderParams(side=32, out=first, **quick))
    commands.train_latent_prior(
        LatentPriorParams(side=32, channels=32, autoencoder=first, out=prior, **quick)
    )
    told = {"side": 64, "autoencoder": first, "out": branch, **quick}
    commands.train_diffbir_control(ControlParams(unet=prior, **told))
    assert config_of(branch) == mini_diffbir.control(config_of(prior))


@pytest.mark.parametrize(
    ("knob", "load", "prefix"),
    [("out", "load_control", "control"), ("unet_out", "load_unet", "unet")],
)
def test_a_fresh_unet_is_written_beside_its_branch(
    knob, load, prefix, tmp_path, monkeypatch, parts
):
    monkeypatch.setattr(control_parts, "latents_for", lambda params: parts.latents)
    path = tmp_path / "one.safetensors"
    told = {"together": True, "fresh": True, "channels": 32, "steps": 1, "batch": 1}
    state = diffbir_control.train_control(tiny(**told, **{knob: str(path)}), tmp_path)
    monkeypatch.setattr(weights, "locate", lambda name: path)
    network = getattr(stable_diffusion, load)(weights.named("mini-swinir"))
    for key, value in network.state_dict().items():
        assert_close(value, state.ema[f"{prefix}.{key}"], atol=1e-3, rtol=1e-3)


REFUSED = {
    "learns: sd21-base answers eps, not v": {"base": "sd21-base"},
    "learns: sd21-base-zsnr answers v, not eps": {"base": "sd21-base-zsnr", "learns": "eps"},
    "sd21-base-zsnr stays as it is": {"base": "sd21-base-zsnr", "together": True},
    "has to learn along": {"fresh": True},
}


@pytest.mark.parametrize("text", REFUSED)
def test_knobs_that_contradict_each_other_are_refused(text, monkeypatch, parts):
    monkeypatch.setattr(control_parts, "latents_for", lambda params: parts.latents)
    with pytest.raises(BadKnobError, match=text):
        parts_for(tiny(**REFUSED[text]))


def test_a_base_of_full_size_comes_whole_from_the_catalogue(monkeypatch):
    """Each part of it is asked for, and the schedule is that of its prediction."""
    asked = []
    for name in ("unet", "autoencoder", "text"):
        monkeypatch.setattr(
            control_parts.stable_diffusion,
            f"load_{name}",
            lambda entry, name=name: asked.append((name, entry.name)) or nn.Identity(),
        )
    found = parts_for(tiny(base="sd21-base", learns="eps"))
    assert {entry for _, entry in asked} == {"sd21-base"}
    assert {name for name, _ in asked} == {"unet", "autoencoder", "text"}
    assert found.latents.schedule.prediction == "eps"
    assert mini_diffbir.control(found.unet_config) == dict(stable_diffusion.CONTROL)


def test_the_kept_unet_is_no_child_of_the_network(parts):
    network = Controlled(nn.Identity(), parts.unet, together=False)
    assert not list(network.parameters())
