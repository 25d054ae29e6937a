"""Restoration guidance of DiffBIR (Lin et al. 2024, Sec. 3.3): x0 is pulled towards stage 1.

    L(x0) = mean over C, H, W of w (f(x0) - y)^2,    w = 1 or 1 - tanh(sum of gradients in 2x2)

f is the decoder and y the picture of stage 1 in [-1, 1] ("rgb"), or f is nothing and y that picture
encoded ("latent"). The weights hold flat regions and leave textured ones free. x0 is (B, 4, h, w),
whole even where the network works in tiles.

A step of `PullToLatent` removes a share of the disagreement, and one of `PullToPicture` goes a
share of the way to the lowest point of L ahead, so that the same share means the same at any size,
for any autoencoder and sampler. The official program takes 3000 g_scale / (the posterior's weight
of x0) times the slope instead, which overshoots as soon as that is more than twice the way, and
then diverges: `PublishedPull`, for comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from restoration.latent.schedule import Guide
from restoration.schedules import Schedule

Decode = Callable[[Tensor], Tensor]
"""(B, 4, h, w) -> (B, 3, H, W) in [-1, 1], differentiable."""
SCALE = 3000.0
"""What g_scale is multiplied by in the official program."""
FARTHEST = 1.0
"""Root mean square that no step moves x0 beyond: the standard deviation of latents, so as far as
one picture is from the next. Decoders are trustworthy about there and no farther."""
TRIALS = 4
"""Points tried ahead, after which a guess stays as it is."""
GREY = (0.2989, 0.587, 0.114)
SOBEL = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))


@dataclass(frozen=True)
class Span:
    """When a walk is guided, in steps of the training, and how often each time."""

    start: float = 1001.0
    """Guided below this time, the first being 1000."""
    stop: float = -1.0
    """Guided above this time, the last being 1."""
    repeat: int = 1
    """Corrections of each guess."""

    def __contains__(self, t: float) -> bool:
        """Whether the guess at time t (0 to 999) is guided."""
        return self.stop < t + 1 < self.start

    def count(self, t: float) -> int:
        """How often the guess at time t is corrected."""
        return self.repeat if t in self else 0


def flatness(picture: Tensor) -> Tensor:
    """(B, 3, H, W) in [0, 1] -> (B, 1, H, W) weights: 1 in flat regions, down to 0 in textures."""
    height, width = picture.shape[-2:]
    grey = torch.einsum("bchw,c->bhw", picture, picture.new_tensor(GREY))[:, None]
    kernel = picture.new_tensor(SOBEL)
    kernels = torch.stack([kernel, kernel.T])[:, None]
    slopes = functional.conv2d(functional.pad(grey, (1, 1, 1, 1), mode="replicate"), kernels)
    magnitude = slopes.square().sum(1, keepdim=True).sqrt()
    blocks = 4 * functional.avg_pool2d(magnitude, 2, ceil_mode=True)
    textured = functional.interpolate(blocks.tanh(), scale_factor=2)
    return 1 - textured[..., :height, :width]


def pooled_flatness(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 1, h, w) the mean of `flatness` over what each value of a latent of `size` stands for."""
    return functional.adaptive_avg_pool2d(flatness(picture), size)


def loss(guess: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    """(B,) weighted mean squared difference of each picture or latent."""
    squared = (guess - target).square()
    return (squared if weight is None else weight * squared).mean((1, 2, 3))


def slope(measure: Callable[[Tensor], Tensor], x0: Tensor) -> tuple[Tensor, Tensor]:
    """((B,) the losses of x0, and their gradients in the shape of x0)."""
    with torch.enable_grad():
        x0 = x0.detach().requires_grad_()
        losses = measure(x0)
        (gradient,) = torch.autograd.grad(losses.sum(), x0)
    return losses.detach(), gradient


@dataclass(frozen=True)
class PullToLatent:
    """A guide in the latent space: needs no decoder and costs nothing."""

    target: Tensor
    """(B, 4, h, w) the mode of the encoded picture of stage 1."""
    share: float
    """Of the disagreement that a correction removes, 0 to 1; with 1 the walk ends at the target."""
    weight: Tensor | None = None
    """(B, 1, h, w) by `pooled_flatness`, or none."""
    span: Span = Span()

    def __call__(self, x0: Tensor, t: float) -> Tensor:
        """The better guess."""
        for _ in range(self.span.count(t)):
            ahead = self.target - x0
            x0 = x0 + self.share * (ahead if self.weight is None else self.weight * ahead)
        return x0


@dataclass(frozen=True)
class PullToPicture:
    """A guide through the decoder: exact about what is seen, and slow by its decodings.

    No step goes beyond the lowest point of the loss ahead, taken from the loss, its slope and the
    loss at a trial point as if it were a parabola; a trial where the loss is higher than it was is
    followed by a shorter one. So no correction raises a loss that is convex along its way, as that
    of a linear decoder is, and none moves x0 farther than `FARTHEST`.
    """

    decode: Decode
    target: Tensor
    """(B, 3, H, W) the picture of stage 1 in [-1, 1]."""
    share: float
    """Of the way to the lowest point ahead, 0 to 1."""
    weight: Tensor | None = None
    """(B, 1, H, W) by `flatness`, or none."""
    span: Span = Span()

    def __call__(self, x0: Tensor, t: float) -> Tensor:
        """The better guess."""
        for _ in range(self.span.count(t)):
            x0 = self._nearer(x0)
        return x0

    def _measure(self, x0: Tensor) -> Tensor:
        return loss(self.decode(x0), self.target, self.weight)

    @torch.no_grad()
    def _nearer(self, x0: Tensor) -> Tensor:
        losses, gradient = slope(self._measure, x0)
        steepness = gradient.square().sum((1, 2, 3))
        farthest = FARTHEST * (gradient[0].numel() / steepness.clamp_min(1e-30)).sqrt()
        trial = torch.minimum(2 * losses / steepness.clamp_min(1e-30), farthest)
        bottom = torch.zeros_like(trial)
        for _ in range(TRIALS):
            tried = self._measure(x0 - _per_picture(trial) * gradient)
            too_far = ~(tried <= losses)
            ahead = lowest(losses, steepness, trial, tried).nan_to_num()
            bottom = ahead.where(~too_far, 0)
            if not too_far.any():
                break
            trial = ahead.where(too_far, trial)
        return x0 - _per_picture(self.share * bottom) * gradient


@dataclass(frozen=True)
class Guidance:
    """What is asked of a guide, in the words of the published options."""

    share: float = 0.0
    """How strongly, 0 (not at all) to 1: see `PullToLatent` and `PullToPicture`."""
    loss: Literal["w_mse", "mse"] = "w_mse"
    """Whether textured regions are left free."""
    space: Literal["latent", "rgb"] = "latent"
    """Where pictures are compared."""
    span: Span = Span()

    def towards(self, picture: Tensor, encoded: Tensor, decode: Decode) -> Guide | None:
        """The guide, or none where nothing is asked for.

        Args:
            picture: (B, 3, H, W) of stage 1 in [0, 1], as large as what `decode` makes.
            encoded: (B, 4, h, w) the mode of that picture encoded, once for the whole walk.
            decode: used by "rgb" alone.
        """
        if not self.share:
            return None
        weighted = self.loss == "w_mse"
        if self.space == "latent":
            height, width = encoded.shape[-2:]
            weight = pooled_flatness(picture, (height, width)) if weighted else None
            return PullToLatent(encoded, self.share, weight, self.span)
        weight = flatness(picture) if weighted else None
        return PullToPicture(decode, 2 * picture - 1, self.share, weight, self.span)


@dataclass(frozen=True)
class PublishedPull:
    """The official program's guide (DiffBIR v2.0): unguarded, and made for "spaced" only."""

    measure: Callable[[Tensor], Tensor]
    """x0 -> (B,) losses; in the latent space against a new sample of the encoded target."""
    scale: float
    """g_scale"""
    weights: Mapping[int, float]
    """Of x0 in the posterior of each step of the walk, by its time: `posterior_weights`."""
    span: Span = Span()

    def __call__(self, x0: Tensor, t: float) -> Tensor:
        """The guess as the official program corrects it."""
        for _ in range(self.span.count(t)):
            _, gradient = slope(self.measure, x0)
            x0 = x0 - SCALE * self.scale / self.weights[int(t)] * gradient
        return x0


def posterior_weights(levels: Schedule) -> dict[int, float]:
    """What x0 is multiplied by in the mean of the posterior, by the time of the step."""
    ab, before = levels.alpha_bar, levels.alpha_bar_before
    weights = before.sqrt() * (1 - ab / before) / (1 - ab)
    return dict(zip(levels.times.tolist(), weights.tolist(), strict=True))


def lowest(losses: Tensor, steepness: Tensor, trial: Tensor, tried: Tensor) -> Tensor:
    """(B,) how far down the gradient a parabola is lowest, at most as far as the trial.

    Args:
        losses: (B,) where the gradient was taken.
        steepness: (B,) its squared length.
        trial: (B,) the multiple of the gradient that was tried.
        tried: (B,) the losses there.
    """
    bend = tried - losses + trial * steepness
    bottom = trial.square() * steepness / (2 * bend.clamp_min(1e-30))
    return torch.minimum(bottom, trial)


def _per_picture(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
