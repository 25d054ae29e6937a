"""How networks are optimised: what is usual here, and what is published of DA-CLIP and IR-SDE.

Steps are counted from 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import torch
from torch import Tensor, nn

USUAL_WARM_UP = 100
"""Steps in which the usual rate rises at the start of every run."""
USUAL_KEPT = 0.999
"""The highest share of itself that the usual average keeps."""
PUBLISHED_END = 1e-6
"""The rate at which the training of DA-CLIP's mean-reverting networks ended."""


class Lion(torch.optim.Optimizer):
    """Steps in the direction of the sign of an averaged gradient (Chen et al. 2023, Algorithm 2).

    Every value moves by the rate, whatever the size of its gradient; so the rate is some ten times
    lower than AdamW's. Refusion was trained with rates of 3e-5 and 4e-5.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 4e-5,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Make a step; a closure computes the gradients anew and gives the loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)
        return loss

    def _move(self, parameter: Tensor, group: Mapping[str, Any]) -> None:
        grad, state = parameter.grad, self.state[parameter]
        assert grad is not None
        average = state.setdefault("average", torch.zeros_like(parameter))
        near, far = group["betas"]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(average.lerp(grad, 1 - near).sign(), alpha=-group["lr"])
        average.lerp_(grad, 1 - far)


@dataclass(frozen=True)
class Manner:
    """How a recipe is optimised."""

    optimizer: Callable[[nn.Module, float], torch.optim.Optimizer]
    """(network, rate) -> what moves its weights."""
    rate: Callable[[int, float], float]
    """(steps made, share of the run that is over) -> the learning rate of the next step."""
    kept: Callable[[int], float]
    """Step -> the share of itself that the average of the weights keeps."""
    longest: float = 1.0
    """What the gradient is shortened to where it is longer; 0 leaves it as it is."""


def usual(rate: float) -> Manner:
    """AdamW; a warm-up, then half a cosine to 0; an average that is faster at first."""
    return Manner(
        optimizer=lambda network, rate: torch.optim.AdamW(
            network.parameters(), rate, betas=(0.9, 0.99), weight_decay=1e-4
        ),
        rate=lambda made, over: rate * min(1.0, (made + 1) / USUAL_WARM_UP) * cosine(over, 1, 1.0),
        kept=lambda step: min(USUAL_KEPT, (2 + step) / (11 + step)),
    )


def mean_reverted(rate: float) -> Manner:
    """As DA-CLIP's mean-reverting networks were: AdamW, a cosine from the start, their average."""
    return Manner(
        optimizer=lambda network, rate: torch.optim.AdamW(
            network.parameters(), rate, betas=(0.9, 0.99), weight_decay=0.0
        ),
        rate=lambda _, over: cosine(over, 1, rate, min(rate, PUBLISHED_END)),
        kept=decay,
        longest=0.0,
    )


def cosine(step: float, steps: float, rate: float, end: float = 0.0) -> float:
    """The learning rate that falls from `rate` to `end` along half a cosine.

    The universal and the wild network: from 2e-4 to 1e-6 over all steps.
    """
    return end + (rate - end) * (1 + math.cos(math.pi * step / steps)) / 2


def warmed_cosine(step: float, steps: float, rate: float, warm_up: int) -> float:
    """The learning rate that rises evenly for `warm_up` steps, then falls to 0 along a cosine.

    DA-CLIP's controller: 3e-5 after 100 steps.
    """
    if step < warm_up:
        return rate * (step + 1) / warm_up
    return cosine(step - warm_up, steps - warm_up, rate)


def halving(step: int, rate: float, at: Sequence[int] = (200_000, 400_000, 600_000)) -> float:
    """The learning rate that halves at each of some steps, those of plain IR-SDE unless given."""
    return rate * math.pow(0.5, sum(step >= halved for halved in at))


def decay(
    step: int, *, most: float = 0.995, every: int = 10, after: int = 100, power: float = 2 / 3
) -> float:
    """Share of itself that a running average of weights keeps at a step.

    1 where it is left alone, since it moves at every 10th step only; 0 where it is set to the
    weights, up to and with the first such step beyond `after`; then 1 - (1 + steps since)^-power,
    `most` at most. These are the numbers of the published average (ema_pytorch 0.2.3).
    """
    if step % every:
        return 1.0
    if step - every <= after:
        return 0.0
    return min(most, 1.0 - math.pow(1 + step - after, -power))


@torch.no_grad()
def move_average(average: Mapping[str, Tensor], weights: Mapping[str, Tensor], kept: float) -> None:
    """Move a running average towards the weights, in place; whole numbers are copied."""
    for key, value in weights.items():
        if value.is_floating_point():
            average[key].lerp_(value.to(average[key]), 1 - kept)
        else:
            average[key].copy_(value)
