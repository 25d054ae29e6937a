"""Schedules, the sampler "spaced" and restoration guidance give the published numbers."""

import torch
from torch.testing import assert_close

from restoration.latent.restoration_guidance import (
    PublishedPull,
    Span,
    flatness,
    loss,
    posterior_weights,
)
from restoration.latent.walks import Course, spaced_levels, walk
from restoration.noise import recorded
from restoration.samplers import noised
from tests.parity import latent_prior
from tests.tolerances import TABLE, WALK

PACK = "diffbir_sampler_spaced"
HALF = 1e-7
"""Error of a table that was rounded to float32, relative to its largest value."""


def level(case, t):
    return latent_prior.schedule(case["zs"]).alpha_bar[t]


def guide(pack, case, draw):
    """The guide of a case; `draw` is where its samples of the encoded target come from."""
    given, told = pack.tensors["in.target"], case["guide"]
    weight = flatness((given + 1) / 2) if told["cls"] == "w_mse" else None

    def in_rgb(x0):
        return loss(latent_prior.decode(pack, x0), given, weight)

    def in_latent(x0):
        return loss(x0, latent_prior.encode(pack, given, draw(x0)), weight)

    measure = {"rgb": in_rgb, "latent": in_latent}[told["space"]]
    weights = posterior_weights(spaced_levels(case["steps"], latent_prior.schedule(case["zs"])))
    span = Span(told["t_start"], told["t_stop"], told["repeat"])
    return PublishedPull(measure, told["scale"], weights, span)


def begin(pack, case, draw):
    """(where a case starts, the condition that its network sees)."""
    c_img, start = pack.tensors["in.c_img"], pack.tensors["in.x_T"]
    if case["start"] == "cond":
        start = noised(c_img, level(case, -1), draw)
    if case["aug"]:
        c_img = noised(c_img, level(case, case["aug"]), draw)
    return start, c_img


def replay(pack, name):
    """(where the case starts, the steps made)."""
    case = pack.info["cases"][name]
    draw = recorded(latent_prior.draws(pack, name, case["draws"]))
    start, c_img = begin(pack, case, draw)
    denoise = latent_prior.guided(pack, case, c_img=c_img)
    pull = guide(pack, case, draw) if case["guide"] else None
    schedule = latent_prior.schedule(case["zs"])
    made = walk(Course("spaced", case["steps"]), denoise, schedule, start, draw, pull)
    return start, list(made)


def test_the_schedules_are_the_published_ones(pack):
    for name, zero_snr in (("eps", False), ("v_zsnr", True)):
        tables = pack.group(f"sched.{name}")
        alpha_bar = latent_prior.schedule(zero_snr).alpha_bar
        found = {
            "train_sqrt_alphas_cumprod": alpha_bar.sqrt(),
            "train_sqrt_one_minus_alphas_cumprod": (1 - alpha_bar).sqrt(),
        }
        for key, value in found.items():
            assert_close(value, tables[key].double(), atol=HALF, rtol=0)


def test_the_posteriors_are_the_published_ones(pack):
    steps = len(pack.tensors["sched.eps.posterior_variance"])
    for name, zero_snr in (("eps", False), ("v_zsnr", True)):
        tables = pack.group(f"sched.{name}")
        levels = spaced_levels(steps, latent_prior.schedule(zero_snr))
        found = torch.tensor(list(posterior_weights(levels).values()), dtype=torch.float64)
        assert_close(
            levels.alpha_bar.sqrt(), tables["sqrt_alphas_cumprod"].double(), atol=HALF, rtol=0
        )
        assert_close(found, tables["posterior_mean_coef1"].double(), atol=HALF, rtol=0)


def test_every_case_starts_where_the_published_one_does(pack):
    for key, want in pack.group("traj").items():
        if key.endswith(".start"):
            start, _ = replay(pack, key.removesuffix(".start"))
            assert_close(start, want, atol=HALF * 10, rtol=0)


def test_every_walk_passes_where_the_published_one_does_and_ends_there(pack):
    for name in pack.info["cases"]:
        _, made = replay(pack, name)
        assert_close(made[-1].x_t, pack.tensors[f"out.{name}"], atol=WALK, rtol=0)
        passed = pack.group(f"traj.{name}")
        for key in passed.keys() - {"start"}:
            assert_close(made[int(key)].x_t, passed[key], atol=WALK, rtol=0)


def test_the_times_and_the_scales_are_the_published_ones(pack):
    for name, case in pack.info["cases"].items():
        _, made = replay(pack, name)
        times = [one.t for one in made]
        denoise = latent_prior.guided(pack, case)
        scales = [denoise.scale_at(t) for t in times]
        assert times == case["timesteps"]
        assert_close(
            scales, case.get("cfg_scales", [case["cfg"]] * len(times)), atol=TABLE, rtol=TABLE
        )
