"""Laws of the degradations, of their kernels and of their names."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from restoration.degradations.blur_kernels import (
    KernelRanges,
    disc_kernel,
    gaussian_kernel,
    motion_kernel,
    random_kernel,
    sinc_kernel,
)
from restoration.degradations.jpeg import jpeg
from restoration.degradations.kinds import KINDS, PRESETS, degrade
from restoration.degradations.random import (
    CODEFORMER_FACE,
    first_order,
    second_order,
    second_order_ranges,
)
from restoration.degradations.single import (
    downscale,
    filter2d,
    gaussian_blur,
    gaussian_noise,
    jpeg_pillow,
    low_light,
    motion_blur,
    poisson_noise,
    rounded,
    sharpen,
)
from restoration.errors import BadKnobError
from restoration.metrics import psnr
from restoration.noise import seeded
from restoration.params import knobs_of

NAMES = [*KINDS, *PRESETS]
CHANCY = [
    *("noise", "low-light", "rain", "haze", "missing"),
    *("real-esrgan", "codeformer", "wild", "mixed"),
]
"""Kinds in which something is drawn."""
SIZES = [(1, 1), (2, 5), (37, 31), (64, 48)]
SHARES = [tuple(float(i == j) for j in range(6)) for i in range(6)]


def picture(height=48, width=64, batch=1):
    """Discs and a ramp: smooth parts, edges and colours."""
    y, x = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    disc = ((x - 0.4) ** 2 + (y - 0.5) ** 2 < 0.08).float()
    image = torch.stack([0.2 + 0.6 * x, 0.3 + 0.5 * y * disc, 0.8 - 0.7 * disc])
    return image.repeat(batch, 1, 1, 1)


def grey(height, width, level=0.5):
    return torch.full((1, 3, height, width), level)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_a_degraded_picture_keeps_its_size(name, size):
    assert degrade(picture(*size), name, seed=1).shape[-2:] == size


@pytest.mark.parametrize("name", NAMES)
def test_a_degraded_picture_is_what_an_8_bit_file_can_hold(name):
    degraded = degrade(picture(37, 31), name, seed=1)
    assert torch.equal(degraded, rounded(degraded))


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_is_a_picture(name):
    assert torch.equal(degrade(picture(), name, seed=7), degrade(picture(), name, seed=7))


@pytest.mark.parametrize("name", CHANCY)
def test_another_seed_is_another_picture(name):
    assert not torch.equal(degrade(picture(), name, seed=7), degrade(picture(), name, seed=8))


@pytest.mark.parametrize("name", NAMES)
def test_global_generators_are_not_touched(name):
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    degrade(picture(16, 16), name, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
def test_the_clean_picture_is_left_as_it_was(name):
    clean = picture(16, 16)
    degrade(clean, name, seed=1)
    assert torch.equal(clean, picture(16, 16))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_knob_of_a_degradation_has_help(kind):
    assert all(knob.help.endswith(".") for knob in knobs_of(kind.params))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("noise", {"sigma": 10}, {"sigma": 50}),
        ("blur", {"sigma": 1}, {"sigma": 3}),
        ("motion", {"length": 5}, {"length": 20}),
        ("defocus", {"radius": 1}, {"radius": 5}),
        ("jpeg", {"quality": 90}, {"quality": 10}),
        ("downscale", {"factor": 2}, {"factor": 6}),
        ("low-light", {"exposure": 0.5}, {"exposure": 0.1}),
        ("low-light", {"exposure": 1, "shot": 3}, {"exposure": 1, "shot": 20}),
        ("low-light", {"exposure": 1, "gamma": 1.2}, {"exposure": 1, "gamma": 3}),
        ("rain", {"amount": 0.1}, {"amount": 0.5}),
        ("haze", {"density": 0.5}, {"density": 2}),
        ("missing", {"share": 0.1}, {"share": 0.5}),
        ("wild", {"blur": 0.1, "noise": 0, "ringing": 0}, {"blur": 3, "noise": 10, "ringing": 1}),
        ("real-esrgan", {"noise": 0, "blur": 0.1}, {"noise": 2, "blur": 2}),
    ],
)
def test_a_stronger_setting_leaves_less_of_the_picture(name, low, high):
    clean = picture()
    mild, strong = (degrade(clean, name, seed=3, values=knobs) for knobs in (low, high))
    assert psnr(strong, clean) < psnr(mild, clean)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("noise", {"sigma": 0}),
        ("blur", {"sigma": 0}),
        ("motion", {"length": 1}),
        ("defocus", {"radius": 0}),
        ("downscale", {"factor": 1}),
        ("low-light", {"exposure": 1, "sigma": 0, "shot": 0}),
        ("rain", {"amount": 0}),
        ("haze", {"density": 0}),
        ("missing", {"share": 0}),
    ],
)
def test_the_mildest_setting_leaves_the_picture_as_it_is(name, values):
    clean = rounded(picture())
    assert_close(degrade(clean, name, seed=0, values=values), clean, atol=1e-6, rtol=0)


def test_portraits_are_blurred_in_their_own_range():
    face = degrade(picture(), "codeformer", seed=2, values={"subject": "face"})
    assert torch.equal(face, first_order(picture(), rng(2), CODEFORMER_FACE))


def test_a_preset_is_its_kinds_in_order():
    generator = rng(5)
    blurred = gaussian_blur(picture(), 1.5)
    by_hand = jpeg_pillow(gaussian_noise(blurred, 8, generator), 60)
    assert torch.equal(degrade(picture(), "mixed", seed=5), rounded(by_hand))


def test_an_unknown_degradation_is_answered_with_the_known_ones():
    with pytest.raises(BadKnobError, match=r"no degradation 'fog' .*noise, blur.*mixed"):
        degrade(picture(), "fog", seed=0)


def test_a_preset_has_no_knobs():
    with pytest.raises(BadKnobError, match="noise25 is fixed and has no knobs"):
        degrade(picture(), "noise25", seed=0, values={"sigma": 3})


def test_a_value_out_of_range_is_named():
    with pytest.raises(BadKnobError, match=r"quality: .*95"):
        degrade(picture(), "jpeg", seed=0, values={"quality": 200})


@pytest.mark.parametrize("shares", SHARES)
def test_every_random_kernel_sums_to_one(shares):
    kernel = random_kernel(rng(), KernelRanges(shares=shares, sinc_share=0))
    assert kernel.sum().item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shares", SHARES[::2])
def test_round_kernels_are_symmetric(shares):
    kernel = random_kernel(rng(), KernelRanges(shares=shares, sinc_share=0))
    assert_close(kernel, kernel.T)


def test_random_kernels_have_every_odd_size():
    generator = rng()
    sizes = {random_kernel(generator, KernelRanges()).shape[0] for _ in range(200)}
    assert sizes == {7, 9, 11, 13, 15, 17, 19, 21}


def test_a_ringing_kernel_has_negative_parts():
    assert sinc_kernel(math.pi / 3, 21).min() < 0


def test_a_kernel_without_a_centre_is_refused():
    with pytest.raises(AssertionError, match="centre pixel"):
        gaussian_kernel(4, 1, 1)


@pytest.mark.parametrize("kernel", [disc_kernel(4), motion_kernel(9, 30), gaussian_kernel(9, 2, 2)])
def test_blur_leaves_an_even_picture_alone(kernel):
    assert_close(filter2d(grey(9, 7), kernel), grey(9, 7))


def test_motion_runs_along_its_angle():
    point = torch.zeros(1, 3, 21, 21)
    point[..., 10, 10] = 1
    upright = motion_blur(point, 9, 90)[0, 0]
    assert upright[6:15, 10].sum().item() == pytest.approx(1, abs=1e-4)


def test_motion_turns_counter_clockwise():
    point = torch.zeros(1, 3, 21, 21)
    point[..., 10, 10] = 1
    slanted = motion_blur(point, 11, 45)[0, 0]
    assert slanted[7, 13] > 10 * slanted[7, 7]


def test_a_large_kernel_filters_like_the_sum_it_stands_for():
    image, kernel = picture(24, 24, batch=2), gaussian_kernel(11, 2, 1, 0.5)
    padded = torch.nn.functional.pad(image, (5,) * 4, mode="reflect")
    windows = padded.unfold(2, 11, 1).unfold(3, 11, 1)
    assert_close(filter2d(image, kernel), torch.einsum("bchwij,ij->bchw", windows, kernel))


@pytest.mark.parametrize("size", [5, 21])
def test_each_picture_of_a_batch_can_have_its_own_kernel(size):
    image = seeded(1)(torch.empty(2, 3, 24, 20))
    kernels = torch.stack([gaussian_kernel(size, 1, 1), gaussian_kernel(size, 3, 1, 1.0)])
    one_each = torch.cat([filter2d(image[:1], kernels[0]), filter2d(image[1:], kernels[1])])
    assert_close(filter2d(image, kernels), one_each, atol=1e-5, rtol=0)


@pytest.mark.parametrize("sigma", [5, 25])
def test_noise_is_as_strong_as_asked(sigma):
    noisy = gaussian_noise(grey(200, 200), sigma, rng())
    assert noisy.std().item() * 255 == pytest.approx(sigma, rel=0.02)


def test_grey_noise_is_alike_in_all_channels():
    noisy = gaussian_noise(grey(8, 8), 20, rng(), grey=True)
    assert torch.equal(noisy[:, 0], noisy[:, 2])


def test_grey_photon_noise_is_alike_in_all_channels():
    noise = poisson_noise(picture(), 0.2, rng(), grey=True) - picture()
    assert_close(noise[0, 0, 20:30, 20:30], noise[0, 1, 20:30, 20:30], atol=1e-6, rtol=0)


def test_photon_noise_has_the_variance_of_its_count():
    """Half of the picture white and half grey: two tones, two photons at white."""
    image = torch.cat([grey(200, 100, 1.0), grey(200, 100, 0.5)], -1)
    noise = poisson_noise(image, 0.1, rng()) - image
    expected = 0.1 * math.sqrt(128 / 255 / 2)
    assert noise[..., 100:].std().item() == pytest.approx(expected, rel=0.02)


def test_a_black_picture_has_no_photon_noise():
    assert torch.equal(poisson_noise(grey(4, 4, 0.0), 3, rng()), grey(4, 4, 0.0))


def test_sharpening_leaves_faint_detail_alone():
    faint = 0.5 + 0.01 * picture()
    assert_close(sharpen(faint), faint)


def test_sharpening_makes_an_edge_steeper():
    image = gaussian_blur(picture(), 2)
    assert sharpen(image)[0, 2].diff().abs().max() > image[0, 2].diff().abs().max()


def test_darkening_is_a_share_of_linear_light():
    dark = low_light(grey(4, 4, 0.5), 0.25, 0, rng())
    assert_close(dark**2.2, 0.25 * grey(4, 4, 0.5) ** 2.2)


def test_a_smooth_picture_survives_being_kept_small():
    smooth = gaussian_blur(picture(), 6)
    assert psnr(downscale(smooth, 2), smooth) > 40


def test_jpeg_arithmetic_comes_close_to_a_real_file():
    image = gaussian_blur(picture(), 4)
    assert psnr(jpeg(image, 90), jpeg_pillow(image, 90)) > 35


def test_jpeg_of_the_best_quality_is_finite():
    assert psnr(jpeg(grey(9, 9, 0.3), 100), grey(9, 9, 0.3)) > 45


def test_jpeg_needs_a_quality_for_each_picture():
    with pytest.raises(ValueError, match="3 qualities were given for 2 pictures"):
        jpeg(picture(8, 8, batch=2), [10, 20, 30])


@pytest.mark.parametrize("pipeline", [first_order, second_order])
def test_every_picture_of_a_batch_has_its_own_draws(pipeline):
    first, second = pipeline(picture(batch=2), rng())
    assert not torch.equal(first, second)


@pytest.mark.parametrize("pipeline", [first_order, second_order])
def test_random_pipelines_stay_in_range_whatever_is_drawn(pipeline):
    generator = rng(3)
    results = torch.cat([pipeline(picture(24, 20), generator) for _ in range(60)])
    assert torch.equal(results, rounded(results))


def test_ranges_as_they_are_change_nothing():
    usual = second_order_ranges(scale=4, blur=1, noise=1, lowest_quality=30)
    found = second_order(picture(), rng(4), usual)
    assert torch.equal(found, second_order(picture(), rng(4)))
