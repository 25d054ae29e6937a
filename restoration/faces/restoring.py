"""Faces of any size and turn in a picture: each restored by itself, upright, and put back.

After the official DiffBIR v2.1 (`diffbir/inference/unaligned_bfr_loop.py`): every face of an
enlarged picture is laid upright in a square of 512x512 by its five points, restored there by what
knows aligned faces, and put back over the rest of the picture, which was restored as a whole.
The published program returns nothing for a picture without a face; here the rest is all of it.

Notation: as in `faces/squares.py`, whose squares these are; places in a square run from -1 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional

from restoration.faces import squares as face_squares
from restoration.faces.squares import FaceSquare
from restoration.protocol import Step

FindFaces = Callable[[Tensor], Sequence[Tensor]]
"""(1, 3, H, W) -> the five points (5, 2) of each face, in the order of `face_squares.around`."""
RestoreFace = Callable[[Tensor], Iterator[Step]]
"""An upright face (1, 3, 512, 512) -> steps, the last of which holds it restored, as large."""

SIDE = 512
"""Of an upright face."""
TEMPLATE = (
    *((192.98138, 239.94708), (318.90277, 240.1936), (256.63416, 314.01935)),
    *((201.26117, 371.41043), (313.08905, 371.15118)),
)
"""Where the five points are in it, in pixels: of FFHQ's faces, and so of the published weights."""
NO_FACE = "No face was found, so the picture was restored as a whole."
LEAST_EYE_DISTANCE = 5.0
"""In pixels of the enlarged picture; of a smaller face nothing is known."""
EDGE = 1 / 20
"""In the middle of the fading edge of a pasted square, in sides of it."""
SPREAD = 0.3 * EDGE
"""Standard deviation of the blur that makes the edge fade, in sides of the square."""
OUTLIER = 2.5 * 1.4826 * (1 + 5 / (len(TEMPLATE) - 2))
"""How far off a point may be, in roots of the median of squared distances (Rousseeuw 1984)."""


def restored(
    enlarged: Tensor, find: FindFaces, restore_face: RestoreFace, background: Iterator[Step]
) -> Iterator[Step]:
    """Restore the faces in a picture by themselves; the last step holds the picture.

    The note of that step says how many faces were found, and `remarks` whether there was none. The
    background comes first, then the faces, the largest last, so that it lies on top.

    Args:
        enlarged: the degraded picture at the size of the result, (1, 3, H, W) in [0, 1].
        find: finds the faces in it.
        restore_face: restores one of them.
        background: the restoration of the whole picture; its result is as large as `enlarged`.
    """
    squares = [square_of(points) for points in find(enlarged) if _is_large_enough(points)]
    squares.sort(key=lambda square: square.side)
    count, passed, remarks = len(squares), 0, list[str]()
    for step in background:
        yield _as_part(step, passed, count, step.note, step.estimate)
    passed, picture, measured = step.total, step.estimate(), step.measured
    if picture.shape != enlarged.shape:
        (height, width), (tall, wide) = picture.shape[-2:], enlarged.shape[-2:]
        raise ValueError(f"the background is {width}x{height} and the picture {wide}x{tall}")
    remarks += step.remarks
    for i, square in enumerate(squares, start=1):
        for step in restore_face(face_squares.taken_out(enlarged, square, SIDE)):
            shown = partial(_shown, picture, square, step.estimate)
            yield _as_part(step, passed, count - i, f"faces, {i} of {count}, {step.note}", shown)
        passed, picture = passed + step.total, shown()
        remarks += step.remarks
    remarks += [] if squares else [NO_FACE]
    said = tuple(dict.fromkeys(remarks))
    yield Step(passed + 1, passed + 1, _done(count), lambda: picture, measured, remarks=said)


def square_of(points: Tensor) -> FaceSquare:
    """The square in which a face lies as in `TEMPLATE`, from its five points (5, 2).

    By the similarity of the least median of squares, as in the official program: every pair of
    points proposes one, and the best one's inliers are fitted by least squares. So one point that
    is off, like the nose of a face seen from the side, does not turn or enlarge the face.
    """
    places = torch.view_as_complex(points.double().contiguous())
    wanted = torch.view_as_complex(torch.tensor(TEMPLATE, dtype=torch.float64)) / (SIDE / 2)
    wanted = wanted - complex(1, 1)
    proposals = []
    for pair in combinations(range(len(TEMPLATE)), 2):
        distances = _distances(_fitted(places, wanted, pair), places, wanted)
        proposals.append((float(distances.square().median()), distances))
    median, distances = min(proposals, key=lambda proposal: proposal[0])
    near = distances <= max(OUTLIER * math.sqrt(median), 1e-6)
    slope, offset = _fitted(places, wanted, near.nonzero().flatten().tolist())
    return FaceSquare(centre=-offset / slope, half=1 / slope)


@torch.no_grad()
def pasted(picture: Tensor, square: FaceSquare, face: Tensor) -> Tensor:
    """The picture (1, 3, H, W) with a face (1, 3, S, S) in its square, fading at the edges."""
    box = _box(square, picture.shape[-2], picture.shape[-1])
    top, bottom, left, right = box
    if top >= bottom or left >= right:
        return picture
    places = _places_within(square, box)
    scale = square.side / face.shape[-1]
    if scale < 1:  # fewer pixels than the face has: without aliasing
        side = max(2, round(square.side))
        face = functional.interpolate(
            face, (side, side), mode="bicubic", align_corners=False, antialias=True
        )
    patch = functional.grid_sample(
        face, places[None].to(face), "bicubic", padding_mode="border", align_corners=False
    )
    mask = softness(places).to(picture)
    result = picture.clone()
    behind = result[..., top:bottom, left:right]
    behind += mask * (patch.to(picture).clamp(0, 1) - behind)
    return result


def softness(places: Tensor) -> Tensor:
    """How much of a face shows at (H, W, 2) places of its square: 1 inside, 0 at its edge, (H, W).

    The official program's square of ones, eroded by `EDGE` and blurred by a Gaussian that ends
    there, in closed form: the product of what either direction gives.
    """
    inside = (1 - places.abs()) / 2  # from the nearer edge, in sides of the square
    reach = EDGE / SPREAD
    least, most = (torch.special.ndtr(torch.tensor(end)) for end in (-reach, reach))
    share = torch.special.ndtr(((inside - EDGE) / SPREAD).clamp(-reach, reach))
    shares: Tensor = (share - least) / (most - least)
    return shares.prod(dim=-1).float()


def _is_large_enough(points: Tensor) -> bool:
    return float(torch.linalg.vector_norm(points[1] - points[0])) >= LEAST_EYE_DISTANCE


def _as_part(step: Step, passed: int, left: int, note: str, shown: Callable[[], Tensor]) -> Step:
    """A step of one part as one of all; what is left is taken to be as long as this part."""
    return Step(passed + step.done, passed + step.total * (left + 1) + 1, note, shown)


def _done(count: int) -> str:
    return f"done, {count} face{'s' * (count > 1)}" if count else "done, no face"


def _shown(picture: Tensor, square: FaceSquare, estimate: Callable[[], Tensor]) -> Tensor:
    return pasted(picture, square, estimate())


def _fitted(places: Tensor, wanted: Tensor, which: Sequence[int]) -> tuple[complex, complex]:
    """Slope and offset of the similarity that leads some places to the wanted ones best."""
    z, w = places[list(which)], wanted[list(which)]
    middle, aim = z.mean(), w.mean()
    slope = ((z - middle).conj() * (w - aim)).sum() / (z - middle).abs().square().sum()
    return complex(slope), complex(aim - slope * middle)


def _distances(fit: tuple[complex, complex], places: Tensor, wanted: Tensor) -> Tensor:
    slope, offset = fit
    return (slope * places + offset - wanted).abs()


def _box(square: FaceSquare, height: int, width: int) -> tuple[int, int, int, int]:
    """The pixels of a picture that a square touches: top, bottom, left, right."""
    left, top, right, bottom = square.extent()
    return (
        max(0, math.floor(top)),
        min(height, math.ceil(bottom)),
        max(0, math.floor(left)),
        min(width, math.ceil(right)),
    )


def _places_within(square: FaceSquare, box: tuple[int, int, int, int]) -> Tensor:
    """Where the pixels of a box are in the square, (bottom - top, right - left, 2)."""
    top, bottom, left, right = box
    y = torch.arange(top, bottom, dtype=torch.float64) + 0.5
    x = torch.arange(left, right, dtype=torch.float64) + 0.5
    down, along = torch.meshgrid(y, x, indexing="ij")
    return torch.view_as_real((torch.complex(along, down) - square.centre) / square.half)
