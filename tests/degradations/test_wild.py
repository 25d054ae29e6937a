"""Laws of the degradation in the wild: what is drawn, how often, and what it does."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from restoration.degradations.kinds import degrade
from restoration.degradations.single import filter2d, rounded
from restoration.degradations.wild import (
    BLOCKS,
    BLUR,
    FIRST,
    NOISE,
    RINGING,
    THIRD,
    WORDS,
    WildRanges,
    carry_out,
    draw_plan,
    in_the_wild,
    wild_ranges,
)
from restoration.degradations.wild_kernels import (
    FAMILIES,
    WildKernelRanges,
    box_kernel,
    line_kernel,
    motion_kernels,
    pixel_disc_kernel,
    uneven,
    wild_kernel,
)
from restoration.degradations.wild_steps import (
    RESAMPLINGS,
    Filter,
    GaussianNoise,
    Jpeg,
    PhotonNoise,
    Resize,
    Unblur,
    resampled,
    wiener,
)

ONE_FAMILY = [tuple(float(i == j) for j in range(len(FAMILIES))) for i in range(len(FAMILIES))]
USUAL = {"blur": 1, "noise": 1, "ringing": 0.8, "lowest_quality": 60}


def rng(seed=0):
    return np.random.default_rng(seed)


def picture(height=40, width=48, batch=1):
    """A ramp, a disc and some grain."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    disc = ((x - 0.4) ** 2 + (y - 0.5) ** 2 < 0.08).float()
    grain = torch.from_numpy(rng().random((height, width), dtype=np.float32)) * 0.1
    image = torch.stack([0.2 + 0.6 * x, 0.3 + 0.5 * y * disc, 0.8 - 0.7 * disc + grain])
    return image.repeat(batch, 1, 1, 1)


@pytest.fixture(scope="module")
def plans():
    generator = rng(11)
    return [draw_plan((64, 80), generator) for _ in range(1500)]


def share(plans, word):
    return sum(word in plan.words for plan in plans) / len(plans)


@pytest.mark.parametrize(
    ("word", "published"), [(BLUR, 0.997), (RINGING, 0.698), (NOISE, 0.525), (BLOCKS, 0.632)]
)
def test_everything_happens_as_often_as_in_the_published_program(plans, word, published):
    assert share(plans, word) == pytest.approx(published, abs=0.04)


def test_one_picture_in_twenty_is_sharpened_again(plans):
    found = sum(any(isinstance(step, Unblur) for step in plan.steps) for plan in plans)
    assert found / len(plans) == pytest.approx(0.05, abs=0.02)


def test_the_words_are_known_ones(plans):
    assert {word for plan in plans for word in plan.words} == set(WORDS)


def test_what_is_resized_is_resized_back(plans):
    ends = [[s for s in plan.steps if isinstance(s, Resize)] for plan in plans]
    assert {sizes[-1].size for sizes in ends if sizes} == {(64, 80)}


def test_four_of_five_pictures_are_resized(plans):
    found = sum(any(isinstance(step, Resize) for step in plan.steps) for plan in plans)
    assert found / len(plans) == pytest.approx(0.8, abs=0.04)


def test_only_small_blurs_are_sharpened(plans):
    known = {len(kernel) for kernel in motion_kernels()}
    sizes = {len(s.kernel) for plan in plans for s in plan.steps if isinstance(s, Unblur)}
    assert sizes <= {5, 7} | known


def test_files_are_drawn_from_their_two_ranges(plans):
    found = {step.quality for plan in plans for step in plan.steps if isinstance(step, Jpeg)}
    assert (min(found), max(found)) == (60, 99)


def test_noise_is_faint(plans):
    sigmas = [s.sigma for plan in plans for s in plan.steps if isinstance(s, GaussianNoise)]
    assert min(sigmas) >= 1
    assert max(sigmas) <= 5


def test_two_noises_in_five_are_grey(plans):
    sorts = (GaussianNoise, PhotonNoise)
    grey = [step.grey for plan in plans for step in plan.steps if isinstance(step, sorts)]
    assert sum(grey) / len(grey) == pytest.approx(0.4, abs=0.06)


def test_the_acts_of_a_phase_come_in_any_order():
    only = WildRanges(phases=(replace(FIRST, blur_share=0, resize=None),))
    said = {draw_plan((32, 32), rng(i), only).words for i in range(200)}
    assert said == {(), (NOISE,), (BLOCKS,), (NOISE, BLOCKS), (BLOCKS, NOISE)}


def test_a_plan_carried_out_twice_gives_the_same_picture():
    plan = draw_plan((40, 48), rng(3))
    assert torch.equal(carry_out(plan, picture(), rng(5)), carry_out(plan, picture(), rng(5)))


def test_a_seed_is_a_picture():
    assert torch.equal(in_the_wild(picture(), rng(4)), in_the_wild(picture(), rng(4)))


def test_every_picture_of_a_batch_has_its_own_plan():
    first, second = in_the_wild(picture(batch=2), rng(1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (5, 3), (24, 20)], ids=str)
def test_whatever_is_drawn_the_picture_keeps_its_size_and_its_range(size):
    generator = rng(7)
    found = torch.cat([in_the_wild(picture(*size), generator) for _ in range(40)])
    assert found.shape == (40, 3, *size)
    assert torch.equal(found, rounded(found))


def test_usual_strengths_are_the_published_ranges():
    assert wild_ranges(**USUAL).phases == WildRanges().phases


def test_the_last_file_stays_better_than_the_first():
    first, _, third = wild_ranges(**{**USUAL, "lowest_quality": 20}).phases
    assert (first.jpeg, third.jpeg) == ((20, 95), (40, 100))


def test_a_quality_beyond_a_range_is_its_best():
    first, _, third = wild_ranges(**{**USUAL, "lowest_quality": 95}).phases
    assert (first.jpeg, third.jpeg) == ((95, 95), (100, 100))


def test_ringing_is_that_of_the_last_blur():
    *_, third = wild_ranges(**{**USUAL, "ringing": 0.1}).phases
    assert (third.sinc_share, THIRD.sinc_share) == (0.1, 0.8)


def test_the_page_and_the_function_give_the_same_picture():
    assert torch.equal(degrade(picture(), "wild", seed=9), in_the_wild(picture(), rng(9)))


@pytest.mark.parametrize("shares", ONE_FAMILY, ids=FAMILIES)
@pytest.mark.parametrize("size", [5, 13, 19])
def test_every_kernel_sums_to_one(shares, size):
    kernel = wild_kernel(rng(2), size, WildKernelRanges(shares=shares))
    assert kernel.sum().item() == pytest.approx(1, abs=1e-5)


def test_long_lines_are_drawn_shorter():
    lines = WildKernelRanges(shares=ONE_FAMILY[FAMILIES.index("line")])
    sizes = {len(wild_kernel(rng(i), 19, lines)) for i in range(20)}
    assert sizes == {9}


def test_motion_kernels_have_their_own_sizes():
    sizes = [len(kernel) for kernel in motion_kernels()]
    assert (len(sizes), min(sizes), max(sizes)) == (100, 5, 29)


@pytest.mark.parametrize("size", [3, 5])
def test_small_discs_have_no_corners(size):
    assert pixel_disc_kernel(size)[0, 0] == 0


def test_a_flat_line_lies_in_the_middle_row():
    assert_close(line_kernel(7, 0)[3], torch.full((7,), 1 / 7))


def test_an_upright_line_stands_in_the_middle_column():
    assert_close(line_kernel(7, 90)[:, 3], torch.full((7,), 1 / 7))


def test_a_line_at_45_degrees_rises_to_the_right():
    assert_close(line_kernel(5, 45), torch.eye(5).flip(0) / 5)


@pytest.mark.parametrize("index", range(24))
def test_every_line_joins_two_borders_through_the_middle(index):
    line = line_kernel(13, 180 / 24 * index) > 0
    assert (int(line.sum()), bool(line[6, 6])) == (13, True)


def test_even_factors_leave_a_kernel_as_it_is():
    assert_close(uneven(box_kernel(5), torch.full((5, 5), 1.1)), box_kernel(5))


@pytest.mark.parametrize("mode", RESAMPLINGS)
def test_resampling_to_the_same_size_changes_nothing(mode):
    assert_close(resampled(picture(), (40, 48), mode), picture(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("mode", RESAMPLINGS)
def test_resampling_leaves_an_even_picture_alone(mode):
    grey = torch.full((1, 3, 11, 7), 0.3)
    assert_close(resampled(grey, (17, 5), mode), torch.full((1, 3, 17, 5), 0.3))


def test_the_mean_over_areas_is_that_of_the_picture():
    small = resampled(picture(), (13, 11), "area")
    assert_close(small.mean((-2, -1)), picture().mean((-2, -1)))


def test_halving_by_areas_is_the_mean_of_blocks():
    expected = torch.nn.functional.avg_pool2d(picture(), 2)
    assert_close(resampled(picture(), (20, 24), "area"), expected)


def test_enlarging_twice_by_areas_repeats_pixels():
    expected = picture().repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert_close(resampled(picture(), (80, 96), "area"), expected)


def test_sharpening_undoes_most_of_a_blur():
    kernel = pixel_disc_kernel(5)
    blurred = filter2d(picture(), kernel)
    left = (wiener(blurred, kernel) - picture()).square().mean()
    assert left < (blurred - picture()).square().mean() / 2


def test_sharpening_without_a_blur_only_darkens_a_little():
    assert_close(wiener(picture(), torch.ones(1, 1)), picture() / 1.006, atol=1e-5, rtol=0)


def test_sharpening_can_keep_some_of_the_blurred_picture():
    kernel = box_kernel(5)
    mixed = Unblur(kernel, 0.3)(picture(), rng())
    assert_close(mixed, 0.3 * picture() + 0.7 * wiener(picture(), kernel))


def test_a_filter_is_the_correlation_with_its_kernel():
    kernel = line_kernel(5, 45)
    assert torch.equal(Filter(kernel)(picture(), rng()), filter2d(picture(), kernel))
