"""What watching costs now: of each target what a look has cost these two days, at the pace that it has."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from assets.clock import LOCAL_ZONE, now
from assets.db import Connection, Scope
from assets.monitoring.traffic import LINE_OF, MAIN_LINE, POSTS_OVER, allowed
from assets.web.rows import from_row

__all__ = ["LINE_OF", "MAIN_LINE", "Cost", "LineCost", "SiteCost", "by_line", "by_site", "of_target"]
ROWS_MAX = 1_000
SUM_MAX = 1 << 62


class Cost(BaseModel):
    """Octets with all headers: a day at the present pace, yesterday, and today so far."""

    per_day: int
    yesterday: int
    today: int
    packets_today: int
    targets: int
    slowed: int


class LineCost(Cost):
    """What watching costs a line, and what it may cost; `own_budget` tells whether people have said so.

    `posts_per_day` of it is what a collector at the site itself posts to the service.
    """

    tag: str
    site: str
    site_name: str
    carrier: str
    kind: str
    bandwidth_mbps: int | None
    budget: int
    own_budget: bool
    posts_per_day: int
    over: bool


class SiteCost(Cost):
    """What watching costs at a site, over whichever lines."""

    site: str
    name: str


# A look's cost is of both days; what was never measured costs nothing yet. What a collector itself sends has no target:
# its posts go on at their pace, while what it sent once (a sweep) was sent and says nothing of the rest of the day.
_EACH = (
    "select null::uuid as id, c.site, c.line, y.today, y.yesterday, y.packets, "  # noqa: S608
    "coalesce(y.posted::float8 / nullif(y.seconds, 0), 0) * 86400 as per_day, false as slowed "
    "from (" + POSTS_OVER + ") c cross join lateral (select coalesce(sum(octets) filter (where day = $1), 0) as today, "
    "coalesce(sum(octets) filter (where day = $2), 0) as yesterday, "
    "coalesce(sum(packets) filter (where day = $1), 0) as packets, sum(posted) as posted, sum(seconds) as seconds from "
    "(select day, octets, packets, octets as posted, seconds from collector_traffic_days where collector = c.collector "
    "union all select day, octets, packets, 0, 0 from traffic_days where target = c.collector) d "
    "where day in ($1, $2) having count(*) > 0) y where $3 or c.site = any($4) union all "
    "select t.id, t.site, " + LINE_OF + " as line, y.today, y.yesterday, y.packets, "
    "coalesce(y.octets::float8 / nullif(y.looks, 0), 0) * 86400 / "
    "greatest(t.interval_seconds, coalesce(d.next_seconds, 0)) as per_day, "
    "coalesce(d.next_seconds, 0) > t.interval_seconds as slowed "
    "from targets t left join collector_sites cs on cs.site = t.site left join device_states d on d.target = t.id "
    + MAIN_LINE + " left join lateral (select sum(octets) as octets, sum(looks) as looks, "
    "coalesce(sum(octets) filter (where day = $1), 0) as today, coalesce(sum(octets) filter (where day = $2), 0) as yesterday, "
    "coalesce(sum(packets) filter (where day = $1), 0) as packets from traffic_days where target = t.id and day in ($1, $2)) y "
    "on true where t.enabled and ($3 or t.site = any($4))"
)  # fmt: skip


def _sum(value: str) -> str:
    """SQL of a sum that fits into a bigint, whatever collectors said."""
    return f"least(coalesce({value}, 0), {SUM_MAX})::bigint"


_SUMS = (
    f"{_sum('sum(e.per_day)')} as per_day, {_sum('sum(e.yesterday)')} as yesterday, "
    f"{_sum('sum(e.today)')} as today, {_sum('sum(e.packets)')} as packets_today, "
    "count(e.id)::int as targets, (count(*) filter (where e.slowed))::int as slowed"
)


def _asked(scope: Scope) -> tuple[Any, ...]:
    today = now().astimezone(LOCAL_ZONE).date()
    return today, today - timedelta(days=1), scope.everything, list(scope.sites)


async def by_line(tx: Connection, scope: Scope, tag: str = "") -> list[LineCost]:
    """Every line over which something is watched, the fullest budget first; or just one of them."""
    rows = await tx.fetch(
        f"select l.tag, s.code as site, s.name as site_name, l.carrier, l.kind, l.bandwidth_mbps, l.budget_mb_per_day, "  # noqa: S608
        f"{_SUMS}, {_sum('sum(e.per_day) filter (where e.id is null)')} as posts_per_day "
        f"from links l join sites s on s.id = l.site left join ({_EACH}) e on e.line = l.id "
        "where ($3 or l.site = any($4)) and ($5 = '' or l.tag = $5) "
        "group by l.id, s.code, s.name having count(e.*) > 0 or $5 <> ''",
        *_asked(scope), tag,
    )  # fmt: skip
    found = [_line(row) for row in rows]
    found.sort(key=lambda line: (-line.per_day / line.budget, line.tag))
    return found[:ROWS_MAX]


def _line(row: Any) -> LineCost:
    budget = allowed(row)
    return _line_cost(
        row, budget=budget, own_budget=row["budget_mb_per_day"] is not None, over=row["per_day"] > budget
    )  # fmt: skip


_line_cost = from_row(LineCost, "budget", "own_budget", "over")


async def by_site(tx: Connection, scope: Scope) -> list[SiteCost]:
    """Every site at which something is watched, the dearest first."""
    rows = await tx.fetch(
        f"select s.code as site, s.name, {_SUMS} from ({_EACH}) e join sites s on s.id = e.site "  # noqa: S608
        "group by s.code, s.name order by 3 desc, s.code limit 1000", *_asked(scope),
    )  # fmt: skip
    return [SiteCost(**dict(row)) for row in rows]


async def of_target(tx: Connection, scope: Scope, target: UUID) -> Cost:
    """What watching one target costs."""
    row = await tx.fetchrow(f"select {_SUMS} from ({_EACH}) e where e.id = $5", *_asked(scope), target)  # noqa: S608
    return Cost(**dict(row))


def sums(costs: Sequence[Cost]) -> Cost:
    """All of them together."""
    return Cost(**{name: sum(getattr(cost, name) for cost in costs) for name in Cost.model_fields})
