"""Approval steps: which are needed, whose turn it is, who may decide, and that a later step never raises a number."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.access.permissions import Role
from assets.equipment_requests.approvals import (
    DEFAULT,
    NO_ROLE,
    NOTHING_DUE,
    OWN,
    TWICE,
    Capacity,
    Decision,
    Due,
    Outcome,
    Place,
    Priced,
    Refusal,
    Rule,
    Worth,
    digest,
    due,
    fits,
    judge,
    most,
    planned,
    worth,
)

ALICE, BOB, CHARLIE, DORA = (UUID(int=n) for n in range(1, 5))


def rule(position: int, **more: object) -> Rule:
    return Rule(UUID(int=position), position, f"Bước {position}", "", frozenset({Role.APPROVER}), **more)  # type: ignore[arg-type]


def line(cost: int | None, quantity: int = 1, kind: str = "equipment") -> Priced:
    return Priced(kind, quantity, cost)


EVERY, BIG = rule(1), rule(2, from_value=50_000_000)
BIG_KNOWN = rule(3, from_value=50_000_000, if_unknown=False)
REPAIRS = rule(4, kinds=frozenset({"repair"}))


@pytest.mark.parametrize(
    ("rules", "lines", "expected"),
    [
        ([], [line(1)], [DEFAULT]),
        ([EVERY, BIG], [line(49_999_999)], [EVERY]),
        ([BIG, EVERY], [line(25_000_000, 2)], [EVERY, BIG]),
        ([EVERY, BIG], [line(1), line(None)], [EVERY, BIG]),
        ([EVERY, BIG_KNOWN], [line(1), line(None)], [EVERY]),
        ([EVERY, BIG_KNOWN], [line(50_000_000), line(None)], [EVERY, BIG_KNOWN]),
        ([EVERY, REPAIRS], [line(1), line(1, kind="repair")], [EVERY, REPAIRS]),
        ([EVERY, REPAIRS], [line(1, kind="consumable")], [EVERY]),
        ([BIG, REPAIRS], [line(1)], [BIG]),  # nobody would decide: the first one does
    ],
)
def test_the_steps_that_a_request_needs(rules: list[Rule], lines: list[Priced], expected: list[Rule]) -> None:
    assert list(planned(rules, lines)) == expected


def test_what_is_known_counts_and_what_is_not_is_said() -> None:
    assert worth([line(10, 3), line(None, 5)]) == Worth(30, False)
    assert worth([line(0)]) == Worth(0, True)


def step(position: int, role: Role = Role.APPROVER, place: Place = Place.ANY) -> Due:
    return Due(UUID(int=100 + position), position, frozenset({role}), place)


def approved(at: Due, *persons: UUID, **quantities: int) -> Decision:
    return Decision(at.id, Outcome.APPROVE, frozenset(persons), {int(k[1:]): n for k, n in quantities.items()})


def own(person: UUID, role: Role = Role.APPROVER, *, province: bool = True) -> Capacity:
    return Capacity(person, frozenset({(role, province)}))


def stands_in_for(person: UUID) -> Capacity:
    return Capacity(person, frozenset({(Role.APPROVER, True)}), on_behalf=True)


FIRST, SECOND = step(1), step(2)
STEPS = [FIRST, SECOND]
NOBODY_ELSE = Capacity(BOB, frozenset({(Role.CLERK, False)}))


@pytest.mark.parametrize(
    ("decisions", "actor", "capacities", "same", "expected"),
    [
        ([], BOB, [own(BOB)], False, BOB),
        ([], BOB, [own(BOB, Role.CLERK)], False, NO_ROLE),
        ([], ALICE, [own(ALICE)], False, OWN),
        ([], BOB, [NOBODY_ELSE, stands_in_for(ALICE)], False, OWN),  # in the requester's place
        ([], ALICE, [Capacity(ALICE, frozenset()), stands_in_for(BOB)], True, OWN),  # the requester in another's
        ([], BOB, [NOBODY_ELSE, stands_in_for(DORA)], False, DORA),
        ([], BOB, [stands_in_for(DORA), own(BOB)], False, BOB),  # one's own name comes first
        ([approved(FIRST, BOB)], BOB, [own(BOB)], False, TWICE),
        ([approved(FIRST, BOB)], BOB, [own(BOB)], True, BOB),
        ([approved(FIRST, BOB, DORA)], DORA, [own(DORA)], False, TWICE),  # it was decided in her name
        ([approved(FIRST, DORA)], BOB, [NOBODY_ELSE, stands_in_for(DORA)], False, TWICE),
        ([approved(FIRST, BOB)], CHARLIE, [own(CHARLIE)], False, CHARLIE),
        ([Decision(FIRST.id, Outcome.RETURN, frozenset({BOB}))], BOB, [own(BOB)], False, BOB),  # a return is no approval
        ([approved(FIRST, BOB), approved(SECOND, DORA)], CHARLIE, [own(CHARLIE)], False, NOTHING_DUE),
    ],
)  # fmt: skip
def test_who_decides(
    decisions: list[Decision], actor: UUID, capacities: list[Capacity], same: bool, expected: UUID | str
) -> None:
    found = judge(STEPS, decisions, capacities, actor=actor, askers=frozenset({ALICE}), same_person=same)
    assert (found.reason if isinstance(found, Refusal) else found.person) == expected


@pytest.mark.parametrize(
    ("place", "province", "expected"),
    [(Place.ANY, True, True), (Place.ANY, False, True), (Place.UNIT, True, False), (Place.UNIT, False, True),
     (Place.PROVINCE, True, True), (Place.PROVINCE, False, False)],
)  # fmt: skip
def test_over_what_a_role_must_have_been_given(place: Place, province: bool, expected: bool) -> None:
    assert fits(step(1, place=place), own(BOB, province=province)) is expected


numbers = st.dictionaries(st.integers(1, 5), st.integers(0, 9), max_size=5)


@given(asked=numbers, given_by_step=st.lists(numbers, max_size=5))
def test_a_later_step_only_lowers(asked: dict[int, int], given_by_step: list[dict[int, int]]) -> None:
    decisions: list[Decision] = []
    before = most(asked, decisions)
    assert before == asked
    for quantities in given_by_step:
        decisions.append(Decision(uuid4(), Outcome.APPROVE, frozenset(), quantities))
        after = most(asked, decisions)
        assert after.keys() == asked.keys()
        assert all(after[p] <= before[p] and after[p] <= quantities.get(p, after[p]) for p in asked)
        before = after


@given(st.lists(st.sampled_from(["approve", "return"]), max_size=8), st.integers(1, 4))
def test_steps_come_one_after_another_and_end(said: list[str], count: int) -> None:
    steps = [step(n) for n in range(1, count + 1)]
    decisions: list[Decision] = []
    for outcome in said:
        now = due(steps, decisions)
        if now is None:
            break
        done = {d.step for d in decisions if d.outcome is Outcome.APPROVE}
        assert now.position == len(done) + 1
        decisions.append(Decision(now.id, Outcome(outcome)))
    complete = sum(d.outcome is Outcome.APPROVE for d in decisions) == count
    assert (due(steps, decisions) is None) is complete


@given(st.text(), st.lists(st.fixed_dictionaries({"quantity": st.integers(0, 9), "name": st.text()}), max_size=3))
def test_what_is_asked_differently_is_another_digest(reason: str, lines: list[dict[str, object]]) -> None:
    assert digest(reason, lines) == digest(reason, [dict(reversed(one.items())) for one in lines])
    assert digest(reason + "x", lines) != digest(reason, lines)
    assert digest(reason, [*lines, {"quantity": 1}]) != digest(reason, lines)
