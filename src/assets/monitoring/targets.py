"""The verbs of targets: begin to ask, ask otherwise, stop asking."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from assets.access import drawn
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.inventory.following import on_move, on_replacement
from assets.monitoring.topology import ancestors
from assets.probing.allowed import never, plain
from assets.probing.options import BY_METHOD, HttpOptions, port_of, taken_apart
from assets.probing.readings import Method
from assets.text import clean, clean_code
from assets.web.language import N_

# What is really asked: not what was switched off, and not what stands in a store or was disposed of. `t` is a target.
ASKED = (
    "t.enabled and (t.asset is null or exists (select 1 from assets kept where kept.id = t.asset "
    "and kept.stage in ('in_use', 'loaned')))"
)

BY_COLLECTORS = ASKED + " and t.method <> 'heartbeat'"  # what calls by itself is asked by nobody

PORTS = {Method.SNMP: 161, Method.PING: 80, Method.TCP: 80, Method.DNS: 53, Method.HTTP: 443, Method.HEARTBEAT: 1}
UNUSED_PORT = 1
NAME_MAX = 120
# What tells of a thing whether it is there at all, and so can explain why its ports, pages and names do not answer.
OF_THE_WHOLE = (Method.SNMP, Method.PING)
NAME = "coalesce(nullif(name, '') || ' (' || tag || ')', tag)"  # of an asset's target, as people read it


@dataclass(frozen=True)
class NewTarget:
    """What to ask, where and how; `parent` is the target it stands behind.

    An asset or a line may be asked in several ways; what comes later stands behind the first, if nothing else is said,
    so that one outage is one incident. At most one of `asset_tag`, `link` and `application`; an application is asked
    from a `site`, outward, and so is what is none of these and has a `title` of its own. `options` are those of the
    method (see probing.options); of a page they say address and port too, and what calls by itself has none.
    """

    address: str
    method: str
    port: int
    title: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
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
    """Begin to ask an asset, a link or something else; Conflict when it is being asked already."""
    actor = actor.require(Action.EDIT_MONITORING)
    subjects = [bool(new.asset_tag), bool(new.link), bool(new.application)].count(True)
    if subjects > 1 or not (subjects or (new.site and new.title)):
        raise Invalid(fields={"asset_tag": N_("One of an asset, a line and an application, or a site with a title.")})
    method = Method(new.method)
    options, where = _settled(method, new.options, {"address": new.address, "port": new.port})
    async with transaction(actor.scope) as tx:
        thing = await _thing(tx, actor, new)
        if await tx.fetchval(
            "select 1 from targets where application = $1 and site = $2 and method = $3", thing["id"], thing["site"], method
        ):  # fmt: skip
            raise Conflict("This is being asked already.")
        await _refuse_twice(tx, thing["id"], method, where, of=None)
        others = await tx.fetch(
            "select id, method from targets where (asset = $1 or link = $1) and enabled order by created_at, id",
            thing["id"],
        )
        whole = next((row["id"] for row in others if row["method"] in OF_THE_WHOLE), None)
        parent = new.parent or (None if method is Method.HEARTBEAT else whole)
        await _check_parent(tx, parent, thing["site"], of=None)
        name = thing["name"] if not others else also(thing["name"], method, where["port"])
        if new.credential:
            _refuse_to_lend(actor)
        if new.credential and not await tx.fetchval("select 1 from credentials where id = $1", new.credential):
            raise Invalid(fields={"credential": "there is no such credential"})
        target = new_id()
        kind = "asset" if new.asset_tag else "link" if new.link else "application"
        made = await tx.fetchrow(
            f"insert into targets (id, site, {kind}, parent, credential, name, method, address, port, profile, options, "  # noqa: S608
            "interval_seconds, confirm, enabled, created_at, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,true,now(),1) returning *",
            target, thing["site"], thing["id"], parent, new.credential, name, method, where["address"],
            where["port"], clean(new.profile, 60), json.dumps(options), new.interval_seconds, new.confirm,
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind="target", subject=target, name=name, site=thing["site"],
            after=shown(made),
        )  # fmt: skip
        return target


async def _refuse_twice(
    tx: Connection, thing: UUID | None, method: Method, where: Mapping[str, Any], *, of: UUID | None
) -> None:
    """Conflict when an asset or a line is asked in the very same way already."""
    if thing is not None and await tx.fetchval(
        "select 1 from targets where coalesce(asset, link) = $1 and method = $2 and lower(address) = lower($3) and port = $4 "
        "and id is distinct from $5", thing, method, where["address"], where["port"], of,
    ):  # fmt: skip
        raise Conflict("This is being asked already.")


def also(name: str, method: Method, port: int) -> str:
    """What a further target of a thing is called."""
    how = f"TCP {port}" if method is Method.TCP else method.value.upper()
    return clean(f"{name} · {how}", NAME_MAX)


def _settled(
    method: Method, given: Mapping[str, Any], where: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options as they are kept, without what is usual, and the address and port that follow; Invalid names faults."""
    try:
        told = BY_METHOD[method].model_validate(given)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)
        fields = {f"{method}.{'.'.join(map(str, e['loc'])) or 'own_ca'}": e["msg"] for e in wrong}
        raise Invalid(fields=fields) from None
    kept = told.model_dump(mode="json", exclude_defaults=True)
    if isinstance(told, HttpOptions):
        parts = taken_apart(told.url)
        _refuse_address(parts.hostname or "", "http.url")
        return kept, {"address": parts.hostname, "port": port_of(parts)}
    if method is Method.HEARTBEAT:
        return kept, {"address": "", "port": UNUSED_PORT}
    address = clean(str(where["address"]), 80).strip()
    if not address:
        raise Invalid(fields={"address": N_("Please fill this in.")})
    _refuse_address(address, "address")
    return kept, {"address": address, "port": where["port"] or PORTS[method]}


def _refuse_address(host: str, field: str) -> None:
    """What no collector ever asks is said at once; the rest is for the collector, who knows where it stands."""
    with contextlib.suppress(ValueError):  # a name
        if reason := never(plain(host)):
            raise Invalid(fields={field: reason})


async def _thing(tx: Connection, actor: Actor, new: NewTarget) -> Any:
    if new.asset_tag:
        row = await tx.fetchrow(
            f"select id, site, {NAME} as name from assets where tag = $1",  # noqa: S608
            clean_code(new.asset_tag),
        )
    elif new.title and not new.application and not new.link:
        row = await tx.fetchrow("select null::uuid as id, id as site, $2 as name from sites where code = $1",
                                new.site, clean(new.title, 120))  # fmt: skip
    elif new.application:
        row = await tx.fetchrow(
            "select p.id, s.id as site, p.name from applications p join sites s on s.code = $2 where p.code = $1",
            clean(new.application, 40).lower(), new.site,
        )  # fmt: skip
    else:
        row = await tx.fetchrow(
            "select id, site, carrier || ' (' || tag || ')' as name from links where tag = $1",
            clean_code(new.link),
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


EDITABLE = frozenset({
    "address", "port", "method", "profile", "parent", "interval_seconds", "confirm", "enabled", "options", "credential",
})  # fmt: skip


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
        if (row["credential"] and WHERE_ASKED & set(changes)) or changes.get("credential"):
            _refuse_to_lend(actor)
        await _check_parent(tx, changes.get("parent"), row["site"], of=target)
        changes = _consequences(row, changes)
        if WHERE_ASKED & set(changes):
            whole = {**row, **changes}
            await _refuse_twice(tx, row["asset"] or row["link"], Method(whole["method"]), whole, of=target)
        columns = sorted(changes)
        sets = "".join(f", {column} = ${i}" for i, column in enumerate(columns, start=2))
        after = await tx.fetchrow(
            f"update targets set version = version + 1{sets} where id = $1 returning *",  # noqa: S608 - names from EDITABLE only
            target, *(changes[c] for c in columns),
        )  # fmt: skip
        if changes.get("enabled") is False:
            await tx.execute("delete from device_states where target = $1", target)
        elif {"address", "port"} & set(changes):  # another device answers there, with credentials of its own
            await tx.execute("update device_states set credential = null, level_min = 0 where target = $1", target)
        await record(
            tx, by=actor, action="edit", kind="target", subject=target, name=row["name"], site=row["site"],
            **differences(row, after),
        )  # fmt: skip


async def method_of(actor: Actor, target: UUID) -> str:
    """The method of a target of the actor's sites."""
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select site, method from targets where id = $1", target)
    if row is None or not actor.scope.sees(row["site"]):
        raise NotFound()
    return str(row["method"])


def _consequences(row: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """These changes with what follows from them: options that fit the method, and the address that they mean."""
    found = dict(changes)
    if not {"method", "options", "address", "port"} & set(changes):
        return found
    method = Method(changes.get("method", row["method"]))
    kept = json.loads(row["options"]) if method == row["method"] else {}
    given = {"address": changes.get("address", row["address"]), "port": changes.get("port", row["port"])}
    options, where = _settled(method, changes.get("options", kept), given)
    if method is not Method.HEARTBEAT and row["heartbeat_digest"]:
        found["heartbeat_digest"] = None
    return found | {"method": method, "options": json.dumps(options)} | where


async def draw_heartbeat(actor: Actor, target: UUID) -> str:
    """A new secret for what calls by itself, shown this once; the one before it stops working."""
    secret = drawn.cookie()
    await _set_heartbeat(actor, target, drawn.digest(secret), "draw_heartbeat")
    return secret


async def revoke_heartbeat(actor: Actor, target: UUID) -> None:
    """Let the secret of a target in no more."""
    await _set_heartbeat(actor, target, None, "revoke_heartbeat")


async def _set_heartbeat(actor: Actor, target: UUID, digest: str | None, action: str) -> None:
    actor = actor.require(Action.EDIT_MONITORING)
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from targets where id = $1 for update", target)
        if row is None or not actor.scope.sees(row["site"]):
            raise NotFound()
        if row["method"] != Method.HEARTBEAT:
            raise Conflict(N_("This is asked, it does not call by itself."))
        await tx.execute(
            "update targets set heartbeat_digest = $2, version = version + 1 where id = $1", target, digest
        )
        await record(
            tx, by=actor, action=action, kind="target", subject=target, name=row["name"], site=row["site"],
            before={"heartbeat": row["heartbeat_digest"] is not None, "version": row["version"]},
            after={"heartbeat": digest is not None, "version": row["version"] + 1},
        )  # fmt: skip


@on_move
async def follow_asset(tx: Connection, actor: Actor, asset: UUID, _: UUID, site: UUID) -> None:
    """An asset has moved: it is asked by the collector of its new site, and no longer stands behind its old router."""
    for row in await tx.fetch("select * from targets where asset = $1 and site <> $2 for update", asset, site):
        after = await tx.fetchrow(
            "update targets set site = $2, version = version + 1, "
            "parent = (select p.id from targets p where p.id = targets.parent and p.asset = $3) where id = $1 returning *",
            row["id"], site, asset,
        )  # fmt: skip
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
    await _keep_end(tx, actor, old, new)
    places = await tx.fetch("select * from targets where asset = $1 order by created_at, id for update", old)
    if not places:
        return
    for left in await tx.fetch("select * from targets where asset = $1 order by created_at, id for update", new):
        await _change(tx, actor, left, asset=None, enabled=False)
        await tx.execute("delete from device_states where target = $1", left["id"])
    name = await tx.fetchval(f"select {NAME} from assets where id = $1", new)  # noqa: S608
    for number, kept in enumerate(places):
        called = name if number == 0 else also(name, Method(kept["method"]), kept["port"])
        await _change(tx, actor, kept, asset=new, name=called)
        await tx.execute(
            "update device_states set credential = null, level_min = 0, identity = null, readings = '[]', counters = '{}', "
            "uptime_seconds = null where target = $1", kept["id"],
        )  # fmt: skip


async def _keep_end(tx: Connection, actor: Actor, old: UUID, new: UUID) -> None:
    """The lines that ended at a router end at the one in its place."""
    rows = await tx.fetch(
        "select l.* from links l join assets a on a.tag = l.wan_router and a.site = l.site where a.id = $1 for update of l",
        old,
    )  # fmt: skip
    for row in rows:
        after = await tx.fetchrow(
            "update links set wan_router = (select tag from assets where id = $2), version = version + 1 where id = $1 "
            "returning *", row["id"], new,
        )  # fmt: skip
        await record(
            tx, by=actor, action="edit", kind="link", subject=row["id"], name=row["tag"], site=row["site"],
            **differences(row, after),
        )  # fmt: skip


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
