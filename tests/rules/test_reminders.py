"""When something that ends is told of: cases by hand, and that each point is told once however the days fall."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.reminders.due import (
    DEFAULT_POINTS,
    LATE_DAYS,
    Kind,
    day_to_do,
    next_telling,
    point_to_tell,
    refused_points,
    severity,
)

END = date(2026, 12, 31)
POINTS = (90, 30, 7, 0)


def before(days: int) -> date:
    return END - timedelta(days=days)


@pytest.mark.parametrize(
    ("days_left", "told", "expected"),
    [
        (91, None, None), (90, None, 90), (90, 90, None), (89, None, 90), (89, 90, None), (31, 90, None),
        (30, 90, 30), (29, 30, None), (7, 30, 7), (1, 7, None), (0, 7, 0), (0, 0, None),
        (5, None, 7),  # seen late: one reminder stands for the three that were missed
        (-3, None, 0), (-3, 7, 0), (-3, 0, None), (-30, None, 0),  # ended before anybody looked: once
        (-31, None, None), (-31, 7, None), (-4000, None, None),  # entered long after it ended
        (20, 7, None),  # the points changed: a further one is not told after a nearer one
    ],
)  # fmt: skip
def test_the_point_that_is_due_is_what_the_table_says(days_left: int, told: int | None, expected: int | None) -> None:
    assert point_to_tell(END, POINTS, told, before(days_left)) == expected


def test_without_points_nothing_is_ever_due() -> None:
    assert point_to_tell(END, (), None, before(-5)) is None
    assert next_telling(END, (), None, before(-5)) is None


@pytest.mark.parametrize(
    ("days_left", "told", "expected"),
    [(91, None, before(90)), (90, None, before(90)), (90, 90, before(30)), (8, 30, before(7)), (7, 7, END), (0, 0, None)],
)  # fmt: skip
def test_the_next_day_is_what_the_table_says(days_left: int, told: int | None, expected: date | None) -> None:
    assert next_telling(END, POINTS, told, before(days_left)) == expected


SETS = st.lists(st.integers(0, 730), max_size=10, unique=True)


@given(SETS, st.lists(st.integers(-800, 800), min_size=1, max_size=60))
def test_each_point_is_told_at_most_once_and_the_nearest_reached_one_always(
    points: list[int], looks: list[int]
) -> None:
    told: list[int] = []
    for left in sorted(looks, reverse=True):  # days pass
        for _ in range(2):  # and a look may be repeated, on the same day or by another worker
            if (point := point_to_tell(END, points, min(told, default=None), before(left))) is not None:
                told.append(point)
        reached = [point for point in points if -LATE_DAYS <= left <= point]
        assert not reached or min(reached) in told
    assert told == sorted(set(told), reverse=True), "never twice, never a further one after a nearer one"


@given(SETS, st.integers(0, 60))
def test_when_every_day_is_looked_at_then_each_point_is_told_on_its_day(points: list[int], late: int) -> None:
    told: dict[int, int] = {}
    for left in range(731, -1 - late, -1):
        if (point := point_to_tell(END, points, min(told, default=None), before(left))) is not None:
            told[point] = left
    assert told == {point: point for point in points}


@given(SETS, st.integers(-900, 900), st.none() | st.integers(0, 730))
def test_the_next_day_is_the_day_on_which_it_will_be_due(points: list[int], left: int, told: int | None) -> None:
    found, day = next_telling(END, points, told, before(left)), before(left)
    while point_to_tell(END, points, told, day) is None and day <= END:
        day += timedelta(days=1)
    due = point_to_tell(END, points, told, day)
    if told is None or told <= max(0, min((p for p in points if p < left), default=0)):
        assert found == (day if due is not None else None) or told is not None


@pytest.mark.parametrize(
    ("local", "done", "expected"),
    [
        ("2026-11-26T06:59", None, None), ("2026-11-26T07:00", None, date(2026, 11, 26)),
        ("2026-11-26T23:50", date(2026, 11, 25), date(2026, 11, 26)), ("2026-11-26T07:10", date(2026, 11, 26), None),
        ("2026-11-27T03:00", date(2026, 11, 20), None),  # down for days: it waits for seven and tells of one day
        ("2026-11-27T07:00", date(2026, 11, 20), date(2026, 11, 27)),
        ("2026-11-26T08:00", date(2026, 11, 28), None),  # the clock was set back
    ],
)  # fmt: skip
def test_the_day_to_do_is_what_the_table_says(local: str, done: date | None, expected: date | None) -> None:
    assert day_to_do(datetime.fromisoformat(local), done) == expected


@pytest.mark.parametrize(
    ("days", "fine"),
    [([], True), ([90, 30, 7, 0], True), ([0, 0], False), ([-1], False), ([731], False), (list(range(11)), False)],
)
def test_points_are_few_different_and_within_two_years(days: list[int], *, fine: bool) -> None:
    assert (refused_points(days) is None) is fine


def test_the_nearer_the_louder_and_what_a_centre_needs_the_loudest() -> None:
    assert [severity(Kind.CAPABILITY, point) for point in POINTS] == ["info", "info", "warning", "critical"]
    assert [severity(Kind.WARRANTY, point) for point in POINTS] == ["info", "info", "warning", "warning"]
    assert set(DEFAULT_POINTS) == set(Kind)
