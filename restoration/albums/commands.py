"""`python -m restoration album ...`: the albums of this computer, from the first to the last day.

What they are for is `restore gen2res --album NAME`.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from tyro.conf import Positional, arg

from restoration import albums, faces, progress
from restoration.albums import Album, jobs
from restoration.albums.knobs import GenerateParams, TuneParams
from restoration.errors import BadKnobError
from restoration.params import flatten
from restoration.protocol import Step
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor


def make(
    name: Positional[str],
    pictures: Positional[tuple[Path, ...]] = (),
    *,
    align_faces: bool = False,
) -> None:
    """Make an album of clean pictures of one subject; 5 to 40 are a good number.

    Of each picture the square in its middle is learnt from.

    Args:
        name: the album's name.
        pictures: files, or folders of them; one that cannot be used is named and left out.
        align_faces: keep the largest face of each, aligned as in FFHQ (requirements-faces.txt).
    """
    found, refusals = albums.read_uploads(_files(pictures))
    faceless: list[str] = []
    if align_faces:
        found, faceless = faces.align_pictures(found)
    album = albums.shelf().make(name, found)
    for refusal in (*refusals, *faceless):
        print(f"left out: {refusal}", file=sys.stderr)
    print(_in_a_line(album))


def generate(
    name: Positional[str],
    picture: Positional[Path],
    knobs: Annotated[GenerateParams, arg(name="")],
    first: str | None = None,
    variant: str | None = None,
    seed: int | None = None,
) -> None:
    """Make an album of what the prior makes of a degraded picture, each time from other noise.

    Args:
        name: the album's name.
        picture: the degraded picture.
        knobs: how.
        first: a method whose result is taken in place of the picture, such as diffbir.
        variant: which prior; the best one on disk where none is named.
        seed: of the first picture in it, the next has the next one; drawn where none is given.
    """
    from restoration import image_io

    source = image_io.read(picture, limits())
    steps = jobs.generation(
        albums.shelf(),
        name,
        source,
        variant=variant,
        seed=seed,
        knobs=flatten(knobs),
        first=first,
    )
    for note in source.notes:
        print(note, file=sys.stderr)
    if _watch(steps, "album").stopped:
        print("stopped; no album is made", file=sys.stderr)
        raise KeyboardInterrupt
    print(_in_a_line(albums.shelf().open(name)))


def train(
    name: Positional[str],
    knobs: Annotated[TuneParams, arg(name="")],
    variant: str | None = None,
    test: Path | None = None,
) -> None:
    """Train on an album, from where its training was left.

    Ctrl+C stops it after the step that it is at, and keeps what was learned.

    Args:
        name: the album's name.
        knobs: how.
        variant: which prior; that of its last training, or the best one on disk.
        test: a degraded picture; its middle, as it is restored at the end, is written beside it.
    """
    from restoration import image_io

    shelf = albums.shelf()
    before = shelf.open(name).manifest.training
    shown = image_io.read(test, limits()) if test else None
    steps = jobs.training(shelf, name, variant=variant, knobs=flatten(knobs), test=shown)
    end = _watch(steps, "training", look=shown is not None)
    album = shelf.open(name)
    if test and shown and end.picture is not None:
        target = test.with_name(f"{test.stem}-restored.png")
        print(image_io.write(target, replace(shown, image=end.picture)))
    print(_in_a_line(album))
    if end.stopped:
        learned = album.manifest.training != before
        kept = "what was learned is kept" if learned else "nothing was learned"
        print(f"stopped; {kept}", file=sys.stderr)
        raise KeyboardInterrupt


def list_albums() -> None:
    """List the albums of this computer, newest first."""
    found = albums.shelf().list()
    if not found:
        print("there are no albums yet: `album make NAME PICTURES` makes one", file=sys.stderr)
    for album in found:
        print(_in_a_line(album))


def rename(name: Positional[str], new: Positional[str]) -> None:
    """Give an album another name.

    Args:
        name: the one that it has.
        new: the one that it gets.
    """
    print(_in_a_line(albums.shelf().rename(name, new)))


def delete(name: Positional[str], *, yes: bool = False) -> None:
    """Remove an album for good: its pictures and what was learned from them.

    Args:
        name: the album's name.
        yes: do not ask before.
    """
    shelf = albums.shelf()
    album = shelf.open(name)
    if not yes and not _agrees(f"Delete {_in_a_line(album)}?"):
        print(f"{album.name} is kept")
        return
    shelf.delete(name)
    print(f"{album.name} is deleted")


def export(name: Positional[str], target: Positional[Path]) -> None:
    """Write an album with what was learned from it as a zip archive.

    Args:
        name: the album's name.
        target: a file, or a folder that gets one named after the album.
    """
    print(albums.shelf().export(name, target))


def take_in(source: Positional[Path], *, name: str = "") -> None:
    """Take in an album that `album export` wrote, here or elsewhere.

    Args:
        source: the zip archive.
        name: that it gets here; its own where none is given.
    """
    print(_in_a_line(albums.shelf().take_in(source, name=name)))


COMMANDS: dict[str, Callable[..., None]] = {
    "make": make,
    "generate": generate,
    "train": train,
    "list": list_albums,
    "rename": rename,
    "delete": delete,
    "export": export,
    "import": take_in,
}


def _files(paths: Sequence[Path]) -> list[Path]:
    """The files that are named, and those in the folders that are."""
    found = []
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [one for one in inside if path == one or not (one.is_dir() or one.name[0] == ".")]
    return found


def _in_a_line(album: Album) -> str:
    """An album's name, its pictures and its training."""
    told, count = album.manifest, len(album.manifest.pictures)
    pictures = f"{count} {'generated ' * (told.kind == 'generated')}picture{'s' * (count > 1)}"
    if album.weights is None or told.training is None:
        return f"{album.name}: {pictures}, not trained"
    training = told.training
    how = f"{training.way}, {training.steps} steps in {training.seconds:.0f} s"
    return (
        f"{album.name}: {pictures}, trained on {training.variant} ({how}, loss {training.loss:.3g})"
    )


def _agrees(question: str) -> bool:
    """Whether the user says yes.

    Raises:
        BadKnobError: there is nobody to ask.
    """
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        raise BadKnobError("nobody is there to be asked: give --yes to delete it") from None


@dataclass(frozen=True)
class End:
    """How steps came to an end."""

    stopped: bool
    """Whether by Ctrl+C."""
    picture: Tensor | None
    """What the last one showed, where that was asked for."""


def _watch(steps: Iterator[Step], title: str, *, look: bool = False) -> End:
    """Make the steps to their end, or until Ctrl+C is pressed."""
    from tqdm import tqdm

    with (
        tqdm(desc=title, unit="step", disable=None) as bar,
        _interruption() as was_pressed,
        closing(cast(Generator[Step], steps)),
    ):
        estimate = None
        for step in progress.shown(steps, bar):
            estimate = step.estimate if step.done else None
            if was_pressed():
                break
        return End(was_pressed(), estimate() if estimate and look else None)


@contextmanager
def _interruption() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl+C was pressed, which interrupts nothing now; pressed again it does.

    A step is made to its end, so that what was learned by then can be kept.
    """
    before, pressed = signal.getsignal(signal.SIGINT), []

    def note(number: int, _frame: object) -> None:
        pressed.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)
