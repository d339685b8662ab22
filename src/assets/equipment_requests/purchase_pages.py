"""Pages of purchases: what waits to be bought, the list, one that is ordered, taken in or given up; and a part's own acts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests import parts, purchase_queries, purchases
from assets.equipment_requests.answering import PartOut
from assets.equipment_requests.forms import WHOLE_NUMBER, Fields
from assets.equipment_requests.purchase_queries import PURCHASES, PurchaseDetail, PurchaseOut
from assets.equipment_requests.purchases import Arrived, NewPurchase, Order
from assets.errors import Conflict, Invalid, NotFound
from assets.web.forms import Choice, grouped, numbered
from assets.web.language import choose
from assets.web.paging import ListQuery, Page, listed
from assets.web.templates import page, show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
CHOICES_MAX = 500


class PurchaseList(Page[PurchaseOut]):
    """The list, and before it what waits to be bought."""

    waiting: list[PartOut]


class PurchasePage(PurchaseDetail):
    """A purchase with what its form for arrivals offers."""

    stores: list[Choice]
    models: list[Choice]
    consumables: list[Choice]
    categories: list[Choice]


@get(
    ["/purchases", "/purchases.json"], name="purchases", include_in_schema=False, guards=[requires(Action.VIEW_REQUESTS)],
    dependencies=listed(PURCHASES)["dependencies"], opt={"twin": (PurchaseList, "purchases"), "listing": PURCHASES},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Purchases, and for whoever buys what waits to be bought."""
    return await _listing(request, actor, asked, {}, {})


async def _listing(
    request: AnyRequest, actor: Actor, asked: ListQuery, given: Mapping[str, list[str]], errors: Mapping[str, str]
) -> Response[Any]:
    buys = actor.everywhere(Action.FULFIL_REQUEST)
    async with transaction(actor.scope) as tx:
        found = await purchase_queries.listed_purchases(tx, asked)
        waiting = await purchase_queries.waiting(tx, choose(request)) if buys else []
    return show(
        request, "equipment_requests/purchases.html", PurchaseList(**dict(found), waiting=waiting),
        query_text=asked.q, kept=asked.again(), given=given, errors=errors, status=Invalid.status if errors else 200,
        asked={f.column: [str(value) for value in f.values] for f in asked.filters},
    )  # fmt: skip


@post("/purchases/new", guards=[requires(Action.FULFIL_REQUEST)], include_in_schema=False)
async def plan(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Buy the ticked parts together."""
    fields = Fields.of(await request.form())
    chosen = [found for text in fields.values.get("part", []) if (found := _id(text))]
    try:
        number = await purchases.plan(actor, NewPurchase(fields.text("title"), chosen), now=clock.now())
    except (Invalid, Conflict) as error:
        wrong = dict(error.fields) if isinstance(error, Invalid) else {"parts": error.detail}
        return await _listing(request, actor, ListQuery(), fields.values, wrong)
    return Redirect(f"/purchases/{number}", status_code=303)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@get(
    "/purchases/{number:str}", guards=[requires(Action.VIEW_REQUESTS)], **twin(PurchasePage, "purchase", ("done",)),
)  # fmt: skip
async def one(request: AnyRequest, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """One purchase: for whom, what has come, and its next step."""
    return await _one(request, actor, without_suffix(number))


@post("/purchases/{number:str}/{act:str}", guards=[requires(Action.FULFIL_REQUEST)], include_in_schema=False)
async def take(
    request: AnyRequest, number: FromPath[str], act: FromPath[str], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Order it, take in what came, or give it up."""
    if act not in _ACTS:
        raise NotFound()
    fields = Fields.of(await request.form())
    try:
        await _ACTS[act](actor, numbered(number), fields)
    except (Invalid, Conflict) as error:
        wrong = dict(error.fields) if isinstance(error, Invalid) else {}
        refused = None if wrong else (error.detail, error.facts)
        return await _one(request, actor, number, fields, wrong, refused, tried=act, status=error.status)
    return Redirect(f"/purchases/{number}?done={act}", status_code=303)


async def _order(actor: Actor, number: int, fields: Fields) -> None:
    said = Order(
        fields.text("supplier"),
        fields.text("decision_number"),
        fields.day("expected_on"),
    )
    await purchases.order(actor, number, said, version=fields.number("version"), now=clock.now())


async def _arrive(actor: Actor, number: int, fields: Fields) -> None:
    wrong = {
        name: WHOLE_NUMBER
        for name in ("quantity", "unit_cost")
        if fields.text(name).strip() and grouped(fields.text(name)) is None
    }
    if wrong:
        raise Invalid(fields=wrong)
    came = Arrived(
        fields.text("store"), model=_id(fields.text("model")), manufacturer=fields.text("manufacturer"),
        model_name=fields.text("model_name"), category=fields.text("category"),
        delivery_note=fields.text("delivery_note"), serials=_serials(fields.text("serials")),
        consumable=fields.text("consumable"), quantity=grouped(fields.text("quantity")) or 0,
        unit_cost=grouped(fields.text("unit_cost")), funding_source=fields.text("funding_source"),
        warranty_until=fields.day("warranty_until"),
    )  # fmt: skip
    try:
        await purchases.arrive(actor, number, came, version=fields.number("version"), now=clock.now())
    except Invalid as error:
        raise Invalid(fields=_beside(error.fields)) from None


def _beside(errors: Mapping[str, str]) -> dict[str, str]:
    """Messages about one serial number stand at the field that has them all."""
    return {name.partition(".")[0]: said for name, said in errors.items()}


async def _cancel(actor: Actor, number: int, fields: Fields) -> None:
    await purchases.cancel(actor, number, fields.text("note"), version=fields.number("version"), now=clock.now())


_ACTS: Mapping[str, Callable[[Actor, int, Fields], Awaitable[None]]] = {
    "order": _order, "arrive": _arrive, "cancel": _cancel,
}  # fmt: skip


def _serials(text: str) -> list[str]:
    return [part for line in text.replace(",", "\n").replace(";", "\n").splitlines() if (part := line.strip())]


async def _one(
    request: AnyRequest, actor: Actor, number: str, fields: Fields | None = None, errors: Mapping[str, str] | None = None,
    refused: tuple[str, object] | None = None, *, tried: str = "", status: int = 200,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        found = await purchase_queries.one(tx, actor, numbered(number), choose(request))
        arrives = "arrive" in found.acts
        stores, models, consumables, categories = [
            [Choice(code=str(r["code"]), name=r["name"]) for r in await tx.fetch(query, *more, CHOICES_MAX)]
            if arrives
            else []
            for query, more in (
                (_STORES, ()),
                (_MODELS, (numbered(number),)),
                (_CONSUMABLES, (numbered(number),)),
                (_CATEGORIES, (numbered(number),)),
            )
        ]
    view = PurchasePage(
        **found.model_dump(), stores=stores, models=models, consumables=consumables, categories=categories
    )
    if request.scope["path"].endswith(".json"):
        return show(request, "equipment_requests/purchase.html", view)
    done = str(request.query_params.get("done") or "")
    return page(
        request, "equipment_requests/purchase.html", status=status, view=view, given=(fields or Fields()).values,
        errors=errors or {}, refused=refused, tried=tried, done=done if done in _ACTS else "",
    )  # fmt: skip


_STORES = "select code, name from sites where kind = 'store' and open order by sort, code limit $1"
_OPEN = (
    "from fulfilment_parts p join equipment_request_lines l on l.id = p.line join purchases b on b.id = p.purchase "
    "where b.number = $1 and coalesce(p.transfer, p.shipment) is null and p.state in ('planned', 'under_way')"
)
_MODELS = (
    "select m.id as code, c.name || ': ' || m.manufacturer || ' ' || m.name as name from asset_models m "  # noqa: S608
    f"join asset_categories c on c.id = m.category where c.id in (select l.category {_OPEN}) "
    "order by c.sort, m.manufacturer, m.name limit $2"
)
_CATEGORIES = f"select code, name from asset_categories where id in (select l.category {_OPEN}) order by sort limit $2"  # noqa: S608
_CONSUMABLES = f"select code, name from consumables where id in (select l.consumable {_OPEN}) order by name limit $2"  # noqa: S608


@get("/fulfilment-parts/{part:uuid}/{act:str}", guards=[requires(Action.VIEW_REQUESTS)], include_in_schema=False)
async def part_form(part: FromPath[UUID], act: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The page whose form a refused act on a part came from."""
    async with transaction(actor.scope) as tx:
        number = await tx.fetchval(
            "select r.number from fulfilment_parts p join equipment_request_lines l on l.id = p.line "
            "join equipment_requests r on r.id = l.request where p.id = $1", part,
        )  # fmt: skip
    if number is None:
        raise NotFound()
    return Redirect(f"/equipment-requests/{number}", status_code=303)


@post(
    "/fulfilment-parts/{part:uuid}/{act:str}", guards=[requires(Action.FULFIL_REQUEST)], include_in_schema=False,
)  # fmt: skip
async def part_act(part: FromPath[UUID], act: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Say that a part is done, or take it back; then the page of its request."""
    verbs = {"finish": parts.finish, "take-back": parts.take_back}
    if act not in verbs:
        raise NotFound()
    filed = await verbs[act](actor, part, now=clock.now())
    return Redirect(f"/equipment-requests/{filed.number}", status_code=303)


routes: Sequence[ControllerRouterHandler] = (listing, plan, one, take, part_form, part_act)
