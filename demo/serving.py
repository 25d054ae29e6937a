"""How the page is served: security headers, a cap on request bodies, and launch settings."""

from __future__ import annotations

import os
import re
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from anyio.to_thread import run_sync
from starlette.formparsers import MultiPartException

from demo import room
from demo.addresses import Forwarded
from demo.answering import Answering, refuse
from demo.language import PHRASES
from demo.theme import theme
from demo.waiting import share_out
from restoration import runtime
from restoration.errors import RestorationError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = Path(__file__).parent / "assets"
LARGEST_CALL = 256 * 1024
"""Bytes of a call: settings and the names of uploads; a picture inside it would skip the limits."""
FILES_AT_ONCE = 10
"""How many of the largest files one upload may hold together."""
ROOM = 10**9
"""Bytes of the disk that uploads leave free."""
SESSIONS = 200
"""Open pages and calls that Gradio remembers, about 2 MB each; the one unused for longest goes."""
LONGEST_QUEUE = 64
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
        if scope["type"] != "http" or scope["method"] != "POST" or _is_upload(scope):
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more and len(body) <= LARGEST_CALL:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if len(body) > LARGEST_CALL:
            await refuse(send, 413, "The request is too large: upload the picture first.")
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)


class UploadCap:
    """Refuses uploads that are too large together, or that the disk has no room for.

    Gradio holds single files against its own limit, and removes what it has of an upload that it
    could not take apart; so that is what an upload which is too long or breaks off is made to be.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes."""
        if scope["type"] != "http" or not _is_upload(scope):
            await self.app(scope, receive, send)
            return
        if not await run_sync(room.is_made, ROOM):
            await refuse(send, 507, "The hub's disk is full: try again later.")
            return
        most, come = FILES_AT_ONCE * runtime.policy().upload_mb * 10**6, 0

        async def counted() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if message["type"] == "http.disconnect":
                raise MultiPartException("The upload broke off.")
            if most and come > most:
                raise MultiPartException(
                    f"The files exceed the maximum allowed size of {most // 10**6} MB together: "
                    "upload fewer at a time."
                )
            return message

        await self.app(scope, counted, send)


MIDDLEWARE: tuple[Any, ...] = (
    Forwarded,
    SecurityHeaders,
    OwnerCookie,
    Answering,
    BodyCap,
    UploadCap,
)


def launch(page: gr.Blocks, **overrides: Any) -> Any:
    """Serve the page; Gradio itself reads GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.

    Raises:
        RestorationError: strangers could change the program, see `refuse_vibe_mode`, a library is
            missing, or no port is free.
    """
    from starlette.middleware import Middleware

    refuse_vibe_mode()
    if runtime.offers_mcp() and not find_spec("mcp"):
        raise RestorationError(
            "RESTORATION_MCP needs one more library: `pip install -r requirements-mcp.txt`"
        )
    largest = runtime.policy().upload_mb
    settings: dict[str, Any] = {
        "theme": theme(),
        "css_paths": [ASSETS / "page.css"],
        "head": f"<script>{(ASSETS / 'page.js').read_text()}</script>",
        "i18n": PHRASES,
        "favicon_path": ASSETS / "icon.svg",
        "footer_links": ["api", "settings"],
        "run_history": False,
        "enable_monitoring": False,
        "mcp_server": runtime.offers_mcp(),
        "state_session_capacity": SESSIONS,
        "ssr_mode": False,
        "share": False,
        "show_error": False,
        "max_file_size": f"{largest}mb" if largest else None,
        "app_kwargs": {"middleware": [Middleware(one) for one in MIDDLEWARE]},
    }
    page.queue(max_size=LONGEST_QUEUE, api_open=False)
    share_out(page._queue, SESSIONS)
    try:
        return page.launch(**(settings | overrides))
    except OSError as error:
        if "port" not in str(error):
            raise
        raise RestorationError(
            f"The page finds no free port ({str(error).partition('.')[0]}): end what uses it, or "
            "name another one by GRADIO_SERVER_PORT."
        ) from None


def refuse_vibe_mode() -> None:
    """Refuse a mode of Gradio in which whoever sees the page can have the program rewritten.

    Raises:
        RestorationError: it is on where strangers share this host.
    """
    if runtime.is_public() and os.environ.get("GRADIO_VIBE_MODE"):
        raise RestorationError(
            "GRADIO_VIBE_MODE lets every visitor change the program: unset it on a shared host"
        )


def _is_upload(scope: Scope) -> bool:
    return bool(scope["path"].rstrip("/").endswith("/gradio_api/upload"))


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
