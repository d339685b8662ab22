"""The approval of a request as it happens: which steps it has to pass, who decides now, who has to hear of it.

The service asks here when a request is sent and when somebody decides; the request is locked then.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from assets.access.actor import Actor
from assets.access.permissions import ALLOWED, Action, Role
from assets.db import Connection
from assets.equipment_requests import approvals
from assets.equipment_requests.approval_rules import steps as stored
from assets.equipment_requests.approvals import Capacity, Decision, Due, Outcome, Place, Refusal
from assets.equipment_requests.delegations.service import absent_ones, deputies_of
from assets.equipment_requests.workflow import State, Step
from assets.equipment_requests.working_calendar.service import kept
from assets.equipment_requests.working_calendar.working_time import after
from assets.errors import Conflict, Invalid, NotAllowed
from assets.ids import new_id
from assets.web.language import N_

OUTCOMES = {Step.APPROVE: Outcome.APPROVE, Step.RETURN: Outcome.RETURN, Step.REFUSE: Outcome.REFUSE}
# What makes a line what it is; what became of it is not in here.
ASKED = "position, kind, category, consumable, capability, application, holder_post, asset, quantity, unit_cost, name, reason"
ASKING = frozenset(role for role, actions in ALLOWED.items() if Action.REQUEST_EQUIPMENT in actions)
GIVING = frozenset(role for role, actions in ALLOWED.items() if Action.FULFIL_REQUEST in actions)
ANOTHER = N_("Another step of the approval is due; here is how it stands now.")
WHICH = N_("Several steps decide this request: say which one is meant, or which version was seen.")
IN_HAND = frozenset({State.APPROVED, State.IN_FULFILMENT})


@dataclass(frozen=True)
class Course:
    """The steps of a request's present round with what was decided at them; `rows` are the steps as they are stored."""

    steps: tuple[Due, ...] = ()
    decisions: tuple[Decision, ...] = ()
    rows: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def due(self) -> Due | None:
        """Whose turn it is."""
        return approvals.due(self.steps, self.decisions)


@dataclass(frozen=True)
class Ruling:
    """Whether the actor may decide about a request now, and in whose name."""

    course: Course
    capacity: Capacity | None
    reason: str

    @property
    def may(self) -> bool:
        """Whether they may."""
        return self.capacity is not None

    @property
    def on_behalf(self) -> Capacity | None:
        """For whom they would do it; None: in their own name."""
        return self.capacity if self.capacity and self.capacity.on_behalf else None

    def permits(self, allowed: frozenset[Action]) -> frozenset[Action]:
        """What the actor may do at the site, by this ruling and not by their roles alone."""
        return allowed | {Action.DECIDE_REQUEST} if self.may else allowed - {Action.DECIDE_REQUEST}

    def last(self) -> bool:
        """Whether the request is approved once the due step has decided."""
        due = self.course.due
        open_ = [step for step in self.course.steps if due is None or step.position > due.position]
        return not open_


async def courses(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[UUID, Course]:
    """The present round of some requests (`id`, `round`)."""
    asked = await tx.fetch(
        "select q.* from request_steps q join unnest($1::uuid[], $2::smallint[]) as r(id, round) on r.id = q.request "
        "and r.round = q.round order by q.position", [r["id"] for r in rows], [r["round"] for r in rows],
    )  # fmt: skip
    decided = await tx.fetch(
        "select * from approval_decisions where step = any($1) order by at, id", [row["id"] for row in asked]
    )
    of: dict[UUID, UUID] = {row["id"]: row["request"] for row in asked}
    found: dict[UUID, Course] = {}
    for request in {row["id"] for row in rows}:
        own = {row["id"]: row for row in asked if row["request"] == request}
        found[request] = Course(
            tuple(Due(r["id"], r["position"], stored.roles_of(r["roles"]), Place(r["place"])) for r in own.values()),
            tuple(_decision(r) for r in decided if of[r["step"]] == request),
            own,
        )
    return found


def _decision(row: Mapping[str, Any]) -> Decision:
    persons = frozenset(person for person in (row["by"], row["on_behalf_of"]) if person is not None)
    quantities = {int(position): number for position, number in json.loads(row["quantities"]).items()}
    return Decision(row["step"], Outcome(row["outcome"]), persons, quantities)


def capacities(actor: Actor, absent: Sequence[Actor], site: UUID) -> list[Capacity]:
    """In whose names somebody may act at a site: their own, and those whose place they take."""
    return [_capacity(actor, site), *(_capacity(one, site, on_behalf=True) for one in absent)]


def _capacity(actor: Actor, site: UUID, *, on_behalf: bool = False) -> Capacity:
    held: frozenset[tuple[Role, bool]] = frozenset()
    if actor.actions is None or Action.DECIDE_REQUEST in actor.actions:
        held = (
            frozenset((h.role, h.scope.everything) for h in actor.held if h.scope.sees(site))
            if actor.held
            else frozenset((role, actor.scope.everything) for role in actor.roles)
        )
    return Capacity(actor.id, held, on_behalf, actor.name)


def rule(course: Course, actor: Actor, absent: Sequence[Actor], row: Mapping[str, Any], *, same_person: bool) -> Ruling:
    """Whether the actor may decide about this request now."""
    found = approvals.judge(
        course.steps, course.decisions, capacities(actor, absent, row["site"]), actor=actor.id,
        askers=frozenset(who for who in (row["requested_by"], row["changed_by"]) if who), same_person=same_person,
    )  # fmt: skip
    if isinstance(found, Refusal):
        return Ruling(course, None, found.reason)
    return Ruling(course, found, "")


async def ruling(tx: Connection, actor: Actor, row: Mapping[str, Any], now: datetime) -> Ruling:
    """The same, read from the tables. A limited token stands in for nobody."""
    absent = [] if actor.limited else await absent_ones(tx, actor.id, now)
    course = (await courses(tx, [row]))[row["id"]]
    return rule(course, actor, absent, row, same_person=(await stored.settings(tx)).same_person)


def refuse(found: Ruling, state: State, meant: int | None, *, seen: bool) -> None:
    """Say why the actor may not decide: another step is due than the one `meant`, this is not for them, or of several
    steps nobody said which (nor was the request's version `seen`): who decides one would decide the next as well.
    """
    if state is not State.SUBMITTED:
        return
    due = found.course.due
    if meant is not None and due is not None and due.position != meant:
        raise Conflict(ANOTHER, state=state, due=due.position)
    if not found.may:
        raise NotAllowed(found.reason)
    if meant is None and not seen and due is not None and len(found.course.steps) > 1:
        raise Invalid(fields={"step": WHICH}, state=state, due=due.position)


def granted(
    found: Ruling, lines: Sequence[Mapping[str, Any]], quantities: Mapping[int, int], note: str
) -> dict[int, int]:
    """The quantities by line position that the due step approves; Invalid where one is higher than the step before's."""
    asked = {line["position"]: line["quantity"] for line in lines}
    limits = approvals.most(asked, found.course.decisions)
    chosen = {**limits, **quantities}
    wrong = {
        f"approved.{position}": approvals.ONLY_LOWER
        for position, number in chosen.items()
        if position in limits and limits[position] < number <= asked[position]
    }
    lowered = any(chosen[position] < limit for position, limit in limits.items())
    if not wrong and lowered and not note and any(d.outcome is Outcome.APPROVE for d in found.course.decisions):
        wrong["note"] = approvals.WHY_LOWER
    if wrong:
        raise Invalid(fields=wrong)
    return chosen


def signed(actor: Actor, found: Ruling | None) -> str:
    """Who decided, as stories and papers have it: for somebody who is away, with their name."""
    absent = found.on_behalf if found else None
    return f"{actor.name} (thay mặt {absent.name})"[:120] if absent else actor.name


async def decide(
    tx: Connection, actor: Actor, found: Ruling, step: Step, quantities: Mapping[int, int], note: str, now: datetime
) -> None:
    """Write down what was decided at the due step."""
    due, absent = found.course.due, found.on_behalf
    assert due is not None
    await tx.execute(
        "insert into approval_decisions (id, step, outcome, at, by, by_name, on_behalf_of, on_behalf_name, quantities, note) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
        new_id(), due.id, OUTCOMES[step], now, actor.id, actor.name, absent.person if absent else None,
        absent.name if absent else "", json.dumps(quantities), note,
    )  # fmt: skip


async def entered(tx: Connection, row: asyncpg.Record, step: Step, to: State, now: datetime) -> dict[str, object]:
    """The columns of a request that follow from a step: its round, since when who has it, and until when."""
    if step is Step.AMEND or (to is State.IN_FULFILMENT and row["state"] == State.IN_FULFILMENT):
        return {}
    if to is State.SUBMITTED:
        opened = await _opened(tx, row) if step is Step.SUBMIT else {}
        course = (await courses(tx, [{**row, **opened}]))[row["id"]]
        assert course.due is not None
        return {**opened, **await _clock(tx, course.rows[course.due.id]["hours"], now)}
    if to is State.APPROVED:
        return await _clock(tx, (await stored.settings(tx)).fulfil_hours, now)
    if to is State.IN_FULFILMENT:
        return {}
    return {"due_since": None, "target_at": None, "target_hours": 0, "reminded": 0}


async def _clock(tx: Connection, hours: int, now: datetime) -> dict[str, object]:
    target = after((await kept(tx)).calendar, now, timedelta(hours=hours))
    return {"due_since": now, "target_at": target, "target_hours": hours, "reminded": 0}


async def _opened(tx: Connection, row: asyncpg.Record) -> dict[str, object]:
    """A round of its own for what is asked; the present one goes on when nothing of it was changed."""
    lines = await tx.fetch(
        f"select {ASKED} from equipment_request_lines where request = $1 order by position",  # noqa: S608
        row["id"],
    )
    asked = approvals.digest(row["reason"], lines)
    if row["round"] and asked == row["digest"]:
        return {}
    settings = await stored.settings(tx)
    priced = await stored.priced(tx, lines, settings.cost_source)
    total, number = approvals.worth(priced), row["round"] + 1
    await tx.executemany(
        "insert into request_steps (id, request, round, position, name, name_en, roles, place, hours) "
        "values ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
        [
            (new_id(), row["id"], number, position, one.name, one.name_en, json.dumps(sorted(one.roles)), one.place, one.hours)
            for position, one in enumerate(approvals.planned(await stored.rules(tx), priced), start=1)
        ],
    )  # fmt: skip
    return {"round": number, "digest": asked, "value": total.value, "value_known": total.known}


# Whose roles reach a site: over the province, over it, or over the unit that it belongs to under its code of any day.
_PEOPLE = """
select distinct u.id, g.role, g.unit is null and g.site is null as province
from grants g join users u on u.id = g."user" and u.active
where (g.ends_at is null or g.ends_at > $3) and g.role = any($2) and (g.unit is null and g.site is null or g.site = $1
    or g.unit in (select e.id from sites s join administrative_units n on n.id = s.unit
        join administrative_units e on e.id = n.id or e.code = n.code and n.code <> '' where s.id = $1))
"""


async def concerned(tx: Connection, row: Mapping[str, Any], to: State, now: datetime) -> list[UUID]:
    """Who has to hear of it in person: the requester of each decision, the deciders and their deputies of what is due."""
    people = [] if to is State.SUBMITTED and row["state"] != State.SUBMITTED else await _askers(tx, row, now)
    return list(dict.fromkeys([*people, *await who_acts(tx, row, to, now)]))


async def _askers(tx: Connection, row: Mapping[str, Any], now: datetime) -> list[UUID]:
    """Who asked; or, when they have left or act for another unit by now, whoever may ask for this centre."""
    found = await tx.fetch(_PEOPLE, row["site"], sorted(ASKING), now)
    if any(one["id"] == row["requested_by"] for one in found):
        return [row["requested_by"]]
    return [one["id"] for one in found if not one["province"]]


async def step_facts(tx: Connection, row: Mapping[str, Any], to: State) -> dict[str, str]:
    """The name of the step whose turn it is, for a message; nothing where none is."""
    if to is not State.SUBMITTED:
        return {}
    course = await _present(tx, row)
    if course.due is None:
        return {}
    step = course.rows[course.due.id]
    return {"step": step["name"], "step_en": step["name_en"]}


async def _present(tx: Connection, row: Mapping[str, Any]) -> Course:
    fresh = await tx.fetch("select id, round from equipment_requests where id = $1", row["id"])
    return (await courses(tx, fresh))[row["id"]]


async def who_acts(tx: Connection, row: Mapping[str, Any], state: State, now: datetime) -> list[UUID]:
    """Who can do what happens next with a request, by their roles, and who stands in for them; not the requester."""
    if state is State.SUBMITTED:
        due = (await _present(tx, row)).due
        if due is None:
            return []
        roles, place = due.roles, due.place
    elif state in IN_HAND:
        roles, place = GIVING, Place.ANY
    else:
        return []
    found = await tx.fetch(_PEOPLE, row["site"], sorted(roles), now)
    step = Due(row["id"], 1, frozenset(roles), place)
    people = [
        r["id"] for r in found if approvals.fits(step, Capacity(None, frozenset({(Role(r["role"]), r["province"])})))
    ]
    if state is State.SUBMITTED:
        people += await deputies_of(tx, people, now)
    return [person for person in dict.fromkeys(people) if person != row["requested_by"]]
