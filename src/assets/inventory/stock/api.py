"""Consumables, their stock and its ledger over HTTP."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import NotFound
from assets.ids import new_id
from assets.inventory.stock import consumables, service
from assets.inventory.stock.ledger import QUANTITY_MAX, Act, Kind
from assets.inventory.stock.shipments import ship
from assets.text import clean_code
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Code = Annotated[str, Field(min_length=1, max_length=40)]
Line = Annotated[str, Field(max_length=255)]
Minimum = Annotated[int, Field(ge=0, le=consumables.MINIMUM_MAX)]
Models = Annotated[list[UUID], Field(max_length=consumables.MODELS_MAX)]
KindOfThing = Literal[
    "toner", "ink", "drum", "maintenance", "paper", "label", "ribbon", "token", "battery", "cable", "other"
]


class ConsumableOut(BaseModel):
    """Vật tư tiêu hao, counted in whole `unit`s; `models` are those that it fits."""

    id: UUID
    code: str
    name: str
    name_en: str
    kind: str
    unit: str
    minimum: int
    note: str
    models: list[UUID]
    version: int


class ConsumableIn(BaseModel):
    """A consumable to add; `minimum` holds for sites that say none themselves."""

    model_config = ConfigDict(extra="forbid")
    code: Code
    name: Annotated[str, Field(min_length=1, max_length=160)]
    unit: Annotated[str, Field(min_length=1, max_length=40)]
    kind: KindOfThing = "other"
    name_en: Annotated[str, Field(max_length=160)] = ""
    minimum: Minimum = 0
    note: Line = ""
    models: Models = []


class ConsumableChange(BaseModel):
    """What to change of a consumable; `models` replace all that it fitted, what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=160)] | None = None
    unit: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    kind: KindOfThing | None = None
    name_en: Annotated[str, Field(max_length=160)] | None = None
    minimum: Minimum | None = None
    note: Line | None = None
    models: Models | None = None


CONSUMABLES = Listing(
    select="c.*, array(select cm.model from consumable_models cm where cm.consumable = c.id order by cm.model) as models",
    source="consumables c",
    key="c.id",
    columns={
        "code": Column("c.code"), "name": Column("c.name"), "kind": Column("c.kind", choices=consumables.KINDS),
        "unit": Column("c.unit"), "minimum": Column("c.minimum", "integer"),
    },
    sort="code",
    search=("c.search", folded("c.note")),
)  # fmt: skip


consumable_out = from_row(ConsumableOut)


async def one_consumable(tx: Connection, code: str) -> ConsumableOut:
    """A consumable by its code; NotFound when there is none."""
    where = [("c.code = {}", [clean_code(code)])]
    found = await fetch(tx, CONSUMABLES, ListQuery(limit=1), consumable_out, where=where)
    if not found.items:
        raise NotFound()
    return found.items[0]


class Consumables(Controller):
    """What is used up."""

    path = "/api/v1/consumables"
    tags = ("inventory",)

    @get(operation_id="listConsumables", guards=[requires(Action.VIEW)], **listed(CONSUMABLES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ConsumableOut]:
        """Consumables by code, name or kind."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, CONSUMABLES, asked, consumable_out)

    @post(operation_id="addConsumable", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[ConsumableIn], actor: NamedDependency[Actor]) -> Response[ConsumableOut]:
        """Add a consumable."""
        async with transaction(actor.scope) as tx:
            await consumables.add_consumable(actor, consumables.NewConsumable(**data.model_dump()))
            return with_version(await one_consumable(tx, data.code))

    @get("/{consumable:str}", operation_id="getConsumable", guards=[requires(Action.VIEW)])
    async def one(self, consumable: FromPath[str], actor: NamedDependency[Actor]) -> Response[ConsumableOut]:
        """One consumable by its code."""
        async with transaction(actor.scope) as tx:
            return with_version(await one_consumable(tx, consumable))

    @patch("/{consumable:str}", operation_id="editConsumable", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self,
        consumable: FromPath[str],
        data: JSONBody[ConsumableChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[ConsumableOut]:
        """Change a consumable that is still as the caller read it."""
        changes, version = data.model_dump(exclude_unset=True, exclude_none=True), version_of(if_match)
        async with transaction(actor.scope) as tx:
            await consumables.edit_consumable(actor, consumable, changes, version=version)
            return with_version(await one_consumable(tx, consumable))

    @delete(
        "/{consumable:str}", operation_id="deleteConsumable", guards=[requires(Action.EDIT_INVENTORY, province=True)]
    )
    async def remove(self, consumable: FromPath[str], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Remove a consumable that nobody ever kept."""
        await consumables.delete_consumable(actor, consumable, version=version_of(if_match))


@get(
    "/api/v1/asset-models/{model:uuid}/consumables",
    operation_id="listConsumablesOfModel",
    guards=[requires(Action.VIEW)],
    tags=["inventory"],
    **listed(CONSUMABLES),
)
async def list_of_model(
    model: FromPath[UUID], asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]
) -> Page[ConsumableOut]:
    """What fits a model: the cartridges of a printer."""
    async with transaction(actor.scope) as tx:
        if not await tx.fetchval("select exists(select from asset_models where id = $1)", model):
            raise NotFound()
        fits = [("exists(select from consumable_models cm where cm.consumable = c.id and cm.model = {})", [model])]
        return await fetch(tx, CONSUMABLES, asked, consumable_out, where=fits)


class StockOut(BaseModel):
    """What of a consumable lies at a site. `minimum` is the one that holds, `own_minimum` the site's own (null: none).

    `under_way` of it have been sent there and not been confirmed yet.
    """

    id: UUID
    site: str
    site_name: str
    consumable: str
    name: str
    name_en: str
    kind: str
    unit: str
    quantity: int
    under_way: int
    minimum: int
    own_minimum: int | None
    low: bool
    expires_first: date | None
    version: int


class StockIn(BaseModel):
    """A consumable that a site keeps, and how many at least (null: as the consumable says)."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(max_length=20)]
    consumable: Code
    minimum: Minimum | None = None


class StockChange(BaseModel):
    """How many should lie at a site at least; null, or nothing, gives the consumable's own minimum back."""

    model_config = ConfigDict(extra="forbid")
    minimum: Minimum | None = None


STOCK = Listing(
    select="k.id, s.code as site, s.name as site_name, c.code as consumable, c.name, c.name_en, c.kind, c.unit, k.quantity, "
    "(select coalesce(sum(h.quantity), 0)::integer from stock_shipments h where h.to_site = k.site "
    "and h.consumable = k.consumable and h.state = 'under_way') as under_way, "
    "coalesce(k.minimum, c.minimum) as minimum, k.minimum as own_minimum, "
    "k.quantity < coalesce(k.minimum, c.minimum) as low, (select min(b.expires_on) from stock_batches b "
    "where b.stock = k.id and b.quantity > 0) as expires_first, k.version",
    source="stock k join sites s on s.id = k.site join consumables c on c.id = k.consumable",
    key="k.id",
    columns={
        "site": Column("s.code"), "consumable": Column("c.code"), "kind": Column("c.kind", choices=consumables.KINDS),
        "quantity": Column("k.quantity", "integer"), "minimum": Column("coalesce(k.minimum, c.minimum)", "integer"),
        "low": Column("k.quantity < coalesce(k.minimum, c.minimum)", "boolean"),
        "expires_first": Column(
            "(select min(b.expires_on) from stock_batches b where b.stock = k.id and b.quantity > 0)", "date"
        ),
    },
    sort="-low",
    search=("s.search", "c.search"),
    site="k.site",
)  # fmt: skip


stock_out = from_row(StockOut)


async def _one_stock(tx: Connection, actor: Actor, stock: UUID) -> Response[StockOut]:
    found = await fetch(tx, STOCK, ListQuery(limit=1), stock_out, scope=actor.scope, where=[("k.id = {}", [stock])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class Stocks(Controller):
    """What lies where."""

    path = "/api/v1/stock"
    tags = ("inventory",)

    @get(operation_id="listStock", guards=[requires(Action.VIEW)], **listed(STOCK))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[StockOut]:
        """What the caller's sites keep, what is low first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, STOCK, asked, stock_out, scope=actor.scope)

    @post(operation_id="keepStock", guards=[requires(Action.EDIT_INVENTORY)])
    async def keep(self, data: JSONBody[StockIn], actor: NamedDependency[Actor]) -> Response[StockOut]:
        """Say that a site keeps a consumable, before the first one comes."""
        async with transaction(actor.scope) as tx:
            made = await consumables.keep(actor, data.site, data.consumable, data.minimum)
            return await _one_stock(tx, actor, made)

    @get("/{stock:uuid}", operation_id="getStock", guards=[requires(Action.VIEW)])
    async def one(self, stock: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[StockOut]:
        """One consumable at one site."""
        async with transaction(actor.scope) as tx:
            return await _one_stock(tx, actor, stock)

    @patch("/{stock:uuid}", operation_id="setStockMinimum", guards=[requires(Action.EDIT_INVENTORY)])
    async def edit(
        self,
        stock: FromPath[UUID],
        data: JSONBody[StockChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[StockOut]:
        """Change the site's own minimum; what lies there changes by movements alone."""
        version = version_of(if_match)
        async with transaction(actor.scope) as tx:
            await consumables.set_minimum(actor, stock, data.minimum, version=version)
            return await _one_stock(tx, actor, stock)


class MovementOut(BaseModel):
    """One line of the ledger, the `number`-th of a consumable at a site: `balance` is what lay there afterwards."""

    id: UUID
    at: datetime
    site: str
    site_name: str
    consumable: str
    number: int
    kind: Kind
    change: int
    balance: int
    batch: str
    expires_on: date | None
    asset_tag: str | None
    holder: str
    other_site: str | None
    transfer: UUID | None
    reverses: UUID | None
    reversed_by: UUID | None
    reason: str
    actor_name: str


class MovementIn(BaseModel):
    """A movement to write. `quantity` of a count is what was found; the ledger writes the difference.

    An issue names an asset of the site or a person or post, a count or discard its reason. A transfer names the other
    site and leaves at once as one of `stock-shipments`, whose id is the line's `transfer`; it lies there once they confirm it.
    Without a batch the ledger takes from the one that expires first.
    """

    model_config = ConfigDict(extra="forbid")
    act: Act
    site: Annotated[str, Field(max_length=20)]
    consumable: Code
    quantity: Annotated[int, Field(ge=0, le=QUANTITY_MAX)]
    asset_tag: Annotated[str, Field(max_length=40)] = ""
    holder: Annotated[str, Field(max_length=120)] = ""
    to_site: Annotated[str, Field(max_length=20)] = ""
    batch: Annotated[str, Field(max_length=60)] = ""
    expires_on: date | None = None
    reason: Line = ""


class Reversal(BaseModel):
    """Why a line was wrong."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(min_length=1, max_length=255)]


MOVEMENTS = Listing(
    select="m.*, s.code as site_code, s.name as site_name, c.code as consumable_code, a.tag as asset_tag, "
    "o.code as other_code, (select r.id from stock_movements r where r.reverses = m.id) as reversed_by",
    source="stock_movements m join sites s on s.id = m.site join consumables c on c.id = m.consumable "
    # Row-level security hides where it came from or went to, when that is not the caller's.
    "left join assets a on a.id = m.asset left join sites o on o.id = m.other_site",
    key="m.id",
    columns={
        "at": Column("m.at", "timestamptz"), "site": Column("s.code"), "consumable": Column("c.code"),
        "number": Column("m.number", "integer"),
        "kind": Column("m.kind", choices=tuple(Kind)), "change": Column("m.change", "integer"),
        "batch": Column("m.batch"), "asset_tag": Column("a.tag"), "transfer": Column("m.transfer", "uuid"),
        "actor_name": Column("m.actor_name"),
    },
    sort="-at",
    search=("s.search", "c.search", folded("m.holder"), folded("m.reason"), folded("m.batch"), folded("a.tag")),
    site="m.site",
)  # fmt: skip


movement_out = from_row(MovementOut, site="site_code", consumable="consumable_code", other_site="other_code")


async def _one_movement(tx: Connection, actor: Actor, movement: UUID) -> MovementOut:
    where = [("m.id = {}", [movement])]
    found = await fetch(tx, MOVEMENTS, ListQuery(limit=1), movement_out, scope=actor.scope, where=where)
    if not found.items:
        raise NotFound()
    return found.items[0]


class Movements(Controller):
    """The ledger: it only grows."""

    path = "/api/v1/stock-movements"
    tags = ("inventory",)

    @get(operation_id="listStockMovements", guards=[requires(Action.VIEW)], **listed(MOVEMENTS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[MovementOut]:
        """What came and went at the caller's sites, newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, MOVEMENTS, asked, movement_out, scope=actor.scope)

    @post(operation_id="moveStock", guards=[requires(Action.EDIT_INVENTORY)])
    async def move(self, data: JSONBody[MovementIn], actor: NamedDependency[Actor]) -> MovementOut:
        """Receive, issue, return, count or discard, or send to another site as a shipment; too little is 409."""
        key = new_id()
        said = service.Movement(**data.model_dump(), key=key)
        async with transaction(actor.scope) as tx:
            await (ship if said.act is Act.TRANSFER else service.move)(actor, said, now=clock.now())
            return await _one_movement(tx, actor, key)

    @get("/{movement:uuid}", operation_id="getStockMovement", guards=[requires(Action.VIEW)])
    async def one(self, movement: FromPath[UUID], actor: NamedDependency[Actor]) -> MovementOut:
        """One line of the ledger."""
        async with transaction(actor.scope) as tx:
            return await _one_movement(tx, actor, movement)

    @post("/{movement:uuid}/reverse", operation_id="reverseStockMovement", guards=[requires(Action.EDIT_INVENTORY)])
    async def reverse(
        self, movement: FromPath[UUID], data: JSONBody[Reversal], actor: NamedDependency[Actor]
    ) -> MovementOut:
        """Take a wrong line back by its opposite; what left in a shipment is called back there."""
        async with transaction(actor.scope) as tx:
            made = await service.reverse(actor, movement, data.reason, now=clock.now())
            return await _one_movement(tx, actor, made)


routes: Sequence[ControllerRouterHandler] = [Consumables, list_of_model, Stocks, Movements]
