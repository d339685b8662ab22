"""The verbs for questions of identity: ask people, and do what they answer. Nothing is made or merged without them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.db import EVERYTHING, Connection, as_owner, transaction
from assets.errors import Conflict, Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory import service as inventory
from assets.inventory.agents.computer import Computer, observed
from assets.inventory.observed import identity, merging
from assets.inventory.observed.identity import Facts, Likeness
from assets.inventory.observed.service import observe
from assets.text import clean, clean_code
from assets.web.language import N_

STRONG = ("serial", "uuid", "macs")  # keys that find candidates
CANDIDATES_MAX = 20
PAIRS_MAX = 500  # new ones in one round
SOURCE = "agent"


# --- what is known ------------------------------------------------------------------------------------------------


async def facts_of(tx: Connection, assets: Sequence[UUID]) -> dict[UUID, Facts]:
    """What tells each of these assets from others, wherever they stand; those that are hidden have none."""
    async with as_owner(tx):
        rows = await tx.fetch(
            "select a.id, a.serial, a.macs, a.site, m.manufacturer, m.name as model from assets a "
            "join asset_models m on m.id = a.model where a.id = any($1) and a.merged_into is null", list(assets),
        )  # fmt: skip
        seen = await tx.fetch(
            "select asset, key, plain from observed_values where asset = any($1) order by seen_at", list(assets)
        )
    values: dict[UUID, dict[str, set[str]]] = {row["id"]: {} for row in rows}
    for row in seen:
        if row["asset"] in values:
            values[row["asset"]].setdefault(row["key"], set()).update(row["plain"])
    return {row["id"]: _facts(row, values[row["id"]]) for row in rows}


def _facts(row: Any, seen: Mapping[str, set[str]]) -> Facts:
    def of(key: str) -> frozenset[str]:
        return frozenset(seen.get(key, ()))

    written = identity.serial(row["serial"])
    return Facts(
        serials=of("serial") | ({written} if written else set()), uuids=of("uuid"),
        macs=of("macs") | identity.macs((one, "") for one in row["macs"]),
        monitors=of("monitors"), hostname=min(of("hostname"), default=""), maker=identity.maker(row["manufacturer"]),
        model=identity.plain(row["model"]), site=str(row["site"]),
    )  # fmt: skip


async def candidates(tx: Connection, of: Facts) -> list[tuple[UUID, Facts, Likeness]]:
    """The assets that these facts may be of, likest first, in the whole province."""
    strong = sorted(of.serials | of.uuids | of.macs)
    async with as_owner(tx):
        rows = await tx.fetch(
            "select a.id from assets a where a.serial <> '' and a.merged_into is null and plain_text(a.serial) = any($1) "
            "union select o.asset from observed_values o where o.plain && $2::varchar[] and o.key = any($3) "
            "union select a.id from assets a where a.macs && $5::varchar[] and a.merged_into is null limit $4",
            sorted(of.serials), strong, list(STRONG), CANDIDATES_MAX, [identity.colons(m).lower() for m in sorted(of.macs)],
        )  # fmt: skip
    found = await facts_of(tx, [row["id"] for row in rows])
    ranked = [(asset, theirs, identity.alike(of, theirs)) for asset, theirs in found.items()]
    return sorted((one for one in ranked if one[2].perhaps), key=lambda one: (-one[2].points, one[0]))


# --- asking -------------------------------------------------------------------------------------------------------


async def match(tx: Connection, actor: Actor, agent: Any, of: Facts, now: datetime) -> UUID | None:
    """Find the asset of an agent's computer: it is attached when one alone is surely it, else people are asked.

    An asset outside the actor's scope is never attached and never told of; only who sees both is asked about it.
    """
    found = await candidates(tx, of)
    sure = [asset for asset, theirs, likeness in found if likeness.same]
    if len(sure) == 1 and actor.scope.sees(UUID(found[0][1].site)):
        await attach(tx, actor, agent, sure[0], now=now)
        return sure[0]
    within = False
    for asset, theirs, likeness in found:
        within |= actor.scope.sees(UUID(theirs.site))
        await ask(tx, "attach", likeness, now, agent=agent["id"], asset=asset)
    if not within:
        await ask(tx, "register", Likeness(0), now, agent=agent["id"])
    return None


async def attach(tx: Connection, actor: Actor, agent: Any, asset: UUID, *, now: datetime) -> None:
    """From here on what the agent says is of this asset; other questions about it are settled by that."""
    row = await tx.fetchrow("select id, tag, site from assets where id = $1", asset)
    if row is None:
        raise NotFound()
    after = await tx.fetchrow(
        "update inventory_agents set asset = $2, site = $3, version = version + 1 where id = $1 returning *",
        agent["id"], asset, row["site"],
    )  # fmt: skip
    await tx.execute(
        "update identity_proposals set state = 'settled', decided_at = $2, version = version + 1 "
        "where agent = $1 and state = 'open'", agent["id"], now,
    )  # fmt: skip
    told = Computer.model_validate_json(after["computer"])
    await observe(tx, asset, SOURCE, observed(told, after["software"]), at=after["last_seen_at"])
    await inventory.write_event(tx, asset, row["site"], "reports", after["hostname"], actor, now)
    await record(
        tx, by=actor, action="attach", kind="inventory_agent", subject=agent["id"], name=after["hostname"], site=row["site"],
        **differences({name: agent[name] for name in ("asset", "site", "version")},
                      {name: after[name] for name in ("asset", "site", "version")}),
    )  # fmt: skip


async def ask(
    tx: Connection, kind: str, likeness: Likeness, now: datetime, *, agent: UUID | None = None, asset: UUID | None = None,
    other: UUID | None = None,
) -> bool:  # fmt: skip
    """Put a question, once: what was answered is not asked again. Whether it is new."""
    reasons = json.dumps([list(reason) for reason in likeness.reasons], ensure_ascii=False)
    async with as_owner(tx):  # whoever looks may not see what it is about
        tags = {
            r["id"]: r["tag"] for r in await tx.fetch("select id, tag from assets where id = any($1)", [asset, other])
        }
        made: bool | None = await tx.fetchval(
            "insert into identity_proposals as p (id, kind, agent, asset, other, asset_tag, other_tag, score, reasons, state, "
            "made_at, version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,'open',$10,1) on conflict (kind, agent, asset, other) "
            "do update set score = excluded.score, reasons = excluded.reasons where p.state = 'open' "
            "and p.score <> excluded.score returning p.id = $1",
            new_id(), kind, agent, asset, other, tags.get(asset, ""), tags.get(other, ""), likeness.points, reasons, now,
        )  # fmt: skip
    return bool(made)


async def find_duplicates(now: datetime) -> int:
    """Ask about assets that look like one; answers how many new questions there are. For a schedule."""
    async with transaction(EVERYTHING) as tx:
        rows = await tx.fetch(
            "select array_agg(id order by id) as ids from assets where serial <> '' group by plain_text(serial) "
            "having count(*) between 2 and $1 union "
            "select array_agg(distinct o.asset order by o.asset) from observed_values o, unnest(o.plain) as one "
            "where o.key = any($2) group by one having count(distinct o.asset) between 2 and $1",
            CANDIDATES_MAX, list(STRONG),
        )  # fmt: skip
        # Serials that are recorded of one and seen of another.
        rows += await tx.fetch(
            "select distinct array[least(a.id, o.asset), greatest(a.id, o.asset)] as ids from observed_values o "
            "join assets a on a.serial <> '' and plain_text(a.serial) = any(o.plain) and a.id <> o.asset "
            "where o.key = 'serial'"
        )
        pairs = {pair for row in rows for pair in combinations(sorted(row["ids"]), 2)}
        known = {
            (r["asset"], r["other"])
            for r in await tx.fetch("select asset, other from identity_proposals where kind = 'merge'")
        }
        new = sorted(pairs - known)[:PAIRS_MAX]
        facts = await facts_of(tx, sorted({asset for pair in new for asset in pair}))
        made = 0
        for one, two in new:
            if one in facts and two in facts and (likeness := identity.alike(facts[one], facts[two])).perhaps:
                made += await ask(tx, "merge", likeness, now, asset=one, other=two)
        return made


# --- answering ----------------------------------------------------------------------------------------------------


async def _open(tx: Connection, proposal: UUID, version: int, kinds: Iterable[str], states: Iterable[str]) -> Any:
    """The question, locked; NotFound when it is not the caller's, Stale or Conflict when it is not as they saw it."""
    row = await tx.fetchrow("select * from identity_proposals where id = $1 for update", proposal)
    if row is None:
        raise NotFound()
    if row["version"] != version:
        raise Stale()
    if row["kind"] not in kinds:
        raise Conflict(N_("This question is answered in another way."), kind=row["kind"])
    if row["state"] not in states:
        raise Conflict(N_("This question has been answered already."), state=row["state"])
    return row


async def _answer(tx: Connection, actor: Actor, row: Any, state: str, now: datetime, **more: Any) -> None:
    after = await tx.fetchrow(
        "update identity_proposals set state = $2, decided_at = $3, decided_by = $4, undo = $5, version = version + 1 "
        "where id = $1 returning *", row["id"], state, now, actor.name, more.get("undo"),
    )  # fmt: skip
    hidden = ("undo", "reasons")
    told = {name: value for name, value in after.items() if name not in hidden}
    site = await tx.fetchval(
        "select coalesce(site_of_asset($1), (select site from inventory_agents where id = $2))",
        row["asset"],
        row["agent"],
    )
    await record(
        tx, by=actor, action={"undone": "undo", "dismissed": "dismiss"}.get(state, "accept"), kind="identity_proposal",
        subject=row["id"], name=" ".join(filter(None, (row["asset_tag"], row["other_tag"]))) or row["kind"], site=site,
        reason=clean(more.get("why", "")), **differences({name: row[name] for name in told}, told),
    )  # fmt: skip


async def dismiss(actor: Actor, proposal: UUID, *, version: int, why: str = "", now: datetime) -> None:
    """They are not one and the same, or nobody wants to register it: it is not asked again."""
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _open(tx, proposal, version, ("register", "attach", "merge"), ("open",))
        await _answer(tx, actor, row, "dismissed", now, why=why)
        asked = "select count(*) from identity_proposals where agent = $1 and state = 'open'"
        if row["kind"] == "attach" and not await tx.fetchval(asked, row["agent"]):
            await ask(tx, "register", Likeness(0), now, agent=row["agent"])


async def accept_attach(
    actor: Actor, proposal: UUID, *, version: int, tag: str = "", why: str = "", now: datetime
) -> str:
    """The agent's computer is the asset that was proposed, or the one with `tag`; answers its tag."""
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _open(tx, proposal, version, ("attach", "register"), ("open",))
        if row["kind"] == "register" and not tag:
            raise Invalid(fields={"tag": N_("Please fill this in.")})
        asset = (await inventory.lock(tx, actor, tag))["id"] if tag else row["asset"]
        agent = await tx.fetchrow("select * from inventory_agents where id = $1 for update", row["agent"])
        await _answer(tx, actor, row, "accepted", now, why=why)
        await attach(tx, actor, agent, asset, now=now)
        found: str = await tx.fetchval("select tag from assets where id = $1", asset)
        return found


async def accept_register(actor: Actor, proposal: UUID, new: inventory.NewAsset, *, version: int, now: datetime) -> str:
    """Register the computer that nobody had registered, with what its agent saw of it; answers the tag."""
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _open(tx, proposal, version, ("register", "attach"), ("open",))
        agent = await tx.fetchrow("select * from inventory_agents where id = $1 for update", row["agent"])
        told = Computer.model_validate_json(agent["computer"])
        site = new.site or await tx.fetchval("select code from sites where id = $1", agent["site"])
        if not site:
            raise Invalid(fields={"site": N_("Please fill this in.")})
        whole = replace(new, site=site, serial=new.serial or told.serial, name=new.name or told.hostname)
        asset = await inventory.register(actor, whole, now=now)
        await _answer(tx, actor, row, "accepted", now)
        await attach(tx, actor, agent, asset, now=now)
        return clean_code(new.tag)


async def accept_merge(actor: Actor, proposal: UUID, *, keep: str, version: int, why: str = "", now: datetime) -> str:
    """Make one of two assets: the record with the tag `keep` stays, the other is hidden and leads to it."""
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _open(tx, proposal, version, ("merge",), ("open",))
        keep = clean_code(keep)
        if keep not in (row["asset_tag"], row["other_tag"]):
            raise Invalid(fields={"keep": N_("Please choose one of the list.")})
        stays, goes = (row["asset"], row["other"]) if keep == row["asset_tag"] else (row["other"], row["asset"])
        moved = await merging.merge(tx, actor, stays, goes, now=now)
        await _answer(tx, actor, row, "accepted", now, undo=json.dumps(moved), why=why)
        return keep


async def undo_merge(actor: Actor, proposal: UUID, *, version: int, why: str = "", now: datetime) -> None:
    """Make two assets of one again, each with what it had."""
    actor = actor.require(Action.EDIT_INVENTORY)
    async with transaction(actor.scope) as tx:
        row = await _open(tx, proposal, version, ("merge",), ("accepted",))
        await merging.undo(tx, actor, json.loads(row["undo"]), now=now)
        await _answer(tx, actor, row, "undone", now, why=why)
