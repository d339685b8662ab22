"""Writing the audit trail: one event, in the transaction of its cause."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict
from uuid import UUID

from assets import occasion
from assets.audit.chain import digest
from assets.audit.past import undone
from assets.clock import now
from assets.db import Connection
from assets.ids import new_id

COLUMNS = (
    "id", "at", "actor", "actor_name", "action", "subject_kind", "subject", "subject_name", "site", "before", "after",
    "reason", "origin", "request", "digest",
)  # fmt: skip
_INSERT = (
    f"insert into audit_events ({', '.join(COLUMNS)}) values ({', '.join(f'${i}' for i in range(1, len(COLUMNS) + 1))})"  # noqa: S608 - constants only
)


@dataclass(frozen=True)
class Event:
    """What one event of many says; see `record`."""

    subject: UUID
    name: str = ""
    site: UUID | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None


async def record(
    tx: Connection,
    *,
    by: Any,
    action: str,
    kind: str,
    subject: UUID,
    name: str = "",
    site: UUID | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    """Add one event; `by` is the actor (id, name, origin), `before` and `after` hold what changed and nothing secret.

    Their keys are the columns of the subject's row, so that the past can be rebuilt from them. `before` is None of what
    has just come to be, `after` of what is gone.
    """
    await record_all(
        tx, by=by, action=action, kind=kind, events=[Event(subject, name, site, before, after)], reason=reason
    )


async def record_all(
    tx: Connection, *, by: Any, action: str, kind: str, events: Iterable[Event], reason: str = ""
) -> None:
    """Add an event for each of many things that one act changed."""
    await tx.executemany(_INSERT, [_columns(by, action, kind, event, reason) for event in events])


def _columns(by: Any, action: str, kind: str, said: Event, reason: str) -> tuple[object, ...]:
    stored = {"before": _json(said.before), "after": _json(said.after)}
    event: dict[str, Any] = {
        "id": new_id(), "at": now(), "actor": by.id, "actor_name": by.name, "action": action, "subject_kind": kind,
        "subject": said.subject, "subject_name": said.name[:255], "site": said.site, "reason": reason, "origin": by.origin,
        "request": occasion.current(), **{key: parsed(text) for key, text in stored.items()},
    }  # fmt: skip
    event |= {"digest": digest(event), **stored}
    return tuple(event[column] for column in COLUMNS)


class Changes(TypedDict, total=False):
    """What an event says of a change, as arguments of `record`."""

    before: Mapping[str, object]
    after: Mapping[str, object]


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> Changes:
    """`before` and `after` of an event, from a row as it was and as it is: the columns that differ."""
    before, after = dict(before), dict(after)  # asyncpg's rows iterate over their values
    names = [name for name in after if name not in UNTOLD and before[name] != after[name]]
    return {"before": {name: before[name] for name in names}, "after": {name: after[name] for name in names}}


def shown(row: Mapping[str, object]) -> dict[str, object]:
    """A whole row, for the event of its beginning or its end."""
    return {name: value for name, value in row.items() if name not in UNTOLD}


# What follows from other columns, and what is nobody's to read. Rows with secrets name their columns one by one; this
# is the second wall.
UNTOLD = frozenset(
    {"search", "sort", "url", "secret", "digest", "token_digest", "heartbeat_digest", "password_hash", "totp"}
)


async def as_of(
    tx: Connection, kind: str, subject: UUID, present: Mapping[str, object], moment: datetime
) -> dict[str, Any] | None:
    """A row as it was at a moment, its values as JSON has them; None when it was not there yet.

    Asks for everything in scope: a change that is hidden would stay in.
    """
    rows = await tx.fetch(
        "select before, after from audit_events where subject = $1 and subject_kind = $2 and at > $3 "
        "order by at desc, id desc", subject, kind, moment,
    )  # fmt: skip
    changes = ((parsed(row["before"]), parsed(row["after"])) for row in rows)
    return undone(parsed(_json(dict(present))), changes)


_DECODER = json.JSONDecoder(parse_float=Decimal)


def parsed(text: str | None) -> Any:
    """What is stored as JSON, numbers to the last digit, so that an event's digest can be computed again."""
    return None if text is None else _DECODER.decode(text)


def _json(values: Mapping[str, object] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, allow_nan=False, default=_said)


def _said(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
