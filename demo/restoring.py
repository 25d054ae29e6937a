"""One run of a method, as what the page shows while and after it: a generator of updates."""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gradio as gr
from gradio.utils import get_upload_folder

from demo import beside, comparer, failures, keeping
from demo.albums.fragments import album_strip
from demo.controls import seed_of
from demo.fragments import duration, figure, findings, meanings, notes, status, strip
from demo.picture import refusal
from demo.recognition import bars
from demo.reel import PREVIEW_SIDE, Reel
from restoration import front
from restoration.course import Course
from restoration.errors import BadPictureError
from restoration.protocol import Method, Step
from restoration.recipe import Recipe
from restoration.runtime import limits

if TYPE_CHECKING:
    from restoration.albums import Album
    from restoration.image_io import Picture

NO_PICTURE = "Choose a picture first: drop one into its frame, or click there."
Updates = dict[Any, Any]
"""Component -> its new value, as Gradio takes it from a handler."""


@dataclass(frozen=True)
class View:
    """The parts of a tab that a run writes to."""

    run: gr.Button
    stop: gr.Button
    status: gr.HTML
    notes: gr.HTML
    live: gr.HTML
    recognised: gr.HTML
    """What is wrong with the picture, where the method says so."""
    result: gr.Column
    """Holds the four below; hidden while there is no result."""
    comparer: gr.HTML
    strip: gr.HTML
    download: gr.DownloadButton
    recipe: gr.Code

    def outputs(self) -> list[Any]:
        """All of them; the two that a program wants, file and recipe, come first."""
        return [
            self.download,
            self.recipe,
            self.status,
            self.notes,
            self.live,
            self.result,
            self.comparer,
            self.strip,
            self.recognised,
            self.run,
            self.stop,
        ]

    def started(self, text: str) -> Updates:
        """A run begins: what the last one left is taken away, so that it is not mistaken."""
        return {
            self.status: status(text),
            self.notes: "",
            self.live: "",
            self.recognised: "",
            self.result: gr.update(visible=False),
            self.comparer: None,
            self.strip: "",
            self.download: None,
            self.recipe: None,
            self.run: gr.update(interactive=False),
            self.stop: gr.update(interactive=True),
        }

    def ended(self, text: str, kind: str) -> Updates:
        """A run is over without a result; the last preview stays to be seen."""
        return {
            self.status: status(text, kind=kind),
            self.run: gr.update(interactive=True),
            self.stop: gr.update(interactive=False),
        }


def restore(
    view: View, method: Method, path: str | None, settings: dict[str, Any], given: dict[str, Any]
) -> Iterator[Updates]:
    """Restore an uploaded picture; closing the generator cancels and frees the device.

    `settings` holds `variant`, `seed` and the knobs by key; `given` what is beside the picture, and
    under `request` whose run it is.

    Raises:
        gr.Error: with one sentence that says what to do.
    """
    yield view.started("Reading the picture …")
    try:
        yield from _restore(view, method, path, settings, given)
    except Exception as error:  # noqa: BLE001  # whatever failed, the page answers and goes on
        text = failures.sentence(error)
        yield view.ended(text, "bad")
        raise refusal(text) from None


def _restore(
    view: View, method: Method, path: str | None, settings: dict[str, Any], given: dict[str, Any]
) -> Iterator[Updates]:
    from restoration import image_io

    if path is None:
        raise BadPictureError(NO_PICTURE)
    picture = image_io.read(path, limits())
    knobs = dict(settings)
    variant, seed = knobs.pop("variant"), seed_of(knobs.pop("seed"))
    more = beside.read(method, knobs, given, picture)
    job = front.prepare(method.name, picture, variant=variant, seed=seed, knobs=knobs, **more)
    first = figure(picture.image, "The picture as it came", PREVIEW_SIDE)
    yield {view.notes: notes((*picture.notes, *filter(None, [job.outlook()]))), view.live: first}
    album = more.get("album")
    if album is None or not given.get("without_album"):
        takes = [(yield from _played(view, job, Turn()))]
    else:
        bare = replace(job, request=replace(job.request, album=None))
        takes = [
            (yield from _played(view, job, Turn("With the album", 0, 2))),
            (yield from _played(view, bare, Turn("Without the album", 1, 2))),
        ]
    batch = secrets.token_hex(8)
    for take in takes:
        facts = keeping.Facts(take.reel.seconds, take.reel.measured(), take.name, batch)
        keeping.kept(given.get("request"), picture, take.path, take.job.recipe(), facts)
    yield _result(view, takes, album)


@dataclass(frozen=True)
class Turn:
    """Which part of a run this is, where it has several."""

    name: str = ""
    place: int = 0
    of: int = 1

    def told(self, reel: Reel) -> str:
        """How far the run is, as HTML."""
        text = f"{self.name} ({self.place + 1} of {self.of}) · " if self.name else ""
        share = reel.share if self.of == 1 else (self.place + (reel.share or 0)) / self.of
        return status(text + reel.told(), share=share)


@dataclass(frozen=True)
class Take:
    """A restoration that was done."""

    name: str
    """What it is called where there are several."""
    job: front.Job
    reel: Reel
    path: Path
    """Of its result."""

    def result(self) -> Picture:
        """What came out."""
        return replace(self.job.picture, image=self.reel.final())


def _played(view: View, job: front.Job, turn: Turn) -> Generator[Updates, None, Take]:
    """Do a job, show it and write its result; what it took is remembered for comparisons."""
    reel, course = Reel(), Course([job])
    with closing(cast(Generator[Step], course.steps(0))) as steps:
        for step in steps:
            reel.add(step)
            updates = {view.status: turn.told(reel)}
            if reel.preview_is_due():
                updates[view.live] = reel.preview()
            if news := reel.recognised_anew():
                updates[view.recognised] = bars(news)
            yield updates
    reel.stop()
    result = replace(job.picture, image=reel.final())
    mark = "without-album" if turn.place else job.method.name
    path = keep(result, mark, job.recipe())
    course.over()
    return Take(turn.name, job, reel, path)


def _result(view: View, takes: Sequence[Take], album: Album | None) -> Updates:
    """What is seen at the end: the first take, and beside it the others."""
    take, *others = takes
    job, reel, result, path = take.job, take.reel, take.result(), take.path
    height, width = result.image.shape[-2:]
    seconds = sum(one.reel.seconds for one in takes)
    done = f"Done in {duration(seconds)} · {width}x{height} pixels · seed {job.seed}"
    found = reel.measured()
    shown = [
        shown_as("Input", job.picture, keep(job.picture, "input")),
        *(shown_as(one.name, one.result(), one.path) for one in others),
        shown_as("Result", result, path),
    ]
    passed = [("Input", job.picture.image), *reel.stages(), ("Result", result.image)]
    return {
        view.download: str(path),
        view.recipe: json.dumps(json.loads(job.recipe().to_json()), indent=2),
        view.status: status(done + findings(found), kind="good", hint=meanings(found)),
        view.notes: notes((*result.notes, *reel.remarks())),
        view.live: "",
        view.result: gr.update(visible=True),
        view.comparer: comparer.comparison(shown, first=(1, 2) if others else None),
        view.strip: strip(passed) + (album_strip(album) if album else ""),
        view.run: gr.update(interactive=True),
        view.stop: gr.update(interactive=False),
    }


def keep(picture: Picture, mark: str, recipe: Recipe | None = None) -> Path:
    """Write a picture where Gradio serves from, under a name nobody can guess."""
    from restoration import image_io

    folder = Path(get_upload_folder()) / "results" / secrets.token_hex(16)
    folder.mkdir(parents=True, mode=0o700)
    stem = Path(picture.name).stem[:60] or "picture"
    return image_io.write(folder / f"{stem}-{mark}.png", picture, recipe=recipe)


def shown_as(label: str, picture: Picture, path: Path) -> comparer.Shown:
    """A kept picture as the comparer takes it."""
    height, width = picture.image.shape[-2:]
    return comparer.Shown(label, path, (width, height))
