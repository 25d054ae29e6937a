"""No visitor fills the queue that all share, or the memory beside it."""

import asyncio

import gradio as gr
import httpx
import pytest
from gradio.data_classes import PredictBodyInternal
from starlette.requests import Request

from demo import waiting
from tests.fakes import SMOOTH, registered, served


@pytest.fixture
def queue():
    """One of which nothing is begun."""
    with gr.Blocks() as blocks:
        gr.Button().click(lambda: None)
    waiting.share_out(blocks._queue, 3)
    return blocks._queue


def push(queue, peer="8.8.8.8", session="a page"):
    """Whether a call is taken, and what is said where it is not."""
    scope = {"type": "http", "headers": [], "client": (peer, 5), "path": "/", "method": "POST"}
    body = PredictBodyInternal(session_hash=session, fn_index=0, data=[])
    return asyncio.run(queue.push(body, Request(scope), None))


@pytest.fixture
def crowded(queue, monkeypatch):
    """One that has from an address as much as it takes."""
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    for _ in range(waiting.MOST_WAITING):
        push(queue)
    return queue


def test_an_address_cannot_fill_the_queue(crowded):
    assert push(crowded, session="another page") == (False, waiting.CROWDED, "queue_full")


def test_another_address_still_gets_in(crowded):
    assert push(crowded, "8.8.4.4")[0]


def test_on_a_machine_of_ones_own_the_queue_is_ones_own(crowded, monkeypatch):
    monkeypatch.delenv("RESTORATION_PUBLIC")
    assert push(crowded)[0]


def test_a_session_without_end_is_not_remembered(queue):
    told = push(queue, session="x" * 101)
    assert (told, len(queue.event_analytics)) == ((False, waiting.NO_SESSION, "error"), 0)


def test_what_nobody_reads_is_not_kept_without_end(queue):
    for page in range(5):
        push(queue, session=f"page {page}")
        queue.event_ids_to_events.clear()  # done
    assert list(queue.pending_messages_per_session) == ["page 2", "page 3", "page 4"]
    assert list(queue.pending_event_ids_session) == ["page 2", "page 3", "page 4"]


def test_a_page_that_waits_for_its_run_is_told_of_it_however_many_come(queue):
    push(queue, session="waits")
    at_work = dict(queue.event_ids_to_events)
    for page in range(5):
        push(queue, session=f"page {page}")
        queue.event_ids_to_events = dict(at_work)  # of the others all is done
    assert list(queue.pending_messages_per_session) == ["waits", "page 3", "page 4"]


def test_the_queue_of_the_page_is_shared_out():
    with registered(SMOOTH), served({SMOOTH.name: SMOOTH}) as address:
        body = {"data": [], "fn_index": 0, "session_hash": "x" * 101}
        answer = httpx.post(f"{address}/gradio_api/queue/join", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, waiting.NO_SESSION)
