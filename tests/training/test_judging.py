"""The tables by which bundled models are chosen are closed-form where the answer is known."""

from functools import partial

import pytest
import torch
from torch import nn

from restoration.noise import seeded
from restoration.schedules import linear
from restoration.training.judging import (
    FILLED,
    LEVELS,
    STAGE1_KINDS,
    improves,
    prior_scores,
    stage1_scores,
)

GREY = torch.full((1, 3, 40, 70), 0.5)
DETAIL = (0.5 + 0.2 * seeded(0)(torch.empty(1, 3, 70, 80))).clamp(0, 1)
EIGHT_BIT = DETAIL.mul(255).round() / 255


class Keeps(nn.Module):
    """A stage 1 that gives everything back, darker by `dark`."""

    def __init__(self, dark=0.0):
        super().__init__()
        self.dark = nn.Parameter(torch.tensor(dark))

    def forward(self, x):
        return x - self.dark


class Knows(nn.Module):
    """A prior that takes everything for grey noise but for a share of it."""

    def __init__(self, share=1.0):
        super().__init__()
        self.share = nn.Parameter(torch.tensor(share))
        self.seen = []

    def forward(self, x_t, t, return_dict):
        self.seen.append((tuple(x_t.shape), int(t[0])))
        level = (1 - linear().alpha_bar[t].float()).sqrt().view(-1, 1, 1, 1)
        eps = self.share * x_t / level
        return (torch.cat([eps, eps], dim=1),)


@torch.no_grad()
def scores(function, *args, **kwargs):
    return function(*args, **kwargs)


stage1 = partial(scores, stage1_scores, multiple=8)
prior = partial(scores, prior_scores, side=32)


def test_a_gain_that_costs_a_kind_too_much_is_no_improvement():
    before = {"clean": 40.0, "jpeg20": 30.0}
    assert improves(before, {"clean": 41.0, "jpeg20": 29.96})
    assert not improves(before, {"clean": 41.0, "jpeg20": 29.9})
    assert not improves(before, {"clean": 39.97, "jpeg20": 30.02})


def test_stage_1_is_measured_on_clean_pictures_and_on_every_preset():
    table = stage1(Keeps(), [EIGHT_BIT])
    assert tuple(table) == STAGE1_KINDS
    assert 20 < table["noise25"] < 21


def test_a_picture_given_back_unchanged_counts_sixty_decibels():
    assert stage1(Keeps(), [EIGHT_BIT])["clean"] == 60


def test_a_shift_of_a_tenth_counts_twenty_decibels():
    assert stage1(Keeps(dark=25.5 / 255), [GREY])["clean"] == pytest.approx(20, abs=0.2)


def test_a_prior_is_measured_at_every_level_and_at_filling_in():
    assert list(prior(Knows(), [GREY])) == [*(f"noise {level}" for level in LEVELS), FILLED]


def test_a_prior_that_knows_the_picture_lacks_nothing_but_the_rounding_of_what_is_filled_in():
    table = prior(Knows(), [GREY])
    assert table.pop(FILLED) > 58
    assert set(table.values()) == {60.0}


def test_a_prior_that_sees_no_noise_scores_what_the_noise_is():
    table = prior(Knows(share=0.0), [GREY])
    assert table["noise 10"] == pytest.approx(28.13, abs=0.3)
    assert table["noise 25"] == pytest.approx(20.17, abs=0.3)


def test_the_network_is_told_the_step_with_that_noise():
    network = Knows()
    prior(network, [GREY])
    times = [t for _, t in network.seen[: len(LEVELS)]]
    asked = torch.tensor(LEVELS) / 127.5
    assert linear().sigma[times].float() == pytest.approx(asked, rel=0.03)


def test_large_pictures_are_measured_in_four_patches_small_ones_mirrored():
    network = Knows()
    prior(network, [DETAIL])
    prior(network, [DETAIL[..., :20, :33]])
    assert {shape for shape, _ in network.seen} == {(4, 3, 32, 32), (1, 3, 32, 32)}


def test_what_is_measured_is_the_same_every_time():
    assert prior(Knows(0.9), [DETAIL]) == prior(Knows(0.9), [DETAIL])
