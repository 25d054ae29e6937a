"""How long restorations take: what is noted of those made, and told of those to come."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from restoration import front, image_io
from restoration.course import Course
from restoration.pace import MOST_NOTED, Book, Pace, Task, Watch
from restoration.protocol import Step
from restoration.runtime import LOADING, Device, Runtime
from tests import fakes

TASK = Task("smooth/plain", {"mode": "mean"}, 1000, 10)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def step(done, total, note="smoothing, round 1"):
    return Step(done, total, note, lambda: torch.zeros(1, 3, 2, 2))


def watched(strides, clock=None):
    """A watch that saw strides of (note, seconds)."""
    clock = clock or Clock()
    watch = Watch(clock)
    for place, (note, seconds) in enumerate(strides):
        clock.now += seconds
        watch.see(step(place + 1, len(strides), note))
    return watch


def walk(count, seconds=1.0):
    return [(f"denoising, step {place}", seconds) for place in range(count)]


def test_what_happens_once_is_kept_apart_from_the_steps():
    pace = watched([("clean-up", 4.0), *walk(10), ("done", 2.0)]).pace(TASK)
    assert (pace.once, pace.each) == pytest.approx((6.0, 1.0))


def test_twice_the_steps_take_twice_the_walk_and_not_twice_the_rest():
    pace = watched([("clean-up", 4.0), *walk(10), ("done", 2.0)]).pace(TASK)
    assert pace.seconds(replace(TASK, work=20)) == pytest.approx(26.0)


def test_time_grows_with_the_pixels():
    pace = Pace({}, 1000, 2.0, 1.0)
    assert pace.seconds(replace(TASK, pixels=4000)) == pytest.approx(48.0)


def test_a_slow_first_step_does_not_count_for_every_step():
    pace = watched([("denoising, step 0", 11.0), *walk(9)]).pace(TASK)
    assert (pace.once, pace.each) == pytest.approx((10.0, 1.0))


def test_tiles_are_no_steps():
    pace = watched([("clean-up, tile 1 of 2", 3.0), ("clean-up, tile 2 of 2", 3.0)]).pace(TASK)
    assert (pace.once, pace.each) == pytest.approx((6.0, 0.0))


def test_nothing_is_known_before_the_first_step():
    assert Watch(Clock()).pace(TASK) is None


def test_loading_is_no_work():
    clock = Clock()
    watch = Watch(clock)
    watch.see(step(0, 0, "waiting for the device, 1 ahead"))
    clock.now = 5.0
    watch.see(step(0, 0, LOADING))
    clock.now = 8.0
    watch.see(step(0, 0, "starting"))
    clock.now = 9.0
    watch.see(step(1, 1))
    assert (watch.loading, watch.worked) == pytest.approx((3.0, 1.0))


def test_writing_the_result_is_part_of_the_work():
    clock = Clock()
    watch = watched(walk(10), clock)
    clock.now += 5.0
    watch.end()
    assert watch.pace(TASK).once == pytest.approx(5.0)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "pace.json"


def test_a_pace_outlives_the_process(file):
    Book(file, "cpu float32").note(TASK, watched(walk(10)), loaded=False)
    assert Book(file, "cpu float32").known(TASK).each == pytest.approx(1.0)


def test_every_device_has_its_own_pace(file):
    Book(file, "cpu float32").note(TASK, watched(walk(10)), loaded=False)
    assert Book(file, "cuda bfloat16").known(TASK) is None


def test_one_device_leaves_the_notes_of_another(file):
    for device in ("cpu float32", "cuda bfloat16"):
        Book(file, device).note(TASK, watched(walk(10)), loaded=False)
    assert sorted(json.loads(file.read_text())) == ["cpu float32", "cuda bfloat16"]


def test_the_pace_with_most_knobs_alike_is_taken(file):
    book = Book(file, "cpu float32")
    book.note(TASK, watched(walk(10, 2.0)), loaded=False)
    book.note(replace(TASK, knobs={"mode": "none"}), watched(walk(10)), loaded=False)
    assert book.known(TASK).each == pytest.approx(2.0)


def test_of_those_alike_the_newest_is_taken(file):
    book = Book(file, "cpu float32")
    book.note(TASK, watched(walk(10, 2.0)), loaded=False)
    book.note(TASK, watched(walk(10)), loaded=False)
    assert book.known(TASK).each == pytest.approx(1.0)


def test_only_so_many_are_kept(file):
    book = Book(file, "cpu float32")
    for _ in range(MOST_NOTED + 1):
        book.note(TASK, watched(walk(10)), loaded=False)
    assert len(book.paces[TASK.name]) == MOST_NOTED


def test_the_time_of_loading_is_kept_where_something_was_loaded(file):
    book = Book(file, "cpu float32")
    watch = watched(walk(10))
    watch.loading = 7.0
    book.note(TASK, watch, loaded=True)
    assert Book(file, "cpu float32").loads == {TASK.name: 7.0}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cpu float32": {"loads": {}, "paces": 3}}'])
def test_notes_that_cannot_be_read_are_begun_anew(file, text):
    file.parent.mkdir()
    file.write_text(text)
    book = Book(file, "cpu float32")
    book.note(TASK, watched(walk(10)), loaded=False)
    assert Book(file, "cpu float32").known(TASK).each == pytest.approx(1.0)


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path):
    (tmp_path / "state").write_text("a file in its place")
    book = Book(tmp_path / "state" / "pace.json", "cpu float32")
    book.note(TASK, watched(walk(10)), loaded=False)
    assert book.known(TASK).each == pytest.approx(1.0)


@pytest.fixture
def runtime():
    return Runtime(Device("cpu", "float32"))


@contextmanager
def fake_methods():
    with fakes.registered(fakes.SMOOTH, fakes.NAME):
        yield


@pytest.fixture
def prepared(tmp_path):
    """Jobs on a drawn picture, from (variant, knobs)."""
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    picture = image_io.read(tmp_path / "a.png")

    def prepared(*asked, method="smooth"):
        return [
            front.prepare(method, picture, variant=variant, seed=1, knobs=knobs)
            for variant, knobs in asked
        ]

    with fake_methods():
        yield prepared


def test_no_text_of_a_user_is_noted(prepared):
    (job,) = prepared(("mini", {"degradation": "my own words"}), method="name")
    assert Task.of(job).knobs == {}


def test_steps_are_the_work_and_no_knob_beside_it(prepared):
    (job,) = prepared(("plain", {"steps": 9}))
    assert (Task.of(job).work, "steps" in Task.of(job).knobs) == (9, False)


def test_those_of_one_variant_follow_each_other(prepared, runtime, file):
    jobs = prepared(("plain", {}), ("other", {}), ("plain", {"steps": 5}), ("other", {"steps": 5}))
    assert Course(jobs, runtime, Book(file, "cpu")).order == (0, 2, 1, 3)


def test_what_is_loaded_goes_first(prepared, runtime, file):
    jobs = prepared(("plain", {}), ("other", {}), ("plain", {"steps": 5}))
    runtime.restorer(jobs[1].method, jobs[1].variant)
    course = Course(jobs, runtime, Book(file, "cpu"))
    assert (course.order, course.loads) == ((1, 0, 2), 1)


def test_weights_are_loaded_once_for_all_that_need_them(prepared, file, runtime):
    loaded = []

    def load(device, variant):
        loaded.append(variant.name)
        return fakes.smooth

    runtime = Runtime(Device("cpu", "float32"), keep=1)
    jobs = prepared(("plain", {}), ("other", {}), ("plain", {"steps": 5}), ("other", {"steps": 5}))
    course = Course(
        [replace(job, method=replace(job.method, load=load)) for job in jobs],
        runtime,
        Book(file, "cpu"),
    )
    for place in course.order:
        list(course.steps(place))
    assert loaded == ["plain", "other"]


def test_nothing_is_said_of_the_time_before_anything_is_known(prepared, runtime, file):
    course = Course(prepared(("plain", {})), runtime, Book(file, "cpu"))
    assert (course.left(), course.is_sure()) == (None, False)


def test_what_never_ran_is_guessed_from_the_others(prepared, runtime, file):
    book = Book(file, "cpu")
    (job,) = prepared(("other", {"steps": 10}))
    book.note(Task.of(job), watched(walk(10)), loaded=False)
    course = Course(prepared(("plain", {"steps": 20})), runtime, book)
    assert course.left() == pytest.approx(20.0)
    assert not course.is_sure()


def test_a_run_in_progress_tells_of_the_others_of_its_kind(prepared, runtime, file):
    course = Course(prepared(("plain", {}), ("plain", {})), runtime, Book(file, "cpu"))
    steps = course.steps(0)
    sure = [course.is_sure() for _ in range(4) if next(steps)]
    assert sure == [False, False, True, True]


def test_loading_counts_until_it_is_done(prepared, runtime, file):
    book = Book(file, "cpu")
    (job,) = prepared(("plain", {"steps": 10}))
    watch = watched(walk(10))
    watch.loading = 7.0
    book.note(Task.of(job), watch, loaded=True)
    assert Course([job], runtime, book).left() == pytest.approx(17.0)


def test_a_run_that_failed_is_not_waited_for(prepared, runtime, file):
    book = Book(file, "cpu")
    (job,) = prepared(("plain", {"steps": 10}))
    book.note(Task.of(job), watched(walk(10)), loaded=False)
    course = Course([job], runtime, book)
    next(steps := course.steps(0))
    steps.close()
    course.failed()
    assert course.left() == 0


NINE = [("plain", {"steps": steps}) for steps in (10, 4, 25, 10, 50, 8, 20, 4, 15)]


def costly(clock, *, loading, once, each):
    """The tiny method on a clock that its work moves on."""

    def work(request, params, noise):
        clock.now += once / 2
        for done in fakes.smooth(request, params, noise):
            clock.now += each if done.done < done.total else once / 2
            yield done

    def load(device, variant):
        clock.now += loading
        return work

    return replace(fakes.SMOOTH, load=load)


@pytest.mark.parametrize("once", [0.0, 3.0, 20.0])
@pytest.mark.parametrize("again", [False, True], ids=["the first time", "a second time"])
def test_after_the_first_of_nine_the_time_left_is_right_within_a_third(
    prepared, runtime, file, once, again
):
    clock, book = Clock(), Book(file, "cpu")
    method = costly(clock, loading=4.0, once=once, each=1.0)
    jobs = [replace(job, method=method) for job in prepared(*NINE)]
    for _ in range(1 + again):
        course, told, ends = Course(jobs, runtime, book, clock), [], []
        for place in course.order:
            list(course.steps(place))
            course.over()
            told.append(course.left())
            ends.append(clock.now)
    assert told[0] == pytest.approx(ends[-1] - ends[0], rel=1 / 3)


def test_a_second_comparison_knows_all_of_its_time_before_it_begins(prepared, file):
    clock, book = Clock(), Book(file, "cpu")
    method = costly(clock, loading=4.0, once=3.0, each=1.0)
    jobs = [replace(job, method=method) for job in prepared(*NINE)]
    for _ in range(2):
        course, begun = Course(jobs, Runtime(Device("cpu", "float32")), book, clock), clock.now
        told = course.left()
        for place in course.order:
            list(course.steps(place))
            course.over()
    assert told == pytest.approx(clock.now - begun, rel=0.05)
