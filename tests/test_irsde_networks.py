"""The networks of IR-SDE take pictures of any size, in memory that grows with their area alone."""

import re

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from restoration.networks import irsde
from restoration.networks.irsde_layers import ChannelNorm, mirrored_to_multiple
from restoration.noise import seeded

WIDTH = {"in_nc": 3, "out_nc": 3, "nf": 32}
CONTEXTS = {"context_dim": 8, "use_degra_context": True, "use_image_context": True}
SMALL = {
    "universal": WIDTH | CONTEXTS | {"ch_mult": [1, 1, 1, 1]},
    "wild": WIDTH | CONTEXTS | {"ch_mult": [1, 1], "scale": 0.5},
    "plain": WIDTH | {"depth": 2},
    "nafnet": {"width": 8, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
}
FULL = WIDTH | CONTEXTS | {"nf": 64, "ch_mult": [1, 2, 4, 8], "context_dim": 512}
QKV = 3 * 128
"""Channels of the widest tensor at full size: queries, keys and values of the linear attention."""
EACH = pytest.mark.parametrize("name", SMALL)


class Sizes(TorchDispatchMode):
    """Notes how many values each operation made."""

    def __init__(self):
        super().__init__()
        self.made = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        self.made += [one.numel() for one in tree_leaves(out) if isinstance(one, torch.Tensor)]
        return out


def network(name):
    """A small one whose weights are all random, those that begin at zero too."""
    made, noise = irsde.new(SMALL[name]), seeded(0)
    with torch.no_grad():
        for value in made.parameters():
            value.copy_(noise(value) / value[0].numel() ** 0.5)
    return made.requires_grad_(False).eval()


def casted(network):
    """All its weights in half precision."""
    return network.to(torch.bfloat16)


def autocast(network):
    """Its weights as they are, and torch casting the arithmetic."""

    def run(*args, **contexts):
        with torch.autocast("cpu", torch.bfloat16):
            return network(*args, **contexts)

    return run


def picture(height, width, seed=1, batch=1):
    return seeded(seed)(torch.empty(batch, 3, height, width)) / 4 + 0.5


def contexts(name, batch=1):
    given = {"degradation": torch.ones(batch, 8), "content": torch.ones(batch, 8)}
    return given if "context_dim" in SMALL[name] else {}


@EACH
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 23), (2, 3), (17, 5)])
def test_a_picture_of_any_size_is_taken(name, height, width):
    x_t, mu = picture(height, width), picture(height, width, seed=2)
    out = network(name)(x_t, mu, 5, **contexts(name))
    assert out.shape == x_t.shape
    assert out.isfinite().all()


@EACH
def test_pictures_of_a_batch_do_not_mix(name):
    x_t, mu, t = picture(9, 14, batch=3), picture(9, 14, seed=2, batch=3), torch.tensor([3, 50, 99])
    made = network(name).double()
    together = made(x_t, mu, t, **contexts(name, batch=3))
    alone = made(x_t[1:2], mu[1:2], 50, **contexts(name))
    assert_close(together[1:2], alone, atol=1e-6, rtol=1e-5)


@EACH
def test_the_time_is_heard(name):
    x_t, mu, made = picture(8, 8), picture(8, 8, seed=2), network(name)
    outputs = [made(x_t, mu, t, **contexts(name)) for t in (1, 2, 2.5)]
    assert not torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[1], outputs[2])


@pytest.mark.parametrize("context", ["degradation", "content"])
def test_a_context_is_heard(context):
    x_t, mu, made = picture(8, 8), picture(8, 8, seed=2), network("universal")
    given = contexts("universal")
    other = given | {context: torch.arange(8.0)[None]}
    assert not torch.equal(made(x_t, mu, 5, **given), made(x_t, mu, 5, **other))


def test_contexts_that_a_network_was_not_built_for_change_nothing():
    x_t, mu, made = picture(8, 8), picture(8, 8, seed=2), network("plain")
    given = {"degradation": torch.ones(1, 8), "content": torch.ones(1, 8)}
    assert torch.equal(made(x_t, mu, 5, **given), made(x_t, mu, 5))


def test_a_network_that_attends_to_the_content_asks_for_it():
    with pytest.raises(ValueError, match="attends to the content of the picture: pass `content`"):
        network("wild")(picture(8, 8), picture(8, 8), 5)


@pytest.mark.slow
def test_no_operation_of_the_full_universal_network_is_quadratic_in_the_area():
    """Run on tensors without values; torch takes the attention that it takes on a CPU."""
    side = 1024
    with FakeTensorMode(), torch.no_grad(), Sizes() as sizes:
        made = irsde.new(FULL)
        x_t, context = torch.empty(1, 3, side, side), torch.empty(1, 512)
        made(x_t, x_t, 50, context, context)
    assert max(sizes.made) == QKV * side**2


@EACH
def test_what_is_half_is_neither_the_time_nor_the_norm_of_channels_nor_an_end(name):
    made = irsde.half_torso(network(name), torch.bfloat16)
    half = {key for key, value in made.state_dict().items() if value.dtype == torch.bfloat16}
    kept = re.compile(r"mlp|prompt|\.g$|beta$|gamma$|^(init_conv|final_conv|intro|ending)\.")
    assert half == {key for key in made.state_dict() if not kept.search(key)}


@EACH
@pytest.mark.parametrize("lower", [casted, autocast])
def test_however_it_is_lowered_it_gives_nearly_the_same_in_float32(name, lower):
    x_t, mu, given = picture(16, 16), picture(16, 16, seed=2), contexts(name)
    found, want = lower(network(name))(x_t, mu, 5, **given), network(name)(x_t, mu, 5, **given)
    assert found.dtype == torch.float32
    assert 0 < (found - want).norm() / want.norm() < 0.05


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_the_norm_of_channels_is_computed_in_float32_whatever_comes_in(dtype):
    """Of values so alike that eps decides: in half precision they would be all the same."""
    norm = ChannelNorm(4)
    x = torch.tensor([1.0, 1.0, 1.0, 1.0078125]).view(1, 4, 1, 1)
    assert_close(norm(x.to(dtype)).float(), norm(x), atol=1e-2, rtol=0)


def test_where_it_can_be_reflected_a_picture_is_padded_as_published():
    x = picture(9, 14)
    assert torch.equal(
        mirrored_to_multiple(x, 8), torch.nn.functional.pad(x, (0, 2, 0, 7), mode="reflect")
    )


def test_a_picture_that_fits_is_left_as_it_is():
    x = picture(8, 16)
    assert mirrored_to_multiple(x, 8) is x
