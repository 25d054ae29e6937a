"""Mean-reverting networks are optimised as published: Lion, rates and the running average."""

import torch
from torch.testing import assert_close

from restoration.training import optimisers
from tests.tolerances import ARITHMETIC, TABLE

PACK = "daclip_losses"


def test_lion_moves_as_published(pack):
    weight = pack.tensors["in.w0"].clone().requires_grad_()
    lion = optimisers.Lion([weight], **pack.config["lion"])
    found = []
    for grad in pack.tensors["in.grads"]:
        weight.grad = grad.clone()
        lion.step()
        found.append(weight.detach().clone())
    want = [pack.tensors[f"out.lion.after{i + 1}"] for i in range(len(found))]
    assert_close(found, want, atol=1e-7, rtol=1e-7)


def test_the_rate_of_the_controller_is_the_published(pack):
    steps = (0, 1, 50, 99, 100, 101, 500, 999)
    found = [optimisers.warmed_cosine(step, 1000, 3e-5, 100) for step in steps]
    want = pack.tensors["out.openclip_cosine_lr"]
    assert_close(torch.tensor(found, dtype=torch.float64), want, atol=TABLE, rtol=0)


def test_the_rate_of_the_networks_is_the_published(pack):
    steps = (0, 1, 10, 100, 350, 699)
    found = [optimisers.cosine(step, 700, 2e-4, 1e-6) for step in steps]
    want = pack.tensors["out.true_cosine_lr_scaled_700"]
    assert_close(torch.tensor(found, dtype=torch.float64), want, atol=TABLE, rtol=0)


def test_the_running_average_is_the_published(pack):
    path, found = pack.tensors["in.ema_path"], []
    average = {"w": torch.zeros(path.shape[1])}
    for step, weights in enumerate(path):
        optimisers.move_average(average, {"w": weights}, optimisers.decay(step))
        found.append(average["w"].clone())
    kept = torch.stack([found[step] for step in (0, 9, 10, 99, 100, 101, 110, 120, 150, 199)])
    assert_close(kept, pack.tensors["out.ema"], atol=ARITHMETIC, rtol=ARITHMETIC)
