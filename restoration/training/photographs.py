"""Clean pictures to train on: any folder of photographs, mixed with drawn ones.

Drawn pictures are dead leaves: shapes in front of each other with radii of a power law, coloured
from a small palette, with gradients and textures, lines and writing among them, some of the
depth out of focus. That is what makes a drawn picture train like a photograph (Baradad et al.,
NeurIPS 2021; Achddou et al. 2025). Held against BSDS500 at 256 pixels (median of 40 drawn pictures,
of 40 photographs): slope of the power spectrum -2.9, -2.4; kurtosis of the gradient 15, 15; mean
difference of neighbours 8.3, 8.7 grey levels; saturation 32, 40.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torch import Tensor

from restoration import image_io
from restoration.errors import RestorationError

Pixels = npt.NDArray[np.uint8]

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
SMALLEST = 128
"""Pixels of a side below which a photograph is more often an icon."""
DRAWN_SIDE = 256
NUM_LEAVES = 800
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))


@dataclass(frozen=True)
class PictureBank:
    """Pictures in memory, each (H, W, 3) uint8 and at least as large as a crop."""

    pictures: Sequence[Pixels]
    captions: Sequence[str] = ()
    """Of the pictures in their order; those beyond the last have none."""

    @classmethod
    def gather(cls, folder: Path | None, num_drawn: int, *, seed: int, side: int) -> PictureBank:
        """The photographs below `folder` and `num_drawn` drawn pictures, for crops of `side`.

        Raises:
            RestorationError: there is nothing to train on.
        """
        smallest = max(side, SMALLEST)
        named = list(named_photographs(folder, smallest)) if folder else []
        photographs = [pixels for _, pixels in named]
        if folder and not photographs:
            raise RestorationError(
                f"photographs: the folder {folder.name!r} holds no picture that can be read and "
                f"has sides of at least {smallest} pixels"
            )
        if not photographs and not num_drawn:
            raise RestorationError(
                "there is nothing to train on: name a folder (photographs) or let pictures be "
                "drawn (drawn)"
            )
        rngs = (np.random.default_rng([seed, i]) for i in range(num_drawn))
        drawn = [draw(rng, max(side, DRAWN_SIDE)) for rng in rngs]
        return cls([*photographs, *drawn], [caption_of(path) for path, _ in named])

    def crop(self, rng: np.random.Generator, side: int) -> Tensor:
        """A random square (1, 3, side, side) in [0, 1], turned, mirrored, sometimes shrunk."""
        return self.captioned_crop(rng, side)[0]

    def captioned_crop(self, rng: np.random.Generator, side: int) -> tuple[Tensor, str]:
        """The same, and the caption of its picture; nothing where it has none."""
        i = int(rng.integers(len(self.pictures)))
        caption = self.captions[i] if i < len(self.captions) else ""
        return random_crop(self.pictures[i], rng, side), caption


def random_crop(pixels: Pixels, rng: np.random.Generator, side: int) -> Tensor:
    """A random square of a picture, (1, 3, side, side) in [0, 1], as `PictureBank.crop`."""
    shrink = 2 if rng.random() < 0.2 and min(pixels.shape[:2]) >= 2 * side else 1
    reach = side * shrink
    top, left = (int(rng.integers(length - reach + 1)) for length in pixels.shape[:2])
    square = np.rot90(pixels[top : top + reach, left : left + reach], int(rng.integers(4)))
    if rng.random() < 0.5:
        square = square[:, ::-1]
    crop = torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() / 255
    return crop if shrink == 1 else torch.nn.functional.avg_pool2d(crop, shrink)


def photograph_paths(folder: Path) -> list[Path]:
    """The pictures below `folder`, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def read_photographs(folder: Path, smallest: int = SMALLEST) -> Iterator[Pixels]:
    """Each picture below `folder` whose sides are at least `smallest`; unreadable ones left out."""
    return (pixels for _, pixels in named_photographs(folder, smallest))


def caption_of(path: Path) -> str:
    """What the text file beside a photograph says (`a.txt` of `a.jpg`); nothing without one."""
    beside = path.with_suffix(".txt")
    return beside.read_text(encoding="utf-8").strip() if beside.is_file() else ""


def named_photographs(folder: Path, smallest: int) -> Iterator[tuple[Path, Pixels]]:
    """`read_photographs`, each with its file."""
    for path in photograph_paths(folder):
        try:
            image = image_io.read(path).image
        except RestorationError:
            continue
        if min(image.shape[-2:]) >= smallest:
            yield path, image[0].permute(1, 2, 0).mul(255).round().byte().numpy()


def draw(rng: np.random.Generator, side: int) -> Pixels:
    """A picture of (side, side, 3): leaves, textures, gradients, lines and writing."""
    large = 2 * side  # painted twice as large, so that edges are smooth
    picture = _leaves(rng, large, NUM_LEAVES)
    if rng.random() < 0.45:  # out of focus, with sharp leaves in front
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(2, 8))))
        front = _leaves(rng, large, NUM_LEAVES // 4)
        mask = Image.new("L", (large, large))
        pen = ImageDraw.Draw(mask)
        for _ in range(int(rng.integers(3, 20))):
            pen.polygon(_outline(rng, large, _radius(rng, large)), fill=255)
        picture.paste(front, mask=mask)
    small = np.asarray(picture.resize((side, side), Image.Resampling.BOX), dtype=np.float32) / 255
    light = 1 + 0.3 * _slope(rng, side)[..., None]
    gamma = float(np.exp(rng.normal(0, 0.3)))
    return (np.clip(small * light, 0, 1) ** gamma * 255).round().astype(np.uint8)


def _leaves(rng: np.random.Generator, side: int, count: int) -> Image.Image:
    """Leaves painted over each other, then filled with colour, gradient and texture."""
    names = Image.new("I", (side, side))
    pen = ImageDraw.Draw(names)
    radii = sorted((_radius(rng, side) for _ in range(count)), reverse=True)
    order = sorted(range(count), key=lambda i: -radii[i] * rng.uniform(0.3, 1))
    for name, i in enumerate(order, start=1):
        _paint(rng, pen, side, radii[i], name)
    where = np.asarray(names)
    palette = _palette(rng)
    shade = rng.normal(0, 12, (count + 1, 3))
    colour = palette[rng.integers(len(palette), size=count + 1)] + shade
    slope = rng.normal(0, 25, count + 1)
    rough = 60 * rng.lognormal(-1.2, 0.9, count + 1) * (rng.random(count + 1) < 0.8)
    texture = _texture(rng, side)
    filled = colour[where]
    filled += (slope[where] * _slope(rng, side) + rough[where] * texture)[..., None]
    return Image.fromarray(np.clip(filled, 0, 255).astype(np.uint8))


def _paint(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, side: int, radius: float, name: int
) -> None:
    kind = rng.random()
    if kind < 0.06:
        ends = rng.uniform(0, side, 4).tolist()
        pen.line(ends, fill=name, width=max(1, int(radius / 8)))
    elif kind < 0.12:
        letters = "".join(rng.choice(LETTERS, size=int(rng.integers(2, 9))))
        font = ImageFont.load_default(size=max(8.0, min(radius, 48)))
        pen.text(rng.uniform(0, side, 2).tolist(), letters, fill=name, font=font)
    else:
        pen.polygon(_outline(rng, side, radius), fill=name)


def _outline(rng: np.random.Generator, side: int, radius: float) -> list[tuple[float, float]]:
    """A closed curve about a random centre: ellipse, polygon or wavy blob."""
    x, y = rng.uniform(-0.1 * side, 1.1 * side, 2)
    corners = int(rng.choice([3, 4, 4, 5, 24, 24, 32]))
    angles = np.linspace(0, 2 * math.pi, corners, endpoint=False) + rng.uniform(0, math.pi)
    waves = 1 + 0.25 * rng.random() * np.sin(rng.integers(2, 7) * angles)
    flat, turn = rng.uniform(0.3, 1), rng.uniform(0, math.pi)
    along, across = radius * waves * np.cos(angles), radius * flat * waves * np.sin(angles)
    xs = x + along * math.cos(turn) - across * math.sin(turn)
    ys = y + along * math.sin(turn) + across * math.cos(turn)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _radius(rng: np.random.Generator, side: int, alpha: float = 2.8) -> float:
    """A draw from r**-alpha between 4 pixels and 0.4 of the side."""
    low, high = 4 ** (1 - alpha), (0.4 * side) ** (1 - alpha)
    return float((low + rng.random() * (high - low)) ** (1 / (1 - alpha)))


def _palette(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """3 to 13 colours (N, 3) in 0..255 around a few hues, mostly of low saturation."""
    count = int(rng.integers(3, 14))
    grey = rng.uniform(10, 245, (count, 1))
    tints = rng.normal(0, 1, (int(rng.integers(1, 4)), 3))
    tint = tints[rng.integers(len(tints), size=count)]
    return np.clip(grey + tint * rng.gamma(2.0, 14.0, (count, 1)), 0, 255)


def _texture(rng: np.random.Generator, side: int) -> npt.NDArray[np.float64]:
    """(side, side) noise of unit variance whose amplitude falls with frequency, or a grating."""
    if rng.random() < 0.2:
        x, y = np.meshgrid(np.arange(side), np.arange(side))
        turn, period = rng.uniform(0, math.pi), rng.uniform(6, 40)
        phase = (x * math.cos(turn) + y * math.sin(turn)) * 2 * math.pi / period
        return np.asarray(np.tanh(rng.uniform(0.5, 3) * np.sin(phase)))
    stretch = rng.uniform(0.2, 1)
    fx, fy = np.meshgrid(np.fft.rfftfreq(side), np.fft.fftfreq(side) * stretch)
    amplitude = (np.hypot(fx, fy) + 1 / side) ** -rng.uniform(0.25, 1.6)
    field = np.fft.irfft2(amplitude * np.fft.rfft2(rng.normal(size=(side, side))), (side, side))
    return np.asarray((field - field.mean()) / field.std())


def _slope(rng: np.random.Generator, side: int) -> npt.NDArray[np.float64]:
    """(side, side) plane from about -1 to 1 in a random direction."""
    turn = rng.uniform(0, 2 * math.pi)
    ramp = np.linspace(-1, 1, side)
    return np.asarray(ramp[None] * math.cos(turn) + ramp[:, None] * math.sin(turn))
