"""How many runs a visitor of a shared host has under way, and begins in a minute.

A visitor is a browser (`owners.owner_of`); all visitors behind one address of the network share
further, wider limits, since a browser that forgets its cookie is a new visitor.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import gradio as gr

from demo.addresses import address_of
from demo.owners import owner_of
from demo.picture import refusal
from restoration import runtime

MINUTE = 60.0
"""Seconds."""


@dataclass(frozen=True)
class Share:
    """What somebody may take; 0 sets no limit."""

    who: str
    at_once: int
    per_minute: int
    words: str
    """Whose runs they are, for a refusal."""


class Gate:
    """The runs under way and those begun within the last minute, by whose they are."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._begun: dict[str, deque[float]] = {}

    @contextmanager
    def place(self, shares: Sequence[Share]) -> Iterator[None]:
        """A place for one run; it is free again however the block ends.

        Raises:
            gr.Error: one of the shares is used up; the text says how much it is.
        """
        with self._lock:
            self._forget()
            for share in shares:
                self._check(share)
            for share in shares:
                self._under_way[share.who] += 1
                self._begun.setdefault(share.who, deque()).append(self._clock())
        try:
            yield
        finally:
            with self._lock:
                for share in shares:
                    self._under_way[share.who] -= 1

    def under_way(self) -> int:
        """How many places are taken, each counted once for every share of it."""
        return self._under_way.total()

    def _check(self, share: Share) -> None:
        if share.at_once and self._under_way[share.who] >= share.at_once:
            raise refusal(
                f"{_runs(share.at_once)} at once is the most {share.words} gets on this hub: wait "
                "until one is done, or stop it."
            )
        begun = self._begun.get(share.who, deque())
        if share.per_minute and len(begun) >= share.per_minute:
            wait = math.ceil(begun[0] + MINUTE - self._clock()) or 1
            raise refusal(
                f"{_runs(share.per_minute)} a minute is the most {share.words} gets on this hub: "
                f"try again in {wait} s."
            )

    def _forget(self) -> None:
        """Drop what was begun over a minute ago, and who has nothing under way."""
        old = self._clock() - MINUTE
        for who, begun in list(self._begun.items()):
            while begun and begun[0] <= old:
                begun.popleft()
            if not begun:
                del self._begun[who]
        self._under_way = +self._under_way


GATE = Gate()


@contextmanager
def place(request: gr.Request | None) -> Iterator[None]:
    """A place for a run of this request, see `Gate.place`; only on a shared host it may lack.

    Raises:
        gr.Error: its visitor, or all those behind its address, have as many as they get.
    """
    policy = runtime.policy()
    owner, address = owner_of(request) or "this computer", address_of(request)
    shares = (
        Share(f"visitor {owner}", policy.at_once, policy.per_minute, "one visitor"),
        Share(
            f"address {address}",
            policy.at_once_address,
            policy.per_minute_address,
            "one address of the network",
        ),
    )
    with GATE.place(shares):
        yield


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
