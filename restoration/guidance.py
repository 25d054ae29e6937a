"""Pulls of a walk towards a measurement y = A x.

Pictures are in [-1, 1]. `gamma` is dimensionless: the share of the disagreement A x - y that one
step removes, where A keeps what it keeps equally well. The scale s of GDP's published scripts is
s = 2 N gamma / |A|^2 for N measured values.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from restoration.operators import Operator

Loss = Callable[[Tensor], Tensor]
"""A picture in [0, 1] -> a scalar that is to become small."""

REFERENCE_STEPS = 25
"""The number of steps for which a strength is the share removed per step."""


def gamma_of(strength: float, steps: int) -> float:
    """What one of `steps` steps has to remove, so that all together remove the same.

    gamma_n = 1 - (1 - strength)^(25 / n): never above 1, so no number of steps can diverge.
    """
    return float(1 - (1 - strength) ** (REFERENCE_STEPS / steps))


def strength_of(scale: float, num_measured: int, steps: int = 1000) -> float:
    """The strength that a scale of the published scripts means (|A| = 1)."""
    return float(1 - (1 - scale / (2 * num_measured)) ** (steps / REFERENCE_STEPS))


def pull(x: Tensor, operator: Operator, y: Tensor, gamma: float) -> Tensor:
    """What to add to x so that A x comes nearer to y: -gamma / |A|^2 A^T (A x - y)."""
    return -gamma / operator.norm**2 * operator.adjoint(operator(x) - y)


def downhill(x: Tensor, loss: Loss, gamma: float, operator: Operator, y: Tensor) -> Tensor:
    """What to add to x to lower `loss`, at the scale at which `pull` lowers the squared error."""
    return -2 * gamma * y[0].numel() / operator.norm**2 * gradient(loss, x)


def total(weighted: list[tuple[float, Loss]]) -> Loss | None:
    """The weighted sum of losses as one, or None where there are none."""
    if not weighted:
        return None
    return lambda x: torch.stack([weight * loss(x) for weight, loss in weighted]).sum()


def gradient(loss: Loss, x: Tensor) -> Tensor:
    """The gradient of `loss` with respect to x, which is in [-1, 1]."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss((x + 1) / 2), x)
    return slope


def limited(move: Tensor, farthest: float) -> Tensor:
    """The move of each picture, shortened where its root mean square is above `farthest`."""
    if move.ndim == 0:
        return move
    length = move.square().mean((1, 2, 3), keepdim=True).sqrt()
    return move * (farthest / length.clamp_min(farthest))


def followed(
    s: Tensor, sigma_y: float, ab_s: Tensor, *, eta: float, gamma: float
) -> tuple[Tensor, Tensor, Tensor]:
    """How far a noisy measurement is followed, and how much other noise is left to add.

    What was measured with a singular value s brings noise of sigma_y / s into x0. It is followed
    as far as a step to ab_s has room for that noise, which takes the place of predicted noise
    first and then of the share eta^2 that is drawn anew, so that x_s has the noise that the
    network counts on (the idea of DDNM+, Wang et al. 2023, Sec. 3.3, for a step with eta).

    Returns:
        (share, predicted, fresh): what U^T (y - A x0) is multiplied by, which is gamma / s or
        less, and the standard deviations of predicted and of fresh noise; all in the shape of s.
    """
    whole = (1 / s.where(s > 0, 1)).where(s > 0, 0)
    level = (1 - ab_s).to(s)
    error = ab_s.sqrt().to(s) * sigma_y
    if sigma_y:
        whole = whole.clamp_max(float(level.sqrt() / error))
    share = gamma * whole
    brought = (share * error).square()
    predicted = ((1 - eta**2) * level - brought).clamp_min(0)
    fresh = (level - brought - predicted).clamp_min(0)
    return share, predicted.sqrt(), fresh.sqrt()
