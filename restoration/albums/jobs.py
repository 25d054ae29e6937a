"""What takes the device's time for an album: training on it, and making one from a picture.

Both are generators of steps like a restoration: they wait their turn, show how far they are, and
are stopped by closing them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from restoration import front
from restoration.albums.knobs import GenerateParams, TuneParams
from restoration.methods import gen2res
from restoration.params import build, flatten
from restoration.protocol import Request, Step, Variant
from restoration.runtime import Runtime, policy, the_runtime
from restoration.seeds import checked_seed

if TYPE_CHECKING:
    from restoration.albums import Shelf
    from restoration.image_io import Picture

NAME = gen2res.METHOD.name


def training(
    shelf: Shelf,
    name: str,
    *,
    variant: str | None = None,
    knobs: Mapping[str, object] | None = None,
    test: Picture | None = None,
    runtime: Runtime | None = None,
) -> Iterator[Step]:
    """Train on an album, from where its training was left; what is learned is kept in it.

    Where the hub limits the time of a run it ends there, before its last step.

    Args:
        shelf: where the album is.
        name: of the album.
        variant: which prior; that of the last training, or the best on disk, where it is None.
        knobs: of `TuneParams`.
        test: what the steps show restored, as far as the training has come.
        runtime: this process's where it is None.

    Raises:
        RestorationError: the album, the prior or a knob is not there or makes no sense, or the
            hub takes no more.
    """
    album = shelf.open(name)
    shelf.check_room()
    if variant is None and album.manifest.training:
        variant = album.manifest.training.variant
    chosen = front.variant_of(NAME, variant)
    params = build(TuneParams, knobs or {})
    policy().check_knobs({"batch": params.batch})
    runtime = runtime or the_runtime()
    shown = test.image if test else album.squares()[0]

    def work() -> Iterator[Step]:
        from restoration.training.albums import train_album

        steps = train_album(album, shelf, chosen, params, runtime.device, shown)
        yield from policy().ended(steps)

    advice = "in training: take the low-rank way, or a smaller batch"
    return runtime.in_turn(work, shown, advice)


def generation(  # noqa: PLR0913  # each has its own name
    shelf: Shelf,
    name: str,
    picture: Picture,
    *,
    variant: str | None = None,
    seed: int | None = None,
    knobs: Mapping[str, object] | None = None,
    first: str | None = None,
    runtime: Runtime | None = None,
) -> Iterator[Step]:
    """Make a generative album: what the prior makes of a picture, each time from other noise.

    The album is there once the last step has come; closed before that, nothing is.

    Args:
        shelf: where it goes.
        name: of the new album.
        picture: the degraded picture.
        variant: which prior; the best on disk where it is None.
        seed: of the first sample, the next has the next one; drawn where it is None.
        knobs: of `GenerateParams`.
        first: a method whose result is taken in place of the picture, by its first preset.
        runtime: this process's where it is None.

    Raises:
        RestorationError: the name is taken, what is asked for is not there or makes no sense, or
            the hub takes no more.
    """
    shelf.check_room()
    params = build(GenerateParams, knobs or {})
    policy().check_knobs({"steps": params.steps})
    job = Generation(
        shelf=shelf,
        name=shelf.free(name),
        variant=front.variant_of(NAME, variant),
        params=params,
        seed=checked_seed(seed),
        first=first,
    )
    runtime = runtime or the_runtime()
    if first is None:
        return job.steps(picture, runtime)
    before = front.prepare(first, picture, seed=job.seed, knobs=front.first_settings(first))
    return _after(before, job, runtime)


def _after(before: front.Job, job: Generation, runtime: Runtime) -> Iterator[Step]:
    last = None
    for last in before.steps(runtime):
        yield replace(last, note=f"{before.method.title}: {last.note}")
    assert last is not None, "a restorer yields at least one step"
    yield from job.steps(replace(before.picture, image=last.estimate()), runtime)


@dataclass(frozen=True)
class Generation:
    """A generative album that can be made."""

    shelf: Shelf
    name: str
    variant: Variant
    params: GenerateParams
    seed: int
    first: str | None

    def steps(self, picture: Picture, runtime: Runtime) -> Iterator[Step]:
        """Make it from a picture, once it is this album's turn."""
        advice = "generating an album: take a smaller picture"

        def work() -> Iterator[Step]:
            return policy().timed(self._steps(picture, runtime))

        return runtime.in_turn(work, picture.image, advice)

    def _steps(self, picture: Picture, runtime: Runtime) -> Iterator[Step]:
        from restoration.noise import seeded

        restorer = runtime.restorer(gen2res.METHOD, self.variant)
        request, knobs = Request(picture.image), self._knobs()
        seeds = range(self.seed, self.seed + self.params.samples)
        samples, total = [], 0
        for number, seed in enumerate(seeds):
            for step in restorer(request, knobs, seeded(seed)):
                total = step.total * len(seeds) + 1
                note = f"picture {number + 1} of {len(seeds)}, {step.note}"
                yield Step(number * step.total + step.done, total, note, step.estimate)
            samples.append(replace(picture, name=f"{number + 1:02}", image=step.estimate()))
        settings = {**flatten(self.params), "variant": self.variant.name, "first": self.first or ""}
        self.shelf.make(self.name, samples, kind="generated", seeds=tuple(seeds), settings=settings)
        yield Step(total, total, "done", step.estimate)

    def _knobs(self) -> gen2res.Gen2resParams:
        told = self.params
        held = gen2res.SkipGuidance(on=told.guided, every=told.every, scale=told.scale)
        return gen2res.Gen2resParams(
            noise_step=told.noise_step, steps=told.steps, sampler="ddpm", guidance=held
        )
