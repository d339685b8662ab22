"""The verbs of reminders: tell what is due today, and set the points of a kind."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record
from assets.clock import LOCAL_ZONE
from assets.db import EVERYTHING, Connection, transaction
from assets.errors import Invalid, NotFound, Stale
from assets.ids import new_id
from assets.inventory.reminders.due import (
    DEFAULT_POINTS,
    LATE_DAYS,
    Kind,
    day_to_do,
    point_to_tell,
    refused_points,
    severity,
)
from assets.notifications.routing import News
from assets.notifications.service import announce_together

SUBJECT = "reminder"  # the subject kind of the grouped message
LINES_MAX = 40  # of one message; the page has the rest
NEVER_TOLD = 10_000
# What can run out: kind, thing, its code and name, site, last day. Each is asked for once, here.
THINGS = """(
    select 'warranty_end' as kind, a.id as subject, a.tag as code,
        coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) as name, a.site, a.warranty_until as ends_on, a.search
    from assets a join asset_models m on m.id = a.model
    where a.warranty_until is not null and a.stage not in ('planned', 'ordered', 'lost', 'disposed')
    union all
    select 'capability_end', c.id, '', c.title, c.site, c.expires_on, ''
    from capabilities c where c.expires_on is not null and c.status in ('issued', 'expired')
    union all
    select 'contract_end', l.id, l.tag, rtrim(l.carrier || ' ' || l.circuit_number), l.site, l.contract_until, l.search
    from links l where l.contract_until is not null
)"""
TOLD = "(select kind, subject, ends_on, min(point) as point, max(told_at) as told_at from reminders group by 1, 2, 3)"
# Both, with where it is: t, s, and r of what was told of this thing and day.
SOURCE = (
    f"{THINGS} t join sites s on s.id = t.site "
    f"left join {TOLD} r on (r.kind, r.subject, r.ends_on) = (t.kind, t.subject, t.ends_on)"
)


async def remind(now: datetime) -> int:
    """Tell what is due today, once a day, grouped into one message a recipient; how many things were told of.

    What nobody wants to be told of stays due for a while: it is told when somebody does.
    """
    async with transaction(EVERYTHING) as tx:
        done = await tx.fetchval("select max(day) from reminder_days")
        day = day_to_do(now.astimezone(LOCAL_ZONE), done)
        # Two workers at once: the second waits for the first here, and finds the day done.
        if day is None or not await tx.fetchval(
            "insert into reminder_days (day, done_at, told) values ($1, $2, 0) on conflict do nothing returning true",
            day, now,
        ):  # fmt: skip
            return 0
        told = await _tell(tx, day, now)
        await tx.execute("update reminder_days set told = $2 where day = $1", day, told)
        return told


async def _tell(tx: Connection, day: date, now: datetime) -> int:
    points = await points_of(tx)
    due = [(row, point) for row in await _open(tx, day, points)
           if (point := point_to_tell(row["ends_on"], points[row["kind"]], row["told"], day)) is not None]  # fmt: skip
    message = new_id()
    told = await announce_together(
        tx, subject_kind=SUBJECT, subject=message, change=day.isoformat(), due_at=now, now=now,
        items=[(News(row["kind"], severity(row["kind"], point), row["site"]), _line(row)) for row, point in due],
        facts=lambda lines: {"day": day.isoformat(), "lines": lines[:LINES_MAX], "total": len(lines)},
    )  # fmt: skip
    await tx.executemany(
        "insert into reminders (id, kind, subject, site, ends_on, point, message, told_at) values ($1,$2,$3,$4,$5,$6,$7,$8)",
        [(new_id(), due[i][0]["kind"], due[i][0]["subject"], due[i][0]["site"], due[i][0]["ends_on"], due[i][1], message, now)
         for i in sorted(told)],
    )  # fmt: skip
    return len(told)


async def _open(tx: Connection, day: date, points: Mapping[str, Sequence[int]]) -> Sequence[Any]:
    """What may be due: the soonest end first, and of what has ended the latest."""
    furthest = max((point for some in points.values() for point in some), default=0)
    rows: Sequence[Any] = await tx.fetch(
        "select t.kind, t.subject, t.code, t.name, t.site, t.ends_on, s.name as site_name, r.point as told "  # noqa: S608
        f"from {SOURCE} "
        "where t.ends_on between $4 and $1 and coalesce(r.point, $2) > 0 order by t.ends_on < $3, abs(t.ends_on - $3), t.subject",
        day + timedelta(days=furthest), NEVER_TOLD, day, day - timedelta(days=LATE_DAYS),
    )  # fmt: skip
    return rows


def _line(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "kind": row["kind"], "code": row["code"], "name": row["name"], "site": row["site_name"],
        "ends_on": row["ends_on"].isoformat(),
    }  # fmt: skip


async def points_of(tx: Connection) -> dict[str, list[int]]:
    """The points of each kind, as the province set them or as they are to begin with."""
    rows = await tx.fetch("select kind, days from reminder_points")
    own = {row["kind"]: [int(day) for day in json.loads(row["days"])] for row in rows}
    return {kind: own.get(kind, list(points)) for kind, points in DEFAULT_POINTS.items()}


async def set_points(actor: Actor, kind: str, days: Sequence[int], *, version: int) -> None:
    """Set the points of a kind that are still as the caller saw them; none switches its reminders off."""
    actor = actor.require_everywhere(Action.EDIT_INVENTORY)
    if kind not in set(Kind):
        raise NotFound()
    wanted = sorted(days, reverse=True)
    if why := refused_points(wanted):
        raise Invalid(fields={"days": why})
    async with transaction(actor.scope) as tx:
        await tx.execute(
            "insert into reminder_points (id, kind, days, version) values ($1,$2,$3,0) on conflict do nothing",
            new_id(), kind, json.dumps(DEFAULT_POINTS[kind]),
        )  # fmt: skip
        before = await tx.fetchrow("select * from reminder_points where kind = $1 for update", kind)
        assert before is not None
        if before["version"] != version:
            raise Stale()
        await tx.execute(
            "update reminder_points set days = $2, version = version + 1 where kind = $1", kind, json.dumps(wanted)
        )
        was = {"days": json.loads(before["days"]), "version": version}
        await record(
            tx, by=actor, action="edit", kind="reminder_point", subject=before["id"], name=kind,
            **differences(was, {"days": wanted, "version": version + 1}),
        )  # fmt: skip
