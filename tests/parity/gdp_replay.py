"""GDP's tasks as the packs name them."""

import torch

from restoration import operators, schedules
from restoration.measurements import Measurement
from restoration.methods import gdp
from restoration.noise import recorded
from tests.parity.toy_prior import toy_prior
from tests.tolerances import NETWORK, WALK

COLOUR_CONSTANCY = 4 * 500
"""Its published weight, as the packs' text states; ours sees [0, 1], where it is a quarter."""


def operator_of(pack, task):
    """Our operator of a task."""
    shape = pack.tensors[f"noise.{task}.0"].shape
    if task.startswith("sr"):
        return operators.Downscale(int(task.removeprefix("sr")))
    if task == "blur":
        return operators.ValidBlur(pack.tensors["in.blur.kernel"])
    if task == "color":
        return operators.Grey()
    lost = pack.tensors[f"in.{task}.missing_pixel_index"]
    kept = torch.ones(shape[-2:].numel()).index_fill(0, lost, 0)
    return operators.Mask(kept.view(1, 1, *shape[-2:]))


def measurement_of(pack, task):
    """What was measured; the published y of all but the blur is copied up to the full size."""
    operator, y = operator_of(pack, task), pack.tensors[f"in.{task}.y"]
    size = tuple(pack.tensors[f"noise.{task}.0"].shape[-2:])
    y = y if task == "blur" else operator(y)
    return Measurement(operator, y, 0.0, size, (0, size[0], 0, size[1]))


def pull_of(pack, task):
    """The published gradient, its scale s turned into gamma = s |A|^2 / (2 N)."""
    known, scale = measurement_of(pack, task), pack.info["tasks"][task]["img_guidance_scale_used"]
    gamma = scale * known.operator.norm**2 / (2 * known.y.numel())
    weight = COLOUR_CONSTANCY / scale if task == "color" else 0.0
    return gdp.Pull(known, gamma, gdp.Losses(colour_constancy=weight))


def replay(pack, task, form):
    """Every (x0, x_s) of a task."""
    draws = pack.group(f"noise.{task}")
    noise = recorded(draws[str(i)] for i in range(1, len(draws)))
    schedule = schedules.linear().at(pack.info["timestep_map"])
    return list(
        gdp.published(
            toy_prior(pack), schedule, draws["0"], pull_of(pack, task), form=form, noise=noise
        )
    )


def x0_tolerance(pack, step):
    """An x0 holds the rounding of the network as many times over as x_t is noisier than clear."""
    sigma = schedules.linear().at(pack.info["timestep_map"]).sigma.flip(0)[step]
    return WALK + NETWORK * float(sigma)
