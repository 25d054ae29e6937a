"""An autoencoder in bands gives what it gives untiled."""

import pytest
import torch
from diffusers import AutoencoderKL
from torch import nn
from torch.testing import assert_close

from restoration.latent.tiled_autoencoder import (
    FeatureMap,
    decode,
    decoding,
    encode_moments,
    encoding,
    num_bands,
)
from restoration.networks.autoencoder_layers import Convolve
from restoration.networks.stable_diffusion import half_torso
from restoration.noise import seeded

SIZES = [(37, 31), (40, 64), (71, 130)]
CPU = torch.device("cpu")


def tiny_autoencoder(blocks=4, *, attends=True, convolves_latents=True):
    """With weights by chance under which every norm matters."""
    network = AutoencoderKL(
        block_out_channels=[16] * (blocks - 1) + [32],
        down_block_types=["DownEncoderBlock2D"] * blocks,
        up_block_types=["UpDecoderBlock2D"] * blocks,
        layers_per_block=1,
        norm_num_groups=8,
        latent_channels=4,
        mid_block_add_attention=attends,
        use_quant_conv=convolves_latents,
        use_post_quant_conv=convolves_latents,
    )
    noise = seeded(0)
    for values in network.parameters():
        spread = values[0].numel() ** -0.5 if values.ndim > 1 else 0.1
        values.data = noise(values.data) * spread + (values.ndim == 1)
    return network.requires_grad_(False).eval()


@pytest.fixture(scope="module")
def autoencoder():
    return tiny_autoencoder()


def picture(height, width):
    """Smooth, with more contrast on one side than on the other."""
    y, x = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    return torch.stack([torch.sin(9 * x + 5 * y), x * torch.cos(20 * y), y * torch.cos(9 * x)])[
        None
    ]


def latents(height, width):
    return seeded(1)(torch.empty(1, 4, height, width)) + torch.linspace(-1, 1, height)[:, None]


def second_difference(x, rows):
    return (x[..., rows - 1, :] - 2 * x[..., rows, :] + x[..., rows + 1, :]).abs().mean()


@pytest.mark.parametrize("tile", [8, 20, 32])
@pytest.mark.parametrize("size", SIZES)
def test_moments_are_those_of_the_whole_picture(autoencoder, size, tile):
    image = picture(*size)
    expected = autoencoder.encode(image).latent_dist.parameters
    assert_close(encode_moments(autoencoder, image, tile), expected, atol=5e-5, rtol=0)


@pytest.mark.parametrize("tile", [8, 40, 64])
@pytest.mark.parametrize("size", [(5, 7), (9, 12)])
def test_the_picture_is_that_of_the_whole_latents(autoencoder, size, tile):
    z = latents(*size)
    assert_close(decode(autoencoder, z, tile), autoencoder.decode(z).sample, atol=5e-5, rtol=0)


@pytest.mark.parametrize("tile", [None, 64])
def test_what_fits_one_tile_is_worked_untiled(autoencoder, tile):
    image, z = picture(37, 31), latents(8, 8)
    moments = autoencoder.encode(image).latent_dist.parameters
    assert torch.equal(encode_moments(autoencoder, image, tile), moments)
    assert torch.equal(decode(autoencoder, z, tile), autoencoder.decode(z).sample)


def test_an_autoencoder_without_attention_and_latent_convolutions_is_walked_too():
    network = tiny_autoencoder(blocks=3, attends=False, convolves_latents=False)
    image, z = picture(41, 50), latents(11, 13)
    moments = network.encode(image).latent_dist.parameters
    assert_close(encode_moments(network, image, 16), moments, atol=5e-5, rtol=0)
    assert_close(decode(network, z, 16), network.decode(z).sample, atol=5e-5, rtol=0)


def test_it_is_closer_to_the_whole_than_tiles_worked_alone(autoencoder):
    image, z = picture(64, 96), latents(8, 12)
    moments, whole = autoencoder.encode(image).latent_dist.parameters, autoencoder.decode(z).sample
    alone = tiny_autoencoder()
    alone.enable_tiling()
    alone.tile_sample_min_size, alone.tile_latent_min_size = 32, 4
    far = (alone.encode(image).latent_dist.parameters - moments).abs().mean()
    assert (encode_moments(autoencoder, image, 32) - moments).abs().mean() < far / 1000
    far = (alone.decode(z).sample - whole).abs().mean()
    assert (decode(autoencoder, z, 32) - whole).abs().mean() < far / 1000


def test_there_are_no_seams(autoencoder):
    z = latents(16, 64)
    rows = torch.arange(8, 128, 8)  # alike for a network with strides; every second is a border
    banded, whole = (
        second_difference(x, rows[1::2]) / second_difference(x, rows[::2])
        for x in (decode(autoencoder, z, 91), autoencoder.decode(z).sample)
    )
    assert_close(banded, whole, rtol=0.05, atol=0)


def test_every_band_is_a_step_and_the_last_one_has_the_result(autoencoder):
    steps = list(decoding(autoencoder, latents(4, 4), 16))
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))
    assert [step.result is None for step in steps] == [True] * (len(steps) - 1) + [False]


@pytest.mark.parametrize(
    "tile", [None, 16, 92, 200]
)  # 92 holds the latents' 64 x 128, not 71 x 130
def test_the_steps_are_known_before(autoencoder, tile):
    image = picture(71, 130)
    *_, there = encoding(autoencoder, image, tile)
    *_, back = decoding(autoencoder, latents(8, 16), tile)
    assert num_bands(autoencoder, 71, 130, tile) == (there.total, back.total)


def test_nothing_is_worked_once_it_is_closed(autoencoder):
    worked = []
    watch = autoencoder.encoder.mid_block.attentions[0].to_q.register_forward_hook(
        lambda *_: worked.append(1)
    )
    steps = encoding(autoencoder, picture(37, 31), 16)
    next(steps)
    steps.close()
    watch.remove()
    assert worked == []


def test_maps_may_rest_on_another_device(autoencoder):
    *_, elsewhere = encoding(autoencoder, picture(37, 31), 16, home="cpu")
    assert torch.equal(elsewhere.result, encode_moments(autoencoder, picture(37, 31), 16))


def test_half_precision_stays_near(autoencoder):
    z = latents(5, 7)
    half = decode(tiny_autoencoder().bfloat16(), z, 16)
    whole = decode(autoencoder, z, 16)
    assert half.dtype == torch.float32
    assert (half - whole).abs().mean() < 0.02 * whole.std()


def test_a_network_in_mixed_precision_is_worked_in_the_same():
    mixed = half_torso(tiny_autoencoder(), torch.bfloat16)
    image, z = picture(37, 31), latents(5, 7)
    moments, whole = mixed.encode(image).latent_dist.parameters, mixed.decode(z).sample
    assert (encode_moments(mixed, image, 16) - moments).abs().mean() < 0.02 * moments.std()
    assert (decode(mixed, z, 16) - whole).abs().mean() < 0.02 * whole.std()


def test_the_spread_between_bands_counts():
    whole = seeded(0)(torch.empty(1, 6, 12, 5)) + torch.linspace(-9, 9, 12)[:, None]
    norm = nn.GroupNorm(2, 6).requires_grad_(False)
    banded = FeatureMap(CPU, CPU)
    for band in whole.split([5, 1, 6], dim=-2):
        banded.add(band)
    factor, summand = banded.affine(norm)
    assert_close(whole * factor + summand, norm(whole), atol=1e-5, rtol=0)


def test_rows_are_read_across_bands_and_forgotten_in_order():
    whole = torch.arange(24.0).view(1, 1, 8, 3)
    banded = FeatureMap(CPU, CPU)
    for band in whole.split(3, dim=-2):
        banded.add(band)
    assert torch.equal(banded.rows(2, 7), whole[..., 2:7, :])
    banded.forget(5)  # the second band ends at 6
    assert torch.equal(banded.rows(3, 8), whole[..., 3:8, :])


@pytest.mark.parametrize("side", [7, 8])
def test_a_layer_knows_its_size_and_the_rows_it_needs(side):
    plain = Convolve(nn.Conv2d(1, 1, 3, padding=1))
    halving = Convolve(nn.Conv2d(1, 1, 3, stride=2), halves=True)
    doubling = Convolve(nn.Conv2d(1, 1, 3, padding=1), enlarges=True)
    layers = (plain, halving, doubling)
    assert [layer.size(side) for layer in layers] == [side, side // 2, 2 * side]
    assert [layer.needs(2, 4) for layer in layers] == [(1, 5), (4, 9), (1, 5)]
