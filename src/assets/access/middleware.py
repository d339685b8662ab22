"""Who is behind each call, and whether its browser was sent here by our own pages."""

import base64
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from assets import clock
from assets.access.actor import NOBODY, Actor
from assets.access.permissions import Action
from assets.access.sessions import holder_of
from assets.errors import NotAllowed, NotSignedIn
from assets.settings import LOOPBACK
from assets.web.bodies import BASIC
from assets.web.language import N_

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
Bearer = Callable[[str, str], Awaitable[Actor | None]]
CREDENTIALS_MAX = 500


class Cookies(Protocol):
    """What the middleware needs of the settings."""

    @property
    def cookie(self) -> str:
        """The session cookie's name."""

    @property
    def url(self) -> str:
        """Our own web address."""

    @property
    def asks_second_factor(self) -> bool:
        """Whether people of the province need a second factor."""


class SignedInMiddleware(ASGIMiddleware):
    """Puts the actor into the connection's state: a session's person, a token's owner, a collector, or NOBODY.

    A bearer token that is wrong is 401 at once; an old cookie is merely nobody, and so is everywhere but on the pages
    of signing in who still owes a step there (`holder` in the state says who and which). A change without a token must
    come from our own pages, signed in or not (nobody shall be signed in to another's account unawares): browsers say so
    in Sec-Fetch-Site, and where they do not, in Origin.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, settings: Cookies, bearers: Sequence[Bearer]) -> None:
        self.settings = settings
        self.bearers = bearers

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Find out who calls, then go on."""
        if not scope["path"].startswith(("/static/", "/health/")):
            connection: ASGIConnection[object, object, object, object] = ASGIConnection(scope)  # type: ignore[type-var]
            scope["state"]["actor"] = NOBODY  # also when the credential is refused
            scope["state"]["actor"] = await self._actor(connection)
        await next_app(scope, receive, send)

    async def _actor(self, connection: ASGIConnection) -> Actor:  # type: ignore[type-arg]
        origin = connection.client.host if connection.client else ""
        header = connection.headers.get("authorization", "")
        if header:
            return await self._by_token(header, origin, connection.scope["route_handler"].opt.get(BASIC))
        if connection.scope.get("method") not in SAFE:
            self._refuse_strangers(connection)
        cookie = connection.cookies.get(self.settings.cookie)
        if not cookie or len(cookie) > 200:
            return NOBODY
        by_itself = "hx-request" in connection.headers and connection.scope.get("method") in SAFE
        holder = await holder_of(
            cookie, origin=origin, second_factor=self.settings.asks_second_factor, now=clock.now(), touch=not by_itself
        )
        connection.scope["state"]["holder"] = holder
        return holder.actor if holder is not None and holder.owed is None else NOBODY

    async def _by_token(self, header: str, origin: str, only: Action | None) -> Actor:
        scheme, _, token = header.partition(" ")
        basic = only is not None and scheme.lower() == "basic"
        if basic:
            token = _password(token.strip())
        if basic or scheme.lower() == "bearer":
            for resolve in self.bearers:
                if (actor := await resolve(token.strip(), origin)) is not None:
                    # A password lies open on each computer; it must be good for nothing else.
                    if basic and actor.actions != frozenset({only}):
                        raise NotSignedIn(N_("As a password only a token is taken that is limited to this one action."))
                    return actor
        raise NotSignedIn(N_("The token is not known, has ended or was revoked."))

    def _refuse_strangers(self, connection: ASGIConnection) -> None:  # type: ignore[type-arg]
        site = connection.headers.get("sec-fetch-site")
        origin = connection.headers.get("origin")
        if site is not None and site not in ("same-origin", "none"):
            raise NotAllowed(N_("This change was sent from another web address."))
        if site is None and origin is not None and not _same(origin, self.settings.url, connection):
            raise NotAllowed(N_("This change was sent from another web address."))


def _password(credentials: str) -> str:
    """What stands behind the colon of RFC 7617; nothing when it is none."""
    try:
        return base64.b64decode(credentials[:CREDENTIALS_MAX], validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _same(origin: str, ours: str, connection: ASGIConnection) -> bool:  # type: ignore[type-arg]
    try:
        parts = urlsplit(origin)
        if (parts.scheme, parts.hostname, _port(parts)) == ((us := urlsplit(ours)).scheme, us.hostname, _port(us)):
            return True
    except ValueError:
        return False
    # On loopback people type localhost or 127.0.0.1 as they like; there, and there alone, the host of the call decides.
    return parts.hostname in LOOPBACK and parts.netloc == connection.headers.get("host", "")


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
