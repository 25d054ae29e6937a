"""DiffBIR's stage 2 as its knobs ask for it, on tiny untrained networks."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from restoration import memory_plan
from restoration.latent import prompts
from restoration.latent.diffusion import Glance, LatentNetworks
from restoration.latent.schedule import stable_diffusion, stable_diffusion_zero_snr
from restoration.methods.diffbir import CLEANERS, Diffbir, DiffbirParams, Stage1, Stage2
from restoration.methods.diffbir_systems import VARIANTS
from restoration.networks import stable_diffusion as networks
from restoration.noise import seeded
from restoration.params import build
from restoration.protocol import Request, finish
from restoration.runtime import Device
from tests.tiny_diffbir import AUTOENCODER, CONTROL, UNET, filled

CPU = Device("cpu", "float32")
MINI = VARIANTS[-1]
TEXT = {
    **networks.TEXT,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
}
ROOMY = memory_plan.plan(
    memory_plan.Job(64, 64), memory_plan.Cuts(), memory_plan.DIFFBIR, float("inf"), 1
)


@pytest.fixture(scope="module")
def parts():
    """U-Net, control branch, autoencoder."""
    return (
        filled(networks.new_unet, UNET, 1),
        filled(networks.new_control, CONTROL, 2),
        filled(networks.new_autoencoder, AUTOENCODER, 3),
    )


@pytest.fixture(scope="module")
def text():
    return filled(networks.new_text, TEXT, 4)


@pytest.fixture(scope="module")
def stage2(parts, text):
    """Of the kind of v1 and v2: eps, a trace of the picture to the end, and words."""
    return Stage2(LatentNetworks(*parts, stable_diffusion()), text)


class Softening(nn.Module):
    """A stage 1 that halves the contrast."""

    def forward(self, x):
        return 0.25 + x / 2


def system(stage2, plan=ROOMY):
    stage1 = Stage1(Softening(), CLEANERS["mini"], "cpu", torch.float32)
    return Diffbir(stage1, lambda offloaded: stage2, lambda degraded, params: plan)


def picture(height=64, width=80):
    y, x = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    planes = [torch.sin(9 * x + 5 * y), x * torch.cos(20 * y), y * torch.cos(9 * x)]
    return torch.stack(planes)[None] / 2 + 0.5


def params(**knobs):
    return build(DiffbirParams, {"stages": "both", "steps": 2} | knobs)


def steps(stage2, degraded=None, seed=0, **knobs):
    request = Request(picture() if degraded is None else degraded)
    return system(stage2)(request, params(**knobs), seeded(seed))


def restored(stage2, degraded=None, seed=0, **knobs):
    return finish(steps(stage2, degraded, seed, **knobs))


def differs(one, other):
    return not torch.equal(one, other)


def test_no_realness_is_stage_1(stage2):
    assert torch.equal(restored(stage2, realness=0.0), restored(stage2, stages="clean-up"))


def test_realness_goes_straight_from_stage_1_to_stage_2(parts):
    calm = Stage2(LatentNetworks(*parts, stable_diffusion_zero_snr()))
    degraded, faint = 0.25 + picture() / 2, 0.01  # so that nothing leaves [0, 1]
    none, half, full = (
        restored(calm, degraded, realness=share, strength=faint) for share in (0.0, 0.5, 1.0)
    )
    assert_close(half, (none + full) / 2, atol=1e-5, rtol=0)


def test_the_more_realness_the_farther_from_stage_1_in_every_pixel(stage2):
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    made = [restored(stage2, realness=share) for share in shares]
    ways = torch.stack([(one - made[0]).abs() for one in made])
    assert (ways.diff(dim=0) > -1e-6).all()
    assert (ways[-1] > 0).any()


def test_detail_alone_starts_from_the_input(stage2):
    assert differs(restored(stage2, stages="detail"), restored(stage2, stages="both"))
    assert_close(restored(stage2, stages="detail", realness=0.0), picture(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(37, 31), (1, 1), (65, 3)], ids=str)
@pytest.mark.parametrize("padding", ["constant", "reflect"])
def test_odd_sizes_keep_their_size(stage2, size, padding):
    found = restored(stage2, picture(*size), condition_padding=padding)
    assert found.shape == (1, 3, *size)
    assert found.isfinite().all()


@pytest.mark.parametrize("sampler", ["spaced", "ddim", "dpm++_m2", "edm_dpm++_3m_sde"])
def test_steps_count_up_to_the_total_and_each_shows_a_picture(stage2, sampler):
    cut = {"detail_tiles_size": 64, "detail_tiles_autoencoder": 128}
    made = list(steps(stage2, picture(140, 190), walk_sampler=sampler, steps=3, **cut))
    assert [step.done for step in made] == list(range(1, made[-1].total + 1))
    assert {step.total for step in made} == {made[-1].total}
    for step in made:
        shown = step.estimate()
        assert shown.shape == (1, 3, 140, 190)
        assert 0 <= shown.min() <= shown.max() <= 1


def test_the_stages_are_named_in_the_steps(stage2):
    names = [step.note.partition(",")[0] for step in steps(stage2)]
    assert list(dict.fromkeys(names)) == ["clean-up", "detail", "done"]


def test_the_last_step_of_the_detail_shows_the_decoded_picture(stage2):
    *_, decoded, last = steps(stage2, colour_fix="none")
    assert_close(decoded.estimate(), last.estimate(), atol=1e-6, rtol=0)


def test_bands_give_the_same_picture_in_more_strides(stage2):
    degraded = picture(140, 190)
    small, large = (
        list(steps(stage2, degraded, detail_tiles_autoencoder=side)) for side in (128, 1024)
    )
    assert len(small) > len(large)
    assert_close(small[-1].estimate(), large[-1].estimate(), atol=1e-4, rtol=0)


def test_every_picture_is_encoded_once(stage2):
    seen = []
    autoencoder = stage2.networks.autoencoder
    handle = autoencoder.encoder.register_forward_hook(lambda *args: seen.append(1))
    restored(stage2, words_cfg=4.0)
    handle.remove()
    assert len(seen) == 1


@pytest.mark.parametrize(
    "knobs",
    [
        {"words_prompt": "a lake"},
        {"words_negative": "a cartoon"},
        {"words_caption": "a bird"},
        {"words_cfg": 2.0},
        {"words_rising": True},
        {"walk_start": "condition"},
        {"walk_start": "colours"},
    ],
    ids=lambda knobs: next(iter(knobs)),
)
def test_what_the_mini_has_no_part_for_changes_the_picture_of_other_systems(stage2, knobs):
    assert differs(restored(stage2), restored(stage2, **knobs))


def test_without_guidance_the_negative_prompt_does_nothing(stage2):
    one, other = (
        restored(stage2, words_cfg=1.0, words_negative=said) for said in ("a cartoon", "fog")
    )
    assert torch.equal(one, other)


def test_both_prompts_in_one_batch_give_the_same_picture(stage2):
    batched = replace(stage2, in_one_batch=True)
    assert_close(restored(batched), restored(stage2), atol=1e-4, rtol=0)


def test_a_system_without_words_is_asked_once_per_step(parts):
    mute = Stage2(LatentNetworks(*parts, stable_diffusion_zero_snr()))
    words, remarks = mute.words(DiffbirParams())
    assert words.scale == 1
    assert not remarks


def test_a_prompt_that_is_too_long_is_told_with_where_it_is_cut(stage2):
    *_, last = steps(stage2, words_prompt="lake " * 80 + "with a swan")
    assert len(last.remarks) == 1
    assert "The prompt is too long" in last.remarks[0]
    assert "lake" in last.remarks[0]


def test_the_published_prompts_are_read_whole():
    said = DiffbirParams().words
    assert not prompts.read(said.prompt).cut
    assert not prompts.read(said.negative).cut


@pytest.mark.parametrize("loss", ["mse", "w_mse"])
def test_guidance_leads_towards_stage_1_as_the_autoencoder_has_it(stage2, loss):
    pull = {"guidance_loss": loss, "steps": 3, "colour_fix": "none"}
    aim = restored(stage2, **(pull | {"guidance_loss": "mse", "guidance_share": 1.0}))
    ways = [
        (restored(stage2, guidance_share=share, **pull) - aim).square().mean()
        for share in (0.0, 0.5, 0.9)
    ]
    assert ways[0] > ways[1] > ways[2]


def test_a_full_pull_ends_at_the_condition_decoded(stage2):
    degraded = picture(64, 64)
    full = {"guidance_loss": "mse", "guidance_share": 1.0, "colour_fix": "none"}
    found = restored(stage2, degraded, stages="detail", **full)
    autoencoder = stage2.networks.autoencoder
    there = autoencoder.encode(2 * degraded - 1).latent_dist.mode()
    back = (autoencoder.decode(there).sample + 1) / 2
    assert_close(found, back.clamp(0, 1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("fix", ["wavelet", "adain"])
def test_a_colour_fix_gives_stage_2_the_mean_colours_of_stage_1(stage2, fix):
    aim = restored(stage2, stages="clean-up").mean((-2, -1))
    found, loose = (restored(stage2, colour_fix=name).mean((-2, -1)) for name in (fix, "none"))
    assert (found - aim).abs().mean() < (loose - aim).abs().mean()


def test_a_run_can_be_stopped_after_every_step(stage2):
    total = len(list(steps(stage2)))
    for count in range(1, total):
        made = steps(stage2)
        for _ in range(count):
            next(made)
        made.close()
    assert torch.is_grad_enabled()


def test_two_interleaved_requests_do_not_mix(stage2):
    one, two = picture(), picture().flip(-1)
    alone = restored(stage2, one), restored(stage2, two)
    *_, (first, second) = zip(steps(stage2, one), steps(stage2, two), strict=True)
    assert torch.equal(first.estimate(), alone[0])
    assert torch.equal(second.estimate(), alone[1])


def test_a_glance_finds_the_colours_of_latents_that_are_a_mixture_of_them():
    colours = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    mixture = seeded(1)(torch.empty(4, 3))
    latents = 3 * torch.einsum("kc,bchw->bkhw", mixture, colours)
    shown = Glance.fitted(latents, colours.repeat_interleave(4, -1).repeat_interleave(4, -2))(
        latents
    )
    assert_close(shown, colours, atol=0.02, rtol=0)


def test_a_glance_at_a_grey_picture_is_grey():
    grey = torch.full((1, 3, 64, 64), 0.4)
    assert_close(
        Glance.fitted(torch.zeros(1, 4, 8, 8), grey)(torch.ones(1, 4, 8, 8)), grey[..., :8, :8]
    )


def test_half_precision_is_nearly_the_same_and_offloading_exactly(parts, text):
    from copy import deepcopy

    halved = [networks.half_torso(deepcopy(part), torch.bfloat16) for part in (*parts, text)]
    full = Stage2(LatentNetworks(*parts, stable_diffusion()), text)
    half = Stage2(LatentNetworks(*halved[:3], stable_diffusion()), halved[3])
    away = Stage2(LatentNetworks(*parts, stable_diffusion(), offloaded=True), text)
    want = restored(full, steps=3)
    assert torch.equal(restored(away, steps=3), want)
    assert 0 < (restored(half, steps=3) - want).square().mean().sqrt() < 0.1
