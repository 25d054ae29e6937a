"""A prior is fine-tuned as Gen2Res does: the same losses, gradients and weights."""

from itertools import count, takewhile

import pytest
import torch
from torch.testing import assert_close

from restoration import weights
from restoration.albums.knobs import TuneParams
from restoration.networks import guided_unet
from restoration.training.fine_tuning import Mark, Tuner, rate_of, trainable
from restoration.training.prior import hybrid_loss
from tests.tolerances import ARITHMETIC, NETWORK

PACK = "gen2res"
RECORDED = TuneParams(way="full", steps=3000, learning_rate=1e-5, dropout=0)
"""The golden is the beginning of such a fine-tuning."""


@pytest.fixture
def tuned(pack):
    """(squared error, bound, gradients, loss, weights after it) of each recorded step."""
    network = guided_unet.build(pack.config)
    state = guided_unet.from_published(pack.weights, pack.config)
    weights.load_into(network, state, file=pack.info["weights_file"])
    tuner, mark, found = Tuner.ready(trainable(network, RECORDED)), Mark(), []
    for step in steps(pack):
        batch = recorded(pack, step)
        mse, bound = hybrid_loss(tuner.network, *batch)
        gradients = gradients_of((mse + bound).mean(), tuner.network)
        loss = tuner.learn(batch, rate_of(RECORDED, mark))
        mark = mark.after(RECORDED, loss, seconds=0.0)
        after = {key: value.clone() for key, value in tuner.weights().items()}
        found.append((mse.detach(), bound.detach(), gradients, loss, after))
    return found


def steps(pack):
    return takewhile(lambda step: f"in.ft.t_{step}" in pack.tensors, count())


def recorded(pack, step):
    given = pack.tensors
    x0 = given["in.ft.album"][given[f"in.ft.index_{step}"].long()]
    return x0, given[f"noise.ft.{step}"], given[f"in.ft.t_{step}"].long()


def gradients_of(loss, network):
    named = dict(network.named_parameters())
    return dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))


def test_the_squared_error_is_the_same(pack, tuned):
    for step, (mse, *_) in enumerate(tuned):
        assert_close(mse, pack.tensors[f"out.ft.mse_{step}"], atol=NETWORK, rtol=0)


def test_the_variational_bound_is_the_same(pack, tuned):
    for step, (_, bound, *_) in enumerate(tuned):
        assert_close(bound, pack.tensors[f"out.ft.vb_{step}"], atol=NETWORK, rtol=0)


def test_the_gradients_are_the_same(pack, tuned):
    for step, (_, _, gradients, *_) in enumerate(tuned):
        published = pack.group(f"out.ft.grad_{step}")
        for key, want in guided_unet.from_published(published, pack.config).items():
            assert_close(gradients[key], want, atol=ARITHMETIC, rtol=1e-3)


def test_the_loss_is_the_same(pack, tuned):
    for step, (_, _, _, loss, _) in enumerate(tuned):
        want = float(pack.tensors[f"out.ft.loss_{step}"])
        assert loss == pytest.approx(want, abs=NETWORK, rel=0)


def test_the_weights_after_each_step_are_the_same(pack, tuned):
    for step, (*_, after) in enumerate(tuned):
        published = pack.group(f"out.ft.weight_after_{step}")
        for key, want in guided_unet.from_published(published, pack.config).items():
            assert_close(after[key], want, atol=ARITHMETIC, rtol=0)


def test_the_rate_falls_along_the_published_line():
    rates = [rate_of(RECORDED, Mark(step=step)) for step in range(4)]
    assert rates == pytest.approx([1e-5, 1e-5, 1e-5 * 2999 / 3000, 1e-5 * 2998 / 3000], rel=1e-12)
