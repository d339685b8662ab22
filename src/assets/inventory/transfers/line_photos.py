"""Photos of the assets of a transfer: how each looked when it was given, and when it came; one for each line and side."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record
from assets.db import Connection, Scope, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.service import FILES_MAX, Looked
from assets.inventory.attachments.upload import FILE, Sent
from assets.inventory.transfers.course import NOT_NOW, PHOTOGRAPHED, Line, Side, State
from assets.inventory.transfers.service import KIND, shown_number
from assets.text import clean_code
from assets.web.language import N_

PHOTOS_MAX = FILES_MAX  # in one form; one of them is in memory at a time
COLUMNS = {Side.GIVER: "photo_given", Side.RECEIVER: "photo_received"}
LARGE = N_("The photo is too large and was not taken. What was written is still here.")
MANY = N_("There are too many photos. What was written is still here.")


def part_of(tag: str) -> str:
    """What the photo of an asset is called in a form."""
    return f"{FILE}_{tag}"


async def photograph(actor: Actor, number: int, tag: str, side: Side | None, sent: Sent, *, now: datetime) -> UUID:
    """Keep a photo of one asset of a transfer, as the side that it is taken by; answers the file.

    Whoever stands on one side only need not say which. A new photo takes the place of the one before, which stays among
    the files. NotFound for strangers and for what is not listed, NotAllowed on the other side, Conflict when it is over.
    """
    actor = actor.require(Action.RECEIVE_TRANSFER)
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from transfers where number = $1", number)
    if row is None:
        raise NotFound()
    own = sides(actor.scope, row)
    if not own:
        raise NotFound()
    if side is None and len(own) > 1:
        raise Invalid(fields={"side": N_("Please choose one of the list.")})
    side = side or own[0]
    if side not in own:
        raise NotAllowed()
    looked = await attachments.look_at_picture(sent)
    async with attachments.AT_ONCE, transaction(Scope.of_sites([row["from_site"], row["to_site"]])) as tx:
        state = await tx.fetchval("select state from transfers where id = $1 for update", row["id"])
        if state not in PHOTOGRAPHED[side]:
            raise Conflict(NOT_NOW[State(state)], state=state)
        made = await put(tx, actor, row, side, {clean_code(tag): looked}, now)
        return made[0]


def sides(scope: Scope, row: Mapping[str, UUID]) -> list[Side]:
    """The sides of a transfer that a scope has."""
    return [side for side, site in ((Side.GIVER, "from_site"), (Side.RECEIVER, "to_site")) if scope.sees(row[site])]


async def look(photos: Mapping[str, Sent]) -> dict[str, Looked]:
    """Photos by the tag as they can be kept; Invalid names each that cannot, by its part of the form."""
    looked, wrong = {}, {}
    for tag, sent in photos.items():
        try:
            looked[tag] = await attachments.look_at_picture(sent)
        except Invalid as error:
            wrong[part_of(tag)] = next(iter(error.fields.values()))
    if wrong:
        raise Invalid(fields=wrong)
    return looked


async def put(
    tx: Connection, actor: Actor, row: Record, side: Side, photos: Mapping[str, Looked], now: datetime
) -> list[UUID]:
    """Keep photos of lines, by their tags, of a transfer that this transaction has locked; NotFound for other tags."""
    lines = await tx.fetch(
        "select id, tag, position from transfer_lines where transfer = $1 and state <> $2 order by position",
        row["id"], Line.CANCELLED,
    )  # fmt: skip
    known = {line["tag"]: line for line in lines}
    if not set(photos) <= set(known):
        raise NotFound()
    return [
        await _kept(tx, actor, row, side, known[tag], photos[tag], now) for tag in _in_order(photos, known)
    ]  # fmt: skip


def _in_order(photos: Iterable[str], known: Mapping[str, Record]) -> list[str]:
    return sorted(photos, key=lambda tag: int(known[tag]["position"]))


def site_of(row: Record, side: Side) -> UUID:
    """The site of a side of a transfer."""
    site: UUID = row["from_site" if side is Side.GIVER else "to_site"]
    return site


async def keep(actor: Actor, row: Record, side: Side, looked: Looked, note: str, now: datetime) -> UUID:
    """Keep a photo on a transfer for whoever stands on that side of it, in a transaction that sees both of them."""
    both = replace(actor, scope=Scope.of_sites([row["from_site"], row["to_site"]]), held=())
    return await attachments.keep(
        both, KIND, str(row["number"]), looked, note=note, now=now, by=Action.RECEIVE_TRANSFER, side=site_of(row, side)
    )  # fmt: skip


async def _kept(
    tx: Connection, actor: Actor, row: Record, side: Side, line: Record, looked: Looked, now: datetime
) -> UUID:
    photo = await keep(actor, row, side, looked, line["tag"], now)
    await tx.execute(
        f"update transfer_lines set {COLUMNS[side]} = $2 where id = $1",  # noqa: S608 - names of ours
        line["id"], photo,
    )  # fmt: skip
    await record(
        tx, by=actor, action="photograph", kind=KIND, subject=row["id"], name=shown_number(row["number"]),
        site=site_of(row, side),
        after={"tag": line["tag"], "side": side, "photo": str(photo)},
    )  # fmt: skip
    return photo
