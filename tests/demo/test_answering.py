"""What fails before or beside a handler is answered in a sentence."""

import asyncio
import json

import pytest

from demo import page, serving
from demo.answering import Answering
from restoration.errors import RestorationError

CALL = {"type": "http", "method": "POST", "path": "/gradio_api/call/x", "headers": []}


def answer(app, scope=CALL):
    """The status and the sentence that a request to `app` gets."""
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    asyncio.run(Answering(app)(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])["detail"]


def failing(error, begun=False):
    async def app(scope, receive, send):
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    return app


@pytest.mark.parametrize("error", [KeyError(9), ValueError("a secret"), TypeError("a secret")])
def test_a_call_that_names_what_is_not_there_is_the_callers(error):
    status, sentence = answer(failing(error))
    assert (status, sentence.partition(":")[0], "secret" in sentence) == (
        400, "There is no such endpoint, or it takes other values", False,
    )  # fmt: skip


def test_any_other_failure_is_told_as_a_number():
    status, sentence = answer(failing(OSError("a secret")))
    assert (status, sentence.startswith("Something went wrong (id "), "secret" in sentence) == (
        500, True, False,
    )  # fmt: skip


def test_an_answer_that_has_begun_is_left_to_break_off():
    with pytest.raises(OSError, match="a secret"):
        answer(failing(OSError("a secret"), begun=True))


def test_a_failure_that_is_no_request_is_left_alone():
    with pytest.raises(OSError, match="a secret"):
        answer(failing(OSError("a secret")), {"type": "lifespan"})


def test_a_shared_hub_does_not_start_where_visitors_could_change_the_program(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    monkeypatch.setenv("GRADIO_VIBE_MODE", "1")
    with pytest.raises(RestorationError, match="lets every visitor change the program"):
        serving.launch(page.build({}))


@pytest.mark.parametrize(
    ("megabytes", "told"), [("7", "up to 7 MB"), ("0", "as “Keep” writes it.")]
)
def test_uploads_have_the_limit_of_the_policy(monkeypatch, megabytes, told):
    monkeypatch.setenv("RESTORATION_MAX_UPLOAD_MB", megabytes)
    texts = [str(block.value) for block in page.build().blocks.values() if hasattr(block, "value")]
    assert any(told in text for text in texts)


def test_the_footer_tells_the_limits(monkeypatch):
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")
    texts = [
        str(block.value) for block in page.build({}).blocks.values() if hasattr(block, "value")
    ]
    assert any("Public hub: pictures up to 4 megapixels" in text for text in texts)


def test_calls_without_end_are_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(serving, "SESSIONS", 3)
    blocks = page.build({})
    serving.launch(blocks, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    kept = blocks.state_holder
    known = [kept[f"call {call}"] for call in range(5)]
    blocks.close()
    assert (len(known), len(kept.session_data)) == (5, 3)
