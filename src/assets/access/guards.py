"""Litestar guards: one action a route."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from assets.access.actor import NOBODY, Actor
from assets.access.permissions import Action


def current_actor(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor:
    """The actor that the sign-in middleware found behind this call; NOBODY when there is none."""
    actor = connection.scope["state"].get("actor", NOBODY)
    assert isinstance(actor, Actor)
    return actor


def requires(action: Action) -> Guard:
    """A guard that lets through whose roles allow `action`: 401 for nobody, 403 for the others."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        current_actor(connection).require(action)

    guard.action = action  # type: ignore[attr-defined]  # read by the permission test
    return guard
