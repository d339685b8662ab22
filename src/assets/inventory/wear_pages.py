"""The register of wear as of a day, for those who keep the books and those who look at them."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.inventory.saved_filters.pages import saved_for
from assets.inventory.wear_api import (
    RATES,
    REGISTER,
    WearOut,
    WearRateOut,
    WearTotals,
    held,
    rate_out,
    register,
    totals,
    wear_out,
)
from assets.web.forms import Named
from assets.web.moments import NAME, AsOfDay, day_of
from assets.web.paging import LIMIT_MAX, Listing, ListQuery, Page, fetch
from assets.web.templates import show

AnyRequest = Request[Any, Any, Any]
PRINTED_MAX = LIMIT_MAX  # on one page that is made for paper; longer registers are narrowed, or taken away as a file


class WearPage(Page[WearOut]):
    """The register with its totals, the rates that it stands on, and what it can be narrowed to."""

    as_of: date
    totals: WearTotals
    rates: list[WearRateOut]
    sites: list[Named]
    categories: list[Named]


def asked_of(request: AnyRequest, listing: Listing) -> ListQuery:
    """What a form of filters asks: it sends its empty fields too, and they ask for nothing."""
    given = request.query_params
    kept = {name: values for name in given if (values := [v for v in given.getall(name) if v])}
    return ListQuery.of(kept, listing, known=[NAME])


def printable(found: Page[Any], asked: ListQuery) -> bool:
    """Whether all rows fit one page for paper and are not on this one."""
    return bool(found.next or asked.cursor) and found.total <= PRINTED_MAX


async def sites(tx: Connection) -> list[Named]:
    """What can be chosen as a site; row-level security leaves the caller's."""
    return [Named(**row) for row in await tx.fetch("select code, name from sites order by sort, code")]


async def categories(tx: Connection) -> list[Named]:
    """What can be chosen as a kind of equipment."""
    rows = await tx.fetch("select code, name, name_en from asset_categories order by sort, code")
    return [Named(**row) for row in rows]


def _asked(request: AnyRequest) -> ListQuery:
    return asked_of(request, REGISTER)


@get(
    ["/wear", "/wear.json"], name="wear", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": Provide(_asked, sync_to_thread=False)},
    opt={"twin": (WearPage, "wear"), "listing": REGISTER, "query": [NAME]},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery], as_of: AsOfDay = None
) -> Response[Any]:
    """What the caller's sites hold, with its wear as of the end of a day."""
    day = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, register(day), asked, lambda row: wear_out(row, day), scope=actor.scope, where=held(day)
        )
        view = WearPage(
            **dict(found),
            as_of=day,
            totals=await totals(tx, asked, day, actor.scope),
            rates=(await fetch(tx, RATES, ListQuery(limit=LIMIT_MAX), rate_out)).items,
            sites=await sites(tx),
            categories=await categories(tx),
        )
    return show(
        request, "inventory/wear.html", view, query_text=asked.q, kept=asked.again() | {NAME: [day.isoformat()]},
        print_all=printable(found, asked),
        asked={f"{f.column}__{f.operator}" if f.operator else f.column: list(f.values) for f in asked.filters},
        saved=await saved_for(request, actor, "wear", asked.again()),
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [listing]
