"""The facts beside a request, for whoever decides about it or gives from stock. Only reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.db import Connection
from assets.equipment_requests.fulfilment import Candidate, Proposal, propose
from assets.equipment_requests.knowing import Thing, ThingFacts, known
from assets.equipment_requests.queries import lines_of, row_of
from assets.equipment_requests.stock import candidates, needs
from assets.readiness.rules import Readiness
from assets.readiness.service import Explained, explain

STOCK_SHOWN_MAX = 30


class InStock(BaseModel):
    """A thing that could be given; `proposed` when it would go first, `model` with its maker, `serial` may be empty."""

    tag: str
    model: str
    serial: str
    physical_state: str
    stocked_at: datetime
    proposed: bool


class LineFacts(ThingFacts):
    """Beside one line: what is known of the thing, and which things of the stores that the caller sees could be given."""

    position: int
    stock: list[InStock]
    short: int


class Facts(BaseModel):
    """Whether the centre can serve now and why not, and the facts of each line."""

    readiness: Readiness
    since: datetime | None
    reasons: list[Explained]
    lines: list[LineFacts]


async def beside(tx: Connection, actor: Actor, ref: str, language: str, now: datetime | None = None) -> Facts:
    """What to know before deciding about a request, or giving for it; NotFound outside the actor's scope."""
    row = await row_of(tx, actor, ref)
    lines = lines_of(row)
    kinds = [UUID(line["category_id"]) for line in lines if line["category_id"]]
    ready = await tx.fetchrow("select verdict, since, reasons from readiness where site = $1", row["site"])
    found = await known(tx, row["site"], list(map(_thing, lines)), language, now or clock.now(), but=row["id"])
    stock = await candidates(tx, actor.scope, kinds)
    proposal = propose(needs(lines), stock)
    shown = {UUID(line["id"]): _shown(line, stock, proposal) for line in lines}
    written = {r["id"]: r for r in await tx.fetch(_WRITTEN, [c.asset for some in shown.values() for c in some])}
    given = {
        key: [_in_stock(c, written[c.asset], proposed=c in proposal.picks.get(key, ())) for c in some]
        for key, some in shown.items()
    }
    return Facts(
        readiness=Readiness(ready["verdict"]) if ready else Readiness.UNKNOWN, since=ready["since"] if ready else None,
        reasons=explain(ready["reasons"] if ready else None, language),
        lines=[
            LineFacts(
                **dict(facts), position=line["position"], stock=given[UUID(line["id"])],
                short=proposal.short.get(UUID(line["id"]), 0),
            )
            for line, facts in zip(lines, found, strict=True)
        ],
    )  # fmt: skip


def _thing(line: Mapping[str, Any]) -> Thing:
    ids = {name: UUID(line[f"{name}_id"]) for name in ("category", "consumable", "application", "asset")
           if line[f"{name}_id"]}  # fmt: skip
    return Thing(line["kind"], capability=line["capability"], **ids)


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


_WRITTEN = """
select a.id, m.manufacturer || ' ' || m.name as model, a.serial
from assets a join asset_models m on m.id = a.model where a.id = any($1::uuid[])
"""
