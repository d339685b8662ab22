"""How a step of a request is taken, whoever takes it: lock it, judge the step, write state, story, audit and messages.

The verbs are in `service` (the request itself), `parts` and `purchases` (what answers it).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from assets.access.actor import SYSTEM, Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.db import Connection
from assets.equipment_requests import approving
from assets.equipment_requests.approving import Ruling
from assets.equipment_requests.queries import PROMISED, address, allowed
from assets.equipment_requests.workflow import Refused, State, Step, Why, move
from assets.errors import AssetsError, Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.notifications.service import announce
from assets.text import clean_block, uncut
from assets.web.language import N_

KIND = "equipment_request"
NOTE_MAX = 2_000
SEVERITY = "info"  # of the messages: an equipment request is no incident
_CHANGED = N_("Somebody else changed this request in the meantime; here is how it stands now.")


@dataclass(frozen=True)
class Filed:
    """Where a request stands after a verb; `again` when the same form had filed it before."""

    id: UUID
    number: int
    state: State
    again: bool = False


@dataclass(frozen=True)
class Doing:
    """What somebody says with a step, the version that they saw and the approval step that they mean (None: whatever it is)."""

    note: str = ""
    version: int | None = None
    due: int | None = None


def shown_number(number: int) -> str:
    """How papers and timelines name a request, the same in every language."""
    return f"ĐN-{number}"


async def lines_for(tx: Connection, request: UUID) -> list[asyncpg.Record]:
    """The lines of a request in their order, with how much of each is promised from somewhere."""
    rows: list[asyncpg.Record] = await tx.fetch(
        "select l.*, l.category as category_id, " + PROMISED + " as promised "
        "from equipment_request_lines l where l.request = $1 order by l.position", request,
    )  # fmt: skip
    return rows


async def locked(tx: Connection, actor: Actor, ref: str) -> asyncpg.Record:
    """A request for update; NotFound when it is another's."""
    column, value = address(ref)
    row: asyncpg.Record | None = await tx.fetchrow(
        f"select * from equipment_requests where {column} = $1 for update",  # noqa: S608
        value,
    )
    if row is None or not actor.scope.sees(row["site"]) or not actor.may(Action.VIEW_REQUESTS):
        raise NotFound()
    return row


def judged(
    actor: Actor, row: asyncpg.Record, step: Step, doing: Doing, *, complete: bool = True, ruling: Ruling | None = None
) -> State:
    """Where the step leads; raises what the workflow's refusal means to a caller.

    A decision about a request also has its `ruling`: what roles alone permit does not count then.
    """
    state = State(row["state"])
    if doing.version is not None and doing.version != row["version"]:
        raise Stale(_CHANGED, state=state)
    note = uncut("note", doing.note, NOTE_MAX, lines=True)  # a note of control characters says nothing
    permitted = allowed(actor, row["site"])
    if ruling is not None:
        approving.refuse(ruling, state, doing.due, seen=doing.version is not None)
        permitted = ruling.permits(permitted)
    to = move(state, step, allowed=permitted, note=note, complete=complete)
    if isinstance(to, Refused):
        raise _error(to, state)
    return to


def in_own_words(doing: Doing, otherwise: str) -> Doing:
    """A step with what its taker says of it, else with what was done, as much of it as a note holds."""
    return Doing(clean_block(doing.note, NOTE_MAX) or clean_block(otherwise, NOTE_MAX), doing.version)


def _error(refused: Refused, state: State) -> AssetsError:
    if refused.why is Why.ROLE:
        return NotAllowed(refused.reason)
    if refused.why is Why.NOTE:
        return Invalid(fields={"note": refused.reason})
    return Conflict(refused.reason, state=state)


async def take(
    tx: Connection, actor: Actor, row: asyncpg.Record, step: Step, doing: Doing, *, now: datetime,
    complete: bool = True, lines: tuple[Mapping[str, object], Mapping[str, object]] = ({}, {}), named: str = "",
    judge: bool = True, ruling: Ruling | None = None,
) -> Filed:  # fmt: skip
    """Take a step with a locked request: state, stamps, story, audit (with what `lines` were and are) and messages.

    `named` is what the story calls it. What happens by itself is judged by nobody's rights (`judge` is false).
    """
    to = judged(actor if judge else SYSTEM, row, step, doing, complete=complete, ruling=ruling)
    name = named or step
    note = clean_block(doing.note, NOTE_MAX)
    by = approving.signed(actor, ruling)
    stamps = {**_stamps(step, to, by, note, now), **await approving.entered(tx, row, step, to, now)}
    sets = "".join(f", {column} = ${position}" for position, column in enumerate(stamps, start=3))
    after = await tx.fetchrow(
        f"update equipment_requests set state = $2, version = version + 1{sets} where id = $1 returning *",  # noqa: S608
        row["id"], to, *stamps.values(),
    )  # fmt: skip
    await story(tx, row["id"], by, name, row["state"], to, note, now)
    await record(
        tx, by=actor, action=name, kind=KIND, subject=row["id"], name=shown_number(row["number"]), site=row["site"],
        reason=note, **differences({**row, **lines[0]}, {**after, **lines[1]}),
    )  # fmt: skip
    if step is not Step.AMEND and not (step is Step.SPLIT and to == row["state"]):  # one more part is no news
        await _tell(tx, row, to, now)
    return Filed(row["id"], row["number"], to)


def _stamps(step: Step, to: State, by: str, note: str, now: datetime) -> dict[str, object]:
    if step is Step.SUBMIT:
        return {"submitted_at": now, "decision_note": ""}
    if step is Step.RETURN:
        return {"decision_note": note}
    if step in (Step.APPROVE, Step.REFUSE) and to is not State.SUBMITTED:
        return {"decided_at": now, "decided_by": by, "decision_note": note}
    return {"fulfilled_at": now} if to is State.FULFILLED else {}


async def story(
    tx: Connection, request: UUID, by: str, action: str, before: str, after: str, note: str, now: datetime
) -> None:
    """One line of a request's story."""
    await tx.execute(
        'insert into equipment_request_events (id, request, at, action, "before", "after", actor_name, note) '
        "values ($1, $2, $3, $4, $5, $6, $7, $8)",
        new_id(), request, now, action, before, after, by, note,
    )  # fmt: skip


async def _tell(tx: Connection, row: asyncpg.Record, to: State, now: datetime) -> None:
    """The one place where a request becomes news: to whoever subscribes to equipment requests of this site, and to those
    whom it concerns in person, where they have a channel of their own.
    """
    await announce(
        tx, subject_kind=KIND, subject=row["id"], change=f"{to}-{row['version'] + 1}", kind=KIND, severity=SEVERITY,
        site=row["site"], due_at=now, now=now,
        facts={"number": row["number"], "state": to, **await approving.step_facts(tx, row, to)},
        people=await approving.concerned(tx, row, to, now),
    )  # fmt: skip
