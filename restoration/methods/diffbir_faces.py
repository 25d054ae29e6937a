"""Faces of any size and turn in a picture that DiffBIR restores: each by itself, the rest around.

As in the official program v2.1 (`unaligned_bfr_loop.py`) faces are cleaned up by the network made
for them and get their detail from the variant's own stage 2; v1 alone has a stage 2 for faces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from restoration import faces, weights
from restoration.latent import captions
from restoration.methods.diffbir_knobs import DETAILED, DiffbirParams
from restoration.methods.diffbir_systems import FACE, MINI
from restoration.params import Params
from restoration.protocol import Request, Restorer, Step, Variant, Wish

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.faces.restoring import FindFaces
    from restoration.memory_plan import Plan
    from restoration.methods.diffbir import Diffbir
    from restoration.noise import Noise

OTHERWISE = "restore faces as the rest"
"""What can be done where no faces can be found."""


@dataclass(frozen=True)
class FaceSystem:
    """What restores the faces beside a variant that restores the rest."""

    cleaner: Variant
    """Whose stage 1."""
    detail: Variant
    """Whose stage 2."""
    is_makeshift: bool = False
    """Whether stage 1 is that of the rest, since the one for faces is not on disk."""

    def uses(self, params: DiffbirParams) -> tuple[str, ...]:
        """Names of the checkpoints."""
        further = self.detail.further if params.stages in DETAILED else ()
        return (faces.FINDER, *self.cleaner.weights, *further)

    def remark(self, is_detailed: bool) -> str:
        """Which weights it was, for a person."""
        said = f"Faces were cleaned up by the weights “{self.cleaner.title}”"
        if self.is_makeshift:
            said += f", as {FACE.weights[0]} is not on disk"
        if is_detailed:
            said += f"; their detail is by “{self.detail.title}”"
        return f"{said}."


def system_beside(variant: Variant) -> FaceSystem:
    """What this machine has for faces; the mini is complete in itself."""
    if variant.name in (MINI, FACE.name):
        return FaceSystem(variant, variant)
    detail = FACE if variant.name == "v1" and are_on_disk(FACE.further) else variant
    if are_on_disk(FACE.weights):
        return FaceSystem(FACE, detail)
    return FaceSystem(variant, detail, is_makeshift=True)


def check(request: Request, params: Params) -> None:  # noqa: ARG001  # the protocol passes both
    """What finds faces, and what describes pictures, is there if it is asked for.

    Raises:
        MissingLibraryError, MissingWeightsError, WrongWeightsError: it is not.
    """
    params = cast(DiffbirParams, params)
    if params.faces == "one-by-one":
        finder()
    if params.stages in DETAILED and params.words.captioner == "blip":
        captions.locate()


def finder() -> FindFaces:
    """What finds every face in a picture; raises as `check`."""
    return faces.Finder.load(OTHERWISE).every_landmarks


def wish_of_a_face(wish: Wish) -> Wish:
    """One face as a restoration of its own."""
    from restoration.faces.restoring import SIDE

    params = alone(cast(DiffbirParams, wish.params))
    cleaner = system_beside(wish.variant).cleaner
    return Wish(cleaner, SIDE, SIDE, params, wish.device)


def alone(params: DiffbirParams) -> DiffbirParams:
    """The knobs for one upright face."""
    return params.model_copy(update={"upscale": 1.0, "faces": "as-the-rest"})


@dataclass(frozen=True)
class WithFaces:
    """A system for whole pictures, and one for faces that is loaded when it is first asked for."""

    whole: Restorer
    face: Callable[[], tuple[Diffbir, FaceSystem]]
    holds_detail: Callable[[], bool]
    """Whether a stage 2 is loaded."""
    load_detail: Callable[[], None]
    """Loads that of the whole, where its files are on disk."""
    find: Callable[[], FindFaces] = finder

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:
        """Restore, faces as the knobs say; the last step holds the result."""
        params = cast(DiffbirParams, params)
        if params.faces == "one-by-one":
            return self.one_by_one(request, params, noise)
        return self.whole(request, params, noise)

    def warm(self) -> None:
        """Load stage 2 as well, where its files are on disk."""
        self.load_detail()

    def one_by_one(self, request: Request, params: DiffbirParams, noise: Noise) -> Iterator[Step]:
        """Restore the rest and then each face; what is drawn comes in this order.

        Raises:
            DeviceMemoryError: it will not fit.
            MissingLibraryError, MissingWeightsError, WrongWeightsError: as `check`.
        """
        import torch

        from restoration.colour import resize
        from restoration.faces import restoring
        from restoration.methods.diffbir import output_size

        find = self.find()
        restorer, system = self.face()
        own = alone(params)
        is_detailed = restorer.is_detailed(own)
        if is_detailed:
            restorer.fitting(torch.empty(1, 3, restoring.SIDE, restoring.SIDE), own)

        def restore_face(upright: Tensor) -> Iterator[Step]:
            for step in restorer(Request(upright), own, noise):
                yield replace(step, remarks=(*step.remarks, system.remark(is_detailed)))

        height, width = request.degraded.shape[-2:]
        enlarged = resize(request.degraded, *output_size(height, width, params))
        rest = _as_the_rest(self.whole(request, params, noise))
        yield from restoring.restored(enlarged, find, restore_face, rest)


def plan(wish: Wish, forecast: Callable[[Wish], Plan]) -> Plan:
    """What the rest and the faces will need; how many there are is not known before."""
    whole = forecast(wish)
    if cast(DiffbirParams, wish.params).faces != "one-by-one":
        return whole
    face = forecast(wish_of_a_face(wish))
    if whole.fits and not face.fits:
        return face
    return replace(whole, peak=max(whole.peak, face.peak), each_face=face.seconds)


def _as_the_rest(steps: Iterator[Step]) -> Iterator[Step]:
    """The steps of the background, whose last one is not that of the whole."""
    for step in steps:
        yield replace(step, note="the rest") if step.note == "done" else step


def are_on_disk(names: tuple[str, ...]) -> bool:
    """Whether all of these checkpoints are there."""
    return all(weights.find(weights.named(name)) for name in names)
