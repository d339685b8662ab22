"""What watching costs: measured with each look, added up by day, and held against what each network line allows.

Over which line a target is watched follows from where its collector stands. The one of the province comes in over the
main line of a site, and to a line's far end over that line. A collector at the site has its devices beside it and goes
out, over the line that is watched or else the main one, for lines and applications only, and to talk to us. What
calls by itself does so over the main line.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from assets.clock import LOCAL_ZONE
from assets.db import Connection
from assets.monitoring.checks import LINE_PERCENT
from assets.monitoring.intake import Arrived
from assets.probing.budget import MEGABYTE, default_budget
from assets.probing.contract import Budget
from assets.probing.readings import Reading, Traffic

KEPT = timedelta(days=400)
MBPS = 1_000_000
# The main line of a site, as `main`; `t` is a target.
MAIN_LINE = (
    "left join lateral (select l.id from links l where l.site = t.site "
    "order by l.is_primary desc, l.tag limit 1) main on true"
)
# The line that a target is watched over; `cs` is the row of collector_sites of its site, where there is one.
LINE_OF = (
    "case when t.link is not null then t.link when t.method = 'heartbeat' then main.id "
    "when (cs.collector is not null) = (t.asset is null) then main.id end"
)
SAID_MAX = 1 << 40  # of one batch: what a collector says must not overflow a sum
DAY_MAX = 1 << 50  # of one day, more than any line carries: from here on a day grows no more
POSTS_SECONDS_MAX = 60.0  # a collector that was away for longer did not talk meanwhile
# The line over which a collector talks to us: the main one of its site, the first where it has several.
POSTS_OVER = (
    f"select distinct on (t.collector) t.collector, t.site, main.id as line from collector_sites t {MAIN_LINE} "  # noqa: S608
    "order by t.collector, t.id"
)


async def keep(tx: Connection, arrived: Iterable[Arrived]) -> None:
    """Add what these looks cost to their days in Viet Nam."""
    costs: dict[tuple[UUID, date], Traffic] = {}
    looks: dict[tuple[UUID, date], int] = defaultdict(int)
    for item in arrived:
        if item.seen.target is not None and item.seen.traffic is not None:
            key = (item.seen.target, item.at.astimezone(LOCAL_ZONE).date())
            costs[key] = costs.get(key, Traffic()) + item.seen.traffic
            looks[key] += 1
    await _add(tx, costs, looks)


async def _add(
    tx: Connection, costs: Mapping[tuple[UUID, date], Traffic], times: Mapping[tuple[UUID, date], int]
) -> None:
    if costs:
        keys = sorted(costs)
        await tx.execute(
            "insert into traffic_days (target, day, octets, packets, looks) select * from "  # noqa: S608
            "unnest($1::uuid[], $2::date[], $3::bigint[], $4::bigint[], $5::int[]) on conflict (target, day) do update set "
            f"{_more('traffic_days', 'octets', 'packets')}, looks = least(traffic_days.looks, 1 << 30) + excluded.looks",
            [target for target, _ in keys], [day for _, day in keys],
            [min(costs[key].octets, SAID_MAX) for key in keys], [min(costs[key].packets, SAID_MAX) for key in keys],
            [times[key] for key in keys],
        )  # fmt: skip


def _more(table: str, *columns: str) -> str:
    """For `on conflict`: each of these grows up to DAY_MAX."""
    return ", ".join(f"{name} = least({table}.{name} + excluded.{name}, {DAY_MAX})" for name in columns)


async def keep_posts(tx: Connection, collector: UUID, cost: Traffic, since: datetime | None, now: datetime) -> None:
    """Add what a collector's talk with us cost, and how much time that was for, to the day in Viet Nam.

    Of the first that is ever heard of it no time is known: sent it was, but no day can be reckoned from it.
    """
    if since is None:
        await _keep_once(tx, collector, (cost,), now)
        return
    seconds = min((now - since).total_seconds(), POSTS_SECONDS_MAX)
    await tx.execute(
        "insert into collector_traffic_days (collector, day, octets, packets, seconds) values ($1,$2,$3,$4,$5) "  # noqa: S608
        f"on conflict (collector, day) do update set {_more('collector_traffic_days', 'octets', 'packets')}, "
        "seconds = collector_traffic_days.seconds + excluded.seconds",
        collector, now.astimezone(LOCAL_ZONE).date(), min(cost.octets, SAID_MAX),
        min(cost.packets, SAID_MAX), max(0.0, seconds),
    )  # fmt: skip


async def keep_sweeps(tx: Connection, collector: UUID, arrived: Iterable[Arrived], now: datetime) -> None:
    """Add what orders without a target cost, as sweeps of a network do, to the collector's own day."""
    costs = [item.seen.traffic for item in arrived if item.seen.target is None and item.seen.traffic is not None]
    await _keep_once(tx, collector, costs, now)


async def _keep_once(tx: Connection, collector: UUID, costs: Sequence[Traffic], now: datetime) -> None:
    """What was sent and does not come again by itself: kept beside the looks, under the id of the collector."""
    if costs:
        key = (collector, now.astimezone(LOCAL_ZONE).date())
        await _add(tx, {key: sum(costs, Traffic())}, {key: len(costs)})


async def tidy(tx: Connection, now: datetime) -> None:
    """Forget the costs of days long past."""
    await tx.execute("delete from traffic_days where day < $1", (now - KEPT).date())
    await tx.execute("delete from collector_traffic_days where day < $1", (now - KEPT).date())


def allowed(line: Mapping[str, Any]) -> int:
    """Octets a day that watching may cost a line, from its row: as people said, or else as is usual for its kind."""
    if line["budget_mb_per_day"] is not None:
        return int(line["budget_mb_per_day"]) * MEGABYTE
    return default_budget(line["kind"], line["bandwidth_mbps"])


async def budgets(tx: Connection, over: Mapping[UUID, UUID | None], collector: UUID) -> tuple[Budget, ...]:
    """The budgets of the lines that these targets (by id) are watched over by this collector."""
    own = await tx.fetchval(f"select line from ({POSTS_OVER}) p where collector = $1", collector)  # noqa: S608
    behind: dict[UUID, list[UUID]] = defaultdict(list)
    for target, line in over.items():
        if line is not None:
            behind[line].append(target)
    rows = await tx.fetch(
        "select id, tag, kind, bandwidth_mbps, budget_mb_per_day from links where id = any($1) order by id",
        list(behind),
    )
    return tuple(
        Budget(
            link=row["id"],
            name=row["tag"],
            octets_per_day=allowed(row),
            posts=row["id"] == own,
            targets=tuple(sorted(behind[row["id"]])),
        )
        for row in rows
    )


@dataclass(frozen=True)
class _End:
    """Where a line ends: an interface of a router, and what the line carries."""

    tag: str
    name: str
    interface: str
    bits: float


async def with_lines(tx: Connection, arrived: Sequence[Arrived]) -> tuple[Arrived, ...]:
    """These looks with, for each line that ends at an interface of theirs, how much of its bandwidth is in use."""
    rows = await tx.fetch(
        "select t.id as target, l.tag, l.carrier, l.wan_interface, l.bandwidth_mbps from links l "
        "join assets a on a.tag = l.wan_router and a.site = l.site join targets t on t.asset = a.id "
        "where t.id = any($1) and l.wan_router <> '' and l.wan_interface <> '' and l.bandwidth_mbps > 0",
        list({item.seen.target for item in arrived if item.seen.readings}),
    )  # fmt: skip
    ends: dict[UUID, list[_End]] = defaultdict(list)
    for row in rows:
        bits = row["bandwidth_mbps"] * MBPS
        ends[row["target"]].append(_End(row["tag"], f"{row['carrier']} ({row['tag']})", row["wan_interface"], bits))
    return tuple(_with(item, ends[item.seen.target]) if item.seen.target in ends else item for item in arrived)


def _with(item: Arrived, ends: Sequence[_End]) -> Arrived:
    used = [reading for end in ends if (reading := used_of(item.seen.readings, end.interface, end)) is not None]
    if not used:
        return item
    seen = item.seen.model_copy(update={"readings": (*item.seen.readings, *used)})
    return Arrived(seen, item.at)


def used_of(readings: Iterable[Reading], interface: str, end: _End) -> Reading | None:
    """The busier direction of an interface as a share of what its line carries; None when it is not among the readings."""
    rates = [
        reading.value
        for reading in readings
        if reading.name in ("interface.in_bps", "interface.out_bps") and reading.value is not None
        and interface in (reading.label, reading.instance)
    ]  # fmt: skip
    if not rates:
        return None
    return Reading(name=LINE_PERCENT, instance=end.tag, label=end.name, value=round(100 * max(rates) / end.bits, 1))
