"""One resource, one address; HEAD and Allow as RFC 9110 wants them."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Litestar, Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.utils import normalize_path

from assets.errors import NotFound

NUMBER_MAX = 2**31 - 1  # what numbers of things are stored as


class PathMiddleware(ASGIMiddleware):
    """Answers HEAD like GET without its content, and reads a path with idle slashes as the one without them."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Go on with the plain path."""
        head = scope.get("method") == "HEAD"

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders(message)
                if plain["method"] == "OPTIONS" and "path_template" in plain:
                    headers["Allow"] = _allowed(_methods(plain))
                elif (allowed := headers.get("allow")) is not None:
                    headers["Allow"] = _allowed(allowed.split(", "))
            elif head and message["type"] == "http.response.body":
                if message.get("more_body"):
                    return
                message["body"] = b""
            await send(message)

        # A copy: the server must still know that it was HEAD. What is kept in the state is shared.
        plain: Any = {**scope, "path": normalize_path(scope["path"]), **({"method": "GET"} if head else {})}
        await next_app(plain, receive, answered)


def refuse_other_spellings(request: Request[Any, Any, Any]) -> None:
    """NotFound where a number or an id in the path is written as nobody writes it: 1_0, +1, ١, 007, {id}."""
    segments = frozenset(request.scope["path"].lower().split("/"))
    for value in request.path_params.values():
        if isinstance(value, UUID | int) and str(value) not in segments:
            raise NotFound()
        if isinstance(value, int) and not 0 <= value <= NUMBER_MAX:
            raise NotFound()


def page_above(app: Litestar, path: str) -> str:
    """The page to which the address of a form belongs, as a path: the one that the form's `page` names, else the nearest above.

    A form that was refused answers under its own address, which people then refresh, copy and send around.
    """
    routes = [route for route in app.routes if isinstance(route, HTTPRoute)]
    parts = [part for part in path.split("/") if part]
    for route in routes:
        for handler in route.route_handlers if _fits(route, parts) else ():
            if named := handler.opt.get("page"):
                return str(named)
    for end in range(len(parts) - 1, 0, -1):
        if any("GET" in route.methods and _fits(route, parts[:end]) for route in routes):
            return quote("/" + "/".join(parts[:end]))
    return "/"


def _fits(route: HTTPRoute, parts: list[str]) -> bool:
    own = route.path_components
    return len(own) == len(parts) and all(
        not isinstance(one, str) or one == part for one, part in zip(own, parts, strict=True)
    )


def _methods(scope: Any) -> Iterator[str]:
    # Litestar's own list has only those handlers of a path that were registered first.
    for route in scope["litestar_app"].routes:
        if isinstance(route, HTTPRoute) and route.path_format == scope["path_template"]:
            yield from route.methods


def _allowed(methods: Iterable[str]) -> str:
    found = set(methods)
    return ", ".join(sorted(found | ({"HEAD"} if "GET" in found else set())))
