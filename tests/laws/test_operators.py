"""Every operator is linear, has its transpose and its bound, and its spectrum is one of it."""

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from restoration.degradations.blur_kernels import disc_kernel, gaussian_kernel, motion_kernel
from restoration.noise import seeded
from restoration.operators import (
    CircularBlur,
    Composed,
    Downscale,
    Grey,
    Identity,
    Mask,
    Separable,
    ValidBlur,
    bicubic_downscale,
    compose,
    separable_blur,
)
from restoration.spectra import SMALLEST, Unresolved, conjugate_gradient, inverse, spectrum
from tests.tolerances import ARITHMETIC, NETWORK

GAUSS = gaussian_kernel(7, 0.45, 0.45)
"""So narrow that no frequency is cut, not even of two in a row."""
LONG = torch.rand(3, 7, generator=torch.Generator().manual_seed(2)) / 10
BOX = torch.full((9,), 1 / 9)


def kept(height, width):
    return (seeded(3)(torch.empty(1, 1, height, width)) > 0).float()


MASK = Mask(kept(15, 21))
CLOSED = {
    "identity": (Identity(), 13, 17),
    "mask": (MASK, 15, 21),
    "grey": (Grey(), 13, 17),
    "mean-of-2": (Downscale(2), 14, 22),
    "mean-of-3": (Downscale(3), 15, 21),
    "mean-of-8": (Downscale(8), 8, 24),
}
"""With a pseudo-inverse; sizes are those of the picture."""
UNCUT = CLOSED | {
    "narrow-blur": (CircularBlur(GAUSS), 15, 22),
    "bicubic-2": (bicubic_downscale(2, 14, 22), 14, 22),
    "bicubic-4-odd": (bicubic_downscale(4, 15, 21), 15, 21),
    "narrow-separable": (separable_blur(GAUSS.sum(0), 15, 21), 15, 21),
}
SPECTRAL = UNCUT | {
    "disc": (CircularBlur(disc_kernel(3.0)), 23, 31),
    "motion": (CircularBlur(motion_kernel(5.0, 30.0)), 16, 21),
    "uneven": (CircularBlur(LONG), 13, 17),
    "box": (separable_blur(BOX, 15, 21), 15, 21),
    "box-wider-than-the-picture": (separable_blur(BOX, 3, 5), 3, 5),
}
OPERATORS = SPECTRAL | {
    "valid": (ValidBlur(disc_kernel(2.0)), 15, 21),
    "valid-uneven": (ValidBlur(LONG), 13, 17),
    "valid-to-a-pixel": (ValidBlur(LONG), 3, 7),
    "nothing": (compose([]), 13, 17),
    "blur-mean": (Composed((CircularBlur(GAUSS), Downscale(3))), 15, 21),
    "valid-mean-grey": (Composed((ValidBlur(GAUSS), Downscale(3), Grey())), 21, 27),
    "bicubic-mask": (Composed((bicubic_downscale(2, 30, 42), MASK)), 30, 42),
    "grey-mask": (Composed((Grey(), MASK)), 15, 21),
}
"""Every operator of the package, and what is made of several."""
OPEN = {name: case for name, case in OPERATORS.items() if name not in SPECTRAL | {"nothing": ()}}


def each(cases):
    return pytest.mark.parametrize(
        ("operator", "height", "width"), cases.values(), ids=cases.keys()
    )


def picture(height, width, seed=0):
    return seeded(seed)(torch.empty(2, 3, height, width))


def measured(operator, height, width, seed=1):
    """What could have been measured, and yet is no picture's."""
    return seeded(seed)(operator(picture(height, width)))


def inner(a, b):
    return (a.double() * b.double()).sum()


def largest_singular_value(operator, height, width):
    x = seeded(5)(torch.empty(1, 3, height, width))
    for _ in range(200):
        x = operator.adjoint(operator(x / torch.linalg.vector_norm(x)))
    return float(torch.linalg.vector_norm(x).sqrt())


@each(OPERATORS)
def test_the_adjoint_is_the_transpose(operator, height, width):
    x, y = picture(height, width), measured(operator, height, width)
    assert_close(inner(operator(x), y), inner(x, operator.adjoint(y)), atol=1e-3, rtol=1e-5)


@each(OPERATORS)
def test_the_adjoint_has_the_shape_of_the_picture(operator, height, width):
    assert operator.adjoint(measured(operator, height, width)).shape == (2, 3, height, width)


@each(OPERATORS)
def test_an_operator_is_linear(operator, height, width):
    one, two = picture(height, width), picture(height, width, seed=6)
    want = 2 * operator(one) - 3 * operator(two)
    assert_close(operator(2 * one - 3 * two), want, atol=NETWORK, rtol=0)


@each(OPERATORS)
def test_an_operator_keeps_the_dtype(operator, height, width):
    x = picture(height, width).double()
    assert operator(x).dtype == operator.adjoint(operator(x)).dtype == torch.float64


@each(OPERATORS)
def test_no_singular_value_is_above_the_norm(operator, height, width):
    assert largest_singular_value(operator, height, width) <= operator.norm * (1 + 1e-5)


@each(SPECTRAL)
def test_the_norm_is_the_largest_singular_value(operator, height, width):
    """Of those with a spectrum; the bound of the others is that of their parts."""
    assert largest_singular_value(operator, height, width) == pytest.approx(operator.norm, rel=5e-3)


@each(CLOSED)
def test_a_pseudo_inverse_meets_its_four_laws(operator, height, width):
    x, y = picture(height, width), measured(operator, height, width)
    there, back = operator, operator.pseudo_inverse
    close = {"atol": NETWORK, "rtol": 0}
    assert_close(there(back(there(x))), there(x), **close)
    assert_close(back(there(back(y))), back(y), **close)
    other_x, other_y = picture(height, width, seed=6), measured(operator, height, width, seed=7)
    assert_close(inner(back(there(x)), other_x), inner(x, back(there(other_x))), atol=1e-3, rtol=0)
    assert_close(inner(there(back(y)), other_y), inner(y, there(back(other_y))), atol=1e-3, rtol=0)


@each(SPECTRAL)
def test_the_basis_of_pictures_is_orthonormal(operator, height, width):
    spectral, x = spectrum(operator, height, width), picture(height, width)
    coefficients = spectral.vt(x)
    assert_close(spectral.v(coefficients), x, atol=NETWORK, rtol=0)
    assert_close(spectral.vt(spectral.v(coefficients)), coefficients, atol=NETWORK, rtol=0)
    energy = coefficients.abs().square().sum()
    assert_close(energy, x.square().sum(), atol=0, rtol=NETWORK)


@each(SPECTRAL)
def test_singular_values_are_real_and_not_negative(operator, height, width):
    values = spectrum(operator, height, width).values
    assert not values.is_complex()
    assert values.min() >= 0
    assert float(values.max()) == pytest.approx(operator.norm, rel=1e-4)


@each(SPECTRAL)
def test_singular_values_fit_the_coefficients(operator, height, width):
    spectral = spectrum(operator, height, width)
    coefficients = spectral.vt(picture(height, width))
    assert (spectral.values * coefficients).shape == coefficients.shape
    assert spectral.ut(measured(operator, height, width)).shape == coefficients.shape


@each(UNCUT)
def test_the_spectrum_is_that_of_the_operator(operator, height, width):
    """U^T A x = s V^T x."""
    spectral, x = spectrum(operator, height, width), picture(height, width)
    want = spectral.values * spectral.vt(x)
    assert_close(spectral.ut(operator(x)), want, atol=NETWORK, rtol=0)


@each(SPECTRAL)
def test_what_a_spectrum_leaves_out_is_small(operator, height, width):
    spectral, x = spectrum(operator, height, width), picture(height, width)
    left = (spectral.ut(operator(x)) - spectral.values * spectral.vt(x)).abs()
    bound = SMALLEST * operator.norm * spectral.vt(x).abs() + NETWORK
    assert (left <= bound).all()


@each(SPECTRAL)
def test_the_transpose_is_v_s_ut(operator, height, width):
    spectral, y = spectrum(operator, height, width), measured(operator, height, width)
    found = spectral.v(spectral.values * spectral.ut(y))
    gap = torch.linalg.vector_norm(found - operator.adjoint(y))
    assert gap <= SMALLEST * operator.norm * torch.linalg.vector_norm(y) + NETWORK


@each(CLOSED)
def test_without_damping_the_inverse_is_the_pseudo_inverse(operator, height, width):
    y = measured(operator, height, width)
    found = spectrum(operator, height, width).regularised_inverse(y, 0)
    assert_close(found, operator.pseudo_inverse(y), atol=NETWORK, rtol=0)


@each(UNCUT)
def test_a_damped_inverse_solves_its_equation(operator, height, width):
    """(A^T A + d) x = A^T y."""
    y = measured(operator, height, width)
    x = spectrum(operator, height, width).regularised_inverse(y, 0.1)
    left = operator.adjoint(operator(x)) + 0.1 * x
    assert_close(left, operator.adjoint(y), atol=NETWORK, rtol=0)


@each(OPERATORS)
def test_the_iterated_inverse_solves_the_same_equation(operator, height, width):
    y = measured(operator, height, width)
    x = conjugate_gradient(operator, y, 0.1)
    left = operator.adjoint(operator(x)) + 0.1 * x
    assert_close(left, operator.adjoint(y), atol=2e-2, rtol=0)


@pytest.mark.parametrize("damping", [1e-3, 0.1, 10.0])
@each({name: UNCUT[name] for name in ("narrow-blur", "mean-of-3", "bicubic-2", "grey")})
def test_iteration_and_spectrum_give_one_inverse(operator, height, width, damping):
    y = measured(operator, height, width)
    want = spectrum(operator, height, width).regularised_inverse(y, damping)
    gap = conjugate_gradient(operator, y, damping) - want
    assert torch.linalg.vector_norm(gap) <= 1e-2 * torch.linalg.vector_norm(want)


def test_two_blurs_are_inverted_as_the_one_blur_that_they_are():
    blur = CircularBlur(GAUSS)
    twice = Composed((blur, blur))
    y = measured(blur, 15, 21)
    want = spectrum(CircularBlur(_convolved(GAUSS)), 15, 21).regularised_inverse(y, 0.05)
    gap = conjugate_gradient(twice, y, 0.05) - want
    assert torch.linalg.vector_norm(gap) <= 1e-2 * torch.linalg.vector_norm(want)


def _convolved(kernel):
    """The kernel of two blurs, one after the other; it is symmetric."""
    side = kernel.shape[0] - 1
    return functional.conv2d(kernel[None, None], kernel[None, None], padding=side)[0, 0]


def test_the_iterated_inverse_of_nothing_is_nothing():
    y = torch.zeros(2, 3, 5, 7)
    assert torch.equal(conjugate_gradient(Downscale(3), y, 0.0), torch.zeros(2, 3, 15, 21))


def test_pictures_of_a_batch_are_inverted_each_for_itself():
    y = torch.cat([measured(Grey(), 5, 7)[:1], torch.zeros(1, 1, 5, 7)])
    assert torch.equal(conjugate_gradient(Grey(), y, 0.1)[1], torch.zeros(3, 5, 7))


@each(OPEN)
def test_what_has_no_spectrum_has_a_stand_in(operator, height, width):
    assert spectrum(operator, height, width) is None
    assert isinstance(inverse(operator, height, width), Unresolved)


def test_the_stand_in_inverts_nearly():
    operator = Composed((CircularBlur(GAUSS), Downscale(3)))
    y = operator(picture(15, 21))
    stand_in = inverse(operator, 15, 21)
    found = stand_in.v(stand_in.ut(y) / stand_in.values)
    assert_close(operator(found), y, atol=2e-2, rtol=0)
    assert_close(stand_in.regularised_inverse(y, 0.0), found, atol=ARITHMETIC, rtol=0)


def test_a_noisy_measurement_is_inverted_with_more_restraint():
    operator = ValidBlur(disc_kernel(2.0))
    y = measured(operator, 15, 21)
    sure, unsure = (inverse(operator, 15, 21, noise=noise).ut(y) for noise in (0.0, 0.2))
    assert torch.linalg.vector_norm(unsure) < 0.5 * torch.linalg.vector_norm(sure)


def test_a_blur_of_a_point_is_its_kernel():
    point = torch.zeros(1, 1, 9, 11)
    point[..., 4, 5] = 1
    want = functional.pad(LONG, (2, 2, 3, 3))[None, None]
    assert_close(CircularBlur(LONG)(point), want, atol=ARITHMETIC, rtol=0)


def test_a_blur_that_wraps_around_enters_on_the_other_side():
    point = torch.zeros(1, 1, 9, 11)
    point[..., 0, 0] = 1
    blurred = CircularBlur(LONG)(point)
    assert_close(blurred[0, 0].roll((1, 3), (0, 1))[:3, :7], LONG, atol=ARITHMETIC, rtol=0)


@pytest.mark.parametrize("kernel", [LONG, GAUSS, torch.ones(1, 1)], ids=["uneven", "gauss", "one"])
def test_a_valid_blur_is_a_convolution(kernel):
    x = picture(13, 17)
    turned = kernel.flip(0, 1).expand(3, 1, -1, -1)
    want = functional.conv2d(x, turned, groups=3)
    assert_close(ValidBlur(kernel)(x), want, atol=NETWORK, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(12, 20), (15, 21), (9, 8)], ids=str)
@pytest.mark.parametrize("factor", [2, 4, 8])
def test_bicubic_downscaling_is_that_of_torch(factor, height, width):
    x = picture(height, width)
    size = height // factor, width // factor
    want = functional.interpolate(x, size, mode="bicubic", antialias=True)
    found = bicubic_downscale(factor, height, width)(x)
    assert_close(found, want, atol=NETWORK, rtol=0)


def test_a_separable_blur_has_every_tap_and_leaves_the_channels_apart():
    """The published operator of DDRM lacks the last tap and mixes the channels."""
    point = torch.zeros(1, 3, 15, 21)
    point[:, 1, 7, 10] = 1
    taps = torch.arange(1.0, 6)
    blurred = separable_blur(taps, 15, 21)(point)
    want = torch.zeros_like(point)
    want[:, 1, 5:10, 8:13] = torch.outer(taps, taps).flip(0, 1)
    assert_close(blurred, want, atol=ARITHMETIC, rtol=0)


def test_a_separable_blur_sees_black_beyond_the_border():
    constant = torch.ones(1, 1, 15, 21)
    blurred = separable_blur(BOX, 15, 21)(constant)
    assert float(blurred[..., 7, 10]) == pytest.approx(1)
    assert float(blurred[..., 0, 0]) == pytest.approx((5 / 9) ** 2)


@pytest.mark.parametrize("operator", [Downscale(3), Downscale(8)], ids=repr)
def test_a_side_that_is_no_multiple_is_refused(operator):
    with pytest.raises(ValueError, match=r"cannot downscale 17x13 by \d: both sides must be mult"):
        operator(picture(13, 17))


def test_what_does_nothing_is_left_out():
    grey, mask = Grey(), MASK
    assert compose([]) == Identity()
    assert compose([Identity(), grey]) is grey
    assert compose([grey, Identity(), mask]) == Composed((grey, mask))


def test_parts_are_applied_first_one_first():
    x = picture(15, 21)
    assert torch.equal(Composed((Grey(), Downscale(3)))(x), Downscale(3)(Grey()(x)))


def test_a_composition_has_no_spectrum():
    assert spectrum(Composed((Grey(), MASK)), 15, 21) is None


def test_the_spectrum_of_a_separable_operator_is_that_of_its_matrix():
    operator = Separable(picture(4, 6)[0, 0].double(), picture(5, 7)[0, 0].double())
    matrix = torch.kron(operator.vertical, operator.horizontal)
    want = torch.linalg.svdvals(matrix)
    found = spectrum(operator, 6, 7).values.flatten().sort(descending=True).values
    known = want >= SMALLEST * want.max()
    assert_close(found[: len(want)][known].double(), want[known], atol=NETWORK, rtol=NETWORK)
