"""The pictures of the README, made by the app itself.

    python -m benchmarks.pictures [--out docs/pictures]

Serves the page, drives it with Chromium and keeps what is seen. The photograph is scikit-image's
Chelsea (CC0), degraded here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

SIZE = {"width": 1280, "height": 900}
PATIENCE = 600_000
"""Milliseconds that a step may take."""
CROP = (60, 20, 380, 276)
"""Of the photograph: left, top, right, bottom."""


@dataclass(frozen=True)
class Pair:
    """A photograph as it is, and degraded."""

    clean: Path
    bad: Path


def photograph(folder: Path) -> Path:
    """The clean photograph as a file."""
    from skimage import data

    path = folder / "chelsea.png"
    Image.fromarray(data.chelsea()).crop(CROP).save(path)
    return path


def noisy(clean: Path, folder: Path) -> Path:
    """The same with noise."""
    from restoration import image_io
    from restoration.degradations.kinds import degrade

    picture = image_io.read(clean)
    bad = replace(picture, image=degrade(picture.image, "noise25", seed=1))
    return image_io.write(folder / "cat.png", bad)


def drop(page: Any, place: str, path: Path) -> None:
    """Put a picture into an input of the page."""
    page.set_input_files(f"#{place} input[type=file]", str(path))
    page.wait_for_selector(f"#{place} img")


def told(page: Any, place: str, words: str) -> None:
    """Wait until a place of the page says these words."""
    page.wait_for_function(
        "([id, words]) => document.getElementById(id)?.innerText.includes(words)",
        arg=[place, words],
    )


def restoring(page: Any, pictures: Pair) -> None:
    """DiffBIR's tab with a result."""
    drop(page, "diffbir-picture", pictures.bad)
    page.click("#diffbir-run")
    told(page, "diffbir-status", "Done in")
    page.evaluate("scrollTo(0, 0)")


def comparing(page: Any, pictures: Pair) -> None:
    """The first method of every family, side by side and measured."""
    page.get_by_role("tab", name="Compare", exact=True).click()
    drop(page, "compare-picture", pictures.bad)
    drop(page, "compare-reference", pictures.clean)
    page.click("#compare-run")
    told(page, "compare-status", "Done in")
    compared = page.locator("#compare-comparer")
    compared.get_by_role("button", name="Side by side").click()
    compared.scroll_into_view_if_needed()
    compared.evaluate("(element) => element.scrollIntoView({ block: 'start' })")


SCENES: dict[str, Callable[[Any, Pair], None]] = {
    "restore": restoring,
    "compare": comparing,
}


def shoot(address: str, out: Path, pictures: Pair) -> None:
    """Play every scene on a fresh page and keep its picture as a JPEG."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, scene in tqdm(SCENES.items(), disable=None):
            page = browser.new_page(viewport=SIZE)
            page.set_default_timeout(PATIENCE)
            page.goto(address)
            page.wait_for_selector("button.run:visible")
            scene(page, pictures)
            page.wait_for_timeout(1000)  # pictures on their way to the screen
            page.screenshot(path=out / f"{name}.jpg", type="jpeg", quality=80)
            page.close()
        browser.close()


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"), help="where they go")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for variable in ("GRADIO_TEMP_DIR", "RESTORATION_DATA", "RESTORATION_STATE"):
            os.environ[variable] = str(folder / variable.lower())
        from demo import page, serving

        blocks = page.build()
        _, address, _ = serving.launch(blocks, prevent_thread_lock=True, quiet=True)
        clean = photograph(folder)
        shoot(address, asked.out, Pair(clean, noisy(clean, folder)))
        blocks.close()


if __name__ == "__main__":
    main()
