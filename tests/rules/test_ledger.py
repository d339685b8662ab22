"""The ledger of consumables: what an act does to a balance, which batch it takes from, and what is refused."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.stock.ledger import (
    ADDS,
    BALANCE_MAX,
    QUANTITY_MAX,
    WRITES,
    Act,
    Batch,
    Kind,
    change,
    faults,
    pick,
    refused,
    replay,
)

DAY = date(2026, 11, 25)
LATER, SOON, PAST = DAY + timedelta(90), DAY + timedelta(9), DAY - timedelta(1)


@pytest.mark.parametrize(
    ("act", "quantity", "balance", "expected"),
    [
        (Act.RECEIVE, 5, 2, 5), (Act.RETURN, 1, 0, 1), (Act.ISSUE, 2, 5, -2), (Act.TRANSFER, 3, 5, -3),
        (Act.DISCARD, 1, 5, -1), (Act.EXPIRE, 5, 5, -5),
        (Act.COUNT, 7, 5, 2), (Act.COUNT, 0, 5, -5), (Act.COUNT, 5, 5, 0),
    ],
)  # fmt: skip
def test_an_act_changes_a_balance_by_what_the_table_says(act: Act, quantity: int, balance: int, expected: int) -> None:
    assert change(act, quantity, balance) == expected


@given(st.sampled_from(Act), st.integers(0, QUANTITY_MAX), st.integers(0, BALANCE_MAX))
def test_a_count_always_ends_at_what_was_found_and_nothing_ends_below_nothing(
    act: Act, quantity: int, balance: int
) -> None:
    by = change(act, quantity, balance)
    if act is Act.COUNT:
        assert balance + by == quantity
        assert refused(balance, by) is None
    assert (refused(balance, by) is None) == (0 <= balance + by <= BALANCE_MAX)


@pytest.mark.parametrize(
    ("act", "said", "wrong"),
    [
        (Act.RECEIVE, {}, ()), (Act.RECEIVE, {"quantity": 0}, ("quantity",)), (Act.RECEIVE, {"quantity": -1}, ("quantity",)),
        (Act.RECEIVE, {"quantity": QUANTITY_MAX + 1}, ("quantity",)), (Act.RECEIVE, {"holder": "x"}, ("holder",)),
        (Act.RECEIVE, {"to_site": "X"}, ("to_site",)),
        (Act.ISSUE, {"holder": "x"}, ()), (Act.ISSUE, {}, ("asset_tag",)),
        (Act.ISSUE, {"holder": "x", "asset_tag": "A"}, ("holder",)),
        (Act.RETURN, {}, ()), (Act.RETURN, {"asset_tag": "A"}, ()), (Act.RETURN, {"holder": "x", "asset_tag": "A"}, ("holder",)),
        (Act.TRANSFER, {"to_site": "X"}, ()), (Act.TRANSFER, {}, ("to_site",)),
        (Act.COUNT, {"quantity": 0, "reason": "Kiểm kê"}, ()), (Act.COUNT, {"quantity": 0}, ("reason",)),
        (Act.DISCARD, {"reason": "Vỡ"}, ()), (Act.DISCARD, {}, ("reason",)), (Act.EXPIRE, {}, ()),
        (Act.EXPIRE, {"quantity": 0}, ("quantity",)),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_act_is_named(act: Act, said: dict[str, object], wrong: tuple[str, ...]) -> None:
    whole = {"quantity": 1, "reason": "", "asset_tag": "", "holder": "", "to_site": ""} | said
    assert tuple(faults(act, **whole)) == wrong  # type: ignore[arg-type]


OLD, NEW, PLAIN, GONE = Batch("A", 3, SOON), Batch("B", 9, LATER), Batch("", 4), Batch("Z", 5, PAST)


@pytest.mark.parametrize(
    ("batches", "act", "quantity", "expected"),
    [
        ([NEW, OLD, PLAIN], Act.ISSUE, 2, OLD),  # what expires first goes first
        ([NEW, OLD, PLAIN], Act.ISSUE, 4, NEW),  # the first that has enough
        ([PLAIN], Act.ISSUE, 4, PLAIN),
        ([GONE, NEW], Act.ISSUE, 5, NEW),  # never what has expired
        ([GONE, NEW], Act.TRANSFER, 5, NEW),
        ([GONE, NEW], Act.EXPIRE, 5, GONE),
        ([Batch("A", 3, DAY)], Act.ISSUE, 3, Batch("A", 3, DAY)),  # its last day is a day on which it serves
        ([NEW, OLD], Act.RECEIVE, 50, Batch("", 0)), ([PLAIN, OLD], Act.RETURN, 1, PLAIN),
        ([OLD, Batch("", 0)], Act.COUNT, 7, OLD), ([], Act.COUNT, 7, Batch("", 0)), ([], Act.ISSUE, 1, Batch("", 0)),
    ],
)  # fmt: skip
def test_without_a_named_batch_it_is_the_one_that_the_table_says(
    batches: list[Batch], act: Act, quantity: int, expected: Batch
) -> None:
    assert pick(batches, act, quantity, DAY) == expected


def test_when_no_batch_alone_will_do_then_it_is_said_why() -> None:
    assert "batch by batch" in str(pick([OLD, NEW], Act.ISSUE, 12, DAY))
    assert "expired" in str(pick([GONE, OLD], Act.ISSUE, 5, DAY))
    assert "which batch" in str(pick([OLD, NEW], Act.COUNT, 1, DAY))


def test_every_act_writes_a_line_of_its_own_kind() -> None:
    assert set(WRITES) == set(Act)
    assert len(set(WRITES.values())) == len(Act)
    assert set(Kind) - set(WRITES.values()) == {Kind.TRANSFER_IN, Kind.REVERSED}
    assert {WRITES[act] for act in ADDS} == {Kind.RECEIVED, Kind.RETURNED}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-5, 9))))
def test_a_replay_is_the_sum_of_each_place_or_refuses_what_lay_below_nothing(lines: list[tuple[str, int]]) -> None:
    balance, fell = {"a": 0, "b": 0}, False
    for place, by in lines:
        balance[place] += by
        fell = fell or balance[place] < 0
    if fell:
        with pytest.raises(ValueError):
            replay(lines)
    else:
        assert replay(lines) == {place: balance[place] for place in {place for place, _ in lines}}
