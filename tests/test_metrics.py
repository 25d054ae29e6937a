"""PSNR, SSIM, gradient similarity and consistency against their definitions."""

import math

import pytest
import torch
from torch.nn import functional

from restoration.blur_kernels import gaussian_kernel
from restoration.metrics import (
    consistency,
    downscaled_consistency,
    gradient_magnitude_similarity,
    psnr,
    ssim,
)
from restoration.noise import seeded


def flat(level, size=16):
    return torch.full((1, 3, size, size), level)


def noisy(size=32):
    noise = seeded(0)
    clean = (0.5 + 0.2 * noise(torch.empty(2, 3, size, size))).clamp(0, 1)
    return clean, (clean + 0.1 * noise(clean)).clamp(0, 1)


def test_a_difference_of_a_tenth_is_20_db():
    assert psnr(flat(0.5), flat(0.6)) == pytest.approx(20, abs=1e-3)


def test_psnr_of_equal_pictures_is_infinite():
    assert psnr(flat(0.5), flat(0.5)) == math.inf


def test_psnr_of_black_and_white_is_0_db():
    assert psnr(flat(0.0), flat(1.0)) == 0


def test_values_out_of_range_are_clamped_first():
    assert psnr(flat(1.5), flat(1.0)) == math.inf


def test_ssim_of_equal_pictures_is_1():
    assert ssim(flat(0.0), flat(0.0)) == 1


def test_ssim_of_even_pictures_is_the_share_of_their_brightness():
    expected = (2 * 0.5 * 0.25 + 1e-4) / (0.5**2 + 0.25**2 + 1e-4)
    assert ssim(flat(0.5), flat(0.25)) == pytest.approx(expected, abs=1e-4)


def test_ssim_is_the_mean_over_windows_that_lie_inside():
    a, b = noisy()
    window = gaussian_kernel(11, 1.5, 1.5).double().expand(3, 1, 11, 11)
    moments = [a, b, a * a, b * b, a * b]
    mean_a, mean_b, aa, bb, ab = (functional.conv2d(m.double(), window, groups=3) for m in moments)
    similarity = (2 * mean_a * mean_b + 1e-4) * (2 * (ab - mean_a * mean_b) + 9e-4)
    similarity /= mean_a**2 + mean_b**2 + 1e-4
    similarity /= aa - mean_a**2 + bb - mean_b**2 + 9e-4
    assert ssim(a, b) == pytest.approx(similarity.mean().item(), abs=1e-5)


def test_ssim_does_not_depend_on_the_order():
    a, b = noisy()
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-6)


def test_ssim_needs_room_for_one_window():
    a, b = noisy(10)
    assert math.isnan(ssim(a, b))


def ramp(slope, size=16):
    """Grows by `slope` from one column to the next."""
    return (slope * torch.arange(size)).expand(1, 3, size, size)


def test_gradients_of_equal_pictures_are_wholly_alike():
    assert gradient_magnitude_similarity(*noisy()[:1] * 2) == 1


def test_gradient_similarity_of_ramps_is_that_of_their_slopes():
    a, b, c = 2 * 0.01, 2 * 0.03, 170 / 255**2  # Prewitt looks at pixels two apart
    expected = (2 * a * b + c) / (a**2 + b**2 + c)
    assert gradient_magnitude_similarity(ramp(0.01), ramp(0.03)) == pytest.approx(expected)


def test_gradients_are_alike_however_they_point():
    assert gradient_magnitude_similarity(ramp(0.03), ramp(0.03).mT) == pytest.approx(1)


def test_brightness_does_not_count_as_a_gradient():
    assert gradient_magnitude_similarity(flat(0.2), flat(0.7)) == 1


def test_noise_and_blur_both_cost_gradient_similarity():
    clean, worse = noisy()
    blurred = functional.avg_pool2d(clean, 3, stride=1, padding=1, count_include_pad=False)
    assert gradient_magnitude_similarity(worse, clean) < 0.99
    assert gradient_magnitude_similarity(blurred, clean) < 0.9


def test_consistency_is_in_grey_levels_of_255():
    assert consistency(flat(0.0), flat(2 / 255)) == pytest.approx(4)


def test_a_result_that_explains_the_measurement_is_consistent():
    assert consistency(flat(0.3), flat(0.3)) == 0


def test_an_enlarged_picture_is_made_small_and_rounded_before_it_is_compared():
    assert downscaled_consistency(flat(100.4 / 255), flat(102 / 255, 4)) == pytest.approx(4)


@pytest.mark.parametrize("metric", [psnr, ssim, gradient_magnitude_similarity, consistency])
def test_pictures_of_other_sizes_are_refused_with_both_sizes(metric):
    with pytest.raises(ValueError, match="3x16 and 16x16"):
        metric(flat(0.5)[..., :3], flat(0.5))
