"""Where a call comes from, and whom it means: neither is believed on the word of a stranger."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from litestar.datastructures import Headers
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from assets.settings import LOOPBACK, Network

ENTRIES_MAX = 20  # of X-Forwarded-For that are looked at
# Balancers ask by the machine's own address, and nothing there depends on it.
ANY_HOST = ("/health/", "/metrics")
_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[\da-fA-F:.]+\](:\d+)?", re.ASCII)


class ClientMiddleware(ASGIMiddleware):
    """Puts the caller's address in the place of a trusted proxy's. X-Forwarded-Host and -Proto never decide anything."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, trusted: Sequence[Network]) -> None:
        self.trusted = trusted

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Find out who calls, then go on."""
        if self.trusted and (peer := scope.get("client")) is not None:
            forwarded = ",".join(Headers(scope["headers"]).getall("x-forwarded-for", []))
            scope["client"] = (client_of(peer[0], forwarded, self.trusted), peer[1])
        await next_app(scope, receive, send)


class HostMiddleware(ASGIMiddleware):
    """Refuses a call for another host than these and this machine (421), once there is a public web address."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, hosts: Iterable[str]) -> None:
        self.hosts = LOOPBACK | {host.lower() for host in hosts}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Look at Host, then go on."""
        if (
            not scope["path"].startswith(ANY_HOST)
            and host_of(Headers(scope["headers"]).get("host", "")) not in self.hosts
        ):
            raise HTTPException(status_code=421, detail="This service is not the one that Host names.")
        await next_app(scope, receive, send)


def client_of(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The rightmost address of X-Forwarded-For that no trusted proxy has; what stands left of it anyone may have written.

    A proxy whose entry cannot be read has said nothing: then it is the caller itself.
    """
    address = peer
    for entry in reversed(forwarded.rsplit(",", ENTRIES_MAX)[-ENTRIES_MAX:]):
        if not _within(address, trusted):
            break
        found = _address(entry.strip())
        if found is None:
            break
        address = found
    return address


def place_of(address: str) -> str:
    """The address, of IPv6 the network that one customer has: there are too many single ones to count."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


def host_of(given: str) -> str:
    """The host of a Host field without its port, in small letters; empty when there is none or it is no such field."""
    if not _HOST.fullmatch(given):
        return ""
    try:
        return urlsplit(f"//{given}").hostname or ""
    except ValueError:
        return ""


def _address(entry: str) -> str | None:
    # Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711.
    bare = entry[1:].partition("]")[0] if entry.startswith("[") else entry
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return None


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False  # a Unix socket has no address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in networks)
