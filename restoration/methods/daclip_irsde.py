"""DA-CLIP and IR-SDE (Luo et al., ICLR 2024, ICML 2023): name the degradation, then walk back.

    x_T = mu + lambda z                     the degraded picture mu in noise, lambda = max_sigma/255
    x_s = step(x_t, network(x_t, mu, t, degradation, content))            down to the clean picture

DA-CLIP looks at mu once. Its embedding of what is wrong with the picture goes into the network
beside the time, that of what is on it into the attention, neither of them normalised. Nothing is
clamped before the end. Arithmetic of `restore` in both app.py of Algolzw/daclip-uir; IR-SDE and
Refusion alone do without embeddings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from pydantic import Field

from clip_degradation import vocabulary
from restoration import recognition, weights
from restoration.errors import BadKnobError, WrongWeightsError
from restoration.methods.irsde_systems import PRESETS, SWEEPS, SYSTEMS, VARIANTS, WORDS, System
from restoration.params import Params, Tiles, only_when, suggesting
from restoration.protocol import Method, Recognised, Request, Restorer, Step, Variant, same_size

if TYPE_CHECKING:
    from torch import Tensor

    from clip_degradation.model import DaCLIP
    from clip_degradation.preprocessing import View
    from clip_degradation.recognise import Embeddings
    from restoration.mean_reverting import Denoise, Levels, Made
    from restoration.networks.irsde import Network
    from restoration.noise import Noise
    from restoration.runtime import Device

RECOGNISED = "recognised"
"""The value of `degradation` that leaves it to the controller."""
LOW = 0.5
"""Below this probability the likeliest word is no answer."""
STRIDED = ("posterior", "fast", "fast-1")
"""Walks that may take long strides; Euler's method has to take all steps."""


class DaclipIrsdeParams(Params):
    """Knobs of DA-CLIP and IR-SDE."""

    walk: Literal["posterior", "sde", "ode", "fast", "fast-1"] = "posterior"
    """posterior is best at 100 steps, fast at 5 to 20; sde and ode always take 100."""
    steps: int = Field(default=100, ge=1, le=100, json_schema_extra=only_when(walk=STRIDED))
    """Calls of the network: 100 for posterior, 5 to 20 for fast; fewer are smoother and quicker."""
    degradation: str = Field(
        default=RECOGNISED, max_length=vocabulary.LONGEST, json_schema_extra=suggesting(*WORDS)
    )
    """What is wrong with the picture: recognised, or a word by hand such as low-light or noisy."""
    view: Literal["usual", "centre", "whole", "close"] = "usual"
    """Published weights look at the central square alone (centre); whole sees all, close grain."""
    tiles: Tiles = Tiles()
    """How a large picture is cut."""


@dataclass(frozen=True)
class Told:
    """What a request is about."""

    embeddings: Embeddings | None
    """What the network is told; nothing without a controller."""
    recognised: Recognised | None


@dataclass(frozen=True)
class MeanReverting:
    """A network that walks back, and the controller that tells it what from."""

    network: Network
    controller: DaCLIP | None
    system: System
    device: str = "cpu"

    def __call__(self, request: Request, params: Params, noise: Noise) -> Iterator[Step]:
        """Restore; yields what was recognised, a step for every step of the walk, the result."""
        params, mu = cast(DaclipIrsdeParams, params), holed(request)
        told = self.look(mu, params, holes=request.mask is not None)
        levels = levels_for(self.system, params)
        total = len(levels) + 2
        seen = told.recognised
        yield Step(1, total, seen.said if seen else "noise", partial(_picture, mu), recognised=seen)
        made = None
        for i, made in enumerate(self.walk(mu, told.embeddings, levels, params, noise), start=2):
            note = f"walking back, step {i - 1}"
            yield Step(i, total, note, partial(_picture, made.x0), recognised=seen)
        assert made is not None, "a walk makes at least one step"
        restored = _picture(made.x_s)
        seen = seen and self.look_again(restored, params, seen)
        yield Step(total, total, "done", lambda: restored, recognised=seen)

    def look(self, mu: Tensor, params: DaclipIrsdeParams, *, holes: bool = False) -> Told:
        """What the network is to be told of the picture, once for all of it.

        Whoever marks holes has said what is wrong, unless another word was given.

        Raises:
            BadKnobError: a degradation was named by hand, and this network is told none.
        """
        hand = None if params.degradation == RECOGNISED else recognition.word(params.degradation)
        if holes and not hand and self._is_told() and vocabulary.MISSING in self.system.words:
            hand = vocabulary.MISSING
        if hand and not (self.controller and self._is_told()):
            raise BadKnobError(
                f"these weights are not told the degradation, so {hand!r:.60} would change "
                f"nothing: leave degradation at {RECOGNISED!r}, or take universal, universal-mix "
                "or mini"
            )
        if self.controller is None:
            return Told(None, None)
        from clip_degradation import recognise

        with recognition.translated():
            view = self._view(params)
            if self._knows_words():
                words = tuple(self.system.words)
                found = recognise.recognise(self.controller, mu, words, view=view)
                embeddings, shares = found.embeddings, found.probabilities
            else:
                embeddings = recognise.embed_picture(self.controller, mu, view=view)
                shares = {}
            if hand:
                embeddings = recognise.named_by_hand(self.controller, embeddings, hand)
        return Told(
            embeddings, Recognised(shares, by_hand=hand, warning=self._warning(shares, hand))
        )

    def look_again(
        self, restored: Tensor, params: DaclipIrsdeParams, seen: Recognised
    ) -> Recognised:
        """With what is still recognised in the result."""
        from clip_degradation import recognise

        if not self._knows_words():
            return seen
        assert self.controller is not None
        words, view = tuple(self.system.words), self._view(params)
        found = recognise.recognise(self.controller, restored, words, view=view)
        return replace(seen, after=found.probabilities)

    def walk(
        self,
        mu: Tensor,
        embeddings: Embeddings | None,
        levels: Levels,
        params: DaclipIrsdeParams,
        noise: Noise,
    ) -> Iterator[Made]:
        """Walk from mu in noise along all of `levels`."""
        from restoration import mean_reverting

        denoise = self._denoise(embeddings, params.tiles)
        return mean_reverting.walk(params.walk, denoise, levels, mu, noise)

    def _knows_words(self) -> bool:
        return bool(self.system.words and self.controller and self.controller.has_text)

    def _is_told(self) -> bool:
        """Whether the degradation makes a difference to the network."""
        return bool(getattr(self.network, "use_degra_context", False))

    def _view(self, params: DaclipIrsdeParams) -> View:
        return self.system.view if params.view == "usual" else params.view

    def _warning(self, shares: dict[str, float], hand: str | None) -> str:
        """What a user should know before believing in the result, or nothing."""
        if hand:
            if hand in self.system.words:
                return ""
            return (
                f"{hand!r} is no word that these weights were trained with "
                f"({', '.join(self.system.words)}): what it does is a guess."
            )
        if not shares or not self._is_told():
            return ""
        word = max(shares, key=lambda one: shares[one])
        if word == vocabulary.CLEAN:
            return "Nothing seems to be wrong with this picture: restored, it may lose detail."
        if shares[word] < LOW:
            return (
                f"No word fits well; {word} is the likeliest with {shares[word]:.0%}. Name the "
                "degradation by hand if you know it, or expect little."
            )
        return ""

    def _denoise(self, embeddings: Embeddings | None, tiles: Tiles) -> Denoise:
        """The one door to the network: on its device, tile by tile, back as float32 on the CPU."""
        import torch

        from restoration.tiling import stride_for, tile_for, tiled

        told = (embeddings.degradation, embeddings.content) if embeddings else ()
        contexts = tuple(one.to(self.device) for one in told)

        def denoise(x_t: Tensor, mu: Tensor, time: float) -> Tensor:
            def call(tile: Tensor) -> Tensor:
                state, condition = tile.to(self.device).chunk(2, dim=1)
                eps: Tensor = self.network(state, condition, time, *contexts)
                return eps.cpu()

            pair = torch.cat([x_t, mu], dim=1)
            tile = tile_for(pair.shape[-2], pair.shape[-1], tiles, 1)
            if tile == pair.shape[-2:]:
                return call(pair)
            *_, (_, _, mosaic) = tiled(call, pair, tile, stride_for(tile, tiles))
            return mosaic.total / mosaic.weight

        return denoise


def holed(request: Request) -> Tensor:
    """The degraded picture, white where the mask says that it is missing, as in training."""
    degraded = request.degraded
    if request.mask is None:
        return degraded
    return degraded * request.mask + (1 - request.mask)


def levels_for(system: System, params: DaclipIrsdeParams) -> Levels:
    """The levels of the trained schedule that a walk stops at; all of them for Euler's method."""
    from restoration.mean_reverting import schedule

    trained = schedule(lam=system.max_sigma / 255)
    return trained.spaced(params.steps) if params.walk in STRIDED else trained


def check(request: Request, params: Params) -> None:
    """Refuse a degradation by hand that says nothing, and a mask of another size."""
    degradation = cast(DaclipIrsdeParams, params).degradation
    recognition.word(degradation)
    if request.mask is not None and request.mask.shape[-2:] != request.degraded.shape[-2:]:
        sizes = [f"{one.shape[-1]}x{one.shape[-2]}" for one in (request.mask, request.degraded)]
        raise BadKnobError(
            f"the mask has {sizes[0]} pixels and the picture {sizes[1]}: draw it on this picture"
        )


def load(device: Device, variant: Variant) -> Restorer:
    """The network of a variant and, where it has one, its controller."""
    import torch

    from restoration.networks import irsde

    first, *rest = variant.weights
    network = irsde.load(weights.named(first))
    controller = recognition.load(rest[0]) if rest else None
    if controller:
        check_pair(network, controller, variant)
        controller.to(device.name)
    network.to(device.name)
    if device.dtype != "float32":
        irsde.half_torso(network, getattr(torch, device.dtype))
    return MeanReverting(network, controller, SYSTEMS[variant.name], device.name)


def check_pair(network: Network, controller: DaCLIP, variant: Variant) -> None:
    """Refuse a network and a controller that were not trained together.

    Raises:
        WrongWeightsError: the network takes embeddings of another length.
    """
    given, taken = controller.config["embed_dim"], getattr(network, "context_dim", None)
    if given != taken:
        files = [weights.named(name).file for name in variant.weights]
        raise WrongWeightsError(
            f"{files[0]} and {files[1]} are no pair: the network takes embeddings of {taken} "
            f"numbers and this controller gives {given}; universal-ir.pth belongs to "
            "daclip_ViT-B-32.pt, and wild-ir.pth to wild-daclip_ViT-L-14.pt"
        )


def _picture(x: Tensor) -> Tensor:
    return x.clamp(0, 1)


METHOD = Method(
    name="daclip_irsde",
    title="DA-CLIP and IR-SDE",
    help="Names what is wrong with the picture, then walks back from it to a clean one.",
    paper="Luo et al., Controlling Vision-Language Models for Multi-Task Image Restoration, "
    "ICLR 2024, arXiv 2310.01018; Image Restoration with Mean-Reverting Stochastic Differential "
    "Equations, ICML 2023, arXiv 2301.11699",
    params=DaclipIrsdeParams,
    variants=VARIANTS,
    presets=PRESETS,
    load=load,
    output_size=same_size,
    needs=frozenset({"mask"}),
    check=check,
    sweeps=SWEEPS,
)
