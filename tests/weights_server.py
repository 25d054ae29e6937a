"""A small server on loopback that gives files of weights, and does what bad networks do."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.model_folder import CONTENT

DROP = 400
"""Bytes at a time where a file only drips."""
PAGE = b"<!DOCTYPE html><html>Not found</html>"


class Handler(BaseHTTPRequestHandler):
    """Serves by the first part of the path; counts requests and the ranges asked for."""

    def do_GET(self):
        way = self.path.split("/")[1]
        seen = self.server.seen
        seen[way] += 1
        start = self.headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        self.server.ranges.append(start)
        begin = int(start) if start and way != "norange" else 0
        if way == "missing":
            self.send_error(404)
        elif way == "ill" and seen[way] == 1:
            self.send_error(503)
        elif way == "redirect":
            self.send_response(302)
            self.send_header("Location", "/plain/w.safetensors")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.give(way, begin)

    def give(self, way, begin):
        whole = self.server.contents.get(self.path.split("/")[-1], CONTENT)
        body = PAGE if way == "page" else whole
        if begin >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        time.sleep(0.5 * (way == "slowly"))
        breaks = way in ("breaks", "norange") and self.server.seen[way] < 3
        end = begin + (100 if way == "hopeless" else 4000 if breaks else len(body))
        with suppress(ConnectionError):  # whoever fetches may stop
            for start in range(begin, end, DROP) if way == "drips" else ():
                self.wfile.write(body[start : start + DROP])
                time.sleep(self.server.pause)
            self.wfile.write(b"" if way == "drips" else body[begin:end])
        self.close_connection = True

    def log_message(self, *_):
        """Keep the test's output clean."""


@contextmanager
def serving(contents=None):
    """The server while it runs; `contents` are files by name, others are `CONTENT`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.ranges, server.contents = Counter(), [], contents or {}
    server.pause = 0.3  # seconds between two drops
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
