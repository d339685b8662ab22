"""Rooms of a site by their name."""

from uuid import UUID

from assets.access.actor import Actor
from assets.audit.service import record, shown
from assets.db import Connection
from assets.ids import new_id
from assets.text import clean


async def find_room(tx: Connection, actor: Actor, site: UUID, name: str) -> UUID | None:
    """The room of a site by its name, made when there is none; None for no name."""
    if not clean(name, 120):
        return None
    new = new_id()
    row = await tx.fetchrow(
        "insert into rooms (id, site, kind, name, sort, version) values ($1,$2,'room',$3,'',1) "
        "on conflict on constraint rooms_site_name_uq do update set name = excluded.name returning *",
        new, site, clean(name, 120),
    )  # fmt: skip
    room: UUID = row["id"]
    if room == new:
        await record(
            tx, by=actor, action="add", kind="room", subject=room, name=row["name"], site=site, after=shown(row)
        )
    return room
