"""The verbs of shipments of a consumable: send, say how many came, call back.

What is sent leaves the sender's ledger at once; it stands in the receiver's when they say how many came. What is short
was sent and did not come: the sender's line and the shipment say so, and whoever waits for it waits again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, Scope, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.ids import new_id
from assets.inventory import following
from assets.inventory.stock.consumables import consumable_of, site_of
from assets.inventory.stock.ledger import Act, Kind
from assets.inventory.stock.service import Movement, bring_in, check, take_out
from assets.text import clean, uncut
from assets.web.language import N_

KIND = "stock_shipment"
NOTE_MAX = 500
STATES = ("under_way", "received", "called_back")
_NOT_NOW = {
    "received": N_("How many came has been said already."),
    "called_back": N_("It was called back and lies with its sender."),
}
_CHANGED = N_("Somebody else changed this shipment in the meantime; here is how it stands now.")
SHORT = N_("Write what is missing, and why, as far as it is known.")


async def ship(actor: Actor, said: Movement, *, now: datetime) -> UUID:
    """Send so many of a consumable to another site and answer the shipment; Conflict says what lies there when it is too little.

    Of several with one `key` the first alone is sent, and it is the answer to each.
    """
    assert said.act is Act.TRANSFER
    actor = actor.require(Action.EDIT_INVENTORY)
    check(said)
    async with transaction(actor.scope) as tx:
        site, other = await site_of(tx, actor, said.site), await site_of(tx, actor, said.to_site)
        consumable = await consumable_of(tx, said.consumable)
        if site["id"] == other["id"]:
            raise Invalid(fields={"to_site": N_("It lies at this site already.")})
        if not other["open"]:
            raise Invalid(fields={"to_site": N_("This site is closed.")})
        made = new_id()
        batch = await take_out(tx, actor, said, site["id"], consumable, other["id"], made, now)
        if batch is None:
            return await _sent_before(tx, said)
        row = await tx.fetchrow(
            "insert into stock_shipments (id, from_site, to_site, from_code, from_name, to_code, to_name, consumable, batch, "
            "expires_on, quantity, state, reason, note, sent_at, sent_by, ended_by, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,'under_way',$12,'',$13,$14,'',1) returning *",
            made, site["id"], other["id"], site["code"], site["name"], other["code"], other["name"], consumable["id"],
            batch.name, batch.expires_on, said.quantity, clean(said.reason), now, clean(actor.name, 120),
        )  # fmt: skip
        await _told(tx, actor, "send", row, consumable["code"], {"before": None, "after": shown(row)})
        return made


async def _sent_before(tx: Connection, said: Movement) -> UUID:
    """The shipment that came of the same form before."""
    made: UUID | None = await tx.fetchval("select transfer from stock_movements where id = $1", said.key)
    if made is None:
        raise Conflict(N_("This form has been used for something else already."))
    return made


async def receive(
    actor: Actor, shipment: UUID, got: int, note: str = "", *, version: int | None = None, now: datetime
) -> None:
    """Say how many came, from none to all; fewer need a note. Said again by the same people it is done already."""
    note = uncut("note", note, NOTE_MAX)
    actor, both = await _sides(actor, shipment, Action.RECEIVE_TRANSFER, "to_site")
    async with transaction(both) as tx:
        row = await _locked(tx, shipment)
        if row["state"] == "received" and row["got"] == got and row["ended_by"] == clean(actor.name, 120):
            return
        _judged(row, version)
        if not 0 <= got <= row["quantity"]:
            raise Invalid(fields={"got": N_("No more can come than was sent.")})
        if got < row["quantity"] and not note:
            raise Invalid(fields={"note": SHORT})
        await following.delivered(tx, actor, shipment, got, now)  # first: requests are locked before stock
        if got:
            await bring_in(tx, actor, row, row["to_site"], row["from_site"], got, Kind.TRANSFER_IN, now)
        await _end(tx, actor, row, "receive", {"state": "received", "got": got, "note": note}, now)


async def call_back(actor: Actor, shipment: UUID, note: str = "", *, version: int | None = None, now: datetime) -> None:
    """Take what has not arrived back into the sender's stock."""
    note = uncut("note", note, NOTE_MAX)
    actor, both = await _sides(actor, shipment, Action.EDIT_INVENTORY, "from_site")
    async with transaction(both) as tx:
        row = await _locked(tx, shipment)
        _judged(row, version)
        await following.delivered(tx, actor, shipment, 0, now)
        await bring_in(tx, actor, row, row["from_site"], row["to_site"], row["quantity"], Kind.REVERSED, now)
        await _end(tx, actor, row, "cancel", {"state": "called_back", "note": note}, now)


async def _sides(actor: Actor, shipment: UUID, action: Action, side: str) -> tuple[Actor, Scope]:
    """The actor with the scope of the act, and that of both sites; NotFound for strangers, NotAllowed on the other side."""
    actor = actor.require(action)
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select from_site, to_site from stock_shipments where id = $1", shipment)
    if row is None or not (actor.scope.sees(row["from_site"]) or actor.scope.sees(row["to_site"])):
        raise NotFound()
    if not actor.scope.sees(row[side]):
        only = {
            "to_site": N_("Only the receiving site can do this."), "from_site": N_("Only the sending site can do this."),
        }  # fmt: skip
        raise NotAllowed(only[side])
    return actor, Scope.of_sites([row["from_site"], row["to_site"]])


async def _locked(tx: Connection, shipment: UUID) -> Any:
    row = await tx.fetchrow("select * from stock_shipments where id = $1 for update", shipment)
    assert row is not None
    return row


def _judged(row: Any, version: int | None) -> None:
    if row["state"] in _NOT_NOW:
        raise Conflict(_NOT_NOW[row["state"]], state=row["state"], got=row["got"])
    if version is not None and version != row["version"]:
        raise Conflict(_CHANGED, state=row["state"])


async def _end(tx: Connection, actor: Actor, row: Any, action: str, cells: Mapping[str, object], now: datetime) -> None:
    cells = {**cells, "ended_at": now, "ended_by": clean(actor.name, 120)}
    sets = "".join(f", {column} = ${i}" for i, column in enumerate(cells, start=2))
    after = await tx.fetchrow(
        f"update stock_shipments set version = version + 1{sets} where id = $1 returning *",  # noqa: S608 - names of ours
        row["id"], *cells.values(),
    )  # fmt: skip
    code = await tx.fetchval("select code from consumables where id = $1", row["consumable"])
    await _told(tx, actor, action, row, code, dict(differences(row, after)))


async def _told(tx: Connection, actor: Actor, action: str, row: Any, name: str, changed: Mapping[str, Any]) -> None:
    for site in (row["from_site"], row["to_site"]):  # each side's own trail
        await record(tx, by=actor, action=action, kind=KIND, subject=row["id"], name=name, site=site, **changed)
