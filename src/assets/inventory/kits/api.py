"""Kits, norms and posts over HTTP, and the gaps between them and what sites have."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal
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
from assets.inventory.kits import norm_book, service
from assets.inventory.kits.allowance import Per, What
from assets.inventory.kits.gaps import (
    SOME_DAY,
    KitGapOut,
    NormGapOut,
    kit_gap,
    kit_gaps,
    norm_gap,
    norm_gaps,
    rules_of,
)
from assets.text import clean
from assets.web.moments import NAME, AsOfDay, day_of
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Code = Annotated[str, Field(min_length=1, max_length=40)]
Line = Annotated[str, Field(max_length=255)]
Quantity = Annotated[int, Field(ge=1, le=service.QUANTITY_MAX)]
Money = Annotated[int, Field(ge=0, le=norm_book.PRICE_MAX)]
KitPer = Literal[Per.SITE, Per.COUNTER, Per.PERSON]
SiteKind = Literal["centre", "reception_point", "store"]
UnitKind = Literal["", "commune", "ward", "special_zone"]


class KitLineOut(BaseModel):
    """`quantity` for every `every` of `per`, of what `what` and `code` say."""

    what: What
    code: str
    quantity: int
    per: Per
    every: int
    note: str


class KitOut(BaseModel):
    """What sites of a kind should have. `is_example` marks a kit that nobody has decided."""

    id: UUID
    code: str
    name: str
    name_en: str
    site_kind: str
    unit_kind: str
    is_example: bool
    source: str
    lines: list[KitLineOut]
    version: int


class KitLineIn(BaseModel):
    """A line of a kit: code is that of a category or an application, or the kind of a capability or a link."""

    model_config = ConfigDict(extra="forbid")
    what: What
    code: Code
    quantity: Quantity = 1
    per: KitPer = Per.SITE
    every: Quantity = 1
    note: Line = ""


Lines = Annotated[list[KitLineIn], Field(max_length=service.LINES_MAX)]


class KitIn(BaseModel):
    """A kit to add, for sites of a kind in units of a kind (empty: any)."""

    model_config = ConfigDict(extra="forbid")
    code: Code
    name: Annotated[str, Field(min_length=1, max_length=160)]
    name_en: Annotated[str, Field(max_length=160)] = ""
    site_kind: SiteKind
    unit_kind: UnitKind = ""
    is_example: bool = False
    source: Line = ""
    lines: Lines = []


class KitChange(BaseModel):
    """What to change of a kit; `lines` replace all that it has, what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=160)] | None = None
    name_en: Annotated[str, Field(max_length=160)] | None = None
    is_example: bool | None = None
    source: Line | None = None
    lines: Lines | None = None


KITS = Listing(
    select="k.*, coalesce((select jsonb_agg(jsonb_build_object('what', l.what, 'code', coalesce(c.code, p.code, l.code), "
    "'quantity', l.quantity, 'per', l.per, 'every', l.every, 'note', l.note) order by l.position) from kit_lines l "
    "left join asset_categories c on c.id = l.category left join applications p on p.id = l.application "
    "where l.kit = k.id), '[]') as lines_json",
    source="kits k",
    key="k.id",
    columns={
        "code": Column("k.code"), "name": Column("k.name"), "site_kind": Column("k.site_kind", choices=service.SITE_KINDS),
        "unit_kind": Column("k.unit_kind"), "is_example": Column("k.is_example", "boolean"),
    },
    sort="code",
    search=(folded("k.code"), folded("k.name"), folded("k.name_en")),
)  # fmt: skip


class _Lines(BaseModel):
    lines: list[KitLineOut]


def kit_out(row: Mapping[str, Any]) -> KitOut:
    """A row of KITS."""
    return _kit(row, lines=_Lines.model_validate_json(f'{{"lines": {row["lines_json"]}}}').lines)


_kit = from_row(KitOut, "lines")


async def one_kit(tx: Connection, code: str) -> KitOut:
    """A kit by its code; NotFound when there is none."""
    found = await fetch(tx, KITS, ListQuery(limit=1), kit_out, where=[("k.code = {}", [clean(code, 40).lower()])])
    if not found.items:
        raise NotFound()
    return found.items[0]


def new_lines(lines: Sequence[KitLineIn]) -> list[service.NewLine]:
    """Lines as the verbs take them."""
    return [service.NewLine(**line.model_dump()) for line in lines]


class Kits(Controller):
    """What kinds of centres should have."""

    path = "/api/v1/kits"
    tags = ("inventory",)

    @get(operation_id="listKits", guards=[requires(Action.VIEW)], **listed(KITS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[KitOut]:
        """Kits with their lines."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, KITS, asked, kit_out)

    @post(operation_id="addKit", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[KitIn], actor: NamedDependency[Actor]) -> Response[KitOut]:
        """Add a kit with its lines."""
        same = {name: value for name, value in data.model_dump().items() if name != "lines"}
        async with transaction(actor.scope) as tx:
            await service.add_kit(actor, service.NewKit(**same, lines=new_lines(data.lines)))
            return with_version(await one_kit(tx, data.code))

    @get("/{kit:str}", operation_id="getKit", guards=[requires(Action.VIEW)])
    async def one(self, kit: FromPath[str], actor: NamedDependency[Actor]) -> Response[KitOut]:
        """One kit by its code."""
        async with transaction(actor.scope) as tx:
            return with_version(await one_kit(tx, kit))

    @patch("/{kit:str}", operation_id="editKit", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self, kit: FromPath[str], data: JSONBody[KitChange], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[KitOut]:
        """Change a kit that is still as the caller read it."""
        changes = data.model_dump(exclude_unset=True, exclude_none=True)
        if data.lines is not None:
            changes["lines"] = new_lines(data.lines)
        version = version_of(if_match)
        async with transaction(actor.scope) as tx:
            await service.edit_kit(actor, kit, changes, version=version)
            return with_version(await one_kit(tx, kit))

    @delete("/{kit:str}", operation_id="deleteKit", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def remove(self, kit: FromPath[str], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Remove a kit that is still as the caller read it."""
        await service.delete_kit(actor, kit, version=version_of(if_match))


class NormOut(BaseModel):
    """A maximum, where it is written, and whether anybody has held it against that text."""

    id: UUID
    equipment: str
    categories: list[str]
    title: str
    quantity: int
    per: Per
    every: int
    post_group: str
    price_max: int | None
    one_stop: bool
    valid_from: date
    valid_to: date | None
    source: str
    verified: bool
    note: str
    version: int


class NormIn(BaseModel):
    """A norm to add; `price_max` is in whole đồng for one piece, `post_group` belongs to a norm by post."""

    model_config = ConfigDict(extra="forbid")
    equipment: Code
    categories: Annotated[list[Code], Field(min_length=1, max_length=norm_book.CATEGORIES_MAX)]
    title: Annotated[str, Field(min_length=1, max_length=255)]
    quantity: Annotated[int, Field(ge=0, le=service.QUANTITY_MAX)]
    per: Per = Per.PERSON
    every: Quantity = 1
    post_group: Annotated[str, Field(max_length=20)] = ""
    price_max: Money | None = None
    one_stop: bool = False
    valid_from: date
    valid_to: date | None = None
    source: Annotated[str, Field(min_length=1, max_length=255)]
    verified: bool = False
    note: Line = ""


class NormChange(BaseModel):
    """What to change of a norm; what is not named stays, and null takes a price or an end away."""

    model_config = ConfigDict(extra="forbid")
    equipment: Code | None = None
    categories: Annotated[list[Code], Field(min_length=1, max_length=norm_book.CATEGORIES_MAX)] | None = None
    title: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    quantity: Annotated[int, Field(ge=0, le=service.QUANTITY_MAX)] | None = None
    per: Per | None = None
    every: Quantity | None = None
    post_group: Annotated[str, Field(max_length=20)] | None = None
    price_max: Money | None = None
    one_stop: bool | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    source: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    verified: bool | None = None
    note: Line | None = None


NULLABLE = frozenset({"price_max", "valid_to"})
NORMS = Listing(
    select="n.*, array(select c.code from norm_categories nc join asset_categories c on c.id = nc.category "
    "where nc.norm = n.id order by c.sort, c.code) as categories",
    source="norms n",
    key="n.id",
    columns={
        "equipment": Column("n.equipment"), "title": Column("n.title"), "post_group": Column("n.post_group"),
        "per": Column("n.per", choices=tuple(Per)), "one_stop": Column("n.one_stop", "boolean"),
        "verified": Column("n.verified", "boolean"), "valid_from": Column("n.valid_from", "date"),
        "valid_to": Column("n.valid_to", "date"), "price_max": Column("n.price_max", "bigint"),
    },
    sort="equipment",
    search=(folded("n.equipment"), folded("n.title"), folded("n.source")),
)  # fmt: skip


norm_out = from_row(NormOut)


async def _one_norm(tx: Connection, norm: UUID) -> Response[NormOut]:
    found = await fetch(tx, NORMS, ListQuery(limit=1), norm_out, where=[("n.id = {}", [norm])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class Norms(Controller):
    """What decrees and the province allow at most."""

    path = "/api/v1/norms"
    tags = ("inventory",)

    @get(operation_id="listNorms", guards=[requires(Action.VIEW)], **listed(NORMS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[NormOut]:
        """Norms by equipment."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, NORMS, asked, norm_out)

    @post(operation_id="addNorm", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[NormIn], actor: NamedDependency[Actor]) -> Response[NormOut]:
        """Add a norm."""
        async with transaction(actor.scope) as tx:
            return await _one_norm(tx, await norm_book.add_norm(actor, norm_book.NewNorm(**data.model_dump())))

    @get("/{norm:uuid}", operation_id="getNorm", guards=[requires(Action.VIEW)])
    async def one(self, norm: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[NormOut]:
        """One norm."""
        async with transaction(actor.scope) as tx:
            return await _one_norm(tx, norm)

    @patch("/{norm:uuid}", operation_id="editNorm", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self, norm: FromPath[UUID], data: JSONBody[NormChange], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[NormOut]:
        """Change a norm that is still as the caller read it."""
        given = data.model_dump(exclude_unset=True)
        changes = {name: value for name, value in given.items() if value is not None or name in NULLABLE}
        version = version_of(if_match)
        async with transaction(actor.scope) as tx:
            await norm_book.edit_norm(actor, norm, changes, version=version)
            return await _one_norm(tx, norm)

    @delete("/{norm:uuid}", operation_id="deleteNorm", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def remove(self, norm: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Remove a norm that should never have been written down; what no longer holds gets a last day instead."""
        await norm_book.delete_norm(actor, norm, version=version_of(if_match))


class PostCountOut(BaseModel):
    """How many people of a norm group a site has, as of a date."""

    id: UUID
    site: str
    site_name: str
    post_group: str
    as_of: date
    people: int


class PostCountIn(BaseModel):
    """How many people of a norm group a site has as of a date; the same date again corrects it."""

    model_config = ConfigDict(extra="forbid")
    post_group: Annotated[str, Field(min_length=1, max_length=20)]
    people: Annotated[int, Field(ge=0, le=100_000)]
    as_of: date


POSTS = Listing(
    select="p.*, s.code as site_code, s.name as site_name",
    source="post_counts p join sites s on s.id = p.site",
    key="p.id",
    columns={
        "site": Column("s.code"), "post_group": Column("p.post_group"), "as_of": Column("p.as_of", "date"),
        "people": Column("p.people", "integer"),
    },
    sort="-as_of",
    search=("s.search", folded("p.post_group")),
    site="p.site",
)  # fmt: skip


_post = from_row(PostCountOut, site="site_code")


@get("/api/v1/posts", operation_id="listPosts", guards=[requires(Action.VIEW)], tags=["places"], **listed(POSTS))
async def list_posts(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[PostCountOut]:
    """How many people of which norm group there were at which site, newest first."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, POSTS, asked, _post, scope=actor.scope)


@post(
    "/api/v1/sites/{code:str}/posts",
    operation_id="countPosts",
    guards=[requires(Action.EDIT_PLACES)],
    tags=["places"],
)
async def count_posts(code: FromPath[str], data: JSONBody[PostCountIn], actor: NamedDependency[Actor]) -> PostCountOut:
    """Write down how many people of a norm group a site has."""
    made = await norm_book.count_posts(actor, code, data.post_group, data.people, as_of=data.as_of)
    async with transaction(actor.scope) as tx:
        return (await fetch(tx, POSTS, ListQuery(limit=1), _post, where=[("p.id = {}", [made])])).items[0]


@get("/api/v1/kit-gaps", operation_id="listKitGaps", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(kit_gaps(SOME_DAY), known=[NAME]))  # fmt: skip
async def list_kit_gaps(
    asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], as_of: AsOfDay = None
) -> Page[KitGapOut]:
    """Each line of the kit of each of the caller's sites, shortest first; head-counts are those of the day."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, kit_gaps(day_of(as_of, clock.today())), asked, kit_gap, scope=actor.scope)


@get("/api/v1/norm-gaps", operation_id="listNormGaps", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(norm_gaps(SOME_DAY), known=[NAME]))  # fmt: skip
async def list_norm_gaps(
    asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], as_of: AsOfDay = None
) -> Page[NormGapOut]:
    """What the caller's sites have beside the norms in force on a day, which are maxima; most over first."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        return await fetch(tx, norm_gaps(day), asked, norm_gap(await rules_of(tx, day)), scope=actor.scope)


class SiteKit(BaseModel):
    """What one site should and may have as of a day, and has; `kit` is empty where none is for it."""

    site: str
    as_of: date
    kit: str
    is_example: bool
    people: int | None
    people_as_of: date | None
    counters: int
    posts: dict[str, int]
    lines: list[KitGapOut]
    norms: list[NormGapOut]


async def site_kit(tx: Connection, site: UUID, code: str, day: date) -> SiteKit:
    """The kit and the norms of a site that the caller may see."""
    lines = [kit_gap(row) for row in await tx.fetch(f"select * from {kit_gaps(day, site).source} order by g.position")]  # noqa: S608
    judged, source = norm_gap(await rules_of(tx, day)), norm_gaps(day, site).source
    norms = [judged(row) for row in await tx.fetch(f"select * from {source} order by g.one_stop, g.equipment")]  # noqa: S608
    heads = await tx.fetchrow(
        "select people, as_of from head_counts where site = $1 and as_of <= $2 order by as_of desc limit 1", site, day
    )
    posts = await tx.fetch(
        "select distinct on (post_group) post_group, people from post_counts where site = $1 and as_of <= $2 "
        "order by post_group, as_of desc", site, day,
    )  # fmt: skip
    counters = await tx.fetchval("select count(*) from rooms where site = $1 and kind = 'counter'", site)
    return SiteKit(
        site=code, as_of=day, kit=lines[0].kit if lines else "", is_example=bool(lines) and lines[0].is_example,
        people=heads and heads["people"], people_as_of=heads and heads["as_of"], counters=counters,
        posts={row["post_group"]: row["people"] for row in posts}, lines=lines, norms=norms,
    )  # fmt: skip


@get("/api/v1/sites/{code:str}/kit", operation_id="getSiteKit", guards=[requires(Action.VIEW)], tags=["inventory"])
async def get_site_kit(code: FromPath[str], actor: NamedDependency[Actor], as_of: AsOfDay = None) -> SiteKit:
    """What one site should and may have as of a day, and what it has."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        site = await tx.fetchval("select id from sites where code = $1", code)
        if site is None or not actor.scope.sees(site):
            raise NotFound()
        return await site_kit(tx, site, code, day)


routes: Sequence[ControllerRouterHandler] = [
    Kits, Norms, list_posts, count_posts, list_kit_gaps, list_norm_gaps, get_site_kit,
]  # fmt: skip
