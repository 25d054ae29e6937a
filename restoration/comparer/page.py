"""A comparison as one HTML file: opens anywhere, asks no other host, and runs only our own code.

Everything is inside: the comparer, the pictures, their numbers and recipes. Text is escaped, the
data are JSON that no browser runs, and the page forbids itself every script but the comparer's.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cache

from restoration.comparer import ASSETS, script, style
from restoration.comparer.coding import Coded, bare_size, coded, size_of
from restoration.comparer.pictured import Axes, Pictured

MOST_LOSSLESS = 15_000_000
"""Bytes of all pictures together up to which they stay lossless; a page of 20 MB goes by mail."""
MOST_COPY = 4_000_000
"""Bytes of one copy where they do not."""
WORKERS = 4
SCRIPT = """
showComparer(
  document.getElementById("comparer"),
  JSON.parse(document.getElementById("data").textContent),
);
"""
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{css}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<div id="comparer"><noscript>The pictures need JavaScript to be compared.</noscript></div>
{numbers}
{recipes}
</main>
<footer>{footer} Made with the Photo Restoration Hub.</footer>
<script type="application/json" id="data">{data}</script>
<script>{code}</script>
</body>
</html>
"""


@cache
def assets() -> tuple[str, str]:
    """Style sheet and script with which any page can show comparers.

    The style sheet defines colours and sizes for light and dark, which a page may define anew
    (`--body-text-color` and the like). The script defines one function,
    `showComparer(element, value)`: it puts a comparer into `element` and gives a function that
    takes the next value. `value` is an object like this one; `caption`, `full` and `axes` may be
    left out:

        {"items": [{"label": "Input", "caption": "PSNR 20 dB", "width": 480, "height": 320,
                    "file": {"url": "small/1.jpeg"}, "full": {"url": "1.png"}}, ...],
         "reference": 2, "note": "", "first": [0, 1], "axes": null}

    Addresses may be relative, or `data:`. The input comes first; `reference` is the index of the
    clean original or null. From a page opened as a file, a browser gives the pixels of `data:`
    addresses only, so the view "Difference" wants those (the rest works with either).
    """
    before, after = _asset("standalone.js").split("  // --- the comparer ---\n")
    return _asset("standalone.css") + style(), before + script() + after


def page(
    title: str,
    pictures: Sequence[Pictured],
    reference: int | None = None,
    axes: Axes | None = None,
    note: str = "",
) -> str:
    """The comparison as the text of an HTML file (UTF-8).

    Pictures are lossless where all together have at most 15 MB; else all are fine JPEG copies of
    at most 4 MB, and the page says so. What their files tell beside the pixels is left out, but
    for the recipes, which the page shows.

    Raises:
        OSError: a picture is gone.
    """
    files = [one.data() for one in pictures]
    lossless = sum(map(bare_size, files)) <= MOST_LOSSLESS
    most = MOST_LOSSLESS if lossless else MOST_COPY
    with ThreadPoolExecutor(WORKERS) as workers:
        made = list(workers.map(lambda data: coded(data, most, may_be_lossless=lossless), files))
    sizes = [size_of(data) for data in files]
    items = [
        {
            "label": one.label,
            "caption": one.caption,
            "width": width,
            "height": height,
            "file": {"url": _address(copy)},
        }
        for one, copy, (width, height) in zip(pictures, made, sizes, strict=True)
    ]
    value = {"items": items, "reference": reference, "note": note, "first": None}
    css, code = assets()
    css, code = css + _asset("page.css"), code + SCRIPT
    return FRAME.format(
        policy=_policy(css, code),
        title=html.escape(title),
        css=css,
        numbers=_numbers(pictures, sizes, made),
        recipes=_recipes(pictures),
        footer=_told(made),
        data=_inert(value | {"axes": None if axes is None else asdict(axes)}),
        code=code,
    )


def _policy(css: str, code: str) -> str:
    """Nothing from anywhere, and no script or style but this very one."""

    def mark(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; img-src data:; style-src {mark(css)}; script-src {mark(code)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _inert(value: object) -> str:
    """JSON without any character that could end the element that holds it."""
    text = json.dumps(value)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _address(copy: Coded) -> str:
    return f"data:image/{copy.kind};base64,{base64.b64encode(copy.data).decode()}"


def _told(made: Iterable[Coded]) -> str:
    remarks = {one.remark for one in made}
    return f"Pictures: {html.escape(', '.join(sorted(remarks)))}." if remarks else ""


def _numbers(
    pictures: Sequence[Pictured], sizes: Sequence[tuple[int, int]], made: Sequence[Coded]
) -> str:
    """The table below the comparer."""
    names = list(dict.fromkeys(name for one in pictures for name in one.numbers))
    with_captions = not names and any(one.caption for one in pictures)
    heads = ["Picture", *names, *(["Numbers"] if with_captions else []), "Size", "In this file"]
    rows = []
    for one, size, copy in zip(pictures, sizes, made, strict=True):
        shrunk = "" if copy.size == size else f", {_size_text(copy.size)}"
        cells = [
            *(one.numbers.get(name, "") for name in names),
            *([one.caption] if with_captions else []),
            _size_text(size),
            copy.remark + shrunk,
        ]
        values = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{html.escape(one.label)}</th>{values}</tr>')
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    return (
        '<h2>Numbers</h2>\n<div class="numbers" role="region" aria-label="Numbers" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _recipes(pictures: Sequence[Pictured]) -> str:
    """How each result was made, folded up; nothing where no file says it."""
    found = [(one.label, recipe) for one in pictures if (recipe := one.recipe())]
    parts = [
        f"<details><summary>{html.escape(label)}</summary>"
        f'<pre tabindex="0">{html.escape(json.dumps(json.loads(recipe.to_json()), indent=2))}'
        "</pre></details>"
        for label, recipe in found
    ]
    return "\n".join(["<h2>Recipes</h2>", *parts]) if parts else ""


def _size_text(size: tuple[int, int]) -> str:
    return f"{size[0]} \N{MULTIPLICATION SIGN} {size[1]}"


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
