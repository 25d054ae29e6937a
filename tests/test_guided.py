"""Every guided prior leads from noise to a picture that both the prior and the input agree with."""

import pytest
import torch
from torch.testing import assert_close

from restoration.errors import BadKnobError
from restoration.measurements import Measurement
from restoration.methods import ddnm, ddrm, diffpir, dps, gdp
from restoration.methods.gdp import Losses, Pull
from restoration.noise import seeded
from restoration.operators import (
    CircularBlur,
    Composed,
    Downscale,
    Grey,
    Identity,
    Mask,
    ValidBlur,
    bicubic_downscale,
)
from restoration.params import build
from restoration.protocol import Request
from tests.oracles import knowing, raving, vague

SIDE = 12
KERNEL = torch.tensor([[0.0, 1, 0], [1, 2, 2], [0, 1, 0]]) / 7
KEPT = torch.arange(SIDE**2).view(1, 1, SIDE, SIDE).remainder(3).gt(0).float()
SINGLE = {
    "noise": Identity(),
    "missing": Mask(KEPT),
    "grey": Grey(),
    "mean": Downscale(3),
    "bicubic": bicubic_downscale(2, SIDE, SIDE),
    "blur": CircularBlur(KERNEL),
}
"""What DDRM can undo."""
OPERATORS = SINGLE | {
    "valid": ValidBlur(KERNEL),
    "several": Composed((Grey(), Downscale(3))),
}
EXACT = ("missing", "grey", "mean")
"""What DDNM puts in without a rest."""
LITERAL = {"walk": "published", "steps": 100, "strength": 0.1}
WALKS = {
    "gdp-x0": (gdp, {}),
    "gdp-x_t": (gdp, {"guide": "x_t"}),
    "published-x0": (gdp, LITERAL),
    "published-x_t": (gdp, LITERAL | {"guide": "x_t"}),
    "score": (gdp, LITERAL | {"walk": "score"}),
    "ddrm": (ddrm, {}),
    "ddnm": (ddnm, {}),
    "diffpir": (diffpir, {}),
    "dps": (dps, {}),
}
STRONG = {name: case for name, case in WALKS.items() if name != "ddrm"}
"""Those with a strength."""
EACH_WALK = pytest.mark.parametrize("walk", WALKS)


def picture(seed=1):
    return seeded(seed)(torch.empty(1, 3, SIDE, SIDE)).mul(0.3).clamp(-0.9, 0.9)


def measurement(name, x=None, sigma=0.0, seed=3):
    operator = OPERATORS[name]
    y = operator(picture() if x is None else x)
    y = y + sigma * operator(seeded(seed)(torch.empty(1, 3, SIDE, SIDE)))
    return Measurement(operator, y, sigma, (SIDE, SIDE), (0, SIDE, 0, SIDE))


def walked(walk, prior, known, seed=0, **knobs):
    """Every guess of a walk of the table."""
    module, form = WALKS[walk]
    params = build(module.METHOD.params, {"steps": 10, **form, **knobs})
    return list(module.walk(prior, known, params, seeded(seed)))


def result(walk, prior, known, seed=0, **knobs):
    return walked(walk, prior, known, seed, **knobs)[-1]


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("walk", [name for name in WALKS if name != "ddrm"])
def test_a_prior_that_knows_leads_from_noise_to_the_picture(walk, name):
    found = result(walk, knowing(picture()), measurement(name))
    assert_close(found, picture(), atol=5e-3, rtol=0)


@pytest.mark.parametrize("name", SINGLE)
def test_ddrm_is_led_to_the_picture(name):
    found = result("ddrm", knowing(picture()), measurement(name))
    assert_close(found, picture(), atol=5e-3, rtol=0)


@EACH_WALK
def test_a_prior_that_knows_is_not_misled_by_noise(walk):
    """The last steps of the literal walks and of DPS still follow y."""
    found = result(walk, knowing(picture()), measurement("noise", sigma=0.05))
    assert float((found - picture()).square().mean().sqrt()) < 0.06


@EACH_WALK
def test_a_walk_makes_a_guess_a_step(walk):
    guesses = walked(walk, vague(SIDE), measurement("missing"), steps=7, samples=2)
    assert [guess.shape for guess in guesses] == [(2, 3, SIDE, SIDE)] * 7


@EACH_WALK
def test_samples_differ(walk):
    one, two = result(walk, vague(SIDE), measurement("missing"), samples=2)
    assert not torch.equal(one, two)


@pytest.mark.parametrize("walk", STRONG)
def test_without_strength_a_walk_is_a_sample_of_the_prior(walk):
    """Whatever was measured."""
    measurements = (
        measurement("missing", sigma=0.3),
        measurement("missing", x=-picture(), sigma=0.3),
        measurement("noise", sigma=0.3),
        measurement("several", sigma=0.3),
    )
    one, *others = (result(walk, vague(SIDE), known, strength=0.0) for known in measurements)
    for other in others:
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("walk", "knobs"),
    [
        ("published-x0", {}),
        ("score", {}),
        ("dps", {}),
        ("ddnm", {"eta": 0}),
        ("diffpir", {"zeta": 0}),
    ],
)
def test_a_sample_of_the_prior_has_the_spread_that_the_prior_knows(walk, knobs):
    """Where a step draws as much noise as the prior was trained for, or none."""
    known = measurement("noise", sigma=0.05)
    found = result(walk, vague(SIDE, 0.3), known, strength=0.0, steps=100, **knobs)
    assert float(found.std()) == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize("steps", [10, 25, 100])
@pytest.mark.parametrize("sigma", [0.0, 0.2])
@pytest.mark.parametrize("name", ["missing", "mean", "blur"])
@EACH_WALK
def test_a_prior_gone_mad_does_not_run_away(walk, name, sigma, steps):
    found = result(walk, raving(SIDE), measurement(name, sigma=sigma), steps=steps)
    assert found.isfinite().all()
    assert found.abs().max() < 20


@pytest.mark.parametrize("steps", [10, 25, 100])
@pytest.mark.parametrize("walk", ["gdp-x0", "ddrm", "ddnm", "diffpir"])
def test_any_number_of_steps_agrees_with_the_input(walk, steps):
    known = measurement("missing")
    assert known.consistency(result(walk, vague(SIDE), known, steps=steps)) < 2


@pytest.mark.parametrize("walk", ["gdp-x0", "gdp-x_t", "ddrm", "ddnm", "diffpir", "dps"])
def test_more_steps_do_not_lose_the_picture(walk):
    """The known half of a picture, which a vague prior has no opinion of."""
    known = measurement("missing")
    few, many = (
        known.consistency(result(walk, vague(SIDE), known, steps=steps)) for steps in (10, 100)
    )
    assert many < max(2 * few, 5)


@pytest.mark.parametrize("name", EXACT)
def test_ddnm_agrees_with_the_input_exactly(name):
    known = measurement(name)
    assert known.consistency(result("ddnm", knowing(-picture()), known)) < 1e-6


@pytest.mark.parametrize("walk", [name for name in STRONG if name != "dps"])
def test_what_was_measured_corrects_a_prior_that_knows_another_picture(walk):
    known = measurement("missing")
    found = result(walk, knowing(-picture()), known)
    before = (known.operator(-picture()) - known.y).square().mean()
    assert (known.operator(found) - known.y).square().mean() < before


NOISY = ["gdp-x0", "gdp-x_t", "ddrm", "ddnm", "diffpir"]


@pytest.mark.parametrize("walk", NOISY)
def test_noise_is_taken_away(walk):
    """What is best is known: y shrunk by the share of the picture in it, as Wiener does."""
    known = measurement("noise", sigma=0.3)
    found = result(walk, vague(SIDE, 0.3), known, steps=50, samples=8).mean(0, keepdim=True)
    best = known.y / 2
    left = (found - picture()).square().mean()
    assert left < 0.8 * (known.y - picture()).square().mean()
    assert left < 2 * (best - picture()).square().mean()


@pytest.mark.parametrize("walk", ["ddrm", "ddnm"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_noisy_input_is_followed_whatever_noise_is_fresh(walk, eta):
    known = measurement("noise", sigma=0.1)
    found = result(walk, vague(SIDE, 0.3), known, eta=eta, steps=50)
    unguided = picture().square().mean() + 0.3**2
    assert (found - picture()).square().mean() < 0.3 * unguided


def test_ddrm_refuses_several_degradations_at_once():
    with pytest.raises(BadKnobError) as found:
        result("ddrm", vague(SIDE), measurement("several"))
    assert str(found.value) == (
        "problem: DDRM undoes one degradation at a time (and noise), since several together have "
        "no spectrum: choose one, or another method"
    )


def test_ddrm_refuses_several_before_anything_is_loaded():
    several = build(ddrm.METHOD.params, {"problem.grey": True, "problem.downscale": "x2"})
    request = Request(torch.zeros(1, 3, SIDE, SIDE))
    with pytest.raises(BadKnobError, match="problem: DDRM undoes one degradation at a time"):
        ddrm.METHOD.check(request, several)
    ddrm.METHOD.check(request, build(ddrm.METHOD.params, {"problem.grey": True}))


@pytest.mark.parametrize(
    "losses",
    [Losses(exposure=1.0, exposure_level=0.9), Losses(exposure=1.0, exposure_level=0.1)],
    ids=["light", "dark"],
)
def test_exposure_pulls_towards_its_level(losses):
    x = torch.zeros(1, 3, 32, 32)
    known = Measurement(Identity(), x, 0.0, (32, 32), (0, 32, 0, 32))
    pulled = x + Pull(known, 0.1, losses)(x)
    wanted, before = 2 * losses.exposure_level - 1, 0.0
    assert abs(float(pulled.mean()) - wanted) < abs(before - wanted)


def test_colour_constancy_takes_a_tint_away():
    x = torch.tensor([0.4, 0.0, -0.4]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    known = Measurement(Grey(), Grey()(x), 0.0, (32, 32), (0, 32, 0, 32))
    moved = Pull(known, 0.05, Losses(colour_constancy=0.1))(x).mean((0, 2, 3))
    assert moved[0] < 0 < moved[2]
    assert_close(moved[1], torch.tensor(0.0), atol=1e-4, rtol=0)


def test_structure_is_pulled_towards_the_measurement():
    x, y = picture(), picture(2)
    known = Measurement(Identity(), y, 0.0, (SIDE, SIDE), (0, SIDE, 0, SIDE))
    extra = Pull(known, 0.01, Losses(ssim=1.0))(x) - Pull(known, 0.01, Losses())(x)
    assert float((extra * (y - x)).sum()) > 0


def test_no_strength_silences_every_loss():
    losses = Losses(ssim=1.0, exposure=1.0, colour_constancy=1.0)
    x = picture().repeat(1, 1, 2, 2)
    known = Measurement(Identity(), -x, 0.0, (24, 24), (0, 24, 0, 24))
    assert not Pull(known, 0.0, losses)(x).any()
