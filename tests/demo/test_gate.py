"""How many runs a visitor of a shared host has under way at once, and begins in a minute."""

import gradio as gr
import pytest
from starlette.requests import Request

from demo import gate
from demo.gate import Gate, Share

VISITOR = Share("visitor a", 2, 0, "one visitor")
BRISK = Share("visitor a", 0, 2, "one visitor")


class Clock:
    """Stands still until it is set."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def empty(clock):
    return Gate(clock)


def asked(peer="203.0.113.9", forwarded=None, session="s"):
    """A request as Gradio hands it to a handler."""
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"type": "http", "headers": headers, "client": (peer, 5), "path": "/", "method": "POST"}
    return gr.Request(Request(scope), session_hash=session)


def test_a_visitor_has_as_many_runs_at_once_as_allowed(empty):
    with empty.place([VISITOR]), empty.place([VISITOR]):
        assert empty.under_way() == 2


def test_one_run_more_is_refused_with_the_limit(empty):
    refused = pytest.raises(gr.Error, match="2 runs at once is the most one visitor gets")
    with empty.place([VISITOR]), empty.place([VISITOR]), refused:
        empty.place([VISITOR]).__enter__()


def test_another_visitor_still_gets_in(empty):
    other = Share("visitor b", 2, 0, "one visitor")
    with empty.place([VISITOR]), empty.place([VISITOR]), empty.place([other]):
        assert empty.under_way() == 3


def test_a_refusal_takes_no_place(empty):
    everybody = Share("address", 1, 0, "one address")
    with empty.place([everybody]):
        with pytest.raises(gr.Error, match="1 run at once is the most one address gets"):
            empty.place([VISITOR, everybody]).__enter__()
        assert empty.under_way() == 1


def test_a_place_is_free_after_a_failure(empty):
    with pytest.raises(ZeroDivisionError), empty.place([VISITOR]):
        raise ZeroDivisionError
    assert empty.under_way() == 0


def test_a_place_is_free_once_its_generator_is_closed(empty):
    def run():
        with empty.place([VISITOR]):
            yield

    going = run()
    next(going)
    going.close()
    assert empty.under_way() == 0


def test_more_runs_a_minute_than_allowed_are_refused_with_the_wait(empty, clock):
    for _ in range(2):
        with empty.place([BRISK]):
            clock.now += 10
    with pytest.raises(gr.Error, match=r"2 runs a minute is the most .* try again in 40 s\."):
        empty.place([BRISK]).__enter__()


def test_after_a_minute_the_next_run_is_taken(empty, clock):
    for _ in range(5):
        with empty.place([BRISK]):
            clock.now += 31
    assert empty.under_way() == 0


def test_on_a_machine_of_ones_own_nothing_is_refused(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    for _ in range(50):
        with gate.place(None):
            pass


def test_on_a_shared_host_the_policy_counts(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    monkeypatch.setenv("RESTORATION_MAX_AT_ONCE", "1")
    with gate.place(asked(session="one")), pytest.raises(gr.Error, match="1 run at once"):
        gate.place(asked(session="one")).__enter__()


def test_a_visitor_without_a_cookie_is_held_by_the_address(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    monkeypatch.setenv("RESTORATION_MAX_AT_ONCE_ADDRESS", "1")
    with gate.place(asked(session="two")), pytest.raises(gr.Error, match="one address"):
        gate.place(asked(session="three")).__enter__()
