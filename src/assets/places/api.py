"""Administrative units and sites over HTTP."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Literal
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
from assets.db import Connection, transaction
from assets.errors import NotFound
from assets.places import service
from assets.places.past import site_as_of
from assets.places.succession import Unit
from assets.web.moments import NAME, AsOf, AsOfDay, day_of, past_moment
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

KINDS = ("commune", "ward", "special_zone", "township", "district")
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class UnitOut(BaseModel):
    """An administrative unit as it was from one day on and before another; coordinates are those of its centroid.

    `code` is empty where none was written down; `valid_from` null: nobody wrote down since when; `valid_to` null: it
    goes on.
    """

    id: UUID
    code: str
    province_code: str
    kind: str
    name: str
    name_en: str
    former_province: str
    former_district: str
    agency_code: str
    area_km2: float | None
    latitude: float | None
    longitude: float | None
    valid_from: date | None
    valid_to: date | None
    version: int


class UnitEdit(BaseModel):
    """What to correct of a unit; what is not named stays. A new name by a decision is a change: see unit-changes."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=120)] = ""
    kind: Literal["commune", "ward", "special_zone"] = "commune"
    name_en: Annotated[str, Field(max_length=120)] = ""
    former_province: Annotated[str, Field(max_length=60)] = ""
    agency_code: Annotated[str, Field(max_length=60)] = ""
    area_km2: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class SiteOut(BaseModel):
    """A site with its unit and its newest head-count."""

    id: UUID
    code: str
    kind: str
    name: str
    unit_code: str
    unit_name: str
    address: str
    phone: str
    agency_code: str
    latitude: float | None
    longitude: float | None
    open: bool
    closed_reason: str
    opened_on: date
    people: int | None
    people_as_of: date | None
    version: int


class SiteIn(BaseModel):
    """A site to open, today or since a day of the past; a unit has one centre that is open."""

    model_config = ConfigDict(extra="forbid")
    unit: Annotated[str, Field(min_length=5, max_length=5)]
    code: Annotated[str, Field(min_length=1, max_length=20)]
    kind: Literal["reception_point", "store", "centre"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    address: Annotated[str, Field(max_length=255)] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    agency_code: Annotated[str, Field(max_length=60)] = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    opened_on: date | None = None


class SiteEdit(BaseModel):
    """What to change of a site; what is not named stays. One that is closed says why in `closed_reason`."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=200)] = ""
    kind: Literal["centre", "reception_point", "store"] = "centre"
    address: Annotated[str, Field(max_length=255)] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    agency_code: Annotated[str, Field(max_length=60)] = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    open: bool = True
    closed_reason: Annotated[str, Field(max_length=255)] = ""


class HeadCountIn(BaseModel):
    """How many people a site has as of a date."""

    people: Annotated[int, Field(ge=0, le=100_000)]
    as_of: date


UNITS = Listing(
    select="u.*",
    source="administrative_units u",
    key="u.id",
    columns={
        "code": Column("u.code"), "name": Column("u.sort", filterable=False), "kind": Column("u.kind", choices=KINDS),
        "former_province": Column("u.former_province"), "province_code": Column("u.province_code"),
    },
    sort="name",
    search=("u.search",),
    found_by="administrative_units",
)  # fmt: skip
# Which unit a site belongs to, and how many people it has, depends on the day: `sites_on` puts it in.
SITES = Listing(
    select="s.*, u.code as unit_code, u.name as unit_name, h.people, h.as_of as people_as_of, "
    "(select min(valid_from) from site_units where site = s.id) as opened_on",
    source="sites s join administrative_units u on u.id = s.unit left join lateral "
    "(select people, as_of from head_counts where site = s.id order by as_of desc limit 1) h on true",
    key="s.id",
    columns={
        "code": Column("s.code"), "name": Column("u.sort", filterable=False),
        "kind": Column("s.kind", choices=service.SITE_KINDS), "unit_code": Column("u.code"),
        "open": Column("s.open", "boolean"),
    },
    sort="name",
    search=("u.search", "s.search"),
    site="s.id",
    found_by="sites",
)  # fmt: skip


def units_on(day: date) -> list[tuple[str, Sequence[object]]]:
    """What chooses the units that are in force on a day."""
    return [("(u.valid_from is null or u.valid_from <= {}) and (u.valid_to is null or u.valid_to > {})", [day, day])]


def sites_on(day: date) -> Listing:
    """The sites that had opened by a day, each under its unit of that day and with its people of then."""
    when = f"date '{day.isoformat()}'"
    return replace(
        SITES,
        source="sites s join site_units m on m.site = s.id and m.valid_from <= " + when + " and (m.valid_to is null "  # noqa: S608
        f"or m.valid_to > {when}) join administrative_units u on u.id = m.unit left join lateral (select people, as_of "
        f"from head_counts where site = s.id and as_of <= {when} order by as_of desc limit 1) h on true",
        found_by="",  # its index knows the units of today
    )


unit_out = from_row(UnitOut)


site_out = from_row(SiteOut)


async def unit_with(tx: Connection, code: str, day: date, *, exactly: bool = False) -> UnitOut:
    """The unit that has the code on a day; else the last one that had it, unless `exactly` that day is meant."""
    row = await tx.fetchrow(f"select * from administrative_units where code = $1 {service.NEWEST} limit 1", code, day)  # noqa: S608
    found = None if row is None else unit_out(row)
    if found is None or (exactly and not Unit(found.id, code, found.valid_from, found.valid_to).in_force(day)):
        raise NotFound()
    return found


async def one_site(tx: Connection, actor: Actor, code: str) -> SiteOut:
    """A site of the caller's scope as it is."""
    found = await fetch(tx, SITES, ListQuery(limit=1), site_out, scope=actor.scope, where=[("s.code = {}", [code])])
    if not found.items:
        raise NotFound()
    return found.items[0]


class Units(Controller):
    """The communes, wards and special zones."""

    path = "/api/v1/administrative-units"
    tags = ("places",)

    @get(operation_id="listAdministrativeUnits", guards=[requires(Action.VIEW)], **listed(UNITS, known=[NAME]))
    async def listing(
        self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], as_of: AsOfDay = None
    ) -> Page[UnitOut]:
        """The units of a day, by name, code, kind or former province."""
        day = day_of(as_of, clock.today())
        async with transaction(actor.scope) as tx:
            return await fetch(tx, UNITS, asked, unit_out, where=units_on(day))

    @get("/{code:str}", operation_id="getAdministrativeUnit", guards=[requires(Action.VIEW)])
    async def one(self, code: FromPath[str], actor: NamedDependency[Actor], as_of: AsOfDay = None) -> Response[UnitOut]:
        """The unit that has this code, or had it on a day; without a day also one that is no more."""
        day = day_of(as_of, clock.today())
        async with transaction(actor.scope) as tx:
            return with_version(await unit_with(tx, code, day, exactly=bool(as_of)))

    @patch("/{code:str}", operation_id="editAdministrativeUnit", guards=[requires(Action.EDIT_PLACES, province=True)])
    async def edit(
        self, code: FromPath[str], data: JSONBody[UnitEdit], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[UnitOut]:
        """Correct what is written of a unit that is still as the caller read it."""
        await service.edit_unit(actor, code, data.model_dump(exclude_unset=True), version=version_of(if_match))
        async with transaction(actor.scope) as tx:
            return with_version(await unit_with(tx, code, clock.today()))


class Sites(Controller):
    """Centres, reception points and stores."""

    path = "/api/v1/sites"
    tags = ("places",)

    @get(operation_id="listSites", guards=[requires(Action.VIEW)], **listed(SITES, known=[NAME]))
    async def listing(
        self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], as_of: AsOfDay = None
    ) -> Page[SiteOut]:
        """The sites that the caller may see; as of a day those that had opened, each under its unit of that day."""
        chosen = sites_on(day_of(as_of, clock.today())) if as_of else SITES
        async with transaction(actor.scope) as tx:
            return await fetch(tx, chosen, asked, site_out, scope=actor.scope)

    @post(operation_id="openSite", guards=[requires(Action.EDIT_PLACES, province=True)])
    async def open(self, data: JSONBody[SiteIn], actor: NamedDependency[Actor]) -> Response[SiteOut]:
        """Open a reception point, a store or the centre of a unit."""
        site = await service.create_site(actor, **data.model_dump())
        async with transaction(actor.scope) as tx:
            found = await fetch(tx, SITES, ListQuery(limit=1), site_out, where=[("s.id = {}", [site])])
        return with_version(found.items[0])

    @get("/{code:str}", operation_id="getSite", guards=[requires(Action.VIEW)])
    async def one(self, code: FromPath[str], actor: NamedDependency[Actor], as_of: AsOf = None) -> Response[SiteOut]:
        """One site by its code, as it is or as it was."""
        if as_of is not None:
            return with_version(site_out(await site_as_of(actor.scope, code, past_moment(as_of))))
        async with transaction(actor.scope) as tx:
            return with_version(await one_site(tx, actor, code))

    @patch("/{code:str}", operation_id="editSite", guards=[requires(Action.EDIT_PLACES)])
    async def edit(
        self, code: FromPath[str], data: JSONBody[SiteEdit], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[SiteOut]:
        """Change what is written of a site that is still as the caller read it, close it or open it again."""
        await service.edit_site(actor, code, data.model_dump(exclude_unset=True), version=version_of(if_match))
        async with transaction(actor.scope) as tx:
            return with_version(await one_site(tx, actor, code))

    @post("/{code:str}/head-counts", operation_id="countHeads", guards=[requires(Action.EDIT_PLACES)])
    async def heads(
        self, code: FromPath[str], data: JSONBody[HeadCountIn], actor: NamedDependency[Actor]
    ) -> Response[SiteOut]:
        """Write down a dated head-count; the same date again corrects it."""
        await service.count_heads(actor, code, data.people, as_of=data.as_of)
        async with transaction(actor.scope) as tx:
            return with_version(await one_site(tx, actor, code))


routes: Sequence[ControllerRouterHandler] = [Units, Sites]
