"""What follows when pieces of a request arrive, or will not: parts, lines, purchases and the request itself.

Transfers and purchases tell it in their own transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from assets.access.actor import Actor
from assets.db import Connection
from assets.equipment_requests.splitting import OPEN
from assets.equipment_requests.steps import Doing, in_own_words, take
from assets.equipment_requests.workflow import State, Step
from assets.ids import new_id
from assets.inventory import following
from assets.readiness.service import request_recompute


async def give(tx: Connection, line: UUID, quantity: int) -> None:
    """So many more of a line are given."""
    await tx.execute("update equipment_request_lines set given = given + $2 where id = $1", line, quantity)


async def complete(tx: Connection, request: UUID) -> bool:
    """Whether all that was approved of a request is given or declined."""
    found: bool = await tx.fetchval(
        "select not exists (select from equipment_request_lines where request = $1 "
        "and given + declined < coalesce(approved, 0))", request,
    )  # fmt: skip
    return found


async def wanted_no_more(tx: Connection, purchases: set[UUID | None], now: datetime) -> None:
    """A purchase of which nothing is awaited any more is over: received where something of it came, else cancelled."""
    await tx.execute(
        "update purchases b set state = case when exists (select from fulfilment_parts p where p.purchase = b.id "
        "and (coalesce(p.transfer, p.shipment) is not null or p.done > 0)) then 'received' else 'cancelled' end, ended_at = $2, "
        "version = version + 1 where b.id = any($1) and b.state in ('planned', 'ordered') and not exists (select from "
        "fulfilment_parts p where p.purchase = b.id and coalesce(p.transfer, p.shipment) is null "
        "and p.state in ('planned', 'under_way'))",
        [one for one in purchases if one is not None], now,
    )  # fmt: skip


async def end(tx: Connection, part: Any, now: datetime) -> None:
    """What is done of a part stays, the rest is to be answered anew."""
    await tx.execute(
        "update fulfilment_parts set state = case when done > 0 then 'done' else 'cancelled' end, "
        "quantity = case when done > 0 then done else quantity end, ended_at = $2 where id = $1", part["id"], now,
    )  # fmt: skip
    await wanted_no_more(tx, {part["purchase"]}, now)


@following.on_settlement
async def _settled(tx: Connection, actor: Actor, transfer: UUID, arrived: Mapping[UUID, bool], now: datetime) -> None:
    """What of a transfer arrived is given to the lines that it was sent for, in their order; what will not come is open again."""
    await tx.execute(
        "select from equipment_requests where id in (select l.request from fulfilment_parts p "
        "join equipment_request_lines l on l.id = p.line where p.transfer = $1) order by id for update", transfer,
    )  # fmt: skip
    parts = await tx.fetch(
        "select p.*, l.category, l.request, l.name from fulfilment_parts p join equipment_request_lines l on l.id = p.line "
        "where p.transfer = $1 and p.state = any($2) order by l.position, p.id for update of p",
        transfer, [str(state) for state in OPEN],
    )  # fmt: skip
    if not parts:
        return
    given = await _handed(tx, actor, parts, [asset for asset, came in arrived.items() if came], now)
    waiting = await tx.fetchval(
        "select exists (select from transfer_lines where transfer = $1 and state in ('listed', 'waiting'))", transfer
    )
    lost = {asset for asset, came in arrived.items() if not came}
    moved = []
    for part in parts:
        gone = len(lost & set(part["pieces"]))
        if given[part["id"]] or gone or not waiting:
            moved.append(part)
            left = part["quantity"] - gone
            await _landed(tx, {**part, "done": part["done"] + given[part["id"]]}, left, now, over=not waiting)
    for request in dict.fromkeys(part["request"] for part in moved):
        await _moved_on(tx, actor, request, moved, given, now)


@following.on_delivery
async def _delivered(tx: Connection, actor: Actor, shipment: UUID, got: int, now: datetime) -> None:
    """What of a consumable came is given to the line that it was sent for; what is short is open again."""
    await tx.execute(
        "select from equipment_requests where id in (select l.request from fulfilment_parts p "
        "join equipment_request_lines l on l.id = p.line where p.shipment = $1) order by id for update", shipment,
    )  # fmt: skip
    part = await tx.fetchrow(
        "select p.*, l.request, l.name from fulfilment_parts p join equipment_request_lines l on l.id = p.line "
        "where p.shipment = $1 and p.state = any($2) for update of p", shipment, [str(state) for state in OPEN],
    )  # fmt: skip
    if part is not None:
        await _landed(tx, {**part, "done": got}, part["quantity"], now, over=True)
        await _moved_on(tx, actor, part["request"], [part], {part["id"]: got}, now)


async def _handed(
    tx: Connection, actor: Actor, parts: Sequence[Record], assets: Sequence[UUID], now: datetime
) -> dict[UUID, int]:
    """Write which asset came for which part; answers how many each got."""
    given: dict[UUID, int] = {part["id"]: 0 for part in parts}
    rows = await tx.fetch(
        "select a.id, m.category from assets a join asset_models m on m.id = a.model where a.id = any($1) order by a.tag",
        list(assets),
    )
    for asset in rows:
        part = next((p for p in parts if _brings(p, asset) and p["done"] + given[p["id"]] < p["quantity"]), None)
        if part is None:
            continue
        given[part["id"]] += 1
        await tx.execute(
            "insert into fulfilments (id, line, part, asset, from_site, at, actor_name) values ($1,$2,$3,$4,$5,$6,$7)",
            new_id(), part["line"], part["id"], asset["id"], part["from_site"], now, actor.name,
        )  # fmt: skip
    return given


def _brings(part: Record, asset: Record) -> bool:
    """Whether an asset was sent for a part: as its pieces say, whatever it is called by now."""
    return asset["id"] in part["pieces"] if part["pieces"] else bool(part["category"] == asset["category"])


async def _landed(tx: Connection, part: Mapping[str, Any], left: int, now: datetime, *, over: bool) -> None:
    """So much of a part is done, and `left` pieces of it are all that can still come."""
    await tx.execute("update fulfilment_parts set done = $2 where id = $1", part["id"], part["done"])
    if part["done"] == part["quantity"]:
        await tx.execute("update fulfilment_parts set state = 'done', ended_at = $2 where id = $1", part["id"], now)
    elif over or part["done"] == left:
        await end(tx, part, now)
    elif left < part["quantity"]:
        await tx.execute("update fulfilment_parts set quantity = $2 where id = $1", part["id"], left)


async def _moved_on(
    tx: Connection, actor: Actor, request: UUID, parts: Sequence[Record], given: Mapping[UUID, int], now: datetime
) -> None:
    mine = [part for part in parts if part["request"] == request]
    for part in mine:
        await give(tx, part["line"], given[part["id"]])
    row = await tx.fetchrow("select * from equipment_requests where id = $1 for update", request)
    if row is None or row["state"] not in (State.APPROVED, State.IN_FULFILMENT):
        return
    said = ", ".join(f"{given[p['id']]} × {p['name']}" for p in mine if given[p["id"]])
    await request_recompute(tx, [row["site"]])
    await _arrived_at(tx, actor, row, said, now)


async def _arrived_at(tx: Connection, actor: Actor, row: Record, said: str, now: datetime) -> None:
    """A request whose things arrived moves on, whoever received them: it is no step of theirs."""
    whole = await complete(tx, row["id"])
    await take(
        tx, actor, row, Step.SPLIT, in_own_words(Doing(), said), now=now, complete=whole, named="arrive" if said else "take_back",
        judge=False,
    )  # fmt: skip
