"""The verbs of the inventory: register, describe, move, hand out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.clock import LOCAL_ZONE
from assets.db import Connection, as_owner, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.inventory import editing, following
from assets.inventory.batches.planning import Wanted
from assets.inventory.batches.writing import change_one
from assets.inventory.holding import refuse_promised
from assets.inventory.kinds import ASSETS, CUSTOM
from assets.inventory.lifecycle import (
    BY_TRANSFER,
    NOTHING_TOLD,
    SENDABLE,
    PhysicalState,
    Stage,
    Told,
    faults,
    kept,
    refused,
)
from assets.phrases import Phrase, store
from assets.text import clean, clean_code, uncut
from assets.web.language import N_


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
    cells = dict(changes) | own_cells(changes.get("custom") or {}) | {"tag": tag}
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
    row = await tx.fetchrow("select * from assets where tag = $1 for update", clean_code(tag))
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
    await refuse_promised(tx, [asset])
    after = await tx.fetchrow(
        "update assets set site = $2, room = null, stage = 'in_use', put_into_use = coalesce(put_into_use, $3), "
        "version = version + 1 where id = $1 returning *", asset, to_site, now.astimezone(LOCAL_ZONE).date(),
    )  # fmt: skip
    await write_event(tx, asset, row["site"], "sent", why, actor, now)
    await write_event(tx, asset, to_site, "received", why, actor, now)
    await following.moved(tx, actor, asset, row["site"], to_site)
    for site in dict.fromkeys((row["site"], to_site)):  # both sites' own trails say that it went, and that it came
        await record(
            tx, by=actor, action="hand_out", kind="asset", subject=asset, name=row["tag"], site=site, reason=why,
            **differences(row, after),
        )  # fmt: skip
    from_site: UUID = row["site"]
    return from_site


async def move_stage(
    actor: Actor, tag: str, wanted: Stage, *, why: str = "", told: Told = NOTHING_TOLD, now: datetime
) -> None:
    """Bring an asset to another stage; Conflict says why when the table of moves forbids it.

    `told` is what the stage asks for; `why` stands for a reason alone. Invalid names what is missing.
    """
    actor = actor.require(Action.EDIT_INVENTORY)
    told = cleaned(told if told.reason or not why else replace(told, reason=why))
    async with transaction(actor.scope) as tx:
        row = await lock(tx, actor, tag)
        reason = refused(Stage(row["stage"]), wanted, by_transfer=await _left_under_way(tx, row))
        if reason:
            raise Conflict(reason, stage=row["stage"])
        if wrong := faults(wanted, told, now.astimezone(LOCAL_ZONE).date()):
            raise Invalid(fields=wrong)
        after = await bring(tx, row, wanted, told)
        await write_event(tx, row["id"], row["site"], wanted, told.reason, actor, now, phrases=said(told))
        await record(
            tx, by=actor, action="move", kind="asset", subject=row["id"], name=row["tag"], site=row["site"],
            reason=told.reason, **differences(row, after),
        )  # fmt: skip


async def _left_under_way(tx: Connection, row: Any) -> bool:
    """Whether an asset is on its way in no transfer, as what was entered elsewhere can be: somebody must get it out."""
    return row["stage"] in BY_TRANSFER and not await tx.fetchval(
        "select exists(select from transfer_lines where asset = $1 and state = 'waiting')", row["id"]
    )


async def bring(
    tx: Connection, row: Any, stage: Stage, told: Told = NOTHING_TOLD, more: Mapping[str, object] | None = None
) -> Any:
    """Write a locked asset's new stage, what it asks for, and `more` columns (names of ours); answers the row.

    Conflict when a draft transfer holds it, which then could not send it.
    """
    if stage not in SENDABLE or (more or {}).get("site", row["site"]) != row["site"]:
        await refuse_promised(tx, [row["id"]])
    columns = {"stage": stage, **kept(told), **(more or {})}
    sets = "".join(f", {column} = ${i}" for i, column in enumerate(columns, start=2))
    return await tx.fetchrow(
        f"update assets set version = version + 1{sets} where id = $1 returning *",  # noqa: S608
        row["id"], *columns.values(),
    )  # fmt: skip


def cleaned(told: Told) -> Told:
    """What was told, as it can be stored."""
    return replace(
        told, reason=uncut("reason", told.reason), borrower=uncut("borrower", told.borrower, 120),
        repairer=uncut("repairer", told.repairer, 120),
    )  # fmt: skip


def said(told: Told) -> list[Phrase]:
    """What was told with a stage, as phrases for the timeline, the reason last; nothing when there is but a reason."""
    found = []
    if told.borrower and told.due_back:
        day = f"{told.due_back:%d/%m/%Y}"
        found.append(Phrase(N_("lent to %(borrower)s until %(day)s"), {"borrower": told.borrower, "day": day}))
    if told.repairer:
        found.append(Phrase(N_("repaired by %(repairer)s"), {"repairer": told.repairer}))
    if told.quotation is not None:
        found.append(Phrase(N_("quotation of %(money)s VND"), {"money": f"{told.quotation:,}".replace(",", ".")}))
    return [*found, *([Phrase(told.reason)] if told.reason else ())] if found else []


async def write_event(
    tx: Connection, asset: UUID, site: UUID, kind: str, text: str, actor: Actor, now: datetime,
    *, phrases: Sequence[Phrase] = (),
) -> None:  # fmt: skip
    """One line on an asset's timeline, at the site where it happened: a person's text, or phrases where there are any."""
    await tx.execute(
        "insert into asset_events (id, asset, site, at, kind, actor_name, text) values ($1,$2,$3,$4,$5,$6,$7)",
        new_id(), asset, site, now, kind, actor.name, store(phrases) if phrases else clean(text),
    )  # fmt: skip
