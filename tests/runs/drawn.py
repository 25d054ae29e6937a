"""What the tests of runs keep: small drawn pictures and a recipe."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from restoration.recipe import Recipe
from restoration.runs import Kept

RECIPE = Recipe(
    method="smooth",
    variant="plain",
    knobs={"steps": 9, "window.size": 5},
    seed=4,
    weights={},
    versions={},
    size=(12, 8),
)


def given() -> bytes:
    """A JPEG of 12x8."""
    file = io.BytesIO()
    Image.new("RGB", (12, 8), "red").save(file, "JPEG")
    return file.getvalue()


def kept(folder: Path, *, label: str = "", pixels: int = 16, **changes: object) -> Kept:
    """A result of that many pixels each way, some of its recipe changed."""
    path = folder / "photo-smooth.png"
    Image.effect_noise((pixels, pixels), 50).save(path)
    recipe = RECIPE.model_copy(update=changes)
    return Kept(recipe, path, given(), 1.5, {"psnr": 31.25, "ssim": float("inf")}, label, "b")
