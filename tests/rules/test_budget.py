"""The pace of what is behind a line: never more than its budget, never silent beyond a bound."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.collector.spending import Spending
from assets.probing.budget import (
    DAY_SECONDS,
    LIGHT_OCTETS,
    LONGEST_SECONDS,
    METERED_OCTETS,
    MOST_OCTETS,
    Load,
    default_budget,
    least,
    plan,
)
from assets.probing.contract import Budget
from tests.fake_prober import target

costs = st.floats(min_value=1, max_value=5_000_000)
intervals = st.sampled_from((5, 10, 30, 60, 300, 900, 1_800, 3_600, 86_400)) | st.integers(5, 86_400)
loads = st.lists(st.tuples(intervals, costs), max_size=60).map(
    lambda drawn: [Load(UUID(int=n), seconds, octets) for n, (seconds, octets) in enumerate(drawn)]
)
budgets = st.floats(min_value=1, max_value=1e11)


def spent(those: list[Load], made: dict[UUID, object]) -> float:
    """What the paces cost, reckoned anew."""
    total = 0.0
    for load in those:
        pace = made[load.id]
        octets = min(load.octets, load.light_octets) if pace.light else load.octets
        total += octets * DAY_SECONDS / pace.interval_seconds
    return total


@given(loads, budgets)
def test_a_plan_keeps_its_budget_or_has_done_all_that_can_be_done(those: list[Load], budget: float) -> None:
    made = plan(those, budget)
    assert set(made.paces) == {load.id for load in those}
    assert made.octets_per_day == pytest.approx(spent(those, dict(made.paces)))
    if made.over:
        assert all(made.paces[load.id].light for load in those)
        assert all(
            made.paces[load.id].interval_seconds == max(LONGEST_SECONDS, load.interval_seconds) for load in those
        )
    else:
        assert made.octets_per_day <= budget


@given(loads, budgets)
def test_nothing_is_asked_more_often_than_assigned_nor_left_alone_beyond_the_bound(
    those: list[Load], budget: float
) -> None:
    made = plan(those, budget)
    for load in those:
        pace = made.paces[load.id]
        assert load.interval_seconds <= pace.interval_seconds <= max(LONGEST_SECONDS, load.interval_seconds)


@given(loads.filter(bool))
def test_the_smallest_budget_that_counts_as_possible_is_kept(those: list[Load]) -> None:
    assert not plan(those, least(len(those))).over


@given(loads, budgets, st.floats(min_value=1, max_value=100))
def test_more_budget_never_makes_anything_rarer(those: list[Load], budget: float, more: float) -> None:
    before, after = plan(those, budget), plan(those, budget * more)
    for load in those:
        if before.paces[load.id].light == after.paces[load.id].light:
            assert after.paces[load.id].interval_seconds <= before.paces[load.id].interval_seconds
        assert before.paces[load.id].light or not after.paces[load.id].light


def test_what_fits_is_left_alone() -> None:
    load = Load(UUID(int=1), 60, 1_000)
    assert plan([load], 1_440_000).paces[load.id].interval_seconds == 60
    slower = plan([load], 1_439_999).paces[load.id]
    assert (slower.interval_seconds, slower.light) == (75, False)


@pytest.mark.parametrize(
    ("kind", "mbps", "expected"),
    [
        ("dedicated", 100, MOST_OCTETS),
        ("fibre", 10, 540_000_000),
        ("mobile", 30, METERED_OCTETS),
        ("satellite", None, METERED_OCTETS),
        ("mobile", 0, METERED_OCTETS),
    ],
)
def test_a_line_of_which_nobody_has_said_it_has_a_budget_by_its_kind(
    kind: str, mbps: int | None, expected: int
) -> None:
    assert default_budget(kind, mbps) == expected


def test_a_metered_line_carries_a_whole_small_centre() -> None:
    """Ten devices by SNMP once a minute on 30 MB a day: slower, but whole looks."""
    those = [Load(UUID(int=n), 60, 3_000) for n in range(10)]
    made = plan(those, METERED_OCTETS)
    assert not made.over
    assert {pace.light for pace in made.paces.values()} == {False}
    assert max(pace.interval_seconds for pace in made.paces.values()) < 120
    assert LIGHT_OCTETS < 3_000


@pytest.mark.parametrize(("posts", "seconds"), [(True, 117), (False, 60)])
def test_what_the_collector_posts_leaves_less_for_the_looks_of_its_line(posts: bool, seconds: int) -> None:
    those = [target(str(n), interval_seconds=60) for n in range(4)]
    octets = 4 * 6_000 * 1_440
    spending = Spending()
    ids = tuple(one.id for one in those)
    spending.assign(those, [Budget(link=uuid4(), name="DT-1", octets_per_day=octets, targets=ids, posts=posts)])
    assert {one.interval_seconds for one in spending.paced(those)} == {60}
    for minute in range(90):
        spending.posted(minute * octets // 3_000, now=minute * 60.0)  # nearly half of what the line allows
    [paced] = {one.interval_seconds for one in spending.paced(those)}
    assert paced == pytest.approx(seconds, abs=1)


def test_a_burst_of_talk_is_no_habit_and_never_takes_more_than_half() -> None:
    those = [target(str(n), interval_seconds=60) for n in range(4)]
    ids = tuple(one.id for one in those)
    spending = Spending()
    spending.assign(those, [Budget(link=uuid4(), name="DT-1", octets_per_day=METERED_OCTETS, targets=ids, posts=True)])
    quiet = {one.interval_seconds for one in spending.paced(those)}
    spending.posted(0, now=0.0)
    spending.posted(150_000, now=60.0)  # its first assignment
    [after] = {one.interval_seconds for one in spending.paced(those)}
    assert after <= 1.3 * max(quiet)
    spending.posted(50_000_000, now=120.0)  # the backlog of a night
    paced = spending.paced(those)
    assert {one.light for one in paced} == {False}
    assert max(one.interval_seconds for one in paced) <= 2 * max(quiet)
    for minute in range(3, 64):
        spending.posted(50_000_000, now=minute * 60.0)
    assert {one.interval_seconds for one in spending.paced(those)} == quiet
