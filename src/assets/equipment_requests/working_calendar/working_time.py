"""Working hours between two moments, and the moment at which so many have passed, in Viet Nam. Pure.

A week has shifts by its days (1 is Monday). A holiday has none; a make-up day has those of the first weekday that has
any. Viet Nam keeps one time all year, so that minutes of a day add up without exceptions.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from assets.clock import LOCAL_ZONE
from assets.web.language import N_

DAY_MINUTES = 24 * 60
SHIFTS_MAX = 4  # of one weekday
DAYS_MAX = 1_000  # of holidays and make-up days
LOOK_DAYS = 3 * 366  # how far a moment is looked for: a calendar without work has none
NAME_MAX = 120


class DayKind(StrEnum):
    """What is different about a day."""

    HOLIDAY = "holiday"
    MAKE_UP = "make_up"


@dataclass(frozen=True, order=True)
class Shift:
    """Working time on each such weekday (1 Monday … 7 Sunday), in minutes from its midnight."""

    weekday: int
    starts: int
    ends: int


@dataclass(frozen=True)
class Calendar:
    """Shifts of a week in their order, and the days that differ from it."""

    shifts: tuple[Shift, ...]
    days: Mapping[date, DayKind] = field(default_factory=dict)

    def of(self, day: date) -> tuple[Shift, ...]:
        """The shifts that are worked on a day."""
        kind = self.days.get(day)
        if kind is DayKind.HOLIDAY:
            return ()
        own = tuple(shift for shift in self.shifts if shift.weekday == day.isoweekday())
        if kind is DayKind.MAKE_UP and not own:
            first = min((shift.weekday for shift in self.shifts), default=0)
            return tuple(shift for shift in self.shifts if shift.weekday == first)
        return own

    @property
    def day_length(self) -> timedelta:
        """How long a working day is: the mean of the weekdays that have shifts, 8 hours where none has."""
        days = {shift.weekday for shift in self.shifts}
        minutes = sum(shift.ends - shift.starts for shift in self.shifts)
        return timedelta(minutes=minutes / len(days)) if days else timedelta(hours=8)


# An example until the province has written down its own hours: Monday to Friday, twice four hours.
EXAMPLE = Calendar(
    tuple(
        Shift(weekday, starts, ends)
        for weekday in range(1, 6)
        for starts, ends in ((7 * 60, 11 * 60), (13 * 60, 17 * 60))
    )
)


def worked(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """The working time between two moments; nothing when the end is not after the start."""
    if end <= start:
        return timedelta(0)
    return sum(
        (min(until, end) - max(since, start) for since, until in _spans(calendar, start, end) if until > start),
        timedelta(0),
    )


def after(calendar: Calendar, start: datetime, wanted: timedelta) -> datetime | None:
    """The first moment at which `wanted` of working time has passed; None when the calendar has no more of it."""
    left = wanted
    for since, until in _spans(calendar, start, start + timedelta(days=LOOK_DAYS)):
        begin = max(since, start)
        if until <= begin:
            continue
        if until - begin >= left:
            return begin + left
        left -= until - begin
    return None


def _spans(calendar: Calendar, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The shifts as moments, in order, from the day of `start` on, that begin before `end`."""
    day = start.astimezone(LOCAL_ZONE).date()
    last = end.astimezone(LOCAL_ZONE).date()
    while day <= last:
        midnight = datetime.combine(day, time(), LOCAL_ZONE).astimezone(start.tzinfo)
        for shift in calendar.of(day):
            since, until = midnight + timedelta(minutes=shift.starts), midnight + timedelta(minutes=shift.ends)
            if since < end:
                yield since, until
        day += timedelta(days=1)


@dataclass(frozen=True)
class Age:
    """How long something has waited in working time, and by how much it is late (nothing: it is not)."""

    waited: timedelta
    late: timedelta


def age(calendar: Calendar, since: datetime, target_at: datetime | None, now: datetime) -> Age:
    """The age of what waits since a moment and should be done at another (None: whenever)."""
    late = worked(calendar, target_at, now) if target_at else timedelta(0)
    return Age(worked(calendar, since, now), late)


@dataclass(frozen=True)
class Amount:
    """A number of whole working days, or of hours where it is less than one."""

    number: int
    days: bool


def amount(calendar: Calendar, span: timedelta) -> Amount:
    """How people say a working time: whole days once there is one, else hours, at least one."""
    days = int(span / calendar.day_length)
    return Amount(days, True) if days else Amount(max(1, int(span / timedelta(hours=1))), False)


def refused(shifts: Iterable[Shift], days: Mapping[date, DayKind]) -> dict[str, str]:
    """What is wrong with a calendar, a source phrase by field; nothing when it can be worked by."""
    wrong: dict[str, str] = {}
    ordered = sorted(shifts)
    for shift in ordered:
        if not 1 <= shift.weekday <= 7 or not 0 <= shift.starts < shift.ends <= DAY_MINUTES:
            wrong["shifts"] = N_("A shift begins before it ends, on one day.")
    for before, following in pairwise(ordered):
        if before.weekday == following.weekday and following.starts < before.ends:
            wrong["shifts"] = N_("Two shifts of a day overlap.")
    if any(sum(1 for s in ordered if s.weekday == weekday) > SHIFTS_MAX for weekday in range(1, 8)):
        wrong["shifts"] = N_("A day has at most 4 shifts.")
    if not ordered:
        wrong["shifts"] = N_("Somebody must work on some day of the week.")
    if len(days) > DAYS_MAX:
        wrong["days"] = N_("There are too many days; remove those of years gone by.")
    return wrong
