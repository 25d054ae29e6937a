"""Bad pictures to try the page with: Gradio's own sample photographs, spoilt on the spot."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
from gradio.utils import get_upload_folder
from PIL import Image, ImageFilter

LONG_SIDE = 512


def examples() -> list[Path]:
    """Paths of the spoilt pictures; fewer, or none, where the photographs are not installed."""
    folder = Path(get_upload_folder()) / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, (photograph, spoil) in _RECIPES.items():
        source = files("gradio") / "media_assets" / "images" / photograph
        if not source.is_file():
            continue
        clean = Image.open(io.BytesIO(source.read_bytes())).convert("RGB")
        clean.thumbnail((LONG_SIDE, LONG_SIDE))
        path = folder / f"{name}.png"
        spoil(clean).save(path, compress_level=1)
        made.append(path)
    return made


def _noisy(clean: Image.Image) -> Image.Image:
    pixels = np.asarray(clean, dtype=np.float32)
    noise = np.random.default_rng(0).normal(0, 25, pixels.shape)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


def _squeezed(clean: Image.Image, quality: int = 20) -> Image.Image:
    buffer = io.BytesIO()
    clean.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _worn(clean: Image.Image) -> Image.Image:
    pixels = np.asarray(clean.filter(ImageFilter.GaussianBlur(1.5)), dtype=np.float32)
    noise = np.random.default_rng(1).normal(0, 8, pixels.shape)
    return _squeezed(Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8)), quality=60)


_RECIPES: dict[str, tuple[str, Callable[[Image.Image], Image.Image]]] = {
    "noise": ("tower.jpg", _noisy),
    "jpeg": ("lion.jpg", _squeezed),
    "worn": ("cheetah1.jpg", _worn),
}
