"""Whose turn it is, as people see it: what waits for somebody, how old it is, and the steps of one request. Only reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.db import NOTHING, Connection
from assets.equipment_requests import approvals, approving
from assets.equipment_requests.approval_rules import steps as stored
from assets.equipment_requests.approvals import DEFAULT, Decision, Outcome
from assets.equipment_requests.approving import Ruling
from assets.equipment_requests.delegations.service import absent_ones
from assets.equipment_requests.workflow import STANDING, State
from assets.equipment_requests.working_calendar.working_time import Calendar, age, amount
from assets.ids import new_id
from assets.web.language import N_, translate
from assets.web.paging import Conditions
from assets.web.words import word

# What a list tells its rows apart by; set for a transaction by `mark_waiting`.
WAITING_FOR_ME = (
    "r.id = any(coalesce(string_to_array(nullif(current_setting('assets.waiting', true), ''), ',')::uuid[], "
    "array[]::uuid[]))"
)
DUE_STEP = """(select json_build_object('name', q.name, 'name_en', q.name_en, 'roles', q.roles)
    from request_steps q where q.request = r.id and q.round = r.round and r.state = 'submitted' and not exists (
    select from approval_decisions d where d.step = q.id and d.outcome = 'approve') order by q.position limit 1) as due_step"""
HOUR_SECONDS = 3_600
DECIDED_THERE = N_("It is decided there, or answered with a reason.")


class Waiting(BaseModel):
    """How long something has waited for whoever has to act, in working time, and when it should be done.

    Null where nobody has to act; `late_hours` is 0 until the target has passed, `age` says it in words.
    """

    due_since: datetime | None
    target_at: datetime | None
    target_hours: int | None
    waited_hours: float | None
    late_hours: float | None
    age: str


class ApprovalStepOut(BaseModel):
    """A step of a request's approval: `state` is done, due, to_come, or void when what it approved was changed later.

    `approved` are the quantities by line position that were approved there.
    """

    round: int
    position: int
    name: str
    who: str
    state: str
    target_hours: int
    decided_at: datetime | None
    decided_by: str
    on_behalf_of: str
    approved: dict[int, int]
    note: str


async def waiting_for(
    tx: Connection, actor: Actor, now: datetime, visible: tuple[str, list[object]], only: UUID | None = None
) -> set[UUID]:
    """The requests (or of them `only` one) that wait for this person: to decide, to hand out, or as the centre that asked."""
    conditions = Conditions(["r.state in ('submitted', 'approved', 'in_fulfilment', 'returned', 'fulfilled')"])
    conditions.add(visible[0], *visible[1])
    if only is not None:
        conditions.add("r.id = {}", only)
    rows = await tx.fetch(
        f"select r.id, r.site, r.state, r.requested_by, r.changed_by, r.round from equipment_requests r where {conditions.sql}",  # noqa: S608
        *conditions.values,
    )
    giving, asking = (
        actor.within(action).scope if actor.may(action) else NOTHING
        for action in (Action.FULFIL_REQUEST, Action.REQUEST_EQUIPMENT)
    )
    found = {row["id"] for row in rows if State(row["state"]) in approving.IN_HAND and giving.sees(row["site"])}
    if not asking.everything:
        found |= {row["id"] for row in rows if row["state"] in ("returned", "fulfilled") and asking.sees(row["site"])}
    submitted = [row for row in rows if row["state"] == State.SUBMITTED]
    courses = await approving.courses(tx, submitted)
    same_person = (await stored.settings(tx)).same_person
    absent = [] if actor.limited else await absent_ones(tx, actor.id, now)
    for row in submitted:
        if approving.rule(courses[row["id"]], actor, absent, row, same_person=same_person).may:
            found.add(row["id"])
    return found


async def mark_waiting(tx: Connection, waiting: set[UUID]) -> None:
    """Let WAITING_FOR_ME know, until the transaction ends."""
    await tx.execute("select set_config('assets.waiting', $1, true)", ",".join(str(one) for one in sorted(waiting)))


def aged(row: Mapping[str, Any], calendar: Calendar, now: datetime, language: str) -> Waiting:
    """The age of a request's row (`due_since`, `target_at`, `target_hours`)."""
    if row["due_since"] is None:
        return Waiting(
            due_since=None, target_at=None, target_hours=None, waited_hours=None, late_hours=None, age=""
        )  # fmt: skip
    found = age(calendar, row["due_since"], row["target_at"], now)
    return Waiting(
        due_since=row["due_since"], target_at=row["target_at"], target_hours=row["target_hours"] or None,
        waited_hours=_hours(found.waited.total_seconds()), late_hours=_hours(found.late.total_seconds()),
        age=_in_words(calendar, found.waited.total_seconds(), found.late.total_seconds(), row["target_hours"], language),
    )  # fmt: skip


def _hours(seconds: float) -> float:
    return round(seconds / HOUR_SECONDS, 1)


def _in_words(calendar: Calendar, waited: float, late: float, target: int, language: str) -> str:
    if late >= 60:
        over = amount(calendar, timedelta(seconds=late))
        text = N_("%(number)d working days overdue") if over.days else N_("%(number)d working hours overdue")
        return translate(language, text, number=over.number)
    if waited < HOUR_SECONDS:
        return translate(language, N_("less than one working hour of %(target)d"), target=target)
    return translate(
        language, N_("%(number)d of %(target)d working hours"), number=int(waited // HOUR_SECONDS), target=target
    )


def who(roles: Sequence[str] | frozenset[str], language: str) -> str:
    """The roles of a step in words."""
    return " / ".join(translate(language, word("role", role)) for role in sorted(roles))


def stands(row: Mapping[str, Any], language: str) -> tuple[str, str]:
    """In whose hands a request is and what happens next: of the due step where the province has set its own."""
    due, usual = json.loads(row["due_step"]) if row["due_step"] else None, STANDING[State(row["state"])]
    if due is None or stored.roles_of(json.dumps(due["roles"])) == DEFAULT.roles:
        return translate(language, usual.holder), translate(language, usual.next)
    return f"{_named(due, language)} ({who(due['roles'], language)})", translate(language, DECIDED_THERE)


def due_step(row: Mapping[str, Any], language: str) -> str:
    """The name of the step whose turn it is; empty where none is."""
    return _named(json.loads(row["due_step"]), language) if row["due_step"] else ""


def _named(row: Mapping[str, Any], language: str) -> str:
    return str((row["name_en"] if language == "en" else "") or row["name"])


@dataclass(frozen=True)
class Standing:
    """The approval of one request for one person."""

    steps: list[ApprovalStepOut]
    ruling: Ruling

    @property
    def reason(self) -> str:
        """Why they may not decide although it is their role; empty otherwise."""
        return self.ruling.reason if self.ruling.reason in (approvals.OWN, approvals.TWICE) else ""


async def standing(tx: Connection, actor: Actor, row: Mapping[str, Any], now: datetime, language: str) -> Standing:
    """The steps of a request, those of rounds that are void first, and whether the actor decides now."""
    ruling = await approving.ruling(tx, actor, row, now)
    rows = await tx.fetch(
        "select q.*, d.at, d.by_name, d.on_behalf_name, d.quantities, d.note, d.step is not null as approved "
        "from request_steps q left join approval_decisions d on d.step = q.id and d.outcome = $2 "
        "where q.request = $1 and (q.round = $3 or d.step is not null) order by q.round, q.position",
        row["id"], Outcome.APPROVE, row["round"],
    )  # fmt: skip
    due = ruling.course.due if row["state"] == State.SUBMITTED else None
    open_ = State(row["state"]) in (State.SUBMITTED, State.RETURNED)  # else nothing is to come any more
    shown = [_step(one, row, due.id if due else None, language) for one in rows if open_ or one["approved"]]
    return Standing(shown, ruling)


def _step(one: Mapping[str, Any], row: Mapping[str, Any], due: UUID | None, language: str) -> ApprovalStepOut:
    if one["round"] < row["round"]:
        state = "void"
    elif one["approved"]:
        state = "done"
    else:
        state = "due" if one["id"] == due else "to_come"
    return ApprovalStepOut(
        round=one["round"], position=one["position"], name=_named(one, language),
        who=who(stored.roles_of(one["roles"]), language), state=state, target_hours=one["hours"],
        decided_at=one["at"], decided_by=one["by_name"] or "", on_behalf_of=one["on_behalf_name"] or "",
        approved=json.loads(one["quantities"] or "{}"), note=one["note"] or "",
    )  # fmt: skip


class Lined(Protocol):
    """A line as its page has it."""

    position: int
    quantity: int


class Approved(Protocol):
    """A request with its lines and the steps of its approval."""

    @property
    def lines(self) -> Sequence[Lined]:
        """What was asked for."""

    @property
    def approval(self) -> Sequence[ApprovalStepOut]:
        """Its steps."""


def most(view: Approved) -> dict[int, int]:
    """How many of each line the due step can still approve, by position."""
    before = [Decision(new_id(), Outcome.APPROVE, quantities=s.approved) for s in view.approval if s.state == "done"]
    return approvals.most({line.position: line.quantity for line in view.lines}, before)
