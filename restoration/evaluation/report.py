"""A report of `runner.evaluate` as text."""

from __future__ import annotations

from typing import Any


def table(report: dict[str, Any]) -> str:
    """The means as aligned lines, and below them the pictures that could not be measured."""
    rows = [("", "PSNR dB", "SSIM", "seconds")]
    rows += [
        (label, _number(m["psnr"], 2), _number(m["ssim"], 4), _number(m.get("seconds"), 2))
        for label, m in report["mean"].items()
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]
    failed = [row for row in report["pictures"] if "error" in row]
    count = len(report["pictures"]) - len(failed)
    title = f"{report['kind']}, seed {report['seed']}, mean of {count} pictures"
    return "\n".join([title, *lines, *(f"not measured: {r['name']}: {r['error']}" for r in failed)])


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
