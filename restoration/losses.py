"""What GDP asks of a picture (Fei et al. 2023): differentiable, smaller is better but for SSIM.

Pictures are (B, C, H, W) in [0, 1] unless said otherwise. Where the published program (MyLoss,
after Zero-DCE of Guo et al. 2020) computes something else than the paper prints, `form` chooses:
"code" is what made the published results, "paper" is the printed formula.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from restoration.degradations.blur_kernels import gaussian_kernel

Form = Literal["code", "paper"]

WINDOW = 11
"""Side of the Gaussian window of `padded_ssim` in pixels; its sigma is 1.5."""
REGION = 4
"""Side of the regions that `spatial_consistency` compares, in pixels."""


def mean_squared_error(x: Tensor, y: Tensor) -> Tensor:
    """Mean over channels and pixels of (x - y)^2, summed over the batch; any range."""
    return (x - y).square().mean((1, 2, 3)).sum()


def padded_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Structural similarity, 1 for equal pictures: a score, so 1 minus it is the loss.

    As GDP's inpainting program computes it (pytorch_ssim): beyond the border all is black, and
    every pixel counts. `metrics.ssim`, the one to report, leaves the border out.
    """
    channels, reach = x.shape[1], WINDOW // 2
    window = gaussian_kernel(WINDOW, 1.5, 1.5).to(x).expand(channels, 1, -1, -1)

    def local_mean(a: Tensor) -> Tensor:
        return functional.conv2d(a, window, padding=reach, groups=channels)

    mean_x, mean_y = local_mean(x), local_mean(y)
    squares = mean_x.square() + mean_y.square()
    variances = local_mean(x * x) + local_mean(y * y) - squares
    covariance = local_mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (squares + c1)
    return (luminance * (2 * covariance + c2) / (variances + c2)).mean()


def exposure(x: Tensor, patch: int, level: float, form: Form = "code") -> Tensor:
    """How far the brightness of patch x patch regions is from `level`, on average; any range.

    "code" takes the square of the distance, "paper" the distance. What is left over at the right
    and at the bottom does not count.

    Raises:
        ValueError: the picture is smaller than one region.
    """
    distance = _brightness(x, patch) - level
    return (distance.square() if form == "code" else distance.abs()).mean()


def colour_constancy(x: Tensor, form: Form = "code") -> Tensor:
    """How far the means of the three channels are apart, for each picture: (B,).

    "paper" is the sum of the squared differences, "code" the root of the sum of their 4th powers.
    The published program has no gradient (NaN) where all three are equal; here it is zero.
    """
    means = x.mean((2, 3))
    squares = (means - means.roll(1, 1)).square()
    return torch.linalg.vector_norm(squares, dim=1) if form == "code" else squares.sum(1)


def illumination_smoothness(mask: Tensor, form: Form = "code") -> Tensor:
    """Total variation of the illumination mask (H, W) of y = f x + mask.

    With d_v and d_h the differences of neighbours, "code" is 2 (mean d_v^2 + mean d_h^2) and
    "paper" is mean (|d_h| + |d_v|)^2, where a difference that reaches beyond the border is 0.
    The paper leaves open what it divides by; here it is the number of pixels.
    """
    vertical, horizontal = mask.diff(dim=0), mask.diff(dim=1)
    if form == "code":
        means = [d.square().sum() / max(d.numel(), 1) for d in (vertical, horizontal)]
        return 2 * (means[0] + means[1])
    down = functional.pad(vertical, (0, 0, 0, 1))
    right = functional.pad(horizontal, (0, 1))
    return (down.abs() + right.abs()).square().mean()


def spatial_consistency(x: Tensor, y: Tensor) -> Tensor:
    """How differently x and y step from a 4x4 region to the next: a map (B, 1, H/4, W/4).

    Sum over the four neighbours of the squared difference of both steps in brightness; beyond the
    border all is black. What is left over at the right and at the bottom does not count.

    Raises:
        ValueError: the pictures are smaller than one region.
    """
    difference = _brightness(x - y, REGION)
    padded = functional.pad(difference, (1, 1, 1, 1))
    neighbours = (
        padded[..., 1:-1, :-2],
        padded[..., 1:-1, 2:],
        padded[..., :-2, 1:-1],
        padded[..., 2:, 1:-1],
    )
    return torch.stack([(difference - other).square() for other in neighbours]).sum(0)


def saturation(x: Tensor) -> Tensor:
    """Mean distance of the pixels' colours from the mean colour of their picture.

    Smooth but where a pixel has exactly the mean colour: there the gradient is zero.
    """
    distances: Tensor = torch.linalg.vector_norm(x - x.mean((2, 3), keepdim=True), dim=1)
    return distances.mean()


class LightStep(NamedTuple):
    """What one step of fitting y = f x + mask gives."""

    grad_x: Tensor
    """Gradient of the squared error with respect to x; for a picture in [-1, 1] it is half."""
    f: Tensor
    mask: Tensor


def light_fit_step(x: Tensor, y: Tensor, f: Tensor, mask: Tensor) -> LightStep:
    """One step downhill of f and mask on E = `mean_squared_error(f x + mask, y)`, of rate 1.

    As GDP fits a light of unknown strength: with r = f x + mask - y and N the values of a picture,
    dE/dx = 2 f r / N, dE/df = 2 <r, x> / N, dE/dmask = 2 r / N, summed over what f and mask share.

    Args:
        x: the clean pictures as guessed, (B, C, H, W) in [0, 1].
        y: the measured pictures, as x.
        f: the gain, of any shape that spreads over x: (1,) for all alike.
        mask: the offset, of any shape that spreads over x: (H, W) for all alike.
    """
    slope = 2 * (f * x + mask - y) / x[0].numel()
    grad_f, grad_mask = (slope * x).sum_to_size(f.shape), slope.sum_to_size(mask.shape)
    return LightStep(f * slope, f - grad_f, mask - grad_mask)


def _brightness(x: Tensor, patch: int) -> Tensor:
    """Mean of channels and of patch x patch pixels, (B, 1, H // patch, W // patch)."""
    height, width = x.shape[-2:]
    if min(height, width) < patch:
        raise ValueError(
            f"a picture of {width}x{height} pixels has no region of {patch}x{patch}: "
            f"both sides must have {patch} pixels at least"
        )
    return functional.avg_pool2d(x.mean(1, keepdim=True), patch)
