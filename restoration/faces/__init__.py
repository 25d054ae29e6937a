"""Faces, found in pictures and aligned for albums; optional (`requirements-faces.txt`).

The finder is YuNet (Wu et al. 2023) in OpenCV. What is done with the points that it finds is
`faces/squares.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from restoration import weights
from restoration.albums.manifest import printable
from restoration.errors import BadAlbumError, MissingLibraryError

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.image_io import Picture

FINDER = "yunet"
"""In the catalogue."""
CANVAS = 640
"""Side in pixels of what the network takes; a smaller picture lies in its left top corner."""
VIEW = 320
"""The longest side of a picture in it at first: faces of 10 to 300 pixels are found."""
SURE = 0.8
"""The least score of a face."""
AROUND = 2.5
"""What is looked at again, in sides of the face that was found at first."""
WITHIN = 0.5
"""How far apart the middles of two boxes around one face are at most, in sides of the smaller."""
LARGEST_SIDE = 512
"""Of an aligned face; smaller ones keep their size."""
SMALLEST_SIDE = 64
"""Of the square around a face that something can be learnt from."""

Pixels = npt.NDArray[np.uint8]
Found = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]


def are_available() -> bool:
    """Whether faces can be found here: the library is installed and its network is on disk."""
    return find_spec("cv2") is not None and weights.find(weights.named(FINDER)) is not None


def landmarks(image: Tensor) -> Tensor | None:
    """Five points of the largest face in (1, 3, H, W), or None where there is none.

    (5, 2), x and y in pixels from the left top corner: the eye on the left of the picture and the
    one on the right, the tip of the nose, the corners of the mouth on the left and on the right.

    Raises:
        MissingLibraryError: the library is not installed; the text says how it is.
        MissingWeightsError: its network is not on disk.
        WrongWeightsError: it is damaged.
    """
    return Finder.load().landmarks(image)


def aligned(image: Tensor, points: Tensor, side: int) -> Tensor:
    """The face with these points, upright, centred, as in FFHQ: (1, 3, side, side)."""
    from restoration.faces import squares as face_squares

    return face_squares.cut(image, face_squares.around(points), side)


def align_pictures(pictures: Iterable[Picture]) -> tuple[Iterator[Picture], list[str]]:
    """The aligned faces in some pictures, and a sentence for each picture without one.

    One after the other as they are asked for, like `albums.read_uploads`, whose pictures these can
    be; the sentences are complete once the faces are at their end.

    Raises:
        MissingLibraryError, MissingWeightsError, WrongWeightsError: as `landmarks`.
        BadAlbumError: in place of a first face, where not one of the pictures has one.
    """
    refusals: list[str] = []
    return _faces_in(pictures, Finder.load(), refusals), refusals


@dataclass(frozen=True)
class Finder:
    """Finds faces in pictures."""

    network: Any
    """cv2.FaceDetectorYN for pictures of CANVAS x CANVAS pixels."""

    @classmethod
    def load(cls, otherwise: str = "make the album without aligning") -> Finder:
        """The finder from its file; raises as `landmarks` does.

        Args:
            otherwise: what a user without the library can do instead.
        """
        try:
            from cv2 import FaceDetectorYN
        except ImportError:
            raise MissingLibraryError(
                "Aligning faces needs OpenCV 4.10 or newer, which is not installed: run `python -m "
                f"pip install -r requirements-faces.txt`, or {otherwise}."
            ) from None
        path = weights.locate(FINDER)
        weights.check_file(path, weights.named(FINDER))
        graph, nothing = np.fromfile(path, np.uint8), np.empty(0, np.uint8)
        return cls(FaceDetectorYN.create("onnx", graph, nothing, (CANVAS, CANVAS), SURE))

    def landmarks(self, image: Tensor) -> Tensor | None:
        """As the function of that name."""
        pixels, whole = _pixels(image)
        for longest in (VIEW, CANVAS):
            face = self._largest(pixels, whole, longest)
            if face is not None:
                closer = self._largest(pixels, _box_around(face, whole), VIEW)
                return _points(face if closer is None else closer)
        return None

    def every_landmarks(self, image: Tensor) -> list[Tensor]:
        """The same points of every face in (1, 3, H, W), the largest face first."""
        pixels, whole = _pixels(image)
        faces: list[Found] = []
        for longest in (CANVAS, VIEW):  # what both see is where the finer look has it
            for face in self._all(pixels, whole, longest):
                if not any(_are_one(face, other) for other in faces):
                    faces.append(face)
        for i, face in enumerate(faces):
            closer = self._all(pixels, _box_around(face, whole), VIEW)
            faces[i] = next((other for other in closer if _are_one(face, other)), face)
        return [_points(face) for face in sorted(faces, key=_area, reverse=True)]

    def _largest(self, pixels: Pixels, box: Box, longest: int) -> Found | None:
        return next(iter(self._all(pixels, box, longest)), None)

    def _all(self, pixels: Pixels, box: Box, longest: int) -> list[Found]:
        """Faces in a part of the picture, largest first: x, y, width, height, points, score."""
        from PIL import Image

        left, top, right, bottom = box
        width, height = right - left, bottom - top
        scale = longest / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        view = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, box, reducing_gap=3.0)
        canvas = np.zeros((CANVAS, CANVAS, 3), np.uint8)
        canvas[: size[1], : size[0]] = np.asarray(view)[..., ::-1]  # OpenCV's order is BGR
        _, faces = self.network.detect(canvas)
        found = []
        for face in [] if faces is None else sorted(faces, key=_area, reverse=True):
            pairs = face[:14].reshape(7, 2) * (width / size[0], height / size[1])
            pairs[[0, 2, 3, 4, 5, 6]] += (left, top)  # all but width and height are places
            found.append(np.append(pairs, face[14]).astype(np.float32))
        return found


def _pixels(image: Tensor) -> tuple[Pixels, Box]:
    """A picture in grey levels, (H, W, 3), and the box around all of it."""
    import torch

    levels = image[0].detach().float().cpu().mul(255).round().clamp(0, 255)
    pixels = levels.to(torch.uint8).permute(1, 2, 0).numpy()
    return pixels, (0, 0, pixels.shape[1], pixels.shape[0])


def _points(face: Found) -> Tensor:
    import torch

    return torch.from_numpy(face[4:14].reshape(5, 2).astype(np.float32))


def _area(face: Found) -> float:
    return float(face[2] * face[3])


def _are_one(face: Found, other: Found) -> bool:
    """Whether two boxes are around one face: the middle of each is well within the other."""
    (x, y), (width, height) = face[:2] + face[2:4] / 2, face[2:4]
    (other_x, other_y), (other_width, other_height) = other[:2] + other[2:4] / 2, other[2:4]
    across, down = abs(x - other_x), abs(y - other_y)
    return bool(
        across < WITHIN * min(width, other_width) and down < WITHIN * min(height, other_height)
    )


def _box_around(face: Found, whole: Box) -> Box:
    """A square around a face, within the picture."""
    x, y, width, height = (float(value) for value in face[:4])
    reach = max(width, height) * AROUND / 2
    centre_x, centre_y = x + width / 2, y + height / 2
    return (
        max(whole[0], int(centre_x - reach)),
        max(whole[1], int(centre_y - reach)),
        min(whole[2], int(centre_x + reach) + 1),
        min(whole[3], int(centre_y + reach) + 1),
    )


def _faces_in(
    pictures: Iterable[Picture], finder: Finder, refusals: list[str]
) -> Iterator[Picture]:
    from restoration.faces import squares as face_squares
    from restoration.image_io import Picture

    count = 0
    for picture in pictures:
        points = finder.landmarks(picture.image)
        square = None if points is None else face_squares.around(points)
        if square is None:
            refusals.append(f"{printable(picture.name)}: no face was found in it.")
        elif square.side < SMALLEST_SIDE:
            refusals.append(
                f"{printable(picture.name)}: the largest face in it is too small to learn from; "
                f"the square around it has a side of {square.side:.0f} pixels, and {SMALLEST_SIDE} "
                "is the least."
            )
        else:
            count += 1
            side = min(LARGEST_SIDE, round(square.side))
            face = face_squares.cut(picture.image, square, side)
            yield Picture(face, name=picture.name)
    if refusals and not count:
        raise BadAlbumError(
            "None of the pictures has a face that can be aligned: choose others, or make the album "
            f"without aligning. {refusals[0]}"
        )
