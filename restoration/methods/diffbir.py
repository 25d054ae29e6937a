"""DiffBIR (Lin et al., ECCV 2024): remove the degradation, then regenerate the detail.

Stage 1 is a regression network that takes away noise, blur and compression and invents nothing.
Stage 2 makes detail up by latent diffusion and is led by the picture of stage 1. Arithmetic of the
official program v2.1, `diffbir/pipeline.py`; the steps are numbered as there.

`realness` r is the way from the picture y of stage 1 to the picture x of stage 2:

    result = y + r (x - y)

A straight line, since stage 1 is trained to be nearest to the truth on average and stage 2 to look
real: between two that do so perfectly no other way is nearer to the truth in mean squared error,
however real the result is to look (Freirich et al. 2021). And every r is farther from y than a
smaller one, in every pixel; r = 0 is stage 1 itself.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, cast

from restoration import weights
from restoration.errors import DeviceMemoryError
from restoration.memory_plan import Plan
from restoration.methods import diffbir_faces, diffbir_plan
from restoration.methods.diffbir_detail import OneAtATime, Stage2
from restoration.methods.diffbir_faces import FaceSystem, WithFaces
from restoration.methods.diffbir_knobs import DETAILED, DiffbirParams
from restoration.methods.diffbir_steps import longer, told
from restoration.methods.diffbir_systems import CLEANERS, PRESETS, SWEEPS, VARIANTS, Cleaner
from restoration.params import Params
from restoration.protocol import Method, Request, Restorer, Step, Variant, Wish

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from restoration.noise import Noise
    from restoration.runtime import Device
    from restoration.tiling import Mosaic

__all__ = ["CLEANERS", "METHOD", "Cleaner", "Diffbir", "DiffbirParams", "Stage1", "Stage2"]


@dataclass(frozen=True)
class Stage1:
    """Removal of degradation by one network."""

    network: nn.Module
    cleaner: Cleaner
    device: str
    dtype: torch.dtype

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:  # noqa: ARG002  # regression draws nothing
        """Clean up; yields a step after every tile, then one with the result."""
        params = cast(DiffbirParams, params)
        cleaned, steps = yield from self.clean(request.degraded, params)
        restored = _finished(cleaned, request.degraded, params)
        yield Step(steps + 1, steps + 1, "done", lambda: restored)

    def clean(
        self, degraded: Tensor, params: DiffbirParams
    ) -> Generator[Step, None, tuple[Tensor, int]]:
        """Steps 1 to 3 of the pipeline: the condition of stage 2, and in how many steps.

        The condition is (1, 3, H', W'), not clamped, its shorter side at least `short_edge`.
        """
        from restoration.colour import resize, resize_short_edge_to
        from restoration.tiling import pad_to_multiple, stride_for, tile_for, tiled

        cleaner, tiles = self.cleaner, params.tiles
        size = _size(degraded, params)
        x = degraded if cleaner.scale > 1 else resize(degraded, *size)
        whole = not tiles.cut or max(x.shape[-2:]) <= tiles.size
        if whole and cleaner.network == "swinir" and min(x.shape[-2:]) < cleaner.short_edge:
            x = resize_short_edge_to(x, cleaner.short_edge)
        height, width = x.shape[-2:]
        crop = height * cleaner.scale, width * cleaner.scale
        tile = tile_for(height, width, tiles, cleaner.multiple)
        x = pad_to_multiple(x, cleaner.multiple, cleaner.padding)
        stride = stride_for(tile, tiles)
        for done, total, mosaic in tiled(self._apply, x, tile, stride, cleaner.scale):
            note = "clean-up" if total == 1 else f"clean-up, tile {done} of {total}"
            yield Step(done, total + 1, note, partial(_so_far, mosaic, x, crop, size))
        cleaned = (mosaic.total / mosaic.weight)[..., : crop[0], : crop[1]]
        return resize(cleaned, *self.condition_size(degraded, params)), total

    def condition_size(self, degraded: Tensor, params: DiffbirParams) -> tuple[int, int]:
        """Sides of what `clean` gives."""
        from restoration.colour import short_edge_size

        size, edge = _size(degraded, params), self.cleaner.short_edge
        if min(size) >= edge:
            return size
        scale = self.cleaner.scale
        own = (degraded.shape[-2] * scale, degraded.shape[-1] * scale) if scale > 1 else size
        return short_edge_size(*own, edge)

    def _apply(self, tile: Tensor) -> Tensor:
        """The one door to the network: on its device and in its precision, back as float32."""
        import torch

        # Masks of SwinIR's attention are float32 whatever the rest is in.
        half = self.dtype != torch.float32
        with torch.autocast(self.device, self.dtype) if half else nullcontext():
            restored: Tensor = self.network(tile.to(self.device, self.dtype))
        return restored.to("cpu").float()


@dataclass(frozen=True)
class Diffbir:
    """Both stages; the second one is loaded when it is first asked for."""

    stage1: Stage1
    stage2: Callable[[bool], Stage2]
    """Told whether only the networks at work are to be on the device."""
    forecast: Callable[[Tensor, DiffbirParams], Plan]
    """What stage 2 will need for a degraded picture."""

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:
        """Restore; yields a step after every tile, band and step, then one with the result."""
        params = cast(DiffbirParams, params)
        how = self.detailed if self.is_detailed(params) else self.stage1
        yield from how(request, params, noise)

    def is_detailed(self, params: DiffbirParams) -> bool:
        """Whether stage 2 has a part in the result."""
        return params.stages == "detail" or (params.stages == "both" and params.realness > 0)

    def fitting(self, degraded: Tensor, params: DiffbirParams) -> Plan:
        """What stage 2 will need.

        Raises:
            DeviceMemoryError: it will not fit.
        """
        plan = self.forecast(degraded, params)
        if not plan.fits:
            raise DeviceMemoryError(plan.sentence)
        return plan

    def detailed(self, request: Request, params: DiffbirParams, noise: Noise) -> Iterator[Step]:
        """Clean up, or not, and regenerate the detail.

        Raises:
            DeviceMemoryError: it will not fit.
        """
        from restoration.colour import resize
        from restoration.latent.diffusion import num_strides, regenerate

        size = self.stage1.condition_size(request.degraded, params)
        wanted = _size(request.degraded, params)
        plan = self.fitting(request.degraded, params)
        stage2 = self.stage2(plan.job.offloaded)
        how, remarks = stage2.generation(params, request.degraded)
        more = num_strides(stage2.networks, *size, how) + 1
        done = 0
        if params.stages == "both":
            cleaning = self.stage1.clean(request.degraded, params)
            y, done = yield from longer(cleaning, more)
        else:
            y = resize(request.degraded, *size)
        total = done + more
        drawing = regenerate(stage2.networks, y, how, noise)
        x = yield from told(drawing, done, total, wanted)
        x = _coloured(x, y, params)
        restored = _finished(y + params.realness * (x - y), request.degraded, params)
        yield Step(total, total, "done", lambda: restored, remarks=remarks)


def output_size(height: int, width: int, params: Params) -> tuple[int, int]:
    """Sides of the result, cut to whole pixels as the official program does."""
    upscale = cast(DiffbirParams, params).upscale
    return max(1, int(height * upscale)), max(1, int(width * upscale))


def uses(variant: Variant, params: Params) -> tuple[str, ...]:
    """Stage 1's checkpoint always, those of stage 2 and of faces where they are asked for."""
    params = cast(DiffbirParams, params)
    names = variant.weights + (variant.further if params.stages in DETAILED else ())
    if params.faces == "one-by-one":
        names += diffbir_faces.system_beside(variant).uses(params)
    return tuple(dict.fromkeys(names))


def load(device: Device, variant: Variant) -> Restorer:
    """Stage 1 with the weights of a variant; stage 2 and faces follow when they are asked for."""
    kept = OneAtATime(device)

    @cache
    def system(cleaner: Variant, detail: Variant) -> Diffbir:
        def forecast(degraded: Tensor, params: DiffbirParams) -> Plan:
            height, width = degraded.shape[-2:]
            wish = Wish(cleaner, height, width, params, device)
            return diffbir_plan.forecast(wish, loaded=bool(kept.held))

        return Diffbir(_stage1(device, cleaner), partial(kept, detail), forecast)

    def face() -> tuple[Diffbir, FaceSystem]:
        found = diffbir_faces.system_beside(variant)
        return system(found.cleaner, found.detail), found

    def load_detail() -> None:
        if diffbir_faces.are_on_disk(variant.further):
            kept(variant, offloaded=False)

    return WithFaces(system(variant, variant), face, lambda: bool(kept.held), load_detail)


METHOD = Method(
    name="diffbir",
    title="DiffBIR",
    help="Removes noise, blur and compression from any photograph; on request makes up fine detail "
    "that fits, as little or as much as you like.",
    paper="Lin et al., DiffBIR: Toward Blind Image Restoration with Generative Diffusion Prior, "
    "ECCV 2024, arXiv 2308.15070",
    params=DiffbirParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=load,
    output_size=output_size,
    check=diffbir_faces.check,
    uses=uses,
    plan=diffbir_plan.plan,
    sweeps=SWEEPS,
)


def _stage1(device: Device, variant: Variant) -> Stage1:
    import torch

    from restoration.networks import stage1

    cleaner = CLEANERS[variant.name]
    network = stage1.load(cleaner.network, weights.catalogue()[variant.weights[0]])
    # SwinIR's attention overflows in float16; bfloat16 has float32's range.
    dtype = torch.bfloat16 if device.dtype == "bfloat16" else torch.float32
    return Stage1(network.to(device.name, dtype), cleaner, device.name, dtype)


def _size(degraded: Tensor, params: Params) -> tuple[int, int]:
    height, width = degraded.shape[-2:]
    return output_size(height, width, params)


def _so_far(mosaic: Mosaic, unseen: Tensor, crop: tuple[int, int], size: tuple[int, int]) -> Tensor:
    from restoration.colour import resize

    seen = mosaic.blend(resize(unseen, *mosaic.total.shape[-2:]))
    return resize(seen[..., : crop[0], : crop[1]], *size).clamp(0, 1)


def _finished(restored: Tensor, degraded: Tensor, params: DiffbirParams) -> Tensor:
    """At the size asked for, with the colours asked for, and as much of it as asked for."""
    from restoration.colour import resize, wavelet_reconstruction

    size = _size(degraded, params)
    restored, wanted = resize(restored, *size), resize(degraded, *size)
    if params.colours == "input":
        restored = wavelet_reconstruction(restored, wanted)
    return (wanted + params.strength * (restored - wanted)).clamp(0, 1)


def _coloured(x: Tensor, y: Tensor, params: DiffbirParams) -> Tensor:
    """The picture of stage 2 with the colours of stage 1's."""
    from restoration.colour import wavelet_reconstruction, with_statistics

    fixes = {"wavelet": wavelet_reconstruction, "adain": with_statistics}
    return fixes[params.colour_fix](x, y) if params.colour_fix in fixes else x
