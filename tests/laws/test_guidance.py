"""Guidance is dimensionless: no number of steps can make it run away."""

import pytest
import torch
from torch.testing import assert_close

from restoration.guidance import (
    REFERENCE_STEPS,
    downhill,
    followed,
    gamma_of,
    pull,
    strength_of,
)
from restoration.noise import seeded
from restoration.operators import Downscale, Grey, Identity, Mask, ValidBlur
from restoration.schedules import linear
from tests.tolerances import NETWORK

STRENGTHS = [0.0, 0.1, 0.5, 0.9, 1.0]
KEPT = torch.arange(15 * 21).view(1, 1, 15, 21).remainder(3).gt(0).float()
FLAT = {"identity": Identity(), "mask": Mask(KEPT), "grey": Grey(), "mean": Downscale(3)}
"""All that they keep, they keep equally well."""
KERNEL = torch.full((3, 5), 1 / 15)
EVERY = FLAT | {"blur": ValidBlur(KERNEL)}


def each(operators):
    return pytest.mark.parametrize("operator", operators.values(), ids=operators.keys())


def picture(seed=0):
    return seeded(seed)(torch.empty(2, 3, 15, 21))


def disagreement(operator, x, y):
    return float(torch.linalg.vector_norm(operator(x) - y))


@pytest.mark.parametrize("steps", [10, 25, 100, 1000])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_all_steps_together_remove_the_same(strength, steps):
    left = (1 - gamma_of(strength, steps)) ** steps
    assert left == pytest.approx((1 - strength) ** REFERENCE_STEPS, abs=1e-9)


@pytest.mark.parametrize("steps", [1, 2, 10, 25, 100, 1000])
@pytest.mark.parametrize("strength", STRENGTHS)
def test_no_step_removes_more_than_there_is(strength, steps):
    assert 0 <= gamma_of(strength, steps) <= 1


@pytest.mark.parametrize("steps", [1, 10, 25, 1000])
def test_no_strength_is_no_pull(steps):
    assert gamma_of(0.0, steps) == 0


def test_a_strength_is_the_share_of_each_of_25_steps():
    assert gamma_of(0.3, 25) == pytest.approx(0.3)


def test_published_scales_are_strengths():
    """Inpainting: s = 4000 for all values of a 256x256 picture, so 1 % of it a step."""
    strength = strength_of(4000, 3 * 256**2)
    assert gamma_of(strength, 1000) == pytest.approx(0.01017, rel=1e-3)
    assert strength == pytest.approx(0.336, abs=5e-4)


@pytest.mark.parametrize(("scale", "count", "steps"), [(100, 500, 10), (4e3, 2e5, 1000)], ids=str)
def test_a_scale_and_its_strength_pull_alike(scale, count, steps):
    gamma = gamma_of(strength_of(scale, count, steps), steps)
    assert gamma == pytest.approx(scale / (2 * count))


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0])
@each(EVERY)
def test_a_pull_brings_nearer(operator, gamma):
    x, y = picture(), operator(picture(1))
    pulled = x + pull(x, operator, y, gamma)
    assert disagreement(operator, pulled, y) < disagreement(operator, x, y)


@each(FLAT)
def test_a_whole_pull_leaves_no_disagreement(operator):
    x, y = picture(), operator(picture(1))
    pulled = x + pull(x, operator, y, 1.0)
    assert disagreement(operator, pulled, y) < NETWORK * y.numel() ** 0.5


@each(FLAT)
def test_half_a_pull_leaves_half_the_disagreement(operator):
    x, y = picture(), operator(picture(1))
    want = 0.5 * disagreement(operator, x, y)
    pulled = x + pull(x, operator, y, 0.5)
    assert disagreement(operator, pulled, y) == pytest.approx(want, rel=1e-4)


@each(EVERY)
def test_what_agrees_is_left_alone(operator):
    x = picture()
    assert_close(pull(x, operator, operator(x), 1.0), torch.zeros_like(x), atol=NETWORK, rtol=0)


@each(EVERY)
def test_no_pull_at_all_is_zero(operator):
    x, y = picture(), operator(picture(1))
    assert not pull(x, operator, y, 0.0).any()


@each(EVERY)
def test_downhill_of_the_squared_error_is_the_pull(operator):
    """Both errors are those of pictures in [0, 1]."""
    x, y = picture()[:1], operator(picture(1)[:1])

    def squared_error(x01):
        return ((operator(2 * x01 - 1) - y) / 2).square().mean()

    found = downhill(x, squared_error, 0.3, operator, y)
    assert_close(found, pull(x, operator, y, 0.3), atol=NETWORK, rtol=0)


def test_downhill_leaves_the_picture_and_gradients_as_they_were():
    x = picture()
    with torch.no_grad():
        moved = downhill(x, lambda x01: x01.square().mean(), 0.3, Identity(), x)
        assert not torch.is_grad_enabled()
    assert not moved.requires_grad
    assert torch.equal(x, picture())


LEVELS = [0, 10, 300, 999]
SINGULAR = torch.tensor([0.0, 0.03, 0.25, 1.0])


@pytest.mark.parametrize("t", LEVELS)
@pytest.mark.parametrize("gamma", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("eta", [0.0, 0.85, 1.0])
@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.8])
def test_the_noise_of_a_step_adds_up_to_its_level(sigma, eta, gamma, t):
    """What y brings along, what is predicted, and what is fresh."""
    ab_s = linear().alpha_bar[t]
    share, predicted, fresh = followed(SINGULAR, sigma, ab_s, eta=eta, gamma=gamma)
    brought = (ab_s.sqrt() * share * sigma).square()
    total = brought + predicted.square() + fresh.square()
    assert_close(total, (1 - ab_s).expand(4), atol=1e-6, rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize("t", LEVELS)
def test_without_noise_all_that_was_measured_is_followed(t):
    ab_s = linear().alpha_bar[t]
    share, predicted, fresh = followed(SINGULAR, 0.0, ab_s, eta=0.85, gamma=1)
    assert_close(share * SINGULAR, (SINGULAR > 0).float())
    level = (1 - ab_s).sqrt().float().expand(4)
    assert_close(predicted, (1 - 0.85**2) ** 0.5 * level, atol=1e-6, rtol=1e-5)
    assert_close(fresh, 0.85 * level, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("eta", [0.0, 0.85, 1.0])
def test_a_measurement_is_followed_wholly_down_to_its_own_noise(eta):
    """From there on as far as there is room for it."""
    ab_s, one = linear().alpha_bar[300], torch.ones(())
    level = float((1 / ab_s - 1).sqrt())
    for sigma, want in ((0.5 * level, 1.0), (0.999 * level, 1.0), (2 * level, 0.5)):
        share, _, _ = followed(one, sigma, ab_s, eta=eta, gamma=1)
        assert float(share) == pytest.approx(want)


def test_predicted_noise_gives_way_before_fresh_noise():
    ab_s, one = linear().alpha_bar[300], torch.ones(())
    level = float((1 / ab_s - 1).sqrt())
    _, predicted, fresh = followed(one, 0.3 * level, ab_s, eta=0.85, gamma=1)
    assert predicted > 0
    assert float(fresh) == pytest.approx(0.85 * float((1 - ab_s).sqrt()))
    _, predicted, fresh = followed(one, 0.8 * level, ab_s, eta=0.85, gamma=1)
    assert predicted == 0
    assert float(fresh) == pytest.approx(0.6 * float((1 - ab_s).sqrt()))


def test_what_was_not_measured_is_not_followed():
    share, _, _ = followed(SINGULAR, 0.1, linear().alpha_bar[300], eta=0.85, gamma=1)
    assert share[0] == 0


def test_noise_is_not_followed_into_the_clean_picture():
    one = torch.ones((), dtype=torch.float64)
    share, predicted, fresh = followed(SINGULAR, 0.1, one, eta=0.85, gamma=1)
    assert not torch.cat([share, predicted, fresh]).any()


def test_the_noisier_the_measurement_the_less_it_is_followed():
    ab_s = linear().alpha_bar[100]
    shares = [
        followed(SINGULAR, sigma, ab_s, eta=0.85, gamma=1)[0][1] for sigma in (0, 0.02, 0.1, 1)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]
