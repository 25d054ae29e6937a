"""Several restorations one after the other: in which order, and how long they still take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from restoration.front import Job
from restoration.pace import Book, Pace, Task, Watch, book_of
from restoration.protocol import Step, Wish
from restoration.runtime import Runtime, the_runtime


class Course:
    """The restorations of a comparison; each joins the line before the device anew.

    Those of one method and variant follow each other, and what is loaded already goes first, so
    that no weights are loaded twice.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        runtime: Runtime | None = None,
        book: Book | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Plan `jobs`; nothing is run or loaded."""
        self.jobs = tuple(jobs)
        self._runtime = runtime or the_runtime()
        self._book = book or book_of(self._runtime.device)
        self._tasks = [Task.of(job) for job in jobs]
        names = [task.name for task in self._tasks]
        places = range(len(names))
        self.order: tuple[int, ...] = tuple(
            sorted(places, key=lambda one: (not self._is_held(one), names.index(names[one])))
        )
        """The places of the jobs as they are to be run."""
        self._planned = [self._as_planned(job) for job in jobs]
        self._waiting = list(self.order)
        self._now: int | None = None
        self._clock = clock
        self._watch = Watch(clock)
        self._share = 0.0
        self._was_held = True

    @property
    def loads(self) -> int:
        """How many times weights will be loaded."""
        return len({self._tasks[place].name for place in self._waiting if not self._is_held(place)})

    def steps(self, place: int) -> Iterator[Step]:
        """Run the job at `place` and watch it; close the generator to cancel."""
        self._waiting.remove(place)
        self._now, self._watch, self._share = place, Watch(self._clock), 0.0
        self._was_held = self._is_held(place)
        for step in self.jobs[place].steps(self._runtime):
            self._watch.see(step)
            self._share = step.done / step.total if step.total else 0.0
            yield step

    def over(self) -> None:
        """All that belongs to the job that ran is done, its result written: remember its time."""
        assert self._now is not None
        self._watch.end()
        self._book.note(self._tasks[self._now], self._watch, loaded=not self._was_held)
        self._now = None

    def failed(self) -> None:
        """The job that ran came to nothing."""
        self._now = None

    def seconds(self, place: int) -> float | None:
        """What the job at `place` will take once its weights are loaded, where that is known.

        By a restoration of the same method and variant, here or in progress; else as the method
        itself plans it.
        """
        task = self._tasks[place]
        pace = self._book.known(task) or self._in_progress(task.name)
        if pace is not None:
            return pace.seconds(task)
        return self._planned[place]

    def left(self) -> float | None:
        """Seconds until the last job is done, waiting for others left out; None if not known yet.

        What was never run here is taken to be as fast as the others.
        """
        seconds = [self._or_so(place) for place in self._waiting]
        names = {self._tasks[place].name for place in self._waiting if not self._is_held(place)}
        if self._now is not None:
            now = self._or_so(self._now)
            seconds.append(None if now is None else now * (1 - self._share))
            if not self._watch.worked and not self._is_held(self._now):
                names.add(self._tasks[self._now].name)
        known = [one for one in seconds if one is not None]
        if len(known) < len(seconds):
            return None
        return sum(known) + sum(self._loading(name) for name in names)

    def is_sure(self) -> bool:
        """Whether all that still runs, or is to be run, is of a kind whose time is known."""
        now = [] if self._now is None else [self._now]
        return all(self.seconds(place) is not None for place in [*now, *self._waiting])

    def _or_so(self, place: int) -> float | None:
        known = self.seconds(place)
        if known is not None:
            return known
        paces = [paces[-1] for paces in self._book.paces.values()]
        if self._now is not None and (now := self._in_progress(self._tasks[self._now].name)):
            paces.append(now)
        return median(pace.seconds(self._tasks[place]) for pace in paces) if paces else None

    def _in_progress(self, name: str) -> Pace | None:
        """The pace of the job that runs, where it is of that method and variant."""
        if self._now is None or self._tasks[self._now].name != name:
            return None
        return self._watch.pace(self._tasks[self._now])

    def _loading(self, name: str) -> float:
        loads = self._book.loads
        return loads.get(name, median(loads.values()) if loads else 0.0)

    def _as_planned(self, job: Job) -> float | None:
        """Seconds, by the method's own plan where it has one."""
        held = self._runtime.held(job.method, job.variant)
        height, width = job.picture.image.shape[-2:]
        wish = Wish(job.variant, height, width, job.params, self._runtime.device, held)
        plan = job.method.plan(wish)
        return None if plan is None else plan.seconds

    def _is_held(self, place: int) -> bool:
        job = self.jobs[place]
        return self._runtime.held(job.method, job.variant) is not None
