"""Evaluate on the machines of a Ray cluster, or with several workers of this one (optional).

Ray hands out the ids of the pictures, starts the workers, and hands a picture out again where the
worker that had it died. What a worker has finished stands in its own ledger: a picture that comes
back is done from where it was left. All machines see the same folders under the same paths.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from restoration.errors import BadKnobError, MissingLibraryError, RestorationError
from restoration.evaluation import folder, ledger
from restoration.evaluation.items import found
from restoration.evaluation.plan import Plan
from restoration.evaluation.processes import CLAIMS, Claims
from restoration.evaluation.runner import Count, Progress, write_report
from restoration.evaluation.work import item_steps
from restoration.runtime import PROJECT

MOST_BLOCKS = 10_000
"""Parts that the pictures are handed out in; up to as many it is one picture each."""


def evaluate_steps(plan: Plan, workers: int | None = None) -> Generator[Progress, None, None]:
    """Evaluate what is not done yet; a step for each picture. Close to stop, start to go on.

    Args:
        plan: what is evaluated.
        workers: processes, each of which loads the methods; None is one for each GPU of the
            cluster, or each CPU where it has no GPU.

    Raises:
        MissingLibraryError: Ray is not installed.
        RestorationError: as `runner.evaluate_steps`, or what made a worker give up.
    """
    if workers is not None and workers < 1:
        raise BadKnobError(f"workers: takes a whole number from 1 (got {workers})")
    plan = replace(
        plan,
        out=plan.out.resolve(),
        clean=plan.clean and plan.clean.resolve(),
        degraded=plan.degraded and plan.degraded.resolve(),
    )
    with folder.opened(plan), _cluster() as ray:
        pictures = found(plan.clean, plan.degraded, plan.limit)
        Claims(plan.out / CLAIMS).clear()
        count = Count(len(pictures.items) * len(plan.contenders), ledger.read(plan.out))
        try:
            with closing(_rows(ray, plan, [item.id for item in pictures.items], workers)) as rows:
                for row in rows:
                    yield count.picture(row["id"], len(plan.contenders), row["old"], row["failed"])
        finally:
            Claims(plan.out / CLAIMS).remove()
            ledger.merge(plan.out)
            write_report(plan, pictures)


class Worker:
    """A process of the cluster that evaluates one picture after the other."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._items = {item.id: item for item in found(plan.clean, plan.degraded).items}
        self._known = ledger.read(plan.out)
        self._into = plan.out / f"ledger-{os.getpid()}-{secrets.token_hex(4)}.jsonl"

    def __call__(self, row: dict[str, str]) -> dict[str, Any]:
        """Evaluate the picture with the row's id; counts what was failed or already done."""
        item = self._items[row["id"]]
        is_first = Claims(self._plan.out / CLAIMS).take(item)
        known = self._known if is_first else ledger.read(self._plan.out)
        labels = {contender.label for contender in self._plan.contenders}
        doings = [
            doing
            for doing in item_steps(self._plan, item, known, self._into)
            if doing.entry is not None and doing.label in labels
        ]
        return {
            "id": item.id,
            "old": sum(doing.is_old for doing in doings),
            "failed": sum(doing.note == "failed" for doing in doings),
        }


@contextmanager
def _cluster() -> Iterator[Any]:
    """Ray, connected to the cluster that it finds, or to one of this machine for the time."""
    try:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray
        import ray.data
    except ImportError:
        raise MissingLibraryError(
            "The engine ray needs Ray: install it with `pip install -r requirements-ray.txt`."
        ) from None
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            runtime_env={"env_vars": {"PYTHONPATH": str(PROJECT)}},
        )
    try:
        yield ray
    finally:
        if is_ours:
            ray.shutdown()


def _rows(
    ray: Any, plan: Plan, ids: list[str], workers: int | None
) -> Generator[dict[str, Any], None, None]:
    """What each picture came to, as they are finished."""
    has = ray.cluster_resources()
    gpus = int(has.get("GPU", 0))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    blocks = min(len(ids), MOST_BLOCKS)
    pictures = ray.data.from_items([{"id": name} for name in ids], override_num_blocks=blocks)
    done = pictures.map(
        Worker,
        fn_constructor_kwargs={"plan": plan},
        compute=ray.data.ActorPoolStrategy(size=workers or gpus or max(1, int(has.get("CPU", 1)))),
        num_gpus=1 if gpus else 0,
    )
    try:
        yield from done.iter_rows()
    except ray.exceptions.RayError as error:
        said = str(error).strip().splitlines()
        raise RestorationError(f"Ray gave up: {said[-1] if said else error!r:.300}") from None
