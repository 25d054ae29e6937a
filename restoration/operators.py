"""Known degradations, y = A x: linear operators with what inverse problems need of them.

Every operator is a frozen dataclass that is called to degrade and has the transpose `adjoint`, an
upper bound `norm` of its singular values (the smallest one known), and the Moore-Penrose
`pseudo_inverse` where that has a closed form. Those with a `spectrum` (`spectra.py`) can be
decomposed. Pictures are (B, C, H, W) in any range; operators are linear, so zero is not black but
the middle grey of [-1, 1].
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Operator(Protocol):
    """A linear degradation."""

    @property
    def norm(self) -> float:
        """An upper bound of the largest singular value."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Degrade x."""
        ...

    def adjoint(self, y: Tensor) -> Tensor:
        """The transpose of `__call__`: <A x, y> = <x, A^T y>."""
        ...


@dataclass(frozen=True)
class Identity:
    """Nothing: for noise alone."""

    norm: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """X itself."""
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        """Y itself."""
        return y

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        """Y itself."""
        return y


@dataclass(frozen=True, eq=False)
class Mask:
    """Pixels that are lost: they become zero."""

    kept: Tensor
    """(1, 1, H, W), 1 where a pixel is known and 0 where it is lost."""
    norm: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """Keep what is known."""
        return self.kept.to(x) * x

    adjoint = pseudo_inverse = __call__


@dataclass(frozen=True)
class Grey:
    """The mean of the channels: (B, C, H, W) -> (B, 1, H, W)."""

    channels: int = 3

    @property
    def norm(self) -> float:
        """One over the root of the number of channels."""
        return float(self.channels**-0.5)

    def __call__(self, x: Tensor) -> Tensor:
        """Take the colours away."""
        return x.mean(1, keepdim=True)

    def adjoint(self, y: Tensor) -> Tensor:
        """Spread each value evenly over the channels."""
        return self.pseudo_inverse(y) / self.channels

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        """The grey picture of that brightness."""
        return y.expand(-1, self.channels, -1, -1)


@dataclass(frozen=True)
class Downscale:
    """Mean of factor x factor blocks: (B, C, H, W) -> (B, C, H/factor, W/factor).

    The known degradation of super-resolution in DDRM and, copied back to full size, in GDP.
    """

    factor: int

    @property
    def norm(self) -> float:
        """One over the factor."""
        return 1 / self.factor

    def __call__(self, x: Tensor) -> Tensor:
        """Degrade x; both sides must be multiples of the factor."""
        _assert_multiple(x, self.factor)
        return functional.avg_pool2d(x, self.factor)

    def adjoint(self, y: Tensor) -> Tensor:
        """Spread each value evenly over its block."""
        return self.pseudo_inverse(y) / self.factor**2

    def pseudo_inverse(self, y: Tensor) -> Tensor:
        """Copy each value to its whole block."""
        return y.repeat_interleave(self.factor, -2).repeat_interleave(self.factor, -1)


@dataclass(frozen=True, eq=False)
class Separable:
    """One matrix along the columns of a picture and one along its rows, for one picture size."""

    vertical: Tensor
    """(H', H) float64"""
    horizontal: Tensor
    """(W', W) float64"""

    @functools.cached_property
    def norm(self) -> float:
        """The largest singular value itself."""
        sides = (self.vertical, self.horizontal)
        vertical, horizontal = (torch.linalg.matrix_norm(side, 2) for side in sides)
        return float(vertical * horizontal)

    def __call__(self, x: Tensor) -> Tensor:
        """Apply both matrices."""
        return self.vertical.to(x) @ x @ self.horizontal.to(x).T

    def adjoint(self, y: Tensor) -> Tensor:
        """Apply the transpose of both."""
        return self.vertical.to(y).T @ y @ self.horizontal.to(y)


def bicubic_downscale(factor: int, height: int, width: int) -> Separable:
    """Bicubic resizing with antialiasing, for pictures of (height, width)."""
    sides = (torch.eye(side, dtype=torch.float64)[None, None] for side in (height, width))
    vertical, horizontal = (
        functional.interpolate(
            side, (side.shape[-2] // factor, side.shape[-1]), mode="bicubic", antialias=True
        )[0, 0]
        for side in sides
    )
    return Separable(vertical, horizontal)


def separable_blur(kernel: Tensor, height: int, width: int) -> Separable:
    """Correlate with `kernel` (k,), k odd, both ways; beyond the border all is zero.

    The blur of DDRM's experiments, with every tap in its place: the published operator leaves
    out the last one and mixes up the channels.
    """
    vertical, horizontal = (_banded(kernel, side) for side in (height, width))
    return Separable(vertical, horizontal)


@dataclass(frozen=True, eq=False)
class CircularBlur:
    """Convolve with a kernel; what leaves the picture on one side enters on the other."""

    kernel: Tensor
    """(k_h, k_w) with odd sides."""

    @property
    def norm(self) -> float:
        """What a constant picture is multiplied by; exact for kernels that are not negative."""
        return float(self.kernel.abs().sum())

    def transfer(self, height: int, width: int) -> Tensor:
        """(height, width) complex: what each frequency is multiplied by."""
        return _transfer(self.kernel, height, width)

    def __call__(self, x: Tensor) -> Tensor:
        """Blur."""
        return _filtered(x, self.transfer(*_size(x)))

    def adjoint(self, y: Tensor) -> Tensor:
        """Correlate."""
        return _filtered(y, self.transfer(*_size(y)).conj())


@dataclass(frozen=True, eq=False)
class ValidBlur:
    """Convolve where the kernel fits whole: (H, W) -> (H - k_h + 1, W - k_w + 1), as in GDP.

    Nothing is assumed about what lies beyond the border, so this is the blur of photographs.
    """

    kernel: Tensor
    """(k_h, k_w) with odd sides."""

    @property
    def norm(self) -> float:
        """An upper bound: what a constant picture is multiplied by."""
        return float(self.kernel.abs().sum())

    def __call__(self, x: Tensor) -> Tensor:
        """Blur; the picture must be as large as the kernel."""
        height, width = self.kernel.shape
        blurred = CircularBlur(self.kernel)(x)
        down, right = _size(x)
        top, left = height // 2, width // 2
        return blurred[..., top : down - top, left : right - left]

    def adjoint(self, y: Tensor) -> Tensor:
        """Correlate the picture within a margin of zeros."""
        down, right = (side // 2 for side in self.kernel.shape)
        return CircularBlur(self.kernel).adjoint(functional.pad(y, (right, right, down, down)))


@dataclass(frozen=True)
class Composed:
    """Several operators one after the other, the first one first."""

    parts: tuple[Operator, ...]

    @property
    def norm(self) -> float:
        """The product of the parts' bounds."""
        product = 1.0
        for part in self.parts:
            product *= part.norm
        return product

    def __call__(self, x: Tensor) -> Tensor:
        """Degrade x by each."""
        for part in self.parts:
            x = part(x)
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        """The transposes, last one first."""
        for part in reversed(self.parts):
            y = part.adjoint(y)
        return y


def compose(parts: list[Operator]) -> Operator:
    """One operator for several; those that do nothing are left out."""
    parts = [part for part in parts if not isinstance(part, Identity)]
    if len(parts) == 1:
        return parts[0]
    return Composed(tuple(parts)) if parts else Identity()


def _banded(kernel: Tensor, side: int) -> Tensor:
    """(side, side) float64: `kernel` around every place of the diagonal, cut at the border."""
    reach = len(kernel) // 2
    matrix = torch.zeros(side, side, dtype=torch.float64)
    for tap, value in enumerate(kernel.tolist()):
        offset = tap - reach
        if abs(offset) < side:
            matrix.diagonal(offset).fill_(value)
    return matrix


def _transfer(kernel: Tensor, height: int, width: int) -> Tensor:
    k_h, k_w = kernel.shape
    canvas = torch.zeros(max(height, k_h), max(width, k_w), dtype=torch.float64)
    canvas[:k_h, :k_w] = kernel
    spectrum: Tensor = torch.fft.fft2(canvas.roll((-(k_h // 2), -(k_w // 2)), (0, 1)))
    return spectrum


def _filtered(x: Tensor, transfer: Tensor) -> Tensor:
    spectrum = torch.fft.fft2(x) * transfer.to(x.device, torch.complex64)
    filtered: Tensor = torch.fft.ifft2(spectrum).real
    return filtered


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def _assert_multiple(x: Tensor, factor: int) -> None:
    height, width = _size(x)
    if height % factor or width % factor:
        raise ValueError(
            f"cannot downscale {width}x{height} by {factor}: both sides must be multiples of it"
        )
