"""The values of one reading over HTTP: a list in pages, in the order of time."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Invalid, NotFound
from assets.monitoring import storage
from assets.monitoring.storage import Stretch
from assets.web.paging import LIMIT_DEFAULT, LIMIT_MAX, Page, moment

HOURS_DEFAULT = 24
HOURS_MAX = 24 * 31
NAME_MAX = 80
CURSOR_MAX = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Name = Annotated[str, QueryParameter(max_length=NAME_MAX)]
Hours = Annotated[int | None, QueryParameter(ge=1, le=HOURS_MAX, description=f"How far back; else {HOURS_DEFAULT}")]
Since = Annotated[str | None, QueryParameter(name="at__gte", max_length=CURSOR_MAX, description="Instead of `hours`")]
Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)]
Cursor = Annotated[str | None, QueryParameter(max_length=CURSOR_MAX, description="`next` of the page before")]
Sort = Literal["at", "-at"]


class ReadingPoint(BaseModel):
    """One value of a reading; `value` is null where the device said that it does not know."""

    at: datetime
    instance: str
    value: float | None


@get("/api/v1/readings", operation_id="listReadings", guards=[requires(Action.VIEW)], tags=["monitoring"])
async def list_readings(
    target: FromQuery[UUID], reading: Name, actor: NamedDependency[Actor], hours: Hours = None, since: Since = None,
    limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None, sort: FromQuery[Sort] = "at",
) -> Page[ReadingPoint]:  # fmt: skip
    """The values of one reading of one target, oldest first; `sort=-at` for the newest first."""
    whole = Stretch(target, reading, _begin(hours, since, clock.now()), limit=limit + 1, backwards=sort == "-at")
    page = _after(whole, cursor) if cursor else whole
    async with transaction(actor.scope) as tx:
        site = await tx.fetchval("select site from targets where id = $1", target)
        if site is None or not actor.scope.sees(site):
            raise NotFound()
        rows = await storage.history(tx, page)
        total = await storage.history_length(tx, whole)
    items = [ReadingPoint(at=at, instance=instance, value=value) for at, instance, value in rows[:limit]]
    return Page(items=items, total=total, next=_next(page, items) if len(rows) > limit else None)


def _begin(hours: int | None, since: str | None, now: datetime) -> datetime:
    if since is None:
        return now - timedelta(hours=hours or HOURS_DEFAULT)
    if hours is not None:
        raise Invalid(fields={"at__gte": "Either this or `hours`."})
    try:
        return moment(since)
    except (ValueError, OverflowError):
        raise Invalid(fields={"at__gte": "This is not a value of type timestamptz."}) from None


def _after(whole: Stretch, cursor: str) -> Stretch:
    """The rest of a stretch. A cursor is its order, a moment in microseconds, and how many of that moment were shown."""
    found = re.fullmatch(r"(-?at):(\d{1,16}):(\d{1,7})", cursor, re.ASCII)
    if found is None or (found[1] == "-at") is not whole.backwards:
        raise Invalid(fields={"cursor": "This is not a cursor of this list in this order."})
    at, skip = EPOCH + timedelta(microseconds=int(found[2])), int(found[3])
    if whole.backwards:
        return replace(whole, until=at, skip=skip)
    # `hours` goes on with the clock: it may have left the moment of the cursor behind.
    return replace(whole, since=at, skip=skip) if at >= whole.since else whole


def _next(page: Stretch, items: Sequence[ReadingPoint]) -> str:
    last = items[-1].at
    shown = sum(1 for item in items if item.at == last)
    if last == (page.until if page.backwards else page.since):
        shown += page.skip
    return f"{'-at' if page.backwards else 'at'}:{(last - EPOCH) // timedelta(microseconds=1)}:{shown}"
