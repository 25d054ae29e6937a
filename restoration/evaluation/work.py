"""One picture's part of an evaluation: measured as it is, restored by each contender, kept."""

from __future__ import annotations

import functools
import hashlib
import math
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restoration import front
from restoration.degradations.kinds import degrade
from restoration.errors import RestorationError
from restoration.evaluation import folder, ledger
from restoration.evaluation.form import INPUT, Numbers
from restoration.evaluation.items import Item, picture_seed
from restoration.evaluation.ledger import Entry, Key, sha256_of
from restoration.evaluation.plan import Contender, Plan, recipe_hash
from restoration.measures import absent, measured
from restoration.runtime import limits

if TYPE_CHECKING:
    from torch import Tensor

    from restoration.image_io import Picture
    from restoration.recipe import Recipe


@dataclass(frozen=True)
class Doing:
    """A stride of the work on a picture."""

    label: str
    note: str
    entry: Entry | None = None
    """With the last stride of each label: what came of it."""
    is_old: bool = False
    """Whether an earlier run did it."""


def item_steps(plan: Plan, item: Item, known: Mapping[Key, Entry], into: Path) -> Iterator[Doing]:
    """Do what is not done of a picture, and note each part in the ledger `into`; close to stop.

    Whatever goes wrong with one part is noted as well, and the next part is begun.

    Raises:
        RestorationError: the ledger cannot be written.
    """
    task = Task(plan, item)
    for label in plan.labels:
        entry = known.get((item.id, label))
        if entry is not None and task.stands(entry):
            yield Doing(label, entry.status, entry, is_old=True)
            continue
        try:
            entry = yield from task.done(label)
        except Exception as error:  # noqa: BLE001  # one picture must not end a night's work
            entry = task.failed(label, error)
        ledger.append(into, entry)
        yield Doing(label, entry.status, entry)


@dataclass(frozen=True)
class Pictures:
    """What a contender is given, and what its result is held against."""

    degraded: Picture
    reference: Tensor | None
    """RGB float32 (1, 3, H, W) in steps of 1/255."""

    def numbers(self, image: Tensor, plan: Plan) -> Numbers:
        """Those of a result (1, 3, H, W); None for what is not finite."""
        found = measured(
            image, reference=self.reference, degraded=self.degraded.image, names=plan.measures
        )
        return {name: value if math.isfinite(value) else None for name, value in found.items()}

    def without(self, image: Tensor, plan: Plan) -> str:
        """Why numbers of a result are left out, in sentences."""
        missing = absent(
            image, reference=self.reference, degraded=self.degraded.image, names=plan.measures
        )
        return " ".join(missing.values())


@dataclass(frozen=True)
class Task:
    """A picture of an evaluation."""

    plan: Plan
    item: Item

    @functools.cached_property
    def seed(self) -> int:
        """Of its degradation and of the contenders' chance."""
        return picture_seed(self.item.id, self.plan.seed)

    @functools.cached_property
    def files(self) -> tuple[str | None, str | None]:
        """sha256 of the picture and of its reference; None for one that cannot be read."""
        clean = self.item.reference
        return sha256_of(self.item.source), None if clean is None else sha256_of(clean)

    @functools.cached_property
    def pictures(self) -> Pictures:
        """The picture as the contenders see it, and its reference."""
        from restoration import image_io
        from restoration.degradations.single import rounded

        picture = image_io.read(self.item.source, limits())
        if self.plan.kind is not None:
            reference = rounded(picture.image)
            bad = degrade(reference, self.plan.kind, seed=self.seed)
            return Pictures(replace(picture, image=bad), reference)
        if self.item.reference is None:
            return Pictures(picture, None)
        return Pictures(picture, rounded(image_io.read(self.item.reference, limits()).image))

    def stands(self, entry: Entry) -> bool:
        """Whether a line of the ledger still says how it is, so that nothing is left to do."""
        label = entry.label
        if (entry.input, entry.reference, entry.recipe) != (*self.files, self._recipe(label)):
            return False
        if entry.status == "failed":
            return not self.plan.retry
        if not self._is_written(label):
            return True
        file = f"{label}/{self.item.file}"
        return entry.file == file and sha256_of(self.plan.out / file) == entry.output

    def done(self, label: str) -> Generator[Doing, None, Entry]:
        """Do the work of a label: the line that says what came of it."""
        if label == INPUT:
            return self._input()
        return (yield from self._restored(self._contender(label)))

    def failed(self, label: str, error: Exception) -> Entry:
        """The line that says what went wrong; it names no folder."""
        match error:
            case RestorationError():
                told = str(error)
            case OSError():
                told = f"{error.strerror or type(error).__name__}."
            case _:
                told = f"Unexpected {type(error).__name__}: {error!s:.300}"
        return self._line(label, status="failed", error=told)

    def _input(self) -> Entry:
        from restoration.degradations.single import rounded

        picture = self.pictures.degraded
        image = rounded(picture.image)
        kept = self._kept(INPUT, picture) if self._is_written(INPUT) else {}
        numbers = self.pictures.numbers(image, self.plan)
        return self._line(INPUT, size=_size(image), numbers=numbers, **kept)

    def _restored(self, contender: Contender) -> Generator[Doing, None, Entry]:
        from restoration.degradations.single import rounded

        job = front.prepare(
            contender.method,
            self.pictures.degraded,
            variant=contender.variant,
            seed=self.seed,
            knobs=contender.knobs,
        )
        start, last = time.perf_counter(), None
        for last in job.steps():
            yield Doing(contender.label, last.note)
            if last.total == 0:
                start = time.perf_counter()
        assert last is not None
        seconds = time.perf_counter() - start
        result = front.conclude(job, iter((last,)))
        assert recipe_hash(result.recipe) == self._recipe(contender.label)
        image = rounded(result.picture.image)
        remarks = [*result.remarks, self.pictures.without(image, self.plan)]
        return self._line(
            contender.label,
            note=" ".join(filter(None, remarks)) or None,
            size=_size(image),
            numbers=self.pictures.numbers(image, self.plan),
            seconds=round(seconds + result.seconds, 4),
            **self._kept(contender.label, result.picture, result.recipe),
        )

    def _kept(self, label: str, picture: Picture, recipe: Recipe | None = None) -> dict[str, str]:
        """Where the result of a label now lies, and its hash."""
        from restoration import image_io

        name = f"{label}/{self.item.file}"
        with folder.draft(self.plan, self.item.file.name) as path:
            image_io.write(path, picture, recipe=recipe)
            return {"file": name, "output": folder.keep(path, self.plan.out / name)}

    def _line(self, label: str, **found: Any) -> Entry:
        told, reference = self.files
        own = {"input": told, "reference": reference, "recipe": self._recipe(label)}
        return Entry(id=self.item.id, label=label, **{"status": "done", **own, **found})

    def _recipe(self, label: str) -> str | None:
        """The hash of what is done to the picture to get the result of a label."""
        if label != INPUT:
            return self._contender(label).recipe(self.seed, self.plan.versions)
        if self.plan.kind is None:
            return None
        return hashlib.sha256(f"{self.plan.kind}/{self.seed}".encode()).hexdigest()

    def _contender(self, label: str) -> Contender:
        return next(one for one in self.plan.contenders if one.label == label)

    def _is_written(self, label: str) -> bool:
        """Whether there is a file of that label: an input that was given is not copied."""
        return label != INPUT or self.plan.kind is not None


def _size(image: Tensor) -> tuple[int, int]:
    return image.shape[-1], image.shape[-2]
