"""Wear over HTTP: the register as of a day, the wear of one asset, and the rates that the province writes down."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any
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
from assets.db import Connection, Scope, transaction
from assets.errors import NotFound
from assets.inventory import wear_rates
from assets.inventory.wear import Reason, Rule, open_year, wear
from assets.web.moments import NAME, AsOfDay, day_of
from assets.web.paging import Column, Listing, ListQuery, Page, chosen, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Money = Annotated[int, Field(ge=0, le=10**13)]
Years = Annotated[int, Field(ge=1, le=wear_rates.YEARS_MAX)]
Rate = Annotated[int, Field(ge=1, le=10_000)]


class WearOut(BaseModel):
    """The wear of an asset as of a day, in whole đồng; `reason` says why there are no figures."""

    tag: str
    name: str
    category: str
    site: str
    site_name: str
    original_cost: int | None
    put_into_use: date | None
    years: int | None
    yearly: int | None
    accumulated: int | None
    remaining: int | None
    worn_out: bool
    reason: Reason | None


class WearTotals(BaseModel):
    """Sums over all pages of a register, in whole đồng; cost, wear and the rest of assets whose wear is reckoned."""

    assets: int = 0
    reckoned: int = 0
    worn_out: int = 0
    original_cost: int = 0
    accumulated: int = 0
    remaining: int = 0


class WearList(Page[WearOut]):
    """A page of the register; `totals` are on the first page."""

    as_of: date
    totals: WearTotals | None


class WearRateOut(BaseModel):
    """What is in force for a category from a day on; `rate` is in hundredths of a percent (null: cost by years)."""

    id: UUID
    category: str
    years: int
    rate: int | None
    threshold: int
    valid_from: date
    source: str
    version: int


class WearRateIn(BaseModel):
    """A rate to add; below `threshold` (whole đồng) something is no fixed asset and has no wear."""

    model_config = ConfigDict(extra="forbid")
    category: Annotated[str, Field(max_length=40)]
    years: Years
    valid_from: date
    rate: Rate | None = None
    threshold: Money = wear_rates.THRESHOLD
    source: Annotated[str, Field(max_length=255)] = ""


class WearRateChange(BaseModel):
    """What to change of a rate; what is not named stays, and null takes a rate away."""

    model_config = ConfigDict(extra="forbid")
    years: Years | None = None
    rate: Rate | None = None
    threshold: Money | None = None
    valid_from: date | None = None
    source: Annotated[str, Field(max_length=255)] | None = None


_RULE = (
    "(select category, years, rate, threshold, valid_from, lead(valid_from, 1, 'infinity') over "
    "(partition by category order by valid_from) as valid_to from wear_rates)"
)
_CLOSED = (
    "coalesce(a.original_cost >= w.threshold and extract(year from a.put_into_use)::int + w.years <= {year}, false)"
)
# What is worn out depends on the day: `register` puts it in.
REGISTER = Listing(
    select="a.id, a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, c.code as category, "
    "s.code as site, s.name as site_name, a.original_cost, a.put_into_use, w.years, w.rate, w.threshold",
    source="assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category "
    f"join sites s on s.id = a.site left join {_RULE} w on w.category = m.category and a.put_into_use >= w.valid_from "
    "and a.put_into_use < w.valid_to",
    key="a.id",
    columns={
        "tag": Column("a.tag"), "site": Column("s.code"), "category": Column("c.code"),
        "put_into_use": Column("a.put_into_use", "date"), "original_cost": Column("a.original_cost", "bigint"),
        "years": Column("w.years", "integer"), "worn_out": Column(_CLOSED.format(year=0), "boolean", sortable=False),
    },
    sort="tag",
    search=("a.search", "s.search"),
    site="a.site",
    found_by="assets",
)  # fmt: skip
RATES = Listing(
    select="w.*, c.code as category_code",
    source="wear_rates w join asset_categories c on c.id = w.category",
    key="w.id",
    columns={
        "category": Column("c.code"), "valid_from": Column("w.valid_from", "date"), "years": Column("w.years", "integer")
    },
    sort="category",
    search=(folded("c.code"), folded("c.name"), folded("w.source")),
)  # fmt: skip


def register(as_of: date) -> Listing:
    """The register as of the end of a day."""
    worn_out = Column(_CLOSED.format(year=open_year(as_of)), "boolean", sortable=False)
    return replace(REGISTER, columns={**REGISTER.columns, "worn_out": worn_out})


def held(as_of: date) -> list[tuple[str, Sequence[object]]]:
    """What was ours on a day: in use since then at the latest or without a date, and not disposed of before its end.

    Where an asset stands is where it stands now; what is planned or ordered is nobody's yet.
    """
    return [
        ("a.put_into_use is null or a.put_into_use <= {}", [as_of]),
        (
            "a.stage not in ('planned', 'ordered', 'disposed') or (a.stage = 'disposed' and exists (select from "
            "asset_events e where e.asset = a.id and e.kind = 'disposed' and e.at >= {}))", [clock.end_of_day(as_of)],
        ),
    ]  # fmt: skip


def rule_of(row: Mapping[str, Any]) -> Rule | None:
    """The rule of wear in a row of the register; None when none was in force."""
    return None if row["years"] is None else Rule(row["years"], row["threshold"], row["rate"])


def wear_out(row: Mapping[str, Any], as_of: date) -> WearOut:
    """A row of the register with its wear."""
    same = ("tag", "name", "category", "site", "site_name", "original_cost", "put_into_use")
    found = wear(row["original_cost"], row["put_into_use"], rule_of(row), as_of)
    return WearOut(**{name: row[name] for name in same}, **vars(found))


async def totals(tx: Connection, asked: ListQuery, as_of: date, scope: Scope) -> WearTotals:
    """The sums of a register, all pages of it.

    Assets of one cost, year and rule have the same wear: it is reckoned once for all of them, by the same function.
    """
    listing = register(as_of)
    found = chosen(listing, asked, scope=scope, where=held(as_of))
    rows = await tx.fetch(
        "select a.original_cost, date_trunc('year', a.put_into_use)::date as put_into_use, w.years, w.rate, "  # noqa: S608
        f"w.threshold, count(*) as count from {listing.source} where {found.sql} group by 1, 2, 3, 4, 5",
        *found.values,
    )
    sums = WearTotals()
    for row in rows:
        each, count = wear(row["original_cost"], row["put_into_use"], rule_of(row), as_of), row["count"]
        sums.assets += count
        if each.accumulated is not None and each.remaining is not None:
            sums.reckoned += count
            sums.worn_out += count * each.worn_out
            sums.original_cost += count * row["original_cost"]
            sums.accumulated += count * each.accumulated
            sums.remaining += count * each.remaining
    return sums


@get("/api/v1/wear", operation_id="listWear", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(REGISTER, known=[NAME]))  # fmt: skip
async def list_wear(
    asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], as_of: AsOfDay = None
) -> WearList:
    """The register of wear as of the end of a day: what the caller's sites hold, with the totals of what was asked for."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, register(day), asked, lambda row: wear_out(row, day), scope=actor.scope, where=held(day)
        )
        sums = None if asked.cursor else await totals(tx, asked, day, actor.scope)
    return WearList(**dict(found), as_of=day, totals=sums)


@get("/api/v1/assets/{tag:str}/wear", operation_id="getAssetWear", guards=[requires(Action.VIEW)], tags=["inventory"])
async def asset_wear(tag: FromPath[str], actor: NamedDependency[Actor], as_of: AsOfDay = None) -> WearOut:
    """The wear of one asset as of the end of a day, whatever its stage."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, REGISTER, ListQuery(limit=1), lambda row: wear_out(row, day), scope=actor.scope,
            where=[("a.tag = {}", [tag.upper()])],
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return found.items[0]


rate_out = from_row(WearRateOut, category="category_code")


async def _one_rate(actor: Actor, rate: UUID) -> Response[WearRateOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, RATES, ListQuery(limit=1), rate_out, where=[("w.id = {}", [rate])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class WearRates(Controller):
    """What the province has written down: useful lives and rates, each from a day on."""

    path = "/api/v1/wear-rates"
    tags = ("inventory",)

    @get(operation_id="listWearRates", guards=[requires(Action.VIEW)], **listed(RATES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[WearRateOut]:
        """Rates by category."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, RATES, asked, rate_out)

    @post(operation_id="addWearRate", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[WearRateIn], actor: NamedDependency[Actor]) -> Response[WearRateOut]:
        """Add what is in force for a category from a day on."""
        return await _one_rate(actor, await wear_rates.add_rate(actor, wear_rates.NewRate(**data.model_dump())))

    @get("/{rate:uuid}", operation_id="getWearRate", guards=[requires(Action.VIEW)])
    async def one(self, rate: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[WearRateOut]:
        """One rate."""
        return await _one_rate(actor, rate)

    @patch("/{rate:uuid}", operation_id="editWearRate", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self,
        rate: FromPath[UUID],
        data: JSONBody[WearRateChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[WearRateOut]:
        """Change a rate that is still as the caller read it."""
        said, version = data.model_dump(exclude_unset=True), version_of(if_match)
        changes = {name: value for name, value in said.items() if value is not None or name == "rate"}
        await wear_rates.edit_rate(actor, rate, changes, version=version)
        return await _one_rate(actor, rate)


routes: Sequence[ControllerRouterHandler] = [list_wear, asset_wear, WearRates]
