"""Reading the whole audit trail again: every event, every seal, and the heads that are known outside.

Streams with a cursor, so the memory that it needs does not grow with the trail, and it may run beside the service.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.audit.chain import START, digest, link
from assets.audit.service import COLUMNS, parsed
from assets.db import Connection
from assets.probing.contract import AuditHead

SEALED_WITHIN = timedelta(minutes=1)
AT_ONCE = 1_000  # rows of a cursor in memory


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with the trail, in a sentence."""

    kind: str
    text: str


@dataclass
class Count:
    """How far a verification came."""

    events: int = 0
    seals: int = 0
    unsealed: int = 0


_SEALS = (
    "select s.number, s.event as sealed_event, s.digest as sealed_digest, s.chain, s.sealed_at, "  # noqa: S608 - constants only
    f"{', '.join('e.' + column for column in COLUMNS)} from audit_seals s left join audit_events e on e.id = s.event "
    "order by s.number"
)
_UNSEALED = (
    f"select {', '.join('e.' + column for column in COLUMNS)} from audit_events e "  # noqa: S608 - constants only
    "where not exists (select from audit_seals s where s.event = e.id)"
)


async def findings(
    tx: Connection, known: Iterable[tuple[str, AuditHead]], *, now: datetime, count: Count | None = None
) -> AsyncIterator[Finding]:
    """Everything that is wrong, as it is found. `known` are heads and where they were kept, read before this began."""
    count = count or Count()
    expected: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for place, head in known:
        expected[head.number].append((place, head.chain))
    last, chain = 0, START
    async for row in tx.cursor(_SEALS, prefetch=AT_ONCE):
        count.seals += 1
        number = row["number"]
        if number != last + 1:
            yield Finding("seal missing", f"{_numbers(last + 1, number - 1)} before seal {number}")
        for finding in _sealed(row, chain):
            yield finding
        for place, kept in expected.pop(number, []):
            if kept != row["chain"]:
                yield Finding("head differs", f"seal {number} is not the one that {place} knows")
        last, chain = number, row["chain"]
        count.events += row["id"] is not None
    async for row in tx.cursor(_UNSEALED, prefetch=AT_ONCE):
        count.events += 1
        count.unsealed += 1
        if not _holds(row):
            yield Finding("event edited", f"{_named(row)}, not sealed yet")
        if row["at"].replace(tzinfo=UTC) < now - SEALED_WITHIN:  # "infinity" comes without a zone
            yield Finding("event not sealed", _named(row))
    for number, kept_at in sorted(expected.items()):
        for place, _ in kept_at:
            if number > last:
                yield Finding("trail too short", f"it ends with seal {last}, {place} knows seal {number}")
            else:
                yield Finding("head differs", f"seal {number}, which {place} knows, is not there")


def _sealed(row: Mapping[str, Any], before: str) -> list[Finding]:
    """What is wrong with one seal and its event; `before` is the chain as the seal in front has it."""
    found = []
    number = row["number"]
    if row["id"] is None:
        found.append(Finding("event missing", f"{row['sealed_event']}, sealed under {number}"))
    elif row["digest"] != row["sealed_digest"] or not _holds(row):
        found.append(Finding("event edited", f"{_named(row)}, sealed under {number}"))
    if row["chain"] != link(before, number, row["sealed_event"], row["sealed_digest"], row["sealed_at"]):
        found.append(Finding("seal edited or moved", f"seal {number} does not follow from the one before it"))
    return found


def _holds(row: Mapping[str, Any]) -> bool:
    """Whether the event's digest is that of its values."""
    event = {column: row[column] for column in COLUMNS}
    try:
        event |= {column: parsed(row[column]) for column in ("before", "after")}
        return bool(row["digest"] == digest(event))
    except (ValueError, ArithmeticError, RecursionError):  # numbers and nesting that we never write
        return False


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['id']} ({row['action']} {row['subject_kind']} {row['subject_name']}, {row['at']:%Y-%m-%d %H:%M:%S})"


def _numbers(first: int, last: int) -> str:
    return str(first) if first >= last else f"{first} to {last}"
