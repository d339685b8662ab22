"""The verbs of rooms: add, describe, move, remove. What stands in a room and what is inside it goes where it goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from asyncpg import ForeignKeyViolationError, Record

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.places.nesting import refused
from assets.text import clean, clean_code, sort_key
from assets.web.changes import refuse_others
from assets.web.language import N_

KINDS = ("building", "floor", "area", "room", "counter", "cabinet", "shelf", "other")
EDITABLE = frozenset({"name", "kind", "parent"})
ROOMS_MAX = 2_000  # of one site: its page shows them all
NAMED_MAX = 5  # of what keeps a room from being removed


@dataclass(frozen=True)
class NewRoom:
    """A room to be, at a site by its code; `parent` is the room that it is in."""

    site: str
    name: str
    kind: str = "room"
    parent: UUID | None = None


async def add_room(actor: Actor, new: NewRoom) -> UUID:
    """Add a room; Invalid names what is wrong, Conflict when the site has one of this name."""
    actor = actor.require(Action.EDIT_PLACES)
    name = _checked({"name": new.name, "kind": new.kind})["name"]
    async with transaction(actor.scope) as tx:
        site = await tx.fetchval("select id from sites where code = $1 for update", clean_code(new.site, 20))
        if site is None or not actor.scope.sees(site):
            raise NotFound("There is no such site.")
        parents = await _parents(tx, site)
        if len(parents) >= ROOMS_MAX:
            raise Conflict(N_("A site has %(most)s rooms at most."), most=ROOMS_MAX)
        _refuse(parents, None, new.parent)
        await _alone(tx, site, name, None)
        row = await tx.fetchrow(
            "insert into rooms (id, site, parent, kind, name, sort, version) values ($1,$2,$3,$4,$5,$6,1) returning *",
            new_id(), site, new.parent, new.kind, name, sort_key(name),
        )  # fmt: skip
        assert row is not None
        await record(tx, by=actor, action="add", kind="room", subject=row["id"], name=name, site=site, after=shown(row))
        found: UUID = row["id"]
        return found


async def edit_room(actor: Actor, room: UUID, changes: Mapping[str, Any], *, version: int) -> None:
    """Rename a room, say what it is, or move it into another one of its site (None: into none)."""
    actor = actor.require(Action.EDIT_PLACES)
    refuse_others(changes, EDITABLE)
    new = _checked(changes)
    async with transaction(actor.scope) as tx:
        before = await _lock(tx, actor, room, version)
        if "parent" in new:
            _refuse(await _parents(tx, before["site"]), room, new["parent"])
        whole = dict(before) | new
        await _alone(tx, before["site"], whole["name"], room)
        after = await tx.fetchrow(
            "update rooms set name = $2, kind = $3, parent = $4, sort = $5, version = version + 1 where id = $1 returning *",
            room, whole["name"], whole["kind"], whole["parent"], sort_key(whole["name"]),
        )  # fmt: skip
        assert after is not None
        await record(
            tx, by=actor, action="edit", kind="room", subject=room, name=after["name"], site=after["site"],
            **differences(before, after),
        )  # fmt: skip


async def remove_room(actor: Actor, room: UUID, *, version: int) -> None:
    """Remove an empty room; Conflict says what is inside. Assets that were disposed of forget it."""
    actor = actor.require(Action.EDIT_PLACES)
    async with transaction(actor.scope) as tx:
        row = await _lock(tx, actor, room, version)
        inside = await tx.fetch("select name from rooms where parent = $1 order by sort", room)
        if inside:
            raise Conflict(N_("There are rooms inside: %(names)s."), names=_listed(inside, "name"))
        # The inventory is above places; only what it points at is asked for.
        assets = await tx.fetch("select tag from assets where room = $1 and stage <> 'disposed' order by tag", room)
        if assets:
            raise Conflict(N_("Assets stand in it: %(names)s."), names=_listed(assets, "tag"))
        try:
            await tx.execute("delete from rooms where id = $1", room)
        except ForeignKeyViolationError:
            raise Conflict(N_("Something still refers to this room.")) from None
        await record(
            tx,
            by=actor,
            action="delete",
            kind="room",
            subject=room,
            name=row["name"],
            site=row["site"],
            before=shown(row),
        )


def _listed(rows: list[Record], column: str) -> str:
    more = len(rows) - NAMED_MAX
    return ", ".join(row[column] for row in rows[:NAMED_MAX]) + (f", … (+{more})" if more > 0 else "")


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    new, wrong = dict(changes), {}
    if "name" in new:
        new["name"] = clean(new["name"], 120)
        if not new["name"]:
            wrong["name"] = N_("Please fill this in.")
    if "kind" in new and new["kind"] not in KINDS:
        wrong["kind"] = N_("Please choose one of the list.")
    if wrong:
        raise Invalid(fields=wrong)
    return new


async def _lock(tx: Connection, actor: Actor, room: UUID, version: int) -> Record:
    # The site first: who changes rooms of one site waits here, so that two moves cannot make a circle.
    site = await tx.fetchval(
        "select s.id from sites s where s.id = (select site from rooms where id = $1) for update", room
    )
    row = await tx.fetchrow("select * from rooms where id = $1 for update", room)
    if site is None or row is None or not actor.scope.sees(row["site"]):
        raise NotFound()
    if row["version"] != version:
        raise Stale()
    return row


async def _parents(tx: Connection, site: UUID) -> dict[UUID, UUID | None]:
    return {row["id"]: row["parent"] for row in await tx.fetch("select id, parent from rooms where site = $1", site)}


def _refuse(parents: Mapping[UUID, UUID | None], room: UUID | None, parent: UUID | None) -> None:
    if reason := refused(parents, room, parent):
        raise Invalid(fields={"parent": reason})


async def _alone(tx: Connection, site: UUID, name: str, room: UUID | None) -> None:
    taken = await tx.fetchval(
        "select 1 from rooms where site = $1 and name = $2 and id is distinct from $3", site, name, room
    )
    if taken:
        raise Conflict(N_("There is already a room with the name %(name)s at this site."), name=name)
