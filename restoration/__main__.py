"""The command line: `python -m restoration COMMAND ...`; each command explains itself with --help.

The knobs of `restore` and `degrade` are those of the method and of the kind of degradation, so
their options follow from the same declarations as the page.
"""

import contextlib
import functools
import io
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro
from pydantic import ValidationError
from tyro.conf import Positional, arg

import restoration
from restoration import beside, front, listing, progress, recognition_commands
from restoration.albums import commands as album_commands
from restoration.degradations import kinds
from restoration.errors import BadKnobError, RestorationError
from restoration.measures import commands as measure_commands
from restoration.params import Params, explain, flatten
from restoration.registry import METHODS
from restoration.runs import commands as runs_commands
from restoration.runtime import limits
from restoration.weights import commands as weights_commands

WRONG_USE = 2
"""Exit code for arguments that make no sense, as getopt and argparse have it."""
TRAINED = (
    *("stage1", "prior", "daclip", "irsde"),
    *("autoencoder", "latent-prior", "diffbir-control", "minis"),
)
"""What `train` can be told to train, see `training/commands.py`."""


def list_methods(
    *, as_json: Annotated[bool, arg(name="json")] = False, markdown: bool = False
) -> None:
    """List every method with its variants and knobs.

    Args:
        as_json: as JSON, for programs.
        markdown: the knobs alone, as tables.
    """
    known = restoration.methods()
    if markdown:
        print(listing.as_markdown(known))
    elif as_json:
        print(json.dumps([listing.as_data(method) for method in known], indent=2))
    else:
        print("\n\n".join(map(listing.as_text, known)))


def restore_command(name: str) -> Callable[..., None]:
    """The command that restores by the method `name`, with its knobs as options."""
    params, extra = METHODS[name].params, beside.options(METHODS[name])

    def restore(
        source: Positional[Path],
        target: Positional[Path],
        knobs: Annotated[params, arg(name="")],  # type: ignore[valid-type]  # known at run time only
        given: Annotated[extra, arg(name="")],  # type: ignore[valid-type]  # known at run time only
        variant: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Restore the picture SOURCE and write the result to TARGET as a PNG with its recipe.

        Args:
            source: the degraded picture.
            target: where the result goes.
            knobs: how.
            given: what else there is.
            variant: which weights; the best ones on disk where none is named.
            seed: drawn where none is given.
        """
        from tqdm import tqdm

        from restoration import image_io

        picture = image_io.read(source, limits())
        job = restoration.prepare(
            name,
            picture,
            variant=variant,
            seed=seed,
            knobs=flatten(knobs),
            **beside.read(given),
        )
        for note in filter(None, (*picture.notes, job.outlook())):
            print(note, file=sys.stderr)
        with tqdm(desc=METHODS[name].title, unit="step", disable=None) as bar:
            done = front.conclude(job, progress.shown(job.steps(), bar))
        saved = done.save(target)
        found = "".join(f", {word} {value:.2f}" for word, value in done.measured.items())
        print(f"{saved}: {job.variant.title}, seed {job.seed}, {done.seconds:.1f} s{found}")
        for remark in done.remarks:
            print(remark)
        if done.recognised:
            print("\n".join(filter(None, (done.recognised.in_words(), done.recognised.warning))))

    return restore


def degrade_command(kind: str) -> Callable[..., None]:
    """The command that degrades by `kind`, with its knobs as options."""
    known = kinds.KINDS.get(kind)
    params = known.params if known else Params

    def degrade(
        source: Positional[Path],
        target: Positional[Path],
        knobs: Annotated[params, arg(name="")],  # type: ignore[valid-type]  # known at run time only
        kind: str,
        seed: int = 0,
    ) -> None:
        """Make a bad picture of SOURCE and write it to TARGET as a PNG.

        Args:
            source: a clean picture.
            target: where the degraded one goes.
            knobs: how.
            kind: what is done to it; its knobs appear with --kind KIND --help.
            seed: the same seed degrades in the same way.
        """
        from dataclasses import replace

        from restoration import image_io

        picture = image_io.read(source, limits())
        bad = kinds.degrade(picture.image, kind, seed=seed, values=flatten(knobs))
        print(image_io.write(target, replace(picture, image=bad)))

    return degrade


def evaluate_command() -> Callable[..., None]:
    """The command that measures methods on folders of pictures."""
    from restoration.evaluation import commands

    return commands.evaluate


def album_command(name: str) -> Callable[..., None]:
    """What is done with albums under this name."""
    return album_commands.COMMANDS[name]


def runs_command(name: str) -> Callable[..., None]:
    """What is done with runs under this name."""
    return runs_commands.COMMANDS[name]


def train_command(part: str) -> Callable[..., None]:
    """The command that trains `part`; imported late, since training needs torch."""
    from restoration.training import commands

    return commands.COMMANDS[part]


COMMANDS: dict[str, Callable[[], Callable[..., None]]] = {
    "methods": lambda: list_methods,
    **{f"restore {name}": functools.partial(restore_command, name) for name in METHODS},
    "again": lambda: runs_commands.again,
    "degrade": lambda: degrade_command(""),
    "evaluate": evaluate_command,
    "measure": lambda: measure_commands.measure,
    "measures": lambda: measure_commands.list_all,
    "recognise": lambda: recognition_commands.recognise,
    "weights list": lambda: weights_commands.list_all,
    "weights fetch": lambda: weights_commands.fetch,
    "weights verify": lambda: weights_commands.verify,
    "weights convert": lambda: weights_commands.convert,
    "weights delete": lambda: weights_commands.delete,
    **{f"album {name}": functools.partial(album_command, name) for name in album_commands.COMMANDS},
    **{f"runs {name}": functools.partial(runs_command, name) for name in runs_commands.COMMANDS},
    **{f"train {part}": functools.partial(train_command, part) for part in TRAINED},
}


def main(args: Sequence[str]) -> int:
    """Run a command; the exit code is 0, 1 for what the user can mend, 2 for wrong arguments."""
    try:
        command, name, rest = _find(list(args))
        _parse(command, name, rest)()
    except BadKnobError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    except RestorationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _find(args: list[str]) -> tuple[Callable[..., None], str, list[str]]:
    for length in (2, 1):
        name = " ".join(args[:length])
        if name in COMMANDS:
            if name == "degrade" and "--kind" in args[:-1]:
                return degrade_command(args[args.index("--kind") + 1]), name, args[length:]
            return COMMANDS[name](), name, args[length:]
    group = [name for name in COMMANDS if name.startswith(f"{''.join(args[:1])} ")]
    known = group or list(COMMANDS)
    if args[bool(group) :] in (["-h"], ["--help"]):
        print("usage: python -m restoration COMMAND ... (--help after it tells more)")
        print("\n".join(known))
        raise SystemExit(0)
    asked = " ".join(args[:2]) or "(none)"
    raise BadKnobError(f"no such command: {asked} (known: {', '.join(known)})")


def _parse(command: Callable[..., None], name: str, rest: list[str]) -> Callable[[], None]:
    """The command with its arguments bound; what tyro would say in a box becomes one line."""

    @functools.wraps(command)
    def bound(*args: Any, **kwargs: Any) -> Callable[[], None]:
        return functools.partial(command, *args, **kwargs)

    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return tyro.cli(bound, args=rest, prog=f"python -m restoration {name}")
    except ValidationError as error:
        raise BadKnobError(explain(error)) from None
    except SystemExit as stop:
        if not stop.code:
            raise
        raise BadKnobError(_first_words(said.getvalue())) from None


def _first_words(box: str) -> str:
    """What tyro says in its box, on one line: after the title's rule, before the next one."""
    lines = [line.strip("│| ") for line in box.splitlines()]
    rules = [i for i, line in enumerate(lines) if line.startswith(("╭", "╰", "──", "---"))]
    start, end = (*rules, len(lines), len(lines))[:2]
    return " ".join(" ".join(lines[start + 1 : end]).split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
