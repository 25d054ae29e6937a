"""A face finder for drawn pictures, as an ONNX graph with the inputs and outputs of YuNet.

What it takes for a face is a red patch; the more green in it, the larger the face. Written by hand,
since a graph of nine nodes does not need the library that writes them.
"""

from __future__ import annotations

import math
import struct

CANVAS = 640
CELL = 8
"""Of the canvas, in pixels; each is asked whether it is a face."""
FACE = 80.0
"""Side of the box around a red patch without green, in pixels of the canvas."""
POINTS = ((-2.0, -2.0), (3.0, -2.0), (0.5, 0.5), (-1.0, 3.0), (2.0, 3.0))
"""The points of a face, in cells from the left top corner of the one that found it."""
FLOAT, INTS = 1, 7


def number(value: int) -> bytes:
    """A protobuf varint."""
    value &= 2**64 - 1
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + number(high) if high else bytes([low])


def field(index: int, value: int | str | bytes) -> bytes:
    """A field of a message."""
    if isinstance(value, int):
        return number(index << 3) + number(value)
    data = value.encode() if isinstance(value, str) else value
    return number(index << 3 | 2) + number(len(data)) + data


def attribute(name: str, *values: int) -> bytes:
    """A list of integers that a node is given."""
    return field(1, name) + b"".join(field(8, value) for value in values) + field(20, INTS)


def node(kind: str, inputs: list[str], output: str, *attributes: bytes) -> bytes:
    """One operation with one result."""
    names = b"".join(field(1, name) for name in inputs) + field(2, output)
    return names + field(4, kind) + b"".join(field(5, part) for part in attributes)


def tensor(name: str, dims: list[int], values: list[float] | list[int]) -> bytes:
    """Constants: floats, or int64 where the values are integers."""
    is_float = isinstance(values[0], float)
    data = struct.pack(f"<{len(values)}{'f' if is_float else 'q'}", *values)
    sizes = b"".join(field(1, size) for size in dims)
    return sizes + field(2, 1 if is_float else 7) + field(8, name) + field(9, data)


def value(name: str, dims: list[int]) -> bytes:
    """The shape of an input or output in floats."""
    shape = b"".join(field(1, field(1, size)) for size in dims)
    return field(1, name) + field(2, field(1, field(1, FLOAT) + field(2, shape)))


def heads(stride: int) -> dict[str, list[tuple[tuple[float, float, float], float]]]:
    """What each output is made of: weights of blue, green, red in [0, 255], and a bias."""
    none = (0.0, 0.0, 0.0)
    size = (none if stride != CELL else (0.0, 1 / 255, 0.0), math.log(FACE / stride))
    offsets = [(none, float(x)) for point in POINTS for x in point]
    red = (-1 / 255, 0.0, 1 / 255) if stride == CELL else none
    return {
        "cls": [(red, 0.0)],
        "obj": [(none, 1.0)],
        "bbox": [(none, 0.5), (none, 0.5), size, size],
        "kps": offsets,
    }


def graph() -> bytes:
    """The file."""
    nodes, constants, outputs = [], [], []
    for stride in (8, 16, 32):
        count, pooled = (CANVAS // stride) ** 2, f"pooled_{stride}"
        window = (attribute("kernel_shape", stride, stride), attribute("strides", stride, stride))
        nodes.append(node("AveragePool", ["input"], pooled, *window))
        for name, rows in heads(stride).items():
            out, width = f"{name}_{stride}", len(rows)
            weights = [weight for row, _ in rows for weight in row]
            constants += [
                tensor(f"{out}_w", [width, 3, 1, 1], weights),
                tensor(f"{out}_b", [width], [bias for _, bias in rows]),
                tensor(f"{out}_s", [3], [1, width, count]),
            ]
            nodes += [
                node("Conv", [pooled, f"{out}_w", f"{out}_b"], f"{out}_c",
                     attribute("kernel_shape", 1, 1)),
                node("Reshape", [f"{out}_c", f"{out}_s"], f"{out}_r"),
                node("Transpose", [f"{out}_r"], out, attribute("perm", 0, 2, 1)),
            ]  # fmt: skip
            outputs.append(value(out, [1, count, width]))
    body = b"".join(field(1, part) for part in nodes) + field(2, "tiny")
    body += b"".join(field(5, part) for part in constants)
    body += field(11, value("input", [1, 3, CANVAS, CANVAS]))
    body += b"".join(field(12, part) for part in outputs)
    return field(1, 8) + field(7, body) + field(8, field(1, "") + field(2, 13))
