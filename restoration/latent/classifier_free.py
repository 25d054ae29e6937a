"""Classifier-free guidance (Ho & Salimans 2022): away from what is unwanted, towards what is.

    answer = u + s (c - u)

c and u are the network's answers (eps or v) for the wanted and the unwanted words.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from restoration.schedules import NUM_TRAINED

AskedNetwork = Callable[[Tensor, float, Tensor], Tensor]
"""x_t (N, C, h, w), the time and tokens (N, L, D) -> eps or v in the shape of x_t."""
NO_EFFECT = 2**-24
"""How near to 1 a scale is 1 in float32."""


def rising_scale(scale: float, t: float) -> float:
    """1 at the noisiest step, slowly up to 1 + `scale` at the cleanest ("rescale_cfg")."""
    clean = (NUM_TRAINED - t) / NUM_TRAINED
    return 1 + scale * (1 - math.cos(math.pi * clean**5)) / 2


@dataclass(frozen=True)
class ClassifierFree:
    """A network with words, as one that is told x_t and t alone."""

    network: AskedNetwork
    wanted: Tensor
    """(B, L, D) or (1, L, D)"""
    unwanted: Tensor
    """(B, L, D) or (1, L, D)"""
    scale: float = 1.0
    """s; at 1 the unwanted words do nothing and the network is asked once."""
    rising: bool = False
    """Whether the scale starts at 1 and grows, which tames colours of large scales."""
    in_one_batch: bool = False
    """Whether both answers are asked for at once, the wanted ones first: faster, more memory."""

    def scale_at(self, t: float) -> float:
        """The scale at a time."""
        return rising_scale(self.scale, t) if self.rising and self.scale > 1 else self.scale

    def __call__(self, x_t: Tensor, t: float) -> Tensor:
        """The guided answer, in the shape of x_t."""
        scale = self.scale_at(t)
        wanted, unwanted = (
            tokens.expand(len(x_t), -1, -1) for tokens in (self.wanted, self.unwanted)
        )
        if abs(scale - 1) < NO_EFFECT:
            return self.network(x_t, t, wanted)
        if self.in_one_batch:
            both = self.network(torch.cat([x_t, x_t]), t, torch.cat([wanted, unwanted]))
            c, u = both.chunk(2)
        else:
            c, u = self.network(x_t, t, wanted), self.network(x_t, t, unwanted)
        return u + scale * (c - u)
