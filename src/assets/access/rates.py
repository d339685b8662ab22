"""How often one caller may ask: a bucket for each session or token, and for each address from which nobody is known."""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.exceptions import TooManyRequestsException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from assets.access.actor import Actor
from assets.access.permissions import Role
from assets.web.addresses import place_of

BUCKETS_MAX = 10_000  # of each sort, some 2 MB; the one that was not asked for longest goes first
FREE = ("/static/", "/health/")


class Limits(Protocol):
    """What the middleware needs of the settings."""

    @property
    def rate_per_minute(self) -> int:
        """Of a session or token."""

    @property
    def rate_per_minute_unknown(self) -> int:
        """Of an address."""

    @property
    def cookie(self) -> str:
        """The session cookie's name."""


class Buckets:
    """Token buckets that hold a minute's calls and fill evenly."""

    def __init__(self, per_minute: int, most: int = BUCKETS_MAX) -> None:
        self.per_minute, self.most = per_minute, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what was left, and when

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def __len__(self) -> int:
        return len(self._left)

    def take(self, key: str, now: float) -> float:
        """Take one call out of a bucket; how many seconds to wait when it is empty, 0 when it was not."""
        left, at = self._left.pop(key, (float(self.per_minute), now))
        left = min(self.per_minute, left + max(0.0, now - at) * self.per_minute / 60)
        self._left[key] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > self.most:
            self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) * 60 / self.per_minute

    def open(self, key: str, now: float) -> None:
        """A full bucket for somebody who had none."""
        if key not in self._left:
            self.take(key, now)

    def forget(self, key: str) -> None:
        """Close a bucket."""
        self._left.pop(key, None)


class RateMiddleware(ASGIMiddleware):
    """Too many calls are 429 with Retry-After before anything is asked of the database; collectors may always report.

    A session or token has its own bucket once it has proved right; until then its calls count for its address, so
    that made-up tokens earn nobody a new bucket.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self.cookie, self.clock = limits.cookie, clock
        self.known, self.unknown = Buckets(limits.rate_per_minute), Buckets(limits.rate_per_minute_unknown)
        self.collectors = Buckets(limits.rate_per_minute)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count the call, go on, and remember whether the caller proved right."""
        if scope["path"].startswith(FREE):
            await next_app(scope, receive, send)
            return
        connection: ASGIConnection[object, object, object, object] = ASGIConnection(scope)  # type: ignore[type-var]
        credential = self._credential(connection)
        if wait := self._wait(credential, connection):
            raise TooManyRequestsException(headers={"Retry-After": str(math.ceil(wait))})
        await next_app(scope, receive, send)
        if credential and "actor" in scope["state"]:  # else nobody asked who it is: there is no such route
            self._remember(credential, scope["state"]["actor"])

    def _credential(self, connection: ASGIConnection) -> str:  # type: ignore[type-arg]
        # The token alone: "Bearer" can be spelled in many ways.
        header = connection.headers.get("authorization", "").partition(" ")[2].strip()
        given = header or connection.cookies.get(self.cookie) or ""
        return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest() if given else ""

    def _wait(self, credential: str, connection: ASGIConnection) -> float:  # type: ignore[type-arg]
        now = self.clock()
        if credential in self.collectors:
            return 0.0
        if credential in self.known:
            return self.known.take(credential, now)
        return self.unknown.take(place_of(connection.client.host if connection.client else ""), now)

    def _remember(self, credential: str, actor: Actor) -> None:
        mine = self.collectors if Role.COLLECTOR in actor.roles else self.known
        for buckets in (self.known, self.collectors):
            if buckets is mine and actor.known:
                buckets.open(credential, self.clock())
            else:
                buckets.forget(credential)
