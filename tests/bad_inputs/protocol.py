"""Calls that no page makes: payloads, uploads, bodies, foreign files and origins."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from demo.serving import LARGEST_CALL
from tests.bad_inputs.hub import MARK, Hub, RefusedError, plain, until

Row = Callable[[Hub], None]
UPLOADED = "has to be uploaded to this page first"
FIRST = "a picture is uploaded first"


def not_uploaded(payload: Any, sentence: str) -> Row:
    """The row of a picture that is named and was never uploaded."""

    def row(hub: Hub) -> None:
        assert sentence in hub.sentence(picture=payload)

    return row


def data_address(hub: Hub) -> None:
    url = "data:image/png;base64," + "A" * LARGEST_CALL
    answer = hub.client.post(f"{hub.api}/call/smooth", json={"data": [{"url": url, "meta": MARK}]})
    assert answer.status_code == 413
    plain(answer.text)


def large_in_pieces(hub: Hub) -> None:
    """Without a length in its head, and on a path that only ends like one for uploads."""

    def pieces() -> Iterator[bytes]:
        yield b'{"data": ["'
        for _ in range(40):
            yield b"x" * 10_000

    for path in ("call/smooth", "run/upload", "queue/join", "component_server"):
        answer = hub.client.post(
            f"{hub.api}/{path}", content=pieces(), headers={"content-type": "application/json"}
        )
        assert answer.status_code == 413
        plain(answer.text)


class Counting(BaseHTTPRequestHandler):
    """Counts who asks, and never stops answering."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[str]:
    """A server on loopback that nobody may be led to; gives its address."""
    Counting.asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/secret.png"
        finally:
            server.shutdown()
            thread.join()


def loopback(hub: Hub) -> None:
    with listening() as url:
        assert UPLOADED in hub.sentence(picture={"path": url, "meta": MARK})
        assert UPLOADED in hub.sentence(picture={"path": None, "url": url, "meta": MARK})
        assert UPLOADED in hub.sentence(picture=hub.picture(), steps={"path": url, "meta": MARK})
        answer = hub.client.get(f"{hub.api}/file={url}")
    assert (answer.status_code, Counting.asked) == (403, 0)


def upload_too_large(hub: Hub) -> None:
    hub.patch.setenv("RESTORATION_MAX_UPLOAD_MB", "1")
    files = [("files", (f"{i}.png", b"\0" * 10**6)) for i in range(11)]
    answer = hub.client.post(f"{hub.api}/upload", files=files)
    assert answer.status_code == 413
    assert "10 MB together" in plain(answer.text)


def upload_broken_off(hub: Hub) -> None:
    """What came of it does not stay on the disk."""
    head = 'Content-Disposition: form-data; name="files"; filename="a.png"'
    host, port = hub.address.removeprefix("http://").split(":")
    folder = Path(hub.upload(b"x")).parent.parent
    before = sorted(folder.iterdir())
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
            + f"--b\r\n{head}\r\n\r\n".encode()
            + bytes(100_000)
        )
        assert until(lambda: len(sorted(folder.iterdir())) > len(before))
    assert until(lambda: sorted(folder.iterdir()) == before)


def no_room(hub: Hub) -> None:
    from demo import serving

    hub.patch.setattr(serving, "ROOM", 2**62)
    answer = hub.client.post(f"{hub.api}/upload", files={"files": ("a.png", b"x")})
    assert answer.status_code == 507
    assert "disk is full" in plain(answer.text)
    hub.patch.undo()


def many_files(hub: Hub) -> None:
    files = [("files", (f"{i}.png", b"")) for i in range(10_000)]
    answer = hub.client.post(f"{hub.api}/upload", files=files)
    assert answer.status_code == 400
    assert "Too many files" in plain(answer.text)


def too_few_values(hub: Hub) -> None:
    with pytest.raises(RefusedError) as caught:
        hub.result(hub.begin("smooth", [hub.picture(), "plain"]))
    assert "has 2 values and this endpoint takes 8" in plain(str(caught.value))


def too_many_values(hub: Hub) -> None:
    """Gradio leaves out what it does not know."""
    values = hub.values("smooth", hub.picture(), steps=1)
    assert hub.result(hub.begin("smooth", [*values, "<script>", None, 5]))


def no_call(path: str, body: bytes) -> Row:
    """The row of a body that is no call: refused at once, with a code of the caller's."""

    def row(hub: Hub) -> None:
        answer = hub.client.post(
            f"{hub.api}/{path}", content=body, headers={"content-type": "application/json"}
        )
        assert 400 <= answer.status_code < 500
        plain(answer.text)

    return row


def by_index(hub: Hub) -> None:
    """Every event of the page is public to a program that counts: none fails without a word."""
    count = len(hub.client.get(f"{hub.address}/config").json()["dependencies"])
    for index in (*range(count), 10**6, -1):
        body = {"data": [None] * 60, "fn_index": index, "session_hash": "stranger"}
        answer = hub.client.post(f"{hub.api}/run/x", json=body)
        plain(answer.text[:300])


def result_of_another(hub: Hub) -> None:
    """Its address holds 128 bits of chance, and no folder is listed."""
    result = Path(hub.call(picture=hub.picture(), steps=1)[0]["path"])
    secret = result.parent.name
    assert len(secret) == 32
    guess = result.parent.with_name("0" * 32) / result.name
    for path in (guess, result.parent, result.parent.parent):
        answer = hub.client.get(f"{hub.api}/file={path}")
        assert answer.status_code in (403, 404)


def forbidden(path: str) -> Row:
    """The row of a path outside of what is served."""

    def row(hub: Hub) -> None:
        answer = hub.client.get(f"{hub.api}/{path}")
        assert answer.status_code in (400, 403, 404)
        assert "root:" not in answer.text

    return row


def foreign_origin(hub: Hub) -> None:
    origin = {"origin": "https://evil.example"}
    answer = hub.client.get(f"{hub.api}/info", headers=origin)
    asked = hub.client.options(
        f"{hub.api}/call/smooth", headers={**origin, "access-control-request-method": "POST"}
    )
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in asked.headers


BELOW = "..%2f..%2f..%2f..%2fetc%2fpasswd"
NESTED = b"[" * 100_000
BODIES = {"nothing": b"", "text": b"hello", "list": b"[1]", "object": b"{}", "nested": NESTED}

ROWS: dict[str, Row] = {
    "68-data-address": not_uploaded({"url": "data:image/png;base64,iVBORw0KGgo="}, UPLOADED),
    "68-data-address-marked": not_uploaded(
        {"path": None, "url": "data:image/png;base64,iVBORw0KGgo=", "meta": MARK}, UPLOADED
    ),
    "68-path-unmarked": not_uploaded({"path": __file__}, UPLOADED),
    "68-string": not_uploaded("photo.png", FIRST),
    "68-number": not_uploaded(5, FIRST),
    "68-list": not_uploaded([], FIRST),
    "68-truth": not_uploaded(True, FIRST),
    "68-path-is-a-number": not_uploaded({"path": 5, "meta": MARK}, FIRST),
    "69-marked-path": not_uploaded({"path": __file__, "meta": MARK}, FIRST),
    "69-marked-path-of-the-system": not_uploaded({"path": "/etc/hostname", "meta": MARK}, FIRST),
    "69-marked-path-below": not_uploaded({"path": "../../etc/hostname", "meta": MARK}, FIRST),
    "70-data-address-over-the-limit": data_address,
    "70-body-in-pieces": large_in_pieces,
    "71-loopback": loopback,
    "71-metadata": not_uploaded({"path": "http://169.254.169.254/x", "meta": MARK}, UPLOADED),
    "71-https": not_uploaded({"path": "https://example.org/x.png", "meta": MARK}, UPLOADED),
    "72-uploads-too-large-together": upload_too_large,
    "72-upload-broken-off": upload_broken_off,
    "72-no-room-for-uploads": no_room,
    "73-10000-files": many_files,
    "74-too-few-values": too_few_values,
    "74-too-many-values": too_many_values,
    **{f"74-body-is-{name}": no_call("call/smooth", body) for name, body in BODIES.items()},
    "74-unknown-endpoint": no_call("call/nope", b'{"data": []}'),
    "74-unknown-names": no_call("call/v2/smooth", b'{"nope": 1}'),
    "74-unknown-index": no_call(
        "queue/join", json.dumps({"data": [], "fn_index": 10**6, "session_hash": "x"}).encode()
    ),
    "75-private-events-by-index": by_index,
    "83-result-of-another": result_of_another,
    "84-absolute": forbidden("file=/etc/passwd"),
    "84-parents": forbidden("file=../../../../etc/passwd"),
    "84-parents-encoded": forbidden(f"file={BELOW}"),
    "84-twice-encoded": forbidden(f"file={BELOW.replace('%', '%25')}"),
    "84-file-address": forbidden("file=file:///etc/passwd"),
    "84-program": forbidden(f"file={Path(__file__).parents[2] / 'app.py'}"),
    "84-environment": forbidden("file=/proc/self/environ"),
    "84-zero-byte": forbidden("file=/etc/passwd%00.png"),
    "84-very-long": forbidden("file=" + "x" * 5000),
    "84-proxy": forbidden("proxy=http://127.0.0.1:22/"),
    "85-foreign-origin": foreign_origin,
}
