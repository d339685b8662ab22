"""The verbs of the working calendar: read it, and set it as a whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.db import Connection, transaction
from assets.equipment_requests.working_calendar.working_time import (
    EXAMPLE,
    NAME_MAX,
    Calendar,
    DayKind,
    Shift,
    after,
    refused,
)
from assets.errors import Invalid, Stale
from assets.text import clean
from assets.web.language import N_

ONE = UUID("00000000-0000-7000-8000-000000000001")
KIND = "working_calendar"


@dataclass(frozen=True)
class Day:
    """A day that differs from its weekday, with what it is called."""

    day: date
    kind: DayKind
    name: str = ""


@dataclass(frozen=True)
class Kept:
    """The calendar as it is written down; at version 0 nobody has, and it is the example."""

    calendar: Calendar
    days: tuple[Day, ...]
    version: int


async def kept(tx: Connection) -> Kept:
    """The province's calendar, or the example."""
    row = await tx.fetchrow("select * from working_calendars where id = $1", ONE)
    if row is None or not row["version"]:
        return Kept(EXAMPLE, (), 0)
    days = tuple(Day(date.fromisoformat(day), DayKind(kind), name) for day, kind, name in json.loads(row["days"]))
    shifts = tuple(Shift(*numbers) for numbers in json.loads(row["shifts"]))
    return Kept(Calendar(shifts, {one.day: one.kind for one in days}), days, row["version"])


async def set_calendar(actor: Actor, shifts: Sequence[Shift], days: Sequence[Day], *, version: int) -> None:
    """Set hours and days that are still as the caller read them; what is under way gets its new target with it."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    named = [Day(one.day, one.kind, clean(one.name, NAME_MAX)) for one in sorted(days, key=lambda one: one.day)]
    wanted = Calendar(tuple(sorted(set(shifts))), {one.day: one.kind for one in named})
    wrong = refused(wanted.shifts, wanted.days)
    if len(wanted.days) < len(named):
        wrong["days"] = N_("A day stands in the calendar once.")
    if wrong:
        raise Invalid(fields=wrong)
    async with transaction(actor.scope) as tx:
        await tx.execute(
            "insert into working_calendars (id, shifts, days, version) values ($1, '[]', '[]', 0) on conflict do nothing",
            ONE,
        )
        held = await tx.fetchval("select version from working_calendars where id = $1 for update", ONE)
        if held != version:
            raise Stale()
        before = _plain(await kept(tx))
        after_ = _plain(Kept(wanted, tuple(named), version + 1))
        await tx.execute(
            "update working_calendars set shifts = $2, days = $3, version = $4 where id = $1",
            ONE, json.dumps(after_["shifts"]), json.dumps(after_["days"], ensure_ascii=False), version + 1,
        )  # fmt: skip
        await record(tx, by=actor, action="edit", kind=KIND, subject=ONE, **differences(before, after_))
        await renew_targets(tx, wanted)


def _plain(found: Kept) -> Mapping[str, object]:
    return {
        "shifts": [[s.weekday, s.starts, s.ends] for s in found.calendar.shifts],
        "days": [[one.day.isoformat(), one.kind, one.name] for one in found.days],
        "version": found.version,
    }


async def renew_targets(tx: Connection, calendar: Calendar, *, missing: bool = False) -> None:
    """Reckon anew when what waits should be done: all of it, or what has no target yet."""
    rows = await tx.fetch(
        "select id, due_since, target_hours from equipment_requests where due_since is not null and target_hours > 0 "
        "and (not $1 or target_at is null)", missing,
    )  # fmt: skip
    await tx.executemany(
        "update equipment_requests set target_at = $2 where id = $1",
        [(row["id"], after(calendar, row["due_since"], timedelta(hours=row["target_hours"]))) for row in rows],
    )
