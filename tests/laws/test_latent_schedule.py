"""The schedules of Stable Diffusion, and classifier-free guidance."""

import pytest
import torch
from torch.testing import assert_close

from restoration.latent.classifier_free import ClassifierFree, rising_scale
from restoration.latent.schedule import (
    scaled_linear,
    stable_diffusion,
    stable_diffusion_zero_snr,
    trailing,
    zero_terminal_snr,
)
from restoration.noise import seeded

SCHEDULES = {"eps": stable_diffusion(), "v": stable_diffusion_zero_snr()}
EITHER = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)


def latent(seed):
    return seeded(seed)(torch.empty(2, 4, 5, 7, dtype=torch.float64))


def words(seed, batch=1):
    return seeded(seed)(torch.empty(batch, 3, 6))


class Network:
    """Answers with what it was told, and counts."""

    def __init__(self):
        self.sizes = []

    def __call__(self, x_t, t, tokens):
        self.sizes.append(len(x_t))
        return x_t + t + tokens.mean((1, 2)).view(-1, 1, 1, 1)


@EITHER
def test_a_schedule_falls_in_float64(schedule):
    assert schedule.alpha_bar.dtype == torch.float64
    assert len(schedule) == 1000
    assert schedule.alpha_bar.diff().max() < 0


def test_stable_diffusion_leaves_a_trace_of_the_picture():
    assert float(scaled_linear()[-1].sqrt()) == pytest.approx(0.068265, abs=1e-6)


def test_the_rescaled_schedule_ends_in_noise_and_begins_the_same():
    before, after = scaled_linear(), zero_terminal_snr(scaled_linear())
    assert float(after[-1]) == 0
    assert float(after[0]) == pytest.approx(float(before[0]))
    assert float(after[-2].sqrt()) == pytest.approx(4.436e-4, rel=1e-3)


@EITHER
@pytest.mark.parametrize("t", [0, 500, 998])
def test_the_right_answer_leads_to_what_the_state_is_made_of(schedule, t):
    x0, eps, ab = latent(1), latent(2), schedule.alpha_bar[t]
    x_t = ab.sqrt() * x0 + (1 - ab).sqrt() * eps
    answer = {"eps": eps, "v": ab.sqrt() * eps - (1 - ab).sqrt() * x0}[schedule.prediction]
    assert_close(schedule.x0(x_t, answer, ab), x0, atol=1e-9, rtol=0)
    assert_close(schedule.eps(x_t, answer, ab), eps, atol=1e-9, rtol=0)


def test_from_pure_noise_v_is_the_picture():
    schedule, x0 = SCHEDULES["v"], latent(1)
    assert torch.equal(schedule.x0(latent(2), -x0, schedule.alpha_bar[-1]), x0)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 50, 999, 1000])
def test_trailing_steps_end_at_the_noisiest(steps):
    times = trailing(steps)
    assert len(set(times)) == steps
    assert times == sorted(times)
    assert (times[-1], times[0] >= 0) == (999, True)


@pytest.mark.parametrize("scale", [0.0, 2.0, 8.0])
@pytest.mark.parametrize("batch", [1, 2])
def test_answers_move_away_from_the_unwanted(scale, batch):
    network, x_t = Network(), latent(3)
    c, u = (network(x_t, 7, words(seed, batch).expand(2, -1, -1)) for seed in (1, 2))
    found = ClassifierFree(network, words(1, batch), words(2, batch), scale)(x_t, 7)
    assert_close(found, u + scale * (c - u))


@pytest.mark.parametrize(("in_one_batch", "sizes"), [(True, [4]), (False, [2, 2])])
def test_both_answers_come_in_one_batch_or_two(in_one_batch, sizes):
    network = Network()
    guided = ClassifierFree(network, words(1), words(2), 4.0, in_one_batch=in_one_batch)
    want = ClassifierFree(Network(), words(1), words(2), 4.0)(latent(3), 7)
    assert_close(guided(latent(3), 7), want)
    assert network.sizes == sizes


@pytest.mark.parametrize("rising", [False, True])
def test_at_scale_1_the_unwanted_words_are_not_asked_about(rising):
    network = Network()
    found = ClassifierFree(network, words(1), words(2), 1.0, rising)(latent(3), 0)
    assert_close(found, Network()(latent(3), 0, words(1)))
    assert network.sizes == [2]


def test_a_rising_scale_does_not_ask_while_it_is_1():
    network = Network()
    guided = ClassifierFree(network, words(1), words(2), 4.0, rising=True)
    guided(latent(3), 999)
    assert network.sizes == [2]


def test_a_rising_scale_goes_from_1_to_the_scale_and_1():
    scales = [rising_scale(4, t) for t in range(1000, -1, -1)]
    assert scales == sorted(scales)
    assert (scales[0], scales[-1]) == (1, 5)
