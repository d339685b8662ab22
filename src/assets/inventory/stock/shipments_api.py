"""Shipments of consumables over HTTP, and their page: what is on its way, and how many of it came."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, Scope, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory.stock import shipments
from assets.inventory.stock.ledger import QUANTITY_MAX
from assets.web.forms import whole
from assets.web.language import N_, choose, translate
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, listed
from assets.web.rows import from_row
from assets.web.templates import show

AnyRequest = Request[Any, Any, Any]
Note = Annotated[str, Field(max_length=shipments.NOTE_MAX)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class ShipmentOut(BaseModel):
    """So many of a consumable from one site to another; `got` is how many came, null until the receiver says so.

    `acts` are those that the caller can do now: receive, call-back.
    """

    id: UUID
    consumable: str
    name: str
    name_en: str
    unit: str
    batch: str
    expires_on: date | None
    quantity: int
    got: int | None
    state: str
    from_site: str
    from_name: str
    to_site: str
    to_name: str
    reason: str
    note: str
    sent_at: datetime
    sent_by: str
    ended_at: datetime | None
    ended_by: str
    acts: list[str]
    version: int


class ReceiveShipmentIn(BaseModel):
    """How many came; `note` says what is missing when they are fewer than were sent."""

    model_config = ConfigDict(extra="forbid")
    got: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
    note: Note = ""
    version: Version | None = None


class CallBackIn(BaseModel):
    """Why it is called back, and the version that the caller saw (none: whatever it is now)."""

    model_config = ConfigDict(extra="forbid")
    note: Note = ""
    version: Version | None = None


SHIPMENTS = Listing(
    select="h.*, c.code, c.name, c.name_en, c.unit",
    source="stock_shipments h join consumables c on c.id = h.consumable",
    key="h.id",
    columns={
        "urgency": Column(
            "(case h.state when 'under_way' then 0 else 1e12 end + extract(epoch from h.sent_at) * "
            "case h.state when 'under_way' then 1 else -1 end)::double precision", "double precision", filterable=False,
        ),
        "state": Column("h.state", choices=shipments.STATES), "consumable": Column("c.code"),
        "from_site": Column("h.from_code"), "to_site": Column("h.to_code"), "sent_at": Column("h.sent_at", "timestamptz"),
        "quantity": Column("h.quantity", "integer"),
    },
    sort="urgency",
    search=("searchable(h.from_name)", "searchable(h.to_name)", "c.search", "searchable(h.reason)"),
)  # fmt: skip


def seen(scope: Scope) -> list[tuple[str, Sequence[object]]]:
    """The shipments from or to the sites of a scope."""
    sites = list(scope.sites)
    return (
        [] if scope.everything else [("h.from_site = any({}::uuid[]) or h.to_site = any({}::uuid[])", [sites, sites])]
    )


def shipment_out(row: Mapping[str, Any], actor: Actor) -> ShipmentOut:
    """A row of SHIPMENTS with what the actor can do."""
    acts = []
    if row["state"] == "under_way":
        acts = ["receive"] if actor.may(Action.RECEIVE_TRANSFER, row["to_site"]) else []
        acts += ["call-back"] if actor.may(Action.EDIT_INVENTORY, row["from_site"]) else []
    return _shipment(row, acts=acts)


_shipment = from_row(ShipmentOut, "acts", consumable="code", from_site="from_code", to_site="to_code")


async def one_shipment(tx: Connection, actor: Actor, shipment: UUID) -> ShipmentOut:
    """One of them; NotFound when neither side is the actor's."""
    where = [*seen(actor.scope), ("h.id = {}", [shipment])]
    found = await fetch(tx, SHIPMENTS, ListQuery(limit=1), lambda row: shipment_out(row, actor), where=where)
    if not found.items:
        raise NotFound()
    return found.items[0]


async def _listed(tx: Connection, actor: Actor, asked: ListQuery) -> Page[ShipmentOut]:
    return await fetch(tx, SHIPMENTS, asked, lambda row: shipment_out(row, actor), where=seen(actor.scope))


class Shipments(Controller):
    """Consumables that go from one site to another."""

    path = "/api/v1/stock-shipments"
    tags = ("inventory",)

    @get(operation_id="listStockShipments", guards=[requires(Action.VIEW)], **listed(SHIPMENTS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ShipmentOut]:
        """Shipments from or to the caller's sites; what has been under way longest comes first."""
        async with transaction(actor.scope) as tx:
            return await _listed(tx, actor, asked)

    @get("/{shipment:uuid}", operation_id="getStockShipment", guards=[requires(Action.VIEW)])
    async def one(self, shipment: FromPath[UUID], actor: NamedDependency[Actor]) -> ShipmentOut:
        """One shipment, for both of its sides."""
        async with transaction(actor.scope) as tx:
            return await one_shipment(tx, actor, shipment)

    @post("/{shipment:uuid}/receive", operation_id="receiveStockShipment", status_code=200,
          guards=[requires(Action.RECEIVE_TRANSFER)])  # fmt: skip
    async def receive(
        self, shipment: FromPath[UUID], data: JSONBody[ReceiveShipmentIn], actor: NamedDependency[Actor]
    ) -> ShipmentOut:
        """Say how many came; they stand in the ledger from then on, and what is short is waited for anew."""
        await shipments.receive(actor, shipment, data.got, data.note, version=data.version, now=clock.now())
        return await _after(actor, shipment)

    @post("/{shipment:uuid}/call-back", operation_id="callBackStockShipment", status_code=200,
          guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
    async def call_back(
        self, shipment: FromPath[UUID], actor: NamedDependency[Actor], data: JSONBody[CallBackIn | None] = None
    ) -> ShipmentOut:
        """Take what has not arrived back into the sender's stock."""
        said = data or CallBackIn()
        await shipments.call_back(actor, shipment, said.note, version=said.version, now=clock.now())
        return await _after(actor, shipment)


async def _after(actor: Actor, shipment: UUID) -> ShipmentOut:
    viewer = actor.within(Action.VIEW)
    async with transaction(viewer.scope) as tx:
        return await one_shipment(tx, viewer, shipment)


@get(
    ["/stock-shipments", "/stock-shipments.json"], name="stock_shipments", include_in_schema=False,
    guards=[requires(Action.VIEW)], dependencies=listed(SHIPMENTS)["dependencies"],
    opt={"twin": (Page[ShipmentOut], "stock_shipments"), "listing": SHIPMENTS},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """What is on its way, with the form that says how many came."""
    return await _show(request, actor, asked)


async def _show(
    request: AnyRequest, actor: Actor, asked: ListQuery, *, tried: str = "", given: Mapping[str, str] | None = None,
    error: Invalid | Conflict | None = None,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        view = await _listed(tx, actor, asked)
    errors = dict(error.fields) if isinstance(error, Invalid) else {}
    refused = translate(choose(request), error.detail, **error.facts) if isinstance(error, Conflict) else ""
    return show(
        request, "inventory/stock_shipments.html", view, status=error.status if error else 200, kept=asked.again(),
        query_text=asked.q, tried=tried, given=given or {}, errors=errors, refused=refused, note_max=shipments.NOTE_MAX,
        asked={f.column: [str(value) for value in f.values] for f in asked.filters},
    )  # fmt: skip


@post("/stock-shipments/{shipment:uuid}/receive", guards=[requires(Action.RECEIVE_TRANSFER)], include_in_schema=False)
async def receive(request: AnyRequest, shipment: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Say how many came, as the form does."""
    given = await _given(request)
    got = whole(given.get("got", ""))
    try:
        if got is None:
            raise Invalid(fields={"got": N_("Please write a whole number.")})
        await shipments.receive(
            actor, shipment, got, given.get("note", ""), version=whole(given.get("version", "")), now=clock.now()
        )
    except (Invalid, Conflict) as error:
        return await _again(request, actor, shipment, given, error)
    return Redirect("/stock-shipments", status_code=303)


@post("/stock-shipments/{shipment:uuid}/call-back", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False)
async def call_back(request: AnyRequest, shipment: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Take it back, as the form says."""
    given = await _given(request)
    try:
        await shipments.call_back(
            actor, shipment, given.get("note", ""), version=whole(given.get("version", "")), now=clock.now()
        )
    except (Invalid, Conflict) as error:
        return await _again(request, actor, shipment, given, error)
    return Redirect("/stock-shipments", status_code=303)


async def _again(
    request: AnyRequest, actor: Actor, shipment: UUID, given: Mapping[str, str], error: Invalid | Conflict
) -> Response[Any]:
    viewer = actor.within(Action.VIEW)
    return await _show(request, viewer, ListQuery(), tried=str(shipment), given=given, error=error)


async def _given(request: AnyRequest) -> dict[str, str]:
    form = await request.form()
    return {name: str(form[name]) for name in ("got", "note", "version") if isinstance(form.get(name), str)}


routes: Sequence[ControllerRouterHandler] = [Shipments, listing, receive, call_back]
