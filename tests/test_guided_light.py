"""Low light and HDR: the light is fitted while the picture is restored."""

import pytest
import torch
from torch.testing import assert_close

from restoration import schedules
from restoration.errors import BadPictureError
from restoration.methods import gdp_light
from restoration.methods.gdp_light import (
    HDR,
    LOW_LIGHT,
    Light,
    LightParams,
    Relit,
    as_published,
    corrected,
    explained,
    first_light,
    fit,
    well_exposed,
)
from restoration.noise import seeded
from restoration.params import build
from restoration.protocol import Request, finish
from tests.oracles import knowing, raving, vague
from tests.tolerances import ARITHMETIC, NETWORK

SIDE = 16
GAINS = torch.tensor([0.2, 0.5, 1.5]).view(3, 1, 1, 1)
WALKS = pytest.mark.parametrize("walk", ["corrected", "published"])


def picture(mean=0.45):
    """Of that mean, in [0.05, 0.95]."""
    values = seeded(1)(torch.empty(1, 3, SIDE, SIDE)).mul(0.1).clamp(-0.35, 0.35)
    return mean + values - values.mean()


def exposures():
    return (GAINS * picture()).clamp(0, 1)


def walked(prior, y, seed=0, **knobs):
    params = build(LightParams, {"steps": 10, "local": 0.0, **knobs})
    schedule = schedules.linear().at(schedules.spaced(params.steps))
    walk = corrected if params.walk == "corrected" else as_published
    return list(walk(prior, schedule, y, params, seeded(seed)))


def result(prior, y, seed=0, **knobs):
    return walked(prior, y, seed, **knobs)[-1]


def test_the_gain_of_a_known_picture_is_found():
    y = 0.2 * picture()
    light = fit(picture(), y, well_exposed(y), 0.0)
    assert_close(light.f, torch.full((1, 1, 1, 1), 0.2), atol=NETWORK, rtol=0)
    assert not light.mask.any()


def test_every_exposure_has_its_gain_and_what_is_clipped_does_not_count():
    y = exposures()
    assert (y[2] == 1).any()
    light = fit(picture(), y, well_exposed(y), 0.0)
    assert_close(light.f, GAINS, atol=2e-3, rtol=0)


def test_light_that_was_added_in_one_place_is_found_there():
    glow = torch.zeros(1, 1, SIDE, SIDE)
    glow[..., : SIDE // 2] = 0.2
    y = 0.2 * picture() + glow
    mask = fit(picture(), y, well_exposed(y), 1.0).mask
    assert mask.shape == (1, 1, SIDE, SIDE)
    assert abs(float(mask.mean())) < ARITHMETIC
    left, right = mask.chunk(2, -1)
    assert float(left.mean() - right.mean()) > 0.1


def test_only_the_part_of_the_light_that_is_asked_for_is_believed():
    y = 0.2 * picture() + torch.linspace(0, 0.2, SIDE)
    some, all_of_it = (fit(picture(), y, well_exposed(y), local).mask for local in (0.3, 1.0))
    assert_close(some, 0.3 * all_of_it)


@pytest.mark.parametrize("brightness", [0.3, 0.45, 0.6])
def test_the_first_light_leads_to_a_picture_of_that_brightness(brightness):
    y = exposures()[:1]
    light = first_light(y, well_exposed(y), brightness)
    told, _ = explained(y, well_exposed(y), light)
    assert float(told.mean()) == pytest.approx(brightness, abs=0.01)


def test_exposures_explain_the_picture_they_are_of():
    y = exposures()
    told, sure = explained(y, well_exposed(y), Light(GAINS, torch.zeros(3, 1, SIDE, SIDE)))
    assert_close(told, picture(), atol=3e-3, rtol=0)
    assert sure.min() > 0.9


def test_where_all_is_white_nothing_is_sure():
    white = torch.ones(2, 3, SIDE, SIDE)
    light = Light(torch.ones(2, 1, 1, 1), torch.zeros(2, 1, SIDE, SIDE))
    _, sure = explained(white, well_exposed(white), light)
    assert sure.max() < 0.01


def test_a_black_picture_has_a_light():
    black = torch.zeros(1, 3, SIDE, SIDE)
    light = first_light(black, well_exposed(black), 0.45)
    assert (light.f > 0).all()
    assert fit(black, black, well_exposed(black), 0.3).f.isfinite().all()


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
def test_a_prior_that_knows_is_told_the_same_by_a_dark_picture(strength):
    found = result(knowing(2 * picture() - 1), 0.2 * picture(), strength=strength)
    assert_close((found + 1) / 2, picture(), atol=0.02, rtol=0)


def test_three_exposures_lead_to_their_picture():
    found = result(knowing(2 * picture() - 1), exposures())
    assert_close((found + 1) / 2, picture(), atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("walk", "steps", "least"), [("corrected", 10, 0.95), ("published", 1000, 0.4)]
)
def test_what_was_measured_reaches_a_vague_prior(walk, steps, least):
    """The published pull is weak, and the weaker the darker the picture."""
    found = result(vague(SIDE), 0.2 * picture(), walk=walk, steps=steps, noise=0.0)
    pair = torch.stack([found.flatten(), picture().flatten()])
    assert float(pair.corrcoef()[0, 1]) > least


def test_the_brightness_is_that_of_the_knob():
    dark = 0.2 * picture()
    means = [
        float((result(vague(SIDE, 0.6), dark, brightness=value).mean() + 1) / 2)
        for value in (0.3, 0.45, 0.6)
    ]
    assert means == sorted(means)
    assert means == pytest.approx([0.3, 0.45, 0.6], abs=0.05)


@WALKS
def test_without_strength_the_light_does_not_matter(walk):
    one, other = (
        result(vague(SIDE), y, strength=0.0, walk=walk) for y in (0.2 * picture(), exposures()[2:])
    )
    assert torch.equal(one, other)


@pytest.mark.parametrize("steps", [10, 25, 100])
@pytest.mark.parametrize("count", [1, 3])
@WALKS
def test_a_prior_gone_mad_does_not_run_away(walk, count, steps):
    found = result(raving(SIDE), exposures()[:count], walk=walk, steps=steps)
    assert found.isfinite().all()


@WALKS
def test_a_walk_makes_a_guess_a_step(walk):
    guesses = walked(vague(SIDE), exposures(), walk=walk, steps=4)
    assert [guess.shape for guess in guesses] == [(1, 3, SIDE, SIDE)] * 4


def steps_of(size, walk="corrected"):
    degraded = torch.full((1, 3, *size), 0.1)
    params = LightParams(steps=3, walk=walk)
    return list(Relit(vague(SIDE))(Request(degraded), params, seeded(0)))


@WALKS
@pytest.mark.parametrize("size", [(16, 16), (1, 1), (5, 40), (33, 17)], ids=str)
def test_pictures_of_any_size_are_relit(size, walk):
    steps = steps_of(size, walk)
    assert [(step.done, step.total) for step in steps] == [(i, 4) for i in range(1, 5)]
    assert [step.note for step in steps][-2:] == ["denoising, step 3", "done"]
    for step in steps:
        assert step.estimate().shape == (1, 3, *size)
        assert 0 <= step.estimate().min() <= step.estimate().max() <= 1


def test_the_result_is_that_of_the_last_step():
    *_, before, last = steps_of((20, 20))
    assert torch.equal(before.estimate(), last.estimate())


def test_further_exposures_change_the_result():
    one, *more = exposures().split(1)
    alone, together = (
        finish(Relit(vague(SIDE))(Request(one, exposures=rest), LightParams(steps=3), seeded(0)))
        for rest in ((), tuple(more))
    )
    assert not torch.equal(alone, together)


def refused(method, *sizes):
    first, *more = (torch.zeros(1, 3, *size) for size in sizes)
    with pytest.raises(BadPictureError) as found:
        method.check(Request(first, exposures=tuple(more)), LightParams())
    return str(found.value)


@pytest.mark.parametrize(
    ("sizes", "count"),
    [([(8, 9)], "1 is there."), ([(8, 9)] * 2, "2 are there."), ([(8, 9)] * 4, "4 are there.")],
    ids=["one", "two", "four"],
)
def test_hdr_takes_three_exposures(sizes, count):
    start = "HDR takes 3 exposures of the same view, from dark to bright; "
    assert refused(HDR, *sizes) == start + count


def test_exposures_of_different_sizes_are_refused():
    assert refused(HDR, (8, 9), (8, 9), (9, 8)) == (
        "Exposure 3 has 8x9 pixels and the first 9x8: all must be of the same size and show the "
        "same view."
    )


def test_three_exposures_of_one_size_are_taken():
    one = torch.zeros(1, 3, 8, 9)
    HDR.check(Request(one, exposures=(one, one)), LightParams())


def test_low_light_takes_one_picture():
    LOW_LIGHT.check(Request(torch.zeros(1, 3, 8, 9)), LightParams())


@pytest.mark.parametrize("method", [LOW_LIGHT, HDR], ids=lambda method: method.name)
def test_the_result_has_the_size_of_the_picture(method):
    assert method.output_size(37, 31, LightParams()) == (37, 31)


def test_the_preset_as_published_is_the_published_walk():
    preset = next(one for one in gdp_light.PRESETS if one.name == "As published")
    assert build(LightParams, preset.knobs).walk == "published"
