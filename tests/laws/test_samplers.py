"""Schedules and steps keep what the diffusion of a picture promises."""

import pytest
import torch
from torch.testing import assert_close

from restoration.noise import seeded
from restoration.samplers import (
    ddim_step,
    ddpm_step,
    eps_from_x0,
    learned_log_variance,
    log_variance_bounds,
    noised,
    posterior_mean,
    renoise_step,
    x0_from_eps,
)
from restoration.schedules import NUM_TRAINED, clearing, linear, spaced
from tests.tolerances import TABLE

MANY = 200_000
"""Values of which a variance is estimated, to about 0.5 %."""
SPREAD = 0.02
LEVELS = [(1, 0), (300, 280), (999, 0), (999, 998)]
EACH_STEP = pytest.mark.parametrize(("t", "s"), LEVELS, ids=str)
EXACT = {"atol": 1e-9, "rtol": 1e-9}


def level(t):
    return linear().alpha_bar[t]


def picture(*shape):
    return seeded(7)(torch.empty(*(shape or (2, 3, 5, 7)), dtype=torch.float64)).clamp(-1, 1)


def silent(like):
    raise AssertionError("noise was drawn")


def still(like):
    return torch.zeros_like(like)


def test_the_linear_schedule_is_that_of_the_paper():
    schedule = linear()
    beta = 1 - schedule.alpha_bar / schedule.alpha_bar_before
    assert len(schedule) == NUM_TRAINED == 1000
    assert_close(beta[[0, -1]], torch.tensor([1e-4, 0.02], dtype=torch.float64), **EXACT)
    assert_close(beta.diff(), torch.full_like(beta[1:], 0.0199 / 999), atol=TABLE, rtol=0)


def test_the_linear_schedule_leaves_next_to_nothing_of_the_picture():
    alpha_bar = linear().alpha_bar
    assert alpha_bar.dtype == torch.float64
    assert alpha_bar.diff().max() < 0
    assert float(alpha_bar[0]) == pytest.approx(0.9999)
    assert float(alpha_bar[-1]) == pytest.approx(4.0358e-5, rel=1e-4)


def test_steps_are_spaced_evenly_as_published():
    assert spaced(8) == [0, 143, 285, 428, 571, 714, 856, 999]


def test_one_step_is_the_cleanest():
    assert spaced(1) == [0]


@pytest.mark.parametrize("count", [2, 3, 25, 999, 1000])
def test_spaced_steps_differ_and_reach_both_ends(count):
    steps = spaced(count)
    assert len(set(steps)) == count
    assert (steps[0], steps[-1]) == (0, NUM_TRAINED - 1)
    assert steps == sorted(steps)


@pytest.mark.parametrize("sigma", [0.02, 0.2, 0.8])
@pytest.mark.parametrize("count", [3, 10, 25, 100])
def test_the_last_step_but_one_leads_to_the_noise_of_what_is_known(count, sigma):
    schedule = clearing(linear(), count, sigma)
    steps = schedule.times.tolist()
    assert len(set(steps)) == count
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, NUM_TRAINED - 1)
    assert schedule.sigma[1] > sigma >= linear().sigma[steps[1] - 1]


@pytest.mark.parametrize(("count", "sigma"), [(25, 0.0), (25, 1e-4), (2, 0.2), (950, 0.2)])
def test_where_there_is_no_room_for_that_step_all_are_spaced_evenly(count, sigma):
    assert clearing(linear(), count, sigma).times.tolist() == spaced(count)


def test_some_steps_of_a_schedule_keep_their_levels():
    chosen = linear().at([0, 500, 999])
    assert chosen.times.tolist() == [0, 500, 999]
    assert torch.equal(chosen.alpha_bar, level([0, 500, 999]))
    assert torch.equal(chosen.alpha_bar_before[1:], chosen.alpha_bar[:-1])
    assert chosen.alpha_bar_before[0] == 1


def test_strides_lead_from_the_noisiest_level_to_the_picture():
    strides = list(linear().at([0, 500, 999]).strides())
    assert [(one.i, one.t) for one in strides] == [(2, 999), (1, 500), (0, 0)]
    assert [one.ab_s for one in strides] == [level(500), level(0), 1]
    assert [one.ab_t for one in strides] == [level(999), level(500), level(0)]


def test_sigma_is_the_noise_relative_to_the_signal():
    schedule = linear()
    ab = schedule.alpha_bar
    assert_close(schedule.sigma.square() * ab, 1 - ab, **EXACT)


@pytest.mark.parametrize("t", [0, 300, 999])
def test_noising_keeps_unit_variance(t):
    x0 = seeded(1)(torch.empty(MANY))
    assert abs(float(noised(x0, level(t), seeded(2)).var()) - 1) < SPREAD


def test_noising_adds_noise_of_the_variance_that_is_missing():
    ab = level(300)
    added = noised(picture(MANY), ab, seeded(2)) - ab.sqrt() * picture(MANY)
    assert float(added.var() / (1 - ab)) == pytest.approx(1, abs=SPREAD)


@pytest.mark.parametrize("t", [0, 300, 999])
def test_picture_and_noise_follow_from_each_other(t):
    x0, eps, ab = picture(), seeded(3)(picture()), level(t)
    x_t = noised(x0, ab, lambda like: eps)
    assert_close(x0_from_eps(x_t, eps, ab), x0, **EXACT)
    assert_close(eps_from_x0(x_t, x0, ab), eps, **EXACT)


@EACH_STEP
def test_a_posterior_step_with_the_true_picture_lands_at_its_level(t, s):
    """Mean and variance of x_s, as noising x0 at once gives them."""
    ab_t, ab_s = level(t), level(s)
    x0, noise = picture(), seeded(4)
    draws = torch.stack([noised(x0, ab_t, noise) for _ in range(2000)])
    variance = (1 - ab_s) / (1 - ab_t) * (1 - ab_t / ab_s)
    log_variance = variance.log().expand_as(draws)
    x_s = ddpm_step(posterior_mean(draws, x0, ab_t, ab_s), log_variance, noise, last=False)
    deviation = x_s - ab_s.sqrt() * x0
    assert float(deviation.square().mean() / (1 - ab_s)) == pytest.approx(1, abs=SPREAD)
    assert abs(float(deviation.mean() / (1 - ab_s).sqrt())) < SPREAD


def test_the_last_step_draws_and_adds_nothing():
    drawn = []

    def noise(like):
        drawn.append(like.shape)
        return torch.ones_like(like)

    mean = picture()
    assert torch.equal(ddpm_step(mean, torch.zeros_like(mean), noise, last=True), mean)
    assert drawn == [mean.shape]


@EACH_STEP
def test_without_fresh_noise_ddim_keeps_the_noise_there_is(t, s):
    x0, eps, ab_s = picture(), seeded(3)(picture()), level(s)
    x_t = noised(x0, level(t), lambda like: eps)
    x_s = ddim_step(x_t, x0, level(t), ab_s, eta=0.0, noise=silent)
    assert_close(x_s, noised(x0, ab_s, lambda like: eps), **EXACT)


def test_ddim_ends_in_the_picture():
    x0, one = picture(), torch.ones((), dtype=torch.float64)
    x_t = noised(x0, level(500), seeded(3))
    assert_close(ddim_step(x_t, x0, level(500), one, eta=1.0, noise=seeded(4)), x0, **EXACT)


@EACH_STEP
def test_with_all_fresh_noise_ddim_is_ddpm(t, s):
    """Mean and variance are those of the posterior (Ho et al. 2020, Eq. 7)."""
    x0, ab_t, ab_s = picture(), level(t), level(s)
    x_t = noised(x0, ab_t, seeded(3))
    mean = ddim_step(x_t, x0, ab_t, ab_s, eta=1.0, noise=still)
    spread = ddim_step(x_t, x0, ab_t, ab_s, eta=1.0, noise=torch.ones_like) - mean
    beta_tilde = (1 - ab_s) / (1 - ab_t) * (1 - ab_t / ab_s)
    assert_close(mean, posterior_mean(x_t, x0, ab_t, ab_s), **EXACT)
    assert_close(spread.square(), beta_tilde.expand_as(spread), **EXACT)


@pytest.mark.parametrize("fresh", [0.0, 0.3, 1.0])
def test_renoising_lands_at_its_level_whatever_is_fresh(fresh):
    eps, ab_s = seeded(3)(torch.empty(MANY)), level(300)
    x_s = renoise_step(torch.zeros(MANY), eps, ab_s, fresh=fresh, noise=seeded(4))
    assert float(x_s.var() / (1 - ab_s)) == pytest.approx(1, abs=SPREAD)


def test_a_learned_variance_reaches_its_bounds():
    low, high = log_variance_bounds(linear())
    one = torch.ones_like(low)
    assert_close(learned_log_variance(-one, low, high), low, **EXACT)
    assert_close(learned_log_variance(one, low, high), high, **EXACT)


@pytest.mark.parametrize("count", [2, 10, 1000])
def test_the_bounds_of_a_walk_are_in_order_and_the_upper_one_is_beta(count):
    schedule = linear().at(spaced(count))
    low, high = log_variance_bounds(schedule)
    assert low.isfinite().all()
    assert (low <= high).all()
    assert_close(high.exp(), 1 - schedule.alpha_bar / schedule.alpha_bar_before, **EXACT)


def test_the_lowest_bound_is_that_of_the_next_step():
    low, _ = log_variance_bounds(linear())
    assert low[0] == low[1]


def test_a_walk_of_one_step_has_bounds():
    low, high = log_variance_bounds(linear().at([0]))
    assert torch.equal(low, high)
