"""Stages and their moves: the table, the reasons of what is refused, what a move asks for, and the page drawn from it."""

import importlib.util
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.inventory.lifecycle import (
    BY_TRANSFER,
    KEPT,
    MOVES,
    Stage,
    Told,
    choices,
    faults,
    inputs,
    refused,
)
from assets.inventory.transfers.course import (
    ARRIVED,
    FROM,
    OUTCOMES,
    Act,
    Line,
    State,
    after,
    landing,
)
from assets.inventory.transfers.course import refused as act_refused
from assets.web import words

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 25)
STAGES = st.sampled_from(list(Stage))


@pytest.mark.parametrize(
    ("now_in", "wanted", "words"),
    [
        (Stage.LOST, Stage.IN_REPAIR, "must be found first"),
        (Stage.IN_REPAIR, Stage.LOANED, "come back from its repair"),
        (Stage.LOANED, Stage.AWAITING_DISPOSAL, "given back first"),
        (Stage.IN_USE, Stage.DISPOSED, "await its disposal"),
        (Stage.IN_USE, Stage.IN_TRANSIT, "Only a transfer"),
        (Stage.IN_TRANSIT, Stage.IN_USE, "receive, refuse or cancel"),
        (Stage.DISPOSED, Stage.IN_USE, "does not come back"),
        (Stage.IN_STOCK, Stage.ORDERED, "here already"),
        (Stage.ORDERED, Stage.LOST, "not arrived yet"),
        (Stage.PLANNED, Stage.IN_TRANSIT, "not been bought yet"),
        (Stage.AWAITING_DISPOSAL, Stage.LOANED, "awaits its disposal"),
    ],
)
def test_when_a_move_is_refused_then_the_reason_says_what_has_to_happen_first(
    now_in: Stage, wanted: Stage, words: str
) -> None:
    assert words in (refused(now_in, wanted) or "")


@given(STAGES, STAGES, st.booleans())
def test_a_move_is_possible_as_the_table_says_and_those_of_transfers_only_for_them(
    now_in: Stage, wanted: Stage, by_transfer: bool
) -> None:
    reason = refused(now_in, wanted, by_transfer=by_transfer)
    allowed = wanted in MOVES[now_in] and (by_transfer or not BY_TRANSFER & {now_in, wanted})
    assert (reason is None) == allowed
    assert reason is None or (reason.endswith(".") and len(reason) > 20)
    assert (wanted in choices(now_in)) == (refused(now_in, wanted) is None)


def test_nothing_gets_stuck_but_what_is_disposed_of() -> None:
    for stage in Stage:
        reached, waiting = {stage}, [stage]
        while waiting:
            new = MOVES[waiting.pop()] - reached
            reached |= new
            waiting += new
        assert Stage.DISPOSED in reached, stage
        assert stage is Stage.DISPOSED or len(reached) > 5, stage


FULL = Told("lý do", "Phòng A", TODAY, "Công ty B", 1_000)


@given(STAGES, st.sets(st.sampled_from(["reason", *KEPT])))
def test_a_move_takes_what_its_stage_asks_for_and_nothing_else(stage: Stage, given_names: set[str]) -> None:
    told = Told(**{name: getattr(FULL, name) for name in given_names})  # type: ignore[arg-type]
    asked = inputs(stage)
    missing = set(asked.required) - given_names
    strange = given_names - {"reason"} - set(asked.required) - set(asked.optional)
    assert set(faults(stage, told, TODAY)) == missing | strange


def test_what_is_lent_comes_back_on_a_day_to_come() -> None:
    past = Told("", "Phòng A", date(2026, 11, 24))
    assert list(faults(Stage.LOANED, past, TODAY)) == ["due_back"]
    assert not faults(Stage.LOANED, Told("", "Phòng A", TODAY), TODAY)


def test_when_the_tables_have_changed_then_the_page_is_drawn_again() -> None:
    spec = importlib.util.spec_from_file_location("stages", ROOT / "scripts" / "stages.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run: python scripts/stages.py"
    assert {str(stage) for stage in Stage} == set(words.STAGE)


# --- the course of a transfer -----------------------------------------------------------------------------------

LINES = st.lists(st.sampled_from(list(Line)), min_size=1, max_size=6)


@given(st.sampled_from(list(State)), st.sampled_from(list(Act)), LINES)
def test_an_act_is_possible_in_its_states_and_nothing_is_cancelled_that_was_settled(
    state: State, act: Act, lines: list[Line]
) -> None:
    settled = act is Act.CANCEL and any(line in OUTCOMES for line in lines)
    assert (act_refused(state, act, lines) is None) == (state in FROM[act] and not settled)


@given(LINES)
def test_a_transfer_is_over_exactly_when_no_line_is_on_its_way(lines: list[Line]) -> None:
    state = after(lines)
    assert (state is State.DRAFT) == (Line.LISTED in lines), (
        "one that was taken out of a draft does not send the others"
    )
    if state is not State.DRAFT:
        assert (state is State.IN_TRANSIT) == (Line.WAITING in lines)
    if state not in (State.DRAFT, State.IN_TRANSIT):
        assert (state is State.RECEIVED) == any(line in ARRIVED for line in lines)


@given(
    st.sampled_from([line for line in Line if line not in (Line.LISTED, Line.WAITING)]),
    st.sampled_from([Stage.IN_USE, Stage.IN_STOCK]), st.booleans(),
    st.sampled_from([None, Stage.IN_USE, Stage.IN_STOCK]),
)  # fmt: skip
def test_wherever_a_line_ends_its_asset_is_at_one_of_both_sides_in_a_stage_that_a_transfer_may_set(
    outcome: Line, former: Stage, to_store: bool, wanted: Stage | None
) -> None:
    found = landing(outcome, former, to_store=to_store, wanted=wanted)
    assert refused(Stage.IN_TRANSIT, found.stage, by_transfer=True) is None
    assert found.arrived == (outcome in ARRIVED)
    if outcome in (Line.REFUSED, Line.CANCELLED):
        assert found.stage is former


def test_every_state_has_a_word() -> None:
    assert {str(state) for state in State} == set(words.TRANSFER_STATE)
    assert {str(line) for line in Line} == set(words.TRANSFER_LINE)
