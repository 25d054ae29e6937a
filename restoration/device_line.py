"""The line before a device, and before whatever else only one may use at a time."""

from __future__ import annotations

import threading
from collections import deque


class DeviceLine:
    """Who may use the device: one at a time, first come first served."""

    def __init__(self) -> None:
        self._tickets: deque[object] = deque()
        self._moved = threading.Condition()

    def join(self) -> object:
        """Take a ticket at the end of the line."""
        ticket = object()
        with self._moved:
            self._tickets.append(ticket)
        return ticket

    def ahead(self, ticket: object, patience: float) -> int:
        """How many are before `ticket`; waits up to `patience` seconds for its turn (0)."""
        with self._moved:
            self._moved.wait_for(lambda: self._tickets[0] is ticket, patience)
            return self._tickets.index(ticket)

    def leave(self, ticket: object) -> None:
        """Give the device, or the place in the line, to those behind."""
        with self._moved:
            self._tickets.remove(ticket)
            self._moved.notify_all()
