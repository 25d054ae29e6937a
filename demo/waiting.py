"""Gradio's queue is one for all visitors: here nobody fills it, or the memory, for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo.addresses import address_of
from restoration import runtime

if TYPE_CHECKING:
    from gradio.queueing import Queue

MOST_WAITING = 8
"""Calls from one address that wait, where those under way are limited too."""
CROWDED = "Too many calls from your address are waiting: try again once some of them are done."
LONGEST_SESSION = 100
"""Characters of what tells one open page from another; Gradio keeps it as long as it runs."""
NO_SESSION = f"A session_hash has {LONGEST_SESSION} characters at most."


def share_out(queue: Queue) -> None:
    """Let a queue refuse what would take more than a fair part of it."""
    push = queue.push

    async def pushed(body: Any, request: Any, username: str | None) -> tuple[bool, Any, str]:
        if len(body.session_hash or "") > LONGEST_SESSION:
            return False, NO_SESSION, "error"
        is_limited = runtime.policy().at_once_address > 0
        if is_limited and _waiting(queue, address_of(request)) >= MOST_WAITING:
            return False, CROWDED, "queue_full"
        pushed: tuple[bool, Any, str] = await push(body, request, username)
        return pushed

    queue.push = pushed


def _waiting(queue: Queue, address: str) -> int:
    """How many calls from an address have not begun."""
    waiting = [one for kind in queue.event_queue_per_concurrency_id.values() for one in kind.queue]
    return sum(address_of(one.request) == address for one in waiting)
