"""What visitors from one place have in common, whatever they say of themselves."""

import asyncio

import pytest
from starlette.requests import Request

from demo.addresses import Forwarded, address_of


def scope(peer="203.0.113.9", forwarded=None):
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"type": "http", "headers": headers, "client": (peer, 5), "path": "/", "method": "POST"}


def asked(peer, forwarded):
    return Request(scope(peer, forwarded))


@pytest.mark.parametrize(
    ("peer", "forwarded", "want"),
    [
        ("8.8.8.8", None, "8.8.8.8"),
        ("8.8.8.8", "1.1.1.1", "8.8.8.8"),
        ("10.0.0.7", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.7", "9.9.9.9, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.7", "1.1.1.1, 10.2.3.4", "1.1.1.1"),
        ("10.0.0.7", "nonsense", "10.0.0.7"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("", None, ""),
        ("2a00:1450:4001:829::200e", None, "2a00:1450:4001:829::/64"),
        ("10.0.0.7", "2a00:1450:4001:829::1", "2a00:1450:4001:829::/64"),
        ("::ffff:8.8.8.8", None, "8.8.8.8"),
    ],
    ids=[
        *("direct", "forged", "proxy", "forged before a proxy", "two proxies", "nonsense", "own"),
        *("unknown", "one of many", "one of many behind a proxy", "IPv4 in IPv6"),
    ],
)
def test_an_address_is_what_the_last_proxy_says_and_never_what_anybody_writes(
    peer, forwarded, want
):
    assert address_of(asked(peer, forwarded)) == want


def test_what_this_hub_asks_itself_for_a_visitor_has_the_address_of_the_visitor():
    passed = []

    async def app(scope, receive, send):
        passed.append(Request(scope).headers)

    asyncio.run(Forwarded(app)(scope("8.8.8.8", "1.1.1.1"), None, None))
    again = scope("127.0.0.1", passed[0]["x-forwarded-for"])
    assert (len(passed[0]), address_of(Request(again))) == (1, "8.8.8.8")


def test_what_is_no_request_passes_as_it_is():
    passed = []

    async def app(scope, receive, send):
        passed.append(scope)

    asyncio.run(Forwarded(app)({"type": "lifespan"}, None, None))
    assert passed == [{"type": "lifespan"}]
