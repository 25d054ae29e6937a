"""The runs of this computer on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from restoration import runs
from restoration.__main__ import main
from restoration.runs import Run
from tests.runs.drawn import kept


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("RESTORATION_DATA", str(tmp_path / "data"))
    return runs.of().keep(kept(tmp_path, label="cats"))


def test_the_list_says_how_many_there_are(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith(run.id)
    assert first.endswith("1.5 s  smooth, plain, seed 4  cats")
    assert last == "1 of 1; all 1 take 0.0 MB"


def test_the_list_can_be_searched(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs", "list", "smooth", "dogs"])
    assert capsys.readouterr().out == "0 of 0; all 1 take 0.0 MB\n"


def test_the_list_tells_what_was_set_aside(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (runs.of().folder / "runs.sqlite").write_bytes(b"damaged" * 1000)
    main(["runs", "list"])
    assert "The list of earlier runs was damaged" in capsys.readouterr().out


def test_a_run_is_shown_with_its_file(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs", "show", run.id])
    said = json.loads(capsys.readouterr().out)
    assert Path(said["result"]).is_file()
    assert (said["recipe"]["seed"], said["numbers"]) == (4, {"psnr": 31.25, "ssim": None})


def test_a_run_is_deleted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "delete", run.id]) == 0
    assert runs.of().usage() == (0, 0)
    assert main(["runs", "delete", run.id]) == 1
    assert "error: This run is gone" in capsys.readouterr().err


def test_all_are_deleted_only_where_it_is_meant(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "clear"]) == 2
    assert "this deletes all 1 runs (0.0 MB) and all votes: say --yes" in capsys.readouterr().err
    assert main(["runs", "clear", "--yes"]) == 0
    assert runs.of().usage() == (0, 0)
