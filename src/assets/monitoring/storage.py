"""Keeping readings: one array row a poll, partitions by day made ahead, old ones dropped whole."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from assets.db import Connection, as_owner
from assets.monitoring.intake import Arrived

DAYS_AHEAD = 7
REAL_MAX = 3.4e38


async def keep(tx: Connection, arrived: Iterable[Arrived]) -> None:
    """Store the values of all looks that brought any, by COPY; late ones fall into the default partition at worst."""
    looks = []
    for item in arrived:
        if item.seen.readings and item.seen.target is not None:
            ordered = sorted(item.seen.readings, key=lambda r: (r.name, r.instance))
            names = json.dumps([[r.name, r.instance] for r in ordered], ensure_ascii=False, separators=(",", ":"))
            looks.append((item.seen.target, item.at, names, [_real(r.value) for r in ordered]))
    if looks:
        sets = await _sets(tx, {names for _, _, names, _ in looks})
        rows = [(target, at, sets[names], values) for target, at, names, values in looks]
        await tx.copy_records_to_table("readings", records=rows, columns=("target", "at", "reading_set", "values"))


async def _sets(tx: Connection, wanted: set[str]) -> dict[str, int]:
    """The ids of these reading sets. Only those that are not there are inserted: each try would use up a number."""
    digests = {hashlib.sha256(names.encode()).hexdigest(): names for names in sorted(wanted)}
    rows = await tx.fetch("select id, digest from reading_sets where digest = any($1)", list(digests))
    known = {row["digest"]: row["id"] for row in rows}
    missing = [(digest, names) for digest, names in digests.items() if digest not in known]
    for digest, names in missing:
        known[digest] = await tx.fetchval(
            "insert into reading_sets (digest, names) values ($1, $2) "
            "on conflict (digest) do update set digest = excluded.digest returning id", digest, names,
        )  # fmt: skip
    return {names: known[digest] for digest, names in digests.items()}


def _real(value: float | None) -> float | None:
    # PostgreSQL's real ends at 3.4e38; what lies beyond is no measurement.
    return value if value is not None and abs(value) < REAL_MAX else None


async def make_partitions(tx: Connection, today: date) -> list[str]:
    """Make the partitions of yesterday to a week ahead; returns the names of new ones.

    A day for which the default partition already holds rows is left to it: PostgreSQL would refuse the new one.
    """
    made = []
    for offset in range(-1, DAYS_AHEAD + 1):
        day = today + timedelta(days=offset)
        if await make_partition(tx, day):
            made.append(_name(day))
    return made


async def make_partition(tx: Connection, day: date) -> bool:
    """Make the partition of one day (UTC); False when it is there or when late rows stand in its way."""
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ends = begins + timedelta(days=1)
    if await tx.fetchval("select to_regclass($1) is not null", _name(day)):
        return False
    if await tx.fetchval("select exists(select 1 from readings_default where at >= $1 and at < $2)", begins, ends):
        return False
    async with as_owner(tx):
        await tx.execute(
            f"create table if not exists {_name(day)} partition of readings "
            f"for values from ('{begins.isoformat()}') to ('{ends.isoformat()}')"
        )
    return True


async def drop_old(tx: Connection, before: date) -> list[str]:
    """Drop whole partitions of days before `before`, and late rows as old; returns the names of dropped ones."""
    rows = await tx.fetch(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
        "where i.inhparent = 'readings'::regclass and c.relname ~ '^readings_[0-9]{8}$' and c.relname < $1",
        _name(before),
    )
    async with as_owner(tx):
        for row in rows:
            await tx.execute(f"drop table {row['relname']}")
    await tx.execute(
        "delete from readings_default where at < $1", datetime(before.year, before.month, before.day, tzinfo=UTC)
    )
    return [row["relname"] for row in rows]


def _name(day: date) -> str:
    return f"readings_{day:%Y%m%d}"


@dataclass(frozen=True)
class Stretch:
    """One reading of a target from `since` on: `limit` values after the first `skip`, newest first when `backwards`.

    Backwards it is up to `until`, both ends included; several values can have one moment.
    """

    target: UUID
    name: str
    since: datetime
    until: datetime | None = None
    skip: int = 0
    limit: int = 1_000
    backwards: bool = False


_HISTORY = """
    with places as materialized (
        select s.id, n.item->>1 as instance, n.place::int as place from reading_sets s
        cross join lateral jsonb_array_elements(s.names) with ordinality as n(item, place)
        where n.item->>0 = $2 and s.id in (select distinct reading_set from readings
            where target = $1 and at >= $3 and ($4::timestamptz is null or at <= $4)))
    select {what} from readings r join places p on p.id = r.reading_set
    where r.target = $1 and r.at >= $3 and ($4::timestamptz is null or r.at <= $4)
"""


async def history(tx: Connection, wanted: Stretch) -> list[tuple[datetime, str, float | None]]:
    """(time, instance, value) of one reading of a target in the order of time, at most `limit` rows."""
    way = "desc" if wanted.backwards else "asc"
    rows = await tx.fetch(
        _HISTORY.format(what='r.at, p.instance, r."values"[p.place] as value')
        + f"order by r.at {way}, p.instance, value offset $5 limit $6",
        wanted.target, wanted.name, wanted.since, wanted.until, wanted.skip, wanted.limit,
    )  # fmt: skip
    return [(row["at"], row["instance"], row["value"]) for row in rows]


async def history_length(tx: Connection, wanted: Stretch) -> int:
    """How many values the whole stretch has, whatever its `skip` and `limit`."""
    count: int = await tx.fetchval(
        _HISTORY.format(what="count(*)"), wanted.target, wanted.name, wanted.since, wanted.until
    )
    return count
