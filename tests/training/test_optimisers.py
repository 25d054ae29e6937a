"""Optimizers, rates and averages of the mean-reverting networks, beyond the published numbers."""

import pytest
import torch
from torch.testing import assert_close

from restoration.training import optimisers
from restoration.training.optimisers import Lion


def test_every_value_moves_by_the_rate_whatever_its_gradient():
    weight = torch.zeros(3, requires_grad=True)
    weight.grad = torch.tensor([1e-6, -1e6, 0.0])
    Lion([weight], lr=0.1).step()
    assert_close(weight.detach(), torch.tensor([-0.1, 0.1, 0.0]))


def test_decay_draws_weights_towards_zero():
    weight = torch.ones(1, requires_grad=True)
    weight.grad = torch.zeros(1)
    Lion([weight], lr=0.1, weight_decay=0.5).step()
    assert_close(weight.detach(), torch.tensor([0.95]))


def test_what_has_no_gradient_stays():
    weight = torch.ones(1, requires_grad=True)
    Lion([weight]).step()
    assert_close(weight.detach(), torch.ones(1), rtol=0, atol=0)


def test_a_closure_computes_the_gradients_and_its_loss_is_given():
    weight = torch.ones(1, requires_grad=True)
    lion = Lion([weight], lr=0.1)

    def closure():
        lion.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss.item()

    assert lion.step(closure) == 1
    assert_close(weight.detach(), torch.tensor([0.9]))


def test_lion_goes_on_from_its_saved_state():
    weights = [torch.ones(1, requires_grad=True) for _ in range(2)]
    first, second = (Lion([weight], lr=0.1) for weight in weights)
    weights[0].grad = torch.tensor([5.0])
    first.step()
    second.load_state_dict(first.state_dict())
    weights[1].data.copy_(weights[0].data)
    for weight, lion in zip(weights, (first, second), strict=True):
        weight.grad = torch.tensor([-0.1])
        lion.step()
    assert_close(weights[0].detach(), weights[1].detach(), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("step", "want"), [(0, 1.0), (199_999, 1.0), (200_000, 0.5), (600_000, 0.125)]
)
def test_the_rate_of_plain_networks_halves_three_times(step, want):
    assert optimisers.halving(step, 1.0) == want


def test_the_cosine_falls_from_the_rate_to_the_end():
    assert optimisers.cosine(0, 10, 2e-4, 1e-6) == pytest.approx(2e-4)
    assert optimisers.cosine(10, 10, 2e-4, 1e-6) == pytest.approx(1e-6)


def test_the_average_keeps_more_of_itself_the_longer_it_runs():
    kept = [optimisers.decay(step) for step in range(0, 100_000, 10)]
    assert kept == sorted(kept)
    assert kept[0] == 0
    assert kept[-1] == 0.995


def test_between_its_steps_the_average_stays_and_whole_numbers_are_copied():
    average = {"w": torch.zeros(2, dtype=torch.float64), "count": torch.tensor(0)}
    weights = {"w": torch.ones(2), "count": torch.tensor(7)}
    optimisers.move_average(average, weights, optimisers.decay(151))
    assert_close(average, {"w": torch.zeros(2, dtype=torch.float64), "count": torch.tensor(7)})
    optimisers.move_average(average, weights, 0.25)
    assert_close(average["w"], torch.full((2,), 0.75, dtype=torch.float64))
