"""The arithmetic of fine-tuning, on a network of 16x16 patches."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from benchmarks.degradations import photograph
from restoration import tuning
from restoration.albums.knobs import TuneParams
from restoration.errors import RestorationError
from restoration.noise import seeded
from restoration.training import album_files, fine_tuning
from restoration.training.album_files import Origin
from restoration.training.album_patches import Examples, as_seen, parted
from restoration.training.fine_tuning import (
    Mark,
    Tuner,
    fine_tune,
    rate_of,
    trainable,
)
from tests.tiny_prior import PATCH, tiny_prior

WAYS = pytest.mark.parametrize("way", ["low-rank", "full"])


@pytest.fixture(scope="module")
def base():
    """A frozen network."""
    import peft  # noqa: F401  # slow to import, which is no part of a test

    return tiny_prior().network


@pytest.fixture(scope="module")
def pictures():
    return as_seen([photograph(side) for side in (24, 20, 16)], PATCH, whole=False)


def told(way="full", **knobs):
    return TuneParams(**{"way": way, "steps": 4, "batch": 2, "learning_rate": 1e-3, **knobs})


def tuner_for(base, params):
    return Tuner.ready(trainable(base, params))


def run(base, pictures, params, mark=None):
    """(the tuner, all marks) of a whole training."""
    tuner = tuner_for(base, params)
    return tuner, list(fine_tune(tuner, pictures, params, patch=PATCH, mark=mark or Mark()))


def output(network):
    x_t, t = seeded(3)(torch.empty(2, 3, PATCH, PATCH)), torch.tensor([10, 700])
    with torch.no_grad():
        return network.eval()(x_t, t, return_dict=False)[0]


def test_whole_squares_become_a_patch_and_keep_their_mean():
    seen = as_seen([photograph(40), photograph(9)], PATCH, whole=True)
    assert [one.shape for one in seen] == [(1, 3, PATCH, PATCH)] * 2
    assert float(seen[0].float().mean() / 255) == pytest.approx(
        float(photograph(40).mean()), abs=0.01
    )


def test_for_patches_only_squares_smaller_than_one_change_their_scale():
    seen = as_seen([photograph(40), photograph(9)], PATCH, whole=False)
    assert [one.shape[-1] for one in seen] == [40, PATCH]
    assert_close(seen[0].float() / 255, photograph(40), atol=0.5 / 255 + 1e-6, rtol=0)


def test_a_batch_holds_patches_of_the_pictures_noise_and_steps():
    picture = as_seen([photograph(24)], PATCH, whole=False)
    x0, z, t = Examples(picture, PATCH).batch(np.random.default_rng(0), 3)
    places = picture[0][0].unfold(1, PATCH, 1).unfold(2, PATCH, 1).permute(1, 2, 0, 3, 4)
    distance = (places.float() / 127.5 - 1 - x0[0]).abs().amax((2, 3, 4))
    assert float(distance.min()) == 0
    assert x0.shape == z.shape == (3, 3, PATCH, PATCH)
    assert 0 <= int(t.min()) <= int(t.max()) < 1000


def test_the_check_has_the_same_crops_every_time_and_steps_from_all_over(pictures):
    one, two = (Examples(pictures, PATCH).fixed(seed=5) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert (one[2] * 8 // 1000).tolist() == list(range(8))


def test_only_the_levels_that_are_asked_for_occur():
    examples = Examples([torch.zeros(1, 3, PATCH, PATCH, dtype=torch.uint8)], PATCH, levels=10)
    _, _, drawn = examples.batch(np.random.default_rng(0), 200)
    assert set(drawn.tolist()) == set(range(10))
    assert examples.fixed(0)[2].max() < 10


def test_a_low_rank_change_begins_at_nothing_and_shares_the_prior(base):
    network = trainable(base, told("low-rank"))
    assert torch.equal(output(network), output(base))
    own = {id(one) for one in network.parameters() if one.requires_grad}
    assert {id(one) for one in network.parameters()} - own == {id(one) for one in base.parameters()}


def test_convolutions_of_residual_blocks_and_attention_get_a_low_rank_change(base):
    layers = {name.rpartition(".")[0] for name in tuner_for(base, told("low-rank")).weights()}
    wanted = tuple(f".{target}" for target in fine_tuning.TARGETS)
    assert layers == {name for name, _ in base.named_modules() if name.endswith(wanted)}


def test_the_full_way_tunes_a_copy_of_every_weight(base):
    network = trainable(base, told())
    assert all(one.requires_grad for one in network.parameters())
    assert not any(one.requires_grad for one in base.parameters())
    assert not {one.data_ptr() for one in network.parameters()} & {
        one.data_ptr() for one in base.parameters()
    }


@WAYS
def test_dropout_is_in_the_residual_blocks_alone(base, way):
    network = trainable(base, told(way, dropout=0.3))
    shares = {
        (hasattr(block, "time_emb_proj"), layer.p)
        for block in network.modules()
        for layer in block.children()
        if isinstance(layer, nn.Dropout)
    }
    assert shares == {(True, 0.3), (False, 0.0)}
    assert {layer.p for layer in base.modules() if isinstance(layer, nn.Dropout)} == {0.0}


@WAYS
def test_training_leaves_the_prior_and_the_global_generators_as_they_were(base, pictures, way):
    before = {name: value.clone() for name, value in base.state_dict().items()}
    random, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    run(base, pictures, told(way, steps=2))
    assert torch.equal(torch.get_rng_state(), random)
    assert np.array_equal(np.random.get_state()[1], numbers)  # noqa: NPY002
    assert all(torch.equal(value, before[name]) for name, value in base.state_dict().items())


@WAYS
def test_dropout_depends_on_the_seed_alone(base, pictures, way):
    params = told(way, dropout=0.5)
    batch = Examples(pictures, PATCH).batch(np.random.default_rng(0), 2)
    losses = [tuner_for(base, params).learn(batch, 0.0, seed) for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


@WAYS
def test_the_error_on_the_album_falls(base, pictures, way):
    _, marks = run(base, pictures, told(way, steps=30, batch=4, dropout=0.0, learning_rate=3e-3))
    examples = Examples(pictures, PATCH).fixed(0)
    assert marks[-1].check < 0.9 * tuner_for(base, told(way)).error(examples)


@WAYS
def test_going_on_gives_the_very_weights_of_a_training_in_one_go(base, pictures, way, tmp_path):
    params, origin = told(way), Origin(way, 8, "tiny", "0" * 64)
    whole, marks = run(base, pictures, params)
    halved = tuner_for(base, params)
    steps = fine_tune(halved, pictures, params, patch=PATCH, mark=Mark())
    mark = [next(steps), next(steps)][-1]
    album_files.save(tmp_path / "training.pt", origin, halved, mark)
    again = tuner_for(base, params)
    found = album_files.resume(tmp_path / "training.pt", origin, again).towards(params)
    *_, last = fine_tune(again, pictures, params, patch=PATCH, mark=found)
    assert (found.step, last.step, last.loss) == (2, 4, marks[-1].loss)
    assert all(torch.equal(value, again.weights()[key]) for key, value in whole.weights().items())


@WAYS
def test_what_is_written_is_what_was_trained(base, pictures, way, tmp_path):
    tuner, _ = run(base, pictures, told(way, learning_rate=1e-2))
    path, origin = tmp_path / "weights.safetensors", Origin(way, 8, "tiny", "0" * 64)
    album_files.export(path, origin, tuner)
    merged = tuning.tuned(base, tuning.read(path, base))
    assert_close(output(merged), output(tuner.network), atol=1e-5, rtol=1e-5)
    assert float((output(merged) - output(base)).abs().max()) > 1e-3


def test_a_loss_that_is_no_number_is_refused(base, pictures):
    tuner, batch = tuner_for(base, told()), Examples(pictures, PATCH).fixed(0)
    tuner.learn(batch, math.inf)
    with pytest.raises(RestorationError, match="went astray, its loss is nan: choose a lower"):
        tuner.learn(batch, 0.0)


@pytest.mark.parametrize(
    ("made", "rate"), [(0, 1.0), (1, 1.0), (2, 0.75), (4, 0.25)], ids="after {}".format
)
def test_the_rate_falls_with_the_steps_once_two_are_made(made, rate):
    mark = Mark(step=7 + made, begun_step=7)
    assert rate_of(told(learning_rate=1.0), mark) == pytest.approx(rate)


def test_the_rate_falls_with_the_time_of_earlier_runs_as_well():
    params = told(steps=0, minutes=2.0, learning_rate=1.0)
    assert rate_of(params, Mark(step=5, seconds=90.0).towards(params)) == pytest.approx(0.25)


def test_a_plan_in_minutes_ends_when_its_time_is_over(base, pictures):
    _, marks = run(base, pictures, told(steps=0, minutes=0.01))
    assert [mark.finished for mark in marks] == [False] * (len(marks) - 1) + [True]
    assert marks[-1].seconds >= 0.6


def test_no_minutes_are_one_step(base, pictures):
    assert len(run(base, pictures, told(steps=0, minutes=0))[1]) == 1


def test_the_length_of_a_plan_is_estimated_from_the_time_that_has_gone():
    assert Mark(step=12, begun_step=2, share=0.25).planned == 42
    assert Mark(step=12, begun_step=2, share=0.25, finished=True).planned == 12


def test_after_a_finished_plan_another_one_begins():
    mark = Mark(step=4, seconds=9.0, share=1.0, finished=True).towards(told())
    assert (mark.begun_step, mark.begun_seconds, mark.share, mark.finished) == (4, 9.0, 0.0, False)


def test_a_longer_plan_goes_on_with_the_one_that_was_left():
    mark = Mark(step=2, share=0.5).towards(told(steps=8))
    assert (mark.begun_step, mark.share) == (0, 0.25)


def test_training_that_makes_it_worse_stops_early_and_keeps_the_best(base, pictures, monkeypatch):
    monkeypatch.setattr(fine_tuning, "CHECK_EVERY", 2)
    tuner, marks = run(base, pictures, told(steps=100, patience=2, learning_rate=0.05))
    first = tuner_for(base, told()).error(Examples(pictures, PATCH).fixed(0))
    assert len(marks) < 100
    assert marks[-1].check == marks[-1].best <= first
    assert tuner.error(Examples(pictures, PATCH).fixed(0)) == pytest.approx(marks[-1].best)


def test_every_sixth_picture_is_held_out_where_the_check_may_stop_the_training():
    pictures = [torch.full((1, 3, PATCH, PATCH), i, dtype=torch.uint8) for i in range(1, 14)]
    learned, held = parted(pictures, told(patience=3))
    assert [int(one[0, 0, 0, 0]) for one in held] == [6, 12]
    assert len(learned) == 11


@pytest.mark.parametrize(("count", "patience"), [(5, 3), (13, 0)])
def test_otherwise_all_pictures_are_learned_from(count, patience):
    pictures = [torch.zeros(1, 3, PATCH, PATCH, dtype=torch.uint8)] * count
    learned, held = parted(pictures, told(patience=patience))
    assert len(learned) == len(held) == count


def test_the_loss_shown_is_a_running_mean():
    marks = [Mark().after(told(), 1.0, 0.1)]
    marks.append(marks[0].after(told(), 2.0, 0.2))
    assert [mark.loss for mark in marks] == [1.0, 1.05]
    assert replace(marks[1], loss=0.0).seconds == 0.2
