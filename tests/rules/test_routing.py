"""Who is told, when again, and in which order."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.notifications.routing import (
    GIVE_UP_AFTER,
    JITTER_SHARE,
    NEVER_TOLD,
    OVER,
    RESOLVED,
    RETRY_FIRST,
    RETRY_MOST,
    Later,
    News,
    Told,
    Wish,
    channels_for,
    crowded,
    next_attempt,
    order,
    told,
    wants,
)

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
LATER = NOON + timedelta(seconds=15)
A, B = UUID(int=1), UUID(int=2)
HERE, THERE = UUID(int=11), UUID(int=12)
DEVICE_DOWN = News("device", "critical", HERE)

uuids = st.integers(min_value=1, max_value=4).map(lambda n: UUID(int=n))
severities = st.sampled_from(["info", "warning", "critical"])
kinds = st.sampled_from(["device", "link", "area"])
wishes = st.builds(Wish, uuids, st.none() | uuids, st.frozensets(kinds), severities)
news = st.builds(News, kinds, severities, st.none() | uuids)
seconds = st.integers(min_value=0, max_value=200_000).map(lambda n: timedelta(seconds=n))
shares = st.floats(min_value=0, max_value=1)


@pytest.mark.parametrize(
    ("wish", "wanted", "why"),
    [
        (Wish(A), True, "no site and no kinds mean all of them"),
        (Wish(A, site=HERE), True, "its own site"),
        (Wish(A, site=THERE), False, "another commune's"),
        (Wish(A, kinds=frozenset({"device"})), True, "its kind"),
        (Wish(A, kinds=frozenset({"link"})), False, "another kind"),
        (Wish(A, severity="info"), True, "from info up includes critical"),
        (Wish(A, severity="nonsense"), True, "a broken severity must not keep people in the dark"),
    ],
)
def test_a_subscription_covers_its_site_its_kinds_and_its_severity_upwards(wish: Wish, wanted: bool, why: str) -> None:
    assert wants(wish, DEVICE_DOWN) is wanted, why


def test_when_the_news_is_less_severe_than_asked_for_then_nobody_is_disturbed() -> None:
    assert channels_for(News("device", "warning", HERE), [Wish(A)]) == ()


def test_when_a_severity_is_not_known_then_it_counts_as_the_highest() -> None:
    assert wants(Wish(A, severity="critical"), News("device", "apocalyptic", HERE))


@given(news, st.lists(wishes, max_size=8))
def test_each_channel_is_told_once_and_only_if_it_asked(one: News, asked: list[Wish]) -> None:
    channels = channels_for(one, asked)
    assert len(set(channels)) == len(channels)
    assert set(channels) == {wish.channel for wish in asked if wants(wish, one)}
    assert channels == channels_for(one, list(reversed(asked)))


@given(news, wishes)
def test_a_wider_subscription_never_hears_less(one: News, wish: Wish) -> None:
    if wants(wish, one):
        assert wants(Wish(wish.channel, None, frozenset(), "info"), one)


def test_attempts_come_after_ten_seconds_and_then_ever_more_slowly() -> None:
    waits = [next_attempt(n, NOON, since=NOON) for n in range(1, 9)]
    assert [int((at - NOON).total_seconds()) for at in waits if at] == [10, 20, 40, 80, 160, 320, 640, 900]


@given(st.integers(min_value=0, max_value=10_000), seconds, st.none() | seconds, shares)
def test_the_next_attempt_is_later_not_before_asked_and_within_a_day(
    attempts: int, age: timedelta, retry_after: timedelta | None, jitter: float
) -> None:
    at = next_attempt(attempts, NOON, retry_after, since=NOON - age, jitter=jitter)
    if at is None:
        longest = max(RETRY_MOST, retry_after or RETRY_MOST) * (1 + JITTER_SHARE)
        assert age + longest >= GIVE_UP_AFTER, "given up too early"
        return
    assert at - NOON >= max(RETRY_FIRST, retry_after or RETRY_FIRST)
    assert at < NOON - age + GIVE_UP_AFTER
    assert at - NOON <= max(RETRY_MOST, retry_after or RETRY_MOST) * (1 + JITTER_SHARE)


@given(shares)
def test_a_message_that_always_fails_is_tried_for_a_day_and_then_given_up(jitter: float) -> None:
    now, attempts = NOON, 0
    while now is not None and attempts < 1_000:
        attempts, before = attempts + 1, now
        now = next_attempt(attempts, before, since=NOON, jitter=jitter)  # type: ignore[assignment]
    assert 70 < attempts < 120
    assert GIVE_UP_AFTER - (before - NOON) <= RETRY_MOST * (1 + JITTER_SHARE)


@pytest.mark.parametrize(
    ("change", "others", "answer", "why"),
    [
        ("opened", {}, None, "nothing stands against it"),
        ("opened", {RESOLVED: Told.NO}, OVER, "its end is known"),
        ("worse", {"opened": Told.YES}, None, "the story goes on"),
        ("worse", {"opened": Told.YES, RESOLVED: Told.NO}, OVER, "its end is known"),
        (RESOLVED, {"opened": Told.YES}, None, "told down, told up"),
        (RESOLVED, {"opened": Told.MAYBE}, None, "they may have heard of it"),
        (RESOLVED, {"opened": Told.NO}, NEVER_TOLD, "nobody knew"),
        (RESOLVED, {}, NEVER_TOLD, "nobody knew"),
        (RESOLVED, {"opened": Told.NO, "worse": Told.YES}, None, "one of the two was told"),
        (RESOLVED, {"opened": Told.IN_FLIGHT}, Later(LATER), "its beginning is on its way"),
        (RESOLVED, {"opened": Told.YES, "worse": Told.IN_FLIGHT}, Later(LATER), "its beginning is on its way"),
    ],
)
def test_an_end_is_told_after_its_beginning_or_not_at_all(
    change: str, others: dict[str, Told], answer: object, why: str
) -> None:
    assert order(change, others, look_again=LATER) == answer, why


@pytest.mark.parametrize(
    ("state", "leased", "unsure", "answer"),
    [
        ("waiting", False, False, Told.NO),
        ("waiting", False, True, Told.MAYBE),
        ("sending", True, False, Told.IN_FLIGHT),
        ("sending", False, False, Told.MAYBE),
        ("sent", False, False, Told.YES),
        ("suppressed", False, False, Told.NO),
        ("suppressed", False, True, Told.MAYBE),
        ("failed", False, True, Told.MAYBE),
        ("failed", False, False, Told.NO),
    ],
)
def test_what_broke_off_may_have_been_heard(state: str, leased: bool, unsure: bool, answer: Told) -> None:
    assert told(state, leased=leased, unsure=unsure) is answer


def test_a_failing_channel_is_tried_with_one_message_at_a_time() -> None:
    assert crowded(in_flight=0, failing=True, now=NOON) is None
    assert crowded(in_flight=1, failing=True, now=NOON) is not None
    assert crowded(in_flight=4, failing=False, now=NOON) is None
    assert crowded(in_flight=5, failing=False, now=NOON) is not None
