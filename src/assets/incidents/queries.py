"""What the pages read of incidents."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import NotFound
from assets.web.rows import from_row

EVENTS_MAX = 500
NOTIFICATIONS_MAX = 200
NUMBER_MAX = (1 << 31) - 1  # of the column


class IncidentRow(BaseModel):
    """One incident in a list; `reason` holds stored phrases, `reported` says that people opened it and no probe."""

    model_config = ConfigDict(frozen=True)
    number: int
    kind: str
    severity: str
    state: str
    site: str | None
    site_name: str
    unit: str | None
    subject: str
    asset_tag: str
    reason: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None
    affected: int
    reported: bool


class EventRow(BaseModel):
    """One line of its story; `text` holds stored phrases or what a person wrote."""

    model_config = ConfigDict(frozen=True)
    at: datetime
    kind: str
    by: str
    text: str


class NotificationRow(BaseModel):
    """One message about it: told, or not told and why."""

    model_config = ConfigDict(frozen=True)
    channel: str
    change: str
    state: str
    created_at: datetime
    sent_at: datetime | None
    attempts: int
    reason: str
    error: str


class IncidentPage(BaseModel):
    """One incident with its story."""

    model_config = ConfigDict(frozen=True)
    at: datetime
    incident: IncidentRow
    resolution: str
    carrier: str
    circuit_number: str
    hotline: str
    site_phone: str
    events: list[EventRow]
    notifications: list[NotificationRow]


FIELDS = (
    "i.number, i.kind, i.severity, i.state, s.code as site, coalesce(s.name, '') as site_name, "
    "case when s.kind = 'centre' then u.name else s.name end as unit, i.subject_name as subject, "
    "i.asset_tag, i.reason, i.opened_at, i.acknowledged_at, i.acknowledged_by, i.resolved_at, i.affected, "
    "i.subject_kind = 'asset' as reported"
)
SOURCE = "incidents i left join sites s on s.id = i.site left join administrative_units u on u.id = s.unit"
_WORST_FIRST = "(i.state = 'resolved'), (i.severity <> 'critical'), (i.state <> 'open'), i.opened_at desc"


row = from_row(IncidentRow)


async def rows(tx: Connection, condition: str, values: Sequence[Any], *, limit: int) -> list[IncidentRow]:
    """Incidents that fit a condition of ours (its values as $1, $2, …), open and critical ones first."""
    found = await tx.fetch(
        f"select {FIELDS} from {SOURCE} where {condition} order by {_WORST_FIRST} limit {limit:d}",  # noqa: S608
        *values,
    )
    return [row(record) for record in found]


async def one(actor: Actor, number: int, now: datetime) -> IncidentPage:
    """An incident, its story and its messages; NotFound outside the scope.

    What went wrong with a channel is for those who look after channels.
    """
    scope, technical = actor.scope, actor.may(Action.VIEW_SYSTEM)
    if not 0 < number <= NUMBER_MAX:
        raise NotFound()
    async with transaction(scope) as tx:
        found = await tx.fetchrow(
            f"select {FIELDS}, i.id, i.site as site_id, i.resolution, coalesce(s.phone, '') as site_phone, "  # noqa: S608
            "coalesce(l.carrier, '') as carrier, coalesce(l.circuit_number, '') as circuit_number, "
            f"coalesce(l.hotline, '') as hotline from {SOURCE} left join targets t on t.id = i.subject "
            "left join links l on l.id = t.link where i.number = $1",
            number,
        )
        if found is None or not scope.sees(found["site_id"]):
            raise NotFound()
        events = await tx.fetch(
            "select at, kind, actor_name as by, text from incident_events where incident = $1 order by at, id limit $2",
            found["id"], EVENTS_MAX,
        )  # fmt: skip
        messages = await tx.fetch(
            "select c.name as channel, n.change, n.state, n.created_at, n.sent_at, n.attempts, n.reason, n.error "
            "from notifications n join channels c on c.id = n.channel where n.subject_kind = 'incident' and n.subject = $1 "
            "order by n.created_at, c.name limit $2", found["id"], NOTIFICATIONS_MAX,
        )  # fmt: skip
    return IncidentPage(
        at=now, incident=row(found), resolution=found["resolution"], carrier=found["carrier"],
        circuit_number=found["circuit_number"], hotline=found["hotline"], site_phone=found["site_phone"],
        events=[EventRow(**dict(event)) for event in events],
        notifications=[
            NotificationRow(**{**message, **({} if technical else {"error": ""})}) for message in map(dict, messages)
        ],
    )  # fmt: skip
