"""Models, links, applications and capabilities over HTTP: what stands beside assets."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from litestar import Response, get, patch, post
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
from assets.inventory import editing, things
from assets.inventory.kinds import CAPABILITY_KINDS, LINK_KINDS, STATUSES
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, Versioned, version_of, with_version

Money = Annotated[int, Field(ge=0, le=10**13)]
Line = Annotated[str, Field(max_length=255)]


class ModelOut(BaseModel):
    """A maker's model and the category it belongs to; `expected_months` is how long one is expected to serve."""

    id: UUID
    category: str
    manufacturer: str
    name: str
    profile: str
    expected_months: int | None
    note: str
    version: int


MODELS = Listing(
    select="m.id, c.code as category, m.manufacturer, m.name, m.profile, m.expected_months, m.note, m.version",
    source="asset_models m join asset_categories c on c.id = m.category",
    key="m.id",
    columns={
        "name": Column("m.name"),
        "manufacturer": Column("m.manufacturer"),
        "category": Column("c.code"),
        "profile": Column("m.profile"),
        "expected_months": Column("m.expected_months", "integer"),
        "note": Column("m.note", sortable=False),
    },
    sort="manufacturer",
    search=("m.search",),
)


class LinkOut(BaseModel):
    """A network line of a site, between its two ends; `monthly_cost` in whole đồng."""

    id: UUID
    tag: str
    site: str
    kind: str
    carrier: str
    circuit_number: str
    bandwidth_mbps: int | None
    is_primary: bool
    hotline: str
    near_end: str
    far_end: str
    contract_number: str
    contract_until: date | None
    monthly_cost: int | None
    wan_router: str
    wan_interface: str
    budget_mb_per_day: int | None
    note: str
    version: int


LINKS = Listing(
    select="l.*, s.code as site_code",
    source="links l join sites s on s.id = l.site",
    key="l.id",
    columns={
        "tag": Column("l.tag"), "site": Column("s.code"), "kind": Column("l.kind", choices=LINK_KINDS),
        "carrier": Column("l.carrier"),
        "is_primary": Column("l.is_primary", "boolean"), "contract_until": Column("l.contract_until", "date"),
        "circuit_number": Column("l.circuit_number"), "bandwidth_mbps": Column("l.bandwidth_mbps", "integer"),
        "hotline": Column("l.hotline"), "near_end": Column("l.near_end"), "far_end": Column("l.far_end"),
        "contract_number": Column("l.contract_number"), "monthly_cost": Column("l.monthly_cost", "bigint"),
        "wan_router": Column("l.wan_router"), "wan_interface": Column("l.wan_interface"),
        "budget_mb_per_day": Column("l.budget_mb_per_day", "integer"), "note": Column("l.note", sortable=False),
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
    select="a.*", source="applications a", key="a.id", columns={
        "code": Column("a.code"), "name": Column("a.name"), "owner_office": Column("a.owner_office"),
        "needs_account": Column("a.needs_account", "boolean"), "name_en": Column("a.name_en"),
        "web_address": Column("a.web_address"),
    },
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
    note: str
    version: int


CAPABILITIES = Listing(
    select="k.id, s.code as site, p.code as application, k.kind, k.title, k.holder_post, k.status, k.since, k.expires_on, "
    "k.note, k.version",
    source="capabilities k join sites s on s.id = k.site left join applications p on p.id = k.application",
    key="k.id",
    columns={
        "site": Column("s.code"), "kind": Column("k.kind", choices=CAPABILITY_KINDS),
        "status": Column("k.status", choices=STATUSES),
        "application": Column("p.code"), "title": Column("k.title"), "expires_on": Column("k.expires_on", "date"),
        "holder_post": Column("k.holder_post"), "since": Column("k.since", "date"), "note": Column("k.note", sortable=False),
    },
    sort="site",
    search=("s.search", folded("k.title")),
    site="k.site",
)  # fmt: skip


_model_out = from_row(ModelOut)
_link_out = from_row(LinkOut, site="site_code")
_application_out = from_row(ApplicationOut)
_capability_out = from_row(CapabilityOut)


@get("/api/v1/asset-models", operation_id="listAssetModels", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(MODELS))  # fmt: skip
async def list_models(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ModelOut]:
    """Models by maker, name or category."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, MODELS, asked, _model_out)


@get("/api/v1/links", operation_id="listLinks", guards=[requires(Action.VIEW)], tags=["inventory"], **listed(LINKS))
async def list_links(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[LinkOut]:
    """Network lines of the caller's sites."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, LINKS, asked, _link_out, scope=actor.scope)


@get("/api/v1/applications", operation_id="listApplications", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(APPLICATIONS))  # fmt: skip
async def list_applications(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ApplicationOut]:
    """The systems that centres work with."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, APPLICATIONS, asked, _application_out)


@get("/api/v1/capabilities", operation_id="listCapabilities", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(CAPABILITIES))  # fmt: skip
async def list_capabilities(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[CapabilityOut]:
    """Accounts, tokens and other capabilities of the caller's sites."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, CAPABILITIES, asked, _capability_out, scope=actor.scope)


class ModelIn(BaseModel):
    """A maker's model to add."""

    model_config = ConfigDict(extra="forbid")
    category: Annotated[str, Field(max_length=40)]
    manufacturer: Annotated[str, Field(min_length=1, max_length=80)]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    profile: Annotated[str, Field(max_length=60)] = ""
    expected_months: Annotated[int, Field(ge=1, le=1200)] | None = None
    note: Line = ""


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
    near_end: Annotated[str, Field(max_length=160)] = ""
    far_end: Annotated[str, Field(max_length=160)] = ""
    contract_number: Annotated[str, Field(max_length=60)] = ""
    contract_until: date | None = None
    monthly_cost: Money | None = None
    wan_router: Annotated[str, Field(max_length=40)] = ""
    wan_interface: Annotated[str, Field(max_length=80)] = ""
    budget_mb_per_day: Annotated[int, Field(ge=1, le=100_000)] | None = None
    note: Line = ""


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
    note: Line = ""


class ModelChange(BaseModel):
    """What to change of a model; what is not named stays, null empties what may be empty."""

    model_config = ConfigDict(extra="forbid")
    category: Annotated[str, Field(max_length=40)] | None = None
    manufacturer: Annotated[str, Field(max_length=80)] | None = None
    name: Annotated[str, Field(max_length=120)] | None = None
    profile: Annotated[str, Field(max_length=60)] | None = None
    expected_months: Annotated[int, Field(ge=1, le=1200)] | None = None
    note: Line | None = None


class LinkChange(BaseModel):
    """What to change of a line; what is not named stays, null empties what may be empty."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["dedicated", "fibre", "mobile", "satellite"] | None = None
    carrier: Annotated[str, Field(max_length=60)] | None = None
    circuit_number: Annotated[str, Field(max_length=60)] | None = None
    bandwidth_mbps: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    is_primary: bool | None = None
    hotline: Annotated[str, Field(max_length=40)] | None = None
    near_end: Annotated[str, Field(max_length=160)] | None = None
    far_end: Annotated[str, Field(max_length=160)] | None = None
    contract_number: Annotated[str, Field(max_length=60)] | None = None
    contract_until: date | None = None
    monthly_cost: Money | None = None
    wan_router: Annotated[str, Field(max_length=40)] | None = None
    wan_interface: Annotated[str, Field(max_length=80)] | None = None
    budget_mb_per_day: Annotated[int, Field(ge=1, le=100_000)] | None = None
    note: Line | None = None


class ApplicationChange(BaseModel):
    """What to change of an application; what is not named stays, null empties what may be empty."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=160)] | None = None
    name_en: Annotated[str, Field(max_length=160)] | None = None
    owner_office: Annotated[str, Field(max_length=160)] | None = None
    web_address: Line | None = None
    needs_account: bool | None = None


class CapabilityChange(BaseModel):
    """What to change of a capability; what is not named stays, null empties what may be empty."""

    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(max_length=160)] | None = None
    status: Literal["not_issued", "waiting", "issued", "expired", "revoked"] | None = None
    application: Annotated[str, Field(max_length=40)] | None = None
    holder_post: Annotated[str, Field(max_length=120)] | None = None
    since: date | None = None
    expires_on: date | None = None
    note: Line | None = None


V = TypeVar("V", bound=Versioned)


async def _shown(actor: Actor, listing: Listing, key: str, value: object, make: Callable[..., V]) -> Response[V]:
    async with transaction(actor.scope) as tx:
        scope = actor.scope if listing.site else None
        found = await fetch(tx, listing, ListQuery(limit=1), make, scope=scope, where=[(f"{key} = {{}}", [value])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


@post(
    "/api/v1/asset-models",
    operation_id="addAssetModel",
    guards=[requires(Action.EDIT_INVENTORY, province=True)],
    tags=["inventory"],
)
async def add_model(data: JSONBody[ModelIn], actor: NamedDependency[Actor]) -> Response[ModelOut]:
    """Add a maker's model."""
    made = await things.add_model(actor, things.NewModel(**data.model_dump()))
    return await _shown(actor, MODELS, "m.id", made, _model_out)


@post("/api/v1/links", operation_id="addLink", guards=[requires(Action.EDIT_INVENTORY)], tags=["inventory"])
async def add_link(data: JSONBody[LinkIn], actor: NamedDependency[Actor]) -> Response[LinkOut]:
    """Add a network line of a site."""
    made = await things.add_link(actor, things.NewLink(**data.model_dump()))
    return await _shown(actor, LINKS, "l.id", made, _link_out)


@post(
    "/api/v1/applications",
    operation_id="addApplication",
    guards=[requires(Action.EDIT_INVENTORY, province=True)],
    tags=["inventory"],
)
async def add_application(data: JSONBody[ApplicationIn], actor: NamedDependency[Actor]) -> Response[ApplicationOut]:
    """Add a system that centres work with."""
    made = await things.add_application(actor, things.NewApplication(**data.model_dump()))
    return await _shown(actor, APPLICATIONS, "a.id", made, _application_out)


@post(
    "/api/v1/capabilities", operation_id="addCapability", guards=[requires(Action.EDIT_INVENTORY)], tags=["inventory"]
)
async def add_capability(data: JSONBody[CapabilityIn], actor: NamedDependency[Actor]) -> Response[CapabilityOut]:
    """Add an account or another capability of a site."""
    made = await things.add_capability(actor, things.NewCapability(**data.model_dump()))
    return await _shown(actor, CAPABILITIES, "k.id", made, _capability_out)


async def _changed(
    actor: Actor, resource: str, data: BaseModel, if_match: str | None, thing: UUID | None = None, **key: str
) -> None:
    cells, version = data.model_dump(exclude_unset=True) | key, version_of(if_match)
    await editing.edit(actor, resource, cells, version=version, now=clock.now(), thing=thing)


async def _model(actor: Actor, model: UUID) -> Response[ModelOut]:
    return await _shown(actor, MODELS, "m.id", model, _model_out)


@get("/api/v1/asset-models/{model:uuid}", operation_id="getAssetModel", guards=[requires(Action.VIEW)],
     tags=["inventory"])  # fmt: skip
async def one_model(model: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[ModelOut]:
    """One model."""
    return await _model(actor, model)


@patch("/api/v1/asset-models/{model:uuid}", operation_id="editAssetModel", tags=["inventory"],
       guards=[requires(Action.EDIT_INVENTORY, province=True)])  # fmt: skip
async def edit_model(
    model: FromPath[UUID], data: JSONBody[ModelChange], actor: NamedDependency[Actor], if_match: IfMatch = None
) -> Response[ModelOut]:
    """Change a model that is still as the caller read it."""
    await _changed(actor, "asset-models", data, if_match, model)
    return await _model(actor, model)


async def one_link_of(actor: Actor, tag: str) -> LinkOut:
    """A line of the actor's sites; NotFound for any other."""
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, LINKS, ListQuery(limit=1), _link_out, scope=actor.scope, where=[("l.tag = {}", [tag.upper()])]
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    shown: LinkOut = found.items[0]
    return shown


async def _link(actor: Actor, tag: str) -> Response[LinkOut]:
    return await _shown(actor, LINKS, "l.tag", tag.upper(), _link_out)


@get("/api/v1/links/{tag:str}", operation_id="getLink", guards=[requires(Action.VIEW)], tags=["inventory"])
async def one_link(tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[LinkOut]:
    """One line by its tag."""
    return await _link(actor, tag)


@patch("/api/v1/links/{tag:str}", operation_id="editLink", guards=[requires(Action.EDIT_INVENTORY)], tags=["inventory"])
async def edit_link(
    tag: FromPath[str], data: JSONBody[LinkChange], actor: NamedDependency[Actor], if_match: IfMatch = None
) -> Response[LinkOut]:
    """Change a line that is still as the caller read it."""
    await _changed(actor, "links", data, if_match, tag=tag)
    return await _link(actor, tag)


async def _application(actor: Actor, code: str) -> Response[ApplicationOut]:
    return await _shown(actor, APPLICATIONS, "a.code", code, _application_out)


@get(
    "/api/v1/applications/{code:str}", operation_id="getApplication", guards=[requires(Action.VIEW)], tags=["inventory"]
)
async def one_application(code: FromPath[str], actor: NamedDependency[Actor]) -> Response[ApplicationOut]:
    """One application by its code."""
    return await _application(actor, code)


@patch("/api/v1/applications/{code:str}", operation_id="editApplication", tags=["inventory"],
       guards=[requires(Action.EDIT_INVENTORY, province=True)])  # fmt: skip
async def edit_application(
    code: FromPath[str], data: JSONBody[ApplicationChange], actor: NamedDependency[Actor], if_match: IfMatch = None
) -> Response[ApplicationOut]:
    """Change an application that is still as the caller read it."""
    await _changed(actor, "applications", data, if_match, code=code)
    return await _application(actor, code)


async def _capability(actor: Actor, capability: UUID) -> Response[CapabilityOut]:
    return await _shown(actor, CAPABILITIES, "k.id", capability, _capability_out)


@get("/api/v1/capabilities/{capability:uuid}", operation_id="getCapability", guards=[requires(Action.VIEW)],
     tags=["inventory"])  # fmt: skip
async def one_capability(capability: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[CapabilityOut]:
    """One capability."""
    return await _capability(actor, capability)


@patch("/api/v1/capabilities/{capability:uuid}", operation_id="editCapability", tags=["inventory"],
       guards=[requires(Action.EDIT_INVENTORY)])  # fmt: skip
async def edit_capability(
    capability: FromPath[UUID],
    data: JSONBody[CapabilityChange],
    actor: NamedDependency[Actor],
    if_match: IfMatch = None,
) -> Response[CapabilityOut]:
    """Change a capability that is still as the caller read it."""
    await _changed(actor, "capabilities", data, if_match, capability)
    return await _capability(actor, capability)


routes: Sequence[ControllerRouterHandler] = [
    list_models, add_model, one_model, edit_model, list_links, add_link, one_link, edit_link, list_applications,
    add_application, one_application, edit_application, list_capabilities, add_capability, one_capability, edit_capability,
]  # fmt: skip
