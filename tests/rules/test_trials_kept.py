"""What a collector keeps of its trials: rests go on after a restart, never shorter than they were, whatever is in the file."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from assets.collector.trials import Trying
from assets.collector.uptime import Moment
from assets.probing.contract import Community
from assets.probing.readings import Outcome, Result
from assets.probing.trying import LONGEST_SECONDS
from tests.fake_prober import target

A, B = (Community(id=UUID(int=n), community=SecretStr("word")) for n in (1, 2))
HERE = target("TB-1", candidates=(A.id, B.id))
REFUSED, ANSWERED = Result(outcome=Outcome.WRONG_CREDENTIAL), Result(outcome=Outcome.ANSWERED)
SAVED = Moment(datetime(2026, 11, 26, tzinfo=UTC), "boot", 5_000.0)


def before(refusals: int = 1) -> Trying:
    trying = Trying()
    trying.assign([HERE], [A, B])
    for _ in range(refusals):
        trying.learn(HERE, A, REFUSED, 100.0)
    return trying


def again(data: bytes, moment: Moment, *, now: float = 7.0) -> Trying:
    trying = Trying()
    trying.recall(data, now, moment)
    trying.assign([HERE], [A, B])
    return trying


@given(st.integers(1, 12), st.floats(0, 4_000))
def test_a_rest_goes_on_by_the_clock_that_nobody_can_set(refusals: int, gone: float) -> None:
    kept = before(refusals)
    left = kept.rests_for(HERE, 100.0)
    after = again(kept.remember(100.0, SAVED), replace(SAVED, up_seconds=SAVED.up_seconds + gone))
    assert after.rests_for(HERE, 7.0) == pytest.approx(max(0.0, left - gone), abs=0.01)
    assert (A in after.to_ask(HERE, 7.0)) == (gone >= left)


def test_after_a_restart_of_the_machine_a_rest_begins_as_long_as_it_was() -> None:
    after = again(before(3).remember(110.0, SAVED), Moment(SAVED.wall, "another boot", 3.0))
    assert after.rests_for(HERE, 7.0) == pytest.approx(230.0)
    after.learn(HERE, A, REFUSED, 300.0)
    assert after.rests_for(HERE, 300.0) == pytest.approx(480.0), "the next refusal doubles it as if nothing had been"


def test_what_worked_and_the_level_stay() -> None:
    kept = before()
    kept.learn(HERE, B, ANSWERED, 200.0)
    assert again(kept.remember(200.0, SAVED), SAVED).to_ask(HERE, 7.0) == (B,)


def test_another_secret_and_another_address_begin_anew() -> None:
    data = before().remember(100.0, SAVED)
    trying = Trying()
    trying.recall(data, 7.0, SAVED)
    changed = A.model_copy(update={"community": SecretStr("another")})
    trying.assign([HERE], [changed, B])
    assert trying.to_ask(HERE, 7.0) == (changed, B)
    elsewhere = HERE.model_copy(update={"address": "10.0.0.99"})
    trying = Trying()
    trying.recall(data, 7.0, SAVED)
    trying.assign([elsewhere], [A, B])
    assert trying.to_ask(elsewhere, 7.0) == (A, B)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_a_file_that_says_anything_else_is_let_be(data: bytes) -> None:
    assert again(data, SAVED).to_ask(HERE, 7.0) == (A, B)


def test_a_rest_out_of_a_file_never_lasts_longer_than_the_longest() -> None:
    data = before().remember(100.0, SAVED).replace(b'"left":60.0', b'"left":1e9')
    assert b"1e9" in data
    assert again(data, SAVED).rests_for(HERE, 7.0) <= LONGEST_SECONDS
