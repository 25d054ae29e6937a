"""One face over every network that guesses the noise: x_t, t -> eps, in float32.

Casting, patches and the splitting of a learned variance live here, so that samplers do not know
of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from restoration.tiling import gaussian_weights, windows

Denoise = Callable[[Tensor, int], Tensor]
"""x_t (B, 3, H, W) and the step of the training schedule -> eps in the shape of x_t."""
OVERLAP = 0.25
"""Share of a patch that its neighbours redo."""
PIXELS_AT_ONCE = 2**18
"""Pixels in one call of the network, which its memory follows from: 64 patches of 64, 4 of 256."""


@dataclass(frozen=True)
class Prior:
    """An unconditional pixel diffusion model with a learned variance, for pictures of any size.

    The network sees patches of the size it was trained on; what it says of overlapping ones is
    blended, so the walk goes on in one picture without seams and the measurement is explained as
    a whole.
    """

    network: Any
    """x_t (B, 3, p, p), t (B,) -> ((B, 6, p, p),): eps, then v."""
    patch: int
    """Side of a patch; both sides of a picture must be at least as long."""
    device: str = "cpu"

    def __call__(self, x_t: Tensor, t: int) -> Tensor:
        """The noise in x_t."""
        return self.predict(x_t, t)[0]

    def predict(self, x_t: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """(eps, v), each in the shape of x_t."""
        height, width = x_t.shape[-2:]
        stride = (round(self.patch * (1 - OVERLAP)),) * 2
        places = windows(height, width, (self.patch,) * 2, stride)
        patches = torch.cat([x_t[..., a:b, c:d] for a, b, c, d in places])
        at_once = max(1, PIXELS_AT_ONCE // self.patch**2)
        out = torch.cat([self.on_patches(some, t) for some in torch.split(patches, at_once)])
        if len(places) > 1:
            out = self._blend(out, places, (height, width))
        eps, v = out.chunk(2, dim=1)
        return eps, v

    def on_patches(self, patches: Tensor, t: int) -> Tensor:
        """(N, 6, p, p): the one door to the network, on its device."""
        times = torch.full((len(patches),), t, device=self.device)
        out: Tensor = self.network(patches.to(self.device), times, return_dict=False)[0]
        return out.to(patches.device).float()

    def _blend(
        self, out: Tensor, places: list[tuple[int, int, int, int]], size: tuple[int, int]
    ) -> Tensor:
        weight = gaussian_weights(self.patch, self.patch).to(out)
        batch = len(out) // len(places)
        total = out.new_zeros(batch, out.shape[1], *size)
        weights = out.new_zeros(size)
        for (top, bottom, left, right), patch in zip(places, torch.split(out, batch), strict=True):
            total[..., top:bottom, left:right] += weight * patch
            weights[top:bottom, left:right] += weight
        return total / weights
