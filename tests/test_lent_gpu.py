"""Restorations on a GPU that is lent for one call: what crosses to its process and back."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from restoration import capacity, front, lent_gpu
from restoration.errors import BadPictureError, RestorationError
from restoration.image_io import Picture
from restoration.noise import seeded
from restoration.params import build
from restoration.protocol import Step
from restoration.registry import METHODS
from restoration.runtime import Device, Runtime
from tests.fakes import SMOOTH


def lend(*, duration):
    """As `spaces.GPU`, but for the process: everything passes through a pickle."""

    def decorate(work):
        def borrowed(task):
            task = pickle.loads(pickle.dumps(task))  # noqa: S301  # our own
            assert duration(task) > 0
            for sent in work(task):
                yield pickle.loads(pickle.dumps(sent))  # noqa: S301

        return borrowed

    return decorate


@pytest.fixture(autouse=True)
def assumed(monkeypatch):
    monkeypatch.setattr(capacity, "ASSUMED", {})


@pytest.fixture
def runtime():
    return Runtime(Device("cpu", "float32"))


def picture():
    return torch.rand(1, 3, 48, 40, generator=torch.Generator().manual_seed(1))


def job(method="diffbir", **knobs):
    return front.prepare(method, Picture(picture()), variant="mini", seed=3, knobs=knobs)


def test_a_lent_gpu_gives_the_same_picture(runtime):
    there = front.conclude(job(), job().steps(Runtime(Device("cpu", "float32"))))
    lent_gpu.begin(runtime, lend, [("diffbir", "mini")])
    lent = front.conclude(job(), job().steps(runtime))
    assert lent.picture.image.equal(there.picture.image)


def test_what_is_chosen_is_loaded_before_the_first_request(runtime):
    chosen = [("diffbir", "mini"), ("ddrm", "mini"), ("daclip_irsde", "mini")]
    lent_gpu.begin(runtime, lend, chosen)
    assert all(
        runtime.held(METHODS[name], next(v for v in METHODS[name].variants if v.name == variant))
        for name, variant in chosen
    )


def test_without_a_choice_every_method_is_offered_in_its_best_variant(runtime, monkeypatch):
    monkeypatch.setattr(lent_gpu, "METHODS", {SMOOTH.name: SMOOTH})
    lent_gpu.begin(runtime, lend)
    assert runtime.held(SMOOTH, SMOOTH.variants[0])


def test_what_does_not_exist_cannot_be_chosen(runtime):
    with pytest.raises(RestorationError, match=r"names diffbir:v9, which is not a method with a"):
        lent_gpu.begin(runtime, lend, [("diffbir", "v9")])


def test_a_fault_of_the_user_arrives_as_its_sentence(runtime):
    lent_gpu.begin(runtime, lend, [("diffbir", "mini")])

    def refuse(*_):
        raise BadPictureError("it is too dark to see anything")

    one = METHODS["diffbir"].variants[-1]
    runtime._loaded["diffbir", "mini"] = refuse
    with pytest.raises(BadPictureError, match="too dark"):
        list(runtime.elsewhere(METHODS["diffbir"], one, job().request, job().params, seeded(0)))


def test_noise_goes_on_where_it_was_when_it_is_handed_over():
    noise = seeded(5)
    noise(torch.zeros(3))
    copy = pickle.loads(pickle.dumps(noise))  # noqa: S301
    assert copy(torch.zeros(7)).equal(noise(torch.zeros(7)))


def test_only_some_previews_cross_but_the_result_always_does(monkeypatch, runtime):
    asked = []

    def steps(*_):
        for done in range(1, 6):
            image = torch.full((1, 3, 4, 4), done / 5)
            yield Step(done, 5, "counting", lambda image=image: asked.append(1) or image)

    lent_gpu.begin(runtime, lend, [("diffbir", "mini")])
    runtime._loaded["diffbir", "mini"] = steps
    one = METHODS["diffbir"].variants[-1]
    *_, last = runtime.elsewhere(METHODS["diffbir"], one, job().request, job().params, seeded(0))
    assert last.estimate().unique() == 1
    assert len(asked) == 2


def test_the_gpu_is_asked_for_as_long_as_planned_with_something_to_spare(runtime):
    capacity.ASSUMED["cpu"] = capacity.Assumed(free=40e9, speed=1e12)
    capacity.speed_of.cache_clear()
    image, params = picture(), build(METHODS["diffbir"].params, {"stages": "both", "steps": 50})
    request = job().request
    short = lent_gpu.Task("diffbir", METHODS["diffbir"].variants[0], request, params, seeded(0))
    assert image.shape == request.degraded.shape
    assert 15 < lent_gpu.seconds_for(runtime, short) <= lent_gpu.LONGEST
    capacity.speed_of.cache_clear()


def test_a_restoration_without_a_plan_asks_for_the_usual_time(runtime):
    task = lent_gpu.Task("ddrm", METHODS["ddrm"].variants[-1], job().request, None, seeded(0))
    assert lent_gpu.seconds_for(runtime, task) == lent_gpu.USUAL


@pytest.mark.slow
def test_a_space_with_a_lent_gpu_starts(tmp_path, monkeypatch):
    """`app.py` imports `spaces`, loads what is chosen, and knows the page."""
    fake = "def GPU(*, duration):\n    return lambda work: work\n"
    (tmp_path / "spaces.py").write_text(fake)
    for name, value in {
        "SPACES_ZERO_GPU": "true",
        "RESTORATION_DEVICE": "cpu",
        "RESTORATION_PRELOAD": "diffbir:mini",
        "PYTHONPATH": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    code = (
        "import app; from restoration.runtime import the_runtime as r; print(r().elsewhere is None)"
    )
    root = Path(__file__).parent.parent
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert said.stdout.split()[-1] == "False"
