"""The register of wear as of a day, for those who keep the books and those who look at them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency, Provide
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
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
from assets.web.moments import NAME, AsOfDay, day_of
from assets.web.paging import LIMIT_MAX, ListQuery, Page, fetch
from assets.web.templates import show

AnyRequest = Request[Any, Any, Any]
ROWS = 200  # a centre's whole register on one page, which is printed as it stands


class Named(BaseModel):
    """A thing by its code, as people call it."""

    code: str
    name: str
    name_en: str = ""


class WearPage(Page[WearOut]):
    """The register with its totals, the rates that it stands on, and what it can be narrowed to."""

    as_of: date
    totals: WearTotals
    rates: list[WearRateOut]
    sites: list[Named]
    categories: list[Named]


def _asked(request: AnyRequest) -> ListQuery:
    # A form sends its empty fields too; they ask for nothing.
    given = request.query_params
    kept = {name: values for name in given if (values := [v for v in given.getall(name) if v])}
    asked = ListQuery.of(kept, REGISTER, known=[NAME])
    return asked if "limit" in kept else replace(asked, limit=ROWS)


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
            # Row-level security shows the caller's sites.
            sites=[Named(**row) for row in await tx.fetch("select code, name from sites order by sort, code")],
            categories=[
                Named(**row)
                for row in await tx.fetch("select code, name, name_en from asset_categories order by sort, code")
            ],
        )
    return show(
        request, "inventory/wear.html", view, query_text=asked.q,
        asked={f"{f.column}__{f.operator}" if f.operator else f.column: list(f.values) for f in asked.filters},
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [listing]
