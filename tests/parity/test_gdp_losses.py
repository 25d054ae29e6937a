"""GDP's losses, their gradients and its deblurring kernel are those of the published program."""

import re

import pytest
import torch
from torch.testing import assert_close

from restoration import losses
from restoration.degradations.blur_kernels import deblurring_kernel
from restoration.metrics import downscaled_consistency
from tests.tolerances import ARITHMETIC, NETWORK

PACK = "gdp_losses"
CLOSE = {"atol": ARITHMETIC, "rtol": ARITHMETIC}
GRADIENT = 5 * NETWORK
"""Of the largest: that of the published SSIM is itself 2e-5 from what float64 gives."""
PUBLISHED_SCALE = 80_000
"""Of the blind tasks, for pictures of 256x256."""
LOSSES = {
    "colour_constancy": lambda x, y: losses.colour_constancy(x).view(-1, 1, 1, 1),
    "spatial_consistency": losses.spatial_consistency,
    "saturation_Sa": lambda x, y: losses.saturation(x),
    "mse": losses.mean_squared_error,
    "ssim": losses.padded_ssim,
    "neg_ssim_module": lambda x, y: -losses.padded_ssim(x, y),
}
EACH_LOSS = pytest.mark.parametrize("name", LOSSES)


def gradient(loss, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(loss(x).sum(), x)[0]


def assert_same_gradient(found, want):
    """Gradients are small numbers, so the largest one sets the scale."""
    assert_close(found, want, atol=GRADIENT * float(want.abs().max()), rtol=0)


def named(pack, pattern):
    """The groups of every `out.` tensor whose name is `pattern`, as numbers, and the tensor."""
    found = [(re.fullmatch(pattern, key), value) for key, value in pack.group("out").items()]
    return [([float(g) for g in match.groups()], value) for match, value in found if match]


def exposures(pack):
    """Every exposure of the pack: (loss, the input that it was taken on, value, gradient).

    One was taken on a picture in [0, 1], another in [-1, 1]; the nearer value says which.
    """
    x01 = pack.tensors["in.x01"]
    gradients = named(pack, r"grad\.exposure_p(\d+)_E([\d.]+)")
    values = named(pack, r"exposure_p(\d+)_E([\d.]+)")
    for ((patch, level), value), (_, slope) in zip(values, gradients, strict=True):

        def loss(x, patch=patch, level=level):
            return losses.exposure(x, int(patch), level)

        x = min((x01, 2 * x01 - 1), key=lambda x, loss=loss, want=value: abs(loss(x) - want))
        yield loss, x, value, slope


@EACH_LOSS
def test_the_loss_is_alike(pack, name):
    found = LOSSES[name](pack.tensors["in.x01"], pack.tensors["in.y01"])
    assert_close(found, pack.tensors[f"out.{name}"], **CLOSE)


@EACH_LOSS
def test_the_gradient_is_alike(pack, name):
    y = pack.tensors["in.y01"]
    found = gradient(lambda x: LOSSES[name](x, y), pack.tensors["in.x01"])
    assert_same_gradient(found, pack.tensors[f"out.grad.{name}"])


def test_exposure_is_alike(pack):
    for loss, x, value, _ in exposures(pack):
        assert_close(loss(x), value, **CLOSE)


def test_the_gradient_of_exposure_is_alike(pack):
    for loss, x, _, slope in exposures(pack):
        assert_same_gradient(gradient(loss, x), slope)


def test_the_smoothness_of_the_light_is_alike(pack):
    found = losses.illumination_smoothness(pack.tensors["in.mask"])
    assert_close(found, pack.tensors["out.tv_mask"], **CLOSE)


def test_the_gradient_of_the_smoothness_is_alike(pack):
    found = gradient(losses.illumination_smoothness, pack.tensors["in.mask"])
    assert_same_gradient(found, pack.tensors["out.grad.tv_mask"])


def test_deblurring_kernels_are_alike(pack):
    for (size, nsig), want in named(pack, r"gkern(\d+)_nsig([\d.]+)"):
        assert_close(deblurring_kernel(int(size), nsig), want.float(), atol=1e-8, rtol=ARITHMETIC)


def light_step(pack):
    given = pack.group("in.blind")
    x01, y01 = (given["x"] + 1) / 2, (given["y"] + 1) / 2
    return losses.light_fit_step(x01, y01, given["f"], given["mask"])


def test_the_pull_of_an_unknown_light_is_alike(pack):
    height, width = pack.tensors["in.blind.x"].shape[-2:]
    scale = PUBLISHED_SCALE * height * width / 256**2
    found = -scale * light_step(pack).grad_x / 2
    assert_same_gradient(found, pack.tensors["out.blind.grad"])


def test_the_light_is_fitted_alike(pack):
    step = light_step(pack)
    assert_close(step.f, pack.tensors["out.blind.f"], **CLOSE)
    assert_close(step.mask, pack.tensors["out.blind.mask"], **CLOSE)


def test_consistency_of_an_enlarged_picture_is_alike(pack):
    enlarged, small = (
        pack.tensors[f"in.consistency.{name}"].permute(2, 0, 1)[None] / 255
        for name in ("hr_u8", "lr_u8")
    )
    want = pack.tensors["out.consistency"].item()
    assert downscaled_consistency(enlarged, small) == pytest.approx(want, rel=NETWORK)
