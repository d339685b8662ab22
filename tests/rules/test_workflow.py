"""Equipment requests: every step in every state, and that giving conserves what was approved."""

from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.access.permissions import ALLOWED, Action, Role
from assets.equipment_requests.fulfilment import FIT, Candidate, Need, Proposal, Refused, choose, propose
from assets.equipment_requests.workflow import MOVES, OVER, State, Step, Why, move, open_steps
from assets.equipment_requests.workflow import Refused as NotNow

EVERYTHING = frozenset(Action)
CLERK, APPROVER, STOREKEEPER, INSPECTOR = (
    ALLOWED[role] for role in (Role.CLERK, Role.APPROVER, Role.STOREKEEPER, Role.INSPECTOR)
)

# Written by hand, not read from the table: what each step leads to where it may be taken at all.
EXPECTED = {
    (State.DRAFT, Step.AMEND): State.DRAFT,
    (State.DRAFT, Step.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Step.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Step.RETURN): State.RETURNED,
    (State.SUBMITTED, Step.APPROVE): State.APPROVED,
    (State.SUBMITTED, Step.REFUSE): State.REFUSED,
    (State.SUBMITTED, Step.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Step.AMEND): State.RETURNED,
    (State.RETURNED, Step.SUBMIT): State.SUBMITTED,
    (State.RETURNED, Step.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Step.FULFIL): State.FULFILLED,
    (State.APPROVED, Step.SPLIT): State.FULFILLED,
    (State.APPROVED, Step.CLOSE): State.CLOSED,
    (State.IN_FULFILMENT, Step.FULFIL): State.FULFILLED,
    (State.IN_FULFILMENT, Step.SPLIT): State.FULFILLED,
    (State.IN_FULFILMENT, Step.CLOSE): State.CLOSED,
    (State.FULFILLED, Step.CLOSE): State.CLOSED,
}


@pytest.mark.parametrize(("state", "step"), list(product(State, Step)))
def test_when_any_step_is_tried_in_any_state_then_only_the_listed_ones_move(state: State, step: Step) -> None:
    answer = move(state, step, allowed=EVERYTHING, note="because")
    if (state, step) in EXPECTED:
        assert answer == EXPECTED[state, step]
    else:
        assert isinstance(answer, NotNow)
        assert answer.why is Why.STATE
        assert answer.reason


@pytest.mark.parametrize(
    ("allowed", "steps"),
    [
        (CLERK, {Step.AMEND, Step.SUBMIT, Step.WITHDRAW, Step.CLOSE}),  # asks, and says that it has come
        (APPROVER, {Step.RETURN, Step.APPROVE, Step.REFUSE, Step.CLOSE}),  # decides, and may end what cannot be given
        (STOREKEEPER, {Step.FULFIL, Step.SPLIT, Step.CLOSE}),
        (INSPECTOR, set()),  # only reads
    ],
)
def test_when_a_role_tries_every_step_then_it_gets_its_own_and_no_other(
    allowed: frozenset[Action], steps: set[Step]
) -> None:
    taken = {step for (state, step) in MOVES if not isinstance(move(state, step, allowed=allowed, note="x"), NotNow)}
    assert taken == steps
    assert {step for state in State for step in open_steps(state, allowed)} == steps


@pytest.mark.parametrize(("state", "step"), [(s, p) for (s, p), rule in MOVES.items() if rule.needs_note])
def test_when_a_step_needs_a_note_then_blanks_are_refused(state: State, step: Step) -> None:
    answer = move(state, step, allowed=EVERYTHING, note="  \n")
    assert isinstance(answer, NotNow)
    assert answer.why is Why.NOTE


@pytest.mark.parametrize("state", [State.APPROVED, State.IN_FULFILMENT])
@pytest.mark.parametrize("step", [Step.FULFIL, Step.SPLIT])
def test_when_a_part_was_given_then_the_request_is_in_fulfilment(state: State, step: Step) -> None:
    assert move(state, step, allowed=EVERYTHING, complete=False) is State.IN_FULFILMENT


def test_when_a_request_is_over_then_nothing_can_be_done_with_it() -> None:
    assert all(open_steps(state, EVERYTHING) == frozenset() for state in OVER)


def test_when_states_are_followed_then_every_one_can_be_reached_and_ends() -> None:
    reached = {State.DRAFT}
    while (
        more := {
            move(s, p, allowed=EVERYTHING, note="x", complete=whole)
            for (s, p), whole in product(MOVES, (True, False))
            if s in reached
        }
        - reached
    ):
        reached |= {state for state in more if isinstance(state, State)}
    assert reached == set(State)


START = datetime(2026, 11, 1, tzinfo=UTC)
STORE = UUID(int=9)
CATEGORIES = [UUID(int=n) for n in (1, 2, 3)]


@st.composite
def _stock(draw: st.DrawFn) -> list[Candidate]:
    kinds = draw(st.lists(st.tuples(
        st.sampled_from(CATEGORIES), st.sampled_from(("good", "worn", "broken")), st.integers(0, 50),
    ), max_size=12))  # fmt: skip
    return [
        Candidate(UUID(int=100 + n), f"T-{n}", category, state, START + timedelta(days=days), STORE, "KHO")
        for n, (category, state, days) in enumerate(kinds)
    ]


_NEEDS = st.lists(st.tuples(st.sampled_from(CATEGORIES), st.integers(0, 6)), max_size=5).map(
    lambda rows: [Need(UUID(int=1000 + n), category, quantity) for n, (category, quantity) in enumerate(rows)]
)


@given(_NEEDS, _stock())
def test_when_stock_is_proposed_then_every_line_is_conserved_and_nothing_is_given_twice(
    needs: list[Need], stock: list[Candidate]
) -> None:
    proposal = propose(needs, stock)
    given_assets = [c.asset for picks in proposal.picks.values() for c in picks]
    assert len(given_assets) == len(set(given_assets))
    for need in needs:
        assert len(proposal.picks[need.line]) + proposal.short[need.line] == need.outstanding
        assert all(c.category == need.category and c.physical_state in FIT for c in proposal.picks[need.line])


@given(_NEEDS, _stock())
def test_when_a_line_stays_short_then_no_fit_asset_of_its_kind_is_left(
    needs: list[Need], stock: list[Candidate]
) -> None:
    proposal = propose(needs, stock)
    taken = {c.asset for picks in proposal.picks.values() for c in picks}
    for need in needs:
        left = [c for c in stock if c.asset not in taken and c.category == need.category and c.physical_state in FIT]
        assert not (proposal.short[need.line] and left)


@given(_NEEDS, _stock())
def test_when_a_proposal_is_accepted_as_it_is_then_the_choice_is_the_proposal(
    needs: list[Need], stock: list[Candidate]
) -> None:
    proposal = propose(needs, stock)
    tags = {line: [c.tag for c in picks] for line, picks in proposal.picks.items()}
    answer = choose(needs, stock, tags)
    if any(tags.values()):
        assert answer == proposal
    else:
        assert isinstance(answer, Refused)


@given(_NEEDS, _stock(), st.data())
def test_when_a_person_chooses_anything_then_no_line_ever_gets_more_than_is_outstanding(
    needs: list[Need], stock: list[Candidate], data: st.DataObject
) -> None:
    named = st.lists(st.sampled_from([c.tag for c in stock] + ["T-99"]), max_size=4)
    tags = {need.line: data.draw(named) for need in needs}
    answer = choose(needs, stock, tags)
    if isinstance(answer, Proposal):
        given_assets = [c.asset for picks in answer.picks.values() for c in picks]
        assert len(given_assets) == len(set(given_assets))
        assert all(len(answer.picks[need.line]) + answer.short[need.line] == need.outstanding for need in needs)


def test_when_stock_is_mixed_then_good_and_longest_waiting_things_go_first() -> None:
    need = Need(UUID(int=1000), CATEGORIES[0], 2)
    worn = Candidate(UUID(int=1), "OLD-WORN", CATEGORIES[0], "worn", START, STORE, "KHO")
    late = Candidate(UUID(int=2), "LATE", CATEGORIES[0], "good", START + timedelta(days=9), STORE, "KHO")
    early = Candidate(UUID(int=3), "EARLY", CATEGORIES[0], "good", START + timedelta(days=1), STORE, "KHO")
    assert [c.tag for c in propose([need], [worn, late, early]).picks[need.line]] == ["EARLY", "LATE"]


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        (["T-99"], "not in stock"),  # gone, or never ours
        (["T-1"], "another kind"),
        (["T-2"], "broken"),
        (["T-0", "T-0"], "twice"),
        (["T-0", "T-3", "T-4"], "More was chosen"),
        ([], "Nothing was chosen"),
    ],
)
def test_when_a_choice_cannot_be_given_then_it_says_why(tags: list[str], why: str) -> None:
    one, two = CATEGORIES[:2]
    kinds = [(one, "good"), (two, "good"), (one, "broken"), (one, "worn"), (one, "good")]
    stock = [Candidate(UUID(int=n), f"T-{n}", c, s, START, STORE, "KHO") for n, (c, s) in enumerate(kinds)]
    answer = choose([Need(UUID(int=1000), one, 2)], stock, {UUID(int=1000): tags})
    assert isinstance(answer, Refused)
    assert why in answer.reason


def test_when_a_line_is_not_of_the_request_then_the_choice_is_refused() -> None:
    assert isinstance(choose([], [], {UUID(int=5): ["T-0"]}), Refused)
