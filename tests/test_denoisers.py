"""A prior of small patches takes pictures of any size."""

import pytest
import torch
from torch.testing import assert_close

from restoration.denoisers import OVERLAP, PIXELS_AT_ONCE, Prior
from restoration.noise import seeded
from restoration.tiling import windows
from tests.oracles import Network, vague
from tests.tolerances import ARITHMETIC, NETWORK

PATCH = 8


def noisy(*size, batch=1, seed=0):
    return seeded(seed)(torch.empty(batch, 3, *size))


def places(height, width):
    return windows(height, width, (PATCH, PATCH), (round(PATCH * (1 - OVERLAP)),) * 2)


def closed_form(x_t, t):
    """What `vague` says of a whole picture at once."""
    return vague(x_t.shape[-1]).network(x_t, torch.tensor([t]), return_dict=False)[0]


def test_a_picture_of_one_patch_is_asked_for_once_and_whole():
    prior, x_t = vague(PATCH), noisy(PATCH, PATCH)
    eps, v = prior.predict(x_t, 300)
    assert len(prior.network.calls) == 1
    assert torch.equal(prior.network.calls[0], x_t)
    assert torch.equal(torch.cat([eps, v], 1), closed_form(x_t, 300))


@pytest.mark.parametrize("size", [(8, 8), (8, 9), (14, 14), (21, 37), (40, 8)], ids=str)
def test_patches_of_a_pointwise_network_leave_no_seam(size):
    x_t = noisy(*size)
    eps, v = vague(PATCH).predict(x_t, 300)
    assert eps.shape == v.shape == x_t.shape
    assert_close(torch.cat([eps, v], 1), closed_form(x_t, 300), atol=NETWORK, rtol=0)


def test_where_patches_disagree_they_are_blended():
    """A network that answers its patch's mean, which differs from patch to patch."""
    prior = Prior(Network(lambda x_t, ab: x_t.mean((1, 2, 3), keepdim=True) + 0 * x_t), PATCH)
    slope = torch.linspace(-1, 1, 32).expand(1, 3, PATCH, 32)
    eps, _ = prior.predict(slope, 0)
    x0 = slope - (1 - 0.9999) ** 0.5 * eps
    largest_step = float(x0.diff(dim=-1).abs().max())
    assert 0 < largest_step < 0.25 * float(x0.max() - x0.min())


def test_calling_a_prior_gives_the_noise():
    x_t = noisy(13, 21)
    assert torch.equal(vague(PATCH)(x_t, 300), vague(PATCH).predict(x_t, 300)[0])


@pytest.mark.parametrize("size", [(8, 8), (8, 14), (30, 33), (44, 44)], ids=str)
def test_no_patch_is_asked_for_twice(size):
    prior = vague(PATCH)
    prior.predict(noisy(*size), 300)
    patches = torch.cat(prior.network.calls)
    assert len(patches) == len(set(places(*size)))
    assert len(torch.unique(patches.flatten(1), dim=0)) == len(patches)


def test_many_patches_go_through_the_network_in_portions():
    prior = vague(128)
    prior.predict(noisy(512, 512), 300)
    portions = [len(call) for call in prior.network.calls]
    assert portions == [PIXELS_AT_ONCE // 128**2, 25 - PIXELS_AT_ONCE // 128**2]


def test_a_patch_larger_than_a_portion_goes_alone():
    prior = vague(520)
    prior.predict(noisy(520, 521), 300)
    assert [len(call) for call in prior.network.calls] == [1, 1]


@pytest.mark.parametrize("size", [(8, 8), (13, 21), (40, 40)], ids=str)
def test_samples_are_denoised_each_for_itself(size):
    both = noisy(*size, batch=2)
    found = vague(PATCH)(both, 300)
    for x_t, eps in zip(both.split(1), found.split(1), strict=True):
        assert_close(vague(PATCH)(x_t, 300), eps, atol=ARITHMETIC, rtol=0)


def test_a_network_in_half_precision_answers_in_single():
    def network(x_t, times, return_dict):
        return (torch.zeros(len(x_t), 6, PATCH, PATCH, dtype=torch.bfloat16),)

    assert Prior(network, PATCH)(noisy(13, 21), 0).dtype == torch.float32


def test_every_patch_is_told_the_step():
    told = []

    def network(x_t, times, return_dict):
        told.append(times)
        return (torch.zeros(len(x_t), 6, PATCH, PATCH),)

    Prior(network, PATCH)(noisy(14, 14), 731)
    assert torch.equal(told[0], torch.full((4,), 731))


def test_gradients_go_through_the_patches():
    x_t = noisy(13, 21).requires_grad_()
    vague(PATCH)(x_t, 300).sum().backward()
    assert (x_t.grad > 0).all()


def test_neighbours_redo_a_quarter_of_a_patch():
    assert places(8, 20) == [(0, 8, 0, 8), (0, 8, 6, 14), (0, 8, 12, 20)]
