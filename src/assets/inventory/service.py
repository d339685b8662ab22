"""The verbs of the inventory: register, describe, move, hand out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, as_owner, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory.lifecycle import PhysicalState, Stage, refused
from assets.text import clean, fold


@dataclass(frozen=True)
class NewAsset:
    """An asset to be registered; its site, room and model are told by code, name and id."""

    tag: str
    model: UUID
    site: str
    serial: str = ""
    name: str = ""
    room: str = ""
    stage: Stage = Stage.IN_USE
    physical_state: PhysicalState = PhysicalState.GOOD
    custodian: str = ""
    original_cost: int | None = None
    put_into_use: date | None = None
    warranty_until: date | None = None
    note: str = ""


async def register(actor: Actor, new: NewAsset, *, now: datetime) -> UUID:
    """Add an asset; Conflict when the tag was ever used, NotFound when site or model are not there for the actor."""
    actor = actor.require(Action.EDIT_INVENTORY)
    tag = clean(new.tag, 40).upper()
    if not tag:
        raise Invalid(fields={"tag": "missing"})
    if new.original_cost is not None and not 0 <= new.original_cost <= 10**13:
        raise Invalid(fields={"original_cost": "whole đồng, from 0 to 10,000,000,000,000"})
    async with transaction(actor.scope) as tx:
        site = await _site(tx, actor, new.site)
        model = await tx.fetchrow("select id, manufacturer, name from asset_models where id = $1", new.model)
        if model is None:
            raise Invalid(fields={"model": "there is no such model"})
        await refuse_used(tx, "assets", tag)
        room = await _room(tx, actor, site, new.room)
        asset = new_id()
        search = fold(f"{tag} {new.serial} {new.name} {model['manufacturer']} {model['name']}")
        made = await tx.fetchrow(
            "insert into assets (id, tag, model, site, room, serial, name, stage, physical_state, physical_state_at, "
            "custodian, original_cost, put_into_use, warranty_until, note, search, created_at, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$10,1) "
            "returning *",
            asset, tag, model["id"], site, room, clean(new.serial, 120), clean(new.name, 200), new.stage, new.physical_state,
            now, clean(new.custodian, 120), new.original_cost, new.put_into_use, new.warranty_until, clean(new.note), search,
        )  # fmt: skip
        await write_event(tx, asset, site, "registered", "", actor, now)
        await record(
            tx, by=actor, action="register", kind="asset", subject=asset, name=tag, site=site,
            after=shown(made),
        )  # fmt: skip
        return asset


async def refuse_used(tx: Connection, table: str, tag: str) -> None:
    """Conflict when a tag was ever used, anywhere: in the same words for one's own sites and for others."""
    async with as_owner(tx):
        if await tx.fetchval(f"select 1 from {table} where tag = $1", tag):  # noqa: S608 - a table of ours
            raise Conflict(f"The tag {tag} is in use already.")


async def _site(tx: Connection, actor: Actor, code: str) -> UUID:
    site: UUID | None = await tx.fetchval("select id from sites where code = $1", code)
    if site is None or not actor.scope.sees(site):
        raise NotFound(f"There is no site with the code {clean(code, 20)}.")
    return site


async def _room(tx: Connection, actor: Actor, site: UUID, name: str) -> UUID | None:
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


EDITABLE = frozenset({"serial", "name", "physical_state", "custodian", "note", "original_cost", "put_into_use"})


async def edit(actor: Actor, tag: str, changes: Mapping[str, Any], *, version: int, now: datetime) -> None:
    """Change some columns of an asset that is still as the caller saw it."""
    actor = actor.require(Action.EDIT_INVENTORY)
    wrong = sorted(set(changes) - EDITABLE)
    if wrong:
        raise Invalid(fields=dict.fromkeys(wrong, "cannot be changed like this"))
    async with transaction(actor.scope) as tx:
        before = await lock(tx, actor, tag)
        if before["version"] != version:
            raise Stale()
        columns = sorted(changes)
        values = [_cleaned(changes[c]) for c in columns]
        sets = "".join(f", {column} = ${i}" for i, column in enumerate(columns, start=3))  # names from EDITABLE only
        kept = "$2" if "physical_state" in changes else "coalesce(physical_state_at, $2)"
        after = await tx.fetchrow(
            f"update assets set version = version + 1, physical_state_at = {kept}{sets} where id = $1 returning *",  # noqa: S608
            before["id"],
            now,
            *values,
        )
        await _index(tx, before["id"])
        await record(
            tx, by=actor, action="edit", kind="asset", subject=before["id"], name=before["tag"], site=before["site"],
            **differences(before, after),
        )  # fmt: skip


def _cleaned(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


async def _index(tx: Connection, asset: UUID) -> None:
    row = await tx.fetchrow(
        "select a.tag, a.serial, a.name, m.manufacturer, m.name as model from assets a join asset_models m on m.id = a.model "
        "where a.id = $1", asset,
    )  # fmt: skip
    assert row is not None
    await tx.execute("update assets set search = $2 where id = $1", asset, fold(" ".join(row.values())))


async def lock(tx: Connection, actor: Actor, tag: str) -> Any:
    """The asset's row, locked for this transaction; NotFound also when it is another's."""
    row = await tx.fetchrow("select * from assets where tag = $1 for update", clean(tag, 40).upper())
    if row is None or not actor.scope.sees(row["site"]):
        raise NotFound()
    return row


async def hand_out(tx: Connection, actor: Actor, *, asset: UUID, to_site: UUID, why: str, now: datetime) -> UUID:
    """Move an asset from stock into use at a site, within the caller's transaction; answers the site it came from.

    Conflict when it is no longer in stock: somebody else was first.
    """
    row = await tx.fetchrow("select * from assets where id = $1 for update", asset)
    if row is None:
        raise NotFound()
    reason = refused(Stage(row["stage"]), Stage.IN_USE)
    if row["stage"] != Stage.IN_STOCK or reason:
        raise Conflict(f"{row['tag']} is no longer in stock.")
    after = await tx.fetchrow(
        "update assets set site = $2, room = null, stage = 'in_use', put_into_use = coalesce(put_into_use, $3), "
        "version = version + 1 where id = $1 returning *", asset, to_site, now.date(),
    )  # fmt: skip
    await write_event(tx, asset, row["site"], "sent", why, actor, now)
    await write_event(tx, asset, to_site, "received", why, actor, now)
    for site in dict.fromkeys((row["site"], to_site)):  # both sites' own trails say that it went, and that it came
        await record(
            tx, by=actor, action="hand_out", kind="asset", subject=asset, name=row["tag"], site=site, reason=why,
            **differences(row, after),
        )  # fmt: skip
    from_site: UUID = row["site"]
    return from_site


async def move_stage(actor: Actor, tag: str, wanted: Stage, *, why: str = "", now: datetime) -> None:
    """Bring an asset to another stage; Conflict says why when the table of moves forbids it."""
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await lock(tx, actor, tag)
        reason = refused(Stage(row["stage"]), wanted)
        if reason:
            raise Conflict(reason)
        after = await tx.fetchrow(
            "update assets set stage = $2, version = version + 1 where id = $1 returning *", row["id"], wanted
        )
        await write_event(tx, row["id"], row["site"], wanted, why, actor, now)
        await record(
            tx, by=actor, action="move", kind="asset", subject=row["id"], name=row["tag"], site=row["site"],
            reason=clean(why), **differences(row, after),
        )  # fmt: skip


async def write_event(
    tx: Connection, asset: UUID, site: UUID, kind: str, text: str, actor: Actor, now: datetime
) -> None:
    """One line on an asset's timeline, at the site where it happened."""
    await tx.execute(
        "insert into asset_events (id, asset, site, at, kind, actor_name, text) values ($1,$2,$3,$4,$5,$6,$7)",
        new_id(), asset, site, now, kind, actor.name, clean(text),
    )  # fmt: skip
