"""The plan of a restoration says what it will need."""

import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.stage2 import BUILD
from restoration import capacity, weights
from restoration.memory_plan import (
    CLEANERS,
    DIFFBIR,
    HALF,
    Cuts,
    Job,
    best_plan,
    count,
    plan,
    worked_size,
)
from restoration.networks import stable_diffusion
from restoration.networks.stage1 import build_bsrnet, build_scunet
from restoration.params import Tiles
from restoration.tiling import stride_for, windows

GB = 10**9
SPEED = 1e12


def planned(side=512, cuts=None, free=100 * GB, **of_job):
    return plan(Job(side, side, **of_job), cuts or Cuts(), DIFFBIR, free, SPEED)


def test_one_restoration_at_512_in_float32_needs_less_than_10_gb():
    assert planned(batched=True).peak < 10 * GB


def test_a_picture_of_one_tile_is_in_one_piece():
    found = planned(cuts=Cuts(clean=512, autoencoder=512, diffusion=512))
    assert (found.clean_tiles, found.bands, found.diffusion_tiles) == (1, 1, 1)
    assert (found.peak, found.seconds) == (planned().peak, planned().seconds)


def test_every_stage_has_its_tiles():
    found = planned(1024, Cuts(clean=512, autoencoder=256, diffusion=768))
    assert (found.clean_tiles, found.bands, found.diffusion_tiles) == (9, 16, 4)


@pytest.mark.parametrize(
    "cuts",
    [
        Cuts(diffusion=512, clean=512, autoencoder=512),
        Cuts(diffusion=1024, clean=1024, autoencoder=1024),
    ],
)
def test_tiles_save_memory(cuts):
    assert planned(2048, cuts).peak < planned(2048).peak


def test_bands_of_the_autoencoder_cost_no_time():
    assert planned(1024, Cuts(autoencoder=256)).seconds == planned(1024).seconds


def test_half_precision_saves_half_of_the_weights():
    saved = planned().peak - planned(width_of_number=HALF).peak
    assert saved > DIFFBIR.parameters * HALF


def test_offloading_and_passes_one_by_one_save_memory():
    assert planned(offloaded=True).peak < planned().peak - GB
    banded = Cuts(autoencoder=128)
    assert planned(2048, banded, offloaded=True).peak < planned(2048, offloaded=True).peak
    assert planned(1024, banded, batched=False).peak < planned(1024, banded).peak


def test_time_grows_with_the_steps_and_the_passes():
    base, twice = planned(steps=10), planned(steps=20)
    denoising = twice.seconds - base.seconds
    assert denoising == pytest.approx(10 * 2 * 537 * 1e9 / SPEED, rel=1e-3)
    assert base.seconds - planned(steps=10, guided=False).seconds == pytest.approx(denoising / 2)


def test_with_memory_to_spare_nothing_is_cut():
    assert best_plan(Job(1024, 1024), DIFFBIR, 100 * GB, SPEED).cuts == Cuts()


def test_the_autoencoder_is_cut_before_the_diffusion():
    enough = planned(1024, Cuts(autoencoder=512)).peak
    found = best_plan(Job(1024, 1024), DIFFBIR, enough, SPEED)
    assert found.fits
    assert (found.cuts.diffusion, found.bands > 1) == (None, True)


def test_with_little_memory_everything_is_cut():
    job = Job(2048, 2048, width_of_number=HALF, offloaded=True)
    found = best_plan(job, DIFFBIR, 3.5 * GB, SPEED)
    assert found.fits
    assert found.cuts.diffusion in (512, 768)
    assert found.bands > 1


def test_the_sentence_says_tiles_memory_and_time():
    tiled = replace(planned(1024, Cuts(512, 512, 512)), peak=7_200_000_000, seconds=40.0)
    assert tiled.sentence == "9 tiles, about 7.2 GB, about 40 s"
    whole = replace(planned(1024), peak=12_300_000_000, seconds=40.0)
    assert whole.sentence == "in one piece, about 12 GB, about 40 s"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (42, "42 s"), (89, "89 s"), (130, "2.2 min"), (1200, "20 min"), (9000, "2.5 h")],
)
def test_long_times_are_told_in_minutes_and_hours(seconds, said):
    assert replace(planned(), seconds=seconds).sentence.endswith(f"about {said}")


def test_what_does_not_fit_is_said_plainly():
    found = best_plan(Job(2048, 1024), DIFFBIR, 2 * GB, SPEED)
    assert not found.fits
    assert found.sentence.startswith("A result of 1024 x 2048 needs about ")
    assert found.sentence.endswith(
        " GB and 2 GB are free: choose a smaller upscale, or half precision, "
        "or keep only the networks at work on the device."
    )


def test_what_is_done_already_is_no_advice():
    found = best_plan(Job(512, 512, width_of_number=HALF, offloaded=True), DIFFBIR, GB // 10, SPEED)
    assert found.sentence.endswith("100 MB are free: choose a smaller upscale.")


def test_a_cpu_is_not_told_to_keep_networks_elsewhere():
    found = best_plan(Job(512, 512, offloadable=False), DIFFBIR, GB // 10, SPEED)
    assert found.sentence.endswith("are free: choose a smaller upscale, or half precision.")


def test_reused_features_save_a_third_of_the_denoising():
    once = planned(steps=1).seconds
    whole, reused = (planned(steps=11, reuse=reuse).seconds - once for reuse in (1, 2))
    assert reused / whole == pytest.approx(0.5 + 0.5 * 154 / 537)


@pytest.mark.parametrize("side", [64, 511, 512, 513, 700, 768, 1000, 2048])
@pytest.mark.parametrize(("tile", "overlap"), [(512, 0.5), (512, 0.25), (192, 0.0), (64, 0.75)])
def test_tiles_are_counted_as_they_are_laid(side, tile, overlap):
    tile = min(tile, side)
    stride, _ = stride_for((tile, tile), Tiles(overlap=overlap))
    assert count(side, tile, overlap) == len(windows(side, tile, (tile, tile), (stride, tile)))


@pytest.mark.parametrize(
    ("height", "width", "upscale", "expected"),
    [
        (512, 512, 1, (512, 512)),
        (100, 150, 1, (512, 768)),
        (300, 400, 4, (1216, 1600)),
        (513, 600, 1, (576, 640)),
    ],
)
def test_stage_2_works_on_512_or_more_in_multiples_of_64(height, width, upscale, expected):
    assert worked_size(height, width, upscale) == expected


def test_a_plan_needs_no_torch():
    modules = "sys, restoration.memory_plan, restoration.capacity"
    code = f"import {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_this_machine_has_memory_and_speed():
    assert 10**7 < capacity.free_bytes("cpu") < math.inf
    assert capacity.speed_of("cpu", "float32") == capacity.speed_of("cpu", "float32") > 1e8


@pytest.mark.parametrize(("limit", "left"), [("5000", 3000), ("max", math.inf)])
def test_the_limit_of_a_container_counts(tmp_path, limit, left):
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert capacity.left_to_container(tmp_path) == left


def test_memory_is_what_the_system_says_is_available(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal:  900 kB\nMemAvailable:  500 kB\n")
    assert capacity.available(tmp_path / "meminfo") == 512_000
    assert capacity.available(tmp_path / "absent") > 10**8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "build"), [("bsrnet", build_bsrnet), ("scunet-psnr", build_scunet)]
)
def test_the_parameters_are_those_of_other_cleaners(name, build):
    network = build(weights.manifest(weights.named(name))["config"])
    cost = CLEANERS[name.removesuffix("-psnr")]
    assert cost.parameters == sum(values.numel() for values in network.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["clean", "text", "control", "unet", "decode"])
def test_the_parameters_are_those_of_the_networks(stage):
    parts = (DIFFBIR.encode, DIFFBIR.decode) if stage == "decode" else (getattr(DIFFBIR, stage),)
    assert sum(part.parameters for part in parts) == sum(
        values.numel() for values in BUILD[stage]().parameters()
    )


@pytest.mark.slow
@pytest.mark.parametrize("side", [512, 1024])
def test_the_multiplications_are_those_of_the_networks(side):
    network = BUILD["unet"]().to("meta")
    x, context = torch.empty(1, 4, side // 8, side // 8), torch.empty(1, 77, 1024)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        stable_diffusion.predict(network, x.to("meta"), 500, context.to("meta"))
    macs = counter.get_total_flops() / 2
    assert DIFFBIR.unet.macs(side**2) == pytest.approx(macs, rel=0.02)
