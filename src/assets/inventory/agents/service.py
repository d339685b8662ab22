"""The verb of agents: take what one says of its computer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import record
from assets.db import Connection, as_owner, transaction
from assets.errors import NotAllowed
from assets.ids import new_id
from assets.inventory.agents.computer import Computer, computer, facts, observed
from assets.inventory.agents.protocol import Message
from assets.inventory.observed.proposals import SOURCE, match
from assets.inventory.observed.service import observe
from assets.text import searchable
from assets.web.language import N_

AGENTS_MAX = 10_000  # that nobody has registered yet, before no more are taken


async def report(actor: Actor, message: Message, *, now: datetime) -> UUID | None:
    """Take a message: each is a heartbeat, an inventory also says what is there. Answers the agent's id.

    A first word alone (prolog, contact) makes no agent. What is said of an asset that stands outside the actor's scope
    by now goes no further than the agent's own row.
    """
    actor = actor.require(Action.REPORT_INVENTORY)
    async with transaction(actor.scope) as tx:
        agent = await _heard(tx, actor, message, now)
        if agent is None or message.kind != "inventory":
            return None if agent is None else agent["id"]
        told = computer(message.sections)
        if message.partial:
            told = Computer.model_validate_json(agent["computer"]).model_copy(update=_said(told))
        agent = await tx.fetchrow(
            "update inventory_agents set computer = $2, hostname = $3, software = $4, inventory_at = $5, search = $6 "
            "where id = $1 returning *", agent["id"], told.model_dump_json(), told.hostname, message.software, now,
            searchable(message.device_id, told.hostname, told.manufacturer, told.model, told.serial),
        )  # fmt: skip
        asset = agent["asset"]
        if asset is None:
            await match(tx, actor, agent, facts(told, str(agent["site"] or "")), now)
        elif (site := await tx.fetchval("select site from assets where id = $1", asset)) and actor.scope.sees(site):
            await observe(tx, asset, SOURCE, observed(told, message.software), at=now)
            await _follow(tx, agent, site)
        found: UUID = agent["id"]
        return found


async def _follow(tx: Connection, agent: Any, site: UUID) -> None:
    """An asset that went to another site takes its agent along, from the next word on."""
    await tx.execute(
        "update inventory_agents g set site = $2 where g.id = $1 and g.site is distinct from $2 and not exists "
        "(select from inventory_agents o where o.device_id = g.device_id and o.site = $2)", agent["id"], site,
    )  # fmt: skip


def _said(told: Computer) -> dict[str, Any]:
    """The fields that a partial inventory has anything in."""
    return {name: value for name, value in told if value}


async def _heard(tx: Connection, actor: Actor, message: Message, now: datetime) -> Any:
    """The agent's row, locked, with its heartbeat; made by its first inventory."""
    row = await tx.fetchrow(
        "update inventory_agents set last_seen_at = $2 where id = (select id from inventory_agents where device_id = $1 "
        "order by last_seen_at desc limit 1 for update) returning *", message.device_id, now,
    )  # fmt: skip
    if row is not None or message.kind != "inventory":
        return row
    site = await _site(tx, actor, message.tag)
    async with as_owner(tx):  # counting is about everybody's
        if await tx.fetchval("select count(*) from inventory_agents where asset is null") >= AGENTS_MAX:
            raise NotAllowed(N_("Too many computers wait to be registered; no more are taken before some are."))
    made = await tx.fetchrow(
        "insert into inventory_agents (id, device_id, site, software, first_seen_at, last_seen_at, version) "
        "values ($1,$2,$3,$4,$5,$5,1) on conflict (device_id, site) do update set last_seen_at = excluded.last_seen_at "
        "returning *", new_id(), message.device_id, site, message.software, now,
    )  # fmt: skip
    await record(
        tx, by=actor, action="add", kind="inventory_agent", subject=made["id"], name=message.device_id, site=site,
        after={name: made[name] for name in ("device_id", "site", "software", "first_seen_at")},
    )  # fmt: skip
    return made


async def _site(tx: Connection, actor: Actor, tag: str) -> UUID | None:
    """Where a new computer is: at the site whose code the agent carries as its tag, or at the only one of its token."""
    rows = await tx.fetch("select id from sites where code = $1", tag)
    named = next((row["id"] for row in rows if actor.scope.sees(row["id"])), None)
    if named is not None or actor.scope.everything:
        return named
    sites = sorted(actor.scope.sites)
    if len(sites) == 1:
        return sites[0]
    # Of several sites the centre that comes first is as good as any; people see it there and can say more.
    found: UUID | None = await tx.fetchval(
        "select id from sites where id = any($1) order by (kind <> 'centre'), code limit 1", sites
    )
    return found
