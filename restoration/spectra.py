"""Singular value decompositions A = U S V^T of operators, never as matrices of all pixels.

A `Spectrum` holds the singular values, shaped like (or broadcasting against) the coefficients
V^T x of a picture, and the changes of basis. U^T y is given in the same shape, so that DDRM and
closed-form inverses are plain arithmetic on coefficients; where nothing was measured the singular
value is zero, and so is U^T y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

import torch
from torch import Tensor

from restoration.operators import (
    CircularBlur,
    Downscale,
    Grey,
    Identity,
    Mask,
    Operator,
    Separable,
)

Change = Callable[[Tensor], Tensor]

SMALLEST = 3e-2
"""Singular values below this share of the largest count as zero, as in DDRM: dividing by them
would show nothing but rounding."""
DAMPING = 1e-4
"""What keeps an inverse without a spectrum from blowing up what the operator all but removed."""
POWER = 0.05
"""Of the detail in photographs, that noise is held against where there is no spectrum."""
ACCURACY = 1e-3
"""Of the iteration, relative to y."""
MOST_ITERATIONS = 50


@dataclass(frozen=True)
class Spectrum:
    """A decomposed operator."""

    values: Tensor
    """Singular values, real and not negative."""
    vt: Change
    """(B, C, H, W) -> coefficients."""
    v: Change
    """Coefficients -> (B, C, H, W)."""
    ut: Change
    """Measurement -> coefficients."""

    def regularised_inverse(self, y: Tensor, damping: float) -> Tensor:
        """A^T (A A^T + damping)^-1 y: the pseudo-inverse for damping 0."""
        s = self.values
        weight = s / (s.square() + damping)
        return self.v(torch.where(s > 0, weight.nan_to_num(0, 0, 0), 0) * self.ut(y))


@dataclass(frozen=True)
class Unresolved(Spectrum):
    """An operator without a cheap decomposition, as if all it keeps were kept equally well."""

    operator: Operator

    @classmethod
    def of(cls, operator: Operator, noise: float = 0.0) -> Unresolved:
        """Stand in for the spectrum of any operator; its inverse is found by iteration."""
        damping = max(DAMPING, noise**2 / POWER)

        def ut(y: Tensor) -> Tensor:
            return operator.norm * conjugate_gradient(operator, y, damping)

        return cls(torch.tensor(operator.norm), _same, _same, ut, operator)

    def regularised_inverse(self, y: Tensor, damping: float) -> Tensor:
        """A^T (A A^T + damping)^-1 y."""
        return conjugate_gradient(self.operator, y, max(damping, DAMPING))


def conjugate_gradient(operator: Operator, y: Tensor, damping: float) -> Tensor:
    """A^T (A A^T + damping)^-1 y for each picture of the batch (Hestenes & Stiefel 1952)."""
    u, residual = torch.zeros_like(y), y
    direction, energy = residual, _energy(residual)
    enough = ACCURACY**2 * energy
    for _ in range(MOST_ITERATIONS):
        if bool((energy <= enough).all()):
            break
        image = operator(operator.adjoint(direction)) + damping * direction
        length = energy / (direction * image).sum((1, 2, 3), keepdim=True).clamp_min(1e-30)
        u, residual = u + length * direction, residual - length * image
        before, energy = energy, _energy(residual)
        direction = residual + energy / before.clamp_min(1e-30) * direction
    return operator.adjoint(u)


def _energy(y: Tensor) -> Tensor:
    return y.square().sum((1, 2, 3), keepdim=True)


def inverse(operator: Operator, height: int, width: int, *, noise: float = 0.0) -> Spectrum:
    """The decomposition where there is one, else its stand-in for a y with that much noise."""
    return spectrum(operator, height, width) or Unresolved.of(operator, noise)


@singledispatch
def spectrum(operator: Operator, height: int, width: int) -> Spectrum | None:  # noqa: ARG001
    """The decomposition for pictures of (height, width), or None where there is no cheap one."""
    return None


@spectrum.register
def _(operator: Identity, height: int, width: int) -> Spectrum:  # noqa: ARG001
    return Spectrum(torch.ones(()), _same, _same, _same)


@spectrum.register
def _(operator: Mask, height: int, width: int) -> Spectrum:  # noqa: ARG001
    return Spectrum(operator.kept.float(), _same, _same, operator.pseudo_inverse)


@spectrum.register
def _(operator: Grey, height: int, width: int) -> Spectrum:  # noqa: ARG001
    v = _basis_around(torch.ones(operator.channels))
    values = torch.zeros(1, operator.channels, 1, 1)
    values[:, 0] = operator.norm

    def ut(y: Tensor) -> Tensor:
        return torch.cat([y, y.new_zeros(len(y), operator.channels - 1, *y.shape[-2:])], dim=1)

    return Spectrum(
        values,
        lambda x: torch.einsum("ci,bchw->bihw", v.to(x), x),
        lambda c: torch.einsum("ci,bihw->bchw", v.to(c), c),
        ut,
    )


@spectrum.register
def _(operator: Downscale, height: int, width: int) -> Spectrum:
    factor = operator.factor
    rows, columns = height // factor, width // factor
    v = _basis_around(torch.ones(factor**2))
    values = torch.zeros(factor**2, 1, 1)
    values[0] = operator.norm

    def vt(x: Tensor) -> Tensor:
        blocks = x.reshape(*x.shape[:2], rows, factor, columns, factor)
        flat = blocks.permute(0, 1, 3, 5, 2, 4).reshape(*x.shape[:2], factor**2, rows, columns)
        return torch.einsum("pi,bcphw->bcihw", v.to(x), flat)

    def back(c: Tensor) -> Tensor:
        flat = torch.einsum("pi,bcihw->bcphw", v.to(c), c)
        blocks = flat.reshape(*c.shape[:2], factor, factor, rows, columns)
        return blocks.permute(0, 1, 4, 2, 5, 3).reshape(*c.shape[:2], height, width)

    def ut(y: Tensor) -> Tensor:
        lost = y.new_zeros(*y.shape[:2], factor**2 - 1, rows, columns)
        return torch.cat([y[:, :, None], lost], dim=2)

    return Spectrum(values, vt, back, ut)


@spectrum.register
def _(operator: CircularBlur, height: int, width: int) -> Spectrum:
    """In the basis of frequencies, complex: V is the inverse Fourier transform."""
    transfer = operator.transfer(height, width)
    size = transfer.abs()
    phase = torch.where(size > 0, transfer / size.clamp_min(1e-30), torch.ones_like(transfer))

    def ut(y: Tensor) -> Tensor:
        return phase.conj().to(y.device, torch.complex64) * _frequencies(y)

    def back(c: Tensor) -> Tensor:
        picture: Tensor = torch.fft.ifft2(c, norm="ortho").real
        return picture

    return Spectrum(_cut(size), _frequencies, back, ut)


@spectrum.register
def _(operator: Separable, height: int, width: int) -> Spectrum:
    """The outer product of the decompositions of both matrices."""
    left, right = (_svd(side) for side in (operator.vertical, operator.horizontal))

    def ut(y: Tensor) -> Tensor:
        small = left[0].to(y).T @ y @ right[0].to(y)
        down, wide = height - small.shape[-2], width - small.shape[-1]
        return torch.nn.functional.pad(small, (0, wide, 0, down))

    values = torch.zeros(height, width, dtype=torch.float64)
    product = torch.outer(left[1], right[1])
    values[: product.shape[0], : product.shape[1]] = product
    return Spectrum(
        _cut(values),
        lambda x: left[2].to(x).T @ x @ right[2].to(x),
        lambda c: left[2].to(c) @ c @ right[2].to(c).T,
        ut,
    )


def _same(x: Tensor) -> Tensor:
    return x


def _frequencies(x: Tensor) -> Tensor:
    coefficients: Tensor = torch.fft.fft2(x, norm="ortho")
    return coefficients


def _svd(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(U, values, V) of a matrix that is no taller than wide."""
    u, values, vt = torch.linalg.svd(matrix, full_matrices=True)
    return u, values, vt.T


def _cut(values: Tensor) -> Tensor:
    return torch.where(values >= SMALLEST * values.max(), values, 0).float()


def _basis_around(direction: Tensor) -> Tensor:
    """(n, n) orthonormal columns of which the first is `direction`, normalised."""
    _, _, vt = torch.linalg.svd(direction[None].double(), full_matrices=True)
    basis: Tensor = vt.T * (vt[0] @ direction.double()).sign()
    return basis
