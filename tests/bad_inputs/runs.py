"""Runs that flood, are cancelled at any moment, or whose visitor vanishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx

from demo.gate import GATE
from restoration.runtime import the_runtime
from tests.bad_inputs.hub import PATIENCE, Hub, RefusedError, plain, until

Row = Callable[[Hub], None]
LONG = {"steps": 1000, "pause": 0.05}
"""A run that would take 50 seconds."""


def public(hub: Hub, **most: int) -> None:
    """Let strangers share the hub, with limits."""
    hub.patch.setenv("RESTORATION_PUBLIC", "1")
    free = dict.fromkeys(("per_minute", "per_minute_address", "steps"), 0)
    for name, value in {**free, **most}.items():
        hub.patch.setenv(f"RESTORATION_MAX_{name.upper()}", str(value))


def ended(hub: Hub, events: str) -> str:
    """How a call ends: with the refusal, or with nothing."""
    try:
        hub.result(events)
    except RefusedError as refused:
        return str(refused)
    return ""


def flood(hub: Hub) -> None:
    """Twelve runs at once from one address: some are done, the others told, none lost."""
    public(hub, at_once=1, at_once_address=2)
    values = hub.values("smooth", hub.picture(), steps=2, pause=0.2)
    with ThreadPoolExecutor(12) as pool:
        calls = list(pool.map(lambda _: hub.begin("smooth", values), range(12)))
        ends = list(pool.map(lambda events: ended(hub, events), calls))
    told = [plain(end) for end in ends if end]
    assert told
    assert all("2 runs at once is the most one address of the network gets" in end for end in told)
    assert len(told) < 12
    hub.patch.undo()


def too_often(hub: Hub) -> None:
    public(hub, per_minute_address=3)
    kinds = ("smooth", "degrade", "smooth", "degrade", "degrade")
    calls = [hub.begin(one, hub.values(one, None)) for one in kinds]
    said = [plain(ended(hub, events)) for events in calls]
    assert any("3 runs a minute is the most" in text for text in said)
    hub.patch.undo()


def join(hub: Hub, session: str, **given: Any) -> dict[str, Any]:
    """Start a run as the page does, in a session of one's own; gives what it is known by."""
    config = hub.client.get(f"{hub.address}/config").json()
    index = next(one["id"] for one in config["dependencies"] if one["api_name"] == "smooth")
    values = hub.values("smooth", hub.picture(), **given)
    body = {"data": values, "fn_index": index, "session_hash": session}
    answer = hub.client.post(f"{hub.api}/queue/join", json=body)
    answer.raise_for_status()
    return {"session_hash": session, "fn_index": index, "event_id": answer.json()["event_id"]}


@contextmanager
def listening_to(hub: Hub, session: str) -> Iterator[Callable[[str], bool]]:
    """The stream of a session's events; gives what waits until some text is in it."""
    seen: list[str] = []
    url = f"{hub.api}/queue/data?session_hash={session}"
    with httpx.Client(timeout=PATIENCE) as client, client.stream("GET", url) as stream:
        lines = stream.iter_lines()

        def tells(text: str) -> bool:
            end = time.monotonic() + PATIENCE
            while not any(text in line for line in seen):
                line = next(lines, None)
                if line is None or time.monotonic() > end:
                    return False
                seen.append(line)
            return True

        yield tells


def double_click(hub: Hub) -> None:
    """The second is told that the first is under way."""
    public(hub, at_once=1, at_once_address=1)
    join(hub, "clicks", steps=4, pause=0.2)
    join(hub, "clicks", steps=4, pause=0.2)
    with listening_to(hub, "clicks") as tells:
        assert tells("1 run at once is the most")
        assert tells("Done in")
    hub.patch.undo()


def cancel(hub: Hub, known: dict[str, Any]) -> None:
    answer = hub.client.post(f"{hub.api}/cancel", json=known)
    assert answer.json() == {"success": True}


def cancelled(hub: Hub) -> None:
    """While it runs, and once more when it is over."""
    known = join(hub, "going", **LONG)
    with listening_to(hub, "going") as tells:
        assert tells("of 1001")
    for _ in range(2):
        cancel(hub, known)
    assert hub.is_idle()


def cancelled_while_waiting(hub: Hub) -> None:
    line = the_runtime().line
    ticket = line.join()
    try:
        known = join(hub, "waiting", **LONG)
        with listening_to(hub, "waiting") as tells:
            assert tells("1 ahead")
        cancel(hub, known)
        assert until(lambda: GATE.under_way() == 0)
    finally:
        line.leave(ticket)
    assert hub.is_idle()


def cancelled_before_start(hub: Hub) -> None:
    """A press between the queue and the run is lost in Gradio; the next one counts."""
    known = join(hub, "hasty", **LONG)
    for _ in range(3):
        cancel(hub, known)
        time.sleep(0.3)
    assert hub.is_idle()


def cancelled_while_loading(hub: Hub) -> None:
    """The cancel is answered once the weights are there: loading is one step."""
    runtime = the_runtime()
    runtime.unload()
    with ThreadPoolExecutor(1) as pool:
        with runtime._loading:  # as long as this is held, weights are loaded
            known = join(hub, "loading", **LONG)
            with listening_to(hub, "loading") as tells:
                assert tells("oading the model")
            answer = pool.submit(cancel, hub, known)
        answer.result(PATIENCE)
    assert hub.is_idle()


def cancelled_by_a_stranger(hub: Hub) -> None:
    """Nobody ends a run without knowing its session and its own number."""
    known = join(hub, "mine", steps=4, pause=0.2)
    cancel(hub, {**known, "session_hash": "theirs", "event_id": "0" * 32})
    with listening_to(hub, "mine") as tells:
        assert tells("Done in")


def vanished(hub: Hub) -> None:
    """The tab is closed: its run ends, and its place is free."""
    session = "vanishing"
    with hub.client.stream("GET", f"{hub.api}/heartbeat/{session}"):
        join(hub, session, **LONG)
        with listening_to(hub, session) as tells:
            assert tells("of 1001")
    assert hub.is_idle()


def reloaded(hub: Hub) -> None:
    """As `vanished`, and the same browser is there at once in a new session."""
    public(hub, at_once=1, at_once_address=1)
    vanished(hub)
    join(hub, "again", steps=1)
    with listening_to(hub, "again") as tells:
        assert tells("Done in")
    hub.patch.undo()


def two_tabs(hub: Hub) -> None:
    """Two runs of one session at once are both done."""
    for _ in range(2):
        join(hub, "twins", steps=2, pause=0.1)
    with listening_to(hub, "twins") as tells:
        assert tells("Done in")
    assert hub.is_idle()


def dropped(hub: Hub) -> None:
    """The stream of events breaks off and is never asked for again."""
    join(hub, "deaf", steps=20, pause=0.05)
    with listening_to(hub, "deaf") as tells:
        assert tells("of 21")
    assert hub.is_idle()


ROWS: dict[str, Row] = {
    "76-flood": flood,
    "76-too-often": too_often,
    "77-double-click": double_click,
    "78-cancelled-twice": cancelled,
    "78-cancelled-while-waiting": cancelled_while_waiting,
    "78-cancelled-before-start": cancelled_before_start,
    "78-cancelled-while-loading": cancelled_while_loading,
    "78-cancelled-by-a-stranger": cancelled_by_a_stranger,
    "79-tab-closed": vanished,
    "80-reloaded": reloaded,
    "81-two-tabs": two_tabs,
    "82-stream-dropped": dropped,
}
