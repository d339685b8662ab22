"""Assets over HTTP."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import NOTHING, transaction
from assets.errors import NotFound
from assets.inventory import service
from assets.inventory.batches.world import definitions
from assets.inventory.kinds import CUSTODIANS, CUSTOM
from assets.inventory.lifecycle import PhysicalState, Stage, Told
from assets.inventory.observed.merging import now_under
from assets.inventory.past import asset_as_of
from assets.inventory.values import Type
from assets.web.moments import AsOf, past_moment
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Money = Annotated[int, Field(ge=0, le=10**13)]
Line = Annotated[str, Field(max_length=255)]
Items = Annotated[list[Annotated[str, Field(max_length=60)]], Field(max_length=32)]
Custodian = Literal["", "person", "post"]
Custom = Annotated[
    dict[Annotated[str, Field(max_length=40)], str | int | bool | None],
    Field(max_length=100, description="Values of the province's own fields, by code"),
]


class AssetOut(BaseModel):
    """One asset, what it is and where it stands.

    `original_cost` (nguyên giá) and `quotation` are whole đồng; `custodian` is a person or a post, as `custodian_kind` says;
    `national_code` is its code in the national database; `custom` has the values of the province's own fields by code.
    `borrower` and `due_back` belong to the stage loaned, `repairer` and `quotation` to in_repair.
    """

    id: UUID
    tag: str
    name: str
    category: str
    manufacturer: str
    model: str
    serial: str
    site: str
    site_name: str
    room: str | None
    stage: str
    physical_state: str
    physical_state_at: datetime | None
    custodian: str
    custodian_kind: str
    macs: list[str]
    addresses: list[str]
    supplier: str
    funding_source: str
    purchased_on: date | None
    original_cost: int | None
    put_into_use: date | None
    warranty_until: date | None
    national_code: str
    custom: dict[str, Any]
    note: str
    borrower: str
    due_back: date | None
    repairer: str
    quotation: int | None
    version: int


class AssetIn(BaseModel):
    """An asset to register."""

    model_config = ConfigDict(extra="forbid")
    tag: Annotated[str, Field(min_length=1, max_length=40)]
    model: UUID
    site: Annotated[str, Field(max_length=20)]
    serial: Line = ""
    name: Line = ""
    room: Line = ""
    stage: Stage = Stage.IN_USE
    physical_state: PhysicalState = PhysicalState.GOOD
    custodian: Line = ""
    custodian_kind: Custodian = ""
    macs: Items = []
    addresses: Items = []
    supplier: Line = ""
    funding_source: Line = ""
    purchased_on: date | None = None
    original_cost: Money | None = None
    put_into_use: date | None = None
    warranty_until: date | None = None
    national_code: Line = ""
    custom: Custom = {}
    note: Line = ""


class AssetChange(BaseModel):
    """What to change of an asset; what is not named stays, null empties what may be empty."""

    model_config = ConfigDict(extra="forbid")
    manufacturer: Line | None = None
    model: Line | None = None
    serial: Line | None = None
    name: Line | None = None
    room: Line | None = None
    physical_state: PhysicalState | None = None
    custodian: Line | None = None
    custodian_kind: Custodian | None = None
    macs: Items | None = None
    addresses: Items | None = None
    supplier: Line | None = None
    funding_source: Line | None = None
    purchased_on: date | None = None
    original_cost: Money | None = None
    put_into_use: date | None = None
    warranty_until: date | None = None
    national_code: Line | None = None
    custom: Custom | None = None
    note: Line | None = None


class StageMove(BaseModel):
    """The stage to bring an asset to, and what it asks for.

    `reason` is required for lost, awaiting_disposal and disposed, `borrower` and `due_back` for loaned; `repairer` and
    `quotation` (whole đồng) can be told for in_repair. in_transit is set by transfers alone.
    """

    model_config = ConfigDict(extra="forbid")
    stage: Stage
    reason: Line = ""
    borrower: Annotated[str, Field(max_length=120)] = ""
    due_back: date | None = None
    repairer: Annotated[str, Field(max_length=120)] = ""
    quotation: Money | None = None

    @property
    def told(self) -> Told:
        """What the stage asks for."""
        return Told(self.reason, self.borrower, self.due_back, self.repairer, self.quotation)


_SQL = {Type.INTEGER: "bigint", Type.MONEY: "bigint", Type.DATE: "date", Type.BOOLEAN: "boolean"}


async def own_columns(names: Sequence[str]) -> Mapping[str, Column]:
    """The province's own fields among these parameters, as columns: filtered and sorted by like the built-in ones."""
    asked = [name for name in names if name.startswith(CUSTOM)]
    if not asked:
        return {}
    async with transaction(NOTHING) as tx:
        known = await definitions(tx)
    found = {}
    for name in asked:
        definition = known.get(name.removeprefix(CUSTOM))
        if definition is not None:  # its code is letters, digits and _ only: see custom_fields
            kind = _SQL.get(definition.kind, "text")
            found[name] = Column(f"(a.custom ->> '{definition.code}')::{kind}", kind, choices=definition.choices)
    return found


ASSETS = Listing(
    select="a.*, m.manufacturer, m.name as model_name, c.code as category, s.code as site_code, s.name as site_name, "
    "r.name as room_name",
    source="assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category "
    "join sites s on s.id = a.site left join rooms r on r.id = a.room",
    key="a.id",
    columns={
        "tag": Column("a.tag"), "serial": Column("a.serial"), "site": Column("s.code"), "category": Column("c.code"),
        "manufacturer": Column("m.manufacturer"), "model": Column("m.name"),
        "stage": Column("a.stage", choices=tuple(Stage)),
        "physical_state": Column("a.physical_state", choices=tuple(PhysicalState)),
        "put_into_use": Column("a.put_into_use", "date"), "warranty_until": Column("a.warranty_until", "date"),
        "original_cost": Column("a.original_cost", "bigint"), "room": Column("r.name"),
        "purchased_on": Column("a.purchased_on", "date"), "supplier": Column("a.supplier"),
        "funding_source": Column("a.funding_source"), "custodian": Column("a.custodian"),
        "custodian_kind": Column("a.custodian_kind", choices=CUSTODIANS), "national_code": Column("a.national_code"),
        "due_back": Column("a.due_back", "date"), "name": Column("a.name"), "note": Column("a.note", sortable=False),
        "macs": Column("a.macs::macaddr[]", "macaddr", sortable=False, many=True),
        # A zone, which older versions took in, is none of PostgreSQL's.
        "addresses": Column(
            "regexp_replace(a.addresses::text, '%[[:alnum:]_.-]+', '', 'g')::inet[]", "inet", sortable=False, many=True
        ),
        "physical_state_at": Column("a.physical_state_at", "timestamptz"), "borrower": Column("a.borrower"),
        "repairer": Column("a.repairer"), "quotation": Column("a.quotation", "bigint"),
    },
    sort="tag",
    search=("a.search", "s.search"),
    site="a.site",
    found_by="assets",
    counted="assets a",
    more=own_columns,
)  # fmt: skip


_asset = from_row(AssetOut, "custom", model="model_name", site="site_code", room="room_name")


def asset_out(row: Mapping[str, Any]) -> AssetOut:
    """A row of ASSETS, or of the past."""
    return _asset(row, custom=_own(row["custom"]))


def _own(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {} if text == "{}" else json.loads(text)
    return found


async def one_asset(actor: Actor, tag: str) -> AssetOut:
    """An asset by its tag; NotFound outside the scope."""
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, ASSETS, ListQuery(limit=1), asset_out, scope=actor.scope, where=[("a.tag = {}", [tag.upper()])]
        )
    if not found.items:
        raise NotFound()
    return found.items[0]


class Assets(Controller):
    """What we own."""

    path = "/api/v1/assets"
    tags = ("inventory",)

    @get(operation_id="listAssets", guards=[requires(Action.VIEW)], **listed(ASSETS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[AssetOut]:
        """Assets of the caller's sites."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, ASSETS, asked, asset_out, scope=actor.scope)

    @post(operation_id="registerAsset", guards=[requires(Action.EDIT_INVENTORY)])
    async def register(self, data: JSONBody[AssetIn], actor: NamedDependency[Actor]) -> Response[AssetOut]:
        """Register an asset; its tag is never used again."""
        await service.register(actor, service.NewAsset(**data.model_dump()), now=clock.now())
        return with_version(await one_asset(actor, data.tag))

    @get("/{tag:str}", operation_id="getAsset", guards=[requires(Action.VIEW)])
    async def one(self, tag: FromPath[str], actor: NamedDependency[Actor], as_of: AsOf = None) -> Response[AssetOut]:
        """One asset by its tag, as it is or as it was; what was has no ETag, for it cannot be changed."""
        if as_of is not None:
            return Response(asset_out(await asset_as_of(actor.scope, tag, past_moment(as_of))))
        try:
            return with_version(await one_asset(actor, tag))
        except NotFound:
            if (kept := await now_under(actor.scope, tag)) is None:
                raise
        # A record that was merged into another leads there.
        return Response(
            await one_asset(actor, kept),
            status_code=308,
            headers={"Location": f"/api/v1/assets/{quote(kept, safe='')}"},
        )

    @patch("/{tag:str}", operation_id="editAsset", guards=[requires(Action.EDIT_INVENTORY)])
    async def edit(
        self, tag: FromPath[str], data: JSONBody[AssetChange], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[AssetOut]:
        """Change an asset that is still as the caller read it."""
        changes, version = data.model_dump(exclude_unset=True), version_of(if_match)
        await service.edit(actor, tag, changes, version=version, now=clock.now())
        return with_version(await one_asset(actor, tag))

    @post("/{tag:str}/stage", operation_id="moveAsset", status_code=200, guards=[requires(Action.EDIT_INVENTORY)])
    async def move(self, tag: FromPath[str], data: JSONBody[StageMove], actor: NamedDependency[Actor]) -> AssetOut:
        """Bring an asset to another stage of its life."""
        await service.move_stage(actor, tag, data.stage, told=data.told, now=clock.now())
        return await one_asset(actor, tag)


routes: Sequence[ControllerRouterHandler] = [Assets]
