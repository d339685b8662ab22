"""Hand-overs confirmed by signed addresses: each side of a transfer says who they are and what they give or have got.

An address is for one transfer and one side. The receiver's confirmation receives what was ticked, as a signed-in person
would; the giver's writes down that it was given. Either can hold a photo. Each side confirms once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from asyncpg import Record

from assets.access import signed_addresses
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.access.signed_addresses import OVER, Issued, Purpose, SignedAddress
from assets.audit.service import record, shown
from assets.db import Connection, Scope, transaction
from assets.errors import Conflict, Gone, Invalid, NotFound
from assets.ids import new_id
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.upload import Sent
from assets.inventory.transfers import service
from assets.inventory.transfers.course import NOT_NOW, Line, State
from assets.inventory.transfers.service import KIND, Outcome, Receiving, shown_number
from assets.text import clean, clean_block
from assets.web.language import N_

CONFIRMED = (State.IN_TRANSIT, State.RECEIVED)
NAME_MAX = 80
POST_MAX = 120
NOTE_MAX = 500


class Side(StrEnum):
    """Which of the two."""

    GIVER = "giver"
    RECEIVER = "receiver"


@dataclass(frozen=True)
class Confirmed:
    """What somebody says by an address: who they are, and, as receiver, the tags of what they have."""

    name: str
    post: str = ""
    note: str = ""
    received: Sequence[str] = ()
    photo: Sent | None = None


async def issue(actor: Actor, number: int, side: Side, life: timedelta, *, now: datetime) -> Issued:
    """An address for one side of a transfer; NotFound for strangers, NotAllowed for whoever may do nothing at that site."""
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from transfers where number = $1", number)
        if row is None:
            raise NotFound()
        if row["state"] not in (State.DRAFT, State.IN_TRANSIT):
            raise Conflict(N_("The transfer is over."), state=row["state"])
        if await _said(tx, row["id"], side):
            raise Conflict(N_("This side has confirmed already."), state=row["state"])
        site = row["from_site"] if side is Side.GIVER else row["to_site"]
        return await signed_addresses.issue(
            tx, actor, Purpose.CONFIRM_HAND_OVER, row["id"], site, name=shown_number(number), until=now + life, now=now
        )  # fmt: skip


async def _said(tx: Connection, transfer: UUID, side: Side) -> bool:
    found: bool = await tx.fetchval(
        "select exists (select from hand_overs where transfer = $1 and side = $2)", transfer, side
    )
    return found


async def behind(address: SignedAddress) -> tuple[Record, list[Record], Side, Record | None]:
    """What opens behind an address: the transfer, its lines, whose side it is, and what that side has said already."""
    async with transaction(Scope.of_sites([address.site])) as tx:
        row = await tx.fetchrow("select * from transfers where id = $1", address.subject)
        if row is None or address.site not in (row["from_site"], row["to_site"]):
            raise Gone(OVER)
        side = Side.GIVER if row["from_site"] == address.site else Side.RECEIVER
        lines = await tx.fetch("select * from transfer_lines where transfer = $1 order by position", row["id"])
        said = await tx.fetchrow("select * from hand_overs where transfer = $1 and side = $2", row["id"], side)
        return row, lines, side, said


async def confirm(address: SignedAddress, said: Confirmed, *, now: datetime) -> None:
    """Write down what a side confirms, and as receiver receive it; the same twice is as once.

    Invalid without a name or, as receiver, without anything received; Conflict while it has not been sent.
    """
    row, lines, side, earlier = await behind(address)
    if earlier is not None:
        return
    name = clean(said.name, NAME_MAX)
    waiting = [line["tag"] for line in lines if line["state"] == Line.WAITING]
    got = [tag for tag in waiting if tag in set(said.received)]
    wrong = {} if name else {"name": N_("Please write your name.")}
    note = clean_block(said.note, NOTE_MAX)
    if side is Side.RECEIVER and waiting and not got and not note:
        wrong["received"] = N_("Tick what has been received, or write in the note what is wrong.")
    if wrong:
        raise Invalid(fields=wrong)
    actor = address.actor(name)
    looked = await attachments.look_at_picture(said.photo) if said.photo is not None else None
    async with transaction(Scope.of_sites([row["from_site"], row["to_site"]])) as tx:
        state = await tx.fetchval("select state from transfers where id = $1 for update", row["id"])
        if state not in CONFIRMED:
            raise Conflict(NOT_NOW[State(state)], state=state)
        photo = None
        if looked is not None:
            photo = await attachments.keep(
                actor, KIND, str(row["number"]), looked, note=name, now=now, by=Action.RECEIVE_TRANSFER
            )
        made = await tx.fetchrow(
            "insert into hand_overs (id, transfer, side, name, post, note, at, photo, address) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9) on conflict (transfer, side) do nothing returning *",
            new_id(), row["id"], side, name, clean(said.post, POST_MAX), note, now, photo,
            address.id,
        )  # fmt: skip
        if made is None:  # the other half of a double tap
            return
        await record(
            tx, by=actor, action="confirm", kind=KIND, subject=row["id"], name=shown_number(row["number"]),
            site=address.site, after=shown(made),
        )  # fmt: skip
        if side is Side.RECEIVER and got:
            outcomes = {tag: Outcome(Line.RECEIVED) for tag in got}
            await service.receive(actor, row["number"], Receiving(outcomes), now=now)
        await signed_addresses.use(tx, address, actor, now=now)
