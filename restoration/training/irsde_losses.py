"""What a mean-reverting network learns from (Luo et al. 2023): the best way to step back.

Notation as in `mean_reverting.py`; theta_bar is (B, 1, 1, 1) here, each picture at its own level.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from restoration.mean_reverting import posterior_mean, sde_mean

LAM = 50 / 255
"""The noise at the end of the walk; that of all DA-CLIP's networks."""


def matching_loss(
    eps: Tensor,
    x_t: Tensor,
    x0: Tensor,
    mu: Tensor,
    levels: tuple[Tensor, Tensor, float],
    norm: Literal["l1", "l2"] = "l1",
) -> Tensor:
    """Distance of the step that the network's noise leads to from the likeliest one, a scalar.

    The likeliest step knows the clean picture; all published networks were trained with "l1".

    Args:
        eps: the noise in x_t as the network guesses it, (B, 3, H, W).
        x_t: the state it was shown, see `mean_reverting.noised`.
        x0: the clean pictures.
        mu: the degraded ones.
        levels: theta_bar of the state and of the next cleaner one, and lambda.
        norm: mean absolute ("l1") or squared ("l2") difference.
    """
    tb_t, tb_s, lam = levels
    step = sde_mean(x_t, mu, eps, tb_t, tb_s, lam)
    difference = step - posterior_mean(x_t, x0, mu, tb_t, tb_s)
    return difference.abs().mean() if norm == "l1" else difference.square().mean()
