"""Kits and norms: cases by hand, and what holds of every rule, site and holding."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.kits.allowance import (
    Held,
    Per,
    Result,
    Rule,
    Staff,
    Unknown,
    allowance,
    counts,
    serves,
    stands_apart,
)
from assets.inventory.lifecycle import PhysicalState, Stage

OFFICE = Staff(counters=4, people=16, posts=(("VI", 1), ("VII", 2), ("VIII", 13)))
NOBODY_COUNTED = Staff(counters=4)
PRINTERS = (Rule(1, Per.POST, 1, "VI"), Rule(1, Per.POST, 1, "VII"), Rule(1, Per.POST, 3, "VIII"))


@pytest.mark.parametrize(
    ("rules", "staff", "held", "expected"),
    [
        # có, thiếu, hỏng: a broken one is there, so it is not missing, but too few can be used
        ([Rule(2)], OFFICE, Held(0), Result(2, 0, 0, 2, 0, 2)),
        ([Rule(2)], OFFICE, Held(2), Result(2, 2, 0, 0, 0, 0)),
        ([Rule(2)], OFFICE, Held(2, 1), Result(2, 2, 1, 0, 0, 1)),
        ([Rule(2)], OFFICE, Held(2, 2), Result(2, 2, 2, 0, 0, 2)),
        ([Rule(2)], OFFICE, Held(3, 1), Result(2, 3, 1, 0, 1, 0)),
        ([Rule(2)], OFFICE, Held(1, 1), Result(2, 1, 1, 1, 0, 2)),
        # for each counter and person, and one for every so many, rounded up
        ([Rule(1, Per.COUNTER)], OFFICE, Held(3), Result(4, 3, 0, 1, 0, 1)),
        ([Rule(1, Per.COUNTER)], Staff(), Held(3), Result(0, 3, 0, 0, 3, 0)),
        ([Rule(1, Per.PERSON)], OFFICE, Held(16), Result(16, 16, 0, 0, 0, 0)),
        ([Rule(1, Per.PERSON, 15)], OFFICE, Held(1), Result(2, 1, 0, 1, 0, 1)),
        ([Rule(1, Per.PERSON, 15)], Staff(people=15), Held(1), Result(1, 1, 0, 0, 0, 0)),
        ([Rule(1, Per.PERSON, 15)], Staff(people=1), Held(), Result(1, 0, 0, 1, 0, 1)),
        ([Rule(1, Per.PERSON, 15)], Staff(people=0), Held(), Result(0, 0, 0, 0, 0, 0)),
        ([Rule(2, Per.PERSON, 3)], Staff(people=4), Held(4), Result(4, 4, 0, 0, 0, 0)),
        # Phụ lục II: printers are 1 for VI, 1 each for VII, and 1 for 3 of VIII: 1 + 2 + 5
        (PRINTERS, OFFICE, Held(9), Result(8, 9, 0, 0, 1, 0)),
        (PRINTERS, Staff(people=3, posts=(("VIII", 3),)), Held(1), Result(1, 1, 0, 0, 0, 0)),
        # what is not written down is not nothing
        ([Rule(1, Per.PERSON)], NOBODY_COUNTED, Held(5, 1), Result(None, 5, 1, unknown=Unknown.NO_HEAD_COUNT)),
        (PRINTERS, Staff(people=16), Held(5), Result(None, 5, 0, unknown=Unknown.NO_POSTS)),
        ([Rule(1), Rule(1, Per.PERSON)], NOBODY_COUNTED, Held(1), Result(None, 1, 0, unknown=Unknown.NO_HEAD_COUNT)),
        ([Rule(1, Per.COUNTER)], NOBODY_COUNTED, Held(4), Result(4, 4, 0, 0, 0, 0)),
        ([], OFFICE, Held(2), Result(0, 2, 0, 0, 2, 0)),
    ],
)  # fmt: skip
def test_a_site_lacks_and_has_what_the_table_says(
    rules: list[Rule], staff: Staff, held: Held, expected: Result
) -> None:
    assert allowance(rules, staff, held) == expected


rules = st.builds(
    Rule, st.integers(0, 50), st.sampled_from(Per), st.integers(1, 20), st.sampled_from(("VI", "VII", "VIII"))
)
staffs = st.builds(
    Staff, st.integers(0, 20), st.none() | st.integers(0, 200),
    st.none() | st.dictionaries(st.sampled_from(("VI", "VII", "VIII")), st.integers(0, 60)).map(lambda d: tuple(d.items())),
)  # fmt: skip
holdings = st.integers(0, 300).flatmap(lambda n: st.builds(Held, st.just(n), st.integers(0, n)))


@given(st.lists(rules, max_size=4), staffs, holdings)
def test_missing_and_over_are_never_both_and_make_up_the_difference(some: list[Rule], staff: Staff, held: Held) -> None:
    found = allowance(some, staff, held)
    if found.allowance is None:
        assert (found.missing, found.over, found.short) == (None, None, None)
        assert found.unknown is not None
        return
    assert found.unknown is None
    assert found.missing is not None
    assert found.over is not None
    assert found.short is not None
    assert min(found.missing, found.over) == 0 <= max(found.missing, found.over)
    assert found.allowance - found.present == found.missing - found.over
    assert found.missing <= found.short <= found.missing + found.broken


@given(rules, staffs, holdings, st.integers(0, 20))
def test_more_to_have_never_makes_less_missing_and_more_people_never_less_allowed(
    rule: Rule, staff: Staff, held: Held, more: int
) -> None:
    one = allowance([rule], staff, held)
    higher = Rule(rule.quantity + more, rule.per, rule.every, rule.group)
    two = allowance([higher], staff, held)
    grown = Staff(
        staff.counters + more, None if staff.people is None else staff.people + more,
        None if staff.posts is None else tuple((group, number + more) for group, number in staff.posts),
    )  # fmt: skip
    three = allowance([rule], grown, held)
    if one.allowance is None:
        assert two == three == one
        return
    for other in (two, three):
        assert other.missing is not None
        assert other.over is not None
        assert one.missing is not None
        assert one.over is not None
        assert (other.missing >= one.missing, other.over <= one.over) == (True, True)


@given(rules, staffs)
def test_one_for_every_n_is_rounded_up_and_never_by_more_than_one_share(rule: Rule, staff: Staff) -> None:
    found, number = rule.of(staff), staff.number(rule.per, rule.group)
    if isinstance(found, Unknown) or isinstance(number, Unknown):
        assert found == number
        return
    assert rule.quantity * number <= found * rule.every < rule.quantity * (number + rule.every) or not rule.quantity


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("state", list(PhysicalState))
def test_what_has_not_come_or_is_given_up_counts_for_nothing_and_what_is_broken_or_away_is_not_to_be_used(
    stage: Stage, state: PhysicalState
) -> None:
    there = stage in ("in_stock", "in_use", "in_repair", "loaned")
    away = stage in ("in_repair", "loaned") or state == "broken"
    assert counts(stage, state) == (Held(1, int(away)) if there else Held())


DAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("status", "expires_on", "expected"),
    [
        ("issued", None, Held(1)), ("issued", DAY, Held(1)), ("issued", DAY - timedelta(1), Held(1, 1)),
        ("expired", None, Held(1, 1)), ("revoked", None, Held()), ("waiting", None, Held()), ("not_issued", DAY, Held()),
    ],
)  # fmt: skip
def test_a_capability_serves_while_it_is_issued_and_not_past_its_last_day(
    status: str, expires_on: date | None, expected: Held
) -> None:
    assert serves(status, expires_on, DAY) == expected


def test_one_stop_equipment_is_what_stands_at_a_counter_or_no_decree_speaks_of() -> None:
    assert not stands_apart(at_counter=False, in_decree=True)
    assert stands_apart(at_counter=True, in_decree=True)
    assert stands_apart(at_counter=False, in_decree=False)
