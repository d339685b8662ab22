"""Writing the audit trail: one event, in the transaction of its cause."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from assets.audit.chain import digest
from assets.clock import now
from assets.db import Connection
from assets.ids import new_id

_COLUMNS = (
    "id", "at", "actor", "actor_name", "action", "subject_kind", "subject", "subject_name", "site", "before", "after",
    "reason", "origin", "request", "digest",
)  # fmt: skip
_INSERT = f"insert into audit_events ({', '.join(_COLUMNS)}) values ({', '.join(f'${i}' for i in range(1, 16))})"  # noqa: S608 - constants only


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
    """Add one event; `by` is the actor (id, name, origin), `before` and `after` hold what changed and nothing secret."""
    event: dict[str, Any] = {
        "id": new_id(), "at": now(), "actor": by.id, "actor_name": by.name, "action": action, "subject_kind": kind,
        "subject": subject, "subject_name": name[:255], "site": site, "before": _plain(before), "after": _plain(after),
        "reason": reason, "origin": by.origin, "request": "",
    }  # fmt: skip
    event["digest"] = digest(event)
    event |= {key: _json(event[key]) for key in ("before", "after")}
    await tx.execute(_INSERT, *(event[column] for column in _COLUMNS))


def _json(values: Mapping[str, object] | None) -> str | None:
    return None if values is None else json.dumps(values, ensure_ascii=False, default=str)


def _plain(values: Mapping[str, object] | None) -> Any:
    # As it will come back from jsonb, so that the digest can be computed again from what is stored.
    text = _json(values)
    return None if text is None else json.loads(text)
