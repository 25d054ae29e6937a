"""One device, one at a time, free again whatever happens."""

import threading
from dataclasses import dataclass, replace

import pytest
import torch

from restoration import runtime as runtime_module
from restoration.device_line import DeviceLine
from restoration.errors import DeviceMemoryError, RestorationError
from restoration.noise import seeded
from restoration.params import Params
from restoration.protocol import Method, Request, Step, Variant
from restoration.runtime import Device, Runtime

REQUEST = Request(torch.zeros(1, 3, 8, 8))


@dataclass(frozen=True)
class Counting:
    """Takes `total` steps; a step raises where an error is given."""

    total: int = 3
    error: Exception | None = None

    def __call__(self, request, params, noise):
        for done in range(1, self.total + 1):
            if self.error:
                raise self.error
            yield Step(done, self.total, "counting", lambda: request.degraded)


def method(restorer, name="counting"):
    return Method(
        name=name,
        title="Counting",
        help="Counts.",
        paper="",
        params=Params,
        variants=(Variant("mini", "mini", "Counts.", ()),),
        presets=(),
        load=lambda device, variant: restorer,
        output_size=lambda height, width, params: (height, width),
    )


def run(runtime, restorer):
    chosen = method(restorer)
    return runtime.run(chosen, chosen.variants[0], REQUEST, Params(), seeded(0))


@pytest.fixture
def runtime():
    return Runtime(Device("cpu", "float32"))


def is_free(runtime):
    return runtime.line.ahead(runtime.line.join(), 0) == 0


def test_a_run_says_that_it_loads_and_then_counts(runtime):
    notes = [step.note for step in run(runtime, Counting())]
    assert notes == ["loading the model", "starting", "counting", "counting", "counting"]


def test_waiting_shows_the_degraded_picture(runtime):
    first = next(run(runtime, Counting()))
    assert first.total == 0
    assert first.estimate() is REQUEST.degraded


def test_the_second_waits_until_the_first_is_done(runtime, monkeypatch):
    monkeypatch.setattr(runtime_module, "GLANCE", 0.01)
    first, second = run(runtime, Counting()), run(runtime, Counting())
    next(first)
    assert next(second).note == "waiting for the device, 1 ahead"
    first.close()
    assert next(second).note == "loading the model"


def test_closing_frees_the_device(runtime):
    steps = run(runtime, Counting())
    next(steps)
    next(steps)
    steps.close()
    assert is_free(runtime)


def test_leaving_the_line_lets_the_next_move_up(runtime, monkeypatch):
    monkeypatch.setattr(runtime_module, "GLANCE", 0.01)
    first, second, third = (run(runtime, Counting()) for _ in range(3))
    notes = [next(steps).note for steps in (first, second, third)]
    assert notes[2] == "waiting for the device, 2 ahead"
    second.close()
    assert next(third).note == "waiting for the device, 1 ahead"


def test_never_two_at_once():
    runtime, inside, most = Runtime(Device("cpu", "float32")), [], []

    @dataclass(frozen=True)
    class Watching:
        def __call__(self, request, params, noise):
            inside.append(1)
            most.append(len(inside))
            yield Step(1, 1, "", lambda: request.degraded)
            inside.pop()

    threads = [threading.Thread(target=lambda: list(run(runtime, Watching()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=repr,
)
def test_out_of_memory_says_what_to_change(runtime, error):
    with pytest.raises(DeviceMemoryError, match="picture of 8x8: cut it into smaller tiles"):
        list(run(runtime, Counting(error=error)))
    assert is_free(runtime)


def test_after_out_of_memory_the_next_run_works(runtime):
    with pytest.raises(DeviceMemoryError):
        list(run(runtime, Counting(error=MemoryError())))
    assert len(list(run(runtime, Counting()))) == 5


def test_a_bug_is_not_taken_for_lack_of_memory(runtime):
    with pytest.raises(RuntimeError, match="a bug"):
        list(run(runtime, Counting(error=RuntimeError("a bug"))))
    assert is_free(runtime)


def test_a_method_is_loaded_once(runtime):
    loads = []
    counted = replace(method(None), load=lambda device, variant: loads.append(1) or Counting())
    for _ in range(3):
        runtime.restorer(counted, counted.variants[0])
    assert loads == [1]


def test_the_least_used_method_gives_way():
    runtime, loads = Runtime(Device("cpu", "float32"), keep=2), []

    def loading(name):
        return replace(method(None, name), load=lambda device, variant: loads.append(name) or name)

    a, b, c = map(loading, "abc")
    for one in (a, b, a, c, a, b):
        runtime.restorer(one, one.variants[0])
    assert loads == ["a", "b", "c", "b"]


def test_unloading_forgets(runtime):
    loads = []
    counted = replace(method(None), load=lambda device, variant: loads.append(1) or Counting())
    runtime.restorer(counted, counted.variants[0])
    runtime.unload()
    runtime.restorer(counted, counted.variants[0])
    assert loads == [1, 1]


def test_a_line_is_first_come_first_served():
    line = DeviceLine()
    first, second = line.join(), line.join()
    assert line.ahead(first, 0) == 0
    assert line.ahead(second, 0) == 1
    line.leave(first)
    assert line.ahead(second, 0) == 0


def test_half_precision_is_refused_on_a_cpu(monkeypatch):
    monkeypatch.setenv("RESTORATION_DEVICE", "cpu")
    monkeypatch.setenv("RESTORATION_DTYPE", "float16")
    with pytest.raises(RestorationError, match="far too slow on a CPU"):
        Device.best()


def test_a_cpu_computes_in_float32(monkeypatch):
    monkeypatch.setenv("RESTORATION_DEVICE", "cpu")
    assert Device.best() == Device("cpu", "float32")


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("RESTORATION_KEEP", "0", "RESTORATION_KEEP takes a number from 1, not '0'"),
        ("RESTORATION_KEEP", "many", "RESTORATION_KEEP takes a number from 1, not 'many'"),
        ("RESTORATION_RUNS_MB", "2 GB", "RESTORATION_RUNS_MB takes a number from 0, not '2 GB'"),
        ("RESTORATION_DTYPE", "half", "takes float32, bfloat16, float16, not 'half'"),
    ],
)
def test_a_variable_that_makes_no_sense_is_answered_with_a_sentence(
    monkeypatch, variable, text, said
):
    monkeypatch.setenv("RESTORATION_DEVICE", "cpu")
    monkeypatch.setenv(variable, text)
    with pytest.raises(RestorationError, match=said):
        runtime_module.the_runtime.__wrapped__(), runtime_module.runs_bytes()


def test_empty_variables_count_as_none(monkeypatch):
    for variable in ("KEEP", "RUNS_MB", "DTYPE", "DEVICE", "SWITCHES"):
        monkeypatch.setenv(f"RESTORATION_{variable}", "")
    assert runtime_module.the_runtime.__wrapped__().keep == 2
    assert runtime_module.runs_bytes() == 2e9


def test_switches_are_named_in_the_environment(monkeypatch):
    monkeypatch.setenv("RESTORATION_DEVICE", "cpu")
    monkeypatch.setenv("RESTORATION_SWITCHES", "channels-last, compile")
    assert Device.best().switches == {"channels-last", "compile"}


def test_an_unknown_switch_is_answered_with_those_there_are(monkeypatch):
    monkeypatch.setenv("RESTORATION_SWITCHES", "vae-tiling")
    with pytest.raises(RestorationError, match="'vae-tiling': it takes attention-slicing, channel"):
        Device.best()


def test_folders_named_in_the_environment_come_first(monkeypatch, tmp_path):
    monkeypatch.setenv("RESTORATION_WEIGHTS", f"{tmp_path}:{tmp_path / 'more'}")
    assert runtime_module.weight_folders()[:2] == (tmp_path, tmp_path / "more")


def test_training_keeps_its_state_outside_the_project(monkeypatch):
    monkeypatch.delenv("RESTORATION_STATE", raising=False)
    assert runtime_module.PROJECT not in runtime_module.state_folder().parents


def test_an_empty_variable_for_the_state_counts_as_none(monkeypatch):
    monkeypatch.delenv("RESTORATION_STATE", raising=False)
    usual = runtime_module.state_folder()
    monkeypatch.setenv("RESTORATION_STATE", "")
    assert runtime_module.state_folder() == usual
