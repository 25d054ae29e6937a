"""Restoration guidance leads towards the picture of stage 1 and never astray."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from restoration.latent.restoration_guidance import (
    FARTHEST,
    Guidance,
    PublishedPull,
    PullToLatent,
    PullToPicture,
    Span,
    flatness,
    loss,
    lowest,
    pooled_flatness,
    posterior_weights,
)
from restoration.latent.schedule import stable_diffusion_zero_snr
from restoration.latent.walks import SAMPLERS, Course, spaced_levels, walk
from restoration.noise import seeded
from tests.gaussian_latents import GaussianPrior

SCHEDULE = stable_diffusion_zero_snr()
ONCE, TWICE = Span(), Span(repeat=2)
STEPS = 8


def latent(seed, batch=2):
    return seeded(seed)(torch.empty(batch, 4, 6, 5))


def linear(z):
    """A toy decoder, (B, 4, h, w) -> (B, 3, 2h, 2w)."""
    kernel = 0.4 * seeded(9)(torch.empty(12, 4, 3, 3))
    return functional.pixel_shuffle(functional.conv2d(z, kernel, padding=1), 2)


def bent(z):
    """A toy decoder that is not linear."""
    return (0.7 * linear(z)).tanh() + 0.1 * linear(z)


DECODERS = pytest.mark.parametrize("decode", [linear, bent])


def picture(batch=2):
    """One that the decoders can nearly make."""
    exact = bent(latent(5, batch))
    return (exact + 0.1 * seeded(6)(exact)).clamp(-1, 1)


def half_flat():
    """(1, 3, 16, 16) in [0, 1], grey on the left and textured on the right."""
    grey = torch.full((1, 3, 16, 16), 0.5)
    grey[..., 8:] = torch.rand(8, 8, generator=torch.Generator().manual_seed(0)).repeat(2, 1)
    return grey


def walked(guide, sampler="spaced", steps=STEPS):
    start = latent(0)
    *_, last = walk(
        Course(sampler, steps), GaussianPrior(SCHEDULE), SCHEDULE, start, seeded(1), guide
    )
    return last.x_t


def published(decode, target, scale, span=ONCE):
    weights = posterior_weights(spaced_levels(STEPS, SCHEDULE))
    return PublishedPull(lambda x0: loss(decode(x0), target, None), scale, weights, span)


def test_a_flat_picture_is_held_everywhere():
    assert_close(flatness(torch.full((1, 3, 8, 6), 0.3)), torch.ones(1, 1, 8, 6), atol=1e-6, rtol=0)


def test_texture_is_left_free():
    weight = flatness(half_flat())
    assert weight.shape == (1, 1, 16, 16)
    assert weight[..., :6].min() > 0.99
    assert weight[..., 10:].mean() < 0.1
    assert weight.min() >= 0


def test_weights_are_the_same_in_blocks_of_two():
    weight = flatness(half_flat())
    assert torch.equal(weight[..., ::2, ::2], weight[..., 1::2, 1::2])


def test_odd_sides_have_weights_too():
    weight = flatness(half_flat()[..., 1:, :-1])
    assert weight.shape == (1, 1, 15, 15)
    assert weight[..., 10:].mean() < 0.1


@pytest.mark.parametrize("size", [(2, 2), (4, 8), (3, 5)])
def test_weights_of_latents_are_means(size):
    weight = pooled_flatness(half_flat(), size)
    assert weight.shape[-2:] == size
    assert 0 <= weight.min() <= weight.max() <= 1


def test_a_share_of_the_disagreement_is_removed():
    target, x0 = latent(1), latent(2)
    found = PullToLatent(target, 0.25)(x0, 500)
    assert_close(found - target, 0.75 * (x0 - target))


def test_repeating_removes_the_share_again():
    target, x0 = latent(1), latent(2)
    found = PullToLatent(target, 0.25, span=TWICE)(x0, 500)
    assert_close(found - target, 0.75**2 * (x0 - target))


def test_a_weight_says_where_to_hold():
    weight = torch.zeros(2, 1, 6, 5)
    weight[..., :2] = 1
    found = PullToLatent(latent(1), 1.0, weight)(latent(2), 500)
    assert torch.equal(found[..., 2:], latent(2)[..., 2:])
    assert_close(found[..., :2], latent(1)[..., :2])


@pytest.mark.parametrize("make", [PullToLatent, PullToPicture])
def test_a_share_of_nothing_changes_nothing(make):
    given = {PullToLatent: (latent(1), 0.0), PullToPicture: (linear, picture(), 0.0)}[make]
    assert torch.equal(make(*given)(latent(2), 500), latent(2))


@pytest.mark.parametrize(("t", "guided"), [(999, False), (798, True), (100, True), (99, False)])
def test_a_walk_is_guided_in_its_span_alone(t, guided):
    span = Span(start=800, stop=100)
    found = PullToLatent(latent(1), 0.5, span=span)(latent(2), t)
    assert (t in span) is guided
    assert torch.equal(found, latent(2)) is not guided


def test_by_default_all_steps_are_guided():
    assert all(t in ONCE for t in (0, 0.5, 999))


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("weight", [None, flatness((picture() + 1) / 2)], ids=["mse", "w_mse"])
@DECODERS
def test_every_correction_lowers_the_loss(decode, weight, share):
    guide, x0 = PullToPicture(decode, picture(), share, weight), 3 * latent(2)
    losses = [loss(decode(x0), picture(), weight)]
    for _ in range(12):
        x0 = guide(x0, 500)
        losses.append(loss(decode(x0), picture(), weight))
    assert all((after <= before).all() for before, after in pairwise(losses))


@DECODERS
def test_no_correction_moves_a_guess_beyond_the_limit(decode):
    x0 = 50 * latent(2)
    move = PullToPicture(decode, picture(), 1.0)(x0, 500) - x0
    assert move.square().mean((1, 2, 3)).sqrt().max() <= FARTHEST * (1 + 1e-5)


def brittle(z):
    """A toy decoder that breaks down where one step away from `latent(2)` leads."""
    return linear(z).where(z.abs().amax() <= latent(2).abs().amax(), torch.nan)


def test_a_step_to_where_the_decoder_breaks_down_is_not_taken():
    found = PullToPicture(brittle, -3 * picture(), 1.0)(latent(2), 500)
    assert found.isfinite().all()


@DECODERS
def test_a_guess_that_agrees_stays(decode):
    target = decode(latent(2)).detach()
    assert_close(PullToPicture(decode, target, 1.0)(latent(2), 500), latent(2))


def test_pictures_of_a_batch_are_guided_each_on_its_own():
    together = PullToPicture(bent, picture(), 1.0)(latent(2), 500)
    alone = PullToPicture(bent, picture()[1:], 1.0)(latent(2)[1:], 500)
    assert_close(together[1:], alone, atol=1e-5, rtol=0)


def test_the_lowest_point_of_a_parabola_is_found():
    """Of 3 (s - 2)^2 + 1, where the slope at 0 is -12."""
    losses, steepness, trial = (torch.tensor([value]) for value in (13.0, 12.0, 5.0))
    assert_close(lowest(losses, steepness, trial, 3 * (trial - 2) ** 2 + 1), torch.tensor([2.0]))


def test_where_the_loss_bends_down_the_trial_is_as_far_as_one_goes():
    found = lowest(*(torch.tensor([value]) for value in (10.0, 1.0, 2.0, 1.0)))
    assert_close(found, torch.tensor([2.0]))


def test_the_published_guidance_diverges_on_a_toy():
    found = walked(published(linear, picture(), 0.05, TWICE))
    assert found.abs().max() > 1e3


@pytest.mark.parametrize("sampler", SAMPLERS)
@DECODERS
def test_ours_does_not_at_its_strongest(decode, sampler):
    found = walked(PullToPicture(decode, picture(), 1.0, span=TWICE), sampler)
    assert found.abs().max() < 5
    free = loss(decode(walked(None, sampler)), picture(), None)
    assert (loss(decode(found), picture(), None) < 0.5 * free).all()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_share_leads_evenly_to_the_picture_of_stage_1(sampler):
    target = latent(1)
    shares = (0.0, 0.05, 0.2, 0.5, 0.8, 1.0)
    off = [
        float((walked(PullToLatent(target, share), sampler) - target).square().mean())
        for share in shares
    ]
    assert off == sorted(off, reverse=True)
    assert off[-1] < 1e-8


def test_gradients_do_not_leak():
    assert not PullToPicture(bent, picture(), 0.5)(latent(2), 500).requires_grad
    assert not published(bent, picture(), 0.001)(latent(2), 999).requires_grad


@pytest.mark.parametrize("loss_name", ["w_mse", "mse"])
def test_guidance_in_latents_is_a_pull_to_the_encoded_picture(loss_name):
    guide = Guidance(0.5, loss_name).towards((picture() + 1) / 2, latent(1), bent)
    weights = {"w_mse": pooled_flatness((picture() + 1) / 2, (6, 5)), "mse": torch.ones(2, 1, 6, 5)}
    want = latent(2) + 0.5 * weights[loss_name] * (latent(1) - latent(2))
    assert_close(guide(latent(2), 500), want)


@pytest.mark.parametrize("loss_name", ["w_mse", "mse"])
def test_guidance_in_rgb_is_a_pull_to_the_picture(loss_name):
    guide = Guidance(0.5, loss_name, "rgb", TWICE).towards((picture() + 1) / 2, latent(1), bent)
    weights = {"w_mse": flatness((picture() + 1) / 2), "mse": None}
    want = PullToPicture(bent, picture(), 0.5, weights[loss_name], TWICE)(latent(2), 500)
    assert_close(guide(latent(2), 500), want)


def test_no_guidance_is_no_guide():
    assert Guidance().towards((picture() + 1) / 2, latent(1), bent) is None
