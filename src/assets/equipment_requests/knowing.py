"""What is known at a centre of the things that are asked for: the same for whoever asks and for whoever decides. Only reads.

What the stores have is counted for everybody, so that a clerk knows whether asking makes sense; which assets those are is
told only to who may see the store (see `facts`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from assets.clock import LOCAL_ZONE
from assets.db import Connection, as_owner
from assets.equipment_requests.asking import LineKind
from assets.equipment_requests.workflow import WAITING
from assets.inventory.holding import TAKEN
from assets.inventory.kits.gaps import KitGapOut, NormGapOut, kit_gap, kit_gaps, norm_gap, norm_gaps, rules_of
from assets.inventory.wear import Rule, wear
from assets.monitoring.worst import OF_ASSET
from assets.web.language import say
from assets.web.paging import LIMIT_MAX, ListQuery, fetch
from assets.web.rows import from_row

YEAR = timedelta(days=365)
FAULTS_MAX = 20
PRINTERS_MAX = 10


class Fault(BaseModel):
    """An open incident about a thing of the same kind at the centre, or about the thing itself."""

    number: int
    asset_tag: str
    reason: str
    opened_at: datetime


class KitFact(BaseModel):
    """What the centre's kit asks for of it; `missing` are not there, `short` are missing and broken ones together."""

    allowance: int | None
    present: int
    missing: int | None
    short: int | None
    is_example: bool


class NormFact(BaseModel):
    """What a norm allows at most, what is there, and how many are over; `verified` when somebody held it to its text."""

    equipment: str
    one_stop: bool
    allowance: int | None
    present: int
    missing: int | None
    over: int | None
    verified: bool


class SupplyFact(BaseModel):
    """A consumable at the centre: how many lie there (null: it keeps none), how many it used in the last year.

    `printers` are the centre's own things that it fits.
    """

    unit: str
    at_centre: int | None
    minimum: int | None
    used_last_year: int
    printers: list[str]


class CapabilityFact(BaseModel):
    """How many the centre has of it by how they stand, and when the first of those issued ends."""

    issued: int
    waiting: int
    not_issued: int
    ended: int
    ends_first: date | None


class AssetFact(BaseModel):
    """The thing that is to be repaired: how it is, how old, under warranty or not, what a repair would cost, what it is worth.

    `remaining` is the original cost less the wear, null where none is reckoned; `repairs` counts those of its whole life;
    `reported_broken_at` is when a person said that it is broken, who has not been contradicted yet.
    """

    tag: str
    name: str
    stage: str
    physical_state: str
    reported_broken_at: datetime | None
    put_into_use: date | None
    years: int | None
    warranty_until: date | None
    in_warranty: bool
    quotation: int | None
    original_cost: int | None
    remaining: int | None
    repairs: int


class ThingFacts(BaseModel):
    """What is known of one thing that is asked for, in its centre and in the stores.

    `broken` counts what a person says is broken, what a measurement finds down, and else what the register has as broken;
    `good` and `worn` are the register's words for the rest, so that the three add up to `in_use`. Of `kit`, `norms`,
    `supply`, `capability` and `asset` those are there that say something of a thing of its kind.
    """

    kind: LineKind
    in_use: int
    good: int
    worn: int
    broken: int
    oldest_year: int | None
    faults: list[Fault]
    faults_last_year: int
    reports_last_year: int
    repairs_last_year: int
    asked_elsewhere: int
    asked_in: list[int]
    in_stock: int
    kit: KitFact | None
    norms: list[NormFact]
    supply: SupplyFact | None
    capability: CapabilityFact | None
    asset: AssetFact | None


@dataclass(frozen=True)
class Thing:
    """What is asked for, by ids."""

    kind: str
    category: UUID | None = None
    consumable: UUID | None = None
    capability: str = ""
    application: UUID | None = None
    asset: UUID | None = None

    @property
    def same(self) -> tuple[object, ...]:
        """What two lines for the same thing have in common."""
        return self.category, self.consumable, self.capability, self.application, self.asset


async def known(
    tx: Connection, site: UUID, things: Sequence[Thing], language: str, now: datetime, *, but: UUID | None = None
) -> list[ThingFacts]:
    """The facts of each thing at a site that the transaction sees; requests `but` this one count as others."""
    day = now.astimezone(LOCAL_ZONE).date()
    wanted = _Wanted.of(things)
    found = _Found(
        have={r["category"]: r for r in await tx.fetch(HAVE, site, wanted.categories)},
        faults=await tx.fetch(_FAULTS, site, wanted.categories, wanted.assets, FAULTS_MAX),
        year=await tx.fetch(_YEAR, site, wanted.categories, wanted.assets, now - YEAR),
        waiting=await tx.fetch(_WAITING, site, but, sorted(WAITING)),
        stores=await _stores(tx, wanted),
        kit=await _kit(tx, site, day) if wanted.categories or wanted.capabilities else [],
        codes={r["id"]: r["code"] for r in await tx.fetch(_CODES, wanted.categories, wanted.applications)},
        norms=await _norms(tx, site, wanted.categories, day) if wanted.categories else {},
        supplies={
            row["id"]: _supply(row)
            for row in await tx.fetch(_SUPPLIES, site, wanted.consumables, now - YEAR, PRINTERS_MAX)
        },
        capabilities=await tx.fetch(_CAPABILITIES, site, wanted.capabilities, day),
        assets={r["id"]: _asset(r, day) for r in await tx.fetch(_ASSETS, site, wanted.assets)},
    )  # fmt: skip
    return [_of(thing, found, language) for thing in things]


@dataclass(frozen=True)
class _Wanted:
    categories: list[UUID]
    consumables: list[UUID]
    capabilities: list[str]
    applications: list[UUID]
    assets: list[UUID]

    @classmethod
    def of(cls, things: Sequence[Thing]) -> "_Wanted":
        return cls(
            categories=[t.category for t in things if t.category],
            consumables=[t.consumable for t in things if t.consumable],
            capabilities=[t.capability for t in things if t.capability],
            applications=[t.application for t in things if t.application],
            assets=[t.asset for t in things if t.asset],
        )


@dataclass(frozen=True)
class _Found:
    """What the tables say."""

    have: Mapping[UUID, asyncpg.Record]
    faults: Sequence[asyncpg.Record]
    year: Sequence[asyncpg.Record]
    waiting: Sequence[asyncpg.Record]
    stores: Mapping[UUID, int]
    kit: Sequence[KitGapOut]
    codes: Mapping[UUID, str]
    norms: Mapping[UUID, Sequence[NormFact]]
    supplies: Mapping[UUID, SupplyFact]
    capabilities: Sequence[asyncpg.Record]
    assets: Mapping[UUID, AssetFact]


async def _stores(tx: Connection, wanted: _Wanted) -> dict[UUID, int]:
    """How many lie in all stores, by category and by consumable: numbers only, for the stores are not everybody's."""
    async with as_owner(tx):
        rows = await tx.fetch(_STORES, wanted.categories, wanted.consumables)
    return {row["id"]: row["n"] for row in rows}


async def _kit(tx: Connection, site: UUID, day: date) -> list[KitGapOut]:
    return (await fetch(tx, kit_gaps(day, site), ListQuery(limit=LIMIT_MAX), kit_gap)).items


async def _norms(tx: Connection, site: UUID, categories: Sequence[UUID], day: date) -> dict[UUID, list[NormFact]]:
    gaps = await fetch(tx, norm_gaps(day, site), ListQuery(limit=LIMIT_MAX), norm_gap(await rules_of(tx, day)))
    counted = await tx.fetch(_NORM_CATEGORIES, list(categories), day)
    by: dict[tuple[str, bool], NormGapOut] = {(gap.equipment, gap.one_stop): gap for gap in gaps.items}
    found: dict[UUID, list[NormFact]] = defaultdict(list)
    for row in counted:
        if gap := by.get((row["equipment"], row["one_stop"])):
            found[row["category"]].append(NormFact.model_validate(gap, from_attributes=True))
    return found


_supply = from_row(SupplyFact)
_asset_fact = from_row(AssetFact, "years", "in_warranty", "remaining")


def _asset(row: asyncpg.Record, day: date) -> AssetFact:
    rule = Rule(row["rule_years"], row["threshold"], row["rate"]) if row["rule_years"] else None
    used, until = row["put_into_use"], row["warranty_until"]
    return _asset_fact(
        row, years=None if used is None else max(0, (day - used).days // 365), in_warranty=bool(until and until >= day),
        remaining=wear(row["original_cost"], used, rule, day).remaining,
    )  # fmt: skip


def _of(thing: Thing, found: _Found, language: str) -> ThingFacts:
    own: Mapping[str, Any] = dict(found.have.get(thing.category) or {}) if thing.category else {}
    year = [row for row in found.year if _about(row, thing)]
    waiting = [row for row in found.waiting if thing.same == tuple(row[name] for name in _SAME)]
    return ThingFacts(
        kind=LineKind(thing.kind), in_use=own.get("n", 0), good=own.get("good", 0), worn=own.get("worn", 0),
        broken=own.get("broken", 0), oldest_year=own.get("oldest"),
        faults=[_fault(row, language) for row in found.faults if _about(row, thing)],
        faults_last_year=_total(year, "fault"), reports_last_year=_total(year, "report"),
        repairs_last_year=_total(year, "repair"), asked_elsewhere=sum(row["n"] for row in waiting),
        asked_in=sorted({row["number"] for row in waiting}),
        in_stock=found.stores.get(thing.category or thing.consumable or UUID(int=0), 0),
        kit=_kit_fact(thing, found), norms=list(found.norms.get(thing.category, ())) if thing.category else [],
        supply=found.supplies.get(thing.consumable) if thing.consumable else None, capability=_capability(thing, found),
        asset=found.assets.get(thing.asset) if thing.asset else None,
    )  # fmt: skip


def _about(row: Mapping[str, Any], thing: Thing) -> bool:
    return bool(row["asset"] == thing.asset if thing.asset else thing.category and row["category"] == thing.category)


def _total(rows: Sequence[Mapping[str, Any]], what: str) -> int:
    return sum(row["n"] for row in rows if row["what"] == what)


def _kit_fact(thing: Thing, found: _Found) -> KitFact | None:
    if thing.kind == LineKind.EQUIPMENT:
        line = ("category", found.codes.get(thing.category) if thing.category else None)
    elif thing.capability == "account" and thing.application:
        line = ("application", found.codes.get(thing.application))
    else:
        line = ("capability", thing.capability)
    rows = [row for row in found.kit if (row.what, row.code) == line]
    if not rows and line[0] == "application":  # a kit that asks for accounts, whichever they are
        rows = [row for row in found.kit if (row.what, row.code) == ("capability", "account")]
    return KitFact.model_validate(rows[0], from_attributes=True) if rows else None


def _capability(thing: Thing, found: _Found) -> CapabilityFact | None:
    if not thing.capability:
        return None
    rows = [
        row
        for row in found.capabilities
        if row["kind"] == thing.capability and thing.application in (None, row["application"])
    ]
    ends = [row["ends_first"] for row in rows if row["ends_first"]]
    counted = {name: sum(row[name] for row in rows) for name in ("issued", "waiting", "not_issued", "ended")}
    return CapabilityFact(**counted, ends_first=min(ends, default=None))


def _fault(row: asyncpg.Record, language: str) -> Fault:
    return Fault(
        number=row["number"],
        asset_tag=row["asset_tag"],
        reason=say(language, row["reason"]),
        opened_at=row["opened_at"],
    )


_SAME = ("category", "consumable", "capability", "application", "asset")
# Who counts about one thing is as in readiness.rules.grade_thing: a person's "broken", then a measurement, then the newer
# of a person's "works" and the register.
HAVE = f"""
select category, count(*) as n, count(*) filter (where not fails and physical_state <> 'worn') as good,
    count(*) filter (where not fails and physical_state = 'worn') as worn, count(*) filter (where fails) as broken,
    min(extract(year from put_into_use))::integer as oldest
from (
    select m.category, a.physical_state, a.put_into_use,
        case when said.kind = 'broken' or d.condition = 'down' then true
            when d.condition in ('up', 'degraded', 'off_expected') then false
            when said.kind = 'works' and said.said_at >= coalesce(a.physical_state_at, said.said_at) then false
            else a.physical_state = 'broken' end as fails
    from assets a join asset_models m on m.id = a.model
    {OF_ASSET}
    left join lateral (select kind, said_at from declarations e where e.asset = a.id and e.ended_at is null
        and e.kind in ('broken', 'works') order by said_at desc, kind limit 1) said on true
    where a.site = $1 and a.stage = 'in_use' and m.category = any($2)
) things group by category
"""  # noqa: S608 - constants only
_FAULTS = """
select i.number, i.asset_tag, i.reason, i.opened_at, i.asset, m.category
from incidents i join assets a on a.id = i.asset join asset_models m on m.id = a.model
where i.site = $1 and i.state <> 'resolved' and (m.category = any($2) or a.id = any($3)) order by i.opened_at limit $4
"""
_YEAR = """
select happened.what, happened.asset, m.category, count(*)::integer as n
from (
    select 'fault' as what, asset from incidents where site = $1 and opened_at >= $4 and asset is not null
    union all select 'report', asset from declarations where site = $1 and kind = 'broken' and said_at >= $4
        and asset is not null
    union all select 'repair', asset from asset_events where site = $1 and kind = 'in_repair' and at >= $4
) happened join assets a on a.id = happened.asset join asset_models m on m.id = a.model
where m.category = any($2) or a.id = any($3) group by 1, 2, 3
"""
_WAITING = """
select r.number, l.category, l.consumable, l.capability, l.application, l.asset,
    greatest(coalesce(l.approved, l.quantity) - l.given - l.declined, 0) as n
from equipment_request_lines l join equipment_requests r on r.id = l.request
where r.site = $1 and r.id is distinct from $2 and r.state = any($3)
"""
_STORES = f"""
select m.category as id, count(*)::integer as n
from assets a join asset_models m on m.id = a.model join sites s on s.id = a.site
where a.stage = 'in_stock' and s.kind = 'store' and a.physical_state <> 'broken' and m.category = any($1)
    and not {TAKEN} group by 1
union all
select k.consumable, sum(k.quantity)::integer from stock k join sites s on s.id = k.site
where s.kind = 'store' and k.consumable = any($2) group by 1
"""  # noqa: S608 - a constant
_CODES = """
select id, code from asset_categories where id = any($1)
union all select id, code from applications where id = any($2)
"""
_NORM_CATEGORIES = """
select distinct nc.category, n.equipment, n.one_stop from norms n join norm_categories nc on nc.norm = n.id
where nc.category = any($1) and n.valid_from <= $2 and (n.valid_to is null or n.valid_to >= $2) order by n.one_stop
"""
# What was used is what was issued, less what came back and what was written wrongly.
_SUPPLIES = """
select c.id, c.unit, k.quantity as at_centre, coalesce(k.minimum, c.minimum) as minimum,
    coalesce((select -sum(v.change) from stock_movements v left join stock_movements w on w.id = v.reverses
        where v.stock = k.id and v.at >= $3 and coalesce(w.kind, v.kind) in ('issued', 'returned')), 0)::integer
        as used_last_year,
    array(select distinct m.manufacturer || ' ' || m.name from assets a join asset_models m on m.id = a.model
        join consumable_models f on f.model = m.id where f.consumable = c.id and a.site = $1 and a.stage = 'in_use'
        order by 1 limit $4) as printers
from consumables c left join stock k on k.consumable = c.id and k.site = $1 where c.id = any($2)
"""
_CAPABILITIES = """
select kind, application, count(*) filter (where status = 'issued' and not ended)::integer as issued,
    count(*) filter (where status = 'waiting')::integer as waiting,
    count(*) filter (where status = 'not_issued')::integer as not_issued,
    count(*) filter (where ended)::integer as ended,
    min(expires_on) filter (where status = 'issued' and not ended) as ends_first
from (select *, status in ('expired', 'revoked') or coalesce(expires_on < $3, false) as ended from capabilities) c
where site = $1 and kind = any($2) group by kind, application
"""
_ASSETS = """
select a.id, a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, a.stage, a.physical_state,
    (select max(e.said_at) from declarations e where e.asset = a.id and e.kind = 'broken' and e.ended_at is null)
        as reported_broken_at, a.put_into_use, a.warranty_until, a.original_cost, w.years as rule_years, w.threshold, w.rate,
    coalesce((select q.amount from repair_quotations q where q.asset = a.id order by q.quoted_on desc, q.written_at desc
        limit 1), a.quotation) as quotation,
    (select count(*) from asset_events v where v.asset = a.id and v.kind = 'in_repair')::integer as repairs
from assets a join asset_models m on m.id = a.model
left join lateral (select years, threshold, rate from wear_rates w where w.category = m.category
    and w.valid_from <= a.put_into_use order by w.valid_from desc limit 1) w on true
where a.site = $1 and a.id = any($2)
"""
