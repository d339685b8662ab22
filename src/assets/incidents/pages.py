"""The list of incidents, and each with its story."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

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
from assets.errors import Invalid, NotFound
from assets.incidents import queries, service
from assets.incidents.api import INCIDENTS, SEVERITIES, STATES
from assets.inventory.saved_filters.pages import saved_for
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
UNRESOLVED = ("open", "acknowledged")
# The list of the API with what a page shows, and another order to begin with.
LISTING = replace(INCIDENTS, select=queries.FIELDS, source=queries.SOURCE, sort="-urgency")


@get(
    ["/incidents", "/incidents.json"], name="incidents", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies=listed(LISTING)["dependencies"],
    opt={"twin": (Page[queries.IncidentRow], "incidents"), "listing": LISTING},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Incidents of the caller's sites, the most urgent first; those that are not resolved unless a state is asked for."""
    filters = {f.column: f.values for f in asked.filters}
    where = () if "state" in filters else [("i.state = any({}::text[])", [list(UNRESOLVED)])]
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, LISTING, asked, queries.row, scope=actor.scope, where=where)
    kept = {**asked.again(), "state": [str(state) for state in filters.get("state", UNRESOLVED)]}
    return show(
        request, "incidents/list.html", found, part="incidents/_list.html", asked=filters, query_text=asked.q,
        states=STATES, severities=SEVERITIES, kept=kept,
        saved=await saved_for(request, actor, "incidents", asked.again()),
    )  # fmt: skip


@get("/incidents/{number:str}", guards=[requires(Action.VIEW)], **twin(queries.IncidentPage, "incident"))
async def one(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One incident: what happened, who was told, who has it."""
    return await _one(request, actor, _number(number), {}, {})


async def _one(
    request: AnyRequest,
    actor: Actor,
    number: int,
    given: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = 200,
) -> Response[Any]:
    view = await queries.one(actor, number, clock.now())
    return show(
        request, "incidents/one.html", view, part="incidents/_one.html", may_handle=actor.may(Action.HANDLE_INCIDENT),
        note_max=service.NOTE_MAX, given=given, errors=errors, status=status,
    )  # fmt: skip


@post("/incidents/{number:str}/acknowledge", guards=[requires(Action.HANDLE_INCIDENT)], include_in_schema=False)
async def acknowledge(number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Say that somebody has it, and show it again."""
    wanted = _number(number)
    await service.acknowledge(actor, wanted, now=clock.now())
    return Redirect(f"/incidents/{wanted}", status_code=303)


@post("/incidents/{number:str}/resolve", guards=[requires(Action.HANDLE_INCIDENT)], include_in_schema=False)
async def resolve(
    request: AnyRequest, number: FromPath[str], data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Say that what people reported is mended, and show it again."""
    wanted = _number(number)
    try:
        await service.resolve(actor, wanted, data.get("note", ""), now=clock.now())
    except Invalid as error:
        return await _one(request, actor, wanted, data, error.fields, error.status)
    return Redirect(f"/incidents/{wanted}", status_code=303)


def _number(text: str) -> int:
    digits = without_suffix(text)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(queries.NUMBER_MAX))):
        raise NotFound()
    return int(digits)


routes: Sequence[ControllerRouterHandler] = (listing, one, acknowledge, resolve)
