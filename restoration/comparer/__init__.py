"""The comparer: any number of pictures of one scene, looked at together in a browser.

Its browser half lies in `assets`: plain scripts and one style sheet, without a build step and
without addresses of other hosts. The page of the hub, a page that stands alone (`page`) and the
report of an evaluation show the same pictures by the same code. `sheet` and `animation` make
files to send to somebody. Nothing here imports torch or Gradio.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = (
    *("geometry.js", "elements.js", "views.js", "grid.js", "blind.js"),
    *("gestures.js", "comparer.js"),
)
"""In the order in which they build on each other; the last one makes the comparer."""
STYLES = ("comparer.css", "grid.css", "blind.css")


@cache
def style() -> str:
    """The style sheets; colours and sizes come from the theme's variables, as Gradio names them."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in STYLES)


@cache
def script() -> str:
    """All scripts as one; they expect `element`, `props`, `watch`, `trigger`, as Gradio gives."""
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in SCRIPTS)
