"""Which centres can serve citizens, and why not: for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.readiness.rules import RANK, Readiness
from assets.readiness.service import Explained, explain
from assets.web.language import choose
from assets.web.paging import Column, Filter, Listing, ListQuery, Page, fetch, listed

AnyRequest = Request[Any, Any, Any]


class ReadinessOut(BaseModel):
    """A centre's readiness since when, and each reason; `computed_at` is how fresh it is (null: not judged yet)."""

    site: str
    site_id: UUID
    name: str
    unit: str
    readiness: Readiness
    since: datetime | None
    computed_at: datetime | None
    reasons: list[Explained]


_VERDICT = f"coalesce(r.verdict, '{Readiness.UNKNOWN}')"
_WORST = " ".join(f"when '{readiness}' then {len(RANK) - rank}" for readiness, rank in RANK.items())
LISTING = Listing(
    select=f"s.id, s.code, s.name, u.code as unit, {_VERDICT} as verdict, r.since, r.computed_at, r.reasons",
    source="sites s join administrative_units u on u.id = s.unit left join readiness r on r.site = s.id",
    key="s.id",
    columns={
        "readiness": Column(_VERDICT, choices=tuple(Readiness), sortable=False),
        "worst": Column(f"(case {_VERDICT} {_WORST} end)::text || ' ' || s.sort", filterable=False),
        "site": Column("s.code"),
        "unit": Column("u.code"),
        "name": Column("s.sort", filterable=False),
        "since": Column("r.since", "timestamptz"),
    },
    sort="worst",
    search=("s.search", "u.search"),
    site="s.id",
)
_CENTRES = ("s.kind = 'centre' and s.open", ())


def shown(row: asyncpg.Record, language: str) -> ReadinessOut:
    """A row of the listing in `language`."""
    return ReadinessOut(
        site=row["code"], site_id=row["id"], name=row["name"], unit=row["unit"], readiness=Readiness(row["verdict"]),
        since=row["since"], computed_at=row["computed_at"], reasons=explain(row["reasons"], language),
    )  # fmt: skip


@get("/api/v1/readiness", operation_id="listReadiness", guards=[requires(Action.VIEW)], **listed(LISTING))
async def list_readiness(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Page[ReadinessOut]:
    """Centres by readiness, the worst first."""
    language = choose(request)
    async with transaction(actor.scope) as tx:
        return await fetch(tx, LISTING, asked, lambda row: shown(row, language), scope=actor.scope, where=[_CENTRES])


@get("/api/v1/readiness/{site:str}", operation_id="getReadiness", guards=[requires(Action.VIEW)])
async def get_readiness(request: AnyRequest, actor: NamedDependency[Actor], site: FromPath[str]) -> ReadinessOut:
    """One centre, by its code."""
    query = ListQuery(limit=1, filters=(Filter("site", "", (site,)),))
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, LISTING, query, lambda row: shown(row, choose(request)), scope=actor.scope, where=[_CENTRES]
        )
    if not found.items:
        raise NotFound()
    return found.items[0]


routes: Sequence[ControllerRouterHandler] = (list_readiness, get_readiness)
