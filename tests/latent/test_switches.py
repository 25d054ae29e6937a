"""Switches change how a network runs and not what it answers; on tiny untrained networks."""

import pytest
import torch
from torch.testing import assert_close

from restoration.latent import switches
from restoration.latent.switches import REPEATED, lacking, switched
from restoration.networks import stable_diffusion as networks
from restoration.noise import seeded
from restoration.runtime import Device
from tests.tiny_diffbir import AUTOENCODER, CONTROL, UNET, filled


@torch.no_grad()
def answer(*switches, dtype=torch.float32):
    """Of U-Net and control branch together."""
    device = Device("cpu", "float32", frozenset(switches))
    unet, control = filled(networks.new_unet, UNET, 1), filled(networks.new_control, CONTROL, 2)
    for network in (unet, control):
        if dtype != torch.float32:
            networks.half_torso(network, dtype)
        switched(network, device)
    noise = seeded(0)
    x, c = (noise(torch.empty(2, 4, 16, 24)) for _ in range(2))
    words = noise(torch.empty(2, 3, UNET["cross_attention_dim"]))
    return networks.predict(unet, x, 500, words, networks.residuals(control, x, c, 500, words))


@pytest.mark.parametrize(
    "chosen", [("attention-slicing",), ("channels-last",), ("attention-slicing", "channels-last")]
)
def test_a_switch_leaves_the_answer_as_it_is(chosen):
    assert_close(answer(*chosen), answer(), atol=1e-5, rtol=1e-5)


def test_switches_work_in_half_precision():
    found = answer("attention-slicing", "channels-last", dtype=torch.bfloat16)
    assert_close(found, answer(dtype=torch.bfloat16), atol=0.05, rtol=0.05)


def test_attention_is_sliced_in_every_layer_of_the_u_net():
    sliced = switched(
        networks.new_unet(UNET), Device("cpu", "float32", frozenset({"attention-slicing"}))
    )
    kinds = {type(one).__name__ for one in sliced.attn_processors.values()}
    assert kinds == {"SlicedAttnProcessor"}


@torch.no_grad()
def test_an_autoencoder_takes_all_switches_that_it_has():
    x = seeded(0)(torch.empty(1, 3, 32, 32))
    plain = filled(networks.new_autoencoder, AUTOENCODER)
    want = plain.encode(x).latent_dist.mode()
    chosen = Device("cpu", "float32", frozenset({"attention-slicing", "channels-last"}))
    assert_close(switched(plain, chosen).encode(x).latent_dist.mode(), want, atol=1e-5, rtol=1e-5)


def test_without_a_compiler_the_network_runs_as_it_is(monkeypatch):
    monkeypatch.setattr(switches, "COMPILERS", ("no-such-compiler",))
    with pytest.warns(UserWarning, match=r"Nothing is compiled: a C\+\+ compiler is not on this"):
        found = answer("compile")
    assert_close(found, answer())


def test_the_repeated_blocks_are_those_of_both_networks():
    for network in (networks.new_unet(UNET), networks.new_control(CONTROL)):
        assert REPEATED in {type(part).__name__ for part in network.modules()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(bool(lacking("cpu")), reason="nothing to compile with")
@torch.no_grad()
def test_compiled_blocks_answer_the_same():
    part = filled(networks.new_unet, UNET, 1).mid_block.attentions[0]
    x = seeded(0)(torch.empty(1, UNET["block_out_channels"][-1], 8, 8))
    words = seeded(1)(torch.empty(1, 3, UNET["cross_attention_dim"]))
    want = part(x, words, return_dict=False)[0]
    switched(part, Device("cpu", "float32", frozenset({"compile"})))
    assert_close(part(x, words, return_dict=False)[0], want, atol=1e-4, rtol=1e-4)
