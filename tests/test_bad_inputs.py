"""The 109 inputs that a hub must survive: each is answered in a sentence, and the hub goes on.

A row is called by its number in the list and by what it tries; `tests/bad_inputs` holds them. What
only other hardware can try is in `HARDWARE`, and runs where that is (`pytest -m gpu`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch

from tests.bad_inputs import models, parameters, pictures, protocol, runs, system
from tests.bad_inputs.hub import Hub
from tests.bad_inputs.system import HARDWARE
from tests.fakes import FILL, SMOOTH, registered, served

TABLES = (pictures, parameters, protocol, runs, models, system)
ROWS = {name: row for table in TABLES for name, row in table.ROWS.items()}
NUMBERS = set(range(1, 110))
HERE = {"needs CUDA": torch.cuda.is_available(), "needs a Mac": sys.platform == "darwin"}


def numbers(rows: Mapping[str, Any]) -> set[int]:
    return {int(re.match(r"\d+", name)[0]) for name in rows}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        methods = {"smooth": SMOOTH, "fill": FILL}
        with registered(*methods.values()), served(methods) as address:
            yield address


@pytest.fixture(scope="module")
def opened(address: str) -> Iterator[tuple[httpx.Client, Mapping[str, Any]]]:
    with httpx.Client(timeout=30) as client:
        yield client, client.get(f"{address}/gradio_api/info").json()["named_endpoints"]


@pytest.fixture
def hub(address: str, opened: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.delenv("SPACE_ID", raising=False)
    return Hub(address, *opened, tmp_path, monkeypatch)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_bad_input_is_answered_and_the_hub_goes_on(row: Callable[[Hub], None], hub: Hub) -> None:
    row(hub)
    assert hub.works()


@pytest.mark.gpu
@pytest.mark.parametrize(("row", "reason"), HARDWARE.values(), ids=HARDWARE)
def test_what_only_other_hardware_can_try(row: Callable[[], None], reason: str) -> None:
    if not HERE[reason]:
        pytest.skip(reason)
    row()


def test_every_number_of_the_list_has_a_row() -> None:
    assert numbers(ROWS) | numbers(HARDWARE) == NUMBERS


def test_the_docs_tell_how_many_are_tried_where() -> None:
    only_hardware = NUMBERS - numbers(ROWS)
    text = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text(encoding="utf-8")
    told = f"{len(numbers(ROWS))} of the {len(NUMBERS)} numbers ({len(ROWS)} rows) run in CI"
    more = f"{len(only_hardware)} (Metal) and {len(HARDWARE) - len(only_hardware)} further rows"
    assert told in " ".join(text.split())
    assert more in " ".join(text.split())
