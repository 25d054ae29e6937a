"""The table of a comparison: what each setting made of the picture, in numbers."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from demo.fragments import duration, meanings

OLD = "From the run before."


@dataclass(frozen=True)
class Row:
    """One line of the table: the input, or what a setting made of it."""

    label: str
    size: tuple[int, int] | None = None
    """(width, height) in pixels, or None where nothing was made."""
    psnr: float | None = None
    ssim: float | None = None
    seconds: float | None = None
    seed: int | None = None
    remark: str = ""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the method found out about it."""
    recognised: str = ""
    """The likeliest word for what is wrong, before and after."""

    def caption(self) -> str:
        """Its numbers beside the picture."""
        if self.psnr is None or self.ssim is None:
            return ""
        return f"PSNR {_number(self.psnr, 2)} dB · SSIM {_number(self.ssim, 4) or 'none'}"


def table(rows: Sequence[Row]) -> str:
    """The rows as an HTML table; columns that no row fills are left out."""
    measured = any(row.psnr is not None for row in rows)
    best = Row("", psnr=_best(row.psnr for row in rows), ssim=_best(row.ssim for row in rows))
    found = list(dict.fromkeys(word for row in rows for word in row.measured))
    named = any(row.recognised for row in rows)
    heads = [
        *(["Setting", "PSNR (dB)", "SSIM"] if measured else ["Setting"]),
        *(word.capitalize() for word in found),
        *(["Recognised"] if named else []),
        *("Time", "Seed", "Size"),
    ]
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(_line(row, best, found, measured=measured, named=named) for row in rows)
    meaning = meanings(dict.fromkeys(found, 0.0))
    return (
        '<div class="sheet" role="region" aria-label="Results in numbers" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        + (f"<p>{html.escape(meaning)}</p>" if meaning else "")
    )


def table_as_old(numbers: str) -> str:
    """A table under the remark that it is not of this run."""
    return f"<p>{OLD}</p>{numbers}"


def size_text(size: tuple[int, int]) -> str:
    """(width, height) in words."""
    return f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"


def _line(row: Row, best: Row, found: Sequence[str], *, measured: bool, named: bool) -> str:
    remark = f"<small>{html.escape(row.remark)}</small>" if row.remark else ""
    numbers = [
        f'<span class="{"best" if value is not None and value == top else ""}">'
        f"{_number(value, digits)}</span>"
        for value, top, digits in ((row.psnr, best.psnr, 2), (row.ssim, best.ssim, 4))
        if measured
    ]
    cells = [
        *numbers,
        *(_number(row.measured.get(word), 1) for word in found),
        *([html.escape(row.recognised)] if named else []),
        duration(row.seconds) if row.seconds is not None else "",
        str(row.seed) if row.seed is not None else "",
        size_text(row.size) if row.size else "",
    ]
    values = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{html.escape(row.label)}{remark}</th>{values}</tr>'


def _best(values: Iterable[float | None]) -> float | None:
    return max((v for v in values if v is not None and not math.isnan(v)), default=None)


def _number(value: float | None, digits: int) -> str:
    if value is None or math.isnan(value):
        return ""
    return "∞" if math.isinf(value) else f"{value:.{digits}f}"
