"""Gradio's queue is one for all visitors: here nobody fills it, or the memory, for the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo.addresses import address_of
from restoration import runtime

if TYPE_CHECKING:
    from gradio.queueing import Queue

MOST_WAITING = 16
"""Calls from one address that wait, where those under way are limited too."""
CROWDED = "Too many calls from your address are waiting: try again once some of them are done."
LONGEST_SESSION = 100
"""Characters of what tells one open page from another; Gradio keeps it as long as it runs."""
NO_SESSION = f"A session_hash has {LONGEST_SESSION} characters at most."


class Unread(dict[str, Any]):
    """What has been told to each open page and not been read, some MB after a run.

    Of the pages that have nothing under way, the first one gives way to one too many. Gradio's own
    holds ten times as many, and drops the first even where a run still tells it how far it is.
    """

    def __init__(self, queue: Queue, most: int) -> None:
        self._queue, self._most = queue, most

    def __setitem__(self, session: str, messages: Any) -> None:
        """Begin to keep what a page is told."""
        if session not in self and len(self) >= self._most:
            at_work = {one.session_hash for one in self._queue.event_ids_to_events.values()}
            for idle in [one for one in self if one not in at_work][:1]:
                del self[idle]
                self._queue.pending_event_ids_session.pop(idle, None)
        super().__setitem__(session, messages)


def share_out(queue: Queue, pages: int) -> None:
    """Let a queue refuse what would take more than a fair part of it.

    Args:
        queue: that of the page.
        pages: how many open ones it keeps messages for.
    """
    queue.pending_messages_per_session = Unread(queue, pages)
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
