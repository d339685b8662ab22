"""Reading the facts of centres, judging them, and keeping the verdict and its changes."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel, ConfigDict

from assets import jobs
from assets.access.actor import Actor
from assets.db import EVERYTHING, Connection, transaction
from assets.ids import new_id
from assets.inventory.following import on_move, on_replacement
from assets.monitoring.conditions import Condition
from assets.monitoring.declarations import on_declaration
from assets.monitoring.worst import OF_ASSET, OF_LINK
from assets.readiness.rules import (
    Account,
    Application,
    Facts,
    Line,
    Readiness,
    Reason,
    Said,
    Thing,
    Use,
    Verdict,
    judge,
)
from assets.web.language import translate

JOB = "readiness"
LOCK = 0x0A55E71  # pg_advisory_xact_lock key: two computations at once would both write the same change
ASKED_MAX = 8  # beyond so many centres it is cheaper to look at all of them
TOGETHER = 8  # centres that are judged at a time: what is known of all at once would be 60 MB with 100,000 assets
NO_FACTS = Facts()


@dataclass(frozen=True)
class Change:
    """A centre whose verdict or reasons are other than before; `before` is None at the first time."""

    site: UUID
    before: Readiness | None
    after: Readiness
    reasons: tuple[Reason, ...]


class Explained(BaseModel):
    """A reason in one language: what is the matter, who has to act, what they do next, and who says so since when."""

    model_config = ConfigDict(frozen=True)

    code: str
    effect: Readiness
    message: str
    owner: str
    next_step: str
    since: datetime | None
    sources: tuple[str, ...]


async def request_recompute(tx: Connection, sites: Iterable[UUID]) -> None:
    """Have these centres judged again soon after this transaction; what a lost job misses, a schedule finds."""
    asked = sorted(set(sites))
    if len(asked) > ASKED_MAX:
        await jobs.enqueue(tx, JOB, {}, key=f"{JOB}:all")
        return
    for site in asked:
        await jobs.enqueue(tx, JOB, {"sites": [str(site)]}, key=f"{JOB}:{site}")


@on_declaration
async def _declared(tx: Connection, site: UUID) -> None:
    await request_recompute(tx, (site,))


@on_move
async def _moved(tx: Connection, actor: Actor, asset: UUID, from_site: UUID, to_site: UUID) -> None:
    await request_recompute(tx, [from_site, to_site])


@on_replacement
async def _replaced(tx: Connection, actor: Actor, old: UUID, new: UUID, site: UUID) -> None:
    await request_recompute(tx, [site])


async def run(payload: Mapping[str, Any], now: datetime) -> list[Change]:
    """The job: `{"sites": [ids]}` for some centres, `{}` for all."""
    sites = payload.get("sites")
    return await recompute(None if sites is None else [UUID(site) for site in sites], now)


async def recompute(sites: Sequence[UUID] | None, now: datetime) -> list[Change]:
    """Judge these centres (None: all) in one transaction and write what is other than before."""
    async with transaction(EVERYTHING) as tx:
        await tx.execute("select pg_advisory_xact_lock($1)", LOCK)
        if sites is None:
            sites = await tx.fetchval("select array(select id from sites where kind = 'centre' and open order by id)")
            await tx.execute("delete from readiness where site <> all($1::uuid[])", sites)
        changes = []
        for start in range(0, len(sites), TOGETHER):
            changes += await _judge(tx, sites[start : start + TOGETHER], now)
    return changes


async def _judge(tx: Connection, sites: Sequence[UUID], now: datetime) -> list[Change]:
    facts = await all_facts(tx, sites)
    kept = {
        row["site"]: row
        for row in await tx.fetch("select site, verdict, reasons from readiness where site = any($1)", list(facts))
    }
    found = [_change(site, kept.get(site), judge(known, now)) for site, known in facts.items()]
    changes = [change for change in found if change]
    await _write(tx, changes, now)
    await tx.execute("update readiness set computed_at = $1 where site = any($2)", now, list(facts))
    return changes


def _change(site: UUID, kept: asyncpg.Record | None, verdict: Verdict) -> Change | None:
    before = Readiness(kept["verdict"]) if kept else None
    if kept and before is verdict.readiness and load(kept["reasons"]) == verdict.reasons:
        return None
    return Change(site, before, verdict.readiness, verdict.reasons)


async def _write(tx: Connection, changes: Sequence[Change], now: datetime) -> None:
    await tx.executemany(
        "insert into readiness (site, verdict, since, reasons, computed_at) values ($1, $2, $3, $4, $3) "
        "on conflict (site) do update set verdict = excluded.verdict, reasons = excluded.reasons, "
        "since = case when readiness.verdict = excluded.verdict then readiness.since else excluded.since end",
        [(c.site, c.after, now, store(c.reasons)) for c in changes],
    )
    await tx.executemany(
        'insert into readiness_changes (id, site, at, "before", "after", reasons) values ($1, $2, $3, $4, $5, $6)',
        [(new_id(), c.site, now, c.before or "", c.after, store(c.reasons)) for c in changes if c.before != c.after],
    )


def store(reasons: Iterable[Reason]) -> str:
    """Reasons as the JSON of their column."""
    return json.dumps([reason.model_dump(mode="json") for reason in reasons], ensure_ascii=False)


def load(stored: str) -> tuple[Reason, ...]:
    """The reasons of a column."""
    return tuple(Reason.model_validate(item) for item in json.loads(stored))


def explain(stored: str | None, language: str) -> list[Explained]:
    """The reasons of a column in `language`, the worst first; none when nothing was computed yet."""
    return [
        Explained(
            code=reason.code, effect=reason.effect, since=reason.since, sources=reason.sources,
            message=translate(language, reason.message, **reason.params),
            owner=translate(language, reason.owner, **reason.params),
            next_step=translate(language, reason.next_step, **reason.params),
        )
        for reason in load(stored or "[]")
    ]  # fmt: skip


async def facts_of(tx: Connection, site: UUID) -> Facts:
    """What is known of one centre now."""
    return (await all_facts(tx, [site])).get(site, NO_FACTS)


async def all_facts(tx: Connection, sites: Sequence[UUID] | None) -> dict[UUID, Facts]:
    """What is known of these open centres (None: all), in six statements however many they are."""
    centres = await tx.fetch(_CENTRES, sites)
    ids = [row["id"] for row in centres]
    said = {row["subject"]: Said(row["kind"] == "works", row["said_at"]) for row in await tx.fetch(_SAID, ids)}
    things = _grouped(await tx.fetch(_THINGS, ids))
    lines = _grouped(await tx.fetch(_LINES, ids))
    accounts = _grouped(await tx.fetch(_ACCOUNTS, ids))
    needed = await tx.fetch("select id, name, owner_office from applications where needs_account order by code")
    return {
        row["id"]: Facts(
            things=tuple(_thing(r, said.get(r["id"])) for r in things[row["id"]]),
            lines=tuple(_line(r, said.get(r["id"])) for r in lines[row["id"]]),
            applications=tuple(_application(a, accounts[row["id"]], said) for a in needed),
            equipment_recorded=row["equipped"],
            paper_mode_since=row["paper_mode_since"],
            silent_collector=row["silent_collector"] or "",
        )
        for row in centres
    }


_CENTRES = """
select s.id,
    exists (select from assets a where a.site = s.id and a.stage = 'in_use') as equipped,
    (select min(said_at) from declarations d
        where d.site = s.id and d.kind = 'paper_mode' and d.ended_at is null) as paper_mode_since,
    (select c.name from collectors c
        where c.id = coalesce(
            (select cs.collector from collector_sites cs where cs.site = s.id),
            (select r.id from collectors r where r.covers_rest and r.revoked_at is null limit 1))
        and (c.silent_since is not null or c.last_contact_at is null or c.revoked_at is not null)) as silent_collector
from sites s where s.kind = 'centre' and s.open and ($1::uuid[] is null or s.id = any($1)) order by s.id
"""
# The newest of several open declarations about one thing counts; at the same moment, "broken" does.
_SAID = """
select distinct on (subject) coalesce(asset, link, capability) as subject, kind, said_at from declarations
where ended_at is null and kind in ('broken', 'works') and site = any($1)
    and num_nonnulls(asset, link, capability) = 1
order by subject, said_at desc, kind
"""
# Things and lines are named as people do, "Máy in quầy 1 (QN-1)"; a line as its target is, if that has a better name.
_THINGS = f"""
select a.site, a.id, coalesce(nullif(a.name, ''), c.name) || ' (' || a.tag || ')' as name, c.serves,
    a.physical_state, a.physical_state_at, d.since,
    case when t.id is not null then coalesce(d.condition, 'unknown') end as condition
from assets a join asset_models m on m.id = a.model join asset_categories c on c.id = m.category
{OF_ASSET}
where a.stage = 'in_use' and c.serves in ('computer', 'printer') and a.site = any($1)
"""  # noqa: S608 - constants only
_LINES = f"""
select l.site, l.id, l.carrier, l.is_primary, l.hotline, d.since,
    case when position(l.tag in t.name) > 0 then t.name
        else coalesce(nullif(l.carrier, '') || ' (' || l.tag || ')', l.tag) end as name,
    case when t.id is not null then coalesce(d.condition, 'unknown') end as condition,
    case when cause.site = l.site then cause.name else '' end as behind
from links l {OF_LINK}
left join targets cause on cause.id = d.cause
where l.site = any($1)
"""  # noqa: S608 - constants only
_ACCOUNTS = """
select site, id, application, status, expires_on from capabilities
where kind = 'account' and application is not null and site = any($1)
"""


def _grouped(rows: Iterable[asyncpg.Record]) -> dict[UUID, list[asyncpg.Record]]:
    found: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        found[row["site"]].append(row)
    return found


def _thing(row: asyncpg.Record, said: Said | None) -> Thing:
    return Thing(
        row["name"], Use(row["serves"]), _condition(row), row["since"], said, row["physical_state"],
        row["physical_state_at"],
    )  # fmt: skip


def _line(row: asyncpg.Record, said: Said | None) -> Line:
    return Line(
        row["name"], row["carrier"], row["is_primary"], row["hotline"], _condition(row), row["since"], said,
        row["behind"] or "",
    )  # fmt: skip


def _condition(row: asyncpg.Record) -> Condition | None:
    return Condition(row["condition"]) if row["condition"] else None


def _application(needed: asyncpg.Record, accounts: Sequence[asyncpg.Record], said: Mapping[UUID, Said]) -> Application:
    held = tuple(
        Account(row["status"], row["expires_on"], said_broken=row["id"] in said and not said[row["id"]].works)
        for row in accounts
        if row["application"] == needed["id"]
    )
    return Application(needed["name"], needed["owner_office"], held)
