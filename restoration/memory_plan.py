"""What a restoration by latent diffusion will need: tiles, memory and time, before it starts.

Memory is the weights that are held and the largest of the stages' peaks; time is the number of
multiplications divided by what this machine was measured to do. Sizes are those of the picture
that stage 2 works on, in pixels: enlarged, and padded to what the networks need.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

SIDE = 512
"""The figures of a `Cost` are those of a picture of this side."""
FULL, HALF = 4, 2
"""Bytes of a number in float32, and in half precision."""
SLACK = 1.3
"""What allocators take for each byte asked of them (measured with all networks, on a CPU)."""
MINUTE, HOUR = 60, 3600
GB = 1e9
REUSED = 154 / 537
"""What a step that reuses deep features costs, of a whole one."""
PICTURES = 8 * 3 * 4
"""Bytes per pixel for the float32 pictures that are held between stages, and latents."""
SIZES: tuple[int | None, ...] = (None, 1024, 768, 512)
"""Sides of tiles that are tried for clean-up and diffusion, which see less of a smaller tile."""
BANDS: tuple[int | None, ...] = (None, 1024, 512, 256, 128)
"""The same for the autoencoder, which gives the same picture in any."""


@dataclass(frozen=True)
class Cost:
    """What one call of a network takes."""

    parameters: int
    linear: float
    """10^9 multiplications at 512 x 512 that grow with the area."""
    quadratic: float
    """10^9 multiplications at 512 x 512 that grow with the square of the area: attention."""
    peak: float
    """Numbers per pixel that it holds at its peak beside its weights."""
    halved: float = 0.5
    """What is left of the peak in half precision; norms are worked in float32 even there."""
    resting: float = 0
    """Numbers per pixel that outlast a layer: between those of an autoencoder worked in bands, or
    from a control branch to the U-Net."""

    def macs(self, pixels: float) -> float:
        """Multiplications for a picture or tile of so many pixels."""
        area = pixels / SIDE**2
        return 1e9 * (self.linear * area + self.quadratic * area**2)


@dataclass(frozen=True)
class Costs:
    """The networks of a system, stage by stage."""

    clean: Cost
    encode: Cost
    text: Cost
    control: Cost
    unet: Cost
    decode: Cost

    @property
    def parameters(self) -> int:
        """Of all of them; encoder and decoder are two halves of one network."""
        parts = (self.clean, self.encode, self.text, self.control, self.unet, self.decode)
        return sum(part.parameters for part in parts)


@dataclass(frozen=True)
class Cuts:
    """Sides of the tiles of each stage in pixels of the picture; None leaves it whole."""

    clean: int | None = None
    autoencoder: int | None = None
    diffusion: int | None = None
    overlap: float = 0.5
    """Share of a tile of clean-up and diffusion that its neighbours redo."""


@dataclass(frozen=True)
class Job:
    """A restoration, as far as memory and time are concerned."""

    height: int
    width: int
    steps: int = 10
    guided: bool = True
    """Every step sees the wanted and the unwanted prompt: two passes."""
    batched: bool = True
    """Both passes at once: faster on a GPU, more memory."""
    width_of_number: int = 4
    """Bytes: `FULL` or `HALF`."""
    offloaded: bool = False
    """Only the networks of the stage at work are on the device, and the maps of an autoencoder in
    bands rest in main memory (`home="cpu"`)."""
    offloadable: bool = True
    """Whether there is a main memory beside the device's own: not where the device is the CPU."""
    reuse: int = 1
    """Every so many steps the deep features are made anew."""


@dataclass(frozen=True)
class Plan:
    """What the restoration will need."""

    job: Job
    cuts: Cuts
    clean_tiles: int
    bands: int
    """Of the autoencoder at its finest layer; 1 is the whole picture."""
    diffusion_tiles: int
    """Per step."""
    peak: int
    """Bytes on the device, weights and all."""
    seconds: float
    free: float
    """Bytes there are for it."""
    each_face: float = 0.0
    """Seconds for each face on top of that, where faces are restored by themselves."""

    @property
    def fits(self) -> bool:
        """Whether there is enough memory."""
        return self.peak <= self.free

    @property
    def sentence(self) -> str:
        """For a person, before the run."""
        if not self.fits:
            return (
                f"A result of {self.job.width} x {self.job.height} needs about {_gb(self.peak)} "
                f"and {_gb(self.free)} are free: {_advice(self.job)}"
            )
        tiles = self.diffusion_tiles
        cut = f"{tiles} tiles" if tiles > 1 else "in one piece"
        faces = f", and about {_time(self.each_face)} for each face" if self.each_face else ""
        return f"{cut}, about {_gb(self.peak)}, about {_time(self.seconds)}{faces}"


CLEANERS = {
    "swinir": Cost(15_792_587, linear=90.7, quadratic=0, peak=310),
    "bsrnet": Cost(16_697_987, linear=293.7, quadratic=0, peak=170),
    "scunet": Cost(17_946_072, linear=315.0, quadratic=0, peak=900),
}
"""The networks that clean up, per pixel of the result; that of v2.1 first."""
DIFFBIR = Costs(
    clean=CLEANERS["swinir"],
    encode=Cost(34_163_664, linear=540.75, quadratic=17.25, peak=655, halved=0.8, resting=256),
    text=Cost(340_387_840, linear=0, quadratic=0, peak=0),
    control=Cost(363_153_280, linear=110.8, quadratic=24.2, peak=205, resting=26),
    unet=Cost(865_910_724, linear=341.25, quadratic=60.75, peak=310),
    decode=Cost(49_490_199, linear=1239.75, quadratic=17.25, peak=1025, halved=0.8, resting=384),
)
"""DiffBIR v2.1 at full size: multiplications counted, peaks measured (`benchmarks.stage2`)."""
BAND = 800
"""Numbers per pixel of a band that are held while it is worked."""


def plan(job: Job, cuts: Cuts, costs: Costs, free: float, speed: float) -> Plan:
    """What the restoration needs when it is cut so.

    Args:
        job: the restoration.
        cuts: the tiles.
        costs: of the networks, such as `DIFFBIR`.
        free: bytes there are, those of its weights already loaded among them.
        speed: multiplications per second, as from `capacity.speed_of`.
    """
    pixels, passes = job.height * job.width, 2 if job.guided else 1
    clean_tiles, clean_pixels = _tiles(job, cuts.clean, cuts.overlap)
    tiles, tile_pixels = _tiles(job, cuts.diffusion, cuts.overlap)
    macs = clean_tiles * costs.clean.macs(clean_pixels)
    macs += costs.encode.macs(pixels) + costs.decode.macs(pixels)
    denoising = costs.unet.macs(tile_pixels) + costs.control.macs(tile_pixels)
    anew = math.ceil(job.steps / job.reuse)
    macs += (anew + REUSED * (job.steps - anew)) * passes * tiles * denoising
    at_once = passes if job.batched else 1
    peaks = {
        "clean": _peak(costs.clean, clean_pixels, job),
        "encode": _autoencoder_peak(costs.encode, cuts.autoencoder, job),
        "diffusion": at_once * _denoiser_peak(costs, tile_pixels, job),
        "decode": _autoencoder_peak(costs.decode, cuts.autoencoder, job),
    }
    weights = {
        "clean": costs.clean.parameters,
        "encode": costs.encode.parameters,
        "diffusion": costs.unet.parameters + costs.control.parameters,
        "decode": costs.decode.parameters,
    }
    width = job.width_of_number
    if job.offloaded:
        needs = [width * weights[part] + SLACK * peaks[part] for part in peaks]
        peak = max(*needs, width * costs.text.parameters)
    else:
        peak = width * costs.parameters + SLACK * max(peaks.values())
    return Plan(
        job=job,
        cuts=cuts,
        clean_tiles=clean_tiles,
        bands=math.ceil(pixels / (cuts.autoencoder or math.inf) ** 2) or 1,
        diffusion_tiles=tiles,
        peak=int(peak + pixels * PICTURES),
        seconds=macs / speed,
        free=free,
    )


def best_plan(job: Job, costs: Costs, free: float, speed: float, overlap: float = 0.5) -> Plan:
    """The plan with the largest tiles that fit, or the one that needs least where none does.

    Diffusion is left whole rather than the autoencoder: bands cost it nothing but a little time.
    """
    plans = [plan(job, cuts, costs, free, speed) for cuts in _all_cuts(overlap)]
    return next((one for one in plans if one.fits), min(plans, key=lambda one: one.peak))


def worked_size(height: int, width: int, upscale: float, least: int = 512) -> tuple[int, int]:
    """Sides that stage 2 works on: enlarged, the shorter at least `least`, multiples of 64."""
    scale = max(upscale, least / min(height, width))
    tall, wide = (math.ceil(int(side * scale) / 64) * 64 for side in (height, width))
    return tall, wide


def count(side: int, tile: int, overlap: float) -> int:
    """Tiles along a side, as `tiling.windows` lays them with `tiling.stride_for`."""
    if side <= tile:
        return 1
    return 1 + math.ceil((side - tile) / max(1, round(tile * (1 - overlap))))


def _all_cuts(overlap: float) -> Iterator[Cuts]:
    for tile, band in product(SIZES, BANDS):
        yield Cuts(clean=tile, autoencoder=band, diffusion=tile, overlap=overlap)


def _tiles(job: Job, tile: int | None, overlap: float) -> tuple[int, int]:
    """How many, and pixels of each."""
    tall, wide = (min(side, tile or side) for side in (job.height, job.width))
    return count(job.height, tall, overlap) * count(job.width, wide, overlap), tall * wide


def _peak(cost: Cost, pixels: int, job: Job) -> float:
    return FULL * cost.peak * pixels * (cost.halved if job.width_of_number == HALF else 1)


def _denoiser_peak(costs: Costs, pixels: int, job: Job) -> float:
    handed_on = job.width_of_number * costs.control.resting * pixels
    return max(_peak(costs.control, pixels, job), handed_on + _peak(costs.unet, pixels, job))


def _autoencoder_peak(cost: Cost, tile: int | None, job: Job) -> float:
    pixels = job.height * job.width
    if tile is None or pixels <= tile * tile:
        return _peak(cost, pixels, job)
    resting = 0 if job.offloaded else job.width_of_number * cost.resting * pixels
    return resting + FULL * BAND * tile * tile


def _advice(job: Job) -> str:
    ways = ["choose a smaller upscale"]
    if job.width_of_number > HALF:
        ways.append("half precision")
    if job.offloadable and not job.offloaded:
        ways.append("keep only the networks at work on the device")
    return ", or ".join(ways) + "."


def _gb(size: float) -> str:
    return f"{size / GB:.2g} GB" if size >= GB else f"{size / 1e6:.0f} MB"


def _time(seconds: float) -> str:
    """In the unit that needs no more than two digits."""
    for unit, length in (("h", HOUR), ("min", MINUTE)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.2g} {unit}"
    return f"{max(1, round(seconds))} s"
