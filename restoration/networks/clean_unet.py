"""The U-Net of the mini: it guesses the clean picture, and says the noise that follows.

A noise hides the clean picture where nearly all of it is gone: at the last level an error of a
thousandth in eps is one of a twentieth in x0, so that a network which is trained on eps learns
the noise first and the degradation for ages not at all. What this one computes is x0 - mu. What it
gives is eps, as its class does, so the walks are the same for both.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from restoration.mean_reverting import NUM_TRAINED, eps_from_x0, schedule
from restoration.networks.conditional_unet import ConditionalUNet
from restoration.networks.irsde_layers import time_of


class CleanUNet(ConditionalUNet):
    """A `ConditionalUNet` whose layers compute x0 - mu.

    Args:
        lam: the noise in the end of the published schedule that it is trained on, in [0, 1].
        settings: those of `ConditionalUNet`.
    """

    def __init__(self, *, lam: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.lam = lam

    def forward(
        self,
        x_t: Tensor,
        mu: Tensor,
        t: Tensor | float,
        degradation: Tensor | None = None,
        content: Tensor | None = None,
    ) -> Tensor:
        """The noise in x_t, float32; t from 1 on, whole or not."""
        residual = super().forward(x_t, mu, t, degradation, content)
        tb_t = theta_bar(time_of(t, x_t)).view(-1, 1, 1, 1)
        return eps_from_x0(x_t.float(), mu.float(), mu.float() + residual, tb_t, self.lam)


def theta_bar(t: Tensor) -> Tensor:
    """theta_bar of the published schedule at times t in [0, 100], in between them evenly changing.

    Float32, in the shape of t and where it is.
    """
    levels = schedule().theta_bar.float().to(t.device)
    low = t.floor().long().clamp(0, NUM_TRAINED - 1)
    return torch.lerp(levels[low], levels[low + 1], (t - low).float())
