"""Incidents, silences and maintenance windows over HTTP."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from asyncpg import Record
from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.incidents import service
from assets.incidents.reaction import Kind
from assets.web.language import choose, say
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row

AnyRequest = Request[Any, Any, Any]
STATES = ("open", "acknowledged", "resolved")
SEVERITIES = ("critical", "warning")
# Critical before warning, nobody's before somebody's; the newest first among equals, since ids rise with time.
URGENCY = (
    "case when i.state = 'resolved' then 0 else 1 + 2 * (i.severity = 'critical')::int + (i.state = 'open')::int end"
)


class IncidentOut(BaseModel):
    """Something that is or was wrong, with its reason in the caller's language."""

    id: UUID
    number: int
    kind: str
    severity: str
    state: str
    site: str | None
    site_name: str | None
    subject: UUID
    subject_kind: str
    subject_name: str
    asset_tag: str | None
    reason: str
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None
    resolution: str
    affected: int
    version: int


class ResolveIn(BaseModel):
    """How it was mended."""

    model_config = ConfigDict(extra="forbid")
    note: Annotated[str, Field(max_length=service.NOTE_MAX)] = ""


INCIDENTS = Listing(
    select="i.*, s.code as site_code, s.name as site_name",
    source="incidents i left join sites s on s.id = i.site",
    key="i.id",
    columns={
        "number": Column("i.number", "integer"), "state": Column("i.state", choices=STATES),
        "kind": Column("i.kind", choices=tuple(Kind)), "severity": Column("i.severity", choices=SEVERITIES),
        "site": Column("s.code"), "asset_tag": Column("i.asset_tag"), "opened_at": Column("i.opened_at", "timestamptz"),
        "resolved_at": Column("i.resolved_at", "timestamptz"), "subject": Column("i.subject", "uuid", sortable=False),
        "urgency": Column(URGENCY, "integer", filterable=False),
    },
    sort="-opened_at",
    search=("s.search", "lower(i.asset_tag)"),
    site="i.site",
)  # fmt: skip


def _maker(request: AnyRequest) -> Callable[[Record], IncidentOut]:
    language = choose(request)

    def make(row: Record) -> IncidentOut:
        said = {key: say(language, row[key]) for key in _SAID}
        return _incident(row, asset_tag=row["asset_tag"] or None, **said)

    return make


_SAID = ("reason", "resolution")
_incident = from_row(IncidentOut, "asset_tag", *_SAID, site="site_code")


class Incidents(Controller):
    """What needs a human."""

    path = "/api/v1/incidents"
    tags = ("incidents",)

    @get(operation_id="listIncidents", guards=[requires(Action.VIEW)], **listed(INCIDENTS))
    async def listing(
        self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], request: AnyRequest
    ) -> Page[IncidentOut]:
        """Incidents of the caller's sites, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, INCIDENTS, asked, _maker(request), scope=actor.scope)

    @get("/{number:int}", operation_id="getIncident", guards=[requires(Action.VIEW)])
    async def one(self, number: FromPath[int], actor: NamedDependency[Actor], request: AnyRequest) -> IncidentOut:
        """One incident by its number."""
        return await _one(number, actor, request)

    @post("/{number:int}/acknowledge", operation_id="acknowledgeIncident", status_code=200,
          guards=[requires(Action.HANDLE_INCIDENT)])  # fmt: skip
    async def acknowledge(
        self, number: FromPath[int], actor: NamedDependency[Actor], request: AnyRequest
    ) -> IncidentOut:
        """Say that somebody has it."""
        await service.acknowledge(actor, number, now=clock.now())
        return await _one(number, actor, request)

    @post("/{number:int}/resolve", operation_id="resolveIncident", status_code=200,
          guards=[requires(Action.HANDLE_INCIDENT)])  # fmt: skip
    async def resolve(
        self, number: FromPath[int], actor: NamedDependency[Actor], request: AnyRequest,
        data: JSONBody[ResolveIn | None] = None,
    ) -> IncidentOut:  # fmt: skip
        """Say that what people reported is mended; it ends what they said."""
        await service.resolve(actor, number, data.note if data else "", now=clock.now())
        return await _one(number, actor, request)


async def _one(number: int, actor: Actor, request: AnyRequest) -> IncidentOut:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, INCIDENTS, ListQuery(limit=1), _maker(request), scope=actor.scope, where=[("i.number = {}", [number])]
        )
    if not found.items:
        raise NotFound()
    return found.items[0]


class QuietIn(BaseModel):
    """Quiet about a site (by its code) or one of its targets, from when to when, and why."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(max_length=20)] | None = None
    target: UUID | None = None
    title: Annotated[str, Field(min_length=1, max_length=160)]
    starts_at: AwareDatetime
    ends_at: AwareDatetime


class QuietOut(BaseModel):
    """A maintenance window or a silence."""

    id: UUID
    site: str | None
    target: UUID | None
    title: str
    starts_at: datetime
    ends_at: datetime
    created_by: str


def _quiet(table: str, words: str) -> Listing:
    return Listing(
        select=f"q.id, s.code as site, q.target, q.{words} as title, q.starts_at, q.ends_at, q.created_by",
        source=f"{table} q left join sites s on s.id = q.site",
        key="q.id",
        columns={
            "site": Column("s.code"), "starts_at": Column("q.starts_at", "timestamptz"),
            "ends_at": Column("q.ends_at", "timestamptz"),
        },
        sort="-starts_at",
        search=("s.search", folded(f"q.{words}"), folded("q.created_by")),
        site="q.site",
    )  # fmt: skip


WINDOWS, SILENCES = _quiet("maintenance_windows", "title"), _quiet("silences", "reason")


_quiet_out = from_row(QuietOut)


@get("/api/v1/maintenance-windows", operation_id="listMaintenanceWindows", guards=[requires(Action.VIEW)],
     tags=["incidents"], **listed(WINDOWS))  # fmt: skip
async def list_windows(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[QuietOut]:
    """Planned work at the caller's sites."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, WINDOWS, asked, _quiet_out, scope=actor.scope)


@post("/api/v1/maintenance-windows", operation_id="planMaintenance", guards=[requires(Action.SILENCE)],
      tags=["incidents"])  # fmt: skip
async def plan(data: JSONBody[QuietIn], actor: NamedDependency[Actor]) -> QuietOut:
    """Plan work: conditions are recorded, nobody is disturbed."""
    made = await service.plan_work(actor, await _wish(actor, data))
    return await _made(WINDOWS, made, actor)


@get("/api/v1/silences", operation_id="listSilences", guards=[requires(Action.VIEW)], tags=["incidents"],
     **listed(SILENCES))  # fmt: skip
async def list_silences(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[QuietOut]:
    """Silences at the caller's sites."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, SILENCES, asked, _quiet_out, scope=actor.scope)


@post("/api/v1/silences", operation_id="silence", guards=[requires(Action.SILENCE)], tags=["incidents"])
async def silence(data: JSONBody[QuietIn], actor: NamedDependency[Actor]) -> QuietOut:
    """Be quiet about a site or a target for a time."""
    made = await service.silence(actor, await _wish(actor, data))
    return await _made(SILENCES, made, actor)


async def _wish(actor: Actor, data: QuietIn) -> service.Quietness:
    site: UUID | None = None
    if data.site is not None:
        async with transaction(actor.scope) as tx:
            site = await tx.fetchval("select id from sites where code = $1", data.site)
        if site is None or not actor.scope.sees(site):
            raise NotFound("There is no such site.")
    return service.Quietness(**{**data.model_dump(), "site": site})


async def _made(listing: Listing, made: UUID, actor: Actor) -> QuietOut:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, listing, ListQuery(limit=1), _quiet_out, where=[("q.id = {}", [made])])
    return found.items[0]


routes: Sequence[ControllerRouterHandler] = [
    Incidents, list_windows, plan, list_silences, silence,
]  # fmt: skip
