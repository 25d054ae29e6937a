"""The published way to train mean-reverting networks: real classes, fewer levels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.errors import BadKnobError, MissingWeightsError, WrongWeightsError
from restoration.mean_reverting import noised
from restoration.networks import irsde as networks
from restoration.networks.clean_unet import theta_bar
from restoration.training import commands, irsde, irsde_published, loop, optimisers
from restoration.training.irsde import IrsdeParams
from restoration.training.irsde_losses import LAM, matching_loss
from restoration.training.irsde_published import PUBLISHED, PublishedRecipe
from restoration.training.pairs import MARGIN
from restoration.training.photographs import PictureBank, draw
from restoration.training.published_pairs import MADE, SPOILS, spoilt_crops
from tests.tiny_daclip import save_as_published, tiny

SYSTEMS = tuple(PUBLISHED)
ENTRY = weights.named("mini-swinir").model_copy(update={"name": "i", "file": "i.safetensors"})


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 64)])


def knobs(**told):
    return IrsdeParams(
        **{"system": "universal", "side": 32, "batch": 2, "drawn": 1, "channels": 32, **told}
    )


def small(system):
    """With one level instead of four, for the embeddings of a tiny DA-CLIP."""
    published = PUBLISHED[system]
    return replace(published, config={**published.config, "ch_mult": [1], "context_dim": 8})


def recipe_of(system, bank):
    return PublishedRecipe(small(system), knobs(system=system), bank, tiny())


def crops(bank, count, side=32):
    rng = np.random.default_rng(1)
    return [bank.crop(rng, side + MARGIN) for _ in range(count)]


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a | b)


@pytest.mark.parametrize("system", SYSTEMS)
def test_pairs_are_pictures_of_a_file_and_follow_from_the_generator(bank, system):
    clean = crops(bank, 8)
    one, two = (spoilt_crops(SPOILS[system], clean, np.random.default_rng(3)) for _ in range(2))
    for picture, again in zip(one[:2], two[:2], strict=True):
        assert torch.equal(picture, again)
        assert picture.shape == (8, 3, 32, 32)
        assert 0 <= picture.min() <= picture.max() <= 1
        assert_close(picture * 255, (picture * 255).round(), atol=1e-4, rtol=0)
    assert one[2] == two[2]


def test_every_degradation_that_can_be_made_comes_equally_often(bank):
    *_, said = spoilt_crops(SPOILS["universal"], crops(bank, 14), np.random.default_rng(0))
    assert sorted(said) == sorted([*MADE, *MADE])


def test_pairs_in_the_wild_say_all_that_was_done(bank):
    *_, said = spoilt_crops(SPOILS["wild"], crops(bank, 24), np.random.default_rng(0))
    assert "blur, ringing artifact" in said
    assert all(len(set(one.split(", "))) == len(one.split(", ")) for one in said)


def test_some_clean_pictures_in_the_wild_are_grey(bank):
    _, clean, _ = spoilt_crops(SPOILS["wild"], crops(bank, 40), np.random.default_rng(0))
    grey = (clean == clean[:, :1]).all((1, 2, 3)).sum()
    assert 1 <= grey <= 10


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_batch_holds_pairs_noise_times_and_what_daclip_sees(bank, system):
    x0, mu, z, t, seen = recipe_of(system, bank).batch(np.random.default_rng(0), 4)
    assert x0.shape == mu.shape == z.shape == (4, 3, 32, 32)
    assert t.dtype == torch.int64
    assert 1 <= t.min() <= t.max() <= 100
    assert seen.shape == (4, 3, 16, 16)


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_loss_is_the_published_objective(bank, system):
    recipe = recipe_of(system, bank)
    network = loop.first_network(recipe, 0)
    x0, mu, z, t, seen = batch = recipe.batch(np.random.default_rng(0), 2)
    content, degradation = recipe.daclip.encode_image(seen, control=True)
    levels = theta_bar(t).view(-1, 1, 1, 1), theta_bar(t - 1).view(-1, 1, 1, 1), LAM
    x_t = noised(x0, mu, z, levels[0], LAM)
    eps = network(x_t, mu, t, degradation, content)
    assert_close(
        recipe.loss(network, batch), matching_loss(eps, x_t, x0, mu, levels), atol=1e-3, rtol=1e-2
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_weight_that_may_learn_does(bank, system):
    """Else several processes would wait for its gradient for ever."""
    recipe = recipe_of(system, bank)
    network = loop.first_network(recipe, 0)
    recipe.loss(network, recipe.batch(np.random.default_rng(0), 2)).backward()
    idle = [key for key, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not idle


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_network_of_the_published_size_has_the_published_names(bank, system):
    manifest = weights.manifest(weights.named(f"{system}-ir"))
    with torch.device("meta"):
        network = PublishedRecipe(PUBLISHED[system], usual(system), bank, tiny()).build()
    shapes = {key: list(value.shape) for key, value in network.state_dict().items()}
    assert shapes == manifest["keys"]


def usual(system):
    return IrsdeParams(system=system)


def test_what_is_usual_follows_from_the_system():
    mini, universal = IrsdeParams(), usual("universal")
    assert (mini.batch, mini.side, mini.learning_rate, mini.channels) == (8, 64, 5e-4, 32)
    assert (universal.batch, universal.side, universal.channels) == (16, 256, 64)
    assert universal.learning_rate == 2e-4
    assert IrsdeParams(optimizer="lion").learning_rate == 4e-5
    assert IrsdeParams(system="wild", batch=4).batch == 4


def test_the_rate_falls_to_the_published_end_without_a_warm_up():
    rate = usual("universal").manner().rate
    assert rate(0, 0.0) == 2e-4
    assert rate(700_000, 1.0) == pytest.approx(1e-6)


def test_the_mini_is_optimised_as_ever():
    manner, ever = IrsdeParams().manner(), optimisers.usual(5e-4)
    assert manner.rate(30, 0.5) == ever.rate(30, 0.5)
    assert manner.kept(30) == ever.kept(30)


def test_published_networks_are_optimised_by_adamw_without_decay_and_with_their_average(bank):
    recipe = recipe_of("universal", bank)
    learner = loop.Learner.ready(recipe, knobs(), None)
    assert learner.optimizer.optimizer.__class__ is torch.optim.AdamW
    assert learner.optimizer.param_groups[0]["weight_decay"] == 0
    assert learner.manner.kept is optimisers.decay


@pytest.mark.parametrize("system", ["mini", "universal"])
def test_lion_is_used_when_asked_for(bank, system):
    params = knobs(system=system, optimizer="lion")
    learner = loop.Learner.ready(recipe_of("universal", bank), params, None)
    before = {key: value.clone() for key, value in learner.weights().items()}
    learner.learn(learner.recipe.batch(np.random.default_rng(0), 2), 1e-3, 0)
    moved = torch.cat([(learner.weights()[key] - before[key]).flatten() for key in before]).abs()
    assert_close(moved[moved > 0], torch.full_like(moved[moved > 0], 1e-3), atol=1e-6, rtol=0)


@pytest.mark.parametrize("optimizer", ["adamw", "lion"])
def test_runs_that_lead_to_one_step_give_what_one_run_gives(bank, tmp_path, optimizer):
    recipe = recipe_of("universal", bank)
    whole = loop.train(recipe, knobs(until=3, optimizer=optimizer), tmp_path / "whole")
    part = knobs(until=3, steps=2, optimizer=optimizer)
    loop.train(recipe, part, tmp_path / "parts")
    parts = loop.train(recipe, part, tmp_path / "parts")
    assert same(whole.network, parts.network)
    assert same(whole.ema, parts.ema)


def test_daclip_stays_as_it_is(bank, tmp_path):
    recipe = recipe_of("universal", bank)
    loop.train(recipe, knobs(steps=2), tmp_path)
    assert same(recipe.daclip.state_dict(), tiny().state_dict())


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_exported_file_builds_its_network(tmp_path, monkeypatch, system):
    monkeypatch.setenv("RESTORATION_STATE", str(tmp_path))
    monkeypatch.setitem(PUBLISHED, system, small(system))
    monkeypatch.setattr(irsde_published, "daclip_of", lambda _: tiny())
    path = tmp_path / ENTRY.file
    commands.train_irsde(knobs(system=system, daclip="d.pt", steps=1, out=str(path)))
    monkeypatch.setattr(weights, "locate", lambda name: path)
    network = networks.load(ENTRY)
    assert network.halved == (system == "wild")
    assert (tmp_path / f"irsde-{system}.pt").exists()


def test_a_published_system_wants_its_daclip():
    with pytest.raises(BadKnobError, match=r"daclip: the wild system .* one around ViT-L-14"):
        irsde_published.recipe_for(knobs(system="wild"))


def test_a_daclip_that_is_not_there_is_told_by_its_name(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"daclip: there is no file 'none\.pt'"):
        irsde.daclip_of(knobs(daclip=str(tmp_path / "none.pt")))


def test_a_daclip_of_another_size_is_refused(monkeypatch):
    monkeypatch.setattr(irsde_published, "daclip_of", lambda _: tiny())
    with pytest.raises(WrongWeightsError, match=r"d\.pt gives embeddings of 8 numbers.*takes 512"):
        irsde_published.recipe_for(knobs(daclip="d.pt"))


def test_a_file_that_is_no_daclip_is_refused_in_a_sentence(tmp_path):
    path = save_as_published(tiny(), tmp_path / "odd.pt")
    with pytest.raises(WrongWeightsError, match="sizes that it does not say"):
        irsde.daclip_of(knobs(daclip=str(path)))
