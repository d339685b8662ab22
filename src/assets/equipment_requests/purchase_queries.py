"""Purchases as they are read: the list, one with what it waits for, and the parts that no purchase has yet."""

from datetime import date, datetime

from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.db import Connection
from assets.equipment_requests.answering import PARTS, PartOut, part_out
from assets.equipment_requests.purchases import OPEN, State
from assets.errors import NotFound
from assets.web.paging import Column, Listing, ListQuery, Page, fetch
from assets.web.rows import from_row

WAITING_MAX = 500


class PurchaseOut(BaseModel):
    """What is bought together: from whom, until when, for how many sites, how many pieces, how many of them have come."""

    number: int
    title: str
    state: State
    supplier: str
    decision_number: str
    note: str
    expected_on: date | None
    created_at: datetime
    created_by: str
    ordered_at: datetime | None
    ended_at: datetime | None
    pieces: int
    arrived: int
    sites: int
    version: int


class PurchaseDetail(PurchaseOut):
    """A purchase with the parts of requests that it answers, and what can be done with it now."""

    parts: list[PartOut]
    acts: list[str]


_OF = "from fulfilment_parts q where q.purchase = p.id and q.state <> 'cancelled'"
PURCHASES = Listing(
    select=f"p.*, (select coalesce(sum(q.quantity), 0)::integer {_OF}) as pieces, "  # noqa: S608 - constants only
    f"(select coalesce(sum(q.quantity), 0)::integer {_OF} and (coalesce(q.transfer, q.shipment) is not null "
    "or q.state = 'done')) as arrived, "
    "(select count(distinct r.site)::integer from fulfilment_parts q join equipment_request_lines l on l.id = q.line "
    "join equipment_requests r on r.id = l.request where q.purchase = p.id and q.state <> 'cancelled') as sites",
    source="purchases p",
    key="p.id",
    columns={
        "urgency": Column(
            "(case p.state when 'ordered' then 0 when 'planned' then 1 else 2 end * 1e10 - extract(epoch from p.created_at))"
            "::double precision", "double precision", filterable=False,
        ),
        "number": Column("p.number", "integer"),
        "state": Column("p.state", choices=tuple(State)),
        "created_at": Column("p.created_at", "timestamptz"),
        "expected_on": Column("p.expected_on", "date"),
    },
    sort="urgency",
    search=("p.search",),
)  # fmt: skip


purchase_out = from_row(PurchaseOut)


async def listed_purchases(tx: Connection, asked: ListQuery) -> Page[PurchaseOut]:
    """The purchases that the transaction's scope shows."""
    return await fetch(tx, PURCHASES, asked, purchase_out)


async def one(tx: Connection, actor: Actor, number: int, language: str) -> PurchaseDetail:
    """One purchase; NotFound also when nothing of it is for a site of the actor."""
    row = await tx.fetchrow(
        f"select {PURCHASES.select} from {PURCHASES.source} where p.number = $1",  # noqa: S608
        number,
    )
    if row is None:
        raise NotFound()
    parts = await tx.fetch(
        f"select {PARTS.select} from {PARTS.source} where p.purchase = $1 and p.state <> 'cancelled' "  # noqa: S608
        "order by s.sort, r.number, l.position, p.created_at, p.id", row["id"],
    )  # fmt: skip
    acts = {State.PLANNED: ["order", "cancel"], State.ORDERED: ["arrive", "cancel"]}
    may = actor.everywhere(Action.FULFIL_REQUEST) and State(row["state"]) in OPEN
    return PurchaseDetail(
        **purchase_out(row).model_dump(), parts=[part_out(part, language) for part in parts],
        acts=acts[State(row["state"])] if may else [],
    )  # fmt: skip


async def waiting(tx: Connection, language: str) -> list[PartOut]:
    """The parts that are to be bought and are in no purchase yet, like things together."""
    rows = await tx.fetch(
        f"select {PARTS.select} from {PARTS.source} where p.way = 'purchase' and p.state = 'planned' "  # noqa: S608
        "and p.purchase is null order by l.name, s.sort, r.number limit $1", WAITING_MAX,
    )  # fmt: skip
    return [part_out(row, language) for row in rows]
