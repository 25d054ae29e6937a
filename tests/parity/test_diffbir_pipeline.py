"""DiffBIR as a whole gives the published pictures; its networks are those of other packs."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch.testing import assert_close

from restoration import memory_plan, weights
from restoration.karras_walks import Churn
from restoration.latent.diffusion import Generation, LatentNetworks, Words, regenerate
from restoration.latent.schedule import stable_diffusion, stable_diffusion_zero_snr
from restoration.latent.walks import Course
from restoration.methods.diffbir import CLEANERS, Diffbir, DiffbirParams, Stage1, Stage2
from restoration.networks import stable_diffusion as networks
from restoration.networks import stable_diffusion_keys as keys
from restoration.networks import stage1
from restoration.noise import recorded
from restoration.params import Tiles, build
from restoration.protocol import Request, finish
from tests import published_configs
from tests.parity.conftest import Pack
from tests.tolerances import LEVEL, NETWORK, WALK

PACK = "diffbir_pipeline"
FULL = "full_run"
ROOMY = memory_plan.plan(
    memory_plan.Job(64, 64), memory_plan.Cuts(), memory_plan.DIFFBIR, math.inf, 1
)


def filled(build, state, config):
    network = build(config)
    weights.load_into(network, state, file="golden")
    return network


@pytest.fixture
def beside(pack):
    """The pack of the same set with another name."""
    return lambda name: Pack(pack.path.parents[1] / name / "golden.json")


@pytest.fixture
def parts(beside):
    """The U-Net, the control branch and the autoencoder."""
    latent, vae = beside("diffbir_controlnet"), beside("diffbir_vae")
    unet = published_configs.unet_config(latent.config["unet"])
    control = published_configs.control_config(latent.config["controlnet"])
    autoencoder = published_configs.autoencoder_config(vae.config, vae.info["latent_scale_factor"])
    return (
        filled(networks.build_unet, keys.unet(latent.group("weight.unet"), unet), unet),
        filled(
            networks.build_control,
            keys.control(latent.group("weight.controlnet"), control),
            control,
        ),
        filled(networks.build_autoencoder, keys.autoencoder(vae.weights, autoencoder), autoencoder),
    )


@pytest.fixture
def cleaner(beside):
    pack = beside("diffbir_swinir")
    state = stage1.from_published_swinir(pack.weights)
    network = filled(stage1.build_swinir, state, pack.config)
    return Stage1(network, CLEANERS["v2.1"], "cpu", torch.float32)


def system(parts, case):
    zero_snr = case["model"] != "eps"
    schedule = stable_diffusion_zero_snr() if zero_snr else stable_diffusion()
    return LatentNetworks(*parts, schedule)


def draws(pack, name):
    found = pack.group(f"noise.{name}")
    return recorded(found[str(i)] for i in range(len(found)))


def course(case):
    knobs = ("s_churn", "s_tmin", "s_tmax", "s_noise", "eta", "order")
    churn = Churn(**{knob: case[knob] for knob in knobs})
    return Course(case["sampler_type"], case["steps"], churn, published=True)


def tiles(case):
    size, stride = case["cldm_tile_size"], case["cldm_tile_stride"]
    return Tiles.model_construct(cut=case["cldm_tiled"], size=size, overlap=1 - stride / size)


def words(pack, case):
    both = (pack.tensors[f"in.c_{case[which]}"] for which in ("pos_prompt", "neg_prompt"))
    return Words(*both, case["cfg_scale"], case["rescale_cfg"])


def generation(pack, case):
    return Generation(
        words=words(pack, case),
        course=course(case),
        strength=case["strength"],
        condition_noise=case["noise_aug"],
        start={"noise": "noise", "cond": "condition"}[case["start_point_type"]],
        tiles=tiles(case),
    )


def degraded(pack):
    return pack.tensors["in.lq"].permute(0, 3, 1, 2).float() / 255


def result(strides):
    while True:
        try:
            next(strides)
        except StopIteration as stop:
            return stop.value


@dataclass(frozen=True)
class Replaying(Stage2):
    """Goes as a case of the pack does."""

    how: Generation | None = None

    def generation(self, params, degraded):  # the pack says how
        return self.how, ()


def test_every_mode_of_stage_2_gives_the_published_picture(pack, parts):
    for name in pack.info["cases"].keys() - {FULL}:
        case = pack.info["cases"][name]
        y = pack.tensors["in.cond_img"]
        strides = regenerate(system(parts, case), y, generation(pack, case), draws(pack, name))
        found = 2 * result(strides) - 1
        atol = WALK * max(1, case["amplification"])
        want = pack.tensors[f"out.{name}"]
        assert_close(found, want, atol=atol, rtol=0, msg=lambda m, n=name: f"{n}: {m}")


def test_stage_1_of_a_whole_run_is_the_published_one(pack, cleaner):
    params = build(DiffbirParams, {"tiles.cut": False})
    y, _ = result(cleaner.clean(degraded(pack), params))
    assert list(y.shape) == pack.tensors["out.const_full_run_stage1_shape"].tolist()
    crop = pack.tensors["out.full_run_stage1_crop"]
    height, width = crop.shape[-2:]
    assert_close(y[..., -height:, -width:], crop, atol=NETWORK, rtol=NETWORK)


def test_a_whole_run_gives_the_published_8_bit_picture(pack, parts, cleaner):
    case = pack.info["cases"][FULL]
    stage2 = Replaying(system(parts, case), how=generation(pack, case))
    restorer = Diffbir(cleaner, lambda offloaded: stage2, lambda degraded, params: ROOMY)
    params = build(DiffbirParams, {"stages": "both", "tiles.cut": False})
    found = finish(restorer(Request(degraded(pack)), params, draws(pack, FULL)))
    want = pack.tensors["out.full_run_u8"].permute(0, 3, 1, 2).float()
    assert_close((255 * found).floor(), want, atol=LEVEL, rtol=0)
