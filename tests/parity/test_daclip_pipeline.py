"""The method end to end: a photograph in 8 bits -> what DA-CLIP says -> a walk -> 8 bits again.

The golden has no weights of its own; it takes those of the packs that its keys name. What the
network guesses is mixed with a guess that keeps the walk in range, in place of training.
"""

import re
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from clip_degradation.checkpoints import from_published
from clip_degradation.model import build
from clip_degradation.preprocessing import squares
from restoration.mean_reverting import schedule
from restoration.methods.daclip_irsde import DaclipIrsdeParams, MeanReverting
from restoration.methods.irsde_systems import System
from restoration.noise import recorded
from tests.parity.irsde_networks import filled
from tests.tolerances import LEVEL, NETWORK, WALK

PACK = "daclip_pipeline"
PARTS = re.compile(r"out\.(irsde_unet\w*)\.(posterior|sde)(\d+)\.restored_float")
BLENDING = 2 * WALK
"""The controller's rounding is carried through the whole walk."""
FEW = 0.005
"""Share of grey levels that rounding may move by one."""


class InRange(nn.Module):
    """The network of the golden: half of the trained one, and what leads back to mu."""

    def __init__(self, network, lam):
        super().__init__()
        self.network, self.lam = network, lam
        self.use_degra_context = network.use_degra_context

    def forward(self, x_t, mu, time, *contexts):
        return 0.9 * (x_t - mu) / self.lam + 0.5 * self.network(x_t, mu, time, *contexts)


@pytest.fixture
def photo(pack):
    return pack.tensors["in.photo_uint8_rgb_hwc"].permute(2, 0, 1)[None] / 255


@pytest.fixture
def controller(pack):
    home = beside(pack, "daclip_model")
    model = build(home.config)
    model.load_state_dict(from_published(home.weights, file="golden"), assign=True)
    return model.eval()


def beside(pack, name):
    """The golden of another pack of the same side."""
    return type(pack)(pack.path.parents[1] / name / pack.path.name)


def has_weights(pack, part):
    return beside(pack, part[0]).path.with_suffix(".safetensors").is_file()


def parts(pack):
    """(network, walk, steps) of each walk that the golden recorded and whose weights are there."""
    found = [match.groups() for key in pack.tensors if (match := PARTS.fullmatch(key))]
    return [part for part in found if has_weights(pack, part)]


def restored(pack, photo, controller, part):
    """What the method makes of the photograph, before it is clamped."""
    network, walk, steps = part
    sde = pack.config["sde"]
    lam = sde["max_sigma"] / 255
    drawn = pack.group(f"noise.{'.'.join((network, walk + steps))}")
    noise = recorded([drawn[str(i)] for i in range(len(drawn))])
    method = MeanReverting(InRange(filled(beside(pack, network)), lam), controller, System())
    params = DaclipIrsdeParams(walk=walk)
    levels = schedule(sde["schedule"], int(steps), lam=lam, left=sde["eps"], trained=sde["T"])
    embeddings = method.look(photo, params).embeddings
    *_, last = method.walk(photo, embeddings, levels, params, noise)
    return last.x_s


def test_some_walk_is_recorded_whose_weights_are_there(pack):
    assert parts(pack)


def test_the_photograph_is_prepared_as_published(pack, photo, controller):
    found = squares(photo, controller.image_size)
    assert_close(found[0], pack.tensors["out.clip_input"], atol=1e-6, rtol=0)


@torch.no_grad()
def test_what_the_network_is_told_is_the_published(pack, photo, controller):
    method = MeanReverting(nn.Identity(), controller, System())
    found = method.look(photo, DaclipIrsdeParams()).embeddings
    wanted = [pack.tensors[f"out.{name}_context"] for name in ("image", "degra")]
    assert_close([found.content, found.degradation], wanted, atol=NETWORK, rtol=NETWORK)


@torch.no_grad()
def test_every_walk_ends_where_the_published_one_does(pack, photo, controller):
    restore = partial(restored, pack, photo, controller)
    for part in parts(pack):
        want = pack.tensors[f"out.{part[0]}.{part[1]}{part[2]}.restored_float"]
        assert_close(restore(part), want, atol=BLENDING, rtol=0)


@torch.no_grad()
def test_the_pictures_in_8_bits_are_the_published(pack, photo, controller):
    restore = partial(restored, pack, photo, controller)
    for part in parts(pack):
        want = pack.tensors[f"out.{part[0]}.{part[1]}{part[2]}.restored_uint8_rgb_hwc"].int()
        found = (restore(part).clamp(0, 1) * 255).round().int()[0].permute(1, 2, 0)
        off = (found - want).abs()
        assert off.max() <= LEVEL
        assert (off > 0).float().mean() < FEW
