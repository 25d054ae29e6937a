"""Many strangers at once: what becomes of good and bad requests, of memory, and of privacy.

    python -m benchmarks.crowd --requests 1000 --clients 8

Serves the page as a public hub in a process of its own, asks it over HTTP, and prints Markdown.
Each client is a browser with a cookie of its own and names its pictures after itself, so that
whatever another client is answered with can be searched for them.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import tyro

from benchmarks.hub import noisy
from restoration import image_io

ROOT = Path(__file__).parent.parent
METHOD = "diffbir"
GIVEN = {"variant": "mini", "upscale": 1}
"""What a good request asks for."""
PATIENCE = 300.0
"""Seconds after which a request counts as lost."""
SETTLED = 300
"""Requests before memory is first looked at: caches, pools and `serving.SESSIONS` are full then."""
SIDE = 64
MARK = {"_type": "gradio.FileData"}
SETTINGS = {
    "RESTORATION_PUBLIC": "1",
    "RESTORATION_MAX_PER_MINUTE": "0",
    "RESTORATION_MAX_PER_MINUTE_ADDRESS": "0",
    "RESTORATION_MAX_AT_ONCE_ADDRESS": "0",
}
"""All clients have one address here; what one of them may do at once is limited as ever."""
Answer = tuple[str, str]
"""What became of a request (done, refused, busy, cancelled, lost or broken), and its text."""


@dataclass
class Client:
    """One browser."""

    address: str
    name: str
    http: httpx.Client
    endpoint: list[dict[str, Any]]
    heard: list[str] = field(default_factory=list)
    """All that it was answered with."""

    @classmethod
    def opened(cls, address: str, name: str) -> Client:
        """A browser that has opened the page."""
        http = httpx.Client(timeout=PATIENCE)
        http.get(address, headers={"accept": "text/html"})
        info = http.get(f"{address}/gradio_api/info").json()
        return cls(address, name, http, info["named_endpoints"][f"/{METHOD}"]["parameters"])

    def uploaded(self, data: bytes, number: int) -> dict[str, Any]:
        """A file as a call names it."""
        name = f"{self.name}-{number}.png"
        files = {"files": (name, data)}
        path = self.http.post(f"{self.address}/gradio_api/upload", files=files).json()[0]
        return {"path": path, "orig_name": name, "meta": MARK}

    def ask(self, picture: Any, method: str = "", **given: Any) -> Answer:
        """Call and wait for what becomes of it."""
        given = {"picture": picture, **GIVEN, **given}
        values = [
            given.get(one["parameter_name"], one["parameter_default"]) for one in self.endpoint
        ]
        url = f"{self.address}/gradio_api/call/{method or METHOD}"
        begun = self.http.post(url, json={"data": values})
        self.heard.append(begun.text)
        if not begun.is_success:
            return _refused(begun.status_code), begun.text
        events = self.http.get(f"{url}/{begun.json()['event_id']}").text
        self.heard.append(events)
        kind, _, data = events.strip().rpartition("event: ")[2].partition("\ndata: ")
        text = (json.loads(data) or {}).get("error") if kind == "error" else ""
        if kind == "complete":
            return "done", ""
        if not text:
            return "lost", events[-200:]
        return ("busy" if "at once" in text else "refused"), text

    def cancelled(self, picture: Any) -> Answer:
        """Begin a run as the page does, and stop it."""
        config = self.http.get(f"{self.address}/config").json()
        index = next(one["id"] for one in config["dependencies"] if one["api_name"] == METHOD)
        values = [one["parameter_default"] for one in self.endpoint]
        known = {"session_hash": f"{self.name}{time.time_ns()}", "fn_index": index}
        url = f"{self.address}/gradio_api"
        body = {"data": [picture, *values[1:]], **known}
        begun = self.http.post(f"{url}/queue/join", json=body)
        if not begun.is_success:
            return _refused(begun.status_code), begun.text
        time.sleep(random.Random(begun.text).random())
        ended = self.http.post(f"{url}/cancel", json={**known, **begun.json()})
        return ("cancelled" if ended.is_success else "broken"), ended.text

    def ask_everything(self) -> None:
        """Fire every event of the page with nothing in it, and keep the answers."""
        config = self.http.get(f"{self.address}/config").json()
        for one in config["dependencies"]:
            body = {"data": [None] * len(one["inputs"]), "fn_index": one["id"]}
            answer = self.http.post(
                f"{self.address}/gradio_api/run/x", json={**body, "session_hash": self.name}
            )
            self.heard.append(answer.text)


def kinds() -> Mapping[str, tuple[int, Callable[[Client, int], Answer]]]:
    """Kinds of requests: how many of a hundred, and how they are made."""
    good = image_io.preview(noisy(SIDE).image)
    page = b"<!doctype html><html>404</html>"
    return {
        "good": (60, lambda one, i: one.ask(one.uploaded(good, i))),
        "cancelled": (8, lambda one, i: one.cancelled(one.uploaded(good, i))),
        "no picture": (5, lambda one, _: one.ask(None)),
        "a web page": (6, lambda one, i: one.ask(one.uploaded(page, i))),
        "cut off": (5, lambda one, i: one.ask(one.uploaded(good[:200], i))),
        "bad knob": (5, lambda one, i: one.ask(one.uploaded(good, i), upscale=99)),
        "bad seed": (3, lambda one, i: one.ask(one.uploaded(good, i), seed=-7)),
        "never uploaded": (3, lambda one, _: one.ask({"path": "/etc/hostname", "meta": MARK})),
        "by address": (2, lambda one, _: one.ask({"path": "http://127.0.0.1/x", "meta": MARK})),
        "a data address": (2, lambda one, _: one.ask({"url": "data:," + "A" * 300_000})),
        "unknown endpoint": (1, lambda one, _: one.ask(None, method="nope")),
    }


def main(requests: int = 1000, clients: int = 8, seed: int = 0, serve: bool = False) -> None:
    """Measure and print.

    Args:
        requests: of all clients together.
        clients: that ask at once.
        seed: decides which request is of which kind.
        serve: be the server; only for this program itself.
    """
    if serve:
        _serve()
        return
    with tempfile.TemporaryDirectory() as folder, Served(Path(folder)) as (address, told):
        crowd = [Client.opened(address, f"visitor{i}x") for i in range(clients)]
        made = kinds()
        shares = [share for share, _ in made.values()]
        drawn = random.Random(seed).choices(list(made), shares, k=requests)
        ends: Counter[tuple[str, str]] = Counter()
        odd: list[str] = []

        def one(number: int) -> None:
            kind = drawn[number]
            try:
                end, text = made[kind][1](crowd[number % clients], number)
            except httpx.HTTPError as error:
                end, text = "lost", repr(error)
            ends[kind, end] += 1
            if end in ("lost", "broken"):
                odd.append(f"{kind}: {text[:200]}")

        start = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(one, range(min(SETTLED, requests))))
            before = told()
            list(pool.map(one, range(min(SETTLED, requests), requests)))
        seconds = time.perf_counter() - start
        after = told()
        for client in crowd:
            client.ask_everything()
    report(ends, odd)
    print(f"\n{requests} requests of {clients} clients in {seconds:.0f} s.")
    growth = after["resident"] / before["resident"] - 1
    print(
        f"Memory of the server after {SETTLED} requests: {before['resident']:.0f} MB; at the end: "
        f"{after['resident']:.0f} MB ({growth:+.1%})."
    )
    print(f"Most at work on the device at once: {after['most']} (of {after['runs']} runs).")
    print(f"Visitors who saw anything of another: {sum(saw(one, crowd) for one in crowd)}.")


class Served:
    """The hub in a process of its own: its address, and a function that asks how it is."""

    def __init__(self, folder: Path) -> None:
        env = {"GRADIO_TEMP_DIR": str(folder / "gradio"), "RESTORATION_DATA": str(folder / "data")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.crowd", "--serve"],
            cwd=ROOT,
            env={**os.environ, **SETTINGS, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "log").open("w"),
            text=True,
        )

    def __enter__(self) -> tuple[str, Callable[[], dict[str, Any]]]:
        """Wait until it is there."""
        return self._line()["address"], self._told

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise RuntimeError("the server has ended")


def _serve() -> None:
    """Serve until terminated; answers each line of input with how it is."""
    from benchmarks.hub import resident
    from demo import page, serving
    from restoration.registry import METHODS

    lock, inside, most, runs = threading.Lock(), 0, 0, 0
    method = METHODS[METHOD]

    def load(device: Any, variant: Any) -> Any:
        restorer = method.load(device, variant)

        def watched(*given: Any) -> Iterator[Any]:
            nonlocal inside, most, runs
            with lock:
                inside, runs = inside + 1, runs + 1
                most = max(most, inside)
            try:
                yield from restorer(*given)
            finally:
                with lock:
                    inside -= 1

        return watched

    METHODS[METHOD] = replace(method, load=load)
    blocks = page.build(METHODS)
    _, address, _ = serving.launch(
        blocks, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1"
    )
    print(json.dumps({"address": address.rstrip("/")}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"resident": resident(), "most": most, "runs": runs}), flush=True)


def _refused(status: int) -> str:
    if status == httpx.codes.SERVICE_UNAVAILABLE:
        return "busy"
    return "broken" if status >= httpx.codes.INTERNAL_SERVER_ERROR else "refused"


def saw(one: Client, crowd: list[Client]) -> bool:
    """Whether anything that a client was answered with names another's picture."""
    return any(
        f"{other.name}-" in text for other in crowd if other is not one for text in one.heard
    )


def report(ends: Counter[tuple[str, str]], odd: list[str]) -> None:
    """Print how often each kind of request ended in which way, and what was odd."""
    columns = ("done", "refused", "busy", "cancelled", "lost", "broken")
    print(f"| request | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}")
    for kind in dict.fromkeys(kind for kind, _ in sorted(ends)):
        print(f"| {kind} | {' | '.join(str(ends[kind, column]) for column in columns)} |")
    for text in odd[:10]:
        print(f"- {text}")


if __name__ == "__main__":
    tyro.cli(main)
