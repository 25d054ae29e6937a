"""`python -m restoration evaluate ...`: methods measured on folders of pictures."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tyro.conf import Positional

from restoration.errors import BadKnobError
from restoration.evaluation import folder, page, report
from restoration.evaluation.items import found
from restoration.evaluation.plan import Plan, Wanted, planned
from restoration.evaluation.runner import Progress, concluded

Engine = Literal["processes", "ray"]
BAR = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"


def evaluate(
    methods: Positional[tuple[str, ...]] = (),
    *,
    out: Path,
    clean: Path | None = None,
    degraded: Path | None = None,
    kind: str | None = None,
    plan: Path | None = None,
    variant: str | None = None,
    seed: int = 0,
    limit: int | None = None,
    measures: tuple[str, ...] | None = None,
    retry: bool = False,
    fresh: bool = False,
    engine: Engine = "processes",
    workers: int | None = None,
) -> None:
    """Restore the pictures of a folder by each method, measure, and write OUT/report.html.

    Started again with the same arguments it goes on where it was stopped. `accelerate launch
    --num_processes 2 -m restoration evaluate ...` spreads it over several GPUs (without GPUs:
    `--multi_gpu --num_processes 2`, over processes).

    Args:
        methods: names of methods; each runs under its first preset.
        out: where report and results go; a new folder, or one of the same evaluation.
        clean: a folder of clean pictures, with its subfolders.
        degraded: a folder of degraded pictures; with --clean, those of the same name make pairs.
        kind: how clean pictures are degraded where no degraded ones are given, say noise25.
        plan: a JSON file with further contenders, a list of {"method", "variant", "knobs",
            "label"}, of which all but the method may be left out.
        variant: which weights of the methods; the best ones on disk where none is named.
        seed: of the degradation and of the methods.
        limit: the first so many pictures only.
        measures: which numbers are taken; all that can be where none is named.
        retry: try again what failed before.
        fresh: where OUT is there already, take a new folder beside it: OUT-2, OUT-3.
        engine: ray spreads it over the machines of a Ray cluster (requirements-ray.txt).
        workers: how many processes of Ray; as many as it has CPUs or GPUs for.
    """
    wanted = [Wanted(name, variant) for name in methods]
    if plan is not None:
        wanted += contenders_of(plan)
    asked = planned(
        wanted,
        out,
        clean=clean,
        degraded=degraded,
        kind=kind,
        seed=seed,
        limit=limit,
        measures=measures,
        retry=retry,
    )
    if engine == "ray":
        _by_ray(replace(asked, out=folder.fresh(out) if fresh else out), workers)
    else:
        _by_processes(asked, fresh=fresh)


def contenders_of(file: Path) -> list[Wanted]:
    """The contenders that a plan file asks for.

    Raises:
        BadKnobError: it is no list of contenders; says where.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadKnobError(f"plan: {file.name} cannot be read: {error}") from None
    if not isinstance(told, list):
        raise BadKnobError(f'plan: {file.name} is no list of contenders: [{{"method": ...}}, ...]')
    return [_wanted(entry, f"plan: contender {i + 1}") for i, entry in enumerate(told)]


def _wanted(entry: Any, where: str) -> Wanted:
    fields = {"method": str, "variant": str, "knobs": dict, "label": str}
    if not isinstance(entry, dict) or "method" not in entry:
        raise BadKnobError(f"{where} names no method")
    for name, value in entry.items():
        if name not in fields or not isinstance(value, fields[name]):
            raise BadKnobError(
                f"{where}: {name!r:.60} is {value!r:.60}; it takes method, variant, label (texts) "
                "and knobs (an object)"
            )
    return Wanted(**entry)


def _by_processes(plan: Plan, *, fresh: bool) -> None:
    from restoration.evaluation import processes

    us = processes.processes()
    if fresh:
        plan = replace(plan, out=processes.agreed(folder.fresh(plan.out), us))
    steps = processes.evaluate_together(plan, us)
    _shown(steps, is_quiet=not us.is_main_process)
    us.destroy_process_group()
    if us.is_main_process:
        _told(plan)


def _by_ray(plan: Plan, workers: int | None) -> None:
    from restoration.evaluation import ray_engine

    _shown(ray_engine.evaluate_steps(plan, workers))
    _told(plan)


def _told(plan: Plan) -> None:
    """Write the page and print the means."""
    result = concluded(plan)
    print(report.as_text(result))
    print(page.write(plan.out, result, found(plan.clean, plan.degraded, plan.limit).items))


def _shown(steps: Generator[Progress, None, None], *, is_quiet: bool = False) -> None:
    """Go through the steps with a bar that tells the time left."""
    from tqdm import tqdm

    with closing(steps), tqdm(unit="result", disable=is_quiet or None, bar_format=BAR) as bar:
        for step in steps:
            bar.total = step.total
            bar.set_description_str(f"{step.item}, {step.label}", refresh=False)
            failed = f", {step.failed} failed" if step.failed else ""
            bar.set_postfix_str(f"{_left(step.seconds_left)}{failed}", refresh=False)
            bar.update(step.done - bar.n)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "time left not known yet"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} left"
