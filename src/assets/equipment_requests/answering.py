"""What can be done for a request now: the parts that answer its lines, and where the rest could come from. Only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.clock import LOCAL_ZONE
from assets.db import Connection, Scope
from assets.equipment_requests.asking import LineKind
from assets.equipment_requests.queries import lines_of, named, row_of
from assets.equipment_requests.sources import donors, ledgers, pourers
from assets.equipment_requests.splitting import BY_HAND, WAYS, Donor, PartState, Way, nearest, propose
from assets.equipment_requests.stock import candidates, outstanding
from assets.web.paging import Column, Listing

BROKEN_MAX = 20


class PartOut(BaseModel):
    """So many pieces of a line and where they come from; `finish` when somebody has to say that it is done."""

    id: UUID
    request: int
    position: int
    name: str
    site: str
    site_name: str
    way: Way
    state: PartState
    quantity: int
    done: int
    from_site: str
    from_name: str
    transfer: int | None
    shipment: UUID | None
    purchase: int | None
    asset: str
    note: str
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    finish: bool
    take_back: bool


class DonorOut(BaseModel):
    """A site that could spare some; `km` as the crow flies, null where a place is not known."""

    code: str
    name: str
    spare: int
    km: float | None


class Proposed(BaseModel):
    """So many pieces by one way."""

    way: Way
    quantity: int
    from_site: str


class LineAnswer(BaseModel):
    """What is open of a line, by which ways it can be answered, what there is for it, and what would be soonest."""

    position: int
    kind: LineKind
    name: str
    approved: int
    outstanding: int
    ways: list[Way]
    in_stores: int
    donors: list[DonorOut]
    broken: list[str]
    proposed: list[Proposed]


class RequestAnswer(BaseModel):
    """The lines of a request as they can be answered now, and the parts that answer them already."""

    lines: list[LineAnswer]
    parts: list[PartOut]


PARTS = Listing(
    select="p.*, l.position, l.name, l.name_en, r.number as request_number, s.code as site_code, s.name as site_name, "
    "coalesce(f.code, '') as from_code, coalesce(f.name, '') as from_name, t.number as transfer_number, "
    "b.number as purchase_number, coalesce(a.tag, '') as tag",
    source="fulfilment_parts p join equipment_request_lines l on l.id = p.line "
    "join equipment_requests r on r.id = l.request join sites s on s.id = r.site left join sites f on f.id = p.from_site "
    "left join transfers t on t.id = p.transfer left join purchases b on b.id = p.purchase "
    "left join assets a on a.id = p.asset",
    key="p.id",
    columns={
        "request": Column("r.number", "integer"),
        "site": Column("s.code"),
        "way": Column("p.way", choices=tuple(Way)),
        "state": Column("p.state", choices=tuple(PartState)),
        "purchase": Column("b.number", "integer"),
        "transfer": Column("t.number", "integer"),
        "created_at": Column("p.created_at", "timestamptz"),
    },
    sort="created_at",
    search=("r.search", "s.search"),
    site="r.site",
)


def part_out(row: Any, language: str) -> PartOut:
    """A row of `PARTS`."""
    same = ("id", "position", "way", "state", "quantity", "done", "note", "created_at", "created_by", "ended_at")
    open_ = row["state"] in ("planned", "under_way")
    return PartOut(
        **{name: row[name] for name in same}, request=row["request_number"],
        name=named(row, language), site=row["site_code"],
        site_name=row["site_name"], from_site=row["from_code"], from_name=row["from_name"],
        transfer=row["transfer_number"], shipment=row["shipment"], purchase=row["purchase_number"], asset=row["tag"],
        finish=open_ and row["way"] in BY_HAND, take_back=open_ and row["transfer_number"] is None and row["shipment"] is None,
    )  # fmt: skip


async def parts_of(tx: Connection, request: UUID, language: str) -> list[PartOut]:
    """The parts of a request in the order of its lines, those taken back left out."""
    rows = await tx.fetch(
        f"select {PARTS.select} from {PARTS.source} where l.request = $1 and p.state <> 'cancelled' "  # noqa: S608
        "order by l.position, p.created_at, p.id", request,
    )  # fmt: skip
    return [part_out(row, language) for row in rows]


async def answer(tx: Connection, actor: Actor, ref: str, language: str, now: datetime) -> RequestAnswer:
    """How a request can be answered now, for whoever may give; NotFound outside the actor's scope."""
    row = await row_of(tx, actor, ref)
    lines = [line for line in lines_of(row) if line["approved"]]
    found = await _found(tx, actor.within(Action.FULFIL_REQUEST).scope, row, lines, now)
    return RequestAnswer(
        lines=[_line(line, found, language) for line in lines], parts=await parts_of(tx, row["id"], language)
    )


@dataclass(frozen=True)
class _Found:
    """What there is: what stores hold and sites can spare, by the id of a category or the code of a consumable."""

    stores: dict[str, int]
    spare: Mapping[str, Sequence[Donor]]
    broken: Mapping[str, list[str]]


async def _found(tx: Connection, scope: Scope, row: Any, lines: Sequence[Mapping[str, Any]], now: datetime) -> _Found:
    kinds = [UUID(line["category_id"]) for line in lines if line["category_id"]]
    wanted = [line["consumable"] for line in lines if line["consumable"]]
    consumables = {
        r["id"]: r["code"] for r in await tx.fetch("select id, code from consumables where code = any($1)", wanted)
    }
    stores: dict[str, int] = {}
    for candidate in await candidates(tx, scope, kinds):
        stores[str(candidate.category)] = stores.get(str(candidate.category), 0) + 1
    broken: dict[str, list[str]] = {}
    for thing in await tx.fetch(_BROKEN, row["site"], kinds, BROKEN_MAX):
        broken.setdefault(str(thing["category"]), []).append(thing["tag"])
    spare = await donors(tx, scope, row["site"], kinds, now.astimezone(LOCAL_ZONE).date())
    poured = await pourers(tx, scope, row["site"], list(consumables))
    for key, held in (await ledgers(tx, scope, list(consumables))).items():
        stores[consumables[key]] = sum(one["quantity"] for one in held)
    return _Found(
        stores=stores, broken=broken,
        spare={str(key): some for key, some in spare.items()} | {consumables[key]: some for key, some in poured.items()},
    )  # fmt: skip


_BROKEN = """
select a.tag, m.category from assets a join asset_models m on m.id = a.model
where a.site = $1 and m.category = any($2) and a.physical_state = 'broken' and a.stage in ('in_use', 'in_repair')
order by a.tag limit $3
"""


def _line(line: Mapping[str, Any], found: _Found, language: str) -> LineAnswer:
    """One line; what it proposes of the stores is no longer there for the lines behind it."""
    kind, left, what = LineKind(line["kind"]), outstanding(line), line["category_id"] or line["consumable"]
    near, held = nearest(found.spare.get(what, ())), found.stores.get(what, 0)
    proposed = propose(kind, left, held, near)
    if what:
        found.stores[what] = held - sum(p.quantity for p in proposed if p.way is Way.STOCK)
    return LineAnswer(
        position=line["position"], kind=kind, name=named(line, language), approved=line["approved"], outstanding=left,
        ways=list(WAYS[kind]), in_stores=held, broken=found.broken.get(what, []),
        donors=[DonorOut(code=d.code, name=d.name, spare=d.spare, km=d.km and round(d.km, 1)) for d in near],
        proposed=[Proposed(way=p.way, quantity=p.quantity, from_site=p.from_site) for p in proposed],
    )  # fmt: skip
