"""The verbs of the inventory: register, describe, move, hand out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.db import Connection, as_owner, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory import editing
from assets.inventory.batches.planning import Wanted
from assets.inventory.batches.writing import change_one
from assets.inventory.kinds import ASSETS, CUSTOM
from assets.inventory.lifecycle import PhysicalState, Stage, refused
from assets.text import clean


@dataclass(frozen=True)
class NewAsset:
    """An asset to be registered; its site and room are told by code and name, its model by id."""

    tag: str
    model: UUID
    site: str
    serial: str = ""
    name: str = ""
    room: str = ""
    stage: Stage = Stage.IN_USE
    physical_state: PhysicalState = PhysicalState.GOOD
    custodian: str = ""
    custodian_kind: str = ""
    macs: Sequence[str] = ()
    addresses: Sequence[str] = ()
    supplier: str = ""
    funding_source: str = ""
    purchased_on: date | None = None
    original_cost: int | None = None
    put_into_use: date | None = None
    warranty_until: date | None = None
    national_code: str = ""
    note: str = ""
    custom: Mapping[str, Any] = field(default_factory=dict)


async def register(actor: Actor, new: NewAsset, *, now: datetime) -> UUID:
    """Add an asset; Conflict when the tag was ever used, NotFound when its site is not there for the actor."""
    actor = actor.require(Action.EDIT_INVENTORY)
    cells = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(new).items()}
    del cells["model"], cells["custom"]
    async with transaction(actor.scope) as tx:
        model = await tx.fetchrow("select manufacturer, name from asset_models where id = $1", new.model)
        if model is None:
            raise Invalid(fields={"model": "there is no such model"})
        cells |= {"manufacturer": model["manufacturer"], "model": model["name"]} | own_cells(new.custom)
        return await change_one(tx, actor, ASSETS.resource, Wanted(cells), now=now, add=True)


async def edit(actor: Actor, tag: str, changes: Mapping[str, Any], *, version: int, now: datetime) -> None:
    """Change some fields of an asset that is still as the caller saw it."""
    cells = dict(changes) | own_cells(changes.get("custom", {})) | {"tag": tag}
    cells.pop("custom", None)
    await editing.edit(actor, ASSETS.resource, cells, version=version, now=now)


def own_cells(custom: Mapping[str, Any]) -> dict[str, Any]:
    """The province's own fields by the names that they have among the others."""
    return {CUSTOM + code: value for code, value in custom.items()}


async def refuse_used(tx: Connection, table: str, tag: str) -> None:
    """Conflict when a tag was ever used, anywhere: in the same words for one's own sites and for others."""
    async with as_owner(tx):
        if await tx.fetchval(f"select 1 from {table} where tag = $1", tag):  # noqa: S608 - a table of ours
            raise Conflict(f"The tag {tag} is in use already.")


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
