"""What restores without a prior: filling, resizing and filters, for `benchmarks.guided`.

Each takes a `Measurement`, and thereby knows the mask, the kernel and the noise as the guided
priors do. The filters are those of scikit-image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.restoration import denoise_nl_means, inpaint_biharmonic, wiener
from torch import Tensor

from restoration.colour import resize
from restoration.measurements import Measurement
from restoration.operators import Composed, Mask, Operator, ValidBlur
from restoration.tiling import mirrored_by

Fill = Callable[[Tensor, Tensor], Tensor]

NLM_STRENGTH = 0.5
"""h in sigmas of the noise: the best for `noise25` on ten training photographs of BSDS500."""
BALANCE = 0.004
"""Of the Wiener filter, more is smoother: the best for `blur2` on the same photographs."""


@dataclass(frozen=True)
class Rival:
    """A restoration without a prior, and the tasks that it is for."""

    name: str
    tasks: tuple[str, ...]
    apply: Callable[[Measurement], Tensor]
    """Gives (1, 3, H, W) in [0, 1]."""


def mean_filled(picture: Tensor, kept: Tensor) -> Tensor:
    """What is lost becomes the mean of what is known, channel by channel."""
    mean = (picture * kept).sum((-2, -1), keepdim=True) / kept.sum()
    return torch.where(kept > 0, picture, mean)


def biharmonic(picture: Tensor, kept: Tensor) -> Tensor:
    """What is lost continues its surroundings smoothly."""
    lost = kept[0, 0].numpy() == 0
    return tensor(inpaint_biharmonic(pixels(picture), lost, channel_axis=-1))


def shown(known: Measurement) -> Tensor:
    """The measurement as a picture: what is lost is grey, what is small is enlarged bicubically."""
    return known.shown()


def filled_by(fill: Fill) -> Callable[[Measurement], Tensor]:
    """Fill what is lost, then enlarge bicubically where the picture is too small."""

    def apply(known: Measurement) -> Tensor:
        kept = next(part.kept for part in parts(known.operator) if isinstance(part, Mask))
        return resize(fill((known.y + 1) / 2, kept), *known.size).clamp(0, 1)

    return apply


def non_local_means(known: Measurement) -> Tensor:
    """Non-local means that is told the noise: patches of 5x5, searched 6 pixels far."""
    sigma = known.sigma / 2
    return tensor(
        denoise_nl_means(
            pixels((known.y + 1) / 2),
            h=NLM_STRENGTH * sigma,
            sigma=sigma,
            patch_size=5,
            patch_distance=6,
            fast_mode=True,
            channel_axis=-1,
        )
    )


def wiener_filtered(known: Measurement) -> Tensor:
    """The Wiener filter that is told the kernel, on the picture mirrored at its border."""
    kernel = next(part.kernel for part in parts(known.operator) if isinstance(part, ValidBlur))
    margin = kernel.shape[0]
    wide = pixels(mirrored_by((known.y + 1) / 2, margin, margin))
    planes = [wiener(wide[..., channel], kernel.numpy(), BALANCE) for channel in range(3)]
    return tensor(np.stack(planes, axis=-1))[..., margin:-margin, margin:-margin]


def parts(operator: Operator) -> Iterator[Operator]:
    """What an operator is composed of."""
    yield from operator.parts if isinstance(operator, Composed) else (operator,)


def pixels(picture: Tensor) -> NDArray[np.float32]:
    """(1, 3, H, W) as (H, W, 3)."""
    found: NDArray[np.float32] = picture[0].permute(1, 2, 0).contiguous().numpy()
    return found


def tensor(found: NDArray[np.floating]) -> Tensor:
    """(H, W, 3) as (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(found.astype(np.float32)).permute(2, 0, 1)[None].clamp(0, 1)


RIVALS = (
    Rival("input", ("colour", "noise25", "blur2"), shown),
    Rival("mean-filled", ("text", "random60", "several"), filled_by(mean_filled)),
    Rival("biharmonic", ("text", "random60", "several"), filled_by(biharmonic)),
    Rival("bicubic", ("x2", "x4"), shown),
    Rival("non-local means", ("noise25",), non_local_means),
    Rival("Wiener", ("blur2",), wiener_filtered),
)
"""Several at once: filled first, then enlarged bicubically."""
