"""The papers of equipment requests: phiếu đề nghị, tờ trình, what was handed over, and what still has to be bought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.clock import LOCAL_ZONE
from assets.db import EVERYTHING, Connection, transaction
from assets.equipment_requests.asking import LineKind
from assets.equipment_requests.knowing import HAVE
from assets.equipment_requests.queries import LISTING, lines_of, row_of, visible
from assets.equipment_requests.workflow import OVER
from assets.errors import Conflict
from assets.inventory.paper_forms.printing import FILES, Named, Wish, answer, few_enough
from assets.inventory.worth import Worth, worth
from assets.papers.kinds import Content, Handed, HandOver, Need, Needs, Paper, Proposal, Submission, Wanted
from assets.text import sort_key
from assets.web.language import N_
from assets.web.paging import LIMIT_MAX, ListQuery, fetch, listed

_GIVEN = """
select a.id, a.tag, coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, a.serial, s.name as from_name,
    case when s.kind = 'store' then '' else u.name end as unit, f.at
from fulfilments f join equipment_request_lines l on l.id = f.line join assets a on a.id = f.asset
join asset_models m on m.id = a.model join sites s on s.id = f.from_site join administrative_units u on u.id = s.unit
where l.request = $1 order by s.sort, l.position, a.tag
"""


# What shall be bought and has not been ordered.
_PLANNED = """
select line, sum(quantity - done)::integer as n from fulfilment_parts
where way = 'purchase' and state = 'planned' and line = any($1::uuid[]) group by line
"""


async def proposal(actor: Actor, ref: str, kind: type[Proposal] = Proposal) -> Proposal:
    """What a request asks for, with what the site has of each kind now; NotFound outside the actor's scope."""
    async with transaction(actor.scope) as tx:
        row = await row_of(tx, actor, ref)
        lines = lines_of(row)
        kinds = [UUID(line["category_id"]) for line in lines if line["category_id"]]
        have = {str(r["category"]): r for r in await tx.fetch(HAVE, row["site"], kinds)}
        codes = [line["consumable"] for line in lines if line["consumable"]]
        units = {
            r["code"]: r["unit"]
            for r in await tx.fetch("select code, unit from consumables where code = any($1)", codes)
        }
    sent = row["submitted_at"]
    return kind(
        number=row["number"], unit=row["unit"], site=row["site_name"], requested_by=row["requester"], reason=row["reason"],
        day=sent.astimezone(LOCAL_ZONE).date() if sent else None, lines=[_wanted(line, have, units) for line in lines],
    )  # fmt: skip


def _wanted(line: Mapping[str, Any], have: Mapping[str, asyncpg.Record], units: Mapping[str, str]) -> Wanted:
    there = have.get(line["category_id"] or "")
    known = bool(line["category_id"])
    return Wanted(
        name=line["name"], quantity=line["quantity"], approved=line["approved"], reason=line["reason"],
        in_use=there["n"] if there else 0 if known else None, broken=there["broken"] if there else 0 if known else None,
        measure=None if known else units.get(line["consumable"], ""),
    )  # fmt: skip


async def hand_over(actor: Actor, ref: str) -> HandOver:
    """What was given for a request, by whoever gave it; Conflict as long as nothing was."""
    async with transaction(actor.scope) as tx:
        row = await row_of(tx, actor, ref)
    # Who may read the request reads who gave for it, and what: the stores are not at their own site.
    async with transaction(EVERYTHING) as tx:
        given = await tx.fetch(_GIVEN, row["id"])
        if not given:
            raise Conflict(N_("Nothing has been issued for this request yet."))
        last = max(one["at"] for one in given).astimezone(LOCAL_ZONE).date()
        found = await worth(tx, [one["id"] for one in given], last)
    givers = list(dict.fromkeys(one["from_name"] for one in given))
    units = list(dict.fromkeys(one["unit"] for one in given))
    return HandOver(
        number=f"(Đề nghị số {row['number']} trên hệ thống)", unit=units[0] if len(units) == 1 else "",
        giver="; ".join(givers), receiver=row["site_name"], day=None,
        lines=[_handed(one, found.get(one["id"], Worth()), several=len(givers) > 1) for one in given],
    )  # fmt: skip


def _handed(row: asyncpg.Record, value: Worth, *, several: bool) -> Handed:
    note = f"Từ {row['from_name']}" if several else ""
    return Handed(row["name"], row["tag"], row["serial"], value.cost, value.remaining, note)


async def needs(actor: Actor, asked: ListQuery, *, now: datetime) -> Needs:
    """What still has to be bought of the requests that the actor sees, by kind, then unit and site.

    That is equipment that is approved, neither given nor declined, promised by no other way and not ordered yet.
    """
    async with transaction(actor.scope) as tx:
        rows = await _approved(tx, actor, asked)
        lines = [(line, row) for row in rows for line in lines_of(row) if line["kind"] == LineKind.EQUIPMENT]
        planned = {str(r["line"]): r["n"] for r in await tx.fetch(_PLANNED, [UUID(line["id"]) for line, _ in lines])}
    found: dict[tuple[str, str, str], list[_Missing]] = {}
    for line, row in lines:
        open_ = (line["approved"] or 0) - line["given"] - line["declined"] - line["promised"]
        if (missing := open_ + planned.get(line["id"], 0)) > 0:
            key = (line["name"], row["unit"], row["site_name"])
            found.setdefault(key, []).append(_Missing(missing, row["number"], line["unit_cost"]))
    few_enough(len(found))
    wanted = sorted(found.items(), key=lambda item: [*map(sort_key, item[0])])
    return Needs(now.astimezone(LOCAL_ZONE).date(), [_need(*key, some) for key, some in wanted])


@dataclass(frozen=True)
class _Missing:
    """How many of a request's line are missing, and what one is expected to cost."""

    quantity: int
    request: int
    unit_cost: int | None


def _need(name: str, unit: str, place: str, some: Sequence[_Missing]) -> Need:
    """The sum of some; without an estimate when one of them has none."""
    costs = [one.quantity * one.unit_cost for one in some if one.unit_cost is not None]
    return Need(
        name, unit, place, sum(one.quantity for one in some), sorted({one.request for one in some}),
        sum(costs) if len(costs) == len(some) else None,
    )  # fmt: skip


async def _approved(tx: Connection, actor: Actor, asked: ListQuery) -> list[asyncpg.Record]:
    where: list[tuple[str, Sequence[object]]] = [
        visible(actor),
        ("r.decided_at is not null and r.state <> all({}::text[])", [list(OVER)]),
    ]
    rows: list[asyncpg.Record] = []
    wanted = replace(asked, limit=LIMIT_MAX)
    while True:
        page = await fetch(tx, LISTING, wanted, lambda row: row, scope=actor.scope, where=where)
        few_enough(page.total)
        rows += page.items
        if page.next is None:
            return rows
        wanted = replace(wanted, cursor=page.next)


async def content_of(actor: Actor, ref: str, paper: Paper) -> Content:
    """The values of one of a request's papers."""
    if paper is Paper.HAND_OVER:
        return await hand_over(actor, ref)
    return await proposal(actor, ref, Submission if paper is Paper.SUBMISSION else Proposal)


@get("/api/v1/equipment-requests/{ref:str}/papers/{paper:str}", operation_id="printEquipmentRequest", tags=["papers"],
     guards=[requires(Action.VIEW_REQUESTS)], opt=FILES)  # fmt: skip
async def print_request(ref: FromPath[str], paper: Named, actor: NamedDependency[Actor]) -> Response[bytes]:
    """A paper of a request as PDF or DOCX: proposal, submission, or hand-over of what was issued."""
    wish = Wish.of(paper, Paper.PROPOSAL, Paper.SUBMISSION, Paper.HAND_OVER)
    content = await content_of(actor, ref, wish.paper)
    return await answer(wish, content, ref if len(ref) < 12 else "")


_LISTED = listed(LISTING)


@get("/api/v1/equipment-requests/papers/{paper:str}", operation_id="printEquipmentRequests", tags=["papers"],
     guards=[requires(Action.VIEW_REQUESTS)], dependencies=_LISTED["dependencies"], opt=_LISTED["opt"] | FILES)  # fmt: skip
async def print_needs(
    paper: Named, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]
) -> Response[bytes]:
    """What is approved and still to be bought (needs) as PDF or DOCX: of the list's rows with the same parameters."""
    wish, now = Wish.of(paper, Paper.NEEDS), clock.now()
    return await answer(wish, await needs(actor, asked, now=now), f"{now.astimezone(LOCAL_ZONE):%d-%m-%Y}")


routes: Sequence[ControllerRouterHandler] = [print_request, print_needs]
