"""What a restoration by DiffBIR will need, before it starts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from restoration import capacity, memory_plan
from restoration.memory_plan import FULL, HALF, Cost, Costs, Cuts, Job, Plan
from restoration.methods import diffbir_faces
from restoration.methods.diffbir_knobs import DETAILED, DiffbirParams
from restoration.methods.diffbir_systems import CLEANERS, MINI

if TYPE_CHECKING:
    from restoration.protocol import Wish

SLOWER = 2.5
"""What a multiplication takes longer in networks as small as the mini's (measured on a CPU)."""
MINI_COSTS = Costs(
    clean=Cost(1_000_000, linear=SLOWER * 16, quadratic=0, peak=310),
    encode=Cost(954_408, linear=SLOWER * 23.6, quadratic=0, peak=164, resting=64),
    text=Cost(0, linear=0, quadratic=0, peak=0),
    control=Cost(2_358_400, linear=SLOWER * 4.4, quadratic=SLOWER * 0.5, peak=160, resting=26),
    unet=Cost(5_511_492, linear=SLOWER * 16.9, quadratic=SLOWER * 1.1, peak=250),
    decode=Cost(1_614_979, linear=SLOWER * 64.2, quadratic=0, peak=256, resting=96),
)
"""The mini: multiplications counted, peaks in proportion to those of full size."""


def plan(wish: Wish) -> Plan | None:
    """Tiles, memory and time where stage 2 is asked for; stage 1 alone is small and quick."""
    params = cast(DiffbirParams, wish.params)
    if params.stages not in DETAILED:
        return None
    loaded = isinstance(wish.held, diffbir_faces.WithFaces) and wish.held.holds_detail()
    return diffbir_faces.plan(wish, partial(forecast, loaded=loaded))


def forecast(wish: Wish, *, loaded: bool = False) -> Plan:
    """The same where it is asked for, with all networks loaded already or not.

    A GPU that cannot hold all networks at once has only those at work, where that helps.
    """
    params = cast(DiffbirParams, wish.params)
    device, job = wish.device, job_for(wish, params)
    cuts, costs = cuts_for(params), costs_for(wish.variant.name)
    speed = capacity.speed_of(device.name, device.dtype)
    free = capacity.free_bytes(device.name)
    free += job.width_of_number * costs.parameters if loaded else 0
    found = memory_plan.plan(job, cuts, costs, free, speed)
    if found.fits or device.name == "cpu":
        return found
    return memory_plan.plan(replace(job, offloaded=True, batched=False), cuts, costs, free, speed)


def job_for(wish: Wish, params: DiffbirParams) -> Job:
    """What is to be done, at the size that stage 2 works on."""
    least = max(CLEANERS[wish.variant.name].short_edge, 1)
    height, width = memory_plan.worked_size(wish.height, wish.width, params.upscale, least)
    return Job(
        height,
        width,
        steps=params.steps,
        guided=params.words.cfg > 1 and wish.variant.name != MINI,
        batched=wish.device.name == "cuda",
        width_of_number=FULL if wish.device.dtype == "float32" else HALF,
        offloadable=wish.device.name != "cpu",
        reuse=params.walk.reuse,
    )


def cuts_for(params: DiffbirParams) -> Cuts:
    """The tiles that the knobs say; stage 1's are as large as stage 2's or smaller."""
    tiles, detail = params.tiles, params.detail_tiles
    return Cuts(
        clean=tiles.size if tiles.cut else None,
        autoencoder=detail.autoencoder if detail.cut else None,
        diffusion=detail.size if detail.cut else None,
        overlap=detail.overlap,
    )


def costs_for(variant: str) -> Costs:
    """Of a variant's networks."""
    if variant == MINI:
        return MINI_COSTS
    clean = memory_plan.CLEANERS[CLEANERS[variant].network]
    return replace(memory_plan.DIFFBIR, clean=clean)
