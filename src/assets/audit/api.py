"""The audit trail over HTTP, to be read only."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record
from litestar import get
from litestar.di import NamedDependency
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row


class AuditEventOut(BaseModel):
    """One change: who, what, before, after, why, from where, and in which HTTP request, job or command (`request`)."""

    id: UUID
    at: datetime
    actor: UUID | None
    actor_name: str
    action: str
    subject_kind: str
    subject: UUID
    subject_name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str
    origin: str
    request: str
    digest: str


EVENTS = Listing(
    select="e.*",
    source="audit_events e",
    key="e.id",
    columns={
        "at": Column("e.at", "timestamptz"), "action": Column("e.action"), "subject_kind": Column("e.subject_kind"),
        "actor": Column("e.actor", "uuid", sortable=False), "actor_name": Column("e.actor_name"),
        "subject": Column("e.subject", "uuid", sortable=False), "subject_name": Column("e.subject_name"),
        "request": Column("e.request", sortable=False),
    },
    sort="-at",
    search=(folded("e.subject_name"), folded("e.actor_name"), folded("e.reason"), "e.action", "e.subject_kind"),
    site="e.site",
)  # fmt: skip


def event_out(row: Record) -> AuditEventOut:
    """A row of EVENTS."""
    return _event(row, **{name: json.loads(row[name]) if row[name] else None for name in _SIDES})


_SIDES = ("before", "after")
_event = from_row(AuditEventOut, *_SIDES)


@get("/api/v1/audit-events", operation_id="listAuditEvents", guards=[requires(Action.VIEW_AUDIT)], tags=["audit"],
     **listed(EVENTS))  # fmt: skip
async def list_events(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[AuditEventOut]:
    """What was changed, the newest first."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, EVENTS, asked, event_out, scope=actor.scope)


routes: Sequence[ControllerRouterHandler] = [list_events]
