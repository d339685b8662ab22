"""No query parameter is passed over in silence: what a route does not know is 400 and named."""

from collections.abc import Mapping
from typing import Any

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from assets.errors import Invalid
from assets.web.language import N_
from assets.web.paging import UNKNOWN
from assets.web.paths import refuse_other_spellings

CHECKED = frozenset({"GET", "HEAD"})
# Probes and browsers add things of their own here; nothing is chosen by a query.
LENIENT = ("/static/", "/health/", "/schema", "/metrics")


def check(request: Request[Any, Any, Any]) -> None:
    """For Litestar's `before_request`, after the guards."""
    refuse_other_spellings(request)
    refuse_unknown(request)


def refuse_unknown(request: Request[Any, Any, Any]) -> None:
    """Invalid names each parameter that the route does not have.

    A route knows the query parameters of its signature and the names in its `opt["query"]`; a list checks its own.
    """
    scope = request.scope
    if scope["method"] not in CHECKED or scope["path"].startswith(LENIENT):
        return
    handler: BaseRouteHandler = scope["route_handler"]
    if "listing" in handler.opt:
        return
    known = declared(handler)
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
