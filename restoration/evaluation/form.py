"""What an evaluation leaves behind: the form of `report.json`, of `plan.json` and of the ledger.

    OUT/
      plan.json               what is evaluated; another evaluation does not go into this folder
      ledger.jsonl            a line for each picture and contender that is finished
      report.json             all of it in order, written at the end and after a stop
      LABEL/SUBFOLDERS/NAME.png     what each contender made
      input/SUBFOLDERS/NAME.png     what it was made from, where the evaluation degraded it itself

Everything but `seconds` is the same however often an evaluation was stopped and resumed, and over
however many processes it was spread: `comparable` gives that part. Numbers that are not finite
(the PSNR of equal pictures) are None, as JSON knows no infinity. All times are in seconds.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

FORM = 1
"""Of these files; a folder with another one is not resumed."""
INPUT = "input"
"""The label of what the contenders are given: measured like their results, but never restored."""

Status = Literal["done", "failed", "open"]
Inputs = Literal["paired", "clean", "degraded"]
Numbers = dict[str, float | None]
"""By name of `restoration.measures.MEASURES`; a number that could not be taken is left out."""


class ContenderForm(TypedDict):
    """A method with all its settings."""

    label: str
    """Its name in the report, and that of its folder; unique, and safe as a name of a file."""
    method: str
    variant: str
    knobs: dict[str, bool | int | float | str]
    """Every knob by dotted name, as in a recipe."""
    weights: dict[str, str]
    """Name in the catalogue -> sha256 of the file."""


class PlanForm(TypedDict):
    """`plan.json`: what is the same for all pictures. Holds no path."""

    form: int
    inputs: Inputs
    """paired: degraded pictures and their clean ones; clean: clean ones that are degraded by
    `kind`; degraded: no clean ones are known."""
    kind: str | None
    """How clean pictures were degraded, where `inputs` is "clean"."""
    seed: int
    """Of the evaluation; each picture has its own, drawn from this one and its id."""
    contenders: list[ContenderForm]
    """In the order asked for."""
    measures: dict[str, str]
    """Name -> version of every measure that is taken, in the order in which they are shown."""
    versions: dict[str, str]
    """Of the libraries that a pixel can depend on."""


class ItemForm(TypedDict):
    """A picture that is evaluated."""

    id: str
    """Its path below the folder of (degraded, or clean) pictures, with forward slashes."""
    file: str
    """Of its results below each contender's folder: "sub/NAME.png"."""
    seed: int
    """Of its degradation and of every contender's chance."""


class RowForm(TypedDict):
    """What one contender, or the input itself (label "input"), came to on one picture."""

    id: str
    label: str
    status: Status
    """open: not yet done, since the evaluation was stopped before."""
    error: str | None
    """A sentence, where it failed."""
    note: str | None
    """A sentence on what was done otherwise than asked for, or on numbers left out."""
    file: str | None
    """Below OUT: "diffbir/sub/NAME.png"; None where it failed, is open, or nothing was written
    (an input that was given)."""
    size: tuple[int, int] | None
    """(width, height) of the result."""
    numbers: Numbers
    """Empty where it failed or is open."""
    seconds: NotRequired[float | None]
    """Of the restoration alone, without waiting, loading and writing; None for inputs."""
    input: str | None
    """sha256 of the file that was read."""
    reference: str | None
    """sha256 of the clean file, where one was read beside it."""
    recipe: str | None
    """sha256 of the recipe, all but the picture's size."""
    output: str | None
    """sha256 of the file written."""


class LeftOutForm(TypedDict):
    """A file of the folders that is no part of the evaluation."""

    name: str
    """"clean/sub/NAME", "degraded/sub/NAME": below the folder, whose part is named first."""
    why: str
    """A sentence."""


class ReportForm(TypedDict):
    """`report.json`."""

    form: int
    plan: PlanForm
    labels: list[str]
    """"input" first, then the contenders in the order asked for."""
    items: list[ItemForm]
    """In the order of their ids."""
    rows: list[RowForm]
    """Every item with every label, in the order of `items`, then of `labels`."""
    left_out: list[LeftOutForm]


def comparable(report: ReportForm) -> dict[str, Any]:
    """The report without what no two runs have in common: the seconds."""
    rows = [{key: row[key] for key in row if key != "seconds"} for row in report["rows"]]  # type: ignore[literal-required]
    return {**report, "rows": rows}
