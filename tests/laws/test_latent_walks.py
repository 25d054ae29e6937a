"""Every walk of a latent prior leads from noise to that prior, whatever the number of steps."""

from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

from restoration import karras, karras_walks
from restoration.errors import BadKnobError
from restoration.karras_walks import Churn
from restoration.latent.schedule import Guesser, stable_diffusion, stable_diffusion_zero_snr
from restoration.latent.walks import SAMPLERS, Course, num_steps, published_ddim_times, walk
from restoration.noise import recorded, seeded
from tests.gaussian_latents import MEAN, SPREAD, GaussianPrior

SCHEDULES = {"eps": stable_diffusion(), "v": stable_diffusion_zero_snr()}
DETERMINISTIC = (
    *("ddim", "dpm++_m2", "edm_euler", "edm_heun", "edm_dpm_2", "edm_lms"),
    "edm_dpm++_2m",
)
STOCHASTIC = sorted(set(SAMPLERS) - set(DETERMINISTIC))
DRAWING = sorted({*STOCHASTIC, "edm_euler", "edm_heun", "edm_dpm_2"})
EACH = pytest.mark.parametrize("sampler", SAMPLERS)
EITHER = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
MANY = 200_000
"""Values of which a correlation is estimated, to about 0.002."""


def start(*shape):
    return seeded(0)(torch.empty(*(shape or (2, 4, 16, 16))))


def steps_of(course, schedule, begin=None, seed=1, guide=None):
    begin = start() if begin is None else begin
    return list(walk(course, GaussianPrior(schedule), schedule, begin, seeded(seed), guide))


def result(course, schedule, begin=None, **given):
    return steps_of(course, schedule, begin, **given)[-1].x_t


def error(sampler, steps, schedule):
    """How far from the end of the ODE a walk ends."""
    found = result(Course(sampler, steps), schedule)
    return float((found - GaussianPrior(schedule).destination(start())).abs().mean())


@EITHER
@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_more_steps_lead_nearer_to_the_end_of_the_ode(sampler, schedule):
    errors = [error(sampler, steps, schedule) for steps in (2, 5, 20, 100, 400)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.02 * SPREAD


@EITHER
@pytest.mark.parametrize("sampler", STOCHASTIC)
def test_drawing_leads_to_the_mean_and_the_spread_of_the_prior(sampler, schedule):
    found = result(Course(sampler, 1000), schedule, start(2, 4, 24, 24))
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.04)


@EITHER
@EACH
@pytest.mark.parametrize("steps", [1, 2, 3, 9, 333, 1000])
def test_any_number_of_steps_is_walked(sampler, schedule, steps):
    course = Course(sampler, steps)
    made = steps_of(course, schedule, start(1, 4, 2, 2))
    assert len(made) == steps == num_steps(course)
    assert made[-1].x_t.isfinite().all()


@EITHER
@EACH
@pytest.mark.parametrize("steps", [1, 6, 10, 1000])
def test_a_walk_begins_at_the_noisiest_step_and_never_turns(sampler, schedule, steps):
    times = [one.t for one in steps_of(Course(sampler, steps), schedule, start(1, 4, 2, 2))]
    assert times[0] == 999
    assert all(before > after >= 0 for before, after in pairwise(times))


@EITHER
@EACH
def test_the_last_state_is_the_last_guess(sampler, schedule):
    last = steps_of(Course(sampler, 6), schedule)[-1]
    assert_close(last.x_t, last.x0, atol=1e-5, rtol=0)


@EITHER
@EACH
def test_the_guide_has_the_last_word(sampler, schedule):
    target = start(2, 4, 16, 16).tanh()
    found = result(Course(sampler, 6), schedule, guide=lambda x0, t: target)
    assert_close(found, target, atol=1e-5, rtol=0)


@EACH
def test_states_are_as_noisy_as_their_level(sampler):
    """With a network that knows the clean latent, what is left is noise of the right size."""
    schedule, begin = SCHEDULES["eps"], start(1, 4, 64, 64)
    made = steps_of(Course(sampler, 10), schedule, begin, guide=lambda x0, t: x0 * 0)
    levels = [1 - GaussianPrior(schedule).alpha_bar(one.t) for one in made[1:]]
    for one, level in zip(made, levels, strict=False):
        assert float(one.x_t.square().mean()) == pytest.approx(float(level), rel=0.06)


@EACH
def test_the_same_noise_leads_to_the_same_latent(sampler):
    course = Course(sampler, 5)
    assert torch.equal(result(course, SCHEDULES["v"]), result(course, SCHEDULES["v"]))


@pytest.mark.parametrize("sampler", STOCHASTIC)
def test_other_noise_leads_to_another_latent(sampler):
    course = Course(sampler, 5)
    one, other = (result(course, SCHEDULES["v"], seed=seed) for seed in (1, 2))
    assert not torch.allclose(one, other, atol=1e-3)


@EACH
def test_latents_of_a_batch_do_not_mix(sampler):
    schedule, begin, steps = SCHEDULES["v"], start(), 5
    draws = [seeded(seed)(begin) for seed in range(2 * steps)]
    together, alone = (
        list(walk(Course(sampler, steps), GaussianPrior(schedule), schedule, x, recorded(z)))
        for x, z in ((begin, draws), (begin[1:], [draw[1:] for draw in draws]))
    )
    assert_close(together[-1].x_t[1:], alone[-1].x_t, atol=1e-5, rtol=0)


@EACH
def test_a_walk_can_be_closed_at_any_step(sampler):
    asked = []
    prior = GaussianPrior(SCHEDULES["v"])

    def denoise(x_t, t):
        asked.append(torch.is_grad_enabled())
        return prior(x_t, t)

    walking = walk(Course(sampler, 50), denoise, SCHEDULES["v"], start(), seeded(1))
    next(walking)
    walking.close()
    assert torch.is_grad_enabled()
    assert 1 <= len(asked) <= 2
    assert not any(asked)


@EACH
def test_nothing_is_asked_before_the_first_step(sampler):
    def never(x_t, t):
        raise AssertionError("the network was asked")

    walk(Course(sampler, 5), never, SCHEDULES["v"], start(), seeded(1))


@EITHER
@pytest.mark.parametrize(
    ("drawing", "still"),
    [("euler_a", "euler"), ("dpm_2_a", "dpm_2"), ("dpm++_2m_sde", "dpm++_2m")],
)
def test_with_eta_0_nothing_new_is_drawn(drawing, still, schedule):
    one = result(Course(f"edm_{drawing}", 8, Churn(eta=0)), schedule)
    other = result(Course(f"edm_{still}", 8), schedule)
    assert_close(one, other, atol=2e-4, rtol=0)


@pytest.mark.parametrize("sampler", ["edm_dpm++_3m_sde", "edm_dpm++_2m_sde"])
def test_with_eta_0_the_noise_plays_no_part(sampler):
    course = Course(sampler, 8, Churn(eta=0))
    assert torch.equal(*(result(course, SCHEDULES["v"], seed=seed) for seed in (1, 2)))


@EITHER
def test_lms_of_order_1_is_eulers_method(schedule):
    one, other = (result(Course(name, 8), schedule) for name in ("edm_lms", "edm_euler"))
    assert_close(one, other, atol=1e-5, rtol=0)


@EITHER
def test_lms_of_a_higher_order_comes_nearer(schedule):
    want = GaussianPrior(schedule).destination(start())
    first, third = (result(Course("edm_lms", 40, Churn(order=order)), schedule) for order in (1, 3))
    assert (third - want).abs().mean() < 0.8 * (first - want).abs().mean()


@pytest.mark.parametrize("sampler", ["edm_euler", "edm_heun", "edm_dpm_2"])
def test_churn_keeps_the_mean_and_the_spread(sampler):
    course = Course(sampler, 400, Churn(s_churn=40))
    found = result(course, SCHEDULES["v"], start(2, 4, 24, 24))
    still = result(Course(sampler, 400), SCHEDULES["v"], start(2, 4, 24, 24))
    assert not torch.allclose(found, still, atol=0.05)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.02)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.06)


@pytest.mark.parametrize("sampler", ["edm_euler", "edm_heun", "edm_dpm_2"])
def test_churn_out_of_its_range_does_nothing(sampler):
    churn = Churn(s_churn=40, s_tmin=300, s_tmax=400)
    stirred = result(Course(sampler, 8, churn), SCHEDULES["eps"])
    assert torch.equal(stirred, result(Course(sampler, 8), SCHEDULES["eps"]))


@pytest.mark.parametrize("eta", [0, 0.5, 1])
def test_an_ancestral_step_splits_the_noise(eta):
    down, up = karras_walks.ancestral(3.5, 1.8, eta)
    assert down**2 + up**2 == pytest.approx(1.8**2)
    assert bool(up) == bool(eta)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_lms_integrates_polynomials_exactly(order):
    nodes, to = [2.0, 3.0, 5.0, 9.0, 14.0][:order], 1.5
    for power in range(order):
        found = sum(
            share * node**power
            for share, node in zip(karras_walks.lms_shares(nodes, to), nodes, strict=True)
        )
        assert found == pytest.approx((to ** (power + 1) - nodes[0] ** (power + 1)) / (power + 1))


def test_both_draws_of_dpmpp_sde_are_of_one_motion():
    """Half-way lies inside the whole step, so what is drawn for both is correlated as they are."""
    schedule, seen = SCHEDULES["eps"], []
    levels = karras.Levels([4.0, 1.0, 0.0], [0.1, 14.6], [0.0, 1.0])

    def nothing(x_t, t):
        seen.append(x_t)
        return torch.zeros_like(x_t)

    guess = Guesser(nothing, schedule, lambda x0, t: x0 * 0)
    states = karras_walks.dpmpp_sde(
        karras.Probe(guess, levels), torch.zeros(1, 1, 1, MANY), seeded(3), Churn()
    )
    _, whole = next(states)
    halfway = seen[1]
    pair = torch.stack([halfway.flatten(), whole.flatten()])
    assert float(torch.corrcoef(pair)[0, 1]) == pytest.approx(((4 - 2) / (4 - 1)) ** 0.5, abs=0.01)
    assert float(whole.std()) == pytest.approx(karras_walks.ancestral(4, 1, 1)[1], rel=0.01)


def test_a_walk_of_an_eps_model_starts_as_noisy_as_its_schedule_ends():
    sigmas = karras.levels(SCHEDULES["eps"], 10).sigmas
    assert sigmas[0] == pytest.approx(14.61, abs=0.01)
    assert karras.published_levels(SCHEDULES["eps"], 10).sigmas[0] == pytest.approx(1e4)


def test_both_start_alike_where_the_schedule_ends_in_noise():
    ours, published = (
        made(SCHEDULES["v"], 10).sigmas for made in (karras.levels, karras.published_levels)
    )
    assert ours == pytest.approx(published)


@EITHER
def test_the_time_of_a_level_of_the_schedule_is_its_step(schedule):
    levels = karras.levels(schedule, 10)
    assert [levels.time(sigma) for sigma in levels.known] == levels.times


def test_the_time_between_two_steps_is_between_theirs():
    levels = karras.levels(SCHEDULES["v"], 10)
    middle = (levels.known[400] * levels.known[401]) ** 0.5
    assert levels.time(middle) == 400.5
    assert (levels.time(0), levels.time(1e9)) == (0, 999)


def test_the_official_list_of_ddim_has_another_length_where_steps_divide_badly():
    course = Course("ddim", 30, published=True)
    assert num_steps(course) == len(steps_of(course, SCHEDULES["eps"])) == 31


@pytest.mark.parametrize("steps", [3, 9, 27, 37, 111, 333, 999])
def test_what_the_official_ddim_cannot_walk_is_said(steps):
    with pytest.raises(BadKnobError, match=f"cannot take {steps} steps of ddim: .* at 1000 and"):
        published_ddim_times(steps)


@EITHER
@EACH
def test_the_official_walks_can_be_replayed(sampler, schedule):
    course = Course(sampler, 50, published=True)
    assert result(course, schedule).isfinite().all()
