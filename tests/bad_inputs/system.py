"""Machines that run out, lose or never had something, injected where CI has them not."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from benchmarks.hub import resident
from demo import page, serving
from restoration import restore
from restoration.errors import DeviceMemoryError
from restoration.image_io import read
from restoration.runtime import Device, Runtime, the_runtime
from tests import fakes
from tests.bad_inputs.hub import Hub, RefusedError, plain, refusal, until
from tests.odd_files import drawn

Row = Callable[[Hub], None]
RUNS, SETTLED = 200, 50
LEAK = 0.05

WRITING = """
import sys, time
from restoration import image_io
from tests.odd_files import drawn
picture = image_io.read(drawn(400, 400))
print("begun", flush=True)
for i in range(100_000):
    image_io.write(f"{sys.argv[1]}/{i}.png", picture)
"""
"""Writes results until it is stopped."""


def out_of_memory(*_: Any, **__: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 7.00 GiB")


def at_load(hub: Hub) -> None:
    the_runtime().unload()
    hub.patch.setattr(Runtime, "restorer", out_of_memory)
    assert "ran out of memory" in hub.sentence(picture=hub.picture())
    hub.patch.undo()


def at_step(error: Exception, sentence: str) -> Row:
    """The row of an error in the second step of a run."""

    def row(hub: Hub) -> None:
        calls: list[int] = []

        def failing(*_: Any, **__: Any) -> Any:
            calls.append(1)
            if len(calls) > 1:
                raise error
            return _[0]

        hub.patch.setattr(functional, "avg_pool2d", failing)
        assert sentence in hub.sentence(picture=hub.picture())
        hub.patch.undo()

    return row


def at_decode(hub: Hub) -> None:
    """The picture of a step is drawn later than the step is made."""
    hub.patch.setattr(fakes, "_same", out_of_memory)
    assert "ran out of memory" in hub.sentence(picture=hub.picture())
    hub.patch.undo()


def no_gpu(hub: Hub) -> None:
    hub.patch.setattr(torch.cuda, "is_available", lambda: False)
    hub.patch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert (Device.best().name, Device.best().dtype) == ("cpu", "float32")
    for name in ("cuda", "mps", "tpu"):
        hub.patch.setenv("RESTORATION_DEVICE", name)
        assert name in refusal(Device.best)


def temp_folder_deleted(hub: Hub) -> None:
    """The run that loses its files says so or ends well; the next one works."""
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    events = hub.begin("smooth", hub.values("smooth", hub.picture(), steps=10, pause=0.05))
    time.sleep(0.2)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        hub.result(events)
    except RefusedError as refused:
        plain(str(refused))


def port_in_use(hub: Hub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        blocks = page.build({})
        where = {"server_name": "127.0.0.1", "server_port": port}
        said = refusal(
            lambda: serving.launch(blocks, prevent_thread_lock=True, quiet=True, **where)
        )
    assert str(port) in said


def clock_jumps(hub: Hub) -> None:
    """Neither the time a run took nor its wait is read off a clock that may be set (by 2 h)."""
    now = time.time
    hub.patch.setenv("RESTORATION_MAX_SECONDS", "60")
    events = hub.begin("smooth", hub.values("smooth", hub.picture(), steps=5, pause=0.1))
    hub.patch.setattr(time, "time", lambda: now() + 7200)
    answer = hub.result(events)
    hub.patch.undo()
    assert "Done in" in answer[2]
    assert " h" not in answer[2].partition("·")[0]


def terminated(hub: Hub) -> None:
    """What a killed hub leaves are whole pictures, and parts that no one takes for them."""
    root = Path(__file__).parents[2]
    going = subprocess.Popen(
        [sys.executable, "-c", WRITING, str(hub.folder)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )
    assert until(lambda: len(list(hub.folder.glob("*.png"))) > 2)
    going.send_signal(signal.SIGTERM)
    assert going.wait(10) == -signal.SIGTERM
    for path in hub.folder.glob("*.png"):
        assert read(path).image.shape == (1, 3, 400, 400)


def many_runs(_: Hub) -> None:
    picture, before = drawn(32, 32), 0.0
    for run in range(RUNS):
        restore("smooth", picture, seed=run, steps=2)
        if run == SETTLED:
            before = resident()
    assert resident() / before < 1 + LEAK


def one_at_a_time(hub: Hub) -> None:
    """However many ask: the device is never used by two."""
    inside: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def watched(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        with lock:
            inside.append(1)
            most.append(len(inside))
        time.sleep(0.02)
        with lock:
            inside.pop()
        return x

    hub.patch.setattr(functional, "avg_pool2d", watched)
    values = hub.values("smooth", hub.picture(), steps=3)
    calls = [hub.begin("smooth", values) for _ in range(6)]
    assert all(hub.result(events) for events in calls)
    hub.patch.undo()
    assert max(most) == 1


def crash(hub: Hub) -> None:
    said = hub.sentence(picture=hub.picture(), mode="crash")
    assert said.startswith("Something went wrong (id ")
    assert "secret" not in said


ROWS: dict[str, Row] = {
    "100-out-of-memory-at-load": at_load,
    "100-out-of-memory-at-a-step": at_step(
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 7 GiB"), "ran out of memory"
    ),
    "100-out-of-memory-at-decode": at_decode,
    "101-device-lost": at_step(
        RuntimeError("CUDA error: unspecified launch failure"), "Something went wrong (id "
    ),
    "101-any-other-failure": crash,
    "102-no-GPU": no_gpu,
    "104-memory-of-the-machine": at_step(MemoryError(), "ran out of memory"),
    "104-allocator-of-the-CPU": at_step(
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        "ran out of memory",
    ),
    "105-folder-of-uploads-deleted": temp_folder_deleted,
    "106-port-in-use": port_in_use,
    "107-clock-jumps": clock_jumps,
    "108-terminated": terminated,
    "109-200-runs-in-a-row": many_runs,
    "109-six-runs-at-once": one_at_a_time,
}


def real_out_of_memory() -> None:
    """A network that does not fit, on the card itself."""
    device = Device("cuda", "float32")

    def work() -> Iterator[Any]:
        torch.empty(2**50, device="cuda")
        yield

    runtime = Runtime(device)
    with pytest.raises(DeviceMemoryError, match="ran out of memory"):
        list(runtime.in_turn(work, torch.zeros(1, 3, 1, 1), "here"))
    assert torch.ones(3, device="cuda").sum() == 3
    runtime.unload()


def device_asserts() -> None:
    """A card that stops answering takes its process with it, and nothing else."""
    code = (
        "import torch; x = torch.zeros(3, device='cuda'); x[torch.tensor([9], device='cuda')].cpu()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert ended.returncode != 0
    assert torch.ones(3, device="cuda").sum() == 3


def on_metal() -> None:
    """The mini on a Mac gives what it gives on its CPU, nearly."""
    picture = drawn(64, 64)
    result = Runtime(Device("mps", "float32"))
    assert restore("diffbir", picture, variant="mini", seed=0).picture.image.isfinite().all()
    result.unload()


HARDWARE: dict[str, tuple[Callable[[], None], str]] = {
    "100-out-of-memory-of-a-card": (real_out_of_memory, "needs CUDA"),
    "101-card-that-stops": (device_asserts, "needs CUDA"),
    "103-Metal": (on_metal, "needs a Mac"),
}
"""Rows that CI cannot try, and why; `pytest -m gpu` tries them."""
