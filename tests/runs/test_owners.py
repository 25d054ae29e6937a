"""On a public host a browser is known again by a cookie that nobody can guess."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from demo import owners, serving
from demo.owners import owner_of, runs_of, shelf_of
from demo.serving import OWNER_COOKIE, OwnerCookie

SECRET = "0123456789abcdef" * 4
PAGE = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTORATION_PUBLIC", "1")


def request(cookie: str = "", session: str | None = "s") -> Any:
    return SimpleNamespace(cookies={OWNER_COOKIE: cookie}, session_hash=session)


def test_at_home_the_owner_is_this_computer() -> None:
    assert (owner_of(request(SECRET)), owner_of(None)) == (None, None)


@pytest.mark.usefixtures("public")
def test_a_browser_is_the_same_owner_in_every_session() -> None:
    assert owner_of(request(SECRET, "one")) == owner_of(request(SECRET, "two"))
    assert runs_of(request(SECRET, "one")) == runs_of(request(SECRET, "two"))
    assert shelf_of(request(SECRET, "one")) == shelf_of(request(SECRET, "two"))


@pytest.mark.usefixtures("public")
def test_browsers_are_told_apart() -> None:
    assert owner_of(request(SECRET)) != owner_of(request(SECRET[::-1]))


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    "cookie", ["", "../../x", SECRET[:-1], SECRET + "0", SECRET.upper(), SECRET + "\n"]
)
def test_without_a_cookie_of_ours_a_session_is_the_owner(cookie: str) -> None:
    assert owner_of(request(cookie, "one")) == owner_of(request(cookie, "one"))
    assert owner_of(request(cookie, "one")) != owner_of(request(cookie, "two"))


@pytest.mark.usefixtures("public")
def test_a_session_cannot_pose_as_a_browser() -> None:
    assert owner_of(request("", SECRET)) != owner_of(request(SECRET, ""))


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("lost", [None, request("", None), SimpleNamespace(session_hash="")])
def test_who_cannot_be_told_owns_nothing_twice(lost: Any) -> None:
    assert owner_of(lost) != owner_of(lost)


@pytest.mark.usefixtures("public")
def test_what_nobody_can_see_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[float] = []
    monkeypatch.setattr(owners.runs, "forget_old", forgotten.append)
    owners.forget_old()
    assert forgotten == [serving.KEEP_FOR]


async def page(scope: Any, receive: Any, send: Any) -> None:
    """Answers as the page does."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


def answered(method: str = "GET", headers: dict[str, str] = PAGE, scheme: str = "http") -> str:
    """The cookie of an answer, or nothing."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=OwnerCookie(page))
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, f"{scheme}://host/", headers=headers)

    return asyncio.run(ask()).headers.get("set-cookie", "")


@pytest.mark.usefixtures("public")
def test_the_page_comes_with_a_cookie_that_scripts_cannot_read() -> None:
    assert re.fullmatch(
        rf"{OWNER_COOKIE}=[0-9a-f]{{64}}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax",
        answered(),
    )
    assert answered() != answered()


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        (PAGE, "https"),
        ({**PAGE, "x-forwarded-proto": "https"}, "http"),
        ({**PAGE, "x-forwarded-proto": "https,http"}, "http"),
    ],
)
def test_inside_another_page_the_cookie_holds_over_https(
    headers: dict[str, str], scheme: str
) -> None:
    assert answered(headers=headers, scheme=scheme).endswith("SameSite=None; Secure; Partitioned")


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {**PAGE, "cookie": f"a=b; {OWNER_COOKIE}={SECRET}"}),
        ("GET", {"accept": "application/json"}),
        ("POST", PAGE),
    ],
)
def test_nobody_else_is_given_a_cookie(method: str, headers: dict[str, str]) -> None:
    assert answered(method, headers) == ""


@pytest.mark.usefixtures("public")
def test_a_cookie_that_is_not_ours_is_replaced() -> None:
    assert answered(headers={**PAGE, "cookie": f"{OWNER_COOKIE}=../x"})


def test_at_home_nobody_is_given_a_cookie() -> None:
    assert answered() == ""
