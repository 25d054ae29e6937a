"""DDIM, DPM-Solver++ and the samplers of k-diffusion pass where those of DiffBIR v2.1 do."""

import math

import torch
from torch.testing import assert_close

from restoration.karras_walks import Churn
from restoration.latent.walks import Course, walk
from restoration.noise import recorded
from tests.parity import latent_prior
from tests.tolerances import ARITHMETIC, NETWORK

PACK = "diffbir_sampler_[de]*"
SAMPLERS = {
    "diffbir_sampler_ddim": "ddim",
    "diffbir_sampler_dpms": "dpm++_m2",
    "diffbir_sampler_edm": "edm_",
}
"""How the names of the samplers begin that a pack is of."""
SLOPES = {
    f"edm_{name}" for name in ("euler", "heun", "dpm_2", "euler_a", "dpm_2_a", "dpm++_sde", "lms")
}
ROUNDING = 2**-24
"""Relative error of a float32."""
SNAPPED = 1e-3
"""How far float32 moves the times of dpm++_m2."""


def course(case):
    knobs = ("s_churn", "s_tmin", "s_tmax", "s_noise", "eta", "order")
    churn = Churn(**{knob: case[knob] for knob in knobs})
    return Course(case["name"], case["steps"], churn, published=True)


def bridged(draws, calls):
    """The fresh part of the draws of dpm++_sde, of which every second contains the one before."""
    for half, whole, (start, middle), (_, end) in zip(
        draws[::2], draws[1::2], calls[::2], calls[1::2], strict=True
    ):
        share = (start - middle) / (start - end)
        yield half
        yield (whole - math.sqrt(share) * half) / math.sqrt(1 - share)


def noise(pack, name, case):
    draws = latent_prior.draws(pack, name, case["draws"])
    if case["name"] == "edm_dpm++_sde":
        return recorded(bridged(draws, case["noise_calls"]))
    return recorded(draws)


def replay(pack, name, *, in_one_batch=False):
    """(the steps made, the times that the network was told)."""
    case, times = pack.info["cases"][name], []
    denoise = latent_prior.guided(pack, case, times=times, in_one_batch=in_one_batch)
    schedule, start = latent_prior.schedule(case["zs"]), pack.tensors["in.x_T"]
    made = list(walk(course(case), denoise, schedule, start, noise(pack, name, case)))
    return made, times


def without_repeats(times):
    return [t for t, before in zip(times, [None, *times], strict=False) if t != before]


def lost(case):
    """What float32 loses at the first step of the published program, relative to the state.

    Samplers that follow slopes, and networks that guess eps, subtract sigma 1e4 from a state as
    large; DDIM divides by what is left of the picture. The differences grow like any other.
    """
    schedule = latent_prior.schedule(case["zs"])
    if case["name"] == "ddim":
        return ROUNDING / float(schedule.alpha_bar[max(case["timesteps"])].sqrt())
    if case["name"] in SLOPES or (not case["zs"] and "sigmas" in case):
        return ROUNDING * case["sigmas"][0] / case["sigmas"][1]
    return 0


def atol(case):
    return NETWORK + (ARITHMETIC + lost(case)) * case["amplification"]


def test_a_pack_is_of_its_samplers(pack):
    begins = SAMPLERS[pack.path.parent.name]
    assert all(case["name"].startswith(begins) for case in pack.info["cases"].values())


def test_every_walk_ends_where_the_published_one_does(pack):
    for name, case in pack.info["cases"].items():
        made, _ = replay(pack, name)
        want = pack.tensors[f"out.{name}"]
        assert_close(made[-1].x_t, want, atol=atol(case), rtol=0, msg=lambda m, n=name: f"{n}: {m}")


def test_nine_of_ten_values_agree_within_twice_what_the_packs_state(pack):
    """What float32 loses hits single values: two runs of one formula differ there as much."""
    for name, case in pack.info["cases"].items():
        made, _ = replay(pack, name)
        off = (made[-1].x_t - pack.tensors[f"out.{name}"]).abs()
        stated = max(NETWORK, ARITHMETIC * case["amplification"])
        assert off.quantile(0.9) < 2 * stated, name


def test_asking_for_both_answers_at_once_ends_there_too(pack):
    for name, case in pack.info["cases"].items():
        case["tiled"] = None
        alone, _ = replay(pack, name)
        at_once, _ = replay(pack, name, in_one_batch=True)
        assert_close(at_once[-1].x_t, alone[-1].x_t, atol=atol(case), rtol=0)


def test_the_network_is_told_the_published_times(pack):
    for name, case in pack.info["cases"].items():
        case["tiled"] = None
        _, times = replay(pack, name)
        found, want = (
            torch.tensor(without_repeats(t)).double() for t in (times, case["network_times"])
        )
        assert_close(found, want, atol=SNAPPED, rtol=0)
