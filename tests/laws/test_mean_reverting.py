"""The mean-reverting walk keeps what its equations promise."""

import math

import pytest
import torch
from torch.testing import assert_close

from restoration import mean_reverting as mr
from restoration.noise import recorded, seeded

EXACT = {"atol": 1e-10, "rtol": 0}
LAM, LEFT = 50 / 255, 0.005
SPEEDS = pytest.mark.parametrize("speed", ["cosine", "linear", "constant"])
WALKS = pytest.mark.parametrize("kind", ["posterior", "sde", "ode", "fast", "fast-1"])
TO_THE_PICTURE = pytest.mark.parametrize("kind", ["posterior", "fast", "fast-1"])
STEPS = pytest.mark.parametrize("steps", [1, 2, 5, 20, 100])
MANY = 5000
TOYS = {
    "two kinds": ([0.2, 0.7], [0.4, 0.6], 0.02),
    "two near kinds": ([0.45, 0.55], [0.5, 0.5], 0.02),
    "three kinds": ([0.1, 0.5, 0.9], [0.3, 0.4, 0.3], 0.05),
    "anything": ([0.5], [1.0], 0.15),
}


def picture(seed):
    return seeded(seed)(torch.empty(2, 3, 5, 7, dtype=torch.float64)) / 4 + 0.5


def silent(like):
    raise AssertionError("noise was drawn")


def oracle(levels, x0):
    """The noise, from the clean picture."""
    level = dict(zip(levels.times.tolist(), levels.theta_bar, strict=True))
    return lambda x_t, mu, t: mr.eps_from_x0(x_t, mu, x0, level[t], levels.lam)


def best_guess(levels, modes, shares, spread):
    """The noise as expected where clean values come from a mixture of normal distributions."""
    modes, shares = (torch.tensor(one, dtype=torch.float64) for one in (modes, shares))
    level = dict(zip(levels.times.tolist(), levels.theta_bar, strict=True))

    def denoise(x_t, mu, t):
        a, sigma_bar = (-level[t]).exp(), mr.sigma_bar(level[t], levels.lam)
        variance = (a * spread) ** 2 + sigma_bar**2
        off = (x_t - mu)[..., None] - a * (modes - mu[..., None])
        likely = (shares.log() - off.square() / (2 * variance)).softmax(-1)
        x0 = (likely * (modes + a * spread**2 / variance * off)).sum(-1)
        return mr.eps_from_x0(x_t, mu, x0, level[t], levels.lam)

    return denoise


def end(kind, denoise, levels, mu, seed=3):
    *_, last = mr.walk(kind, denoise, levels, mu, seeded(seed))
    return last.x_s


def chain(theta, dt):
    """(t, A, Q, mean factor before, variance before) of x_t = A x_s + N(0, Q), step by step."""
    factor, variance = 1.0, 0.0
    for t in range(1, len(theta)):
        a = math.exp(-float(theta[t]) * dt)
        q = LAM**2 * -math.expm1(-2 * float(theta[t]) * dt)
        yield t, a, q, factor, variance
        factor, variance = a * factor, a**2 * variance + q


@SPEEDS
def test_the_posterior_is_that_of_the_linear_gaussian_chain(speed):
    """A Kalman update of what is known of x_s - mu by x_t - mu, for every t."""
    theta = mr.theta(speed, 100)
    theta_bar = mr.schedule(speed).theta_bar
    x_t, x0, mu = picture(0), picture(1), picture(2)
    for t, a, q, factor, variance in chain(theta, -math.log(LEFT) / float(theta[1:].sum())):
        gain = variance * a / (a**2 * variance + q)
        known = factor * (x0 - mu)
        mean = mu + known + gain * (x_t - mu - a * known)
        tb_t, tb_s = theta_bar[t], theta_bar[t - 1]
        assert_close(mr.posterior_mean(x_t, x0, mu, tb_t, tb_s), mean, **EXACT)
        found = mr.posterior_sigma(tb_t, tb_s, LAM).square()
        assert float(found) == pytest.approx((1 - gain * a) * variance, abs=1e-10)


@SPEEDS
def test_levels_are_those_of_the_linear_gaussian_chain(speed):
    theta, levels = mr.theta(speed, 100), mr.schedule(speed)
    for t, a, q, factor, variance in chain(theta, -math.log(LEFT) / float(theta[1:].sum())):
        assert float((-levels.theta_bar[t]).exp()) == pytest.approx(a * factor, abs=1e-12)
        sigma = math.sqrt(a**2 * variance + q)
        assert float(levels.sigma_bar[t]) == pytest.approx(sigma, abs=1e-12)


@pytest.mark.parametrize(("t", "r", "s"), [(100, 50, 0), (100, 99, 98), (60, 30, 5), (3, 2, 1)])
def test_two_posteriors_with_the_same_picture_are_a_longer_one(t, r, s):
    theta_bar = mr.schedule().theta_bar
    tb_t, tb_r, tb_s = theta_bar[[t, r, s]]
    x_t, x0, mu, one = picture(0), picture(1), picture(2), torch.ones((), dtype=torch.float64)
    between = mr.posterior_mean(x_t, x0, mu, tb_t, tb_r)
    found = mr.posterior_mean(between, x0, mu, tb_r, tb_s)
    assert_close(found, mr.posterior_mean(x_t, x0, mu, tb_t, tb_s), **EXACT)
    passed_on = mr.posterior_mean(one, 0 * one, 0 * one, tb_r, tb_s)
    variance = mr.posterior_sigma(tb_r, tb_s, LAM) ** 2
    variance = variance + (passed_on * mr.posterior_sigma(tb_t, tb_r, LAM)) ** 2
    assert_close(variance, mr.posterior_sigma(tb_t, tb_s, LAM) ** 2, **EXACT)


@SPEEDS
def test_a_walk_of_all_steps_is_along_all_levels(speed):
    levels = mr.schedule(speed)
    all_of_them = levels.spaced(len(levels))
    assert torch.equal(all_of_them.theta_bar, levels.theta_bar)
    assert torch.equal(all_of_them.times, levels.times)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20, 60, 99])
def test_the_levels_of_few_steps_differ_and_reach_both_ends(steps):
    chosen, levels = mr.schedule().spaced(steps), mr.schedule()
    assert len(chosen) == steps
    assert (chosen.theta_bar.diff() > 0).all()
    assert chosen.times[[0, -1]].tolist() == [0, 100]
    assert torch.equal(chosen.theta_bar, levels.theta_bar[chosen.times.long()])


@pytest.mark.parametrize("steps", [0, -3, 101, 10**6])
def test_steps_that_there_are_not_are_refused(steps):
    with pytest.raises(ValueError, match=f"{steps} steps asked of a schedule of 100"):
        mr.schedule().spaced(steps)


@STEPS
@TO_THE_PICTURE
def test_an_exact_denoiser_leads_to_the_clean_picture(kind, steps):
    levels, x0, mu = mr.schedule().spaced(steps), picture(1), picture(2)
    assert_close(end(kind, oracle(levels, x0), levels, mu), x0, **EXACT)


@pytest.mark.parametrize("num", [100, 1000])
@pytest.mark.parametrize("kind", ["sde", "ode"])
def test_an_exact_denoiser_leads_eulers_method_there_but_for_the_noise_of_a_step(kind, num):
    levels, x0, mu = mr.schedule("constant", num), picture(1), picture(2)
    of_the_last_step = mr.sde_sigma(levels.theta_bar[1], levels.theta_bar[0], LAM)
    off = (end(kind, oracle(levels, x0), levels, mu) - x0).std()
    assert off < 1.2 * of_the_last_step


@WALKS
def test_a_walk_is_told_each_time_once_and_makes_a_step_for_it(kind):
    levels, told = mr.schedule().spaced(7), []

    def denoise(x_t, mu, t):
        told.append(t)
        return x_t - mu

    made = list(mr.walk(kind, denoise, levels, picture(2), seeded(3)))
    assert told == levels.times.tolist()[:0:-1]
    assert len(made) == 7


@WALKS
def test_one_step_guesses_the_picture_from_the_noisy_one(kind):
    levels, mu, eps = mr.schedule().spaced(1), picture(2), picture(4)
    draws = [picture(5), picture(6)]
    (made,) = mr.walk(kind, lambda x_t, mu, t: eps, levels, mu, recorded(draws))
    want = mr.x0_from_eps(mu + LAM * draws[0], mu, eps, levels.theta_bar[1], LAM)
    assert_close(made.x0, want, **EXACT)


@TO_THE_PICTURE
def test_one_step_ends_in_its_guess(kind):
    levels, eps = mr.schedule().spaced(1), picture(4)
    (made,) = mr.walk(kind, lambda x_t, mu, t: eps, levels, picture(2), seeded(3))
    assert_close(made.x_s, made.x0, **EXACT)


@pytest.mark.parametrize("kind", ["ode", "fast", "fast-1"])
def test_an_ode_draws_where_it_begins_alone(kind):
    levels, mu = mr.schedule().spaced(5), picture(2)
    walked = list(mr.walk(kind, oracle(levels, mu), levels, mu, recorded([picture(5)])))
    assert len(walked) == 5


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize("steps", [5, 10, 20])
def test_the_second_order_is_nearer_to_the_ode_than_the_first(toy, steps):
    fine, mu = mr.schedule("cosine", 1000), torch.full((2000,), 0.5, dtype=torch.float64)
    denoise = best_guess(fine, *TOYS[toy])
    want = end("fast", denoise, fine, mu)
    levels = fine.spaced(steps)
    first, second = (
        float((end(kind, denoise, levels, mu) - want).abs().mean()) for kind in ("fast-1", "fast")
    )
    assert second < first


@WALKS
@pytest.mark.parametrize(("steps", "near"), [(100, 0.01), (10, 0.05)])
def test_a_walk_finds_the_distribution_of_clean_values(kind, steps, near):
    """The distance is Wasserstein's; that of the values it starts from is 0.24."""
    levels, mu = mr.schedule().spaced(steps), torch.full((MANY,), 0.5, dtype=torch.float64)
    kinds = torch.tensor([0.2, 0.7], dtype=torch.float64)
    clean = kinds.repeat_interleave(MANY // 5 * torch.tensor([2, 3]))
    found = end(kind, best_guess(levels, *TOYS["two kinds"]), levels, mu)
    assert (
        found.sort().values - (clean + 0.02 * seeded(1)(clean)).sort().values
    ).abs().mean() < near


@pytest.mark.parametrize(("t", "s"), [(100, 40), (40, 3), (2, 1)])
def test_an_exponential_step_keeps_the_noise_there_is(t, s):
    theta_bar = mr.schedule().theta_bar
    x0, mu, eps = picture(1), picture(2), picture(4)
    x_t = mr.noised(x0, mu, eps, theta_bar[t], LAM)
    found = mr.exponential_step(x_t, x0, mu, theta_bar[t], theta_bar[s])
    assert_close(found, mr.noised(x0, mu, eps, theta_bar[s], LAM), **EXACT)


@pytest.mark.parametrize("t", [1, 37, 100])
def test_picture_and_noise_follow_from_each_other(t):
    tb_t, x0, mu, eps = mr.schedule().theta_bar[t], picture(1), picture(2), picture(4)
    x_t = mr.noised(x0, mu, eps, tb_t, LAM)
    assert_close(mr.x0_from_eps(x_t, mu, eps, tb_t, LAM), x0, **EXACT)
    assert_close(mr.eps_from_x0(x_t, mu, x0, tb_t, LAM), eps, atol=1e-9, rtol=0)


@SPEEDS
def test_in_the_end_the_share_left_is_as_told_and_the_noise_nearly_lambda(speed):
    levels = mr.schedule(speed, 30, lam=0.1, left=0.01)
    assert float((-levels.theta_bar[-1]).exp()) == pytest.approx(0.01)
    assert float(levels.sigma_bar[-1]) == pytest.approx(0.1, rel=1e-4)
    assert levels.theta_bar[0] == levels.sigma_bar[0] == 0


def test_a_schedule_made_anew_tells_the_times_of_the_trained_one():
    assert mr.schedule(num=20, trained=100).times.tolist() == [5.0 * i for i in range(21)]


@pytest.mark.parametrize("t", [1, 2, 50, 90])
def test_the_level_of_a_noise_is_found_again(t):
    levels = mr.schedule()
    assert levels.nearest(float(levels.sigma_bar[t])) == t


@pytest.mark.parametrize(("sigma", "t"), [(0.0, 0), (LAM, 100), (1.0, 100)])
def test_noise_below_and_above_all_levels_is_that_of_the_ends(sigma, t):
    assert mr.schedule().nearest(sigma) == t


@WALKS
def test_a_walk_needs_no_gradient(kind):
    levels, mu = mr.schedule().spaced(2), picture(2).requires_grad_()
    made = list(mr.walk(kind, oracle(levels, mu), levels, mu, seeded(3)))
    assert not made[-1].x_s.requires_grad
