"""How each of `MEASURES` is taken, and why it sometimes cannot be."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from restoration import metrics
from restoration.colour import resize
from restoration.errors import BadKnobError, BadPictureError
from restoration.measures import Borders, iqa
from restoration.measures.table import MEASURES, Measure, Need
from restoration.metrics import as_array, blind, networks, niqe
from restoration.metrics import bands as metrics_bands
from restoration.metrics.windows import WINDOW, Array
from restoration.params import Tiles
from restoration.tiling import stride_for, tile_for, windows

WANTED: dict[Need, str] = {
    "result": "a result",
    "reference": "the clean picture",
    "input": "the degraded picture",
    "seeds": "results of further seeds",
    "tiles": "the borders of the tiles",
}
CHANNELS = 3
DIGITS = 6
"""Behind the decimal point: beyond them the order of a sum would show."""
LARGEST_MISMATCH = 0.03
"""Of two widths over heights; rounding a small picture's size explains no more."""


@dataclass(frozen=True)
class Given:
    """What numbers can be taken from; pictures are RGB float (B, 3, H, W) in [0, 1].

    Raises:
        BadPictureError: a picture is not RGB, or holds values that are not numbers.
    """

    result: Tensor
    reference: Tensor | None = None
    degraded: Tensor | None = None
    seeds: tuple[Tensor, ...] = ()
    borders: Borders | None = None

    def __post_init__(self) -> None:
        for word, picture in self._pictures():
            if picture.ndim != 4 or picture.shape[1] != CHANNELS or not picture.numel():  # noqa: PLR2004
                raise BadPictureError(
                    f"the {word} has the shape {tuple(picture.shape)}; "
                    "an RGB picture (B, 3, H, W) can be measured"
                )
            if not picture.is_floating_point() or not math.isfinite(_sum(picture)):
                raise BadPictureError(
                    f"the {word} holds values that are not numbers from 0 to 1: "
                    "there is nothing to measure"
                )

    def lacks(self, need: Need) -> bool:
        """Whether something that a measure needs was not given."""
        there = {
            "result": True,
            "reference": self.reference is not None,
            "input": self.degraded is not None,
            "seeds": bool(self.seeds),
            "tiles": self.borders is not None and any(map(len, self.borders)),
        }
        return not there[need]

    @functools.cached_property
    def array(self) -> Array:
        """The result as NumPy takes it."""
        return as_array(self.result)

    @functools.cached_property
    def bands(self) -> tuple[float, float, float, float]:
        """See `band_errors`."""
        assert self.reference is not None
        return metrics_bands.band_errors(self.array, as_array(self.reference))

    def _pictures(self) -> Iterator[tuple[str, Tensor]]:
        yield "result", self.result
        if self.reference is not None:
            yield "reference", self.reference
        if self.degraded is not None:
            yield "input", self.degraded
        yield from (("result of a further seed", picture) for picture in self.seeds)


def take(given: Given, names: tuple[str, ...] | None) -> dict[str, float]:
    """What `measures.measured` gives."""
    taken = {}
    for measure in _meant(given, names):
        if not _reason(given, measure):
            outside = measure.name not in TAKEN
            take_it = iqa.taken(measure) if outside else TAKEN[measure.name]
            taken[measure.name] = round(take_it(given), DIGITS)
    return taken


def lacking(given: Given, names: tuple[str, ...] | None) -> dict[str, str]:
    """What `measures.absent` gives."""
    reasons = {measure.name: _reason(given, measure) for measure in _meant(given, names)}
    return {name: reason for name, reason in reasons.items() if reason}


def tile_borders(height: int, width: int, tiles: Tiles, scale: int = 1) -> Borders:
    """Columns and rows at which tiles of a picture begin or end, in pixels of the result.

    Args:
        height: of the picture that was cut.
        width: likewise.
        tiles: how.
        scale: how much larger the result is.
    """
    tile = tile_for(height, width, tiles, 1)
    found = windows(height, width, tile, stride_for(tile, tiles))
    rows = {edge * scale for top, bottom, _, _ in found for edge in (top, bottom)}
    columns = {edge * scale for _, _, left, right in found for edge in (left, right)}
    return sorted(columns - {0, width * scale}), sorted(rows - {0, height * scale})


def asked_of(names: tuple[str, ...] | None) -> list[Measure]:
    """The measures of these names; all of the hub's own without names.

    Raises:
        BadKnobError: there is no measure of that name.
        MissingLibraryError: a measure of pyiqa was named, and pyiqa is not installed.
    """
    if names is None:
        return list(MEASURES.values())
    for name in names:
        if name not in MEASURES and not name.startswith(iqa.PREFIX):
            raise BadKnobError(f"there is no measure {name!r:.60} (known: {', '.join(MEASURES)})")
    ours = [measure for name, measure in MEASURES.items() if name in names]
    return [*ours, *(iqa.named(name) for name in names if name not in MEASURES)]


def _meant(given: Given, names: tuple[str, ...] | None) -> list[Measure]:
    """The measures that are meant; without names those of which everything was given."""
    measures = asked_of(names)
    if names is not None:
        return measures
    return [one for one in measures if not any(map(given.lacks, one.needs))]


def _reason(given: Given, measure: Measure) -> str:
    """Why a measure cannot be taken, as a sentence; empty where it can."""
    missing = [WANTED[need] for need in WANTED if need in measure.needs and given.lacks(need)]
    if missing:
        return f"{measure.title} needs {' and '.join(missing)}."
    height, width = given.result.shape[-2:]
    least, most = SMALLEST.get(measure.name, 1), LARGEST.get(measure.name, height * width)
    if min(height, width) < least:
        return (
            f"{measure.title} needs sides of at least {least} pixels; "
            f"the result is {_size(given.result)}."
        )
    if height * width > most:
        return (
            f"{measure.title} takes pictures of up to {most / 1e6:.1f} megapixels; "
            f"the result is {_size(given.result)}."
        )
    if mismatch := _mismatch(given, measure):
        return mismatch
    return networks.lacking(measure.name) if measure.weights else ""


def _mismatch(given: Given, measure: Measure) -> str:
    """What is of another size than it must be, as a sentence."""
    clean = given.reference if "reference" in measure.needs else None
    if clean is not None and clean.shape != given.result.shape:
        return (
            f"{measure.title} needs a clean picture of the result's size: "
            f"it is {_size(clean)}, the result {_size(given.result)}."
        )
    others = given.seeds if "seeds" in measure.needs else ()
    if any(other.shape != given.result.shape for other in others):
        return f"{measure.title} needs results of one size."
    start = given.degraded if "input" in measure.needs else None
    if start is not None and not _could_be_made_of(given.result, start):
        return (
            f"{measure.title} needs an input of the result's proportions and no larger: "
            f"it is {_size(start)}, the result {_size(given.result)}."
        )
    return ""


def _could_be_made_of(result: Tensor, start: Tensor) -> bool:
    """Whether a result is an input at its own size or enlarged."""
    down, across = (result.shape[side] / start.shape[side] for side in (-2, -1))
    fits = min(down, across) >= 1 and abs(down / across - 1) <= LARGEST_MISMATCH
    return fits and result.shape[0] == start.shape[0]


def _sum(picture: Tensor) -> float:
    """Of all values: finite where each of them is, and the fastest way to see it."""
    return float(picture.sum(dtype=torch.float64))


def _size(picture: Tensor) -> str:
    return f"{picture.shape[-1]}x{picture.shape[-2]}"


def _against(number: Callable[[Tensor, Tensor], float]) -> Callable[[Given], float]:
    """A number of result and reference."""

    def taken(given: Given) -> float:
        assert given.reference is not None
        return number(given.result, given.reference)

    return taken


def _by_network(number: Callable[[Tensor, Tensor], float]) -> Callable[[Given], float]:
    """A number that a network finds between result and reference."""
    return _against(lambda a, b: number(*(x.detach().float().cpu().clamp(0, 1) for x in (a, b))))


def _input_difference(given: Given) -> float:
    assert given.degraded is not None
    small = resize(given.result.detach().float().cpu().clamp(0, 1), *given.degraded.shape[-2:])
    return blind.difference(as_array(small), as_array(given.degraded))


def _seams(given: Given) -> float:
    assert given.borders is not None
    return blind.seam_energy(given.array, given.borders)


TAKEN: dict[str, Callable[[Given], float]] = {
    "psnr": _against(metrics.psnr),
    "ssim": _against(metrics.ssim),
    "ms_ssim": _against(metrics.ms_ssim),
    "gradients": _against(metrics.gradient_magnitude_similarity),
    "lpips": _by_network(networks.lpips),
    "dists": _by_network(networks.dists),
    "error_coarse": lambda given: given.bands[0],
    "error_medium": lambda given: given.bands[1],
    "error_fine": lambda given: given.bands[2],
    "error_finest": lambda given: given.bands[3],
    "niqe": lambda given: niqe.niqe(given.result),
    "noise": lambda given: blind.noise_level(given.array),
    "sharpness": lambda given: blind.sharpness(given.array),
    "blockiness": lambda given: blind.blockiness(given.array),
    "input_difference": _input_difference,
    "seed_spread": lambda given: blind.seed_spread([given.array, *map(as_array, given.seeds)]),
    "seams": _seams,
}
SMALLEST = {
    "ssim": WINDOW,
    "ms_ssim": metrics.MS_SSIM_SMALLEST,
    "gradients": 3,
    "lpips": networks.SMALLEST,
    "dists": networks.SMALLEST,
    "niqe": niqe.SMALLEST,
    "noise": 3,
    "sharpness": blind.BLUR_LENGTH + 1,
    "blockiness": 2 * blind.BLOCK,
    "seams": 3,
}
"""The shorter side in pixels that a measure needs."""
LARGEST = {"dists": 2_000_000}
"""Pixels beyond which a measure would take more memory than it is worth."""
