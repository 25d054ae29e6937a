"""DiffBIR (Lin et al., ECCV 2024): remove the degradation, then regenerate the detail.

So far stage 1, the removal of degradation ("clean-up"): a regression network that takes away
noise, blur and compression and invents nothing. Arithmetic of the official program v2.1,
`diffbir/pipeline.py`; the steps are numbered as there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from restoration import weights
from restoration.params import Params, Tiles
from restoration.protocol import Method, Preset, Request, Restorer, Step, Variant

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from restoration.noise import Noise
    from restoration.runtime import Device
    from restoration.tiling import Mosaic


class DiffbirParams(Params):
    """Knobs of DiffBIR."""

    stages: Literal["clean-up"] = "clean-up"
    """What is done: clean-up removes noise, blur and compression and invents nothing."""
    upscale: float = Field(default=1.0, ge=1.0, le=8.0, multiple_of=0.5)
    """How many times larger the result is; a small picture shows its detail better at 2 to 4."""
    strength: float = Field(default=1.0, ge=0.0, le=1.0)
    """How much of the clean-up is kept; less leaves more of the original grain and its flaws."""
    colours: Literal["network", "input"] = "network"
    """Whose colours the result has: input undoes a tint that the network may bring in."""
    tiles: Tiles = Tiles()
    """How a large picture is cut."""


@dataclass(frozen=True)
class Cleaner:
    """What the official program does around one stage-1 network."""

    network: Literal["swinir", "bsrnet", "scunet"]
    multiple: int = 64
    """Both sides are padded to a multiple of this."""
    padding: Literal["constant", "replicate", "reflect"] = "constant"
    short_edge: int = 512
    """A shorter side is enlarged to this, since stage 2 works at 512 and above; 0 leaves it."""
    scale: int = 1
    """How much the network itself enlarges."""


CLEANERS = {
    # Reflection, since zeros beside the border darken it; at its own size, since nothing follows.
    "mini": Cleaner("swinir", multiple=32, padding="reflect", short_edge=0),
    "v2.1": Cleaner("swinir"),
    "v2": Cleaner("bsrnet", multiple=1, scale=4),
    "v2-denoise": Cleaner("scunet", padding="replicate"),
    "v1": Cleaner("swinir"),
    "face": Cleaner("swinir"),
}


@dataclass(frozen=True)
class Stage1:
    """Removal of degradation by one network."""

    network: nn.Module
    cleaner: Cleaner
    device: str
    dtype: torch.dtype

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:  # noqa: ARG002  # regression draws nothing
        """Clean up; yields a step after every tile, then one with the result."""
        from restoration.colour import resize, wavelet_reconstruction

        params = cast(DiffbirParams, params)
        size = _size(request.degraded, params)
        cleaned, steps = yield from self.clean(request.degraded, params)
        restored, wanted = resize(cleaned, *size), resize(request.degraded, *size)
        if params.colours == "input":
            restored = wavelet_reconstruction(restored, wanted)
        restored = (wanted + params.strength * (restored - wanted)).clamp(0, 1)
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
        if min(size) < cleaner.short_edge:
            return resize_short_edge_to(cleaned, cleaner.short_edge), total
        return resize(cleaned, *size), total

    def _apply(self, tile: Tensor) -> Tensor:
        """The one door to the network: on its device and in its precision, back as float32."""
        restored: Tensor = self.network(tile.to(self.device, self.dtype))
        return restored.to("cpu").float()


def output_size(height: int, width: int, params: Params) -> tuple[int, int]:
    """Sides of the result, cut to whole pixels as the official program does."""
    upscale = cast(DiffbirParams, params).upscale
    return max(1, int(height * upscale)), max(1, int(width * upscale))


def load(device: Device, variant: Variant) -> Restorer:
    """Stage 1 with the weights of a variant."""
    import torch

    from restoration.networks import stage1

    cleaner = CLEANERS[variant.name]
    network = stage1.load(cleaner.network, weights.catalogue()[variant.weights[0]])
    # SwinIR's attention overflows in float16; bfloat16 has float32's range.
    dtype = torch.bfloat16 if device.dtype == "bfloat16" else torch.float32
    return Stage1(network.to(device.name, dtype), cleaner, device.name, dtype)


METHOD = Method(
    name="diffbir",
    title="DiffBIR",
    help="Removes noise, blur and compression from any photograph, without inventing detail.",
    paper="Lin et al., DiffBIR: Toward Blind Image Restoration with Generative Diffusion Prior, "
    "ECCV 2024, arXiv 2308.15070",
    params=DiffbirParams,
    variants=(
        Variant(
            "v2.1",
            "v2.1, general",
            "SwinIR trained on Real-ESRGAN degradations: the strongest general clean-up.",
            ("swinir-v2.1",),
        ),
        Variant(
            "v2",
            "v2, general",
            "BSRNet, which enlarges four times by itself: for small, blurred pictures.",
            ("bsrnet",),
        ),
        Variant(
            "v2-denoise",
            "v2, noise",
            "SCUNet: for noise from a camera in pictures that are sharp.",
            ("scunet-psnr",),
        ),
        Variant(
            "v1",
            "v1, general",
            "SwinIR trained on CodeFormer degradations: for blurred and small pictures.",
            ("swinir-v1-general",),
        ),
        Variant(
            "face",
            "faces",
            "SwinIR for aligned faces of 512x512.",
            ("swinir-v1-face",),
        ),
        Variant(
            "mini",
            "mini (bundled)",
            "A small SwinIR that comes with the hub: quick, for noise, light blur and JPEG.",
            ("mini-swinir",),
        ),
    ),
    presets=(
        Preset("Clean up", "Noise, blur and JPEG blocks go, size stays: the place to start."),
        Preset(
            "Gentle", "For a good picture with a little noise: half of it stays.", {"strength": 0.5}
        ),
        Preset(
            "Enlarge twice", "For a small picture: cleaned up and twice as large.", {"upscale": 2.0}
        ),
        Preset(
            "True colours",
            "If the result has a tint: its detail on the colours of the input.",
            {"colours": "input"},
        ),
    ),
    load=load,
    output_size=output_size,
)


def _size(degraded: Tensor, params: Params) -> tuple[int, int]:
    height, width = degraded.shape[-2:]
    return output_size(height, width, params)


def _so_far(mosaic: Mosaic, unseen: Tensor, crop: tuple[int, int], size: tuple[int, int]) -> Tensor:
    from restoration.colour import resize

    seen = mosaic.blend(resize(unseen, *mosaic.total.shape[-2:]))
    return resize(seen[..., : crop[0], : crop[1]], *size).clamp(0, 1)
