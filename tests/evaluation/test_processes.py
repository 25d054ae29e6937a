"""An evaluation ends the same however often it is killed and however many processes share it."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from restoration.evaluation import ledger, processes, ray_engine
from restoration.evaluation.form import comparable
from restoration.evaluation.items import found
from restoration.evaluation.plan import Wanted, planned
from restoration.evaluation.runner import evaluate
from restoration.runtime import PROJECT
from tests import evaluation_process
from tests.evaluating import put
from tests.fakes import SMOOTH, registered

NAMES = ("a.png", "b.png", "s/c.png", "s/d.png", "s/e.png", "s/t/f.png")
SETTINGS = (
    {"method": "smooth", "knobs": {"pause": 0.02, "grain": 0.1}},
    {"method": "smooth", "knobs": {"pause": 0.02, "steps": 5}},
)
PATIENCE = 300.0
"""Seconds, on a machine that has much else to do."""


@pytest.fixture(autouse=True)
def _fake():
    with registered(SMOOTH):
        yield


@pytest.fixture(autouse=True)
def clean(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    return put(tmp_path / "clean", *NAMES)


def plan(tmp_path, out, settings=SETTINGS):
    wanted = [Wanted(**one) for one in settings]
    return planned(wanted, tmp_path / out, clean=tmp_path / "clean", kind="noise25")


def arguments(tmp_path, out):
    folders = ("--clean", tmp_path / "clean", "--kind", "noise25", "--out", tmp_path / out)
    return [str(one) for one in ("evaluate", "--plan", tmp_path / "settings.json", *folders)]


def wait_until(is_so):
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def results(tmp_path, out):
    """Every picture that was written, and the report but for its times."""
    folder = tmp_path / out
    report = json.loads((folder / "report.json").read_text())
    files = [one for label in report["labels"] for one in (folder / label).rglob("*.png")]
    pictures = {str(one.relative_to(folder)): one.read_bytes() for one in files}
    return pictures, comparable(report)


def times_done(folder):
    """How often each picture was done by each contender, from the lines of all ledgers."""
    lines = [
        line
        for path in folder.glob("ledger*.jsonl")
        for line in path.read_text().splitlines()
        if '"done"' in line
    ]
    done = [tuple(json.loads(line)[key] for key in ("id", "label")) for line in lines]
    return {one: done.count(one) for one in done}


@pytest.mark.processes
def test_an_evaluation_killed_three_times_ends_with_the_same_report(tmp_path):
    evaluate(plan(tmp_path, "whole"))
    chance = random.Random(7)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.evaluation_process", "restoration.evaluation.work"])
    for _ in range(3):
        before = len(ledger.read(tmp_path / "killed"))
        process = context.Process(
            target=evaluation_process.run, args=arguments(tmp_path, "killed"), daemon=True
        )
        process.start()
        wait_until(lambda: len(ledger.read(tmp_path / "killed")) > before)  # noqa: B023
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    evaluate(plan(tmp_path, "killed"))
    assert results(tmp_path, "killed") == results(tmp_path, "whole")


@pytest.mark.processes
def test_two_processes_give_the_bytes_of_one(tmp_path):
    evaluate(plan(tmp_path, "one"))
    launch = "-m accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1"
    rest = "--mixed_precision no --dynamo_backend no -m tests.evaluation_process"
    subprocess.run(
        [sys.executable, *launch.split(), *rest.split(), *arguments(tmp_path, "two")],
        check=True,
        cwd=PROJECT,
        env={**os.environ, "RESTORATION_DEVICE": "cpu", "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert results(tmp_path, "two") == results(tmp_path, "one")
    assert set(times_done(tmp_path / "two").values()) == {1}


def test_a_picture_is_taken_by_one_process(tmp_path, clean):
    claims = processes.Claims(tmp_path / "claims")
    claims.clear()
    first, second = found(clean, None, 2).items
    assert [claims.take(one) for one in (first, second, first)] == [True, True, False]


def test_a_process_alone_evaluates_everything(tmp_path):
    us = processes.processes()
    *_, last = processes.evaluate_together(plan(tmp_path, "one"), us)
    assert (last.done, last.total) == (12, 12)


def test_pictures_of_other_processes_count_as_done(tmp_path):
    asked = plan(tmp_path, "out")
    pictures = found(asked.clean, None)
    asked.out.mkdir()
    mine = pictures.items[-1].id
    *_, last = processes.walk(asked, pictures, "ledger-1.jsonl", lambda item: item.id == mine)
    assert (last.done, last.total) == (12, 12)
    assert {name for name, _ in ledger.read(asked.out)} == {mine}


def test_the_main_process_waits_for_the_others_and_makes_one_report_of_all(tmp_path):
    asked, waits = plan(tmp_path, "two"), []

    def other():
        waits.append(len(waits))
        ledgers = [path.name for path in asked.out.glob("ledger*")]
        assert ledgers == ["ledger-0.jsonl"][: len(waits) - 1]

    us = SimpleNamespace(
        num_processes=2, process_index=0, is_main_process=True, wait_for_everyone=other
    )
    *_, last = processes.evaluate_together(asked, us)
    assert (last.done, len(waits)) == (12, 2)
    assert results(tmp_path, "two") == (
        evaluate(plan(tmp_path, "one")) and results(tmp_path, "one")
    )
    assert [path.name for path in asked.out.glob("ledger*")] == ["ledger.jsonl"]


def test_a_worker_of_ray_goes_on_where_another_one_died(tmp_path):
    asked = plan(tmp_path, "out")
    asked.out.mkdir()
    processes.Claims(asked.out / processes.CLAIMS).clear()
    first, second = (ray_engine.Worker(asked) for _ in range(2))
    assert first({"id": "a.png"}) == {"id": "a.png", "old": 0, "failed": 0}
    assert second({"id": "a.png"}) == {"id": "a.png", "old": 2, "failed": 0}


def test_a_worker_takes_no_path_for_an_id(tmp_path):
    asked = plan(tmp_path, "out")
    asked.out.mkdir()
    with pytest.raises(KeyError):
        ray_engine.Worker(asked)({"id": "../clean/a.png"})


@pytest.mark.processes
def test_every_picture_is_done_once_though_a_worker_of_ray_is_killed(tmp_path):
    ray = pytest.importorskip("ray")
    evaluate(plan(tmp_path, "one"))
    asked = plan(tmp_path, "two")
    killed = []

    def kill():
        wait_until(lambda: list(asked.out.glob(ledger.PARTS)))
        killed.append(int(next(asked.out.glob(ledger.PARTS)).name.split("-")[1]))
        os.kill(killed[0], signal.SIGKILL)

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={
            "env_vars": {"PYTHONPATH": str(PROJECT)},
            "worker_process_setup_hook": "tests.evaluation_process.register",
        },
    )
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        *_, last = ray_engine.evaluate_steps(asked, 2)
    finally:
        killer.join()
        ray.shutdown()
    assert killed
    assert (last.done, last.total, last.failed) == (12, 12, 0)
    assert results(tmp_path, "two") == results(tmp_path, "one")
    assert set(times_done(asked.out).values()) == {1}
