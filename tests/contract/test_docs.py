"""What the README says of the knobs is what the methods declare."""

from pathlib import Path

import pytest

from restoration.params import knobs_of
from restoration.registry import METHODS

README = Path(__file__).parents[2] / "README.md"


def table(method):
    rows = ["| knob | values | default | what it does |", "| --- | --- | --- | --- |"]
    rows += [f"| `{k.name}` | {k.span} | {k.default} | {k.help} |" for k in knobs_of(method.params)]
    return "\n".join(rows)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_the_knob_table_is_current(method):
    start, end = f"<!-- knobs of {method.name} -->\n", "\n<!-- end -->"
    written = README.read_text().split(start)[1].split(end)[0]
    assert written == table(method), f"the table should read:\n{table(method)}"
