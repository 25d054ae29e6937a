"""What GDP's losses promise: where they are zero, what they do not depend on, their gradients."""

import pytest
import torch
from torch.testing import assert_close

from restoration import losses
from restoration.degradations.blur_kernels import deblurring_kernel
from restoration.noise import seeded

PAIRED = pytest.mark.parametrize(
    "loss",
    [
        losses.mean_squared_error,
        lambda x, y: 1 - losses.padded_ssim(x, y),
        losses.spatial_consistency,
    ],
    ids=["mean_squared_error", "padded_ssim", "spatial_consistency"],
)
EACH_FORM = pytest.mark.parametrize("form", ["code", "paper"])


def picture(seed=0, size=(2, 3, 16, 20)):
    return (0.5 + 0.2 * seeded(seed)(torch.empty(size))).clamp(0, 1)


def flat(*colour, size=16):
    return torch.tensor(colour).view(1, -1, 1, 1).expand(1, len(colour), size, size).clone()


def gradient(loss, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(loss(x).sum(), x)[0]


@PAIRED
def test_equal_pictures_cost_nothing(loss):
    assert_close(loss(picture(), picture()).sum(), torch.tensor(0.0))


@PAIRED
def test_the_order_of_two_pictures_does_not_matter(loss):
    a, b = picture(0), picture(1)
    assert_close(loss(a, b), loss(b, a))


@PAIRED
def test_different_pictures_cost_something(loss):
    assert loss(picture(0), picture(1)).sum() > 0


def test_the_squared_error_is_summed_over_the_batch():
    one, other = flat(0.5, 0.5, 0.5), flat(0.6, 0.6, 0.6)
    found = losses.mean_squared_error(torch.cat([one] * 3), torch.cat([other] * 3))
    assert_close(found, torch.tensor(3 * 0.1**2))


def test_steps_between_regions_are_compared_and_not_their_brightness():
    middle = losses.spatial_consistency(picture() + 0.1, picture())[..., 1:-1, 1:-1]
    assert_close(middle, torch.zeros_like(middle))


def test_a_picture_of_the_wanted_exposure_costs_nothing():
    assert losses.exposure(flat(0.25, 0.5, 0.75), 8, 0.5) == 0


@pytest.mark.parametrize(("form", "cost"), [("code", 0.04), ("paper", 0.2)])
def test_exposure_is_squared_in_the_code_and_absolute_in_the_paper(form, cost):
    halves = torch.cat([flat(0.3, size=8), flat(0.7, size=8)], dim=-1)
    assert_close(losses.exposure(halves, 8, 0.5, form), torch.tensor(cost))


def test_what_is_left_over_beside_the_regions_has_no_exposure():
    x = flat(0.5, size=20)
    x[..., 16:, :] = x[..., 16:] = 1
    assert losses.exposure(x, 8, 0.5) == 0


def test_a_picture_smaller_than_a_region_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match="20x16 pixels has no region of 32x32"):
        losses.exposure(picture(), 32, 0.5)


@EACH_FORM
def test_a_grey_picture_has_constant_colours(form):
    assert losses.colour_constancy(flat(0.4, 0.4, 0.4), form) == 0


@EACH_FORM
def test_the_gradient_of_a_grey_picture_is_zero(form):
    grey = picture()[:, :1].expand(-1, 3, -1, -1)
    found = gradient(lambda x: losses.colour_constancy(x, form), grey)
    assert torch.equal(found, torch.zeros_like(grey))


@pytest.mark.parametrize(
    ("form", "cost"),
    [("code", (0.1**4 + 0.3**4 + 0.4**4) ** 0.5), ("paper", 0.1**2 + 0.3**2 + 0.4**2)],
)
def test_colour_constancy_is_as_printed(form, cost):
    assert_close(losses.colour_constancy(flat(0.2, 0.3, 0.6), form), torch.tensor([cost]))


@EACH_FORM
def test_every_picture_of_a_batch_has_its_own_constancy(form):
    x = picture()
    alone = torch.cat([losses.colour_constancy(one, form) for one in x.split(1)])
    assert_close(losses.colour_constancy(x, form), alone)


@EACH_FORM
def test_an_even_light_is_smooth(form):
    assert losses.illumination_smoothness(torch.full((5, 7), 0.3), form) == 0


@EACH_FORM
def test_a_light_of_one_pixel_is_smooth(form):
    assert losses.illumination_smoothness(torch.ones(1, 1), form) == 0


@pytest.mark.parametrize(
    ("form", "cost"),
    [("code", 2 * (0.1**2 + 0.2**2)), ("paper", (0.3**2 * 12 + 0.1**2 * 3 + 0.2**2 * 4) / 20)],
)
def test_the_smoothness_of_a_slope_is_as_defined(form, cost):
    slope = 0.2 * torch.arange(5.0)[:, None] + 0.1 * torch.arange(4.0)
    assert_close(losses.illumination_smoothness(slope, form), torch.tensor(cost))


def test_a_picture_of_one_colour_has_no_saturation():
    assert losses.saturation(flat(0.125, 0.5, 0.25)) == 0


def test_the_gradient_of_a_picture_of_one_colour_is_zero():
    found = gradient(losses.saturation, flat(0.125, 0.5, 0.25))
    assert torch.equal(found, torch.zeros_like(found))


def test_saturation_is_the_distance_from_the_mean_colour():
    halves = torch.cat([flat(0.2, 0.5, 0.1), flat(0.4, 0.5, 0.3)], dim=-1)
    assert_close(losses.saturation(halves), torch.tensor(0.1 * 2**0.5))


LIGHTS = {
    "one f, one mask": ((1,), (16, 20)),
    "f of a number": ((), (1, 1, 16, 20)),
    "each picture its own": ((2, 1, 1, 1), (2, 1, 16, 20)),
    "each channel its own": ((3, 1, 1), (3, 16, 20)),
}


@pytest.mark.parametrize("shapes", LIGHTS.values(), ids=LIGHTS)
def test_a_step_of_the_light_goes_down_the_gradient(shapes):
    noise = seeded(2)
    f, mask = (noise(torch.empty(shape)).requires_grad_() for shape in shapes)
    x, y = picture(0).requires_grad_(), picture(1)
    error = losses.mean_squared_error(f * x + mask, y)
    of_x, of_f, of_mask = torch.autograd.grad(error, (x, f, mask))
    with torch.no_grad():
        found = losses.light_fit_step(x, y, f, mask)
    assert_close(tuple(found), (of_x, f - of_f, mask - of_mask), rtol=1e-5, atol=1e-6)


def test_a_light_that_fits_stays():
    x, f, mask = picture(), torch.tensor([0.5]), torch.full((16, 20), 0.25)
    found = losses.light_fit_step(x, f * x + mask, f, mask)
    assert_close(tuple(found), (torch.zeros_like(x), f, mask))


@pytest.mark.parametrize("size", [8, 9])
def test_the_deblurring_kernel_sums_to_1_and_is_the_same_both_ways(size):
    kernel = deblurring_kernel(size, 2)
    assert_close(kernel.sum(), torch.tensor(1.0))
    assert_close(kernel, kernel.T)
    assert_close(kernel, kernel.flip(0))
