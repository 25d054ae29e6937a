"""The one way a picture is restored, whether from the page, the command line or Python."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from restoration import albums, weights
from restoration.errors import BadKnobError
from restoration.offers import available as available
from restoration.offers import default_variant as default_variant
from restoration.offers import lacking as lacking
from restoration.params import Params, build, flatten
from restoration.protocol import Method, Need, Recognised, Request, Step, Variant, Wish
from restoration.recipe import Recipe, library_versions
from restoration.registry import METHODS
from restoration.runtime import Runtime, limits, policy, the_runtime
from restoration.seeds import checked_seed

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image
    from torch import Tensor

    from restoration.albums import Album
    from restoration.image_io import Picture

    Source: TypeAlias = str | Path | bytes | Image.Image | np.ndarray | Tensor | Picture

LOST = 0.5
"""What is at least as bright in the picture of a mask is to be filled in."""
WORDS: dict[Need, str] = {
    "mask": "a mask",
    "kernel": "a blur kernel",
    "exposures": "further exposures",
    "album": "an album",
}


@dataclass(frozen=True)
class Job:
    """A restoration that can start: everything asked for has been checked."""

    method: Method
    variant: Variant
    params: Params
    seed: int
    picture: Picture
    request: Request
    reference: Picture | None = None

    def recipe(self) -> Recipe:
        """What it takes to do this again."""
        used = self.method.uses(self.variant, self.params)
        return Recipe(
            method=self.method.name,
            variant=self.variant.name,
            knobs=flatten(self.params),
            seed=self.seed,
            weights={name: weights.identity(name) for name in used},
            versions=library_versions(),
            size=(self.picture.image.shape[-1], self.picture.image.shape[-2]),
            inputs=dict(_beside(self.request)),
        )

    def outlook(self, runtime: Runtime | None = None) -> str:
        """What it will need of the device, in a sentence; nothing where that is little."""
        runtime = runtime or the_runtime()
        height, width = self.picture.image.shape[-2:]
        held = runtime.held(self.method, self.variant)
        plan = self.method.plan(
            Wish(self.variant, height, width, self.params, runtime.device, held)
        )
        if plan is None:
            return ""
        return f"Planned: {plan.sentence}." if plan.fits else plan.sentence

    def steps(self, runtime: Runtime | None = None) -> Iterator[Step]:
        """Wait for the device and restore; close it to cancel."""
        from restoration.noise import seeded

        runtime = runtime or the_runtime()
        return runtime.run(self.method, self.variant, self.request, self.params, seeded(self.seed))


@dataclass(frozen=True)
class Restoration:
    """A restored picture, how it was made, and how long that took."""

    picture: Picture
    recipe: Recipe
    seconds: float
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the method found out about it, such as its consistency with the input."""
    recognised: Recognised | None = None
    remarks: tuple[str, ...] = ()
    """On what was asked for and not done as asked."""

    def save(self, path: str | Path) -> Path:
        """Write a lossless PNG that carries the recipe."""
        from restoration import image_io

        return image_io.write(Path(path), self.picture, recipe=self.recipe)


def methods() -> tuple[Method, ...]:
    """Every method of the hub, in the order the page shows them."""
    return tuple(METHODS.values())


def variant_of(method: str, name: str | None = None) -> Variant:
    """The variant of that name, whose weights are on disk; the best such one where it is None.

    Raises:
        BadKnobError: there is no such variant.
        MissingWeightsError: its weights are not on disk.
    """
    chosen = _method(method)
    if name is None:
        return default_variant(chosen)
    found = next((one for one in chosen.variants if one.name == name), None)
    if found is None:
        known = ", ".join(variant.name for variant in chosen.variants)
        raise BadKnobError(f"{chosen.title} has no variant {name!r:.60} (known: {known})")
    for file in found.weights:
        weights.locate(file)
    return found


def first_settings(method: str) -> Mapping[str, object]:
    """The knobs that the first preset of a method sets: what its form starts with."""
    presets = _method(method).presets
    return presets[0].knobs if presets else {}


def prepare(  # noqa: PLR0913  # whatever a method may need has its own name
    method: str,
    picture: Picture,
    *,
    variant: str | None = None,
    seed: int | None = None,
    knobs: Mapping[str, object],
    reference: Picture | None = None,
    mask: Picture | None = None,
    kernel: Picture | None = None,
    exposures: Sequence[Picture] = (),
    album: Album | None = None,
) -> Job:
    """Check what is asked for; draw the seed where none is given.

    Args:
        method: a name from `methods()`.
        picture: the degraded picture; of several exposures the darkest.
        variant: which weights; the best ones on disk where it is None.
        seed: drawn where it is None.
        knobs: by name; the others are at their defaults.
        reference: the clean picture, where it is known; no method sees it.
        mask: as large as the picture, white where it is to be filled in.
        kernel: a picture of the blur, bright where the light of a point went.
        exposures: further ones of the same scene, darkest first.
        album: a trained one; it also says which weights, where `variant` does not.

    Raises:
        BadAlbumError: the album is not trained, or on other weights than these.
        BadKnobError: the method, variant, seed or a knob does not exist or is out of range, or
            the result would be too large, or the method has no use for what is given.
        BadPictureError: what the method needs is not given, or does not fit the picture.
        MissingWeightsError: the variant's weights are not on disk.
    """
    chosen = _method(method)
    if album is not None and variant is None:
        variant = albums.trained(album).variant
    version = variant_of(method, variant)
    number = checked_seed(seed)
    params = build(chosen.params, knobs)
    policy().check_knobs(flatten(params))
    for name in chosen.uses(version, params):
        weights.locate(name)
    degraded_height, degraded_width = picture.image.shape[-2:]
    height, width = chosen.output_size(degraded_height, degraded_width, params)
    policy().check_made(width, height)
    request = Request(
        degraded=picture.image,
        mask=_mask(mask.image) if mask else None,
        kernel=kernel.image[0].mean(0) if kernel else None,
        exposures=tuple(one.image for one in exposures),
        album=albums.weights_for(album, version) if album else None,
        reference=reference.image if reference else None,
    )
    _refuse_needless(chosen, request)
    chosen.check(request, params)
    return Job(chosen, version, params, number, picture, request, reference)


def restore(  # noqa: PLR0913  # as `prepare`
    method: str,
    picture: Source,
    *,
    variant: str | None = None,
    seed: int | None = None,
    mask: Source | None = None,
    kernel: Source | None = None,
    exposures: Sequence[Source] = (),
    album: str | Album | None = None,
    **knobs: object,
) -> Restoration:
    """Restore a picture: `restore("diffbir", "in.png", variant="mini", seed=1, upscale=2)`.

    Args:
        method: a name from `methods()`.
        picture: a file, its bytes, a PIL image, an array (H, W, C), or a tensor (1, 3, H, W).
        variant: which weights; the best ones on disk where it is None.
        seed: drawn, and noted in the recipe, where it is None.
        mask: a picture of the same size, white where this one is to be filled in.
        kernel: a picture of the blur: what became of a point.
        exposures: further ones of the same scene, darkest first.
        album: a trained one, or the name of one on this machine.
        knobs: the method's knobs; `tiles_size` stands for `tiles.size`.

    Raises:
        RestorationError: what is asked for cannot be done; the text says why.
    """
    job = prepare(
        method,
        _read(picture),
        variant=variant,
        seed=seed,
        knobs=knobs,
        mask=None if mask is None else _read(mask),
        kernel=None if kernel is None else _read(kernel),
        exposures=[_read(one) for one in exposures],
        album=albums.shelf().open(album) if isinstance(album, str) else album,
    )
    return conclude(job, job.steps())


def conclude(job: Job, steps: Iterator[Step]) -> Restoration:
    """Run what is left of a job's steps; the seconds are those of the work, not of the wait."""
    start, last = time.perf_counter(), None
    for last in steps:
        if last.total == 0:
            start = time.perf_counter()
    assert last is not None
    picture = replace(job.picture, image=last.estimate())
    seconds = time.perf_counter() - start
    found = last.measured, last.recognised, last.remarks
    return Restoration(picture, job.recipe(), seconds, *found)


def _read(source: Source) -> Picture:
    from restoration import image_io

    if isinstance(source, image_io.Picture):
        return source
    return image_io.read(source, limits())


def _mask(image: Tensor) -> Tensor:
    """1 where the picture is kept, from one (1, 3, H, W) that is white where it is not."""
    return (image.mean(1, keepdim=True) < LOST).float()


def _beside(request: Request) -> Iterator[tuple[Need, str]]:
    """What was given beside the picture, with a fingerprint of it."""
    if request.mask is not None:
        yield "mask", _fingerprint(request.mask)
    if request.kernel is not None:
        yield "kernel", _fingerprint(request.kernel)
    if request.exposures:
        yield "exposures", _fingerprint(*request.exposures)
    if request.album is not None:
        yield "album", weights.fingerprint(request.album)


def _refuse_needless(method: Method, request: Request) -> None:
    for name, _ in _beside(request):
        if name not in method.needs:
            able = [one.name for one in METHODS.values() if name in one.needs]
            raise BadKnobError(
                f"{method.title} has no use for {WORDS[name]}: leave it out, or take a method that "
                f"has ({', '.join(able) or 'there is none'})"
            )


def _fingerprint(*tensors: Tensor) -> str:
    """The sha256 of all their values as little-endian float32."""
    values = b"".join(one.contiguous().numpy().astype("<f4").tobytes() for one in tensors)
    return hashlib.sha256(values).hexdigest()


def _method(name: str) -> Method:
    if name not in METHODS:
        raise BadKnobError(f"there is no method {name!r:.60} (known: {', '.join(METHODS)})")
    return METHODS[name]
