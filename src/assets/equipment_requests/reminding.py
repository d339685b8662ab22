"""Remind whoever has to act of a request: once when half of its target is gone, once when all of it is."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from assets.db import EVERYTHING, Connection, transaction
from assets.equipment_requests import approving
from assets.equipment_requests.service import KIND
from assets.equipment_requests.workflow import State
from assets.equipment_requests.working_calendar.service import kept, renew_targets
from assets.equipment_requests.working_calendar.working_time import Calendar, amount, worked
from assets.notifications.service import announce

HALF, LATE = 1, 2  # what `reminded` counts up to
CHANGES = {HALF: "half", LATE: "late"}
SEVERITIES = {HALF: "info", LATE: "warning"}


async def remind(now: datetime) -> int:
    """Announce what has reached half its target or all of it; how many requests that were.

    Who was not reminded of the half in time is told once, that it is late.
    """
    async with transaction(EVERYTHING) as tx:
        calendar = (await kept(tx)).calendar
        await renew_targets(tx, calendar, missing=True)
        rows = await tx.fetch(
            "select * from equipment_requests where due_since is not null and due_since < $1 and target_hours > 0 "
            "and reminded < $2 order by id for update skip locked", now, LATE,
        )  # fmt: skip
        told = 0
        for row in rows:
            reached = point(row, calendar, now)
            if reached > row["reminded"]:
                await _tell(tx, row, reached, calendar, now)
                await tx.execute("update equipment_requests set reminded = $2 where id = $1", row["id"], reached)
                told += 1
        return told


def point(row: Mapping[str, Any], calendar: Calendar, now: datetime) -> int:
    """How far a request's target has gone: 0, HALF or LATE."""
    if row["target_at"] is not None and now >= row["target_at"]:
        return LATE
    waited = worked(calendar, row["due_since"], now)
    return HALF if waited * 2 >= timedelta(hours=row["target_hours"]) else 0


async def _tell(tx: Connection, row: Mapping[str, Any], reached: int, calendar: Calendar, now: datetime) -> None:
    since = row["target_at"] if reached == LATE else row["due_since"]
    said = amount(calendar, worked(calendar, since, now))
    state = State(row["state"])
    await announce(
        tx, subject_kind=KIND, subject=row["id"], change=f"{CHANGES[reached]}-{int(row['due_since'].timestamp())}",
        kind=KIND, severity=SEVERITIES[reached], site=row["site"], due_at=now, now=now,
        facts={"number": row["number"], "state": state, "amount": said.number, "days": said.days,
               "hours": row["target_hours"]},
        people=await approving.who_acts(tx, row, state, now),
    )  # fmt: skip
