"""What may be disposed of: cases by hand, and what holds of every cost, quotation and day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.disposal.eligible import Facts, Ground, Verdict, judge
from assets.inventory.wear import Rule, wear

FIVE = Rule(5, 10_000_000)
USED = date(2021, 5, 20)
LIFE, REPAIR = Ground.LIFE_OVER, Ground.REPAIR_TOO_DEAR


@pytest.mark.parametrize(
    ("facts", "as_of", "expected"),
    [
        # its useful life ends with the December that takes the last of it
        (Facts("good", 15_000_000, USED, FIVE), date(2025, 12, 30), Verdict((), True)),
        (Facts("good", 15_000_000, USED, FIVE), date(2025, 12, 31), Verdict((LIFE,), True)),
        # tools have a useful life too, and another who decides
        (Facts("good", 9_999_999, USED, FIVE), date(2025, 12, 31), Verdict((LIFE,), False)),
        # more than the share, not as much as it
        (Facts("broken", 10_000_000, USED, FIVE, 3_000_000), USED, Verdict((), True)),
        (Facts("broken", 10_000_000, USED, FIVE, 3_000_001), USED, Verdict((REPAIR,), True)),
        (Facts("broken", 10_000_000, USED, FIVE, 3_000_001), date(2030, 1, 1), Verdict((LIFE, REPAIR), True)),
        # what works is not given away because somebody asked for a price
        (Facts("worn", 10_000_000, USED, FIVE, 9_000_000), USED, Verdict((), True)),
        # what is not known is no ground
        (Facts("broken", None, USED, FIVE, 9_000_000), USED, Verdict((), None)),
        (Facts("broken", 10_000_000, USED, FIVE, None), USED, Verdict((), True)),
        (Facts("good", 15_000_000, None, FIVE), date(2040, 1, 1), Verdict((), True)),
        (Facts("good", 15_000_000, USED, None), date(2040, 1, 1), Verdict((), None)),
        (Facts("good", 15_000_000, USED, FIVE), date(2021, 5, 19), Verdict((), True)),
        # what cost nothing: any repair costs more than a share of it
        (Facts("broken", 0, None, None, 1), USED, Verdict((REPAIR,), None)),
    ],
)  # fmt: skip
def test_the_verdict_is_what_the_table_says(facts: Facts, as_of: date, expected: Verdict) -> None:
    assert judge(facts, as_of) == expected


MONEY = st.integers(0, 10**13)
DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@given(MONEY, DAYS, DAYS, st.integers(1, 100))
def test_a_fixed_asset_whose_life_is_over_has_no_value_left_and_the_other_way_round(
    cost: int, used: date, as_of: date, years: int
) -> None:
    rule = Rule(years)
    assert (LIFE in judge(Facts("good", cost, used, rule), as_of).grounds) is wear(cost, used, rule, as_of).worn_out


@given(MONEY, MONEY, st.integers(1, 100), st.integers(1, 100))
def test_a_smaller_share_never_keeps_what_a_larger_one_lets_go(cost: int, quoted: int, one: int, two: int) -> None:
    facts = Facts("broken", cost, None, None, quoted)
    small, large = (judge(facts, USED, share).grounds for share in sorted((one, two)))
    assert set(large) <= set(small)
