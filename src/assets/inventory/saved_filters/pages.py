"""Saved filters on the pages of lists: chips to tap, and a form that saves what the page is asked."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory.saved_filters import service
from assets.inventory.saved_filters.api import FILTERS, filter_out, visible
from assets.web.forms import local_path
from assets.web.language import choose, translate
from assets.web.paging import ListQuery, fetch
from assets.web.templates import page

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
CHIPS_MAX = 30


async def saved_for(
    request: AnyRequest, actor: Actor, resource: str, kept: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What `_saved_filters.html` shows above the list `resource` that is asked for `kept`."""
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, FILTERS, ListQuery(limit=CHIPS_MAX), filter_out(request.app, actor),
            where=[visible(actor), ("f.resource = {}", [resource])],
        )  # fmt: skip
    query = urlencode(sorted((name, list(values)) for name, values in kept.items() if values), doseq=True)
    return {"resource": resource, "query": query, "filters": found.items, "may_share": service.may_share(actor)}


@get("/saved-filters", guards=[requires(Action.VIEW)], include_in_schema=False, opt={"query": ("resource", "query")})
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form that saves what a list was asked; it is opened where a refused one is refreshed."""
    given = {name: request.query_params.get(name, "") for name in ("resource", "query")}
    try:
        await service.checked(request.app, **given)
    except Invalid:
        return Redirect("/", status_code=303)
    new = service.NewFilter(given["resource"], "", given["query"], False)
    return page(request, "saved_filters/new.html", given=new, errors={}, may_share=service.may_share(actor))


@post("/saved-filters", guards=[requires(Action.VIEW)], include_in_schema=False)
async def save(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Save what a list was asked, and show it so."""
    new = service.NewFilter(
        data.get("resource", ""), data.get("name", ""), data.get("query", ""), data.get("shared") == "true"
    )
    try:
        await service.save(actor, new, app=request.app, now=clock.now())
    except (Invalid, Conflict) as error:
        told = error.fields if isinstance(error, Invalid) else {"name": error.detail}
        errors = {name: translate(choose(request), why) for name, why in told.items()}
        return page(
            request, "saved_filters/new.html", status=error.status, given=new, errors=errors,
            may_share=service.may_share(actor),
        )  # fmt: skip
    return Redirect(local_path(f"/{new.resource}?{new.query}"), status_code=303)


@get("/saved-filters/{filter:uuid}/delete", guards=[requires(Action.VIEW)], include_in_schema=False)
async def remove_form(request: AnyRequest, filter: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """The list whose filter was to be removed."""
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, FILTERS, ListQuery(limit=1), filter_out(request.app, actor),
            where=[visible(actor), ("f.id = {}", [filter])],
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return Redirect(f"/{found.items[0].resource}", status_code=303)


@post("/saved-filters/{filter:uuid}/delete", guards=[requires(Action.VIEW)], include_in_schema=False)
async def remove(filter: FromPath[UUID], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Remove a filter, and show the list again."""
    version = data.get("version", "")
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= 9 else 0
    await service.remove(actor, filter, version=number)
    return Redirect(local_path(data.get("next")), status_code=303)


routes: Sequence[ControllerRouterHandler] = [form, save, remove_form, remove]
