"""The way around a walk: a request becomes a measurement, steps and a result."""

import pytest
import torch
from torch.testing import assert_close

from restoration.errors import BadKnobError
from restoration.methods import gdp, priors
from restoration.methods.gdp import GdpParams
from restoration.methods.priors import Guided, GuidedParams
from restoration.noise import seeded
from restoration.params import build
from restoration.problems import Problem
from restoration.protocol import Request, finish
from restoration.runtime import Device
from tests.oracles import vague


def grey(height, width, value=0.5):
    return torch.full((1, 3, height, width), value)


def steps_of(restorer, size=(20, 17), seed=0, **knobs):
    params = build(GdpParams, {"steps": 3, "problem.missing": "random", **knobs})
    return restorer(Request(grey(*size)), params, seeded(seed))


def test_a_restorer_shows_the_measurement_every_step_and_the_result():
    steps = list(steps_of(Guided(vague(16), gdp.walk)))
    assert [(step.done, step.total) for step in steps] == [(i, 5) for i in range(1, 6)]
    assert [step.note for step in steps] == [
        "measurement",
        "denoising, step 1",
        "denoising, step 2",
        "denoising, step 3",
        "done",
    ]
    assert all(step.estimate().shape == (1, 3, 20, 17) for step in steps)


def test_the_result_is_measured():
    *_, last = steps_of(Guided(vague(16), gdp.walk), **{"problem.spoil": True})
    assert 0 <= last.measured["consistency"] < 1


def test_a_smaller_picture_than_a_patch_is_restored():
    assert finish(steps_of(Guided(vague(16), gdp.walk), (3, 5))).shape == (1, 3, 3, 5)


def two_guesses(prior, known, params, noise):
    """A walk that knows the answer, and something else."""
    truth = torch.zeros(1, 3, *known.size)
    yield torch.cat([truth + 0.5, truth])


@pytest.mark.parametrize(("combine", "value"), [("best", 0.5), ("mean", 0.625)])
def test_several_guesses_become_one(combine, value):
    found = finish(steps_of(Guided(vague(16), two_guesses), samples=2, combine=combine))
    assert_close(found, grey(20, 17, value))


@pytest.mark.parametrize("wrap", [False, True])
def test_a_blurred_picture_keeps_its_size(wrap):
    restorer = Guided(vague(16), gdp.walk, wrap)
    knobs = {"problem.missing": "none", "problem.blur": "box", "problem.blur_size": 1.0}
    assert finish(steps_of(restorer, (16, 16), **knobs)).shape == (1, 3, 16, 16)
    assert restorer.prior.network.calls[0].shape[-2:] == (16, 16)


def test_the_check_and_the_size_of_a_result_are_those_of_the_problem():
    request = Request(grey(20, 17))
    with pytest.raises(BadKnobError, match="problem: say what was done to the picture"):
        priors.check(request, GuidedParams())
    enlarged = GuidedParams(problem=Problem(downscale="x4"))
    assert priors.output_size(20, 17, enlarged) == (80, 68)
    assert priors.output_size(20, 17, replace_spoil(enlarged)) == (20, 17)


def replace_spoil(params):
    return params.model_copy(update={"problem": params.problem.model_copy(update={"spoil": True})})


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_bundled_prior_guesses_noise_in_either_precision(dtype):
    mini = next(variant for variant in gdp.METHOD.variants if variant.name == "mini")
    prior = priors.load_prior(Device("cpu", dtype), mini)
    x_t = seeded(0)(torch.empty(1, 3, prior.patch, prior.patch))
    eps = prior(x_t, 999)
    assert eps.dtype == torch.float32
    assert float((eps - x_t).square().mean()) < 0.1
