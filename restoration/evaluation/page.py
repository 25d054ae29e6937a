"""`report.html`: an evaluation to look through in any browser, offline, straight from its folder.

The page holds its style, its scripts and all numbers; only pictures lie beside it. No name of a
file or text of an error becomes HTML, an address or code: texts are escaped, addresses
percent-encoded, and no script runs but those that were written into it here.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from restoration.comparer import page as comparer
from restoration.evaluation import report as numbers
from restoration.evaluation import shown
from restoration.evaluation.form import INPUT, ReportForm, RowForm
from restoration.evaluation.items import Item
from restoration.evaluation.statistics import Summary, difference
from restoration.measures import Measure

ASSETS = Path(__file__).parent / "assets"
COLUMN = "scope='col'"


def write(out: Path, report: ReportForm, items: Sequence[Item]) -> Path:
    """Write `report.html`, `report.csv` and the pictures they need beside the results.

    Args:
        out: the folder of the evaluation.
        report: what it came to.
        items: where its pictures come from; those that cannot be read any more are not shown.

    Returns:
        The page.
    """
    for _ in shown.prepare(out, report, items):
        pass
    numbers.write_whole(out / "report.csv", numbers.as_csv(report))
    page = out / "report.html"
    numbers.write_whole(page, as_html(report, out))
    return page


def as_html(report: ReportForm, out: Path) -> str:
    """The page as text; the sizes of given and clean pictures are read from OUT."""
    style, comparing = comparer.assets()
    script = f'"use strict";\n{comparing}\n{_asset("report.js")}'
    means = numbers.summaries(report)
    title = html.escape(numbers.title_of(report))
    parts = {
        "title": title,
        "policy": _policy(script),
        "style": f"{style}\n{_asset('report.css')}",
        "about": title,
        "remarks": "".join(_remarks(report)),
        "means": means_table(report, means),
        "different": _different(means),
        "meanings": _meanings(report),
        "folders": "".join(_folders(report)),
        "failures": _failures(report),
        "choices": "".join(
            f'<option value="{place}">{html.escape(measure.heading)}</option>'
            for place, measure in enumerate(numbers.measures_of(report))
        ),
        "data": json.dumps(_data(report, out), allow_nan=False).replace("<", "\\u003c"),
        "script": script,
    }
    return Template(_asset("report.html")).substitute(parts)


def _policy(script: str) -> str:
    """Nothing is loaded but pictures beside the page, and no other script runs."""
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src 'self' file: data: blob:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def means_table(report: ReportForm, means: Mapping[str, Mapping[str, Summary]]) -> str:
    """The means (contender -> measure) as an HTML table, the best of each column marked.

    Where there are many measures, only the first ones stand open.
    """
    first = numbers.first_measures(report)
    rest = [measure for measure in numbers.measures_of(report) if measure not in first]
    if not rest:
        return _table(report, means, first)
    more = f"<details><summary>Further numbers</summary>{_table(report, means, rest)}</details>"
    return f"{_table(report, means, first)}{more}"


def _table(
    report: ReportForm,
    means: Mapping[str, Mapping[str, Summary]],
    measures: Sequence[Measure],
) -> str:
    best = {
        measure.name: measure.best(means[label][measure.name].mean for label in means)
        for measure in measures
    }
    heads = "".join(f"<th {COLUMN}>{html.escape(measure.heading)}</th>" for measure in measures)
    lines = []
    for label, found in means.items():
        cells = "".join(
            _mean(found[measure.name], measure, best[measure.name]) for measure in measures
        )
        done = sum(row["label"] == label and row["status"] == "done" for row in report["rows"])
        lines.append(
            f'<tr><th scope="row">{html.escape(label)}<small>{_about(report, label)}</small></th>'
            f"<td>{done}</td>{cells}</tr>"
        )
    return (
        '<div class="sheet" role="region" aria-label="Means" tabindex="0"><table><thead><tr>'
        f"<th {COLUMN}>Contender</th><th {COLUMN}>Pictures</th>{heads}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _mean(found: Summary, measure: Measure, best: float | None) -> str:
    if not found.count:
        return "<td>\N{EN DASH}</td>"
    mean = measure.text(found.mean)
    marked = f'<span class="best">{mean}</span>' if found.mean == best else mean
    low, high = measure.text(found.low), measure.text(found.high)
    return f"<td>{marked}{f'<small>{low} to {high}</small>' if low else ''}</td>"


def _about(report: ReportForm, label: str) -> str:
    """Method and variant of a contender, and the knobs that it was told."""
    for one in report["plan"]["contenders"]:
        if one["label"] == label:
            return html.escape(f"{one['method']}, {one['variant']}")
    return "what they were given" if label == INPUT else ""


def _different(means: Mapping[str, Mapping[str, Summary]]) -> str:
    """A warning where means are not over the same pictures."""
    counts = [
        {found[name].count for found in means.values()} for name in next(iter(means.values()))
    ]
    if all(len(one - {0}) <= 1 for one in counts):
        return ""
    return (
        "Not all are means over the same pictures, since some failed or have no finite number: "
        "the last table compares in pairs over those that both have."
    )


def _meanings(report: ReportForm) -> str:
    told = "".join(
        f"<dt>{html.escape(measure.heading)}</dt>"
        f"<dd>{html.escape(f'{measure.says} {measure.misses}'.strip())}</dd>"
        for measure in numbers.measures_of(report)
    )
    head = "What the numbers say, and what they miss"
    return f"<details><summary>{head}</summary><dl>{told}</dl></details>"


def _folders(report: ReportForm) -> Iterator[str]:
    """The means of every folder, where there are several."""
    for name, part in numbers.by_folder(report).items():
        table = means_table(part, numbers.summaries(part))
        head = html.escape(f"{name or 'Outside of any folder'} ({len(part['items'])})")
        yield f"<details><summary>{head}</summary>{table}</details>"


def _remarks(report: ReportForm) -> Iterator[str]:
    if count := numbers.num_open(report):
        restorations = "restoration is" if count == 1 else "restorations are"
        yield f"<p>{count} {restorations} still to be made: this is an evaluation in progress.</p>"


def _failures(report: ReportForm) -> str:
    failed = [
        f"<li><strong>{html.escape(row['id'])}</strong>, {html.escape(row['label'])}: "
        f"{html.escape(row['error'] or '')}</li>"
        for row in numbers.failures_of(report)
    ]
    left_out = [
        f"<li><strong>{html.escape(one['name'])}</strong>: {html.escape(one['why'])}</li>"
        for one in report["left_out"]
    ]
    return "".join(
        f'<h2>{title}</h2><ul class="failures">{"".join(lines)}</ul>'
        for title, lines in (("What failed", failed), ("Files that were left out", left_out))
        if lines
    )


def _data(report: ReportForm, out: Path) -> dict[str, Any]:
    """What the scripts need; see the head of report.js."""
    measures = numbers.measures_of(report)
    clean = {"label": "Clean", "folder": f"{shown.CLEAN}/"} if shown.has_clean(report) else None
    return {
        "measures": [
            {"title": one.title, "digits": one.digits, "unit": one.unit} for one in measures
        ],
        "contenders": [
            {"label": label, "folder": _address(f"{shown.folder_of(report, label)}/")}
            for label in report["labels"]
        ],
        "clean": clean,
        "pairs": [list(_pairs(report, measure)) for measure in measures],
        "pictures": list(_pictures(report, out, measures)),
    }


def _pictures(
    report: ReportForm, out: Path, measures: Sequence[Measure]
) -> Iterator[dict[str, Any]]:
    rows = iter(report["rows"])
    given = shown.folder_of(report, INPUT) == shown.GIVEN
    for item in report["items"]:
        own = [next(rows) for _ in report["labels"]]
        sizes = [row["size"] if row["file"] else None for row in own]
        if given:
            sizes[0] = shown.size_of(out / shown.GIVEN / item["file"])
        errors = [row["error"] for row in own]
        yield {
            "name": item["id"],
            "file": _address(item["file"]),
            "sizes": sizes,
            "clean": shown.size_of(out / shown.CLEAN / item["file"]),
            "numbers": [_of_row(row, measures) for row in own],
            "errors": errors if any(errors) else None,
        }


def _of_row(row: RowForm, measures: Sequence[Measure]) -> list[float | None]:
    return [
        None if value is None else round(value, measure.digits + 2)
        for measure in measures
        for value in (numbers.number_of(row, measure.name),)
    ]


def _pairs(report: ReportForm, measure: Measure) -> Iterator[list[float | None]]:
    """Every two contenders on one number: places, mean, interval, pictures better, worse, equal."""
    labels = report["labels"]
    values = {label: numbers.values_of(report, label, measure.name) for label in labels}
    for first, second in combinations(range(len(labels)), 2):
        found = difference(values[labels[first]], values[labels[second]], better=measure.better)
        if found.summary.count:
            summary = found.summary
            span = (summary.mean, summary.low, summary.high)
            finite = [value if math.isfinite(value) else None for value in span]
            yield [first, second, *finite, found.wins, found.losses, found.ties]


def _address(path: str) -> str:
    """A path below the page as a relative address."""
    return quote(path.encode(errors="surrogateescape"))
