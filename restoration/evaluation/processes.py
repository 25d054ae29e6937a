"""Evaluate with several processes, as `accelerate launch` starts them, on one machine or several.

The processes share the folder of the results. Each takes the next picture that no other has taken,
so a slow one holds nobody up. A picture's result depends on the plan and its id alone, so it does
not matter who takes it: results and report are those of a single process.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from restoration.evaluation import folder, ledger
from restoration.evaluation.items import Item, found
from restoration.evaluation.plan import Plan
from restoration.evaluation.runner import Progress, evaluate_steps, walk, write_report
from restoration.runtime import the_runtime

if TYPE_CHECKING:
    from accelerate import PartialState

CLAIMS = ".claims"
PATIENCE = timedelta(days=7)
"""How long one process may be busy with its last picture while the others wait."""


def processes() -> PartialState:
    """This process among those that were started together; alone where it was started alone."""
    from accelerate import PartialState

    return PartialState(cpu=the_runtime().device.name == "cpu", timeout=PATIENCE)


def evaluate_together(plan: Plan, us: PartialState) -> Generator[Progress, None, None]:
    """Evaluate this process's share of what is not done yet; the report is whole at the end.

    Args:
        plan: the same in all processes.
        us: from `processes`.

    Raises:
        RestorationError: as `runner.evaluate_steps`.
    """
    if us.num_processes == 1:
        yield from evaluate_steps(plan)
        return
    with folder.opened(plan) if us.is_main_process else nullcontext():
        claims = Claims(plan.out / CLAIMS)
        if us.is_main_process:
            claims.clear()
        us.wait_for_everyone()
        pictures = found(plan.clean, plan.degraded, plan.limit)
        yield from walk(plan, pictures, f"ledger-{us.process_index}.jsonl", claims.take)
        us.wait_for_everyone()
        if us.is_main_process:
            claims.remove()
            ledger.merge(plan.out)
            write_report(plan, pictures)


def agreed(out: Path, us: PartialState) -> Path:
    """The folder that the main process says, in all processes."""
    if us.num_processes == 1:
        return out
    from accelerate.utils import broadcast_object_list

    return cast(Path, broadcast_object_list([out])[0])


@dataclass(frozen=True)
class Claims:
    """Who takes which picture: a file for each that is taken, made in one stroke."""

    folder: Path

    def clear(self) -> None:
        """No picture is taken."""
        self.remove()
        self.folder.mkdir()

    def remove(self) -> None:
        """Leave no trace."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, item: Item) -> bool:
        """Take a picture; False where another process has it."""
        try:
            (self.folder / hashlib.sha256(item.id.encode()).hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True
