"""Pages of consumables: what is low, the ledger of one, and the forms that move it; made for a phone in a store-room."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import AssetsError, Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory.stock import consumables, service
from assets.inventory.stock.api import (
    CONSUMABLES,
    MOVEMENTS,
    STOCK,
    ConsumableOut,
    MovementOut,
    StockOut,
    consumable_out,
    movement_out,
    one_consumable,
    stock_out,
)
from assets.inventory.stock.ledger import QUANTITY_MAX, Act
from assets.inventory.stock.shipments import ship
from assets.web.forms import Choice, whole, written_day
from assets.web.language import N_, choose, translate
from assets.web.paging import LIMIT_MAX, ListQuery, Page, fetch
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
EDITOR = requires(Action.EDIT_INVENTORY)
ADDER = requires(Action.EDIT_INVENTORY, province=True)
MODELS_MAX = consumables.MODELS_MAX
ROWS = 200
LINES = 100  # of a ledger on its page
ASSETS_MAX = 500  # to choose from
DIGITS_MAX = 7
FIELDS_MAX = 50


class Printer(BaseModel):
    """An asset of the site to which something can be issued; `fits` says that the consumable is made for its model."""

    tag: str
    name: str
    fits: bool


class StockPage(Page[StockOut]):
    """What lies where, low first; `consumables` are all that there are."""

    low: int
    sites: list[Choice]
    consumables: list[ConsumableOut]


class LedgerPage(BaseModel):
    """One consumable: what of it lies where, and its newest lines."""

    consumable: ConsumableOut
    stock: list[StockOut]
    lines: list[MovementOut]
    total: int
    site: str
    sites: list[Choice]


class BatchRow(BaseModel):
    """What is left of a batch."""

    batch: str
    quantity: int
    expires_on: date | None


class MoveForm(BaseModel):
    """What the form of an act at a site offers."""

    act: Act
    consumable: ConsumableOut
    site: Choice
    quantity: int
    batches: list[BatchRow]
    assets: list[Printer]
    sites: list[Choice]


def _asked(request: AnyRequest) -> ListQuery:
    # A form sends its empty fields too; they ask for nothing.
    given = request.query_params
    kept = {name: values for name in given if (values := [v for v in given.getall(name) if v])}
    asked = ListQuery.of(kept, STOCK)
    return asked if "limit" in kept else replace(asked, limit=ROWS)


@get(
    ["/stock", "/stock.json"], name="stock", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": Provide(_asked, sync_to_thread=False)}, opt={"twin": (StockPage, "stock"), "listing": STOCK},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """What the caller's sites keep, what is low first."""
    async with transaction(actor.scope) as tx:
        low = ListQuery.of({"low": "true", "limit": "1"}, STOCK)
        view = StockPage(
            **dict(await fetch(tx, STOCK, asked, stock_out, scope=actor.scope)),
            low=(await fetch(tx, STOCK, low, stock_out, scope=actor.scope)).total, sites=await _sites(tx),
            consumables=(await fetch(tx, CONSUMABLES, ListQuery(limit=LIMIT_MAX), consumable_out)).items,
        )  # fmt: skip
    return show(
        request, "inventory/stock.html", view, query_text=asked.q, kept=asked.again(), may_edit=_may(actor),
        asked={name: values for name, values in asked.again().items() if name not in ("q", "sort")},
        may_add=actor.everywhere(Action.EDIT_INVENTORY), kinds=consumables.KINDS,
    )  # fmt: skip


def _may(actor: Actor) -> bool:
    return actor.may(Action.EDIT_INVENTORY)


async def _sites(tx: Connection) -> list[Choice]:
    # Row-level security shows the caller's sites.
    return [Choice(**row) for row in await tx.fetch("select code, name from sites where open order by sort, code")]


@get("/stock/{consumable:str}", guards=[requires(Action.VIEW)], **twin(LedgerPage, "stock_ledger", ("site", "done")))
async def ledger(request: AnyRequest, consumable: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One consumable and its ledger, of all of the caller's sites or of `?site=`."""
    return await _ledger(request, actor, without_suffix(consumable), _text(request, "site"))


def _text(request: AnyRequest, name: str) -> str:
    text = str(request.query_params.get(name) or "")
    if "\0" in text or len(text) > 40:
        raise Invalid(fields={name: N_("This value is not valid.")})
    return text


async def _ledger(
    request: AnyRequest, actor: Actor, code: str, site: str = "", *, status: int = 200, refused: str = "",
    wrong: tuple[UUID, str] | None = None,
) -> Response[Any]:  # fmt: skip
    own = ListQuery(limit=LIMIT_MAX, sort="-low")
    async with transaction(actor.scope) as tx:
        consumable = await one_consumable(tx, code)
        where: list[tuple[str, Sequence[object]]] = [("c.id = {}", [consumable.id])]
        narrowed = [*where, ("s.code = {}", [site])] if site else where
        order = "-number" if site else "-at"
        found = await fetch(
            tx, MOVEMENTS, ListQuery(limit=LINES, sort=order), movement_out, scope=actor.scope, where=narrowed
        )
        view = LedgerPage(
            consumable=consumable, stock=(await fetch(tx, STOCK, own, stock_out, scope=actor.scope, where=where)).items,
            lines=found.items, total=found.total, site=site, sites=await _sites(tx),
        )  # fmt: skip
    return show(
        request, "inventory/stock_ledger.html", view, status=status, may_edit=_may(actor), refused=refused,
        done=_text(request, "done"), acts=list(Act), wrong=wrong,
    )  # fmt: skip


@get(
    ["/stock/{consumable:str}/move", "/stock/{consumable:str}/move.json"], name="stock_move", guards=[EDITOR],
    **twin(MoveForm, "stock_move", ("site", "act")),
)  # fmt: skip
async def move_form(request: AnyRequest, consumable: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The form of an act (`?act=`) at a site (`?site=`); without a site that of the caller, who chooses one first of several."""
    act = _act(_text(request, "act"))
    if not _text(request, "site") and not request.scope["path"].endswith(".json"):
        async with transaction(actor.scope) as tx:
            code, several = (await one_consumable(tx, consumable)).code, len(await _sites(tx)) != 1
        if several:
            return Redirect(f"/stock/{quote(code)}", status_code=303)
    return await _form(request, actor, consumable, _text(request, "site"), act)


def _act(text: str) -> Act:
    if text and text not in set(Act):
        raise Invalid(fields={"act": N_("Please choose one of the list.")})
    return Act(text) if text else Act.ISSUE


@post("/stock/{consumable:str}/move", guards=[EDITOR], include_in_schema=False)
async def move(request: AnyRequest, consumable: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Write the movement that the form says; what is refused comes back with what was typed."""
    given = await _given(request)
    act = _act(given.get("act", ""))
    try:
        said = service.Movement(
            act, given.get("site", ""), consumable, _number(given.get("quantity", "")), given.get("asset_tag", ""),
            given.get("holder", ""), given.get("to_site", ""), given.get("batch", ""), written_day(given, "expires_on"),
            given.get("reason", ""), _key(given.get("key", "")),
        )  # fmt: skip
        await (ship if act is Act.TRANSFER else service.move)(actor, said, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, consumable, given.get("site", ""), act, given, error)
    return _back(consumable, said.site, "sent" if act is Act.TRANSFER else "1")


@post("/stock/{consumable:str}/{movement:uuid}/reverse", guards=[EDITOR], include_in_schema=False)
async def reverse(
    request: AnyRequest, consumable: FromPath[str], movement: FromPath[UUID], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Take a wrong line back."""
    given = await _given(request)
    try:
        await service.reverse(actor, movement, given.get("reason", ""), now=clock.now())
    except (Invalid, Conflict) as error:
        said = next(iter(error.fields.values()), error.detail) if isinstance(error, Invalid) else error.detail
        refused = translate(choose(request), said, **error.facts)
        return await _ledger(request, actor, consumable, status=error.status, refused=refused,
                             wrong=(movement, given.get("reason", "")))  # fmt: skip
    return _back(consumable, given.get("site", ""))


async def _given(request: AnyRequest) -> dict[str, str]:
    form = await request.form()
    if len(form) > FIELDS_MAX:
        raise Invalid(N_("What was sent cannot be read."))
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _key(text: str) -> UUID:
    """The key that the form was made with, so that it counts once; a new one when it is missing or none of ours."""
    try:
        key = UUID(text)
    except ValueError:
        return new_id()
    return key if key.version == 7 else new_id()


def _number(text: str) -> int:
    found = whole(text, DIGITS_MAX)
    return QUANTITY_MAX + 1 if found is None else found  # refused


def _back(consumable: str, site: str, done: str = "1") -> Response[Any]:
    for text in (consumable, site):
        if not all(char.isascii() and (char.isalnum() or char in "._-") for char in text):
            raise NotFound()
    return Redirect(f"/stock/{consumable}?site={site}&done={done}", status_code=303)


async def _form(
    request: AnyRequest, actor: Actor, code: str, site: str, act: Act, given: Mapping[str, str] | None = None,
    error: AssetsError | None = None,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        consumable = await one_consumable(tx, code)
        sites = await _sites(tx)
        found = await consumables.site_of(tx, actor, site) if site else None
        here = Choice(code=found["code"], name=found["name"]) if found else sites[0] if len(sites) == 1 else None
        if here is None:
            raise Invalid(fields={"site": N_("Please choose a site.")})
        view = MoveForm(
            act=act, consumable=consumable, site=here, batches=await _batches(tx, here.code, consumable.id),
            quantity=await _quantity(tx, here.code, consumable.id),
            assets=await _printers(tx, here.code, consumable.id) if act in (Act.ISSUE, Act.RETURN) else [],
            sites=[one for one in sites if one.code != here.code] if act is Act.TRANSFER else [],
        )  # fmt: skip
    errors = dict(error.fields) if isinstance(error, Invalid) else {}
    refused = translate(choose(request), error.detail, **error.facts) if isinstance(error, Conflict) else ""
    return show(
        request, "inventory/stock_move.html", view, status=error.status if error else 200, given=given or {}, errors=errors,
        refused=refused, quantity_max=QUANTITY_MAX, key=_key((given or {}).get("key", "")),
    )  # fmt: skip


async def _quantity(tx: Connection, site: str, consumable: UUID) -> int:
    found: int | None = await tx.fetchval(
        "select k.quantity from stock k join sites s on s.id = k.site where s.code = $1 and k.consumable = $2",
        site,
        consumable,
    )
    return found or 0


async def _batches(tx: Connection, site: str, consumable: UUID) -> list[BatchRow]:
    rows = await tx.fetch(
        "select b.batch, b.quantity, b.expires_on from stock_batches b join stock k on k.id = b.stock join sites s "
        "on s.id = k.site where s.code = $1 and k.consumable = $2 and b.quantity > 0 order by b.expires_on, b.batch",
        site, consumable,
    )  # fmt: skip
    return [BatchRow(**row) for row in rows]


async def _printers(tx: Connection, site: str, consumable: UUID) -> list[Printer]:
    """Assets of a site that are in use or under repair, those that the consumable fits first."""
    rows = await tx.fetch(
        "select a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, "
        "exists(select from consumable_models cm where cm.model = a.model and cm.consumable = $2) as fits "
        "from assets a join asset_models m on m.id = a.model join sites s on s.id = a.site "
        "where s.code = $1 and a.stage in ('in_use', 'in_repair', 'loaned') order by fits desc, a.tag limit $3",
        site, consumable, ASSETS_MAX,
    )  # fmt: skip
    return [Printer(**row) for row in rows]


class ModelChoice(BaseModel):
    """A model that a consumable can fit."""

    id: UUID
    name: str


class ConsumableForm(BaseModel):
    """What the form for a new consumable offers."""

    kinds: list[str]
    models: list[ModelChoice]


@get(["/stock/new", "/stock/new.json"], name="new_consumable", guards=[ADDER], **twin(ConsumableForm, "new_consumable"))
async def new(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form for a new consumable."""
    return await _new(request, actor, {}, [])


@post("/stock/new", guards=[ADDER], include_in_schema=False)
async def add(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Add a consumable as the form says."""
    given = await _given(request)
    ticked = [value for value in (await request.form()).getall("models", []) if isinstance(value, str)][:MODELS_MAX]
    try:
        made = consumables.NewConsumable(
            given.get("code", ""), given.get("name", ""), given.get("unit", ""), given.get("kind", ""),
            given.get("name_en", ""), _number(given.get("minimum", "") or "0"), given.get("note", ""),
            [_key(value) for value in ticked],
        )  # fmt: skip
        await consumables.add_consumable(actor, made)
    except (Invalid, Conflict) as error:
        return await _new(request, actor, given, ticked, error)
    return Redirect("/stock", status_code=303)


async def _new(
    request: AnyRequest, actor: Actor, given: Mapping[str, str], ticked: list[str], error: AssetsError | None = None
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        models = await tx.fetch(
            "select id, manufacturer || ' ' || name as name from asset_models order by manufacturer, name limit $1",
            MODELS_MAX,
        )
    view = ConsumableForm(kinds=list(consumables.KINDS), models=[ModelChoice(**row) for row in models])
    errors = dict(error.fields) if isinstance(error, Invalid) else {}
    refused = translate(choose(request), error.detail, **error.facts) if isinstance(error, Conflict) else ""
    return show(
        request, "inventory/consumable.html", view, status=error.status if error else 200, given=given, errors=errors,
        refused=refused, ticked=ticked,
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = (listing, new, add, ledger, move_form, move, reverse)
