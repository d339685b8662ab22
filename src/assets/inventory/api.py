"""Assets, models, links, applications and capabilities over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, cast
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
from assets.db import transaction
from assets.errors import NotFound
from assets.inventory import service, things
from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.past import asset_as_of
from assets.web.moments import AsOf, past_moment
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.versions import IfMatch, version_of, with_version

Money = Annotated[int, Field(ge=0, le=10**13)]
Line = Annotated[str, Field(max_length=255)]


class AssetOut(BaseModel):
    """One asset, what it is and where it stands. `original_cost` is nguyên giá in whole đồng."""

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
    original_cost: int | None
    put_into_use: date | None
    warranty_until: date | None
    note: str
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
    original_cost: Money | None = None
    put_into_use: date | None = None
    warranty_until: date | None = None
    note: Line = ""


class AssetChange(BaseModel):
    """What to change of an asset; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    serial: Line | None = None
    name: Line | None = None
    physical_state: PhysicalState | None = None
    custodian: Line | None = None
    original_cost: Money | None = None
    put_into_use: date | None = None
    note: Line | None = None


class StageMove(BaseModel):
    """The stage to bring an asset to, and why."""

    model_config = ConfigDict(extra="forbid")
    stage: Stage
    reason: Line = ""


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
        "original_cost": Column("a.original_cost", "bigint"),
    },
    sort="tag",
    search=("a.search", "s.search"),
    site="a.site",
    found_by="assets",
)  # fmt: skip


def asset_out(row: Mapping[str, Any]) -> AssetOut:
    """A row of ASSETS, or of the past."""
    same = {name: row[name] for name in AssetOut.model_fields if name not in ("model", "site", "room")}
    return AssetOut(**same, model=row["model_name"], site=row["site_code"], room=row["room_name"])


async def _one(actor: Actor, tag: str) -> AssetOut:
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
        return with_version(await _one(actor, data.tag))

    @get("/{tag:str}", operation_id="getAsset", guards=[requires(Action.VIEW)])
    async def one(self, tag: FromPath[str], actor: NamedDependency[Actor], as_of: AsOf = None) -> Response[AssetOut]:
        """One asset by its tag, as it is or as it was; what was has no ETag, for it cannot be changed."""
        if as_of is not None:
            return Response(asset_out(await asset_as_of(actor.scope, tag, past_moment(as_of))))
        return with_version(await _one(actor, tag))

    @patch("/{tag:str}", operation_id="editAsset", guards=[requires(Action.EDIT_INVENTORY)])
    async def edit(
        self, tag: FromPath[str], data: JSONBody[AssetChange], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[AssetOut]:
        """Change an asset that is still as the caller read it."""
        changes, version = data.model_dump(exclude_unset=True, exclude_none=True), version_of(if_match)
        await service.edit(actor, tag, changes, version=version, now=clock.now())
        return with_version(await _one(actor, tag))

    @post("/{tag:str}/stage", operation_id="moveAsset", status_code=200, guards=[requires(Action.EDIT_INVENTORY)])
    async def move(self, tag: FromPath[str], data: JSONBody[StageMove], actor: NamedDependency[Actor]) -> AssetOut:
        """Bring an asset to another stage of its life."""
        await service.move_stage(actor, tag, data.stage, why=data.reason, now=clock.now())
        return await _one(actor, tag)


class ModelOut(BaseModel):
    """A maker's model and the category it belongs to."""

    id: UUID
    category: str
    manufacturer: str
    name: str
    profile: str
    version: int


MODELS = Listing(
    select="m.id, c.code as category, m.manufacturer, m.name, m.profile, m.version",
    source="asset_models m join asset_categories c on c.id = m.category",
    key="m.id",
    columns={"name": Column("m.name"), "manufacturer": Column("m.manufacturer"), "category": Column("c.code")},
    sort="manufacturer",
    search=("m.search",),
)


class LinkOut(BaseModel):
    """A network line of a site."""

    id: UUID
    tag: str
    site: str
    kind: str
    carrier: str
    circuit_number: str
    bandwidth_mbps: int | None
    is_primary: bool
    hotline: str
    version: int


LINKS = Listing(
    select="l.id, l.tag, s.code as site, l.kind, l.carrier, l.circuit_number, l.bandwidth_mbps, l.is_primary, l.hotline, "
    "l.version",
    source="links l join sites s on s.id = l.site",
    key="l.id",
    columns={
        "tag": Column("l.tag"), "site": Column("s.code"), "kind": Column("l.kind"), "carrier": Column("l.carrier"),
        "is_primary": Column("l.is_primary", "boolean"),
    },
    sort="tag",
    search=("l.search", "s.search"),
    site="l.site",
    found_by="links",
)  # fmt: skip


class ApplicationOut(BaseModel):
    """A system that centres work with."""

    id: UUID
    code: str
    name: str
    name_en: str
    owner_office: str
    web_address: str
    needs_account: bool
    version: int


APPLICATIONS = Listing(
    select="a.*", source="applications a", key="a.id", columns={"code": Column("a.code"), "name": Column("a.name")},
    sort="code",
    search=(folded("a.code"), folded("a.name"), folded("a.name_en")),
)  # fmt: skip


class CapabilityOut(BaseModel):
    """What a site needs beside machines, and whether it has it."""

    id: UUID
    site: str
    application: str | None
    kind: str
    title: str
    holder_post: str
    status: str
    since: date | None
    expires_on: date | None
    version: int


STATUSES = ("not_issued", "waiting", "issued", "expired", "revoked")
CAPABILITIES = Listing(
    select="k.id, s.code as site, p.code as application, k.kind, k.title, k.holder_post, k.status, k.since, k.expires_on, "
    "k.version",
    source="capabilities k join sites s on s.id = k.site left join applications p on p.id = k.application",
    key="k.id",
    columns={
        "site": Column("s.code"), "kind": Column("k.kind"), "status": Column("k.status", choices=STATUSES),
        "application": Column("p.code"), "title": Column("k.title"), "expires_on": Column("k.expires_on", "date"),
    },
    sort="site",
    search=("s.search", folded("k.title")),
    site="k.site",
)  # fmt: skip


def _as(model: type[Any]) -> Any:
    return lambda row: model(**{name: row[name] for name in model.model_fields})


@get("/api/v1/asset-models", operation_id="listAssetModels", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(MODELS))  # fmt: skip
async def list_models(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ModelOut]:
    """Models by maker, name or category."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, MODELS, asked, _as(ModelOut))


@get("/api/v1/links", operation_id="listLinks", guards=[requires(Action.VIEW)], tags=["inventory"], **listed(LINKS))
async def list_links(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[LinkOut]:
    """Network lines of the caller's sites."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, LINKS, asked, _as(LinkOut), scope=actor.scope)


@get("/api/v1/applications", operation_id="listApplications", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(APPLICATIONS))  # fmt: skip
async def list_applications(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ApplicationOut]:
    """The systems that centres work with."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, APPLICATIONS, asked, _as(ApplicationOut))


@get("/api/v1/capabilities", operation_id="listCapabilities", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(CAPABILITIES))  # fmt: skip
async def list_capabilities(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[CapabilityOut]:
    """Accounts, tokens and other capabilities of the caller's sites."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, CAPABILITIES, asked, _as(CapabilityOut), scope=actor.scope)


class ModelIn(BaseModel):
    """A maker's model to add."""

    model_config = ConfigDict(extra="forbid")
    category: Annotated[str, Field(max_length=40)]
    manufacturer: Annotated[str, Field(min_length=1, max_length=80)]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    profile: Annotated[str, Field(max_length=60)] = ""


class LinkIn(BaseModel):
    """A network line to add."""

    model_config = ConfigDict(extra="forbid")
    tag: Annotated[str, Field(min_length=1, max_length=40)]
    site: Annotated[str, Field(max_length=20)]
    kind: Literal["dedicated", "fibre", "mobile", "satellite"]
    carrier: Annotated[str, Field(min_length=1, max_length=60)]
    circuit_number: Annotated[str, Field(max_length=60)] = ""
    bandwidth_mbps: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    is_primary: bool = True
    hotline: Annotated[str, Field(max_length=40)] = ""


class ApplicationIn(BaseModel):
    """A system that centres work with, to add."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(min_length=1, max_length=40)]
    name: Annotated[str, Field(min_length=1, max_length=160)]
    name_en: Annotated[str, Field(max_length=160)] = ""
    owner_office: Annotated[str, Field(max_length=160)] = ""
    web_address: Line = ""
    needs_account: bool = True


class CapabilityIn(BaseModel):
    """A capability of a site to add."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(max_length=20)]
    kind: Literal["account", "authority", "token", "seal", "training", "manual"]
    title: Annotated[str, Field(min_length=1, max_length=160)]
    status: Literal["not_issued", "waiting", "issued", "expired", "revoked"]
    application: Annotated[str, Field(max_length=40)] = ""
    holder_post: Annotated[str, Field(max_length=120)] = ""
    since: date | None = None
    expires_on: date | None = None


async def _added(actor: Actor, listing: Listing, key: str, row: UUID, model: type[Any]) -> Any:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, listing, ListQuery(limit=1), _as(model), where=[(f"{key} = {{}}", [row])])
    return found.items[0]


@post(
    "/api/v1/asset-models",
    operation_id="addAssetModel",
    guards=[requires(Action.EDIT_INVENTORY, province=True)],
    tags=["inventory"],
)
async def add_model(data: JSONBody[ModelIn], actor: NamedDependency[Actor]) -> ModelOut:
    """Add a maker's model."""
    made = await things.add_model(actor, things.NewModel(**data.model_dump()))
    return cast("ModelOut", await _added(actor, MODELS, "m.id", made, ModelOut))


@post("/api/v1/links", operation_id="addLink", guards=[requires(Action.EDIT_INVENTORY)], tags=["inventory"])
async def add_link(data: JSONBody[LinkIn], actor: NamedDependency[Actor]) -> LinkOut:
    """Add a network line of a site."""
    made = await things.add_link(actor, things.NewLink(**data.model_dump()))
    return cast("LinkOut", await _added(actor, LINKS, "l.id", made, LinkOut))


@post(
    "/api/v1/applications",
    operation_id="addApplication",
    guards=[requires(Action.EDIT_INVENTORY, province=True)],
    tags=["inventory"],
)
async def add_application(data: JSONBody[ApplicationIn], actor: NamedDependency[Actor]) -> ApplicationOut:
    """Add a system that centres work with."""
    made = await things.add_application(actor, things.NewApplication(**data.model_dump()))
    return cast("ApplicationOut", await _added(actor, APPLICATIONS, "a.id", made, ApplicationOut))


@post(
    "/api/v1/capabilities", operation_id="addCapability", guards=[requires(Action.EDIT_INVENTORY)], tags=["inventory"]
)
async def add_capability(data: JSONBody[CapabilityIn], actor: NamedDependency[Actor]) -> CapabilityOut:
    """Add an account or another capability of a site."""
    made = await things.add_capability(actor, things.NewCapability(**data.model_dump()))
    return cast("CapabilityOut", await _added(actor, CAPABILITIES, "k.id", made, CapabilityOut))


routes: Sequence[ControllerRouterHandler] = [
    Assets, list_models, add_model, list_links, add_link, list_applications, add_application, list_capabilities,
    add_capability,
]  # fmt: skip
