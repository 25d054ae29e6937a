"""PSNR, SSIM and the other comparisons of two pictures against their definitions."""

import math

import pytest
import torch
from torch.nn import functional

from restoration.degradations.blur_kernels import gaussian_kernel
from restoration.metrics import (
    as_array,
    consistency,
    downscaled_consistency,
    gradient_magnitude_similarity,
    ms_ssim,
    psnr,
    ssim,
)
from restoration.metrics.bands import band_errors
from restoration.noise import seeded


@pytest.fixture(scope="module")
def libraries():
    """Imported once and outside any test's time."""
    import torchmetrics.functional.image.ssim  # noqa: F401


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


def textured(side=176):
    """A slope with noise, and another with more of it; as doubles of the same values."""
    noise, slope = seeded(3), torch.linspace(0.2, 0.8, side).expand(1, 3, side, side)
    clean = (slope + 0.05 * noise(slope)).clamp(0, 1)
    return clean, (clean + 0.1 * noise(slope)).clamp(0, 1)


def test_ssim_is_that_of_torchmetrics(libraries):
    from torchmetrics.functional.image.ssim import structural_similarity_index_measure

    a, b = noisy(40)
    _, values = structural_similarity_index_measure(
        a.double(), b.double(), data_range=1.0, return_full_image=True
    )
    assert ssim(a, b) == pytest.approx(values[..., 5:-5, 5:-5].mean().item(), abs=1e-6)


def test_ssim_is_that_of_scikit_image(libraries):
    from skimage.metrics import structural_similarity

    a, b = noisy(40)
    found = structural_similarity(
        *(x[0].double().numpy() for x in (a, b)),
        channel_axis=0,
        data_range=1,
        gaussian_weights=True,
        use_sample_covariance=False,
    )
    assert ssim(a[:1], b[:1]) == pytest.approx(found, abs=1e-5)


def test_ssim_does_not_see_where_its_strips_meet():
    a, b = textured()
    whole = [ssim(x, y) * (x.shape[-2] - 10) for x, y in ((a, b), (a[..., :90, :], b[..., :90, :]))]
    rest = ssim(a[..., 80:, :], b[..., 80:, :]) * (176 - 80 - 10)
    assert whole[0] == pytest.approx(whole[1] + rest, abs=1e-5)


def test_ms_ssim_is_nearly_that_of_torchmetrics_which_mirrors_the_border(libraries):
    from torchmetrics.functional.image.ssim import multiscale_structural_similarity_index_measure

    a, b = textured(400)
    found = multiscale_structural_similarity_index_measure(a, b, data_range=1.0)
    assert ms_ssim(a, b) == pytest.approx(found.item(), abs=2e-3)


def test_ms_ssim_of_even_pictures_is_the_share_of_their_brightness_at_the_smallest_size():
    share = (2 * 0.5 * 0.25 + 1e-4) / (0.5**2 + 0.25**2 + 1e-4)
    assert ms_ssim(flat(0.5, 176), flat(0.25, 176)) == pytest.approx(share**0.1333, abs=1e-4)


def test_ms_ssim_of_equal_pictures_is_1():
    assert ms_ssim(flat(0.5), flat(0.5)) == 1


def test_ms_ssim_needs_room_for_a_window_at_the_smallest_size():
    assert math.isnan(ms_ssim(flat(0.5, 175), flat(0.25, 175)))


def bands(a, b):
    return band_errors(as_array(a), as_array(b))


@pytest.mark.parametrize("size", [(32, 40), (33, 41), (1, 1), (1, 7)], ids=str)
def test_the_bands_of_an_error_add_up_to_it(size):
    a = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    mean_square = (255**2 * (a - 0.5).square().mean()).item()
    assert sum(x**2 for x in bands(a, flat(0.5, 1).expand_as(a))) == pytest.approx(mean_square)


@pytest.mark.parametrize(("period", "band"), [(32, 0), (16, 1), (8, 2), (4, 3), (2, 3)])
def test_a_wave_lies_in_the_band_of_its_length(period, band):
    wave = 0.5 + 0.25 * torch.cos(2 * math.pi * torch.arange(64) / period).expand(1, 3, 64, 64)
    found = bands(wave, flat(0.5, 64))
    assert max(range(4), key=found.__getitem__) == band


def test_a_difference_in_brightness_is_a_coarse_error():
    assert bands(flat(0.5), flat(0.6)) == pytest.approx((25.5, 0, 0, 0), abs=1e-4)
