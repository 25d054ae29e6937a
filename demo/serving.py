"""How the page is served: security headers, a cap on request bodies, and launch settings."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demo.theme import theme
from restoration import runtime

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(__file__).parent / "assets"
LARGEST_UPLOAD = "50mb"
LARGEST_CALL = 256 * 1024
"""Bytes of a call: settings and the names of uploads; a picture inside it would skip the limits."""
LONGEST_QUEUE = 32
AT_ONCE = 16
"""Runs that may wait at the device, where each is told its place; more wait in Gradio's queue."""
CLEAN_EVERY, KEEP_FOR = 3600, 24 * 3600
"""Seconds; files live longer than anybody keeps a page open."""

OWNER_COOKIE, OWNER_DIGITS = "restoration-owner", 64
"""Name of the cookie that tells one stranger's browser from another; hexadecimal digits in it."""
OWNER_PATTERN = rf"(^|;\s*){OWNER_COOKIE}=[0-9a-f]{{{OWNER_DIGITS}}}(;|$)"
COOKIE_AGE = 30 * 24 * 3600
"""Seconds."""

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "style-src 'self' 'unsafe-inline'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio builds its HTML templates
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "frame-ancestors 'self' https://huggingface.co https://*.hf.space",
        )
    ),
}


class SecurityHeaders:
    """Adds HEADERS to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and the answer back with more headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


class OwnerCookie:
    """Gives a browser that opens the page of a public host a secret to be known by later.

    It is set once, with the page itself, so that all that the page asks afterwards carries it.
    Spaces show the page inside of another over HTTPS, where only a cookie for third parties holds;
    partitioned, it is of use to that outer page's visits alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and the answer back, with a cookie where one is due."""
        if scope["type"] != "http" or not runtime.is_public() or not _opens_page(scope):
            await self.app(scope, receive, send)
            return
        cookie = (b"set-cookie", _cookie(is_secure=_is_secure(scope)).encode())

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], cookie]}
            await send(message)

        await self.app(scope, receive, send_with_cookie)


class BodyCap:
    """Refuses bodies over LARGEST_CALL bytes, except where files are uploaded."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the cap, then pass the request on with it."""
        if scope["type"] != "http" or scope["method"] != "POST" or "/upload" in scope["path"]:
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more and len(body) <= LARGEST_CALL:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if len(body) > LARGEST_CALL:
            await _refuse(send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


MIDDLEWARE: tuple[Any, ...] = (SecurityHeaders, OwnerCookie, BodyCap)


def launch(page: gr.Blocks, **overrides: Any) -> Any:
    """Serve the page; Gradio itself reads GRADIO_SERVER_NAME and GRADIO_SERVER_PORT."""
    from starlette.middleware import Middleware

    settings: dict[str, Any] = {
        "theme": theme(),
        "css_paths": [ASSETS / "page.css"],
        "head": f"<script>{(ASSETS / 'page.js').read_text()}</script>",
        "favicon_path": ASSETS / "icon.svg",
        "footer_links": ["api", "settings"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "share": False,
        "show_error": False,
        "max_file_size": LARGEST_UPLOAD,
        "app_kwargs": {"middleware": [Middleware(one) for one in MIDDLEWARE]},
    }
    return page.queue(max_size=LONGEST_QUEUE).launch(**(settings | overrides))


def _opens_page(scope: Scope) -> bool:
    """Whether a browser asks for the page itself, and has no cookie yet."""
    headers = dict(scope["headers"])
    accepts, cookies = headers.get(b"accept", b""), headers.get(b"cookie", b"")
    is_known = re.search(OWNER_PATTERN.encode(), cookies) is not None
    return scope["method"] == "GET" and b"text/html" in accepts and not is_known


def _is_secure(scope: Scope) -> bool:
    """Whether the browser speaks HTTPS, to us or to a proxy before us."""
    forwarded = dict(scope["headers"]).get(b"x-forwarded-proto", b"")
    return bool(scope["scheme"] == "https" or forwarded.split(b",")[0].strip() == b"https")


def _cookie(*, is_secure: bool) -> str:
    reach = "SameSite=None; Secure; Partitioned" if is_secure else "SameSite=Lax"
    secret = secrets.token_hex(OWNER_DIGITS // 2)
    return f"{OWNER_COOKIE}={secret}; Path=/; Max-Age={COOKIE_AGE}; HttpOnly; {reach}"


async def _refuse(send: Send) -> None:
    text = b'{"detail": "The request is too large: upload the picture first."}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": text})
