"""The verbs of the ledger of a site: receive, issue, return, count, discard, and take a wrong line back.

Whoever moves something holds the row of that stock until the end of the transaction, so that two who want the last
piece come one after the other; PostgreSQL refuses a balance below zero once more.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record, shown
from assets.clock import LOCAL_ZONE
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory.service import write_event
from assets.inventory.stock.consumables import consumable_of, site_of
from assets.inventory.stock.ledger import WRITES, Act, Batch, Kind, change, faults, pick, refused
from assets.text import TEXT_MAX, clean, clean_code, overlong, uncut
from assets.web.language import N_


@dataclass(frozen=True)
class Movement:
    """What somebody does with a consumable at a site; without a `batch` the ledger chooses one (see `ledger.pick`).

    Of several movements with one `key` (UUIDv7, of the form that they come from) the first alone is written.
    """

    act: Act
    site: str
    consumable: str
    quantity: int
    asset_tag: str = ""
    holder: str = ""
    to_site: str = ""
    batch: str = ""
    expires_on: date | None = None
    reason: str = ""
    key: UUID | None = None


@dataclass(frozen=True)
class _Line:
    """One line about to be written, beside what it says of its stock."""

    kind: Kind
    change: int
    batch: Batch
    reason: str
    now: datetime
    asset: UUID | None = None
    holder: str = ""
    other_site: UUID | None = None
    transfer: UUID | None = None
    reverses: UUID | None = None
    id: UUID | None = None


async def move(actor: Actor, said: Movement, *, now: datetime) -> UUID:
    """Write a movement at one site and answer its line; Conflict says what lies there when it is too little.

    What goes to another site is a shipment, see `shipments.ship`.
    """
    assert said.act is not Act.TRANSFER
    actor = actor.require(Action.EDIT_INVENTORY)
    tag, holder, reason = clean_code(said.asset_tag), clean(said.holder, 120), clean(said.reason)
    check(said)
    async with transaction(actor.scope) as tx:
        site, consumable = await site_of(tx, actor, said.site), await consumable_of(tx, said.consumable)
        asset = await _asset(tx, actor, tag, site["id"]) if tag else None
        stock = await _lock(tx, site["id"], consumable["id"])
        if said.key and await _written(tx, said.key):
            return said.key
        batch = await _batch(tx, stock["id"], said, now)
        by = change(said.act, said.quantity, batch.quantity)
        line = _Line(WRITES[said.act], by, batch, reason, now, asset=asset and asset["id"], holder=holder, id=said.key)
        made = await _write(tx, actor, stock, consumable, line)
        if asset:
            text = f"{said.quantity} × {consumable['name']} ({consumable['code']})"
            kind = "consumable_issued" if said.act is Act.ISSUE else "consumable_returned"
            await write_event(tx, asset["id"], site["id"], kind, text, actor, now)
        return made


def check(said: Movement) -> None:
    """Invalid names each field of a movement that is wrong, whatever lies where."""
    tag, holder, to_site = clean(said.asset_tag, 40), clean(said.holder, 120), clean(said.to_site, 20)
    wrong = faults(
        said.act, said.quantity, reason=clean(said.reason), asset_tag=tag, holder=holder, to_site=to_site
    )  # fmt: skip
    if said.expires_on and said.act is not Act.RECEIVE:
        wrong["expires_on"] = N_("Only what is received brings a last day with it.")
    if said.expires_on and not clean(said.batch, 60):
        wrong["expires_on"] = N_("What expires has a batch.")
    wrong |= overlong({"reason": (said.reason, TEXT_MAX), "holder": (said.holder, 120), "batch": (said.batch, 60)})
    if wrong:
        raise Invalid(fields=wrong)


async def take_out(
    tx: Connection,
    actor: Actor,
    said: Movement,
    site: UUID,
    consumable: Any,
    other: UUID,
    transfer: UUID,
    now: datetime,
) -> Batch | None:
    """Let so many leave a site for another; answers their batch, None when the line with its key was written before."""
    stock = await _lock(tx, site, consumable["id"])
    if said.key and await _written(tx, said.key):
        return None
    batch = await _batch(tx, stock["id"], said, now)
    line = _Line(
        Kind.TRANSFER_OUT,
        -said.quantity,
        batch,
        clean(said.reason),
        now,
        other_site=other,
        transfer=transfer,
        id=said.key,
    )
    await _write(tx, actor, stock, consumable, line)
    return batch


async def bring_in(
    tx: Connection, actor: Actor, shipment: Any, site: UUID, other: UUID, quantity: int, kind: Kind, now: datetime
) -> None:
    """Let so many of a shipment's consumable and batch come in at a site."""
    consumable = await tx.fetchrow("select * from consumables where id = $1", shipment["consumable"])
    stock = await _lock(tx, site, shipment["consumable"])
    batch = await _known(tx, stock["id"], shipment["batch"]) or Batch(shipment["batch"], 0, shipment["expires_on"])
    line = _Line(kind, quantity, batch, shipment["reason"], now, other_site=other, transfer=shipment["id"])
    await _write(tx, actor, stock, consumable, line)


async def reverse(actor: Actor, movement: UUID, why: str, *, now: datetime) -> UUID:
    """Take a line back by its opposite; Conflict when it was, when it cannot be any more, or when it belongs to a shipment."""
    actor = actor.require(Action.EDIT_INVENTORY)
    reason = uncut("reason", why)
    if not reason:
        raise Invalid(fields={"reason": N_("Please say why.")})
    async with transaction(actor.scope) as tx:
        wrong = await tx.fetchrow("select * from stock_movements where id = $1", movement)
        if wrong is None or not actor.scope.sees(wrong["site"]):
            raise NotFound()
        if wrong["kind"] == Kind.REVERSED or not wrong["change"]:
            raise Conflict(N_("This line cannot be taken back: write the movement anew."))
        if wrong["transfer"]:
            raise Conflict(N_("It belongs to a shipment: its receiver says what came, or its sender calls it back."))
        stock = await _lock(tx, wrong["site"], wrong["consumable"])
        if await tx.fetchval("select 1 from stock_movements where reverses = $1", movement):
            raise Conflict(N_("This line has been taken back already."))
        return await _take_back(tx, actor, stock, wrong, reason, now)


async def _take_back(tx: Connection, actor: Actor, stock: Any, wrong: Any, reason: str, now: datetime) -> UUID:
    consumable = await tx.fetchrow("select * from consumables where id = $1", stock["consumable"])
    batch = await _known(tx, stock["id"], wrong["batch"]) or Batch(wrong["batch"], 0, wrong["expires_on"])
    line = _Line(
        Kind.REVERSED, -wrong["change"], batch, reason, now, asset=wrong["asset"], holder=wrong["holder"],
        reverses=wrong["id"],
    )  # fmt: skip
    made = await _write(tx, actor, stock, consumable, line)
    if wrong["asset"]:
        text = f"{abs(wrong['change'])} × {consumable['name']} ({consumable['code']}): {reason}"
        await write_event(tx, wrong["asset"], wrong["site"], "consumable_reversed", text, actor, now)
    return made


async def _write(tx: Connection, actor: Actor, stock: Any, consumable: Any, line: _Line) -> UUID:
    """One line, with what it does to its stock and batch; `stock` is locked by this transaction."""
    for balance in (stock["quantity"], line.batch.quantity):
        if why := refused(balance, line.change):
            raise Conflict(why, left=balance)
    after = await tx.fetchval(
        "update stock set quantity = quantity + $2 where id = $1 returning quantity", stock["id"], line.change
    )
    await tx.execute(
        "insert into stock_batches (id, stock, batch, expires_on, quantity) values ($1,$2,$3,$4,$5) on conflict on "
        "constraint stock_batches_uq do update set quantity = $5, expires_on = excluded.expires_on",
        new_id(), stock["id"], line.batch.name, line.batch.expires_on, line.batch.quantity + line.change,
    )  # fmt: skip
    made = await tx.fetchrow(
        "insert into stock_movements (id, stock, site, consumable, at, kind, change, balance, batch, expires_on, asset, "
        "holder, other_site, transfer, reverses, reason, actor, actor_name, number) "
        "select $1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18, coalesce(max(number), 0) + 1 "
        "from stock_movements where stock = $2 returning *",
        line.id or new_id(), stock["id"], stock["site"], stock["consumable"], line.now, line.kind, line.change, after,
        line.batch.name, line.batch.expires_on, line.asset, line.holder, line.other_site, line.transfer, line.reverses,
        line.reason, actor.id, clean(actor.name, 120),
    )  # fmt: skip
    assert made is not None
    await record(
        tx, by=actor, action=line.kind, kind="stock_movement", subject=made["id"], name=consumable["code"],
        site=stock["site"], after=shown(made), reason=line.reason,
    )  # fmt: skip
    written: UUID = made["id"]
    return written


async def _written(tx: Connection, key: UUID) -> bool:
    return bool(await tx.fetchval("select exists(select from stock_movements where id = $1)", key))


async def _lock(tx: Connection, site: UUID, consumable: UUID) -> Any:
    """The stock of a consumable at a site, held until the end of the transaction; a first movement opens it."""
    await tx.execute(
        "insert into stock (id, site, consumable, quantity, version) values ($1,$2,$3,0,1) "
        "on conflict on constraint stock_site_consumable_uq do nothing", new_id(), site, consumable,
    )  # fmt: skip
    return await tx.fetchrow("select * from stock where site = $1 and consumable = $2 for update", site, consumable)


async def _batch(tx: Connection, stock: UUID, said: Movement, now: datetime) -> Batch:
    """The batch that is meant, as it lies there now."""
    name = clean(said.batch, 60)
    if not name:
        rows = await tx.fetch("select batch, quantity, expires_on from stock_batches where stock = $1", stock)
        found = pick([Batch(**_named(row)) for row in rows], said.act, said.quantity, now.astimezone(LOCAL_ZONE).date())
        if isinstance(found, str):
            raise Conflict(found)
        return found
    known = await _known(tx, stock, name)
    if said.act is Act.RECEIVE:
        if known and known.quantity and said.expires_on and known.expires_on != said.expires_on:
            raise Conflict(N_("This batch is known with another last day."))
        expires_on = said.expires_on or (known.expires_on if known else None)
        return Batch(name, known.quantity if known else 0, expires_on)
    if known is None and said.act is not Act.RETURN:
        raise Invalid(fields={"batch": N_("There is no such batch here.")})
    return known or Batch(name, 0)


async def _known(tx: Connection, stock: UUID, name: str) -> Batch | None:
    row = await tx.fetchrow(
        "select batch, quantity, expires_on from stock_batches where stock = $1 and batch = $2", stock, name
    )
    return Batch(**_named(row)) if row else None


def _named(row: Any) -> dict[str, Any]:
    return {"name": row["batch"], "quantity": row["quantity"], "expires_on": row["expires_on"]}


async def _asset(tx: Connection, actor: Actor, tag: str, site: UUID) -> Any:
    """An asset that stands at the site; others are as if there were none."""
    row = await tx.fetchrow("select id, site from assets where tag = $1", tag)
    if row is None or not actor.scope.sees(row["site"]) or row["site"] != site:
        raise Invalid(fields={"asset_tag": N_("There is no such asset at this site.")})
    return row
