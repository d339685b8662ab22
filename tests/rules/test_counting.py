"""Counting: what each thing came to, whatever the order of the scans; how differences are settled; what then changes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.lifecycle import PhysicalState, Stage
from assets.inventory.lifecycle import refused as stage_refused
from assets.inventory.stocktakes.counting import (
    MOVES,
    NEEDS_NOTE,
    SETTLEMENTS,
    Act,
    Change,
    Counted,
    Expected,
    Heard,
    Result,
    Scan,
    Settlement,
    State,
    change,
    heard,
    outcome,
    refused,
    settlement_refused,
    tag_of,
    tally,
)

NOON = datetime(2026, 1, 1, 5, tzinfo=UTC)
HERE, GONE = Expected(True, "Quầy 1"), Expected(False, registered=False)


def scan(number: int, minutes: int = 0, **more: str) -> Scan:
    return Scan(UUID(int=number), NOON + timedelta(minutes=minutes), **more)


@pytest.mark.parametrize(
    ("expected", "scans", "result", "why"),
    [
        (HERE, [], Result.PENDING, "nobody has been there yet"),
        (HERE, [scan(1)], Result.FOUND, "no room was said, so it is where it should be"),
        (HERE, [scan(1, room="quay 1")], Result.FOUND, "the same room, typed without accents"),
        (HERE, [scan(1, room="Kho")], Result.ELSEWHERE, "another room than the register has"),
        (HERE, [scan(1, 0, room="Kho"), scan(2, 5, room="Quầy 1")], Result.FOUND, "the later look counts"),
        (
            HERE,
            [scan(1, 5, room="Quầy 1"), scan(2, 0, room="Kho")],
            Result.FOUND,
            "the later look, also when sent first",
        ),
        (HERE, [scan(1, 0, room="Kho"), scan(2, 5)], Result.ELSEWHERE, "a look that says no room takes none back"),
        (Expected(False), [scan(1)], Result.ELSEWHERE, "registered, but not on this list"),
        (GONE, [scan(1)], Result.UNKNOWN, "nothing has this tag"),
    ],
)
def test_what_the_scans_of_a_tag_say_together(expected: Expected, scans: list[Scan], result: Result, why: str) -> None:
    assert outcome(expected, scans).result is result, why


@pytest.mark.parametrize(
    ("typed", "tag"),
    [
        (" qn-1 ", "QN-1"), ("https://a.vn/t/QN-1", "QN-1"), ("HTTPS://A.VN/t/qn-1?x=1", "QN-1"), ("QN-1\r\n", "QN-1"),
        ("\u202eQN-1\u200b", "QN-1"), ("   ", ""), ("x" * 400, "X" * 40),
    ],
)  # fmt: skip
def test_what_a_scanner_types_is_a_tag(typed: str, tag: str) -> None:
    assert tag_of(typed) == tag


TAGS = ("A", "B", "C", "X", "Y")
LIST = {"A": HERE, "B": Expected(True, ""), "C": Expected(True, "Kho"), "X": Expected(False)}
looks = st.builds(
    lambda tag, number, minutes, room, state: (tag, scan(number, minutes, room=room, state=state)),
    st.sampled_from(TAGS), st.integers(1, 30), st.integers(0, 5), st.sampled_from(("", "Quầy 1", "Kho")),
    st.sampled_from(("", *Counted)),
)  # fmt: skip


def told(seen: list[tuple[str, Scan]], *, closed: bool) -> dict[str, object]:
    listed = {tag: expected for tag, expected in LIST.items() if expected.listed}
    by_tag: dict[str, list[Scan]] = {}
    for tag, one in seen:
        by_tag.setdefault(tag, []).append(one)
    return dict(tally(listed, by_tag, closed=closed))


@given(st.lists(looks, unique_by=lambda look: look[1].id), st.randoms(), st.booleans())
def test_neither_order_nor_repetition_of_scans_changes_any_result(
    seen: list[tuple[str, Scan]], random: object, closed: bool
) -> None:
    shuffled = [*seen, *seen[: len(seen) // 2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert told(shuffled, closed=closed) == told(seen, closed=closed)


@given(st.lists(looks, unique_by=lambda look: look[1].id))
def test_once_closed_everything_expected_has_exactly_one_result_and_nothing_is_left_over(
    seen: list[tuple[str, Scan]],
) -> None:
    found = told(seen, closed=True)
    assert set(found) == {tag for tag, expected in LIST.items() if expected.listed} | {tag for tag, _ in seen}
    for tag, said in found.items():
        assert said.result is not Result.PENDING  # type: ignore[attr-defined]
        assert (said.result is Result.MISSING) == (tag not in {t for t, _ in seen})  # type: ignore[attr-defined]


@given(st.lists(looks, unique_by=lambda look: look[1].id, min_size=1))
def test_of_the_scans_of_a_tag_exactly_one_is_no_duplicate(seen: list[tuple[str, Scan]]) -> None:
    for tag in {tag for tag, _ in seen}:
        scans = [one for other, one in seen if other == tag]
        found = outcome(LIST.get(tag, GONE), scans)
        assert sum(heard(one.id, found) is not Heard.DUPLICATE for one in scans) == 1


def test_a_stocktake_goes_one_way_and_refusals_say_why() -> None:
    for state in State:
        for act in Act:
            assert bool(refused(state, act)) == ((state, act) not in MOVES)
            if (state, act) in MOVES:
                assert list(State).index(MOVES[state, act]) >= list(State).index(state)


def test_each_difference_has_its_settlements_and_what_takes_something_away_needs_a_reason() -> None:
    assert set().union(*SETTLEMENTS.values()) == set(Settlement)
    for result in Result:
        for wanted in Settlement:
            allowed = wanted in SETTLEMENTS.get(result, ())
            assert (settlement_refused(result, wanted, "vì") is None) == allowed
            if allowed and wanted in NEEDS_NOTE:
                assert settlement_refused(result, wanted, "") == "Write why."


R, P = Result, PhysicalState


@pytest.mark.parametrize(
    ("result", "settlement", "counted", "state", "expected"),
    [
        (R.FOUND, "", "in_use", P.GOOD, Change()),
        (R.FOUND, "", "in_use", P.WORN, Change()),
        (R.FOUND, "", "broken", P.GOOD, Change(physical_state=P.BROKEN)),
        (R.FOUND, "", "unused", P.BROKEN, Change(physical_state=P.GOOD)),
        (R.FOUND, "", "", P.BROKEN, Change()),
        (R.MISSING, Settlement.LOST, "", P.GOOD, Change(stage=Stage.LOST)),
        (R.MISSING, Settlement.ACCOUNTED, "", P.GOOD, Change()),
        (R.MISSING, Settlement.FOUND_AFTER, "broken", P.GOOD, Change(physical_state=P.BROKEN)),
        (R.ELSEWHERE, Settlement.CORRECT, "", P.GOOD, Change(here=True)),
        (R.ELSEWHERE, Settlement.LEAVE, "broken", P.GOOD, Change(physical_state=P.BROKEN)),
    ],
)  # fmt: skip
def test_what_approval_changes(
    result: Result, settlement: str, counted: str, state: PhysicalState, expected: Change
) -> None:
    assert change(result, settlement, counted, stage=Stage.IN_USE, physical_state=state) == expected


def test_what_was_lost_and_is_seen_comes_into_use_again_and_no_move_is_one_that_the_stages_refuse() -> None:
    found = change(R.ELSEWHERE, Settlement.CORRECT, "in_use", stage=Stage.LOST, physical_state=P.GOOD)
    assert found.stage is Stage.IN_USE
    for stage in (Stage.IN_STOCK, Stage.IN_USE, Stage.IN_REPAIR, Stage.LOANED, Stage.LOST):
        for result, settlements in SETTLEMENTS.items():
            for settlement in settlements:
                wanted = change(result, settlement, "", stage=stage, physical_state=P.GOOD).stage
                assert wanted is None or stage_refused(stage, wanted) is None
