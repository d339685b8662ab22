"""Which credential is shown to a device next: in order, rarely when refused, never a weaker one."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from assets.probing import trying
from assets.probing.contract import Community, Credential, User
from assets.probing.readings import Outcome
from assets.probing.trying import FIRST_SECONDS, LONGEST_SECONDS, Trials, level

WORD = SecretStr("word")
V2C = Community(id=UUID(int=1), community=WORD)
OTHER_V2C = Community(id=UUID(int=2), community=SecretStr("other"))
PLAIN = User(id=UUID(int=3), user="u")
SIGNED = User(id=UUID(int=4), user="u", auth="sha256", auth_key=WORD)
PRIVATE = User(id=UUID(int=5), user="u", auth="sha256", auth_key=WORD, privacy="aes128", privacy_key=WORD)
OTHER_PRIVATE = User(id=UUID(int=6), user="w", auth="sha256", auth_key=WORD, privacy="aes128", privacy_key=WORD)
ALL = (V2C, OTHER_V2C, PLAIN, SIGNED, PRIVATE, OTHER_PRIVATE)
Outcomes = st.sampled_from(
    (Outcome.ANSWERED, Outcome.SILENT, Outcome.MALFORMED, Outcome.WRONG_CREDENTIAL, Outcome.NOT_ASKED)
)


def look(
    trials: Trials, candidates: tuple[Credential, ...], answers: dict[UUID, Outcome], now: float
) -> tuple[Trials, list[UUID]]:
    """One look as the collector takes it: until one is accepted; who was shown."""
    shown = []
    for credential in trying.to_ask(trials, candidates, now):
        if not trying.goes_on(trials, credential):
            continue
        shown.append(credential.id)
        outcome = answers.get(credential.id, Outcome.SILENT)
        trials = trying.after(trials, credential, outcome, now)
        if outcome not in (Outcome.SILENT, Outcome.WRONG_CREDENTIAL):
            break
    return trials, shown


def test_levels_rise_from_community_to_encryption() -> None:
    assert [level(one) for one in (V2C, PLAIN, SIGNED, PRIVATE)] == [0, 1, 2, 3]


def test_they_are_tried_in_order_until_one_is_accepted_and_that_one_alone_is_asked_with() -> None:
    trials, shown = look(Trials(), (OTHER_V2C, V2C, PLAIN), {V2C.id: Outcome.ANSWERED}, 0)
    assert shown == [OTHER_V2C.id, V2C.id]
    assert trials.worked == V2C.id
    for second in range(1, 10):
        trials, shown = look(trials, (OTHER_V2C, V2C, PLAIN), {}, second * 10)  # it is down: nobody else is tried
        assert shown == [V2C.id]


def test_what_speaks_v3_is_shown_no_community_not_even_in_the_same_look() -> None:
    answers = {PRIVATE.id: Outcome.WRONG_CREDENTIAL, V2C.id: Outcome.ANSWERED}
    trials, shown = look(Trials(), (PRIVATE, V2C), answers, 0)
    assert shown == [PRIVATE.id]
    for second in range(0, 100_000, 500):
        trials, shown = look(trials, (PRIVATE, V2C), answers, second)
        assert V2C.id not in shown


def test_after_three_refusals_of_what_worked_its_equals_are_tried_and_no_weaker_ones() -> None:
    answers = {PRIVATE.id: Outcome.WRONG_CREDENTIAL, OTHER_PRIVATE.id: Outcome.ANSWERED, SIGNED.id: Outcome.ANSWERED}
    trials = Trials(worked=PRIVATE.id, level_min=3)
    candidates = (V2C, SIGNED, PRIVATE, OTHER_PRIVATE)
    asked: list[UUID] = []
    for second in range(0, 1_000, 10):
        trials, shown = look(trials, candidates, answers, second)
        asked += shown
        if trials.worked == OTHER_PRIVATE.id:
            break
    assert asked == [PRIVATE.id, PRIVATE.id, PRIVATE.id, OTHER_PRIVATE.id]


def test_a_wrong_one_is_shown_ever_more_rarely() -> None:
    seconds = 86_400
    trials, shown = Trials(), 0
    at: list[int] = []
    for second in range(0, seconds, 10):
        trials, asked = look(trials, (PRIVATE,), {PRIVATE.id: Outcome.WRONG_CREDENTIAL}, second)
        if asked:
            at.append(second)
            shown += 1
    rests = [after - before for before, after in pairwise(at)]
    assert rests[:4] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS, 8 * FIRST_SECONDS]
    assert max(rests) == LONGEST_SECONDS
    assert shown <= 7 + seconds / LONGEST_SECONDS


@settings(max_examples=300)
@given(
    st.permutations(ALL).map(tuple),
    st.lists(st.tuples(st.floats(0, 4_000), st.lists(Outcomes, min_size=6, max_size=6)), max_size=40),
)
def test_whatever_a_device_answers_nothing_weaker_follows_and_refused_ones_rest(
    candidates: tuple[Credential, ...], looks: list[tuple[float, list[Outcome]]]
) -> None:
    trials, now = Trials(), 0.0
    floor = 0
    refused: dict[UUID, tuple[int, float]] = {}
    by_id = {one.id: one for one in candidates}
    for pause, outcomes in looks:
        now += pause
        answers = dict(zip(by_id, outcomes, strict=True))
        trials, shown = look(trials, candidates, answers, now)
        for id_ in shown:
            strength = level(by_id[id_])
            assert strength >= floor, "a weaker one was shown"
            if id_ in refused:
                times, since = refused[id_]
                assert now >= since + min(FIRST_SECONDS * 2 ** (times - 1), LONGEST_SECONDS)
            outcome = answers[id_]
            if outcome is Outcome.ANSWERED:
                floor = max(floor, strength)
                refused.pop(id_, None)
            elif outcome is Outcome.WRONG_CREDENTIAL:
                floor = max(floor, min(strength, 1))
                refused[id_] = (refused.get(id_, (0, 0.0))[0] + 1, now)
            elif outcome is Outcome.MALFORMED and trials.worked == id_:
                refused.pop(id_, None)
        assert trials.level_min >= floor
