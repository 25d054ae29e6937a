"""The loss of a training as a small drawing (SVG) that follows the page's colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 120
MARGIN = 6
"""At every side. All in units of the drawing."""
MOST_POINTS = 240
"""Of a line; a longer training is drawn coarser."""
FEWEST = 2
LEAST_RANGE = 0.1
"""Of a line, as a share of its highest value: what hardly changes is drawn as such."""


@dataclass(frozen=True)
class Point:
    """What was measured after a step."""

    step: int
    loss: float
    """Smoothed, over random crops and noise."""
    check: float
    """On crops and noise that stay the same; not a number until it was measured."""


def curve(points: Sequence[Point]) -> str:
    """Both lines over the steps, each in its own range; nothing before the second step."""
    lines = {
        "loss": [(point.step, point.loss) for point in points if math.isfinite(point.loss)],
        "check": _changes(points),
    }
    if len(lines["loss"]) < FEWEST:
        return ""
    steps = points[0].step, points[-1].step
    drawn = "".join(
        f'<polyline class="{name}" points="{_drawn(line, steps)}"/>'
        for name, line in lines.items()
        if line
    )
    told = f"Error while training: {_ends(lines['loss'])}."
    checked = ""
    if lines["check"]:
        checked = (
            ' <span class="check">The thick line is the same test every 50 steps: '
            f"{_ends(lines['check'])}.</span>"
        )
    return (
        f'<figure class="curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="{told}">{drawn}</svg><figcaption>How far its guesses are off; '
        f"lower is better. {told}{checked}</figcaption></figure>"
    )


def _ends(line: Sequence[tuple[int, float]]) -> str:
    return f"{line[0][1]:.4f} at first, {line[-1][1]:.4f} now"


def _changes(points: Sequence[Point]) -> list[tuple[int, float]]:
    """The check where it was measured anew, and as it is at the end."""
    found: list[tuple[int, float]] = []
    for point in points:
        if math.isfinite(point.check) and (not found or found[-1][1] != point.check):
            found.append((point.step, point.check))
    if found:
        found.append((points[-1].step, found[-1][1]))
    return found


def _drawn(line: Sequence[tuple[int, float]], steps: tuple[int, int]) -> str:
    stride = max(1, len(line) // MOST_POINTS)
    kept = [*line[:-1:stride], *line[-1:]]
    high, low = max(value for _, value in kept), min(value for _, value in kept)
    span = max(high - low, LEAST_RANGE * abs(high)) or 1
    across = (WIDTH - 2 * MARGIN) / max(1, steps[1] - steps[0])
    down = (HEIGHT - 2 * MARGIN) / span
    return " ".join(
        f"{MARGIN + (step - steps[0]) * across:.1f},{MARGIN + (high - value) * down:.1f}"
        for step, value in kept
    )
