"""No query parameter is passed over in silence: what a route does not know is 400 and named."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from assets.errors import Invalid
from assets.web.bodies import API
from assets.web.language import N_
from assets.web.paging import UNKNOWN
from assets.web.paths import refuse_other_spellings

ANY = "*"
CHECKED = frozenset({"GET", "HEAD"})
# Probes and browsers add things of their own here; nothing is chosen by a query.
LENIENT = ("/static/", "/health/", "/schema", "/metrics")


def check(request: Request[Any, Any, Any]) -> None:
    """For Litestar's `before_request`, after the guards."""
    refuse_other_spellings(request)
    refuse_unreadable(request.scope["query_string"])
    refuse_unknown(request)


def refuse_unreadable(query: bytes) -> None:
    """Invalid names each parameter that is not UTF-8 or has a NUL: others would guess what was meant."""
    wrong = {}
    for part in query.split(b"&"):
        plain = unquote_to_bytes(part)
        if not _readable(plain):
            wrong[plain.partition(b"=")[0].replace(b"\0", b"").decode(errors="replace")] = (
                "It is not UTF-8, or has a NUL."
            )
    if wrong:
        raise Invalid(N_("Some parameters are not valid."), fields=wrong)


def _readable(plain: bytes) -> bool:
    try:
        return "\0" not in plain.decode()
    except UnicodeDecodeError:
        return False


def refuse_unknown(request: Request[Any, Any, Any]) -> None:
    """Invalid names each parameter that the route does not have.

    A route knows the query parameters of its signature and the names in its `opt["query"]`; a list checks its own. With
    `*` there it takes any: an address that people send each other gets parameters of their messengers.
    """
    scope = request.scope
    if not (scope["method"] in CHECKED or scope["path"].startswith(API)) or scope["path"].startswith(LENIENT):
        return
    handler: BaseRouteHandler = scope["route_handler"]
    if "listing" in handler.opt:
        return
    known = declared(handler)
    if ANY in known:
        return
    if wrong := dict.fromkeys((name for name in request.query_params if name not in known), UNKNOWN):
        raise Invalid(N_("Some parameters are not valid."), fields=wrong)


def declared(handler: BaseRouteHandler) -> frozenset[str]:
    """The query parameters that a route has."""
    fields: Mapping[str, Any] = handler.parsed_fn_signature.parameters
    signed = {
        field.kwarg_definition.name or name
        for name, field in fields.items()
        if isinstance(field.kwarg_definition, QueryParameter)
    }
    return frozenset(signed | set(handler.opt.get("query", ())))
