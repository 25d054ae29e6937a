"""GDP guided on x0 gives the published numbers: four known tasks, low light and HDR."""

import pytest
import torch
from torch.testing import assert_close

from restoration import schedules
from restoration.methods import gdp_light_published as light
from restoration.noise import recorded
from tests.parity.gdp_replay import replay, x0_tolerance
from tests.parity.toy_prior import toy_prior
from tests.tolerances import ARITHMETIC, WALK

PACK = "gdp_x0"


def known_tasks(pack):
    if "timestep_map" not in pack.info:
        pytest.skip("a pack of blind tasks")
    return pack.info["tasks"]


def blind_tasks(pack):
    if "timestep_map" in pack.info:
        pytest.skip("a pack of known tasks")
    return pack.info["tasks"]


def test_the_samples_are_the_published_ones(pack):
    for task in known_tasks(pack):
        found = replay(pack, task, "x0")[-1][1]
        assert_close(found, pack.tensors[f"out.{task}.sample"], atol=WALK, rtol=0)


def test_the_way_there_is_the_published_one(pack):
    for task in known_tasks(pack):
        made = replay(pack, task, "x0")
        for name, want in pack.group(f"traj.{task}").items():
            kind, step = name.rsplit("_", 1)
            atol = x0_tolerance(pack, int(step)) if kind == "x0" else WALK
            assert_close(made[int(step)][("x0", "x").index(kind)], want, atol=atol, rtol=0)


def exposures(pack, task):
    """(K, 3, H, W) in [0, 1], darkest first."""
    if f"in.{task}.y" in pack.tensors:
        return (pack.tensors[f"in.{task}.y"] + 1) / 2
    names = (f"in.{task}.y_{time}" for time in ("short", "medium", "long"))
    return (torch.cat([pack.tensors[name] for name in names]) + 1) / 2


def replay_blind(pack, task):
    info, draws = pack.info["tasks"][task], pack.group(f"noise.{task}")
    form = light.Form(
        info["patch"], info["stride"], info["scale_used"], repeats=info["guidance_repeats"]
    )
    start = draws["0"], draws["f_init"] / 100, draws["mask_init"] / 10000
    noise = recorded(draws[str(i)] for i in range(1, len(info["timestep_map"]) + 1))
    schedule = schedules.linear().at(info["timestep_map"])
    prior = toy_prior(pack, patch=info["patch"])
    return list(light.published(prior, schedule, exposures(pack, task), start, form, noise=noise))


def test_patches_lie_where_the_published_ones_do(pack):
    for info in blind_tasks(pack).values():
        form = light.Form(info["patch"], info["stride"], 1.0, repeats=1)
        want = [(top, left) for top in info["rows"] for left in info["cols"]]
        assert form.corners(*info["shape"][-2:]) == want


def test_the_blind_samples_are_the_published_ones(pack):
    for task in blind_tasks(pack):
        last = replay_blind(pack, task)[-1]
        assert_close(last.x_s, pack.tensors[f"out.{task}.sample"], atol=WALK, rtol=0)
        assert_close(last.f, pack.tensors[f"out.{task}.f"], atol=ARITHMETIC, rtol=0)
        assert_close(last.mask, pack.tensors[f"out.{task}.mask"], atol=ARITHMETIC, rtol=0)


def test_the_fitted_light_is_the_published_one_on_the_way(pack):
    for task in blind_tasks(pack):
        made = replay_blind(pack, task)
        for name, want in pack.group(f"traj.{task}").items():
            kind, step = name.rsplit("_", 1)
            found = {"f": made[int(step)].f, "mask": made[int(step)].mask}.get(kind, want)
            assert_close(found, want, atol=ARITHMETIC, rtol=0)
