"""The verbs of targets: begin to ask, ask otherwise, stop asking."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.inventory.following import on_move, on_replacement
from assets.monitoring.topology import ancestors
from assets.text import clean
from assets.web.language import N_

# What is really asked: not what was switched off, and not what stands in a store or was disposed of. `t` is a target.
ASKED = (
    "t.enabled and (t.asset is null or exists (select 1 from assets kept where kept.id = t.asset "
    "and kept.stage in ('in_use', 'loaned')))"
)

NAME = "coalesce(nullif(name, '') || ' (' || tag || ')', tag)"  # of an asset's target, as people read it


@dataclass(frozen=True)
class NewTarget:
    """What to ask, where and how; `parent` is the target it stands behind.

    Exactly one of `asset_tag`, `link` and `application`; an application is asked from a `site`, outward.
    """

    address: str
    method: str
    port: int
    asset_tag: str = ""
    link: str = ""
    application: str = ""
    site: str = ""
    profile: str = ""
    parent: UUID | None = None
    credential: UUID | None = None
    interval_seconds: int = 60
    confirm: int = 2


async def add_target(actor: Actor, new: NewTarget) -> UUID:
    """Begin to ask an asset or a link; Conflict when it is being asked already."""
    actor = actor.require(Action.EDIT_MONITORING)
    if [bool(new.asset_tag), bool(new.link), bool(new.application)].count(True) != 1:
        raise Invalid(fields={"asset_tag": "one of an asset, a link and an application"})
    async with transaction(actor.scope) as tx:
        thing = await _thing(tx, actor, new)
        column = "asset" if new.asset_tag else "link" if new.link else "application"
        if await tx.fetchval(
            "select 1 from targets where asset = $1 or link = $1 or (application = $1 and site = $2)",
            thing["id"],
            thing["site"],
        ):
            raise Conflict("This is being asked already.")
        await _check_parent(tx, new.parent, thing["site"], of=None)
        if new.credential:
            _refuse_to_lend(actor)
        if new.credential and not await tx.fetchval("select 1 from credentials where id = $1", new.credential):
            raise Invalid(fields={"credential": "there is no such credential"})
        target = new_id()
        made = await tx.fetchrow(
            f"insert into targets (id, site, {column}, parent, credential, name, method, address, port, profile, "  # noqa: S608
            "interval_seconds, confirm, enabled, created_at, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,true,now(),1) returning *",
            target, thing["site"], thing["id"], new.parent, new.credential, thing["name"], new.method, clean(new.address, 80),
            new.port, clean(new.profile, 60), new.interval_seconds, new.confirm,
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="target", subject=target, name=thing["name"], site=thing["site"],
            after=shown(made),
        )  # fmt: skip
        return target


async def _thing(tx: Connection, actor: Actor, new: NewTarget) -> Any:
    if new.asset_tag:
        row = await tx.fetchrow(
            f"select id, site, {NAME} as name from assets where tag = $1",  # noqa: S608
            clean(new.asset_tag, 40).upper(),
        )
    elif new.application:
        row = await tx.fetchrow(
            "select p.id, s.id as site, p.name from applications p join sites s on s.code = $2 where p.code = $1",
            clean(new.application, 40).lower(), new.site,
        )  # fmt: skip
    else:
        row = await tx.fetchrow(
            "select id, site, carrier || ' (' || tag || ')' as name from links where tag = $1",
            clean(new.link, 40).upper(),
        )
    if row is None or not actor.scope.sees(row["site"]):
        raise NotFound("There is no such asset, link, application or site.")
    return row


async def _check_parent(tx: Connection, parent: UUID | None, site: UUID, *, of: UUID | None) -> None:
    if parent is None:
        return
    rows = await tx.fetch("select id, parent from targets where site = $1", site)
    parent_of = {row["id"]: row["parent"] for row in rows}
    if parent not in parent_of:
        raise Invalid(fields={"parent": "there is no such target at this site"})
    if of is not None and (parent == of or of in ancestors(parent, parent_of)):
        raise Invalid(fields={"parent": "it would stand behind itself"})


WHERE_ASKED = frozenset({"address", "port", "method"})


def _refuse_to_lend(actor: Actor) -> None:
    """A credential of the province goes to no address that somebody of less than the province has chosen."""
    if not actor.scope.everything:
        raise NotAllowed(N_("This device is asked with a credential of the province; only the province can say where."))


EDITABLE = frozenset({"address", "port", "method", "profile", "parent", "interval_seconds", "confirm", "enabled"})


async def edit_target(actor: Actor, target: UUID, changes: dict[str, Any], *, version: int) -> None:
    """Change how a target is asked; Stale when somebody was faster."""
    actor = actor.require(Action.EDIT_MONITORING)
    wrong = sorted(set(changes) - EDITABLE)
    if wrong:
        raise Invalid(fields=dict.fromkeys(wrong, "cannot be changed"))
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from targets where id = $1 for update", target)
        if row is None or not actor.scope.sees(row["site"]):
            raise NotFound()
        if row["version"] != version:
            raise Stale()
        if row["credential"] and WHERE_ASKED & set(changes):
            _refuse_to_lend(actor)
        await _check_parent(tx, changes.get("parent"), row["site"], of=target)
        columns = sorted(changes)
        sets = "".join(f", {column} = ${i}" for i, column in enumerate(columns, start=2))
        after = await tx.fetchrow(
            f"update targets set version = version + 1{sets} where id = $1 returning *",  # noqa: S608 - names from EDITABLE only
            target, *(changes[c] for c in columns),
        )  # fmt: skip
        if changes.get("enabled") is False:
            await tx.execute("delete from device_states where target = $1", target)
        await record(
            tx, by=actor, action="edit", kind="target", subject=target, name=row["name"], site=row["site"],
            **differences(row, after),
        )  # fmt: skip


@on_move
async def follow_asset(tx: Connection, actor: Actor, asset: UUID, _: UUID, site: UUID) -> None:
    """An asset has moved: it is asked by the collector of its new site, and no longer stands behind its old router."""
    for row in await tx.fetch("select * from targets where asset = $1 and site <> $2 for update", asset, site):
        after = await tx.fetchrow(
            "update targets set site = $2, parent = null, version = version + 1 where id = $1 returning *",
            row["id"],
            site,
        )
        await record(
            tx, by=actor, action="move", kind="target", subject=row["id"], name=row["name"], site=site,
            **differences(row, after),
        )  # fmt: skip


@on_replacement
async def keep_place(tx: Connection, actor: Actor, old: UUID, new: UUID, _: UUID) -> None:
    """An asset took another's place: what is asked there, and all that it answered, stays with the place.

    What the new one was asked at its own former place ends there: it is switched off and belongs to no asset any more.
    What the old device told of itself is not said of the new one.
    """
    kept = await tx.fetchrow("select * from targets where asset = $1 for update", old)
    if kept is None:
        return
    left = await tx.fetchrow("select * from targets where asset = $1 for update", new)
    if left is not None:
        await _change(tx, actor, left, asset=None, enabled=False)
        await tx.execute("delete from device_states where target = $1", left["id"])
    name = await tx.fetchval(f"select {NAME} from assets where id = $1", new)  # noqa: S608
    await _change(tx, actor, kept, asset=new, name=name)
    await tx.execute(
        "update device_states set identity = null, readings = '[]', counters = '{}', uptime_seconds = null where target = $1",
        kept["id"],
    )


async def _change(tx: Connection, actor: Actor, row: Any, **columns: object) -> None:
    sets = "".join(f", {column} = ${i}" for i, column in enumerate(columns, start=2))
    after = await tx.fetchrow(
        f"update targets set version = version + 1{sets} where id = $1 returning *",  # noqa: S608
        row["id"], *columns.values(),
    )  # fmt: skip
    await record(
        tx, by=actor, action="edit", kind="target", subject=row["id"], name=row["name"], site=row["site"],
        **differences(row, after),
    )  # fmt: skip
