"""Stable Diffusion's U-Net and DiffBIR's control branch give the published numbers."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from restoration import weights
from restoration.networks import stable_diffusion, stable_diffusion_keys
from restoration.networks.stable_diffusion import half_torso, predict, residuals
from tests import published_configs
from tests.tolerances import NETWORK

PACK = "diffbir_controlnet"
MANIFESTS = (PACK,)
HALF = 0.03
"""Relative root mean square error of eps in bfloat16; at most 0.017 was measured."""
UNET = (stable_diffusion.build_unet, stable_diffusion_keys.unet)
CONTROL = (stable_diffusion.build_control, stable_diffusion_keys.control)
PARTS = {
    "sd21_unet.json": (*UNET, published_configs.unet_config, stable_diffusion.UNET),
    "diffbir_control.json": (*CONTROL, published_configs.control_config, stable_diffusion.CONTROL),
}


@dataclass(frozen=True)
class Golden:
    """Both networks with the golden's weights, and what they are given."""

    unet: nn.Module
    control: nn.Module
    x_t: torch.Tensor
    c_img: torch.Tensor
    t: torch.Tensor
    context: torch.Tensor

    def taps(self):
        return residuals(self.control, self.x_t, self.c_img, self.t, self.context)

    def eps(self, taps=None):
        return predict(self.unet, self.x_t, self.t, self.context, taps)


@pytest.fixture
def golden(pack):
    given = pack.group("in")
    unet_config = published_configs.unet_config(pack.config["unet"])
    control_config = published_configs.control_config(pack.config["controlnet"])
    return Golden(
        filled(*UNET, unet_config, pack.group("weight.unet")),
        filled(*CONTROL, control_config, pack.group("weight.controlnet")),
        *(given[name] for name in ("x", "hint", "t", "context")),
    )


def filled(build, rename, config, published):
    network = build(config)
    weights.load_into(network, rename(published, config), file="golden")
    return network


def shapes(state):
    return {key: tuple(value.shape) for key, value in state.items()}


def error(found, want):
    return float((found - want).norm() / want.norm())


@torch.no_grad()
def test_the_taps_of_the_control_branch_are_the_same_in_the_published_order(pack, golden):
    taps = golden.taps()
    assert len(taps) == len(pack.group("out.residual"))
    for i, tap in enumerate(taps):
        assert_close(tap, pack.tensors[f"out.residual.{i}"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_the_noise_with_control_is_the_same(pack, golden):
    found = golden.eps(golden.taps())
    assert_close(found, pack.tensors["out.eps_scale1"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_the_noise_with_weaker_and_stronger_control_is_the_same(pack, golden):
    pairs = zip(pack.info["scales"], golden.taps(), strict=True)
    found = golden.eps([scale * tap for scale, tap in pairs])
    assert_close(found, pack.tensors["out.eps_scales"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_the_noise_without_control_is_the_same(pack, golden):
    assert_close(golden.eps(), pack.tensors["out.eps_nocontrol"], atol=NETWORK, rtol=0)


@torch.no_grad()
def test_in_half_precision_it_is_nearly_the_same_and_float32_again(pack, golden):
    half_torso(golden.unet, torch.bfloat16)
    half_torso(golden.control, torch.bfloat16)
    found = golden.eps(golden.taps())
    assert found.dtype == torch.float32
    assert 0 < error(found, pack.tensors["out.eps_scale1"]) < HALF


@torch.no_grad()
def test_in_half_precision_the_time_and_every_norm_are_full(pack, golden):
    half_torso(golden.unet, torch.bfloat16)
    full = {n for n, v in golden.unet.named_parameters() if v.dtype == torch.float32}
    norms = {
        f"{name}.{kind}"
        for name, layer in golden.unet.named_modules()
        if isinstance(layer, nn.GroupNorm | nn.LayerNorm)
        for kind in ("weight", "bias")
    }
    timed = {name for name, _ in golden.unet.named_parameters() if "time_emb" in name}
    assert full == norms | timed | {"conv_out.weight", "conv_out.bias"}


@torch.no_grad()
def test_taps_in_half_precision_cost_half_the_memory(pack, golden):
    half_torso(golden.control, torch.bfloat16)
    assert {tap.dtype for tap in golden.taps()} == {torch.bfloat16}


def test_a_fresh_control_branch_adds_nothing(pack):
    given = pack.group("in")
    config = published_configs.control_config(pack.config["controlnet"])
    fresh = stable_diffusion.new_control(config)
    taps = residuals(fresh, *(given[name] for name in ("x", "hint", "t", "context")))
    assert all(not tap.any() for tap in taps)


def test_a_tensor_of_another_network_is_named(pack):
    config = published_configs.unet_config(pack.config["unet"])
    state = {**pack.group("weight.unet"), "label_emb.weight": torch.zeros(1)}
    with pytest.raises(weights.WrongWeightsError, match=r"1 tensors .* first 'label_emb\.weight'"):
        filled(*UNET, config, state)


def test_the_manifest_of_the_pack_fits(manifest):
    _, facts = manifest
    file = "diffbir_control.json" if "hint_channels" in facts["config"] else "sd21_unet.json"
    build, rename, configured, _ = PARTS[file]
    config = configured(facts["config"])
    published = {k: torch.empty(s, device="meta") for k, s in facts["keys"].items()}
    assert shapes(rename(published, config)) == shapes(build(config).state_dict())


@pytest.mark.parametrize("file", PARTS)
def test_the_manifest_of_the_project_fits_the_full_size(file):
    build, rename, configured, config = PARTS[file]
    entry = weights.named("diffbir-v2.1").model_copy(update={"manifest": file})
    facts = weights.manifest(entry)
    published = {k: torch.empty(s, device="meta") for k, s in facts["keys"].items()}
    assert configured(facts["config"]) == config
    assert shapes(rename(published, config)) == shapes(build(config).state_dict())
