"""Taking a batch in: which of its observations are new, when they happened, and whose they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from asyncpg import Range

from assets.db import Connection
from assets.ids import new_id
from assets.monitoring.arrival import TooStrange, happened_at, judge_clock
from assets.monitoring.targets import BY_COLLECTORS
from assets.probing.contract import Batch, Observation, Rejected


@dataclass(frozen=True)
class Arrived:
    """An observation that is new, with the moment at which it happened on our clock."""

    seen: Observation
    at: datetime


@dataclass(frozen=True)
class Intake:
    """What a batch brought: new observations of known targets, order results, refusals, and repeats left out."""

    fresh: tuple[Arrived, ...]
    rejected: tuple[Rejected, ...]
    repeated: int
    skew_seconds: float
    highest: int  # the last number that was in the batch, readable or not


async def admit(
    tx: Connection, collector: UUID, batch: Batch, now: datetime, unreadable: Iterable[Rejected] = ()
) -> Intake:
    """Sort a batch; the row lock on its buffer makes two posts of the same batch wait for one another."""
    taken = await _taken(tx, collector, batch.buffer_id, now)
    unreadable = [r for r in unreadable if not _contains(taken, r.sequence)]
    mine = await _targets(tx, collector, {o.target for o in batch.observations if o.target is not None})
    clock = judge_clock(batch.sent_at, now, await _offset(tx, collector))
    fresh, rejected, placed = [], [], set()
    for seen in batch.observations:
        if seen.sequence in placed or _contains(taken, seen.sequence):
            continue
        placed.add(seen.sequence)
        at = happened_at(seen, clock=clock, received_at=now)
        if isinstance(at, TooStrange):
            rejected.append(Rejected(sequence=seen.sequence, reason=at.reason))
        elif seen.target is not None and seen.target not in mine:
            rejected.append(Rejected(sequence=seen.sequence, reason="this target is not assigned to this collector"))
        else:
            fresh.append(Arrived(seen, at))
    await _take(tx, collector, batch, placed | {r.sequence for r in unreadable}, now)
    return Intake(
        tuple(fresh), (*unreadable, *rejected), len(batch.observations) - len(placed), clock.offset.total_seconds(),
        max([*(o.sequence for o in batch.observations), *(r.sequence for r in unreadable)], default=0),
    )  # fmt: skip


async def _offset(tx: Connection, collector: UUID) -> timedelta | None:
    """The clock's offset as known so far; None before the first contact."""
    row = await tx.fetchrow("select skew_seconds, last_contact_at from collectors where id = $1", collector)
    return timedelta(seconds=row["skew_seconds"]) if row and row["last_contact_at"] else None


async def _taken(tx: Connection, collector: UUID, buffer: UUID, now: datetime) -> list[Range]:
    await tx.execute(
        "insert into collector_buffers (id, collector, buffer, first_seen_at, last_seen_at) values ($1,$2,$3,$4,$4) "
        "on conflict on constraint collector_buffers_collector_buffer_uq do nothing",
        new_id(), collector, buffer, now,
    )  # fmt: skip
    ranges: list[Range] = await tx.fetchval(
        "select taken from collector_buffers where collector = $1 and buffer = $2 for update", collector, buffer
    )
    return ranges


def _contains(ranges: Iterable[Range], number: int) -> bool:
    return any((r.lower or 0) <= number < (r.upper or 0) for r in ranges)


async def _targets(tx: Connection, collector: UUID, wanted: set[UUID]) -> set[UUID]:
    """Which of these targets stand at a site of this collector; a site has its own collector or the one for the rest."""
    rows = await tx.fetch(
        "select t.id from targets t left join collector_sites cs on cs.site = t.site where t.id = any($1) and "  # noqa: S608
        + BY_COLLECTORS + " "
        "and coalesce(cs.collector, (select id from collectors where covers_rest limit 1)) = $2",
        list(wanted), collector,
    )  # fmt: skip
    return {row["id"] for row in rows}


async def _take(tx: Connection, collector: UUID, batch: Batch, numbers: set[int], now: datetime) -> None:
    await tx.execute(
        "update collector_buffers set last_seen_at = $3, taken = taken + coalesce("
        "(select range_agg(int8range(n, n + 1)) from unnest($4::int8[]) as n), '{}') "
        "where collector = $1 and buffer = $2",
        collector, batch.buffer_id, now, sorted(numbers),
    )  # fmt: skip
