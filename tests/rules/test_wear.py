"""Hao mòn: cases by hand, and what holds of every cost, rule and day."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.wear import WHOLE, Reason, Rule, Wear, open_year, refused, wear

FIVE, SEVEN = Rule(5, 10_000_000, 2000), Rule(7, 10_000_000, 1429)
MAY = date(2024, 5, 20)


@pytest.mark.parametrize(
    ("cost", "used", "rule", "as_of", "expected"),
    [
        # the first year counts in full, and not before its 31 December
        (15_000_000, MAY, FIVE, date(2024, 12, 30), Wear(5, 3_000_000, 0, 15_000_000)),
        (15_000_000, MAY, FIVE, date(2024, 12, 31), Wear(5, 3_000_000, 3_000_000, 12_000_000)),
        (15_000_000, date(2024, 12, 31), FIVE, date(2024, 12, 31), Wear(5, 3_000_000, 3_000_000, 12_000_000)),
        (15_000_000, MAY, FIVE, date(2025, 1, 1), Wear(5, 3_000_000, 3_000_000, 12_000_000)),
        (15_000_000, MAY, FIVE, date(2028, 12, 30), Wear(5, 3_000_000, 12_000_000, 3_000_000)),
        (15_000_000, MAY, FIVE, date(2028, 12, 31), Wear(5, 3_000_000, 15_000_000, 0, True)),
        (15_000_000, MAY, FIVE, date(2099, 6, 1), Wear(5, 3_000_000, 15_000_000, 0, True)),
        # whole đồng, and the last year takes the rest
        (12_345_678, MAY, SEVEN, date(2029, 12, 31), Wear(7, 1_764_197, 10_585_182, 1_760_496)),
        (12_345_678, MAY, SEVEN, date(2030, 12, 31), Wear(7, 1_764_197, 12_345_678, 0, True)),
        (10_000_000, MAY, Rule(7), date(2029, 12, 31), Wear(7, 1_428_571, 8_571_426, 1_428_574)),
        (10_000_000, MAY, Rule(1), date(2024, 12, 31), Wear(1, 10_000_000, 10_000_000, 0, True)),
        (3, MAY, Rule(5), date(2027, 12, 31), Wear(5, 0, 0, 3)),
        # the threshold itself is a fixed asset, a đồng less is a tool
        (10_000_000, MAY, FIVE, date(2024, 6, 1), Wear(5, 2_000_000, 0, 10_000_000)),
        (9_999_999, MAY, FIVE, date(2030, 1, 1), Wear(5, reason=Reason.BELOW_THRESHOLD)),
        # why there is none
        (None, None, None, MAY, Wear(reason=Reason.NO_COST)),
        (15_000_000, None, FIVE, MAY, Wear(reason=Reason.NO_DATE)),
        (15_000_000, MAY, None, MAY, Wear(reason=Reason.NO_RATE)),
        (15_000_000, MAY, FIVE, date(2024, 5, 19), Wear(reason=Reason.NOT_YET)),
        (15_000_000, MAY, FIVE, MAY, Wear(5, 3_000_000, 0, 15_000_000)),
        (0, MAY, Rule(5), date(2030, 1, 1), Wear(5, 0, 0, 0, True)),
        # the ends of the calendar
        (15_000_000, MAY, FIVE, date.max, Wear(5, 3_000_000, 15_000_000, 0, True)),
        (15_000_000, date.min, FIVE, date.min, Wear(5, 3_000_000, 0, 15_000_000)),
    ],
)  # fmt: skip
def test_wear_is_what_the_table_says(
    cost: int | None, used: date | None, rule: Rule | None, as_of: date, expected: Wear
) -> None:
    assert wear(cost, used, rule, as_of) == expected


@pytest.mark.parametrize(
    ("years", "rate", "fits"),
    [(5, 2000, True), (7, 1429, True), (7, 1428, True), (8, 1250, True), (5, None, True), (1, 10_000, True),
     (5, 2500, False), (5, 20, False), (7, 14, False), (1, 4999, False)],
)  # fmt: skip
def test_a_rate_fits_its_years_or_is_refused(years: int, rate: int | None, *, fits: bool) -> None:
    assert (refused(Rule(years, 0, rate)) is None) is fits


costs = st.integers(0, 10**13)
days = st.dates(date(1950, 1, 1), date(2150, 12, 31))
rules = st.builds(Rule, st.integers(1, 100), st.integers(0, 20_000_000), st.none() | st.integers(1, WHOLE))


@given(costs, days, rules, days)
def test_figures_are_never_negative_and_never_above_the_cost(cost: int, used: date, rule: Rule, as_of: date) -> None:
    found = wear(cost, used, rule, as_of)
    if found.reason is None:
        assert found.accumulated is not None
        assert found.remaining is not None
        assert 0 <= found.accumulated <= cost
        assert found.accumulated + found.remaining == cost
        assert not found.worn_out or found.remaining == 0
    else:
        assert (found.accumulated, found.remaining, found.worn_out) == (None, None, False)


@given(costs, days, rules, days, days)
def test_wear_only_grows_and_what_is_worn_out_stays_so(
    cost: int, used: date, rule: Rule, one: date, other: date
) -> None:
    earlier, later = (wear(cost, used, rule, day) for day in sorted((one, other)))
    if earlier.accumulated is not None:
        assert later.accumulated is not None
        assert later.accumulated >= earlier.accumulated
        assert later.worn_out >= earlier.worn_out


@given(costs, days, rules.filter(lambda rule: refused(rule) is None))
def test_the_years_sum_to_the_cost_and_all_but_the_last_are_alike(cost: int, used: date, rule: Rule) -> None:
    if cost < rule.threshold:
        return
    ends = [wear(cost, used, rule, date(used.year + number, 12, 31)) for number in range(rule.years)]
    sums = [0, *(end.accumulated or 0 for end in ends)]
    each = [after - before for before, after in pairwise(sums)]
    assert sum(each) == cost
    assert set(each[:-1]) <= {ends[0].yearly}
    assert [end.worn_out for end in ends] == [False] * (rule.years - 1) + [True]


@given(costs, days, rules, days)
def test_between_two_ends_of_december_nothing_changes(cost: int, used: date, rule: Rule, as_of: date) -> None:
    last = date(open_year(as_of) - 1, 12, 31)
    if used <= last:
        assert wear(cost, used, rule, as_of) == wear(cost, used, rule, last)
