"""Gen2Res: the walk back, its levels, its guidance and its album."""

import pytest
import torch
from torch.testing import assert_close

from restoration import schedules
from restoration.methods import gen2res
from restoration.methods.gen2res import Gen2resParams, SkipGuidance
from restoration.noise import seeded
from restoration.protocol import Request, finish
from restoration.runtime import Device
from tests.test_tuning import factors, low_rank


@pytest.fixture(scope="module")
def restorer():
    mini = next(one for one in gen2res.METHOD.variants if one.name == "mini")
    return gen2res.load(Device("cpu", "float32"), mini)


@pytest.fixture(scope="module")
def degraded():
    y, x = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    flat = torch.stack([x, y, 64 - x]).float()[None] / 80
    return (flat + 0.1 * seeded(0)(flat)).clamp(0, 1)


def restored(restorer, degraded, album=None, seed=0, **knobs):
    params = Gen2resParams(**{"noise_step": 100, "steps": 4} | knobs)
    return finish(restorer(Request(degraded, album=album), params, seeded(seed)))


def test_all_levels_up_to_k_are_walked_where_there_are_as_many_steps():
    assert gen2res.levels(200, 200).times.tolist() == list(range(200))


def test_fewer_steps_start_at_the_same_level_and_end_at_the_cleanest():
    times = gen2res.levels(200, 25).times.tolist()
    assert (times[0], times[-1], len(times)) == (0, 199, 25)


def test_no_level_is_walked_twice():
    assert gen2res.levels(10, 25).times.tolist() == list(range(10))


def test_with_all_levels_every_tenth_is_guided_as_published():
    scales = gen2res.skip_scales(schedules.linear(), SkipGuidance(on=True, every=10, scale=0.3))
    assert [i for i, scale in enumerate(scales) if scale] == list(range(9, 1000, 10))
    assert set(scales) == {0.0, 0.3}


@pytest.mark.parametrize("steps", [200, 50, 25, 7])
def test_fewer_steps_are_guided_as_much_in_all(steps):
    guidance = SkipGuidance(on=True, every=10, scale=0.3)
    assert sum(gen2res.skip_scales(gen2res.levels(200, steps), guidance)) == pytest.approx(6.0)


def test_without_guidance_no_step_is_guided():
    assert not any(gen2res.skip_scales(schedules.linear(), SkipGuidance()))


def test_guidance_holds_the_result_nearer_to_the_input(restorer, degraded):
    free = restored(restorer, degraded)
    held = restored(restorer, degraded, guidance=SkipGuidance(on=True, every=5, scale=1.0))
    assert (held - degraded).square().mean() < (free - degraded).square().mean()


def test_the_deeper_it_drowns_the_less_of_the_input_is_left(restorer, degraded):
    apart = [
        (restored(restorer, degraded, noise_step=depth) - degraded).square().mean()
        for depth in (20, 200, 600)
    ]
    assert apart == sorted(apart)


def test_strong_noise_drowns_and_does_not_come_back(restorer):
    clean = torch.linspace(0.3, 0.7, 64).expand(1, 3, 64, 64)
    degraded = clean + 0.15 * seeded(3)(clean)
    found = restored(restorer, degraded, noise_step=200, steps=8)
    assert (found - clean).square().mean() < (degraded - clean).square().mean() / 4


def test_ddpm_and_ddim_go_different_ways(restorer, degraded):
    ways = [restored(restorer, degraded, sampler=sampler) for sampler in ("ddim", "ddpm")]
    assert not torch.equal(*ways)


def test_an_album_changes_the_result(restorer, degraded, tmp_path):
    album = low_rank(tmp_path / "weights.safetensors", factors(restorer.prior, 1))
    assert not torch.equal(restored(restorer, degraded, album), restored(restorer, degraded))


def test_restoring_with_an_album_leaves_the_prior_as_it_was(restorer, degraded, tmp_path):
    album = low_rank(tmp_path / "weights.safetensors", factors(restorer.prior, 1))
    before = restored(restorer, degraded)
    restored(restorer, degraded, album)
    assert torch.equal(restored(restorer, degraded), before)


def test_two_albums_at_once_do_not_mix(restorer, degraded, tmp_path):
    one, two = (low_rank(tmp_path / f"{i}.safetensors", factors(restorer.prior, i)) for i in (1, 2))
    alone = restored(restorer, degraded, one), restored(restorer, degraded, two)
    params = Gen2resParams(noise_step=100, steps=4)
    pairs = zip(
        restorer(Request(degraded, album=one), params, seeded(0)),
        restorer(Request(degraded, album=two), params, seeded(0)),
        strict=True,
    )
    *_, (first, second) = pairs
    assert torch.equal(first.estimate(), alone[0])
    assert torch.equal(second.estimate(), alone[1])


def test_small_pictures_are_mirrored_and_cut_back(restorer, degraded):
    assert restored(restorer, degraded[..., :17, :23]).shape == (1, 3, 17, 23)


def test_the_last_step_of_a_guided_walk_is_what_the_published_loop_returns(restorer):
    y = seeded(1)(torch.empty(1, 3, 64, 64)).clamp(-1, 1)
    made = list(
        gen2res.walk(
            restorer.prior, y, y, gen2res.levels(20, 2), seeded(0), scales=[0.5, 0], sampler="ddim"
        )
    )
    moved = made[-1].unguided - made[-1].x_s
    assert_close(made[-1].unguided, made[-1].x0)
    assert moved.abs().max() > 0
