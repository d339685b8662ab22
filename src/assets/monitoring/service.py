"""The verbs of monitoring, and `advance`, the only step from looks and time to conditions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from assets import phrases
from assets.db import Connection
from assets.ids import new_id
from assets.monitoring.checks import LINE_LIMIT, limits_of
from assets.monitoring.conditions import GONE, Change, Look, Memory, Rules
from assets.monitoring.conditions import advance as step
from assets.monitoring.intake import Arrived
from assets.monitoring.thresholds import evaluate
from assets.monitoring.topology import ancestors, blocked_by
from assets.probing.endings import told
from assets.probing.options import HeartbeatOptions, read
from assets.probing.profile import Profiles
from assets.probing.readings import Limit, Method, Outcome

SILENT_INTERVALS = 3  # a target of which nothing is heard for so long is unknown (DESIGN §8)
SILENT_MARGIN = timedelta(seconds=5)  # a batch on its way is not yet silence
DUE_MAX = 5_000
_MEMORY = TypeAdapter(Memory)


@dataclass(frozen=True)
class TargetRow:
    """What the step needs to know of a target."""

    id: UUID
    site: UUID
    name: str
    asset: UUID | None
    link: UUID | None
    application: UUID | None
    asset_tag: str
    profile: str
    rules: Rules
    limits: tuple[Limit, ...] = ()  # beside those of its profile


@dataclass(frozen=True)
class TargetChange:
    """A change of a target's condition, for those who react to it."""

    target: TargetRow
    change: Change


async def advance(
    tx: Connection, looks: Mapping[UUID, Sequence[Arrived]], *, profiles: Profiles, now: datetime
) -> list[TargetChange]:
    """Bring these targets, or with none all that time alone changes, up to `now`; the only writer of conditions.

    Rows are locked in the order of their ids, so that two advances cannot wait for one another.
    """
    states = await _lock(tx, list(looks), now)
    if not states:
        return []
    targets = await _targets(tx, list(states))
    ways = await _ways(tx, [t.site for t in targets.values()], looks)
    changes, rows = [], []
    for target in (targets[i] for i in sorted(targets)):
        arrived = looks.get(target.id, ())
        memory, changed = step(
            states[target.id], [_look(a, target, ways, profiles) for a in arrived], target.rules, now
        )
        changes += [TargetChange(target, change) for change in changed]
        rows.append((target.id, memory, max(arrived, key=lambda a: a.at, default=None), states[target.id]))
    await _write(tx, rows)
    await _remember(tx, changes)
    return changes


async def _lock(tx: Connection, targets: list[UUID], now: datetime) -> dict[UUID, Memory]:
    if targets:
        await tx.execute(
            "insert into device_states (target) select id from targets where id = any($1) "
            "order by id on conflict (target) do nothing", targets,
        )  # fmt: skip
        rows = await tx.fetch(
            "select target, step from device_states where target = any($1) order by target for update", targets
        )
    else:
        rows = await tx.fetch(
            "select target, step from device_states where silence_at <= $1 order by target limit $2 "
            "for update skip locked", now, DUE_MAX,
        )  # fmt: skip
    return {row["target"]: _MEMORY.validate_json(row["step"]) for row in rows}


async def _targets(tx: Connection, ids: list[UUID]) -> dict[UUID, TargetRow]:
    rows = await tx.fetch(
        "select t.id, t.site, t.name, t.asset, t.link, t.application, coalesce(a.tag, '') as tag, t.profile, t.method, "
        "t.options, t.interval_seconds, t.confirm, coalesce(d.identity->>'profile', '') as found "
        "from targets t left join assets a on a.id = t.asset left join device_states d on d.target = t.id "
        "where t.id = any($1)", ids,
    )  # fmt: skip
    return {
        row["id"]: TargetRow(
            row["id"], row["site"], row["name"], row["asset"], row["link"], row["application"], row["tag"],
            row["profile"] or row["found"], _rules(row),
            (*limits_of(Method(row["method"]), json.loads(row["options"])), LINE_LIMIT),
        )
        for row in rows
    }  # fmt: skip


def _rules(row: Any) -> Rules:
    interval = timedelta(seconds=row["interval_seconds"])
    if row["method"] != Method.HEARTBEAT:
        return Rules(_patience(interval), row["confirm"])
    told = read(Method.HEARTBEAT, json.loads(row["options"]))
    grace = told.grace_seconds if isinstance(told, HeartbeatOptions) else 0
    return Rules(interval + timedelta(seconds=grace), row["confirm"], late_is_down=True)


def _patience(interval: timedelta) -> timedelta:
    return interval * SILENT_INTERVALS + SILENT_MARGIN


@dataclass(frozen=True)
class _Ways:
    parent_of: Mapping[UUID, UUID | None]
    down: frozenset[UUID]


async def _ways(tx: Connection, sites: Iterable[UUID], looks: Mapping[UUID, Sequence[Arrived]]) -> _Ways:
    """The ways to the targets, needed only when something was silent."""
    if not any(a.seen.outcome is Outcome.SILENT for many in looks.values() for a in many):
        return _Ways({}, frozenset())
    rows = await tx.fetch(
        "select t.id, t.parent, d.condition from targets t left join device_states d on d.target = t.id "
        "where t.site = any($1)", list(set(sites)),
    )  # fmt: skip
    gone = {str(c) for c in GONE}
    return _Ways({r["id"]: r["parent"] for r in rows}, frozenset(r["id"] for r in rows if r["condition"] in gone))


def _look(arrived: Arrived, target: TargetRow, ways: _Ways, profiles: Profiles) -> Look:
    seen = arrived.seen
    slower = _patience(timedelta(seconds=seen.next_seconds)) if seen.next_seconds else None
    if seen.outcome is Outcome.SILENT:
        now_seen = {p.target: p.alive for p in seen.parents}
        blamed = blocked_by(ancestors(target.id, ways.parent_of), now_seen, ways.down)
        return Look(arrived.at, seen.outcome, blocked_by=blamed, silence_after=slower)
    profile = profiles.get((seen.identity.profile if seen.identity else "") or target.profile)
    limits = (*(profile.limits if profile else ()), *target.limits)
    return Look(
        arrived.at, seen.outcome, evaluate(seen.readings, limits), partial=_light(arrived), silence_after=slower
    )  # fmt: skip


def _light(arrived: Arrived) -> bool:
    """Whether it was only asked if it is there; what it said before still stands."""
    seen = arrived.seen
    return seen.outcome is Outcome.ANSWERED and seen.truncated and not seen.readings


async def _write(tx: Connection, rows: Sequence[Any]) -> None:
    """Each state's condition columns, and what the newest look brought when it is newer than what stands there."""
    await tx.executemany(
        "update device_states set condition = $2, since = $3, reason = $4, severity = $5, cause = $6, flapping = $7, "
        "observed_at = $8, silence_at = $9, step = $10 where target = $1",
        [_condition(target, memory) for target, memory, _, _ in rows],
    )
    brought = [_brought(a) for _, m, a, old in rows if a is not None and _newest(a, old)]
    await tx.executemany(
        "update device_states set outcome = $2::text, detail = $3, latency_ms = $4, "
        "identity = coalesce(identity, '{}') || coalesce($5::jsonb, '{}'), "
        "readings = case when $2::text = 'answered' and not $9 then $6::jsonb else readings end, "
        "counters = case when $2::text = 'answered' and not $9 then $7::jsonb else counters end, "
        "uptime_seconds = coalesce($8, uptime_seconds), next_seconds = $10, "
        "credential = case when $2::text = 'answered' then coalesce($11::uuid, credential) else credential end, "
        "level_min = greatest(level_min, coalesce((select case when $2::text = 'answered' then c.level "
        "when $2::text = 'wrong_credential' then least(c.level, 1) else 0 end from credentials c where c.id = $11::uuid), 0)) "
        "where target = $1", brought,
    )  # fmt: skip


def _newest(arrived: Arrived, before: Memory) -> bool:
    return before.observed_at is None or arrived.at > before.observed_at


def _condition(target: UUID, memory: Memory) -> tuple[Any, ...]:
    return (
        target, memory.condition, memory.since, phrases.store(memory.reasons), memory.severity or "", memory.cause,
        memory.flapping, memory.observed_at, memory.due_at, _MEMORY.dump_json(memory).decode(),
    )  # fmt: skip


def _brought(arrived: Arrived) -> tuple[Any, ...]:
    seen = arrived.seen
    identity = {k: v for k, v in seen.identity.model_dump().items() if v} if seen.identity else None
    return (
        seen.target, seen.outcome, told(seen.detail, seen.code, seen.params), seen.latency_ms,
        json.dumps(identity) if identity else None,
        json.dumps([r.model_dump(exclude_defaults=True) for r in seen.readings]), json.dumps(seen.counters),
        seen.uptime_seconds, _light(arrived), seen.next_seconds, seen.credential,
    )  # fmt: skip


async def _remember(tx: Connection, changes: Sequence[TargetChange]) -> None:
    await tx.executemany(
        "insert into condition_changes (id, target, site, at, before, after, reason, cause) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8)",
        [
            (new_id(), c.target.id, c.target.site, c.change.at, c.change.before, c.change.after,
             phrases.store(c.change.reasons), c.change.cause)
            for c in changes
        ],
    )  # fmt: skip
