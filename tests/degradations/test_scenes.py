"""Laws of rain, haze and missing pixels."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from restoration.degradations.scenes import haze, keep_mask, missing, rain
from restoration.degradations.single import low_light

SHAPES = ("pixels", "blocks", "strokes")
SIZES = [(1, 1), (1, 40), (2, 5), (37, 31)]
WET = partial(rain, amount=0.3, length=12, angle=70)
HAZY = partial(haze, density=1.5, light=0.9, relief=0.7)
HOLED = partial(missing, share=0.3)
ALL = pytest.mark.parametrize(
    "spoil", [WET, HAZY, HOLED, partial(HOLED, shape="blocks"), partial(HOLED, shape="strokes")]
)


def rng(seed=0):
    return np.random.default_rng(seed)


def grey(height=48, width=64, level=0.4, batch=1):
    return torch.full((batch, 3, height, width), level)


@ALL
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_size_and_range_are_kept(spoil, size):
    found = spoil(torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1)), rng=rng())
    assert found.shape[-2:] == size
    assert 0 <= found.min() <= found.max() <= 1


@ALL
def test_a_seed_is_a_picture(spoil):
    assert torch.equal(spoil(grey(), rng=rng(3)), spoil(grey(), rng=rng(3)))


@ALL
def test_another_seed_is_another_picture(spoil):
    assert not torch.equal(spoil(grey(), rng=rng(3)), spoil(grey(), rng=rng(4)))


@ALL
def test_every_picture_of_a_batch_has_its_own_draws(spoil):
    first, second = spoil(grey(batch=2), rng=rng())
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    "spoil", [partial(WET, amount=0), partial(HAZY, density=0), partial(HOLED, share=0)]
)
def test_a_strength_of_nothing_changes_nothing(spoil):
    assert torch.equal(spoil(grey(), rng=rng()), grey())


def test_rain_only_brightens():
    assert (WET(grey(), rng=rng()) >= grey()).all()


@pytest.mark.parametrize("amount", [0.1, 0.3])
def test_rain_covers_about_the_share_asked_for(amount):
    wet = WET(grey(200, 200), rng=rng(), amount=amount)
    assert (wet[:, 0] > 0.45).float().mean().item() == pytest.approx(amount, rel=0.4)


def test_rain_falls_along_its_angle():
    upright = WET(grey(96, 96), rng=rng(), angle=90, length=20)[0, 0]
    assert upright.diff(dim=0).abs().mean() < upright.diff(dim=1).abs().mean() / 2


def test_an_even_veil_is_the_mean_of_picture_and_light():
    found = HAZY(grey(), rng=rng(), relief=0)
    seen = torch.exp(torch.tensor(-1.5))
    assert_close(found.mean(), 0.4 * seen + 0.9 * (1 - seen), atol=0.03, rtol=0)


def test_haze_takes_contrast():
    stripes = torch.linspace(0, 1, 64).expand(1, 3, 48, 64)
    assert HAZY(stripes, rng=rng()).std() < stripes.std()


def test_haze_with_relief_is_thinner_in_places():
    even, uneven = (HAZY(grey(), rng=rng(), relief=relief) for relief in (0, 0.9))
    assert uneven[:, 0].std() > 10 * even[:, 0].std()


def test_haze_is_smooth():
    assert HAZY(grey(96, 96), rng=rng()).diff().abs().max() < 0.02


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("share", [0.1, 0.25, 0.9])
def test_exactly_the_share_asked_for_is_lost(share, shape):
    mask = keep_mask((37, 31), share, rng(), shape=shape)
    assert (mask == 0).sum() == round(share * 37 * 31)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_lost_is_white_and_the_rest_as_it_was(shape):
    found = HOLED(grey(), rng=rng(), shape=shape)
    assert set(found.unique().tolist()) == set(torch.tensor([0.4, 1.0]).tolist())


def test_lost_pixels_can_have_another_level():
    assert HOLED(grey(), rng=rng(), fill=0.0).min() == 0


@pytest.mark.parametrize("shape", ["blocks", "strokes"])
def test_holes_hang_together(shape):
    """Beside a lost pixel another one is lost far more often than by chance."""
    lost = 1 - keep_mask((96, 96), 0.25, rng(), shape=shape)[0, 0]
    assert (lost[:, 1:] * lost[:, :-1]).sum() > 0.7 * lost.sum()


def test_shot_noise_grows_with_the_light():
    dim, bright = (
        low_light(grey(200, 200, level), 1, 0, rng(), shot=10) ** 2.2 for level in (0.3, 0.7)
    )
    expected = (0.7 / 0.3) ** 1.1
    assert (bright.std() / dim.std()).item() == pytest.approx(expected, rel=0.05)


def test_gamma_darkens_shadows_more_than_lights():
    dim, bright = (low_light(grey(level=level), 1, 0, rng(), gamma=2) for level in (0.2, 0.9))
    assert (dim / 0.2).mean() < (bright / 0.9).mean()
