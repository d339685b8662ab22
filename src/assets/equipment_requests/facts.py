"""The facts beside a request, for whoever decides about it or gives from stock. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from assets.access.actor import Actor
from assets.db import Connection
from assets.equipment_requests.fulfilment import Candidate, Proposal, propose
from assets.equipment_requests.queries import lines_of, row_of
from assets.equipment_requests.stock import candidates, needs
from assets.equipment_requests.workflow import WAITING
from assets.readiness.rules import Readiness
from assets.readiness.service import Explained, explain
from assets.web.language import say

FAULTS_MAX = 20
STOCK_SHOWN_MAX = 30


class Fault(BaseModel):
    """An open incident about a thing of the same kind at the centre."""

    number: int
    asset_tag: str
    reason: str
    opened_at: datetime


class InStock(BaseModel):
    """A thing that could be given; `proposed` when it would go first."""

    tag: str
    physical_state: str
    stocked_at: datetime
    proposed: bool


class LineFacts(BaseModel):
    """Beside one line: what the centre has of the kind in use, its faults, other requests, and what the stock has."""

    position: int
    in_use: int
    good: int
    worn: int
    broken: int
    oldest_year: int | None
    faults: list[Fault]
    asked_elsewhere: int
    in_stock: int
    stock: list[InStock]
    short: int


class Facts(BaseModel):
    """Whether the centre can serve now and why not, and the facts of each line."""

    readiness: Readiness
    since: datetime | None
    reasons: list[Explained]
    lines: list[LineFacts]


async def beside(tx: Connection, actor: Actor, ref: str, language: str) -> Facts:
    """What to know before deciding about a request, or giving for it; NotFound outside the actor's scope."""
    row = await row_of(tx, actor, ref)
    lines = lines_of(row)
    kinds = [UUID(line["category_id"]) for line in lines]
    ready = await tx.fetchrow("select verdict, since, reasons from readiness where site = $1", row["site"])
    found = _Found(
        have={r["category"]: r for r in await tx.fetch(_HAVE, row["site"], kinds)},
        faults=await tx.fetch(_FAULTS, row["site"], kinds, FAULTS_MAX),
        elsewhere={
            r["category"]: r["n"] for r in await tx.fetch(_ELSEWHERE, row["site"], row["id"], list(WAITING), kinds)
        },
        stock=await candidates(tx, actor.scope, kinds),
    )
    proposal = propose(needs(lines), found.stock)
    return Facts(
        readiness=Readiness(ready["verdict"]) if ready else Readiness.UNKNOWN, since=ready["since"] if ready else None,
        reasons=explain(ready["reasons"] if ready else None, language),
        lines=[_of_line(line, found, proposal, language) for line in lines],
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """What the tables say, by category."""

    have: Mapping[UUID, asyncpg.Record]
    faults: Sequence[asyncpg.Record]
    elsewhere: Mapping[UUID, int]
    stock: Sequence[Candidate]


def _of_line(line: Mapping[str, Any], found: _Found, proposal: Proposal, language: str) -> LineFacts:
    kind, key = UUID(line["category_id"]), UUID(line["id"])
    row: Mapping[str, Any] = dict(found.have[kind]) if kind in found.have else {}
    stock = [c for c in found.stock if c.category == kind]
    picks = proposal.picks[key]
    shown = [*picks, *(c for c in stock if c not in picks)][:STOCK_SHOWN_MAX]
    return LineFacts(
        position=line["position"], in_use=row.get("n", 0), good=row.get("good", 0), worn=row.get("worn", 0),
        broken=row.get("broken", 0), oldest_year=row.get("oldest"), asked_elsewhere=found.elsewhere.get(kind, 0),
        faults=[_fault(f, language) for f in found.faults if f["category"] == kind],
        in_stock=len(stock), short=proposal.short[key],
        stock=[
            InStock(tag=c.tag, physical_state=c.physical_state, stocked_at=c.stocked_at, proposed=c in picks)
            for c in shown
        ],
    )  # fmt: skip


def _fault(row: asyncpg.Record, language: str) -> Fault:
    return Fault(
        number=row["number"],
        asset_tag=row["asset_tag"],
        reason=say(language, row["reason"]),
        opened_at=row["opened_at"],
    )


_HAVE = """
select m.category, count(*) as n, count(*) filter (where a.physical_state = 'good') as good,
    count(*) filter (where a.physical_state = 'worn') as worn,
    count(*) filter (where a.physical_state = 'broken') as broken,
    min(extract(year from a.put_into_use))::integer as oldest
from assets a join asset_models m on m.id = a.model
where a.site = $1 and a.stage = 'in_use' and m.category = any($2) group by m.category
"""
_FAULTS = """
select i.number, i.asset_tag, i.reason, i.opened_at, m.category
from incidents i join assets a on a.id = i.asset join asset_models m on m.id = a.model
where i.site = $1 and i.state <> 'resolved' and m.category = any($2) order by i.opened_at limit $3
"""
_ELSEWHERE = """
select l.category, sum(coalesce(l.approved, l.quantity) - l.given)::integer as n
from equipment_request_lines l join equipment_requests r on r.id = l.request
where r.site = $1 and r.id <> $2 and r.state = any($3) and l.category = any($4) group by l.category
"""
