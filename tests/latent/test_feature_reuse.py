"""Steps that reuse deep features of those before, on tiny untrained networks."""

import pytest
import torch
from torch.testing import assert_close

from restoration.latent.feature_reuse import Kept, Network, Turns, shallow, with_deep
from restoration.networks import stable_diffusion as networks
from restoration.noise import seeded
from tests.tiny_diffbir import CONTROL, UNET, filled


@pytest.fixture(scope="module")
def pair():
    return filled(networks.new_unet, UNET, 1), filled(networks.new_control, CONTROL, 2)


def asked(batch=1, seed=0):
    """x_t, c, t, context."""
    noise = seeded(seed)
    x, c = (noise(torch.empty(batch, 4, 16, 24)) for _ in range(2))
    words = noise(torch.empty(batch, 2, UNET["cross_attention_dim"]))
    return x, c, torch.full((batch,), 500.0 - 20 * seed), words


@torch.no_grad()
def answers(pair, every, *calls):
    """One call for each step."""
    turns = Turns(every)
    network = Network(*pair, 0.7, turns)
    made = []
    for call in calls:
        turns.next_step()
        made.append(network(*call))
    return made


def test_nothing_is_reused_unless_it_is_asked_for(pair):
    one, two = asked(), asked(seed=1)
    assert torch.equal(answers(pair, 1, one, two)[1], answers(pair, 1, two)[0])


def test_the_same_question_gets_the_same_answer_from_what_is_kept(pair):
    anew, reused = answers(pair, 2, asked(), asked())
    assert_close(reused, anew, atol=1e-5, rtol=1e-5)


def test_another_question_gets_an_answer_of_its_own(pair):
    anew, reused = answers(pair, 2, asked(), asked(seed=1))
    assert not torch.equal(anew, reused)
    assert not torch.equal(reused, answers(pair, 1, asked(seed=1))[0])


def test_every_so_many_steps_all_is_made_anew(pair):
    calls = [asked(seed=seed) for seed in range(4)]
    whole, reused = answers(pair, 1, *calls), answers(pair, 3, *calls)
    assert [torch.equal(*both) for both in zip(whole, reused, strict=True)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_step_of_another_batch_reuses_nothing(pair):
    calls = [asked(), asked(batch=2, seed=1)]
    assert torch.equal(answers(pair, 2, *calls)[1], answers(pair, 1, *calls)[1])


def test_each_tile_has_its_own_features(pair):
    left, right = asked(seed=0), asked(seed=1)
    turns = Turns(2)
    network = Network(*pair, 1.0, turns)
    made = []
    for _ in range(2):
        turns.next_step()
        made.append([network(*left), network(*right)])
    assert_close(made[1], made[0], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_reused_step_runs_no_deep_block(pair):
    unet, control = pair
    x, c, t, words = asked()
    taps = networks.residuals(control, x, c, t, words)
    _, deep = with_deep(unet, x, t, words, taps)
    ran = []
    blocks = [*unet.down_blocks[1:], unet.mid_block, *unet.up_blocks[:-1]]
    handles = [block.register_forward_hook(lambda *_: ran.append(1)) for block in blocks]
    shallow(unet, x, t, words, Kept(deep, tuple(taps[: len(unet.up_blocks[-1].resnets)])))
    for handle in handles:
        handle.remove()
    assert not ran


@torch.no_grad()
def test_half_precision_can_be_reused_too():
    pair = filled(networks.new_unet, UNET, 1), filled(networks.new_control, CONTROL, 2)
    for network in pair:
        networks.half_torso(network, torch.bfloat16)
    anew, reused = answers(pair, 2, asked(), asked())
    assert reused.dtype == torch.float32
    assert_close(reused, anew, atol=0.02, rtol=0.02)
