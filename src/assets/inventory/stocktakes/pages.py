"""Pages of stocktakes, for a telephone in a room first: a list, a form to open one, and the place where it is counted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import AssetsError, Conflict, Invalid, Stale
from assets.ids import new_id
from assets.inventory.stocktakes import queries, service
from assets.inventory.stocktakes.counting import SETTLEMENTS, Result, Settlement, State, tag_of
from assets.inventory.stocktakes.queries import ITEMS, STATES, STOCKTAKES, ItemOut, StateOut, StocktakeOut
from assets.web.forms import Choice
from assets.web.language import N_, choose, translate
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
SHOWN = 200  # of each result on the page; the whole list is a file
TABS = (Result.PENDING, Result.MISSING, Result.ELSEWHERE, Result.UNKNOWN, Result.FOUND)


class NewStocktake(BaseModel):
    """What the form for a new stocktake offers."""

    sites: list[Choice]


class StocktakePage(BaseModel):
    """A stocktake with the things of one result, the last ones that were counted, and the words of their states."""

    stocktake: StocktakeOut
    result: Result
    items: list[ItemOut]
    rooms: list[str]
    states: list[StateOut]
    last: ItemOut | None


@get(
    ["/stocktakes", "/stocktakes.json"], name="stocktakes", include_in_schema=False, guards=[requires(Action.VIEW)],
    dependencies=listed(STOCKTAKES)["dependencies"], opt={"twin": (Page[StocktakeOut], "stocktakes"), "listing": STOCKTAKES},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Stocktakes of the caller's sites."""
    async with transaction(actor.scope) as tx:
        view = await fetch(tx, STOCKTAKES, asked, queries.stocktake_out, scope=actor.scope)
    return show(
        request,
        "stocktakes/list.html",
        view,
        query_text=asked.q,
        kept=asked.again(),
        may_open=actor.may(Action.TAKE_STOCK),
    )


@get(["/stocktakes/new", "/stocktakes/new.json"], name="new_stocktake", guards=[requires(Action.TAKE_STOCK)],
     **twin(NewStocktake, "new_stocktake"))  # fmt: skip
async def form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form for a new stocktake."""
    return await _form(request, actor, {}, {})


@post("/stocktakes/new", guards=[requires(Action.TAKE_STOCK)], include_in_schema=False)
async def open_one(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Open what the form says and go on to count."""
    try:
        if not data.get("site"):
            raise Invalid(fields={"site": N_("Please choose one of the list.")})
        new = service.New(
            site=data.get("site", ""), title=data.get("title", ""), whole_unit=data.get("whole_unit") == "1",
            as_of=_moment(data.get("as_of", "")), form_number=data.get("form_number", ""), members=data.get("members", ""),
        )  # fmt: skip
        number = await service.open_stocktake(actor, new, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, data, _errors(request, error, "site"), error.status)
    return Redirect(f"/stocktakes/{number}", status_code=303)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=clock.LOCAL_ZONE)
    except (ValueError, OverflowError):
        raise Invalid(fields={"as_of": N_("Please write a date as day/month/year.")}) from None


async def _form(
    request: AnyRequest, actor: Actor, given: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        # Row-level security shows the caller's sites.
        sites = [Choice(**row) for row in await tx.fetch("select code, name from sites order by sort, code")]
    return show(
        request, "stocktakes/new.html", NewStocktake(sites=sites), given=given, errors=errors, status=status,
        members_max=service.MEMBERS_MAX,
    )  # fmt: skip


@get("/stocktakes/{number:str}", name="stocktake", guards=[requires(Action.VIEW)],
     **twin(StocktakePage, "stocktake", ("result", "scanned", "room")))  # fmt: skip
async def one(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Count, see what is left, settle what differs."""
    return await _page(request, actor, without_suffix(number), {}, {})


async def _page(
    request: AnyRequest,
    actor: Actor,
    number: str,
    given: Mapping[str, str],
    errors: Mapping[str, str],
    status: int = 200,
) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        found = await queries.one(tx, actor.scope, number)
        scanned = tag_of(str(request.query_params.get("scanned") or "")[:400])
        result = _chosen(given.get("result") or str(request.query_params.get("result") or ""), found)
        view = StocktakePage(
            stocktake=found, result=result, items=await _some(tx, actor, found.number, ("i.result = {}", [result])),
            rooms=[
                row["room"] for row in await tx.fetch(
                    "select distinct room from stocktake_items where stocktake = $1 and room <> '' order by room", found.id
                )
            ],
            states=(await fetch(tx, STATES, ListQuery(), queries.state_out)).items,
            last=next(iter(await _some(tx, actor, found.number, ("i.tag = {}", [scanned]))), None) if scanned else None,
        )  # fmt: skip
    site = found.site
    return show(
        request, "stocktakes/one.html", view, status=status, given=given, errors=errors, tabs=TABS, site=site,
        room=given.get("room") or str(request.query_params.get("room") or "")[: service.ROOM_MAX], key=str(new_id()),
        may_count=actor.may(Action.TAKE_STOCK), may_approve=actor.may(Action.APPROVE_STOCKTAKE), shown=SHOWN,
        settlements={result: [s for s in Settlement if s in kinds] for result, kinds in SETTLEMENTS.items()},
        states={state.code: state.name if choose(request) == "vi" else state.name_en for state in view.states},
        members_max=service.MEMBERS_MAX,
    )  # fmt: skip


def _chosen(asked: str, found: StocktakeOut) -> Result:
    """The result that is shown: the one that was asked for, else what needs somebody most."""
    if asked in set(Result):
        return Result(asked)
    first = TABS if found.state in (State.CLOSED, State.APPROVED) else (Result.PENDING, Result.FOUND)
    return next((result for result in first if getattr(found, result)), Result.FOUND)


async def _some(tx: Connection, actor: Actor, number: int, where: tuple[str, Sequence[object]]) -> list[ItemOut]:
    narrowed = [("t.number = {}", [number]), where]
    return (await fetch(tx, ITEMS, ListQuery(limit=SHOWN), queries.item_out, scope=actor.scope, where=narrowed)).items


@post("/stocktakes/{number:str}/scans", guards=[requires(Action.TAKE_STOCK)], include_in_schema=False)
async def scan(request: AnyRequest, number: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Take in what a scanner typed into the form; the answer is the page again, ready for the next one."""
    try:
        seen = service.Seen(
            data.get("tag", "")[:400], service.scan_id(data.get("key", "")), None, data.get("state", ""),
            data.get("room", ""), data.get("note", ""),
        )  # fmt: skip
        (answer,) = await service.scan(actor, number, [seen], now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, number, data, _errors(request, error, "tag"), error.status)
    return _back(number, scanned=answer.tag, room=data.get("room", ""))


@post("/stocktakes/{number:str}/settle", guards=[requires(Action.TAKE_STOCK)], include_in_schema=False)
async def settle(
    request: AnyRequest, number: FromPath[str], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Settle the difference of one tag."""
    try:
        if data.get("settlement") not in set(Settlement):
            raise Invalid(fields={"settlement": N_("Please choose one of the list.")})
        settled = service.Settled(
            data.get("tag", ""), Settlement(data["settlement"]), data.get("note", ""), data.get("state", "")
        )
        await service.settle(actor, number, [settled], now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, number, data, _errors(request, error, "settlement"), error.status)
    return _back(number, result=data.get("result", ""))


@post("/stocktakes/{number:str}/edit", guards=[requires(Action.TAKE_STOCK)], include_in_schema=False)
async def edit(request: AnyRequest, number: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Change what stands on the minutes."""
    version = data.get("version", "")
    try:
        if not (version.isascii() and version.isdigit()):
            raise Stale()
        changes = {name: data[name] for name in service.EDITABLE if name in data}
        await service.edit(actor, number, changes, version=int(version[:9]))
    except (Invalid, Conflict) as error:
        return await _page(request, actor, number, data, _errors(request, error, "members"), error.status)
    return _back(number)


@post("/stocktakes/{number:str}/close", guards=[requires(Action.TAKE_STOCK)], include_in_schema=False)
async def close(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """End the counting."""
    try:
        await service.close(actor, number, now=clock.now())
    except Conflict as error:
        return await _page(request, actor, number, {}, _errors(request, error, "act"), error.status)
    return _back(number)


@post("/stocktakes/{number:str}/approve", guards=[requires(Action.APPROVE_STOCKTAKE)], include_in_schema=False)
async def approve(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Accept the result and put the register right."""
    try:
        await service.approve(actor, number, now=clock.now())
    except Conflict as error:
        return await _page(request, actor, number, {}, _errors(request, error, "act"), error.status)
    return _back(number)


@post("/stocktakes/{number:str}/cancel", guards=[requires(Action.TAKE_STOCK)], include_in_schema=False)
async def cancel(
    request: AnyRequest, number: FromPath[str], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Give it up, with the reason."""
    try:
        await service.cancel(actor, number, data.get("reason", ""), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, number, data, _errors(request, error, "act"), error.status)
    return _back(number)


def _errors(request: AnyRequest, error: AssetsError, otherwise: str) -> dict[str, str]:
    chosen = choose(request)
    fields = dict(error.fields) if isinstance(error, Invalid) else {}
    found = {name.rpartition(".")[2]: translate(chosen, said) for name, said in fields.items()}
    return found or {otherwise: translate(chosen, error.detail, **error.facts)}


def _back(number: str, **query: str) -> Response[Any]:
    kept = {name: value for name, value in query.items() if value}
    return Redirect(
        f"/stocktakes/{service.number_of(number)}" + (f"?{urlencode(kept)}" if kept else ""), status_code=303
    )


routes: Sequence[ControllerRouterHandler] = (listing, form, open_one, one, scan, settle, edit, close, approve, cancel)
