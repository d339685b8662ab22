"""Writing many rows at once."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from assets.audit.chain import digest
from assets.db import Connection
from assets.ids import new_id

Row = Mapping[str, object]


async def write(tx: Connection, table: str, rows: Sequence[Row]) -> None:
    """COPY rows that all have the same columns; columns that they lack get the table's defaults."""
    if rows:
        columns = list(rows[0])
        await tx.copy_records_to_table(table, columns=columns, records=[[row[c] for c in columns] for row in rows])


def audited(
    *, at: datetime, by: tuple[UUID | None, str], action: str, kind: str, subject: UUID, name: str = "",
    site: UUID | None = None, before: Row | None = None, after: Row | None = None, reason: str = "",
) -> Row:  # fmt: skip
    """One audit event of the past, with its digest, as `audit.service.record` would have written it."""
    actor, actor_name = by
    event: dict[str, object] = {
        "id": new_id(), "at": at, "actor": actor, "actor_name": actor_name, "action": action, "subject_kind": kind,
        "subject": subject, "subject_name": name, "site": site, "before": before, "after": after, "reason": reason,
        "origin": "demo", "request": "",
    }  # fmt: skip
    event["digest"] = digest(event)
    return event | {
        key: None if event[key] is None else json.dumps(event[key], ensure_ascii=False) for key in ("before", "after")
    }
