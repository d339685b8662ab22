"""What watching costs, over HTTP: by line, by site and by target, beside what is allowed."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.monitoring import traffic_queries as queries
from assets.monitoring.traffic_queries import LineCost, SiteCost
from assets.probing.readings import Method
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, listed
from assets.web.rows import from_row


class TrafficOut(BaseModel):
    """What looking at one target cost on one day in Viet Nam, headers included."""

    target: UUID
    name: str
    site: str
    link: str | None
    method: str
    day: date
    octets: int
    packets: int
    looks: int


TRAFFIC = Listing(
    select="t.id as target, t.name, s.code as site, (select tag from links l where l.id = " + queries.LINE_OF + ") as link, "  # noqa: S608 - constants only
    "t.method, y.day, y.octets, y.packets, y.looks",
    source="traffic_days y join targets t on t.id = y.target join sites s on s.id = t.site "
    "left join collector_sites cs on cs.site = t.site " + queries.MAIN_LINE,
    key="y.id",
    columns={
        "day": Column("y.day", "date"), "site": Column("s.code"), "target": Column("t.id", "uuid", sortable=False),
        "method": Column("t.method", choices=tuple(Method)), "octets": Column("y.octets", "bigint"),
    },
    sort="-day",
    search=("s.search",),
    site="t.site",
)  # fmt: skip


_row = from_row(TrafficOut)


@get("/api/v1/traffic", operation_id="listTraffic", guards=[requires(Action.VIEW)], tags=["monitoring"],
     **listed(TRAFFIC))  # fmt: skip
async def list_traffic(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[TrafficOut]:
    """What looking at each target cost, day by day, the newest first."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, TRAFFIC, asked, _row, scope=actor.scope)


class TrafficTotals(BaseModel):
    """What watching costs now, reckoned for a whole day from the last 24 hours at most: by line and by site."""

    links: list[LineCost]
    sites: list[SiteCost]


@get("/api/v1/traffic-totals", operation_id="getTrafficTotals", guards=[requires(Action.VIEW)], tags=["monitoring"])
async def totals(actor: NamedDependency[Actor]) -> TrafficTotals:
    """What watching costs each line beside its budget, and each site, of the caller's sites; the dearest first."""
    async with transaction(actor.scope) as tx:
        return TrafficTotals(
            links=await queries.by_line(tx, actor.scope), sites=await queries.by_site(tx, actor.scope)
        )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [list_traffic, totals]
