"""The report of an evaluation in numbers: as aligned text, as CSV, and what both are made from.

All of it follows from `report.json` (see `form`) alone: the same rows give the same bytes.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from restoration.evaluation.form import INPUT, LeftOutForm, ReportForm, RowForm
from restoration.evaluation.statistics import Summary, summarised
from restoration.measures import MEASURES, Measure

SECONDS = Measure(
    name="seconds",
    title="Time",
    unit="s",
    better="lower",
    needs=frozenset({"result"}),
    version="1",
    says="How long a picture took, without waiting, loading and writing.",
    misses="It holds for this machine and whatever else ran on it.",
    digits=2,
    source="The clock of the machine",
    headline=True,
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet would compute."""
COLUMNS = ("picture", "contender", "status", "error", "note", "file", "width", "height")
WORDS = {
    "paired": "pair{s} of a degraded and a clean picture",
    "clean": "clean picture{s}, degraded by {kind}",
    "degraded": "degraded picture{s}, without clean ones",
}


def measures_of(report: ReportForm) -> tuple[Measure, ...]:
    """What was measured, in the order in which it is shown; the time comes last."""
    names = report["plan"]["measures"]
    return (*(MEASURES.get(name) or _unknown(name) for name in names), SECONDS)


def first_measures(report: ReportForm) -> tuple[Measure, ...]:
    """Those of `measures_of` that a table shows at once; all where none but the time would be."""
    measures = measures_of(report)
    first = tuple(measure for measure in measures if measure.headline)
    return first if len(first) > 1 else measures


def values_of(report: ReportForm, label: str, measure: str) -> list[float | None]:
    """One number of one contender for every picture, in the order of the pictures."""
    return [number_of(row, measure) for row in report["rows"] if row["label"] == label]


def number_of(row: RowForm, measure: str) -> float | None:
    """One number of a row, None where there is none."""
    if measure == SECONDS.name:
        return row.get("seconds")
    return row["numbers"].get(measure)


def summaries(report: ReportForm) -> Mapping[str, Mapping[str, Summary]]:
    """Contender -> measure -> the mean over all pictures that have a number, with its interval."""
    return {
        label: {
            measure.name: summarised(values_of(report, label, measure.name))
            for measure in measures_of(report)
        }
        for label in report["labels"]
    }


def title_of(report: ReportForm) -> str:
    """What was evaluated, in a line."""
    plan = report["plan"]
    count = len(report["items"])
    what = WORDS[plan["inputs"]].format(kind=plan["kind"], s="" if count == 1 else "s")
    return f"{count} {what}, seed {plan['seed']}"


def failures_of(report: ReportForm) -> list[RowForm]:
    """The rows that failed."""
    return [row for row in report["rows"] if row["status"] == "failed"]


def num_open(report: ReportForm) -> int:
    """Restorations that are still to be made."""
    return sum(row["status"] == "open" and row["label"] != INPUT for row in report["rows"])


def by_folder(report: ReportForm) -> Mapping[str, ReportForm]:
    """The part of every folder of pictures, where there is more than one folder."""
    folders: dict[str, list[str]] = {}
    for item in report["items"]:
        folders.setdefault(item["id"].rpartition("/")[0], []).append(item["id"])
    if len(folders) == 1:
        return {}
    return {name: _part(report, frozenset(ids)) for name, ids in folders.items()}


def as_text(report: ReportForm) -> str:
    """The first means as aligned lines, with half the width of each interval; what is missing."""
    measures, found = first_measures(report), summaries(report)
    rows = [["", "pictures", *(_ascii(measure.heading) for measure in measures)]]
    for label in report["labels"]:
        cells = [_with_margin(found[label][measure.name], measure) for measure in measures]
        rows.append([label, str(_num_done(report, label)), *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in rows
    ]
    return "\n".join([title_of(report), *lines, *_remarks(report)])


def as_csv(report: ReportForm) -> str:
    """A line for every picture and contender; no cell is one that a spreadsheet computes."""
    measures = measures_of(report)
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow([*COLUMNS, *(measure.name for measure in measures)])
    for row in report["rows"]:
        texts = (row["id"], row["label"], row["status"], row["error"], row["note"], row["file"])
        numbers = [number_of(row, measure.name) for measure in measures]
        writer.writerow([*map(_harmless, texts), *(row["size"] or ("", "")), *numbers])
    return target.getvalue()


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        part.write_bytes(text.encode(errors="replace"))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _part(report: ReportForm, ids: frozenset[str]) -> ReportForm:
    """The report of some of its pictures."""
    return {
        **report,
        "items": [item for item in report["items"] if item["id"] in ids],
        "rows": [row for row in report["rows"] if row["id"] in ids],
    }


def _num_done(report: ReportForm, label: str) -> int:
    return sum(row["label"] == label and row["status"] == "done" for row in report["rows"])


def _remarks(report: ReportForm) -> Iterator[str]:
    if count := num_open(report):
        yield f"{count} not done yet: run it again to go on"
    for row in failures_of(report):
        yield f"failed: {row['id']}, {row['label']}: {row['error']}"
    left_out: Sequence[LeftOutForm] = report["left_out"]
    yield from (f"left out: {one['name']}: {one['why']}" for one in left_out)


def _with_margin(found: Summary, measure: Measure) -> str:
    """As 29.31 ± 0.42, or the mean alone where there is no interval."""
    if not found.count:
        return "-"
    if found.count == 1:
        return measure.text(found.mean)
    margin = (found.high - found.low) / 2
    return f"{measure.text(found.mean)} ± {measure.text(margin)}"


def _ascii(heading: str) -> str:
    return heading.rstrip("↑↓ ")


def _harmless(text: str | None) -> str:
    if text is None:
        return ""
    return f"'{text}" if text.startswith(FORMULA) else text


def _unknown(name: str) -> Measure:
    """A number of another version of this program."""
    return Measure(
        name=name,
        title=name,
        unit="",
        better="neither",
        needs=frozenset({"result"}),
        version="",
        says="",
        misses="",
        digits=3,
        source="",
    )
