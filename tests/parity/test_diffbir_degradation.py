"""Kernels, filtering, sharpening, JPEG and noise are those DiffBIR was trained with."""

import torch
from torch.testing import assert_close

from restoration.degradations.blur_kernels import (
    gaussian_kernel,
    generalized_gaussian_kernel,
    plateau_kernel,
    sinc_kernel,
)
from restoration.degradations.jpeg import jpeg
from restoration.degradations.single import filter2d, gaussian_noise, sharpen
from tests.tolerances import ARITHMETIC, NETWORK, THRESHOLD

PACK = "diffbir_degradation"
CLOSE = {"atol": ARITHMETIC, "rtol": 0}
MACROBLOCK = 16
"""Side of the area that one flipped rounding of a halved colour channel changes."""


class Recorded:
    """A generator that replays the noise of a pack."""

    def __init__(self, noise):
        self.noise = noise

    def standard_normal(self, shape, dtype):
        return self.noise.numpy().reshape(shape).astype(dtype)


def kernel(kind, size, sigma_x, sigma_y, theta, beta):
    if "aniso" not in kind:
        sigma_y, theta = sigma_x, 0.0
    shape = {"generalized": generalized_gaussian_kernel, "plateau": plateau_kernel}
    family = kind.partition("_")[0]
    if family in shape:
        return shape[family](size, sigma_x, sigma_y, theta, beta)
    return gaussian_kernel(size, sigma_x, sigma_y, theta)


def test_blur_kernels_are_alike(pack):
    for i, row in enumerate(pack.config["k"]):
        assert_close(kernel(*row).double(), pack.tensors[f"out.kernel.{i}"], **CLOSE)


def test_ringing_kernels_are_alike(pack):
    for i, row in enumerate(pack.config["sinc"]):
        assert_close(sinc_kernel(*row).double(), pack.tensors[f"out.sinc.{i}"], **CLOSE)


def test_one_kernel_filters_a_batch_alike(pack):
    found = filter2d(pack.tensors["in.hq"], kernel(*pack.config["k"][1]))
    assert_close(found, pack.tensors["out.filter2d"], atol=NETWORK, rtol=0)


def test_a_kernel_for_each_picture_filters_alike(pack):
    one = kernel(*pack.config["k"][1])
    found = filter2d(pack.tensors["in.hq"], torch.stack([one, one.T]))
    assert_close(found, pack.tensors["out.filter2d_batch"], atol=NETWORK, rtol=0)


def test_sharpening_is_alike(pack):
    assert_close(sharpen(pack.tensors["in.hq"]), pack.tensors["out.usm"], atol=THRESHOLD, rtol=0)


def test_jpeg_is_alike_but_for_one_rounding_that_may_flip(pack):
    found = jpeg(pack.tensors["in.hq"], pack.config["q"])
    wrong = (found - pack.tensors["out.jpeg"]).abs().amax(1, keepdim=True) > NETWORK
    blocks = torch.nn.functional.max_pool2d(wrong.float(), MACROBLOCK, ceil_mode=True)
    assert blocks.sum() <= 1


def test_noise_is_added_alike(pack):
    found = gaussian_noise(pack.tensors["in.hq"], 17.5, Recorded(pack.tensors["in.noise"]))
    assert_close(found, pack.tensors["out.gauss_noise"], **CLOSE)
