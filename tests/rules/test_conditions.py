"""The only step from looks and time to conditions: its promises, and one table of plain cases."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.monitoring.conditions import Change, Condition, Look, Memory, Rules, advance
from assets.monitoring.thresholds import Finding
from assets.phrases import Phrase
from assets.probing.readings import Outcome, Severity

T0 = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
RULES = Rules(silence_after=timedelta(seconds=185), confirm=2, clear=1)
PARENT = UUID(int=1)
BATTERY = Finding("ups.status::on battery", Severity.CRITICAL, Phrase("on battery"), confirm=1)
TONER = Finding("supply.percent:1:toner low", Severity.WARNING, Phrase("toner low", {"value": 4.0}))


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def saw(seconds: float, outcome: Outcome = Outcome.ANSWERED, *findings: Finding, behind: UUID | None = None) -> Look:
    return Look(at(seconds), outcome, findings, behind)


def run(looks: Sequence[Look], until: float) -> tuple[Memory, list[Change]]:
    return advance(Memory(), looks, RULES, at(until))


def gone(seconds: float, behind: UUID | None = None) -> Look:
    return saw(seconds, Outcome.SILENT, behind=behind)


CASES = [
    ("never asked: nothing is known", [], 0, Condition.UNKNOWN),
    ("one answer is enough to be up", [saw(0)], 1, Condition.UP),
    ("one silence may be a lost packet", [saw(0), gone(60)], 61, Condition.UP),
    ("two silences in a row are a fall", [saw(0), gone(60), gone(70)], 71, Condition.DOWN),
    ("an answer in between begins anew", [saw(0), gone(60), saw(70), gone(80)], 81, Condition.UP),
    ("silent from the beginning is down after two", [gone(0), gone(10)], 11, Condition.DOWN),
    ("behind something gone it is unreachable", [saw(0), gone(60, PARENT), gone(70, PARENT)], 71, Condition.UNREACHABLE),
    ("the way is open again: its own silence counts anew", [gone(0, PARENT), gone(9, PARENT), gone(20)], 21,
     Condition.UNREACHABLE),
    ("the way is open and it stays silent: down", [gone(0, PARENT), gone(9, PARENT), gone(20), gone(30)], 31,
     Condition.DOWN),
    ("back after a fall", [saw(0), gone(60), gone(70), saw(80)], 81, Condition.UP),
    ("no data for three intervals", [saw(0)], 186, Condition.UNKNOWN),
    ("what could not be asked is no data", [saw(0), saw(120, Outcome.NOT_ASKED)], 186, Condition.UNKNOWN),
    ("a finding that counts at once", [saw(0, Outcome.ANSWERED, BATTERY)], 1, Condition.DEGRADED),
    ("a finding that wants two looks", [saw(0, Outcome.ANSWERED, TONER)], 1, Condition.UP),
    ("a finding seen twice", [saw(0, Outcome.ANSWERED, TONER), saw(60, Outcome.ANSWERED, TONER)], 61, Condition.DEGRADED),
    ("a malformed answer is alive and shown as such", [saw(0, Outcome.MALFORMED), saw(9, Outcome.MALFORMED)], 10,
     Condition.DEGRADED),
    ("a first answer that refuses us is not green", [saw(0, Outcome.WRONG_CREDENTIAL)], 1, Condition.DEGRADED),
    ("a bad answer after a fall is not green", [gone(0), gone(9), saw(20, Outcome.MALFORMED)], 21, Condition.DEGRADED),
    ("one bad answer of a thing that was well is chance", [saw(0), saw(60, Outcome.MALFORMED)], 61, Condition.UP),
    ("a refused credential is no outage",
     [saw(0, Outcome.WRONG_CREDENTIAL), saw(9, Outcome.WRONG_CREDENTIAL)], 10, Condition.DEGRADED),
]  # fmt: skip


@pytest.mark.parametrize(("why", "looks", "until", "expected"), CASES, ids=[c[0] for c in CASES])
def test_when_looks_arrive_then_the_condition_is_as_written(
    why: str, looks: list[Look], until: float, expected: Condition
) -> None:
    memory, _ = run(looks, until)
    assert memory.condition is expected


def test_when_a_thing_keeps_falling_then_it_is_flapping_and_calms_down_by_time() -> None:
    looks = [look for n in range(6) for look in (saw(n * 60), gone(n * 60 + 20), gone(n * 60 + 30))] + [saw(400)]
    memory, changes = run(looks, 401)
    assert memory.flapping
    assert memory.condition is Condition.DEGRADED
    assert [c.after for c in changes].count(Condition.UP) <= 3
    calm = [saw(400 + 60 * n) for n in range(1, 60)]
    memory, _ = advance(memory, calm, RULES, at(400 + 3600))
    assert memory.condition is Condition.UP
    assert not memory.flapping


def test_when_only_the_numbers_of_a_finding_change_then_nobody_is_told_again() -> None:
    other = Finding(TONER.key, TONER.severity, Phrase("toner low", {"value": 3.0}))
    looks = [saw(n * 60, Outcome.ANSWERED, TONER if n < 3 else other) for n in range(6)]
    memory, changes = run(looks, 301)
    assert [c.after for c in changes] == [Condition.UP, Condition.DEGRADED]
    assert memory.reasons == (Phrase("toner low", {"value": 3.0}),)


outcomes = st.sampled_from(list(Outcome))
some_findings = st.sampled_from([(), (BATTERY,), (TONER,), (BATTERY, TONER)])
some_looks = st.lists(
    st.builds(
        lambda seconds, outcome, findings, behind: Look(at(seconds), outcome, findings, behind),
        st.integers(0, 2_000), outcomes, some_findings, st.sampled_from([None, PARENT]),
    ),
    max_size=25, unique_by=lambda look: look.at,
)  # fmt: skip


@given(some_looks, st.integers(0, 1_000))
def test_old_or_repeated_looks_never_change_the_state(looks: list[Look], later: int) -> None:
    memory, _ = run(looks, 2_000 + later)
    again, changes = advance(memory, looks, RULES, at(2_000 + later))
    if memory.observed_at is not None:
        assert again == memory
        assert changes == []


@given(some_looks, st.lists(st.integers(0, 3_000), max_size=12))
def test_many_small_steps_equal_one(looks: list[Look], stops: list[int]) -> None:
    whole, all_changes = run(looks, 3_000)
    memory, changes = Memory(), []
    begins = -1
    for stop in [*sorted(stops), 3_000]:
        part = [look for look in looks if at(begins) < look.at <= at(stop)]
        memory, more = advance(memory, part, RULES, at(stop))
        changes += more
        begins = stop
    assert (memory, changes) == (whole, all_changes)


@given(some_looks)
def test_one_change_is_reported_once(looks: list[Look]) -> None:
    _, changes = run(looks, 3_000)
    for before, after in itertools.pairwise(changes):
        assert after.before is before.after
        assert after.at >= before.at
        assert (after.after, [r.text for r in after.reasons], after.cause, after.severity) != (
            before.after, [r.text for r in before.reasons], before.cause, before.severity,
        )  # fmt: skip


@given(some_looks, st.integers(0, 100_000))
@settings(max_examples=200)
def test_without_fresh_data_nothing_is_ever_green(looks: list[Look], until: int) -> None:
    memory, _ = advance(Memory(), [look for look in looks if look.at <= at(until)], RULES, at(until))
    if memory.observed_at is None or at(until) - memory.observed_at >= RULES.silence_after:
        assert memory.condition is Condition.UNKNOWN
