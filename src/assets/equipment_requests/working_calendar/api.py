"""The working calendar over HTTP: one document, read and set as a whole."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

from litestar import Controller, Response, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests.working_calendar import service
from assets.equipment_requests.working_calendar.service import Day, Kept
from assets.equipment_requests.working_calendar.working_time import DAYS_MAX, NAME_MAX, SHIFTS_MAX, DayKind, Shift
from assets.errors import Invalid
from assets.web.language import N_
from assets.web.versions import IfMatch, version_of, with_version

_TIME = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"
Clock = Annotated[str, Field(pattern=_TIME)]
NO_TIME = N_("Write a time as hours and minutes, such as 7:30, 7h30 or 07.30; a day ends at 24:00.")
_AS_PEOPLE_WRITE = re.compile(r"([0-9]{1,2}) ?(?:[:.,hg]|giờ) ?([0-9]{2})? ?(?:phút|p)?", re.IGNORECASE)


class ShiftOut(BaseModel):
    """Working time on a day of the week (1 Monday … 7 Sunday), as hours and minutes in Viet Nam."""

    weekday: int
    starts: str
    ends: str


class DayOut(BaseModel):
    """A day that differs from its weekday."""

    day: date
    kind: str
    name: str


class WorkingCalendarOut(BaseModel):
    """When people work; at version 0 nobody has written it down, and it is an example."""

    shifts: list[ShiftOut]
    days: list[DayOut]
    version: int


class ShiftIn(BaseModel):
    """Working time on a day of the week (1 Monday … 7 Sunday); 24:00 is its end."""

    model_config = ConfigDict(extra="forbid")
    weekday: Annotated[int, Field(ge=1, le=7)]
    starts: Clock
    ends: Clock


class DayIn(BaseModel):
    """A holiday, or a day off on which work is made up for."""

    model_config = ConfigDict(extra="forbid")
    day: date
    kind: Literal["holiday", "make_up"]
    name: Annotated[str, Field(max_length=NAME_MAX)] = ""


class WorkingCalendarIn(BaseModel):
    """The whole calendar as it shall be."""

    model_config = ConfigDict(extra="forbid")
    shifts: Annotated[list[ShiftIn], Field(max_length=7 * SHIFTS_MAX)]
    days: Annotated[list[DayIn], Field(max_length=DAYS_MAX)] = []


def minutes(text: str) -> int:
    """HH:MM as minutes of a day; Invalid when it is none."""
    if not re.match(_TIME, text):
        raise Invalid(fields={"shifts": NO_TIME})
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


def minutes_said(text: str) -> int:
    """A time as people write it (7:30, 7h30, 07.30, 7 giờ 30, 7h) as minutes of a day; Invalid when it is none."""
    found = _AS_PEOPLE_WRITE.fullmatch(text.strip())
    return minutes(f"{found[1]:0>2}:{found[2] or '00'}" if found else text)


def written(minute: int) -> str:
    """Minutes of a day as HH:MM."""
    return f"{minute // 60:02}:{minute % 60:02}"


def calendar_out(found: Kept) -> WorkingCalendarOut:
    """The calendar as the API has it."""
    return WorkingCalendarOut(
        shifts=[
            ShiftOut(weekday=s.weekday, starts=written(s.starts), ends=written(s.ends)) for s in found.calendar.shifts
        ],
        days=[DayOut(day=one.day, kind=one.kind, name=one.name) for one in found.days], version=found.version,
    )  # fmt: skip


class WorkingCalendar(Controller):
    """The hours by which targets are reckoned."""

    path = "/api/v1/working-calendar"
    tags = ("equipment requests",)

    @get(operation_id="getWorkingCalendar", guards=[requires(Action.VIEW)])
    async def one(self, actor: NamedDependency[Actor]) -> Response[WorkingCalendarOut]:
        """Hours of the week, holidays and make-up days."""
        return await _one(actor)

    @put(operation_id="setWorkingCalendar", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def set(
        self, data: JSONBody[WorkingCalendarIn], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[WorkingCalendarOut]:
        """Set it as a whole; what waits already gets its new target."""
        shifts = [Shift(s.weekday, minutes(s.starts), minutes(s.ends)) for s in data.shifts]
        days = [Day(one.day, DayKind(one.kind), one.name) for one in data.days]
        await service.set_calendar(actor, shifts, days, version=version_of(if_match))
        return await _one(actor)


async def _one(actor: Actor) -> Response[WorkingCalendarOut]:
    async with transaction(actor.scope) as tx:
        return with_version(calendar_out(await service.kept(tx)))


routes: Sequence[ControllerRouterHandler] = [WorkingCalendar]
