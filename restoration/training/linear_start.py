"""First weights by which a network of residual blocks begins as a linear map that is known.

Residual blocks and skip connections let values through as they are. Norms and SiLU stand in the
way at one place, before the last convolution. There a value s goes with -s, since
silu(s) - silu(-s) = s, and with a large constant and its negative, so that the norm of the four is
the constant's; what follows a norm is then as if there were none.

All layers are changed in place, under `torch.no_grad()`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

LARGE = 8.0
"""The constant; values of about 1 change the norm by two percent."""


def clear(layer: Any) -> None:
    """Make a layer give zero."""
    layer.weight.zero_()
    layer.bias.zero_()


def pick(layer: Any, matrix: Tensor) -> None:
    """Make the first outputs this matrix of the first inputs of the same pixel."""
    outputs, inputs = matrix.shape
    layer.weight[:outputs] = 0
    layer.bias[:outputs] = 0
    centre = layer.kernel_size[0] // 2
    layer.weight[:outputs, :inputs, centre, centre] = matrix


def pass_on(layer: Any, matrix: Tensor, part: Any, read: Tensor | None = None) -> None:
    """Make the first outputs of `part` values that its last wide layer has in its input.

    Of each value s the layer makes s, -s, LARGE and -LARGE; where the channels of a norm's group
    are more, zeros take the place of further values.

    Args:
        layer: 1x1, before the norm; (N, C) `matrix` times its input are the values.
        matrix: which values, see there.
        part: what ends with `conv_norm_out`, SiLU and `conv_out`.
        read: (outputs, N), how outputs are made of the values; without it one of each.
    """
    norm, last, count = part.conv_norm_out, part.conv_out, len(matrix)
    read = torch.eye(count) if read is None else read
    group = norm.num_channels // norm.num_groups
    padded = matrix.new_zeros(math.ceil(4 * count / group) * group // 4, matrix.shape[1])
    padded[:count] = matrix
    signs = torch.tensor([1.0, -1.0, 0.0, 0.0])
    pick(layer, (padded[:, None] * signs[:, None]).flatten(0, 1))
    constants = LARGE * torch.tensor([0.0, 0.0, 1.0, -1.0])
    layer.bias[: 4 * len(padded)] = constants.repeat(len(padded))
    last.weight[: len(read)] = 0
    last.bias[: len(read)] = 0
    for value in range(count):
        s, negative = 4 * value, 4 * value + 1
        norm.weight[s : negative + 1] = LARGE / math.sqrt(2)
        last.weight[: len(read), s, 1, 1] = read[:, value]
        last.weight[: len(read), negative, 1, 1] = -read[:, value]
