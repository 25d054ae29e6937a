"""A prior is trained with the loss that Gen2Res fine-tunes with, and with its gradients."""

from itertools import count, takewhile

import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.networks import guided_unet
from restoration.training.prior import hybrid_loss
from tests.tolerances import ARITHMETIC, NETWORK

PACK = "gen2res"
RATE, LAST = 1e-5, 3000
"""The rate of the recorded fine-tuning falls from RATE to nothing in LAST steps."""


@pytest.fixture
def tuned(pack):
    """(squared error, bound, gradients) of each recorded step of fine-tuning."""
    network = guided_unet.build(pack.config)
    state = guided_unet.from_published(pack.weights, pack.config)
    weights.load_into(network, state, file=pack.info["weights_file"])
    optimizer = torch.optim.AdamW(network.requires_grad_().parameters(), RATE, weight_decay=0)
    given, found = pack.tensors, []
    for step in steps(pack):
        x0 = given["in.ft.album"][given[f"in.ft.index_{step}"].long()]
        t = given[f"in.ft.t_{step}"].long()
        mse, bound = hybrid_loss(network, x0, given[f"noise.ft.{step}"], t)
        optimizer.zero_grad()
        (mse + bound).mean().backward()
        gradients = {key: value.grad.clone() for key, value in network.named_parameters()}
        found.append((mse.detach(), bound.detach(), gradients))
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / LAST)
        optimizer.step()
    return found


def steps(pack):
    return takewhile(lambda step: f"in.ft.t_{step}" in pack.tensors, count())


def test_the_squared_error_is_the_same(pack, tuned):
    for step, (mse, _, _) in enumerate(tuned):
        assert_close(mse, pack.tensors[f"out.ft.mse_{step}"], atol=NETWORK, rtol=0)


def test_the_variational_bound_is_the_same(pack, tuned):
    for step, (_, bound, _) in enumerate(tuned):
        assert_close(bound, pack.tensors[f"out.ft.vb_{step}"], atol=NETWORK, rtol=0)


def test_the_gradients_are_the_same(pack, tuned):
    for step, (_, _, gradients) in enumerate(tuned):
        published = pack.group(f"out.ft.grad_{step}")
        for key, want in guided_unet.from_published(published, pack.config).items():
            assert_close(gradients[key], want, atol=ARITHMETIC, rtol=1e-3)
