"""Restoring by noising and denoising, plain and with skip guidance, gives the published numbers."""

from torch.testing import assert_close

from restoration import schedules
from restoration.methods.gen2res import walk
from restoration.noise import recorded
from restoration.samplers import noised
from tests.parity.toy_prior import toy_prior
from tests.tolerances import WALK

PACK = "gen2res"
FROM_PURE_NOISE = 5e-3
"""There the clamp of x0 switches the gradient of single pixels on and off, as the pack explains."""


def replay(pack, task):
    """Every (x0, unguided x_s, x_s) of a task."""
    told, y = pack.info["tasks"][task], pack.tensors["in.y"]
    draws = pack.group(f"noise.{task}")
    noise = recorded(draws[str(i)] for i in range(len(draws)))
    times = told["timestep_map"]
    schedule = schedules.linear().at(times[: told["noise_step"] or None])
    scales = [told["scale"] * is_guided(told, i, len(times)) for i in range(len(schedule))]
    x_t = noised(y, schedule.alpha_bar[-1], noise) if told["noise_step"] else noise(y)
    return list(walk(toy_prior(pack), x_t, y, schedule, noise, scales=scales))


def is_guided(told, i, num_steps):
    skipped = told["skip"] > 0 and (i + 1) % told["skip"] == 0
    return (skipped or i >= num_steps - told["last"]) and i >= told["first"]


def tolerance(task):
    return FROM_PURE_NOISE if task == "album_from_noise" else WALK


def test_the_samples_are_the_published_ones(pack):
    for task in pack.info["tasks"]:
        *_, last = replay(pack, task)
        want = pack.tensors[f"out.{task}.sample"]
        assert_close(last.x_s, want, atol=tolerance(task), rtol=0)


def test_the_way_there_is_the_published_one(pack):
    for task in pack.info["tasks"]:
        made = replay(pack, task)
        for name, want in pack.group(f"traj.{task}").items():
            kind, place = name.rsplit("_", 1)
            found = made[int(place)].x0 if kind == "x0" else made[int(place)].unguided
            assert_close(found, want, atol=tolerance(task), rtol=0)


def test_the_guided_steps_are_the_published_ones(pack):
    for told in pack.info["tasks"].values():
        num_steps = len(told["timestep_map"])
        walked = range(told["noise_step"] or num_steps)
        guided = [i for i in reversed(walked) if is_guided(told, i, num_steps)]
        assert guided == told["guided_indices"]
