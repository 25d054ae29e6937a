"""The training loop and its recipe, at tiny sizes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.errors import RestorationError
from restoration.networks.stage1 import build_swinir
from restoration.training import loop
from restoration.training.photographs import PictureBank, draw
from restoration.training.stage1 import Stage1Params, Stage1Recipe, recipe_for, train_stage1
from restoration.training.state import State, export, load_state, save_state

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bank():
    return PictureBank([draw(np.random.default_rng(0), 64)])


@pytest.fixture
def recipe(bank):
    return Stage1Recipe(tiny(), bank)


def tiny(**knobs):
    return Stage1Params(**{"channels": 48, "blocks": 1, "side": 32, "batch": 1, **knobs})


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a | b)


def test_the_network_begins_as_the_identity(recipe):
    picture = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert_close(recipe.build()(picture), picture, atol=1e-6, rtol=0)


def test_the_network_begins_as_the_identity_at_other_sizes(recipe):
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    assert_close(recipe.build().eval()(picture), picture, atol=1e-6, rtol=0)


def test_the_first_weights_follow_from_the_seed(recipe):
    first, again, other = (loop.first_network(recipe, seed).state_dict() for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def test_training_leaves_the_global_generator_alone(recipe, tmp_path):
    before = torch.get_rng_state()
    loop.train(recipe, tiny(steps=1), tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_same_seed_trains_the_same_weights(recipe, tmp_path):
    one = loop.train(recipe, tiny(steps=3), tmp_path / "one")
    two = loop.train(recipe, tiny(steps=3), tmp_path / "two")
    for key, value in one.network.items():
        assert_close(two.network[key], value, atol=1e-6, rtol=1e-4)


def test_a_run_goes_on_where_the_last_one_stopped(recipe, tmp_path):
    loop.train(recipe, tiny(steps=2), tmp_path)
    state = loop.train(recipe, tiny(steps=2), tmp_path)
    assert state.step == 4
    assert {int(one["step"]) for one in state.optimizer["state"].values()} == {4}


def test_a_resumed_run_sees_the_batches_that_would_have_come_next(recipe, tmp_path):
    seen = []

    class Watched(Stage1Recipe):
        def batch(self, rng, count):
            seen.append(super().batch(rng, count)[0])
            return super().batch(rng, count)

    watched = Watched(tiny(), recipe.bank)
    loop.train(watched, tiny(steps=4), tmp_path / "at once")
    loop.train(watched, tiny(steps=2), tmp_path / "in two")
    loop.train(watched, tiny(steps=2), tmp_path / "in two")
    whole, parts = seen[:4], seen[4:8]
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))


def test_a_batch_follows_from_its_step(recipe):
    here = loop.Batches(recipe, tiny(batch=2), 0)
    assert all(torch.equal(a, b) for a, b in zip(here[5], here[5], strict=True))
    assert not torch.equal(here[5][0], here[6][0])


def test_every_process_has_its_own_batches(recipe):
    first, second = (loop.Batches(recipe, tiny(), process)[0] for process in (0, 1))
    assert not torch.equal(first[0], second[0])


def test_the_rate_rises_to_its_highest_and_falls_to_nothing(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    rates = list(loop._rates(tiny(steps=1000), learner.accelerator))
    assert len(rates) == 1000
    assert rates[0] < rates[50] < rates[99] == pytest.approx(max(rates), rel=0.03)
    assert rates[-1] < 1e-3 * max(rates)


def test_a_run_of_no_minutes_makes_no_step(recipe, tmp_path):
    assert loop.train(recipe, tiny(minutes=0), tmp_path).step == 0


def test_a_run_of_minutes_ends(recipe, tmp_path):
    state = loop.train(recipe, tiny(minutes=0.3 / 60), tmp_path)
    assert state.step > 0
    assert 0.3 <= state.seconds < 10


def test_the_loss_falls(recipe):
    learner = loop.Learner.ready(recipe, tiny(), None)
    clean = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    losses = [float(learner.learn((clean - 0.2, clean), 2e-3, step)) for step in range(20)]
    assert losses[-1] < 0.9 * losses[0]


def test_the_average_lags_behind_the_weights(recipe, tmp_path):
    state = loop.train(recipe, tiny(steps=3), tmp_path)
    assert not same(state.network, state.ema)


def test_a_state_is_as_it_was_saved(recipe, tmp_path):
    state = loop.train(recipe, tiny(steps=1), tmp_path)
    back = load_state(tmp_path / "stage1.pt")
    assert same(back.network, state.network)
    assert same(back.ema, state.ema)
    assert (back.step, back.seconds) == (state.step, state.seconds)


def test_the_state_is_saved_on_the_way(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    saved = []
    monkeypatch.setattr(loop, "save_state", lambda path, state: saved.append(state.step))
    loop.train(recipe, tiny(steps=3), tmp_path)
    assert saved == [1, 2, 3, 3]


def test_a_state_that_could_not_be_written_leaves_the_last_one_whole(tmp_path):
    path = tmp_path / "stage1.pt"
    save_state(path, State({}, {}, {}, 5))
    with pytest.raises((AttributeError, TypeError)):
        save_state(path, State({}, {}, {"unwritable": (one for one in ())}, 6))
    assert load_state(path).step == 5


def test_there_is_no_state_before_the_first_run(tmp_path):
    assert load_state(tmp_path / "stage1.pt") is None


@pytest.mark.parametrize("content", [b"", b"no state", b"PK\x03\x04cut off"])
def test_a_broken_state_is_refused(content, tmp_path):
    (tmp_path / "stage1.pt").write_bytes(content)
    with pytest.raises(RestorationError, match=r"stage1\.pt is no training state: move it away"):
        load_state(tmp_path / "stage1.pt")


def test_a_state_of_something_else_is_refused(tmp_path):
    torch.save({"weights": torch.zeros(1)}, tmp_path / "stage1.pt")
    with pytest.raises(RestorationError, match="is no training state"):
        load_state(tmp_path / "stage1.pt")


def test_a_state_of_another_size_is_refused(recipe, bank, tmp_path):
    loop.train(recipe, tiny(minutes=0), tmp_path)
    larger = Stage1Recipe(tiny(channels=64), bank)
    with pytest.raises(RestorationError, match="a network of another size: give the same knobs"):
        loop.train(larger, tiny(minutes=0), tmp_path)


def test_training_begins_from_a_given_state_where_there_is_none(recipe, tmp_path):
    given = loop.first_network(recipe, 9).state_dict()
    start = State(given, given, {}, 70, 8.0)
    state = loop.train(recipe, tiny(steps=1), tmp_path, start)
    assert state.step == 71
    assert state.seconds > 8


def test_the_last_state_goes_before_a_given_one(recipe, tmp_path):
    loop.train(recipe, tiny(steps=2), tmp_path)
    state = loop.train(recipe, tiny(minutes=0), tmp_path, State({}, {}, {}, 70))
    assert state.step == 2


def test_the_exported_file_holds_the_average_and_what_builds_the_network(recipe, tmp_path):
    state = loop.train(recipe, tiny(steps=2), tmp_path)
    path = export(state, tmp_path / "new" / "x.safetensors", name="stage1", config=recipe.config)
    facts = weights.metadata(path)
    network = build_swinir(json.loads(facts["config"]))
    tensors = weights.read(path, weights.named("mini-swinir"))
    weights.load_into(network, tensors, file=path.name)
    assert (facts["recipe"], facts["steps"]) == ("stage1", "2")
    for key, value in network.state_dict().items():
        assert_close(value, state.ema[key], atol=1e-3, rtol=1e-3)


def test_train_stage1_writes_the_weights_where_out_says(tmp_path):
    out = tmp_path / "mini.safetensors"
    train_stage1(tiny(drawn=1, steps=1, out=str(out)), tmp_path)
    assert weights.metadata(out)["steps"] == "1"


def test_the_recipe_gathers_its_pictures():
    recipe = recipe_for(tiny(drawn=1, batch=2))
    degraded, clean = recipe.batch(np.random.default_rng(0), 2)
    assert degraded.shape == clean.shape == (2, 3, 32, 32)


def test_the_bundled_network_is_the_one_of_the_default_knobs(bank):
    bundled = weights.metadata(weights.locate("mini-swinir"))
    assert json.loads(bundled["config"]) == Stage1Recipe(Stage1Params(), bank).config


@pytest.mark.slow
def test_two_processes_stop_at_the_same_step(tmp_path):
    launch = "-m torch.distributed.run --standalone --nproc_per_node 2 -m restoration train stage1"
    knobs = "--minutes 0.02 --channels 48 --blocks 1 --side 32 --batch 1 --drawn 1 --threads 1"
    out = tmp_path / "x.safetensors"
    subprocess.run(
        [sys.executable, *launch.split(), *knobs.split(), "--out", out],
        check=True,
        cwd=ROOT,
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "RESTORATION_STATE": str(tmp_path)},
        timeout=120,
    )
    assert int(weights.metadata(out)["steps"]) % loop.AGREE_EVERY == 0


def test_runs_that_lead_to_one_step_give_what_one_run_gives(recipe, tmp_path):
    whole = loop.train(recipe, tiny(until=3), tmp_path / "whole")
    loop.train(recipe, tiny(until=3, steps=2), tmp_path / "parts")
    parts = loop.train(recipe, tiny(until=3, steps=2), tmp_path / "parts")
    assert whole.step == parts.step == 3
    assert same(whole.network, parts.network)
    assert same(whole.ema, parts.ema)


def test_training_that_has_ended_makes_no_step(recipe, tmp_path):
    loop.train(recipe, tiny(until=1), tmp_path)
    assert loop.train(recipe, tiny(until=1), tmp_path).step == 1
