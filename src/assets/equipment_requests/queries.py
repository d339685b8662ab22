"""What people see of equipment requests: the list, one request with its story, the facts beside it. Only reads."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.db import NOTHING, Connection
from assets.equipment_requests import queues
from assets.equipment_requests.queues import DUE_STEP, WAITING_FOR_ME, ApprovalStepOut, Waiting
from assets.equipment_requests.workflow import State, open_steps
from assets.equipment_requests.working_calendar.service import kept
from assets.equipment_requests.working_calendar.working_time import Calendar
from assets.errors import NotFound
from assets.web.language import translate
from assets.web.paging import Column, Conditions, Listing, ListQuery, Page, fetch

NUMBER_MAX = 2**31 - 1


class RequestLineOut(BaseModel):
    """One thing that is asked for: how many, how many were approved (null: not decided) and given, how many are promised from
    somewhere, and how many will not be given after all (`declined`).

    Which of `category`, `consumable`, `capability` (with `application` and `holder_post`) and `asset` says what it is
    depends on `kind`; the others are empty. `unit_cost` is what one is expected to cost in đồng, null where nobody said.
    """

    position: int
    kind: str
    category: str
    consumable: str
    capability: str
    application: str
    holder_post: str
    asset: str
    name: str
    quantity: int
    approved: int | None
    given: int
    promised: int
    declined: int
    unit_cost: int | None
    reason: str
    asset_tags: list[str]


class RequestOut(Waiting):
    """An equipment request: where it stands, in whose hands it is and what happens next, how long that has waited.

    `value` is what it is worth in đồng as far as that is known, reckoned when it was sent (null: not yet).
    """

    id: UUID
    number: int
    site: str
    site_name: str
    unit: str
    state: State
    reason: str
    requested_by: str
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    decided_by: str
    decision_note: str
    fulfilled_at: datetime | None
    holder: str
    next: str
    due_step: str
    waiting_for_me: bool
    value: int | None
    value_known: bool
    lines: list[RequestLineOut]
    version: int


class EventOut(BaseModel):
    """One step that somebody took."""

    at: datetime
    action: str
    before: State | None
    after: State
    by: str
    note: str


class RequestDetail(RequestOut):
    """A request with its story, oldest first, its approval, and the steps that the caller may take now.

    `decide_as` is whose place the caller takes if they decide now (empty: their own), `cannot_decide` why they may not
    although it is their role (empty: they may, or it is not).
    """

    events: list[EventOut]
    approval: list[ApprovalStepOut]
    steps: list[str]
    decide_as: str
    cannot_decide: str


# How much of a line `l` has been promised from somewhere and is not there yet.
PROMISED = """(select coalesce(sum(q.quantity - q.done), 0)::integer from fulfilment_parts q
    where q.line = l.id and q.state in ('planned', 'under_way'))"""
_LINES = f"""(select json_agg(json_build_object(
    'id', l.id, 'position', l.position, 'kind', l.kind, 'name', l.name, 'name_en', l.name_en,
    'category_id', l.category, 'consumable_id', l.consumable, 'application_id', l.application, 'asset_id', l.asset,
    'category', coalesce(c.code, ''), 'consumable', coalesce(k.code, ''),
    'capability', l.capability, 'application', coalesce(p.code, ''), 'holder_post', l.holder_post,
    'asset', coalesce(w.tag, ''), 'quantity', l.quantity, 'approved', l.approved, 'given', l.given,
    'declined', l.declined, 'promised', {PROMISED}, 'unit_cost', l.unit_cost,
    'reason', l.reason, 'asset_tags', coalesce((select json_agg(a.tag order by a.tag) from fulfilments f
        join assets a on a.id = f.asset where f.line = l.id), '[]')) order by l.position)
    from equipment_request_lines l left join asset_categories c on c.id = l.category
    left join consumables k on k.id = l.consumable left join applications p on p.id = l.application
    left join assets w on w.id = l.asset where l.request = r.id) as lines"""  # noqa: S608 - constants only
# What somebody has to act on comes first, the longest waiting before the others; then the rest, the newest first.
_URGENCY = """case r.state when 'submitted' then 0 when 'approved' then 1 when 'in_fulfilment' then 2
    when 'returned' then 3 when 'fulfilled' then 4 when 'draft' then 5 else 9 end * 1e10
    + case when r.state in ('refused', 'closed', 'withdrawn') then -1 else 1 end
    * extract(epoch from coalesce(r.submitted_at, r.created_at))"""
LISTING = Listing(
    select="r.*, s.code as site_code, s.name as site_name, au.name as unit, u.display_name as requester, "
    f"({WAITING_FOR_ME}) as waiting_for_me, {DUE_STEP}, {_LINES}",
    source="equipment_requests r join sites s on s.id = r.site join administrative_units au on au.id = s.unit "
    "join users u on u.id = r.requested_by",
    key="r.id",
    columns={
        "urgency": Column(f"({_URGENCY})::double precision", "double precision", filterable=False),
        "number": Column("r.number", "integer"),
        "state": Column("r.state", choices=tuple(State)),
        "site": Column("s.code"),
        "site_name": Column("s.sort", filterable=False),
        "created_at": Column("r.created_at", "timestamptz"),
        "submitted_at": Column("r.submitted_at", "timestamptz"),
        "decided_at": Column("r.decided_at", "timestamptz"),
        "due_since": Column("r.due_since", "timestamptz"),
        "target_at": Column("r.target_at", "timestamptz"),
        "value": Column("r.value", "bigint"),
        "waiting_for_me": Column(f"({WAITING_FOR_ME})", "boolean", sortable=False),
        # Who cannot serve first, then who is far away, then who has waited long: what an approver looks at.
        "priority": Column(
            "request_priority(r.site, coalesce(r.due_since, r.submitted_at, r.created_at))",
            "double precision",
            filterable=False,
        ),
    },
    sort="urgency",
    search=("r.search", "s.search"),
    site="r.site",
    found_by="equipment_requests",
)


async def listed_requests(tx: Connection, actor: Actor, query: ListQuery, language: str) -> Page[RequestOut]:
    """The requests that the actor may see."""
    now, calendar = clock.now(), (await kept(tx)).calendar
    await queues.mark_waiting(tx, await queues.waiting_for(tx, actor, now, visible(actor)))
    return await fetch(
        tx, LISTING, query, lambda row: _out(row, calendar, now, language), scope=actor.scope, where=[visible(actor)]
    )


def visible(actor: Actor) -> tuple[str, list[object]]:
    """A condition on `r` with its values: the requests of sites where the actor may look at them.

    Drafts are the business of those who may ask there, and stay out for everybody else.
    """
    seen, own = (
        actor.within(action).scope if actor.may(action) else NOTHING
        for action in (Action.VIEW_REQUESTS, Action.REQUEST_EQUIPMENT)
    )
    return (
        "({} or r.site = any({}::uuid[])) and (r.state <> 'draft' or {} or r.site = any({}::uuid[]))",
        [seen.everything, list(seen.sites), own.everything, list(own.sites)],
    )


async def counts(tx: Connection, actor: Actor) -> dict[State, int]:
    """How many requests that the actor may see are in each state."""
    conditions = Conditions()
    text, values = visible(actor)
    conditions.add(text, *values)
    rows = await tx.fetch(
        f"select r.state, count(*) as n from equipment_requests r where {conditions.sql} group by r.state",  # noqa: S608
        *conditions.values,
    )
    found = {State(row["state"]): int(row["n"]) for row in rows}
    return {state: found.get(state, 0) for state in State}


async def one(tx: Connection, actor: Actor, ref: str, language: str) -> RequestDetail:
    """The request with this number or id; NotFound also when it belongs to a site outside the actor's scope."""
    now, calendar = clock.now(), (await kept(tx)).calendar
    row = await row_of(tx, actor, ref)
    approval = await queues.standing(tx, actor, row, now, language)
    permitted = approval.ruling.permits(allowed(actor, row["site"]))
    if State(row["state"]) is not State.SUBMITTED:
        permitted = allowed(actor, row["site"])
    absent = approval.ruling.on_behalf
    waiting = await queues.waiting_for(tx, actor, now, visible(actor), only=row["id"])
    events = await tx.fetch(
        'select at, action, "before", "after", actor_name, note from equipment_request_events '
        "where request = $1 order by at, id", row["id"],
    )  # fmt: skip
    return RequestDetail(
        **_out(row, calendar, now, language).model_dump() | {"waiting_for_me": row["id"] in waiting},
        events=[
            EventOut(
                at=e["at"], action=e["action"], before=e["before"] or None, after=e["after"], by=e["actor_name"],
                note=e["note"],
            )
            for e in events
        ],
        approval=approval.steps,
        steps=sorted(open_steps(State(row["state"]), permitted)),
        decide_as=absent.name if absent else "",
        cannot_decide=translate(language, approval.reason) if row["state"] == State.SUBMITTED and approval.reason else "",
    )  # fmt: skip


def allowed(actor: Actor, site: UUID) -> frozenset[Action]:
    """What the actor's roles permit at a site."""
    return frozenset(action for action in Action if actor.may(action, site))


def address(ref: str) -> tuple[str, int | UUID]:
    """The column and value that a number or an id in an address means; NotFound for anything else."""
    if ref.isascii() and ref.isdigit() and len(ref) <= 10 and int(ref) <= NUMBER_MAX:
        return "number", int(ref)
    try:
        return "id", UUID(ref)
    except ValueError:
        raise NotFound() from None


async def row_of(tx: Connection, actor: Actor, ref: str) -> asyncpg.Record:
    """The listing's row of one request; NotFound like `one`."""
    column, value = address(ref)
    conditions = Conditions()
    conditions.add(f"r.{column} = {{}}", value)
    text, values = visible(actor)
    conditions.add(text, *values)
    row: asyncpg.Record | None = await tx.fetchrow(
        f"select {LISTING.select} from {LISTING.source} where {conditions.sql}",  # noqa: S608
        *conditions.values,
    )
    if row is None or not actor.scope.sees(row["site"]):
        raise NotFound()
    return row


def _out(row: asyncpg.Record, calendar: Calendar, now: datetime, language: str) -> RequestOut:
    state = State(row["state"])
    same = ("id", "number", "site_name", "unit", "reason", "created_at", "submitted_at", "decided_at", "decided_by",
            "decision_note", "fulfilled_at", "waiting_for_me", "value", "value_known", "version")  # fmt: skip
    holder, next_ = queues.stands(row, language)
    return RequestOut(
        **queues.aged(row, calendar, now, language).model_dump(), due_step=queues.due_step(row, language),
        **{name: row[name] for name in same}, site=row["site_code"], state=state, requested_by=row["requester"],
        holder=holder, next=next_,
        lines=[_line(line, language) for line in lines_of(row)],
    )  # fmt: skip


def lines_of(row: asyncpg.Record) -> list[dict[str, Any]]:
    """The lines of a row, with the ids that RequestLineOut leaves out."""
    found: list[dict[str, Any]] = json.loads(row["lines"] or "[]")
    return found


def _line(line: Mapping[str, Any], language: str) -> RequestLineOut:
    return RequestLineOut(**{**line, "name": named(line, language)})


def named(thing: Mapping[str, Any], language: str) -> str:
    """What something is called in a language."""
    return str((thing["name_en"] if language == "en" else "") or thing["name"])
