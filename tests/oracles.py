"""Networks with a closed form, behind the real `Prior`: what walks are tested with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from restoration.denoisers import Prior
from restoration.noise import Noise, seeded
from restoration.samplers import eps_from_x0
from restoration.schedules import linear

ALPHA_BAR = linear().alpha_bar


@dataclass
class Network:
    """Guesses x0 from x_t and alpha_bar, and answers as a U-Net with a learned variance does."""

    x0: Callable[[Tensor, Tensor], Tensor]
    v: float = 0.0
    calls: list[Tensor] = field(default_factory=list)

    def __call__(
        self, x_t: Tensor, times: Tensor, return_dict: bool = True
    ) -> tuple[Tensor, ...]:  # as diffusers calls it
        assert not return_dict
        self.calls.append(x_t)
        ab = ALPHA_BAR[times].view(-1, 1, 1, 1)
        eps = eps_from_x0(x_t.double(), self.x0(x_t, ab), ab).to(x_t)
        return (torch.cat([eps, torch.full_like(eps, self.v)], dim=1),)


def knowing(clean: Tensor) -> Prior:
    """A prior that knows the picture (1, 3, p, p) in [-1, 1], which is one patch."""
    return Prior(Network(lambda x_t, ab: clean.expand(len(x_t), -1, -1, -1)), clean.shape[-1])


def vague(patch: int, spread: float = 0.4) -> Prior:
    """A prior to which every value is independent and normal, with that standard deviation.

    The best guess is then linear, value by value (Wiener).
    """

    def x0(x_t: Tensor, ab: Tensor) -> Tensor:
        return ab.sqrt() * spread**2 / (ab * spread**2 + 1 - ab) * x_t

    return Prior(Network(x0), patch)


def raving(patch: int, seed: int = 0) -> Prior:
    """A prior that says anything."""
    noise: Noise = seeded(seed)

    def x0(x_t: Tensor, ab: Tensor) -> Tensor:
        return (x_t - (1 - ab).sqrt() * 3 * noise(x_t)) / ab.sqrt()

    return Prior(Network(x0, v=1.0), patch)
