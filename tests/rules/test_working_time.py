"""Working hours: cases by hand in Viet Nam's time, and that adding up and looking ahead agree."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.clock import LOCAL_ZONE
from assets.equipment_requests.working_calendar.api import minutes_said
from assets.equipment_requests.working_calendar.working_time import (
    EXAMPLE,
    Age,
    Amount,
    Calendar,
    DayKind,
    Shift,
    after,
    age,
    amount,
    refused,
    worked,
)
from assets.errors import Invalid

# Monday 30 November to Wednesday 2 December 2026.
HOLIDAYS = Calendar(EXAMPLE.shifts, {date(2026, 12, 1): DayKind.HOLIDAY, date(2026, 12, 5): DayKind.MAKE_UP})


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=LOCAL_ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "hours"),
    [
        (EXAMPLE, at(30, 7), at(30, 17), 8),
        (EXAMPLE, at(30, 6), at(30, 12), 4),
        (EXAMPLE, at(30, 11, 30), at(30, 12, 30), 0),  # at noon
        (EXAMPLE, at(27, 16), at(30, 8), 2),  # Friday evening to Monday morning
        (EXAMPLE, at(28, 8), at(29, 20), 0),  # a weekend
        (EXAMPLE, at(30, 10), at(30, 9), 0),  # the wrong way round
        (HOLIDAYS, at(30, 16), at(2, 8, month=12), 2),  # over a holiday
        (HOLIDAYS, at(4, 16, month=12), at(6, 0, month=12), 9),  # Saturday is worked
        (Calendar(()), at(1, 0), at(30, 0), 0),
    ],
)
def test_working_time_between_two_moments(calendar: Calendar, start: datetime, end: datetime, hours: float) -> None:
    assert worked(calendar, start, end) == timedelta(hours=hours)


def test_the_day_is_that_of_viet_nam() -> None:
    # Sunday 23:30 UTC is Monday 06:30 in Viet Nam.
    assert after(EXAMPLE, datetime(2026, 11, 29, 23, 30, tzinfo=UTC), timedelta(hours=1)) == at(30, 8)


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "expected"),
    [
        (EXAMPLE, at(30, 7), 8, at(30, 17)),  # not the next morning
        (EXAMPLE, at(27, 16), 16, at(1, 16, month=12)),
        (HOLIDAYS, at(30, 16), 2, at(2, 8, month=12)),
        (Calendar(()), at(30, 16), 1, None),
    ],
)
def test_the_moment_at_which_so_much_has_passed(
    calendar: Calendar, start: datetime, hours: float, expected: datetime | None
) -> None:
    assert after(calendar, start, timedelta(hours=hours)) == expected


def test_age_and_how_people_say_it() -> None:
    found = age(EXAMPLE, at(23, 7), at(24, 17), at(27, 9))
    assert found == Age(timedelta(hours=34), timedelta(hours=18))
    assert amount(EXAMPLE, found.late) == Amount(2, True)
    assert amount(EXAMPLE, timedelta(hours=7)) == Amount(7, False)
    assert amount(EXAMPLE, timedelta(minutes=5)) == Amount(1, False)
    assert age(EXAMPLE, at(23, 7), None, at(23, 9)).late == timedelta(0)


shifts = st.builds(
    lambda weekday, start, length: Shift(weekday, start, min(1440, start + length)),
    st.integers(1, 7), st.integers(0, 1380), st.integers(1, 600),
)  # fmt: skip
days = st.dictionaries(st.dates(date(2026, 11, 1), date(2027, 1, 31)), st.sampled_from(DayKind), max_size=12)
moments = st.integers(0, 60 * 24 * 60).map(lambda m: at(1, 0) + timedelta(minutes=m))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    found: list[Shift] = []
    for one in sorted(draw(st.lists(shifts, max_size=6))):
        if not found or found[-1].weekday != one.weekday or found[-1].ends <= one.starts:
            found.append(one)
    return Calendar(tuple(found), draw(days))


@settings(max_examples=60, deadline=None)
@given(calendars(), st.tuples(moments, moments, moments))
def test_time_adds_up(calendar: Calendar, three: tuple[datetime, datetime, datetime]) -> None:
    a, b, c = sorted(three)
    assert worked(calendar, a, b) + worked(calendar, b, c) == worked(calendar, a, c)
    assert timedelta(0) <= worked(calendar, a, c) <= c - a


@settings(max_examples=60, deadline=None)
@given(calendars(), moments, st.integers(1, 60 * 60))
def test_looking_ahead_and_adding_up_agree(calendar: Calendar, start: datetime, minutes: int) -> None:
    found = after(calendar, start, timedelta(minutes=minutes))
    if found is None:
        return
    assert worked(calendar, start, found) == timedelta(minutes=minutes)
    assert worked(calendar, start, found - timedelta(minutes=1)) < timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("shifts", "wrong"),
    [
        ([Shift(1, 60, 120)], set()), ([], {"shifts"}), ([Shift(8, 60, 120)], {"shifts"}), ([Shift(1, 120, 60)], {"shifts"}),
        ([Shift(1, 60, 120), Shift(1, 110, 130)], {"shifts"}), ([Shift(1, 60, 120), Shift(1, 120, 130)], set()),
        ([Shift(1, n, n + 1) for n in range(0, 10, 2)], {"shifts"}), ([Shift(1, 0, 1441)], {"shifts"}),
    ],
)  # fmt: skip
def test_what_cannot_be_worked_by(shifts: list[Shift], wrong: set[str]) -> None:
    assert set(refused(shifts, {})) == wrong


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("07:30", 450), ("7:30", 450), ("7h30", 450), ("07.30", 450), ("7g30", 450), ("7 giờ 30 phút", 450), ("7H30", 450),
        (" 7h ", 420), ("7 giờ", 420), ("24:00", 1440), ("0:00", 0), ("23,59", 1439),
    ],
)  # fmt: skip
def test_a_time_is_read_as_people_write_it(text: str, minute: int) -> None:
    assert minutes_said(text) == minute


@pytest.mark.parametrize(
    "text", ["", "7", "730", "7:3", "24:01", "25:00", "7:60", "-1:00", "7h30x", "٧:30", "07:30:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        minutes_said(text)
