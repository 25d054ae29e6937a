"""What a picture says of itself: noise, sharpness, blocks, seams, chance."""

import numpy as np
import pytest
import torch

from benchmarks.degradations import photograph
from restoration.degradations.kinds import degrade
from restoration.metrics import as_array
from restoration.metrics.blind import (
    blockiness,
    difference,
    noise_level,
    seam_energy,
    seed_spread,
    sharpness,
)
from restoration.noise import seeded

SLOPE = torch.linspace(0.3, 0.7, 64).expand(1, 3, 64, 64)


@pytest.fixture(scope="module")
def clean():
    return photograph(128)


def made(clean, kind, **values):
    return as_array(degrade(clean, kind, seed=0, values=values))


@pytest.mark.parametrize("sigma", [5, 20])
def test_the_noise_of_a_smooth_picture_is_found(sigma):
    noisy = as_array(SLOPE + sigma / 255 * seeded(0)(SLOPE))
    assert noise_level(noisy) == pytest.approx(sigma, rel=0.05)


def test_a_slope_has_no_noise():
    assert noise_level(as_array(SLOPE)) == pytest.approx(0, abs=1e-3)


def test_edges_are_no_noise(clean):
    assert noise_level(as_array(clean)) < 1


def test_blur_takes_sharpness_away(clean):
    found = [sharpness(made(clean, "blur", sigma=sigma)) for sigma in (0.5, 1, 2, 4)]
    assert found == sorted(found, reverse=True)


def test_an_even_picture_is_not_sharp():
    assert sharpness(np.full((1, 3, 16, 16), 0.5, np.float32)) == 0


def test_sharpness_is_that_of_the_blurrier_direction(clean):
    rows = as_array(clean.mean(-1, keepdim=True).expand_as(clean))
    assert sharpness(rows) == 0


def test_stronger_jpeg_shows_more_of_its_blocks(clean):
    found = [blockiness(made(clean, "jpeg", quality=quality)) for quality in (95, 60, 30, 10)]
    assert found == sorted(found)


def test_a_picture_without_blocks_has_none():
    noise = as_array(0.5 + 0.1 * seeded(0)(torch.zeros(1, 3, 256, 256)))
    assert blockiness(noise) == pytest.approx(1, abs=0.05)


def test_an_even_picture_has_no_blocks():
    assert blockiness(np.full((1, 3, 16, 16), 0.5, np.float32)) == 1


def test_the_difference_is_a_root_mean_square():
    even = np.full((1, 3, 4, 4), 0.5, np.float32)
    assert difference(even, even + 0.1) == pytest.approx(25.5, abs=1e-3)


def test_the_spread_of_equal_results_is_none():
    assert seed_spread([as_array(SLOPE)] * 3) == pytest.approx(0, abs=1e-4)


def test_the_spread_of_noise_is_its_deviation():
    noise = seeded(0)
    results = [as_array(0.5 + 0.1 * noise(SLOPE)) for _ in range(8)]
    assert seed_spread(results) == pytest.approx(25.5, rel=0.05)


def test_a_step_at_a_border_of_tiles_is_a_seam():
    stepped = as_array(SLOPE + 0.05 * (torch.arange(64) >= 32))
    assert seam_energy(stepped, ((32,), ())) > 10


def test_a_step_along_the_other_side_is_a_seam_too():
    stepped = as_array((SLOPE + 0.05 * (torch.arange(64) >= 32)).mT)
    assert seam_energy(stepped, ((), (32,))) > 10


def test_noise_has_no_seams():
    noise = as_array(0.5 + 0.1 * seeded(0)(torch.zeros(1, 3, 256, 256)))
    assert seam_energy(noise, ((64, 128), (64, 128))) == pytest.approx(1, abs=0.05)


def test_without_borders_there_is_no_seam():
    assert seam_energy(as_array(SLOPE), ((), ())) == 1


def test_an_even_picture_has_no_seams():
    assert seam_energy(np.full((1, 3, 16, 16), 0.5, np.float32), ((8,), (8,))) == 1
