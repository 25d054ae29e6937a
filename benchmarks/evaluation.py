"""Whether an evaluation that is killed again and again ends as one that nobody disturbed.

    python -m benchmarks.evaluation --photographs FOLDER --limit 68

Evaluates the photographs twice by two settings: once in peace, once killed (SIGKILL) at random
moments and started again. Prints what was done when it was killed, and compares every byte of the
results and of the report, but for the seconds.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import tyro

from restoration.evaluation import ledger
from restoration.evaluation.folder import REPORT
from restoration.evaluation.form import comparable
from restoration.runtime import PROJECT

CONTENDERS = (
    {"method": "diffbir", "variant": "mini", "label": "mini"},
    {
        "method": "diffbir",
        "variant": "mini",
        "label": "mini in tiles",
        "knobs": {"tiles.size": 256, "tiles.overlap": 0.1},
    },
)
"""Stage 1 of DiffBIR, as it is and in tiles."""


def started(photographs: Path, kind: str, limit: int, out: Path) -> subprocess.Popen[bytes]:
    """The evaluation, as a process of its own."""
    plan = out.with_suffix(".json")
    plan.write_text(json.dumps(CONTENDERS))
    folders = ["--plan", plan, "--clean", photographs, "--kind", kind, "--out", out]
    command = [sys.executable, "-m", "restoration", "evaluate", *folders, "--limit", limit]
    return subprocess.Popen([str(word) for word in command], cwd=PROJECT, stdout=subprocess.DEVNULL)


def killed(run: subprocess.Popen[bytes], out: Path, moment: float) -> int:
    """Kill a run so many seconds after its first new line; how many lines there are then."""
    before = len(ledger.read(out))
    while len(ledger.read(out)) == before:
        if run.poll() is not None:
            raise RuntimeError(f"the run ended by itself, with code {run.returncode}")
        time.sleep(0.02)
    time.sleep(moment)
    run.kill()
    run.wait()
    return len(ledger.read(out))


def outcome(out: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The results and the report, but for its seconds."""
    results = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.png")}
    report = json.loads((out / REPORT).read_text(encoding="utf-8"))
    return results, comparable(report)


def main(photographs: Path, limit: int = 68, kind: str = "noise25", kills: int = 3) -> None:
    """Measure and print; exits with 1 where the two differ.

    Args:
        photographs: a folder of clean ones.
        limit: the first so many.
        kind: how they are degraded.
        kills: how often the second evaluation is killed.
    """
    chance = random.Random()
    with tempfile.TemporaryDirectory() as folder:
        calm, harried = Path(folder) / "calm", Path(folder) / "harried"
        start = time.perf_counter()
        if started(photographs, kind, limit, calm).wait():
            raise RuntimeError("the undisturbed evaluation failed")
        seconds = time.perf_counter() - start
        print(f"undisturbed: {seconds:.0f} s")
        for _ in range(kills):
            moment = chance.uniform(0, seconds / (kills + 1))
            done = killed(started(photographs, kind, limit, harried), harried, moment)
            print(f"killed after {moment:.1f} s of work, with {done} lines in the ledger")
        if started(photographs, kind, limit, harried).wait():
            raise RuntimeError("the last run failed")
        (results, report), (others, other) = outcome(calm), outcome(harried)
        failed = sum(row["status"] != "done" for row in report["rows"])
        print(f"{len(report['rows'])} rows, {failed} not done; {len(results)} pictures written")
        print(f"same pictures: {results == others}; same report: {report == other}")
        sys.exit(results != others or report != other)


if __name__ == "__main__":
    tyro.cli(main)
