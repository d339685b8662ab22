"""Administrative units and sites over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from asyncpg import Record
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.places import service
from assets.places.past import site_as_of
from assets.web.moments import AsOf, past_moment
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, listed

KINDS = ("commune", "ward", "special_zone")
SITE_KINDS = ("centre", "reception_point", "store")


class UnitOut(BaseModel):
    """An administrative unit; coordinates are those of its polygon's centroid."""

    id: UUID
    code: str
    province_code: str
    kind: str
    name: str
    name_en: str
    former_province: str
    area_km2: float | None
    latitude: float | None
    longitude: float | None
    version: int


class SiteOut(BaseModel):
    """A site with its unit and its newest head-count."""

    id: UUID
    code: str
    kind: str
    name: str
    unit_code: str
    unit_name: str
    address: str
    people: int | None
    people_as_of: date | None
    version: int


class SiteIn(BaseModel):
    """A site to open; a unit's centre is there already."""

    model_config = ConfigDict(extra="forbid")
    unit: Annotated[str, Field(min_length=5, max_length=5)]
    code: Annotated[str, Field(min_length=1, max_length=20)]
    kind: Literal["reception_point", "store"]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    address: Annotated[str, Field(max_length=255)] = ""


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
SITES = Listing(
    select="s.*, u.code as unit_code, u.name as unit_name, h.people, h.as_of as people_as_of",
    source="sites s join administrative_units u on u.id = s.unit left join lateral "
    "(select people, as_of from head_counts where site = s.id order by as_of desc limit 1) h on true",
    key="s.id",
    columns={
        "code": Column("s.code"), "name": Column("u.sort", filterable=False), "kind": Column("s.kind", choices=SITE_KINDS),
        "unit_code": Column("u.code"),
    },
    sort="name",
    search=("u.search", "s.search"),
    site="s.id",
    found_by="sites",
)  # fmt: skip


def _unit(row: Record) -> UnitOut:
    return UnitOut(**{name: row[name] for name in UnitOut.model_fields})


def _site(row: Mapping[str, Any]) -> SiteOut:
    return SiteOut(**{name: row[name] for name in SiteOut.model_fields})


class Units(Controller):
    """The communes, wards and special zones."""

    path = "/api/v1/administrative-units"
    tags = ("places",)

    @get(operation_id="listAdministrativeUnits", guards=[requires(Action.VIEW)], **listed(UNITS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[UnitOut]:
        """Units by name, code, kind or former province."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, UNITS, asked, _unit)


class Sites(Controller):
    """Centres, reception points and stores."""

    path = "/api/v1/sites"
    tags = ("places",)

    @get(operation_id="listSites", guards=[requires(Action.VIEW)], **listed(SITES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[SiteOut]:
        """The sites that the caller may see."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, SITES, asked, _site, scope=actor.scope)

    @post(operation_id="openSite", guards=[requires(Action.EDIT_PLACES, province=True)])
    async def open(self, data: JSONBody[SiteIn], actor: NamedDependency[Actor]) -> SiteOut:
        """Open a reception point or a store of a unit."""
        site = await service.create_site(actor, **data.model_dump())
        async with transaction(actor.scope) as tx:
            found = await fetch(tx, SITES, ListQuery(limit=1), _site, where=[("s.id = {}", [site])])
        return found.items[0]

    @get("/{code:str}", operation_id="getSite", guards=[requires(Action.VIEW)])
    async def one(self, code: FromPath[str], actor: NamedDependency[Actor], as_of: AsOf = None) -> SiteOut:
        """One site by its code, as it is or as it was."""
        if as_of is not None:
            return _site(await site_as_of(actor.scope, code, past_moment(as_of)))
        async with transaction(actor.scope) as tx:
            found = await fetch(
                tx, SITES, ListQuery(limit=1), _site, scope=actor.scope, where=[("s.code = {}", [code])]
            )
        if not found.items:
            raise NotFound()
        return found.items[0]

    @post("/{code:str}/head-counts", operation_id="countHeads", guards=[requires(Action.EDIT_PLACES)])
    async def heads(self, code: FromPath[str], data: JSONBody[HeadCountIn], actor: NamedDependency[Actor]) -> SiteOut:
        """Write down a dated head-count; the same date again corrects it."""
        await service.count_heads(actor, code, data.people, as_of=data.as_of)
        return await self.one.fn(self, code, actor)  # type: ignore[no-any-return]


routes: Sequence[ControllerRouterHandler] = [Units, Sites]
