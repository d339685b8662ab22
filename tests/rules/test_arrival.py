"""When it happened, from two clocks of which one may be wrong and a way that may be slow."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.monitoring.arrival import PAST_MAX, Clock, TooStrange, happened_at, judge_clock
from assets.probing.contract import Observation
from assets.probing.readings import Outcome

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
S = timedelta(seconds=1)


def seen(observed_at: datetime, age: float | None = None) -> Observation:
    return Observation(
        sequence=1, target=UUID(int=1), observed_at=observed_at, age_seconds=age, outcome=Outcome.ANSWERED
    )


CASES = [
    ("a right clock", seen(NOW - 30 * S), NOW, NOW - 30 * S),
    ("five minutes slow, corrected", seen(NOW - 330 * S), NOW - 300 * S, NOW - 30 * S),
    ("booted in 1970, still there, corrected", seen(datetime(1970, 1, 1, tzinfo=UTC)), datetime(1970, 1, 1, 0, 1, tzinfo=UTC),
     NOW - 60 * S),
    ("booted in 1970 and set right since: the age is right", seen(datetime(1970, 1, 1, tzinfo=UTC), 600), NOW, NOW - 600 * S),
    ("next year, corrected", seen(NOW + timedelta(days=365)), NOW + timedelta(days=365), NOW),
]  # fmt: skip


@pytest.mark.parametrize(("why", "observation", "sent_at", "expected"), CASES, ids=[c[0] for c in CASES])
def test_when_a_clock_is_wrong_then_the_moment_is_right(
    why: str, observation: Observation, sent_at: datetime, expected: datetime
) -> None:
    assert happened_at(observation, clock=judge_clock(sent_at, NOW, None), received_at=NOW) == expected


@pytest.mark.parametrize(
    "observation", [seen(NOW + timedelta(days=2)), seen(datetime(1970, 1, 1, tzinfo=UTC)), seen(NOW - PAST_MAX - S)]
)
def test_when_a_moment_cannot_be_true_then_it_is_refused_with_its_reason(observation: Observation) -> None:
    assert isinstance(happened_at(observation, clock=Clock(timedelta()), received_at=NOW), TooStrange)


def test_when_a_post_takes_half_a_minute_then_the_look_is_not_half_a_minute_late() -> None:
    slow = judge_clock(NOW - 30 * S, NOW, timedelta(milliseconds=20))
    assert happened_at(seen(NOW - 40 * S, 10), clock=slow, received_at=NOW) == NOW - 40 * S + timedelta(milliseconds=20)


def test_when_the_clock_was_set_back_an_hour_then_that_is_no_slow_way() -> None:
    assert judge_clock(NOW - 3600 * S, NOW, timedelta()) == Clock(3600 * S)


@given(st.lists(st.floats(0, 50), min_size=1, max_size=20), st.floats(-1e6, 1e6))
def test_a_slow_way_never_makes_a_clock_look_slower_than_it_is(delays: list[float], offset: float) -> None:
    known, true = None, timedelta(seconds=offset)
    for delay in delays:
        clock = judge_clock(NOW - true - timedelta(seconds=delay), NOW, known)
        known = clock.offset
        assert true <= known <= true + timedelta(seconds=max(delays)) + timedelta(milliseconds=1)
