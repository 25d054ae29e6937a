"""Where a request comes from, by its address in the network."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER = "x-forwarded-for"
SITE = 64
"""Bits of an IPv6 address that tell one customer of a provider from another."""


def address_of(request: Any) -> str:
    """What all visitors from one place have in common: an address, of IPv6 the network.

    Of IPv6 each customer has 2 ** 64 addresses, and could come from a new one every time.
    """
    address = _full(request)
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), SITE), strict=False))


class Forwarded:
    """Writes the address that a request comes from into its header, over what it said itself.

    A tool of a language model calls this hub anew from this machine, with the same headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the header."""
        if scope["type"] == "http":
            address = (HEADER.encode(), _full(Request(scope)).encode())
            others = [one for one in scope["headers"] if one[0] != HEADER.encode()]
            scope = {**scope, "headers": [*others, address]}
        await self.app(scope, receive, send)


def _full(request: Any) -> str:
    """The address of the network that a request comes from.

    Behind a proxy (whose own address is private) that is the last public one that the proxies
    added; what stands further left, anybody can write.
    """
    client = getattr(request, "client", None)
    peer = client.host if client is not None else ""
    if _is_public(peer):
        return str(peer)
    passed = getattr(request, "headers", {}).get(HEADER, "").split(",")
    return next((one.strip() for one in reversed(passed) if _is_public(one.strip())), peer)


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
