"""The literal walk of GDP's published programs for low light and HDR, patch by patch.

Sources: gaussian_diffusion_x0_enhancement_direct.py and gaussian_diffusion_x0_enhancement_HDR.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.denoisers import Prior
    from restoration.guidance import Loss
    from restoration.noise import Noise
    from restoration.schedules import Schedule


@dataclass(frozen=True)
class Form:
    """What differs between the published programs for low light and for HDR."""

    patch: int
    stride: int
    scale: float
    """s, the weight of the squared error."""
    repeats: int
    """How often the same gradient is added."""
    extra: Loss | None = None
    """What the paper asks for beside agreement, and the programs have commented out."""
    smoothness: float = 0.0
    """Weight of the smoothness of M, likewise."""

    def corners(self, height: int, width: int) -> list[tuple[int, int]]:
        """(top, left) of every patch; the last row and column twice where they fit exactly."""
        tops, lefts = (
            [*range(0, side - self.patch + 1, self.stride), side - self.patch]
            for side in (height, width)
        )
        return [(top, left) for top in tops for left in lefts]


@dataclass(frozen=True)
class Made:
    """What a step of the published walk leaves behind."""

    x0: Tensor
    x_s: Tensor
    f: Tensor
    """(1,)"""
    mask: Tensor
    """(H, W)"""


def published(
    prior: Prior,
    schedule: Schedule,
    y: Tensor,
    start: tuple[Tensor, Tensor, Tensor],
    form: Form,
    *,
    noise: Noise,
) -> Iterator[Made]:
    """The literal walk: everything is done patch by patch and averaged, f over all patches.

    Args:
        prior: the network.
        schedule: the levels to walk along.
        y: the exposures (K, 3, H, W) in [0, 1].
        start: x_T (1, 3, H, W), f (1,) and M (H, W).
        form: the program.
        noise: draws a full picture for each step.
    """
    import torch

    from restoration.guidance import gradient
    from restoration.losses import light_fit_step
    from restoration.samplers import (
        ddpm_step,
        learned_log_variance,
        log_variance_bounds,
        posterior_mean,
        x0_from_eps,
    )

    x_t, f, mask = start
    corners = form.corners(*y.shape[-2:])
    y_patches = torch.stack([_cut(exposure[None], corners, form.patch) for exposure in y])
    low, high = log_variance_bounds(schedule)
    for stride in schedule.strides():
        x_patches = _cut(x_t, corners, form.patch)
        eps, v = prior.on_patches(x_patches, stride.t).chunk(2, dim=1)
        x0 = x0_from_eps(x_patches, eps, stride.ab_t).clamp(-1, 1)
        picture, light = (x0 + 1) / 2, _cut(mask[None, None], corners, form.patch)
        gain = f.expand(len(picture), 1, 1, 1)
        fits = [light_fit_step(picture, exposure, gain, light) for exposure in y_patches]
        uphill = form.repeats * sum(fit.grad_x for fit in fits) / 2  # the picture is in [-1, 1]
        if form.extra:
            uphill = uphill + torch.cat([gradient(form.extra, one[None]) for one in x0])
        mean = posterior_mean(x_patches, x0, stride.ab_t, stride.ab_s) - form.scale * uphill
        log_variance = learned_log_variance(v, low[stride.i], high[stride.i])
        f = torch.stack([fit.f for fit in fits]).mean((0, 1)).flatten()
        light = torch.stack([fit.mask for fit in fits]).mean(0)
        if form.smoothness:
            light = light - form.smoothness * _roughness(light)
        averaged = _average(torch.cat([mean, log_variance, x0, light], 1), corners)
        mean, log_variance, x0, light = torch.split(averaged, [3, 3, 3, 1], dim=1)
        mask = light[0, 0]
        x_t = ddpm_step(mean, log_variance, noise, last=stride.i == 0)
        yield Made(x0, x_t, f, mask)


def _roughness(light: Tensor) -> Tensor:
    """Gradient of the total variation of each patch of M, (P, 1, p, p)."""
    import torch

    from restoration.losses import illumination_smoothness

    with torch.enable_grad():
        light = light.detach().requires_grad_()
        total = torch.stack([illumination_smoothness(one[0]) for one in light]).sum()
        (slope,) = torch.autograd.grad(total, light)
    return slope


def _cut(x: Tensor, corners: Sequence[tuple[int, int]], patch: int) -> Tensor:
    import torch

    return torch.cat([x[..., top : top + patch, left : left + patch] for top, left in corners])


def _average(patches: Tensor, corners: Sequence[tuple[int, int]]) -> Tensor:
    """(1, C, H, W): the mean of all patches that cover a pixel."""
    side = patches.shape[-1]
    size = corners[-1][0] + side, corners[-1][1] + side
    total = patches.new_zeros(1, patches.shape[1], *size)
    count = patches.new_zeros(size)
    for (top, left), patch in zip(corners, patches, strict=True):
        total[..., top : top + side, left : left + side] += patch
        count[top : top + side, left : left + side] += 1
    return total / count
