"""Mean-reverting networks learn from the published loss."""

import pytest
from torch.testing import assert_close

from restoration import mean_reverting
from restoration.training import irsde_losses
from tests.tolerances import ARITHMETIC

PACK = "daclip_losses"
CLOSE = {"atol": ARITHMETIC, "rtol": ARITHMETIC}
EACH_NORM = pytest.mark.parametrize("norm", ["l1", "l2"])


@pytest.fixture
def levels(pack):
    """Theta_bar of each state of the pack and of the next cleaner one, and lambda."""
    config, t = pack.config, pack.tensors["in.timesteps"]
    schedule = mean_reverting.schedule(
        config["schedule"], config["T"], lam=config["max_sigma"] / 255, left=config["eps"]
    )
    theta_bar = schedule.theta_bar
    return theta_bar[t].float(), theta_bar[t - 1].float(), schedule.lam


@pytest.fixture
def state(pack, levels):
    gt, lq, noise = (pack.tensors[f"in.{name}"] for name in ("gt", "lq", "state_noise"))
    tb_t, _, lam = levels
    return mean_reverting.noised(gt, lq, noise, tb_t, lam)


def test_the_state_that_the_network_is_shown_is_the_published(pack, state):
    assert_close(state, pack.tensors["out.irsde.state"], **CLOSE)


@EACH_NORM
def test_the_matching_loss_and_its_gradient_are_the_published(pack, levels, state, norm):
    gt, lq = pack.tensors["in.gt"], pack.tensors["in.lq"]
    eps = pack.tensors["in.eps_pred"].clone().requires_grad_()
    loss = irsde_losses.matching_loss(eps, state, gt, lq, levels, norm)
    loss.backward()
    assert_close(loss.detach().view(1), pack.tensors[f"out.irsde.{norm}.loss"], **CLOSE)
    assert_close(eps.grad, pack.tensors[f"out.irsde.{norm}.grad_eps"], **CLOSE)
