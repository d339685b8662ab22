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
    """A thing that could be given; `proposed` when it would go first, `model` with its maker, `serial` may be empty."""

    tag: str
    model: str
    serial: str
    physical_state: str
    stocked_at: datetime
    proposed: bool


class LineFacts(BaseModel):
    """Beside one line: what the centre has of the kind in use, its faults, other requests, and what the stock has.

    `broken` counts what a person says is broken, what a measurement finds down, and else what the register has as broken;
    `good` and `worn` are the register's words for the rest, so that the three add up to `in_use`.
    """

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
    kinds = [UUID(line["category_id"]) for line in lines if line["category_id"]]
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
    shown = {UUID(line["id"]): _shown(line, found.stock, proposal) for line in lines}
    written = {r["id"]: r for r in await tx.fetch(_WRITTEN, [c.asset for some in shown.values() for c in some])}
    stock = {
        key: [_in_stock(c, written[c.asset], proposed=c in proposal.picks.get(key, ())) for c in some]
        for key, some in shown.items()
    }
    return Facts(
        readiness=Readiness(ready["verdict"]) if ready else Readiness.UNKNOWN, since=ready["since"] if ready else None,
        reasons=explain(ready["reasons"] if ready else None, language),
        lines=[
            _of_line(line, found, stock[UUID(line["id"])], proposal.short.get(UUID(line["id"]), 0), language)
            for line in lines
        ],
    )  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """What the tables say, by category."""

    have: Mapping[UUID, asyncpg.Record]
    faults: Sequence[asyncpg.Record]
    elsewhere: Mapping[UUID, int]
    stock: Sequence[Candidate]


def _shown(line: Mapping[str, Any], stock: Sequence[Candidate], proposal: Proposal) -> list[Candidate]:
    """What may be chosen for a line, the proposed things first."""
    picks = proposal.picks.get(UUID(line["id"]), ())
    others = (c for c in stock if str(c.category) == line["category_id"] and c not in picks)
    return [*picks, *others][:STOCK_SHOWN_MAX]


def _in_stock(candidate: Candidate, written: asyncpg.Record, *, proposed: bool) -> InStock:
    return InStock(
        tag=candidate.tag, model=written["model"], serial=written["serial"], physical_state=candidate.physical_state,
        stocked_at=candidate.stocked_at, proposed=proposed,
    )  # fmt: skip


def _of_line(line: Mapping[str, Any], found: _Found, stock: list[InStock], short: int, language: str) -> LineFacts:
    kind = UUID(line["category_id"]) if line["category_id"] else None
    row: Mapping[str, Any] = dict(found.have[kind]) if kind and kind in found.have else {}
    return LineFacts(
        position=line["position"], in_use=row.get("n", 0), good=row.get("good", 0), worn=row.get("worn", 0),
        broken=row.get("broken", 0), oldest_year=row.get("oldest"), asked_elsewhere=found.elsewhere.get(kind, 0) if kind else 0,
        faults=[_fault(f, language) for f in found.faults if f["category"] == kind],
        in_stock=sum(1 for c in found.stock if c.category == kind), short=short, stock=stock,
    )  # fmt: skip


def _fault(row: asyncpg.Record, language: str) -> Fault:
    return Fault(
        number=row["number"],
        asset_tag=row["asset_tag"],
        reason=say(language, row["reason"]),
        opened_at=row["opened_at"],
    )


# Who counts about one thing is as in readiness.rules.grade_thing: a person's "broken", then a measurement, then the newer
# of a person's "works" and the register.
_HAVE = """
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
    left join targets t on t.asset = a.id and t.enabled left join device_states d on d.target = t.id
    left join lateral (select kind, said_at from declarations e where e.asset = a.id and e.ended_at is null
        and e.kind in ('broken', 'works') order by said_at desc, kind limit 1) said on true
    where a.site = $1 and a.stage = 'in_use' and m.category = any($2)
) things group by category
"""
_WRITTEN = """
select a.id, m.manufacturer || ' ' || m.name as model, a.serial
from assets a join asset_models m on m.id = a.model where a.id = any($1::uuid[])
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
