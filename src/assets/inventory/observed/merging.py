"""Two records of one thing become one, and two again: what points at an asset is found in the database's catalogue."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from assets.access.actor import Actor
from assets.audit.service import differences, record
from assets.db import Connection, Scope, as_owner, transaction
from assets.errors import Conflict, NotFound
from assets.inventory.holding import refuse_promised
from assets.inventory.lifecycle import Stage
from assets.inventory.service import write_event
from assets.text import clean_code
from assets.web.language import N_

# Every foreign key of one column to an asset, and every pair of columns that names any kind of thing; with the key of
# the table and whether its rows can be switched off.
_POINTERS = """
with pointers as (
    select c.conrelid as relation, a.attname as pointer, '' as kind from pg_constraint c
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and c.confrelid = 'assets'::regclass and cardinality(c.conkey) = 1 and c.conparentid = 0
    union all select s.attrelid, s.attname, k.attname from pg_attribute s
    join pg_attribute k on k.attrelid = s.attrelid and k.attname = 'subject_kind' and not k.attisdropped
    join pg_class r on r.oid = s.attrelid and r.relkind in ('r', 'p') and not r.relispartition
    where s.attname = 'subject' and s.atttypid = 'uuid'::regtype and r.relnamespace = 'public'::regnamespace)
select p.relation::regclass::text as name, p.pointer, p.kind, k.attname as key,
    exists (select from pg_attribute e where e.attrelid = p.relation and e.attname = 'enabled'
        and e.atttypid = 'boolean'::regtype and not e.attisdropped) as switchable
from pointers p join pg_index i on i.indrelid = p.relation and i.indisprimary
join pg_attribute k on k.attrelid = p.relation and k.attnum = i.indkey[0]
order by 1, 2
"""
# Questions about two records are about these two; each record has been through its own hands; the trail is never changed.
STAYS = frozenset({"identity_proposals", "custody_moves", "audit_events"})


async def merge(tx: Connection, actor: Actor, stays: UUID, goes: UUID, *, now: datetime) -> dict[str, Any]:
    """Move all that points at one asset to another and hide the first; answers what `undo` needs.

    Where only one may be, that of the asset that stays is left alone, and what cannot be moved is switched off.
    """
    rows = {
        row["id"]: row
        for row in await tx.fetch("select * from assets where id = any($1) order by id for update", [stays, goes])
    }
    if len(rows) != 2 or not all(actor.scope.sees(row["site"]) for row in rows.values()):
        raise NotFound()
    if any(row["stage"] == Stage.IN_TRANSIT for row in rows.values()):
        raise Conflict(N_("What is on its way cannot be merged; it must be received first."))
    await refuse_promised(tx, list(rows))
    moved: dict[str, list[str]] = {}
    switched: dict[str, list[str]] = {}
    async with as_owner(tx):
        for pointer in await tx.fetch(_POINTERS):
            table, column, key = (quoted(pointer[name]) for name in ("name", "pointer", "key"))
            if pointer["name"] in STAYS:
                continue
            which = f"{column} = $1" + (f" and {quoted(pointer['kind'])} = 'asset'" if pointer["kind"] else "")
            # Of two records one has the address of today: what is asked as the one that stays says is asked no other way.
            taken = pointer["switchable"] and await tx.fetchval(
                f"select exists (select from {table} where {column} = $1 and enabled)",  # noqa: S608 - names of the catalogue, quoted
                stays,
            )
            found = [] if taken else await _moved(tx, table, column, key, which, stays, goes)
            if found:
                moved[f"{table}.{column}.{key}"] = found
            if pointer["switchable"]:
                off = await tx.fetch(
                    f"update {table} set enabled = false where {column} = $1 and enabled returning {key}::text as id",  # noqa: S608
                    goes,
                )
                if off:
                    switched[f"{table}.{column}.{key}"] = [row["id"] for row in off]
        hidden = await tx.fetchrow(
            "update assets set merged_into = $2, version = version + 1 where id = $1 returning *", goes, stays
        )
        await _settle(tx, goes, now)
    before = rows[goes]
    await write_event(tx, stays, rows[stays]["site"], "merged", before["tag"], actor, now)
    for site in dict.fromkeys((before["site"], rows[stays]["site"])):
        await record(
            tx, by=actor, action="merge", kind="asset", subject=goes, name=before["tag"], site=site,
            reason=rows[stays]["tag"], **differences(before, hidden),
        )  # fmt: skip
    return {"stays": str(stays), "goes": str(goes), "moved": moved, "switched": switched}


async def _moved(tx: Connection, table: str, column: str, key: str, which: str, stays: UUID, goes: UUID) -> list[str]:
    """The keys of the rows that were moved: all at once, or where that may not be, those that may."""
    update = f"update {table} set {column} = $2 where {which}"  # noqa: S608 - names of the catalogue, quoted
    try:
        async with tx.transaction():
            return [row["id"] for row in await tx.fetch(f"{update} returning {key}::text as id", goes, stays)]
    except asyncpg.UniqueViolationError:
        found = []
        for row in await tx.fetch(f"select {key}::text as id from {table} where {which}", goes):  # noqa: S608
            try:
                async with tx.transaction():
                    await tx.execute(f"{update} and {key}::text = $3", goes, stays, row["id"])
                found.append(row["id"])
            except asyncpg.UniqueViolationError:
                continue
        return found


async def _settle(tx: Connection, goes: UUID, now: datetime) -> None:
    """Other open questions about a record that is hidden cannot be answered any more."""
    await tx.execute(
        "update identity_proposals set state = 'settled', decided_at = $2, version = version + 1 "
        "where $1 in (asset, other) and state = 'open'", goes, now,
    )  # fmt: skip


async def undo(tx: Connection, actor: Actor, done: Mapping[str, Any], *, now: datetime) -> None:
    """Give each of the two records what it had; Conflict when something has been moved on since."""
    stays, goes = UUID(done["stays"]), UUID(done["goes"])
    kept = await tx.fetchrow("select * from assets where id = $1 for update", stays)
    if kept is None or not actor.scope.sees(kept["site"]):
        raise Conflict(N_("The record that was kept has itself been merged; undo that first."))
    async with as_owner(tx):
        before = await tx.fetchrow("select * from assets where id = $1 for update", goes)
        if before is None or before["merged_into"] != stays:
            raise Conflict(N_("The present state does not allow this."))
        for place, keys in done["moved"].items():
            table, column, key = place.split(".")
            await tx.execute(
                f"update {table} set {column} = $1 where {column} = $2 and {key}::text = any($3)",  # noqa: S608
                goes,
                stays,
                keys,
            )
        for place, keys in done["switched"].items():
            table, _, key = place.split(".")
            await tx.execute(f"update {table} set enabled = true where {key}::text = any($1)", keys)  # noqa: S608
        after = await tx.fetchrow(
            "update assets set merged_into = null, version = version + 1 where id = $1 returning *", goes
        )
    await write_event(tx, stays, kept["site"], "unmerged", before["tag"], actor, now)
    for site in dict.fromkeys((before["site"], kept["site"])):
        await record(
            tx, by=actor, action="unmerge", kind="asset", subject=goes, name=before["tag"], site=site,
            **differences(before, after),
        )  # fmt: skip


async def now_under(scope: Scope, tag: str) -> str | None:
    """The tag of the record that this one was merged into, if the caller may see it; None for all other tags."""
    async with transaction(scope) as tx:
        row = await tx.fetchrow("select tag, site from moved_to($1)", clean_code(tag))
    return row["tag"] if row is not None and scope.sees(row["site"]) else None


def quoted(name: str) -> str:
    """A name of the catalogue for SQL; ours have small letters and underscores only."""
    if not name.replace("_", "").isalnum():
        raise ValueError(name)
    return name
