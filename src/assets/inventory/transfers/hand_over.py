"""Hand-overs confirmed by signed addresses: each side of a transfer says who they are and what they give or have got.

An address is for one transfer and one side. The receiver's confirmation says of each line that it came, came damaged or is
missing, as a signed-in person would; the giver's writes down that it was given. Either can hold a photo of the whole and
one of each line. Each side confirms once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Record

from assets.access import signed_addresses
from assets.access.actor import Actor
from assets.access.signed_addresses import OVER, Issued, Purpose, SignedAddress
from assets.audit.service import record, shown
from assets.db import Connection, Scope, transaction
from assets.errors import Conflict, Gone, Invalid, NotFound
from assets.ids import new_id
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.upload import Sent
from assets.inventory.transfers import line_photos, service
from assets.inventory.transfers.course import NEEDS_NOTE, NOT_NOW, Line, Side, State
from assets.inventory.transfers.service import KIND, Outcome, Receiving, shown_number
from assets.text import clean, clean_block, overlong
from assets.web.language import N_

CONFIRMED = (State.IN_TRANSIT, State.RECEIVED)
NAME_MAX = 80
POST_MAX = 120
NOTE_MAX = 500
SAYS = (Line.RECEIVED, Line.DAMAGED, Line.MISSING)  # what the receiver can say of a line


@dataclass(frozen=True)
class Confirmed:
    """What somebody says by an address: who they are, and, as receiver, what became of each line, by its tag.

    A line of which nothing is said stays on its way. `photo` is of the whole, `photos` are of lines, by their tags.
    """

    name: str
    post: str = ""
    note: str = ""
    lines: Mapping[str, Outcome] = field(default_factory=dict)
    photo: Sent | None = None
    photos: Mapping[str, Sent] = field(default_factory=dict)


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


async def withdraw(actor: Actor, number: int, address: UUID, *, now: datetime) -> None:
    """End an address of a transfer at once; NotFound when it is another's, or of a side that is not the actor's."""
    async with transaction(actor.scope) as tx:
        found = await tx.fetchval(
            "select exists (select from signed_addresses d join transfers t on t.id = d.subject "
            "where t.number = $1 and d.id = $2 and d.purpose = $3)", number, address, Purpose.CONFIRM_HAND_OVER,
        )  # fmt: skip
    if not found:
        raise NotFound()
    await signed_addresses.withdraw(actor, address, now=now)


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

    Invalid without a name, as receiver without a word on anything, and without one on what is not as it should be; Conflict
    while it has not been sent.
    """
    row, lines, side, earlier = await behind(address)
    if earlier is not None:
        return
    name, note = clean(said.name, NAME_MAX), clean_block(said.note, NOTE_MAX)
    waiting = [line["tag"] for line in lines if line["state"] == Line.WAITING]
    got = {tag: said.lines[tag] for tag in waiting if tag in said.lines} if side is Side.RECEIVER else {}
    wrong = {} if name else {"name": N_("Please write your name.")}
    wrong |= _unsaid(got)
    wrong |= overlong({"name": (said.name, NAME_MAX), "post": (said.post, POST_MAX), "note": (said.note, NOTE_MAX)})
    if side is Side.RECEIVER and waiting and not got and not note:
        wrong["lines"] = N_("Say of at least one thing what has become of it, or write in the note what is wrong.")
    if not set(said.photos) <= {line["tag"] for line in lines}:
        wrong["lines"] = N_("It is not in this transfer.")
    if wrong:
        raise Invalid(fields=wrong)
    actor = address.actor(name)
    of_lines = await line_photos.look(said.photos)
    looked = await attachments.look_at_picture(said.photo) if said.photo is not None else None
    async with attachments.AT_ONCE, transaction(Scope.of_sites([row["from_site"], row["to_site"]])) as tx:
        state = await tx.fetchval("select state from transfers where id = $1 for update", row["id"])
        if state not in CONFIRMED:
            raise Conflict(NOT_NOW[State(state)], state=state)
        if await _said(tx, row["id"], side):  # the other half of a double tap
            return
        photo = None
        if looked is not None:
            photo = await line_photos.keep(actor, row, side, looked, name, now)
        made = await tx.fetchrow(
            "insert into hand_overs (id, transfer, side, name, post, note, at, photo, address) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9) returning *",
            new_id(), row["id"], side, name, clean(said.post, POST_MAX), note, now, photo,
            address.id,
        )  # fmt: skip
        assert made is not None
        await record(
            tx, by=actor, action="confirm", kind=KIND, subject=row["id"], name=shown_number(row["number"]),
            site=address.site, after=shown(made),
        )  # fmt: skip
        await line_photos.put(tx, actor, row, side, of_lines, now)
        if got:
            await service.receive(actor, row["number"], Receiving(got), now=now)
        await signed_addresses.use(tx, address, actor, now=now)


def _unsaid(got: Mapping[str, Outcome]) -> dict[str, str]:
    """What is wrong with what the receiver says of the lines, by the tag."""
    wrong = {}
    for tag, outcome in got.items():
        if outcome.state not in SAYS:
            wrong[f"lines.{tag}"] = N_("This cannot be said of it.")
        elif outcome.state in NEEDS_NOTE and not clean_block(outcome.note, service.NOTE_MAX):
            wrong[f"lines.{tag}"] = N_("Write what is the matter with it.")
        wrong |= overlong({f"lines.{tag}": (outcome.note, service.NOTE_MAX)})
    return wrong
