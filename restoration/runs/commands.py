"""What the command line does with the runs of this computer, and how one is done again."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from tyro.conf import Positional

from restoration import runs
from restoration.errors import BadKnobError
from restoration.runs import Run


def list_runs(words: Positional[tuple[str, ...]] = (), *, limit: int = 20) -> None:
    """List the restorations that the page has kept, newest first.

    Args:
        words: those only that say all of them, such as a method, steps=50 or today.
        limit: at most so many.
    """
    mine = runs.of()
    found = mine.find(" ".join(words), limit)
    for run in found.runs:
        print(_line(run))
    count, size = mine.usage()
    print(f"{len(found.runs)} of {found.total}; all {count} take {size / 1e6:.1f} MB")
    if note := mine.note():
        print(note)


def show(number: Positional[str]) -> None:
    """Show a run as JSON: where its result is, its numbers and its recipe.

    Args:
        number: its id, as `runs list` shows it.
    """
    mine = runs.of()
    run = mine.get(number)
    said = {
        "id": run.id,
        "made": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.made)),
        "label": run.label,
        "seconds": run.seconds,
        "numbers": dict(run.numbers),
        "result": str(mine.result_path(number)),
        "recipe": json.loads(run.recipe.to_json()),
    }
    print(json.dumps(said, indent=2))


def delete(numbers: Positional[tuple[str, ...]]) -> None:
    """Delete runs with their results.

    Args:
        numbers: their ids, as `runs list` shows them.
    """
    for number in numbers:
        runs.of().delete(number)
        print(f"{number}: deleted")


def clear(*, yes: bool = False) -> None:
    """Delete all runs and all votes.

    Args:
        yes: you mean it.
    """
    count, size = runs.of().usage()
    if not yes:
        raise BadKnobError(
            f"this deletes all {count} runs ({size / 1e6:.1f} MB) and all votes: say --yes to do so"
        )
    print(f"{runs.of().clear()} runs deleted")


def again(
    result: Positional[Path],
    source: Positional[Path],
    target: Positional[Path],
    *,
    mask: Path | None = None,
    kernel: Path | None = None,
    exposures: tuple[Path, ...] = (),
    album: str | None = None,
) -> None:
    """Restore SOURCE with the recipe inside RESULT and write that to TARGET.

    Args:
        result: a result PNG of this hub.
        source: the degraded picture; the same one gives the same result.
        target: where the new result goes.
        mask: a picture of the same size, white where SOURCE is filled in.
        kernel: a picture of the blur: what became of a point.
        exposures: further exposures, darkest first; SOURCE is the darkest.
        album: the name of a trained album, within which SOURCE is restored.
    """
    from restoration import again

    done = again.again(result, source, mask=mask, kernel=kernel, exposures=exposures, album=album)
    print(f"{done.save(target)}: seed {done.recipe.seed}, {done.seconds:.1f} s")
    for remark in done.remarks:
        print(remark)


def _line(run: Run) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.made))
    what = f"{run.recipe.method}, {run.recipe.variant}, seed {run.recipe.seed}"
    label = f"  {run.label}" if run.label else ""
    return f"{run.id}  {when}  {run.seconds:6.1f} s  {what}{label}"


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_runs,
    "show": show,
    "delete": delete,
    "clear": clear,
}
