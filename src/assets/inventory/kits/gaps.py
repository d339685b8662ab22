"""Kits and norms beside what sites have, as lists: one grouped statement for all sites, whatever is asked of it.

PostgreSQL reckons too, so that gaps can be sorted and filtered; what is answered is what `allowance` says of the same
row (a test holds the two together). Head-counts, posts and norms are those of a day; equipment is that of today.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from assets.db import Connection
from assets.inventory.kits.allowance import AWAY, HELD, ISSUED, SPENT, Held, Per, Rule, Staff, Unknown, What, allowance
from assets.web.paging import Column, Listing, folded
from assets.web.rows import from_row

SOME_DAY = date(2026, 1, 1)  # for what does not depend on the day: names of columns


class GapOut(BaseModel):
    """What a site should or may have of something, and has. `unknown` says why there is no allowance."""

    site: str
    site_name: str
    allowance: int | None
    present: int
    broken: int
    missing: int | None
    over: int | None
    short: int | None
    unknown: Unknown | None
    people: int | None
    people_as_of: date | None
    counters: int


class KitGapOut(GapOut):
    """A line of the kit of a site: what it should have. `short` are missing and broken ones together."""

    kit: str
    is_example: bool
    what: What
    code: str
    category: str | None
    name: str
    name_en: str
    quantity: int
    per: Per
    every: int


class NormGapOut(GapOut):
    """Equipment of a site beside its norms, which are maxima. `apart` stands at counters: one-stop, not counted here.

    `above_price` cost more than the highest price that a norm allows for their kind.
    """

    equipment: str
    one_stop: bool
    apart: int
    above_price: int
    verified: bool
    sources: str


def _texts(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


_HELD, _AWAY = _texts(HELD), _texts(AWAY)
_BROKEN = f"(a.stage in ({_AWAY}) or a.physical_state = 'broken')"
# `quantity` for every `every` of `number`, the last ones whole; nothing where the number is not known.
_MADE = "({of}.quantity::bigint * ((({number}) + {of}.every - 1) / {of}.every))"
_STAFF = """
    left join lateral (select people, as_of from head_counts h where h.site = s.id and h.as_of <= date '{day}'
        order by as_of desc limit 1) h on true
    left join (select site, count(*)::int as counters from rooms where kind = 'counter' group by site) r on r.site = s.id
"""
_JUDGED = """(select q.*, case when q.allowance is not null then greatest(q.allowance - q.present, 0) end as missing,
    case when q.allowance is not null then greatest(q.present - q.allowance, 0) end as over,
    case when q.allowance is not null then greatest(q.allowance - q.present + q.broken, 0) end as short from ({inner}) q) g"""
_KIT = """
    select md5(s.id::text || l.id::text)::uuid as id, s.id as site_id, s.code as site, s.name as site_name, s.search,
        k.code as kit, k.is_example, l.position, l.what, coalesce(c.code, p.code, l.code) as code, c.code as category,
        coalesce(c.name, p.name, '') as name, coalesce(c.name_en, p.name_en, '') as name_en, l.quantity, l.per, l.every,
        h.people, h.as_of as people_as_of, coalesce(r.counters, 0) as counters,
        {made} as allowance,
        coalesce(a.present, n.present, d.present, b.present, 0) as present,
        coalesce(a.broken, n.broken, d.broken, 0) as broken
    from sites s join administrative_units u on u.id = s.unit
    join lateral (select * from kits k where k.site_kind = s.kind and k.unit_kind in ('', u.kind)
        order by k.unit_kind desc limit 1) k on true
    join kit_lines l on l.kit = k.id
    left join asset_categories c on c.id = l.category left join applications p on p.id = l.application
    {staff}
    left join (select a.site, m.category, count(*)::int as present, (count(*) filter (where {broken}))::int as broken
        from assets a join asset_models m on m.id = a.model where a.stage in ({held}){at_a} group by a.site, m.category) a
        on a.site = s.id and a.category = l.category
    left join ({capabilities} group by x.site, x.application) n on n.site = s.id and n.application = l.application
    left join ({kinds} group by x.site, x.kind) d on d.site = s.id and l.what = 'capability' and d.kind = l.code
    left join (select x.site, x.kind, count(*)::int as present from links x where true{at_x} group by x.site, x.kind) b
        on b.site = s.id and l.what = 'link' and b.kind = l.code
    where s.open{at_s}
"""
_CAPABILITIES = """
    select x.site, x.{by}, count(*)::int as present,
        (count(*) filter (where x.status = '{spent}' or x.expires_on < date '{day}'))::int as broken
    from capabilities x where x.status in ('{issued}', '{spent}'){at_x} """
_NORM = """
    with norm as (select * from norms where valid_from <= date '{day}' and (valid_to is null or valid_to >= date '{day}')),
    pool as (select n.equipment, n.one_stop, nc.category,
        case when not bool_or(n.price_max is null) then max(n.price_max) end as price_max
        from norm n join norm_categories nc on nc.norm = n.id group by n.equipment, n.one_stop, nc.category),
    decree as (select distinct category from pool where not one_stop),
    counted as (select a.site, p.equipment, p.one_stop,
        (count(*) filter (where p.one_stop = x.apart))::int as present,
        (count(*) filter (where p.one_stop = x.apart and {broken}))::int as broken,
        (count(*) filter (where p.one_stop = x.apart and a.original_cost > p.price_max))::int as above_price,
        (count(*) filter (where x.apart and not p.one_stop))::int as apart
        from assets a join asset_models m on m.id = a.model join pool p on p.category = m.category
        left join decree d on d.category = m.category left join rooms r on r.id = a.room
        cross join lateral (select coalesce(r.kind = 'counter', false) or d.category is null as apart) x
        where a.stage in ({held}){at_a} group by a.site, p.equipment, p.one_stop),
    staff as (select s.id, s.code, s.name, s.search, h.people, h.as_of, coalesce(r.counters, 0) as counters,
        (select jsonb_object_agg(x.post_group, x.people) from (select distinct on (post_group) post_group, people
            from post_counts where site = s.id and as_of <= date '{day}' order by post_group, as_of desc) x) as posts
        from sites s {staff} where s.open and s.kind <> 'store'{at_s}),
    allowed as (select t.id, n.equipment, n.one_stop, bool_and(n.verified) as verified,
        string_agg(distinct n.source, '; ' order by n.source) as sources,
        case when not bool_or({number} is null) then sum({made})::bigint end as allowance
        from staff t cross join norm n group by t.id, n.equipment, n.one_stop)
    select md5(t.id::text || w.equipment || w.one_stop)::uuid as id, t.id as site_id, t.code as site, t.name as site_name,
        t.search, w.equipment, w.one_stop, w.verified, w.sources, t.people, t.as_of as people_as_of, t.counters,
        t.posts, w.allowance, coalesce(c.present, 0) as present, coalesce(c.broken, 0) as broken,
        coalesce(c.above_price, 0) as above_price, coalesce(c.apart, 0) as apart
    from allowed w join staff t on t.id = w.id left join counted c
        on c.site = t.id and c.equipment = w.equipment and c.one_stop = w.one_stop
"""
_LINE_NUMBER = "case l.per when 'site' then 1 when 'counter' then coalesce(r.counters, 0) else h.people end"
_NORM_NUMBER = (
    "(case n.per when 'site' then 1 when 'counter' then t.counters when 'person' then t.people "
    "else case when t.posts is not null then coalesce((t.posts ->> n.post_group)::int, 0) end end)"
)
_NUMBERS = {
    "allowance": Column("g.allowance", "bigint"), "present": Column("g.present", "integer"),
    "broken": Column("g.broken", "integer"), "missing": Column("g.missing", "bigint"), "over": Column("g.over", "bigint"),
    "short": Column("g.short", "bigint"),
}  # fmt: skip


def kit_gaps(day: date, site: UUID | None = None) -> Listing:
    """Each line of each site's kit as of a day, or of one site's."""
    at = _at(site)
    capabilities = {
        name: _CAPABILITIES.format(by=by, day=day, issued=ISSUED, spent=SPENT, **at)
        for name, by in (("capabilities", "application"), ("kinds", "kind"))
    }
    inner = _KIT.format(
        made=_MADE.format(of="l", number=_LINE_NUMBER), staff=_STAFF.format(day=day), held=_HELD, broken=_BROKEN,
        **capabilities, **at,
    )  # fmt: skip
    return Listing(
        select="g.*", source=_JUDGED.format(inner=inner), key="g.id",
        columns={
            "site": Column("g.site"), "kit": Column("g.kit"), "what": Column("g.what", choices=tuple(What)),
            "code": Column("g.code"), "category": Column("g.category"), "position": Column("g.position", "smallint"),
            **_NUMBERS,
        },
        sort="-short", search=("g.search", folded("g.name"), folded("g.code")), site="g.site_id",
    )  # fmt: skip


def norm_gaps(day: date, site: UUID | None = None) -> Listing:
    """Each equipment that norms in force on a day speak of, at each site or at one."""
    made = _MADE.format(of="n", number=_NORM_NUMBER)
    inner = _NORM.format(
        day=day, made=made, number=_NORM_NUMBER, staff=_STAFF.format(day=day), held=_HELD, broken=_BROKEN, **_at(site)
    )
    return Listing(
        select="g.*", source=_JUDGED.format(inner=inner), key="g.id",
        columns={
            "site": Column("g.site"), "equipment": Column("g.equipment"), "one_stop": Column("g.one_stop", "boolean"),
            "apart": Column("g.apart", "integer"), "above_price": Column("g.above_price", "integer"),
            "verified": Column("g.verified", "boolean"), **_NUMBERS,
        },
        sort="-over", search=("g.search", folded("g.equipment")), site="g.site_id",
    )  # fmt: skip


def _at(site: UUID | None) -> dict[str, str]:
    # A site of ours, not a text of somebody's: it must stand inside, before the grouping.
    return {f"at_{t}": f" and {t}.{'id' if t == 's' else 'site'} = '{site}'" if site else "" for t in "asx"}


def kit_gap(row: Mapping[str, Any]) -> KitGapOut:
    """A row of `kit_gaps`, judged."""
    rule = Rule(row["quantity"], Per(row["per"]), row["every"])
    found = allowance([rule], Staff(row["counters"], row["people"]), Held(row["present"], row["broken"]))
    return _kit_gap(row, **vars(found))


_DECIDED = ("allowance", "present", "broken", "missing", "over", "short", "unknown")
_kit_gap = from_row(KitGapOut, *_DECIDED)
_norm_gap = from_row(NormGapOut, *_DECIDED)
Rules = Mapping[tuple[str, bool], list[Rule]]


async def rules_of(tx: Connection, day: date) -> Rules:
    """The norms in force on a day, by equipment and by whether they are for one-stop equipment."""
    found: dict[tuple[str, bool], list[Rule]] = defaultdict(list)
    rows = await tx.fetch(
        "select equipment, one_stop, quantity, per, every, post_group from norms where valid_from <= $1 "
        "and (valid_to is null or valid_to >= $1) order by per = 'post'", day,
    )  # fmt: skip
    for row in rows:
        rule = Rule(row["quantity"], Per(row["per"]), row["every"], row["post_group"])
        found[row["equipment"], row["one_stop"]].append(rule)
    return found


def norm_gap(rules: Rules) -> Callable[[Mapping[str, Any]], NormGapOut]:
    """Makes answers of rows of `norm_gaps`, judged by the rules of the same day."""

    def judged(row: Mapping[str, Any]) -> NormGapOut:
        posts = None if row["posts"] is None else tuple(json.loads(row["posts"]).items())
        staff = Staff(row["counters"], row["people"], posts)
        found = allowance(rules[row["equipment"], row["one_stop"]], staff, Held(row["present"], row["broken"]))
        return _norm_gap(row, **vars(found))

    return judged
