"""Litestar guards: one action a route."""

from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from assets.access.actor import NOBODY, Actor
from assets.access.permissions import Action
from assets.db import NOTHING
from assets.errors import NotAllowed, NotSignedIn


def current_actor(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """The actor that the sign-in middleware found behind this call; NOBODY when there is none."""
    actor = connection.scope["state"].get("actor", NOBODY)
    assert isinstance(actor, Actor)
    return actor


def requires(action: Action, *, province: bool = False) -> Guard:
    """A guard that lets through whose roles allow `action`: 401 for nobody, 403 for the others.

    From here on the call has the scope of the grants that allow it. With `province` it is about what belongs to no
    site: 403 also for those whose scope is less than everything.
    """

    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        whole = current_actor(connection)
        # Pages show the ways of the whole person, whatever this call is about. Guards may run twice: see web.bodies.
        connection.scope["state"].setdefault("person", whole)
        actor = connection.scope["state"]["actor"] = whole.require(action)
        if province and not actor.scope.everything:
            raise NotAllowed()

    guard.action = action  # type: ignore[attr-defined]  # read by the permission test
    return guard


def requires_any(*actions: Action) -> Guard:
    """A guard that lets through whose roles allow one of the actions, with the scope of the grants that allow any."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        whole = current_actor(connection)
        connection.scope["state"].setdefault("person", whole)
        if not whole.known:
            raise NotSignedIn()
        allowed = [action for action in actions if whole.may(action)]
        if not allowed:
            raise NotAllowed()
        scope = reduce(or_, (whole.within(action).scope for action in allowed), NOTHING)
        connection.scope["state"]["actor"] = replace(whole, scope=scope)

    return guard


def signed_in(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard for what every person may do who has signed in: 401 for nobody, 403 for collectors."""
    actor = current_actor(connection)
    if not actor.known:
        raise NotSignedIn()
    if not actor.login:
        raise NotAllowed()


def own_account(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard for one's own account: like `signed_in`, and 403 for a token with limits."""
    signed_in(connection, handler)
    if current_actor(connection).limited:
        raise NotAllowed()
