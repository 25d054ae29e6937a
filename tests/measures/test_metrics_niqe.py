"""NIQE: its moments against what they fit, and its model against pictures."""

import numpy as np
import pytest
import torch

from restoration.metrics.niqe import (
    SMALLEST,
    _asymmetric_gaussian,
    fitted,
    niqe,
    photographs,
)
from restoration.noise import seeded
from restoration.training.photographs import draw


@pytest.fixture(scope="module")
def drawn():
    """Two pictures of dead leaves."""
    rng = np.random.default_rng(0)
    return [torch.from_numpy(draw(rng, 288)).permute(2, 0, 1)[None] / 255 for _ in range(2)]


@pytest.mark.parametrize(
    ("power", "exponent"),
    [(1, 2), (2, 1)],
    ids=["normal", "laplacian"],
)
def test_the_exponent_of_known_noise_is_found(power, exponent):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(1, 200_000)) if power == 1 else rng.laplace(size=(1, 200_000))
    shape, _, _ = _asymmetric_gaussian(values)
    assert shape[0] == pytest.approx(exponent, rel=0.03)


def test_the_scale_of_normal_noise_is_its_deviation_times_the_root_of_two():
    values = np.random.default_rng(0).normal(scale=3, size=(1, 200_000))
    _, left, right = _asymmetric_gaussian(values)
    assert (left[0], right[0]) == pytest.approx((3 * 2**0.5,) * 2, rel=0.03)


def test_lopsided_noise_has_two_scales():
    values = np.random.default_rng(0).normal(size=(1, 100_000))
    _, left, right = _asymmetric_gaussian(np.where(values > 0, 2 * values, values))
    assert right[0] == pytest.approx(2 * left[0], rel=0.03)


def test_the_bundled_model_has_a_gaussian_over_the_features():
    covariance = photographs().covariance
    assert covariance.shape == (36, 36)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_noise_is_further_from_photographs_than_a_scene(drawn):
    noise = seeded(0)(torch.zeros(1, 3, SMALLEST, SMALLEST))
    assert niqe(0.5 + 0.2 * noise) > niqe(drawn[0])


def test_a_picture_is_close_to_a_model_of_itself(drawn):
    assert niqe(drawn[0], fitted(drawn)) < niqe(drawn[0])


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_an_even_picture_is_far_from_photographs(drawn, level):
    even = torch.full((1, 3, SMALLEST, SMALLEST), level)
    assert niqe(drawn[0]) < niqe(even) < np.inf


def test_a_part_that_is_no_whole_patch_does_not_count(drawn):
    assert niqe(drawn[0]) == niqe(torch.nn.functional.pad(drawn[0], (0, 20, 0, 30)))
