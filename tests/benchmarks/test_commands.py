"""The hand-run measurements measure what they claim."""

import time

import numpy as np
import pytest
import torch

from benchmarks.classical import FILTERS, filtered, markdown, noise_estimate
from benchmarks.degradations import photograph, rate
from restoration.degradations.random import second_order
from restoration.degradations.single import gaussian_noise
from restoration.metrics import psnr

SAMPLES = 20


def test_forty_second_order_samples_a_second_are_made_on_one_core():
    image, rng = photograph(128), np.random.default_rng(0)
    second_order(image, rng)
    start = time.process_time()  # of all threads together
    for _ in range(SAMPLES):
        second_order(image, rng)
    assert SAMPLES / (time.process_time() - start) > 40


def test_a_rate_is_in_calls_a_second():
    assert 0 < rate(lambda: time.sleep(0.01), 0.1) <= 100


@pytest.mark.parametrize("sigma", [5, 25])
def test_the_noise_estimate_finds_the_noise_that_was_added(sigma):
    noisy = gaussian_noise(torch.full((1, 3, 90, 91), 0.5), sigma, np.random.default_rng(0))
    pixels = noisy[0].permute(1, 2, 0).numpy()
    assert noise_estimate(pixels) * 255 == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("classic", FILTERS, ids=lambda classic: classic.name)
def test_every_classical_filter_takes_noise_away(classic):
    clean = photograph(48)
    noisy = gaussian_noise(clean, 25, np.random.default_rng(0))
    assert psnr(filtered(noisy, classic, (0.6, 0.0)), clean) > psnr(noisy, clean) + 1


def test_the_table_has_a_row_for_each_method_and_a_column_for_each_kind():
    mean = {"input": {"psnr": 20.5, "ssim": 0.4}, "bilateral": {"psnr": 26.0, "ssim": 0.7}}
    assert markdown([{"kind": "noise25", "pictures": 2, "mean": mean}]).splitlines() == [
        "| | noise25 (2 pictures) |",
        "| --- | --- |",
        "| input | 20.50 / 0.4000 |",
        "| bilateral | 26.00 / 0.7000 |",
    ]
