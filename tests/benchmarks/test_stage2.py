"""The benchmark of stage 2 works every stage and sees its peak."""

import gc

import pytest
import torch
from torch import nn

from benchmarks import stage2
from benchmarks.stage2 import STAGES, Asked, Measured, filled, forget_peak, peak, table, work
from restoration.networks import stable_diffusion
from restoration.runtime import Device
from tests.latent.test_tiled_autoencoder import tiny_autoencoder

CPU = Device("cpu", "float32")
NARROW = {
    "block_out_channels": (32, 32),
    "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
    "layers_per_block": 1,
    "cross_attention_dim": 16,
    "attention_head_dim": (2, 2),
}
UNET = {
    **stable_diffusion.UNET,
    **NARROW,
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
}
CONTROL = {**stable_diffusion.CONTROL, **NARROW}
TEXT = {
    **stable_diffusion.TEXT,
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_attention_heads": 1,
    "num_hidden_layers": 1,
}


@pytest.mark.parametrize(
    ("stage", "network", "expected"),
    [
        ("clean", lambda: nn.Conv2d(3, 3, 1), (1, 3, 64, 64)),
        ("encode", tiny_autoencoder, (1, 8, 8, 8)),
        ("decode", tiny_autoencoder, (1, 3, 64, 64)),
        ("unet", lambda: stable_diffusion.new_unet(UNET), (2, 4, 8, 8)),
        ("control", lambda: stable_diffusion.new_control(CONTROL), (2, 32, 4, 4)),
    ],
)
def test_every_stage_is_worked(stage, network, expected):
    assert work(stage, network(), 64, Asked(batch=2)).shape == expected


def test_the_whole_works_every_stage_and_ends_with_the_picture():
    autoencoder, text = tiny_autoencoder(), stable_diffusion.new_text(TEXT)
    parts = [
        nn.Conv2d(3, 3, 1),
        autoencoder,
        text,
        stable_diffusion.new_control(CONTROL),
        stable_diffusion.new_unet(UNET),
        autoencoder,
    ]
    networks = nn.ModuleDict(dict(zip(STAGES, parts, strict=True)))
    assert work("whole", networks, 64, Asked()).shape == (1, 3, 64, 64)


def test_the_peak_is_seen_after_it_is_over():
    gc.collect()  # else what other tests left may be given back meanwhile
    before = forget_peak(CPU)
    filling = torch.ones(100_000_000)
    assert filling.sum() > 0
    del filling
    assert 300e6 < peak(CPU) - before < 600e6


def test_weights_by_chance_are_small_and_frozen(monkeypatch):
    monkeypatch.setitem(stage2.BUILD, "unet", lambda: stable_diffusion.build_unet(UNET))
    network = filled("unet", Device("cpu", "bfloat16"))
    kinds = {values.dtype for values in network.parameters()}
    assert kinds == {torch.float32, torch.bfloat16}
    assert not any(values.requires_grad for values in network.parameters())


def test_the_table_has_a_line_for_each():
    *_, line = table([Measured("unet", 512, 865_900_000, 3463.6, 500.4, 2.345)]).splitlines()
    assert line == "| unet | 512 | 865.9 | 3464 | 500 | 2.35 |"


def test_the_device_and_precision_may_be_named():
    assert Asked(device="cpu").best_device() == CPU
    assert Asked(device="cpu", dtype="bfloat16").best_device() == Device("cpu", "bfloat16")


@pytest.mark.slow
def test_one_command_measures_in_a_process_of_its_own(monkeypatch, capsys):
    args = ("--sizes", "64", "--stages", "clean", "--threads", "1", "--device", "cpu")
    monkeypatch.setattr("sys.argv", ["stage2", *args])
    stage2.main()
    printed = capsys.readouterr().out
    assert "cpu, float32" in printed
    assert "| clean | 64 | 15.8 | 63 | " in printed
