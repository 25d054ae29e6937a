"""Chance is an argument."""

import pytest
import torch

from restoration.noise import recorded, seeded


def test_a_seed_is_the_same_noise():
    like = torch.empty(2, 3, 8, 8)
    assert torch.equal(seeded(5)(like), seeded(5)(like))


def test_another_seed_is_another_noise():
    like = torch.empty(2, 3, 8, 8)
    assert not torch.equal(seeded(5)(like), seeded(6)(like))


def test_noise_is_drawn_in_float32_and_cast_after():
    half = seeded(5)(torch.empty(1, 3, 8, 8, dtype=torch.bfloat16))
    assert torch.equal(half, seeded(5)(torch.empty(1, 3, 8, 8)).bfloat16())


def test_recorded_noise_replays_in_order():
    noise = recorded([torch.zeros(2), torch.ones(2)])
    assert noise(torch.empty(2)).sum() == 0
    assert noise(torch.empty(2)).sum() == 2


def test_recorded_noise_complains_of_another_shape():
    with pytest.raises(ValueError, match=r"draw 0 was recorded as \(2,\), asked as \(3,\)"):
        recorded([torch.zeros(2)])(torch.empty(3))


def test_recorded_noise_complains_at_its_end():
    with pytest.raises(ValueError, match="ends after 0 draws"):
        recorded([])(torch.empty(3))
