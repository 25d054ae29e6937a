"""What every guided prior has in common: its knobs, its weights, and the way around its walk.

A walk is the method itself: it is told a prior, a measurement and the knobs, and yields the clean
picture (B, 3, H, W) in [-1, 1] as it is guessed after every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, cast
from weakref import WeakValueDictionary

from pydantic import Field

from restoration import weights
from restoration.params import Params, only_when
from restoration.problems import Problem
from restoration.protocol import Preset, Request, Restorer, Step, Variant

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.denoisers import Prior
    from restoration.measurements import Measurement
    from restoration.noise import Noise
    from restoration.runtime import Device

    Walk = Callable[[Prior, Measurement, "GuidedParams", Noise], Iterator[Tensor]]

FAMILY = "Guided priors"


class GuidedParams(Params):
    """Knobs of every guided prior."""

    problem: Problem = Problem()
    """What was done to the picture."""
    steps: int = Field(default=25, ge=2, le=1000)
    """Calls of the network: 25 for most problems; scattered holes gain from up to 100."""
    samples: int = Field(default=1, ge=1, le=8)
    """Guesses made at once; their mean is truer and softer than one, and takes as much longer."""
    combine: Literal["mean", "best"] = Field(
        default="mean", json_schema_extra=only_when(samples=(2, 3, 4, 5, 6, 7, 8))
    )
    """What becomes of several guesses: their mean, or the one that agrees best with the input."""


@dataclass(frozen=True)
class Guided:
    """A prior and a walk that guides it."""

    prior: Prior
    walk: Walk
    wrap: bool = False
    """Whether blurs wrap around, for walks that need a spectrum."""

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:
        """Restore; yields the measurement, a step for every step of the walk, the result."""
        from restoration.measurements import measure

        params = cast(GuidedParams, params)
        known = measure(request, params.problem, noise, patch=self.prior.patch, wrap=self.wrap)
        total = params.steps + 2
        yield Step(1, total, "measurement", known.shown)
        x0 = None
        for done, x0 in enumerate(self.walk(self.prior, known, params, noise), start=2):
            yield Step(done, total, f"denoising, step {done - 1}", partial(known.picture, x0))
        assert x0 is not None, "a walk makes at least one step"
        if params.combine == "best":
            x0 = min((one[None] for one in x0), key=known.consistency)
        measured = {"consistency": known.consistency(x0)}
        yield Step(total, total, "done", partial(known.picture, x0), measured)


def check(request: Request, params: Params) -> None:
    """Refuse a problem that makes no sense for the picture."""
    from restoration.measurements import check as check_problem

    check_problem(request, cast(GuidedParams, params).problem)


def output_size(height: int, width: int, params: Params) -> tuple[int, int]:
    """(height, width) of the result."""
    return cast(GuidedParams, params).problem.output_size(height, width)


def loader(walk: Walk, *, wrap: bool = False) -> Callable[[Device, Variant], Restorer]:
    """How a method with this walk is loaded."""

    def load(device: Device, variant: Variant) -> Restorer:
        return Guided(load_prior(device, variant), walk, wrap)

    return load


def load_prior(device: Device, variant: Variant) -> Prior:
    """The prior of a variant, its convolutions in the device's precision.

    Methods that are loaded at the same time share it: the published one takes 2 GB.
    """
    key = (variant.name, device.name, device.dtype)
    prior = _LOADED.get(key)
    if prior is None:
        prior = _LOADED[key] = _load_prior(device, variant)
    return prior


def _load_prior(device: Device, variant: Variant) -> Prior:
    import torch

    from restoration.denoisers import Prior
    from restoration.networks import guided_unet

    entry = weights.catalogue()[variant.weights[0]]
    network = guided_unet.load(entry).to(device.name)
    if device.dtype != "float32":
        guided_unet.half_torso(network, getattr(torch, device.dtype))
    network.enable_gradient_checkpointing()  # for walks that go back through it
    return Prior(network, PATCHES[variant.name], device.name)


def start(known: Measurement, params: GuidedParams, noise: Noise) -> Tensor:
    """Pure noise in the shape of the unknown pictures, one for each sample."""
    import torch

    return noise(torch.empty(params.samples, 3, *known.size))


_LOADED: WeakValueDictionary[tuple[str, str, str], Prior] = WeakValueDictionary()
"""Those that some method holds; they go with the last method that does."""
PATCHES = {"imagenet": 256, "faces": 256, "portraits": 256, "mini": 64}
VARIANTS = (
    Variant(
        "imagenet",
        "ImageNet, 256",
        "The prior of the papers: 553 million weights that know 1000 kinds of things.",
        ("guided-imagenet-256",),
    ),
    Variant(
        "faces",
        "faces, 256",
        "Trained on FFHQ: only for a face that is upright, centred and fills the picture.",
        ("guided-ffhq-256",),
    ),
    Variant(
        "mini",
        "mini (bundled)",
        "A small prior of 64x64 patches that comes with the hub: it knows edges and textures, "
        "and nothing of what things are.",
        ("mini-prior64",),
    ),
)
PRESETS = (
    Preset(
        "Remove noise",
        "For grain of a known strength: set it below. Far too much of it makes new grain.",
        {"problem.noise": 25.0},
    ),
    Preset(
        "Fill in",
        "For scratches, dates and people in the way: draw over them.",
        {"problem.missing": "drawn"},
    ),
    Preset(
        "Enlarge four times",
        "For a small, clean picture: four times as large, with detail that fits it.",
        {"problem.downscale": "x4", "samples": 4},
    ),
    Preset(
        "Sharpen",
        "For a blur whose kind and size can be guessed: try sizes until there are no rings.",
        {"problem.blur": "gaussian", "problem.noise": 2.0},
    ),
    Preset(
        "Colourise",
        "For black and white; the bundled prior only tints, the published ones know colours.",
        {"problem.grey": True},
    ),
    Preset(
        "Try it on a good picture",
        "Loses 60 % of its pixels first, then fills them in.",
        {"problem.spoil": True, "problem.missing": "random"},
    ),
)
