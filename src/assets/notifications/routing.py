"""Who is told of what, when it is tried again, and in which order an opening and its end are told.

Decisions only: values and `now` in, a result with its reason out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from assets.phrases import Phrase

RESOLVED = "resolved"  # the change that ends a subject's story; every other one begins or carries it on
SEVERITIES = ("info", "warning", "critical")  # rising

RETRY_FIRST = timedelta(seconds=10)
RETRY_MOST = timedelta(minutes=15)
GIVE_UP_AFTER = timedelta(hours=24)
JITTER_SHARE = 0.25  # so that a thousand messages to one channel do not come back together

SENDS_MAX_PER_CHANNEL = 5  # at once in the whole fleet: one slow channel must leave room for the others
SENDS_MAX_WHILE_FAILING = 1
CROWDED_WAIT = timedelta(seconds=2)


@dataclass(frozen=True)
class Wish:
    """A subscription: one channel wants what happens at `site` (None: anywhere), of `kinds` (empty: all), from
    `severity` up."""

    channel: UUID
    site: UUID | None = None
    kinds: frozenset[str] = field(default_factory=frozenset)
    severity: str = "critical"


@dataclass(frozen=True)
class News:
    """What there is to tell."""

    kind: str
    severity: str
    site: UUID | None = None


@dataclass(frozen=True)
class Quiet:
    """Why nobody is to be disturbed: the kind of reason, and the reason as people read it."""

    code: str
    phrase: Phrase


@dataclass(frozen=True)
class Later:
    """Nothing is decided before `at`."""

    at: datetime


class Told(StrEnum):
    """Whether people have heard of a change; what broke off in the middle may have reached them."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"
    IN_FLIGHT = "in_flight"


OVER = Quiet("over", Phrase("it was over before anyone had to know"))
NEVER_TOLD = Quiet("never_told", Phrase("nobody had been told that it began"))
CHANNEL_OFF = Quiet("channel_off", Phrase("the channel is switched off"))


def channels_for(news: News, wishes: Iterable[Wish]) -> tuple[UUID, ...]:
    """The channels that asked for such news, each once, in a stable order."""
    return tuple(sorted({wish.channel for wish in wishes if wants(wish, news)}))


def wants(wish: Wish, news: News) -> bool:
    """Whether a subscription covers the news; a severity nobody knows counts as the highest."""
    here = wish.site is None or wish.site == news.site
    of_kind = not wish.kinds or news.kind in wish.kinds
    return here and of_kind and _rank(news.severity) >= _rank(wish.severity, unknown=0)


def _rank(severity: str, *, unknown: int = len(SEVERITIES)) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else unknown


def next_attempt(
    attempts: int, now: datetime, retry_after: timedelta | None = None, *, since: datetime, jitter: float = 0.0
) -> datetime | None:
    """When to try again after `attempts` tries, the first of them wanted at `since`; None when it is time to give up.

    10 s, 20 s, 40 s … 15 min, or what the channel asked for when that is longer, stretched by up to a quarter
    (`jitter` 0..1). Given up 24 h after `since`.
    """
    wait = min(RETRY_FIRST * 2 ** min(max(attempts, 1) - 1, 16), RETRY_MOST)
    wait = max(wait, retry_after or timedelta(0))
    end = since + GIVE_UP_AFTER
    if now >= end or wait > GIVE_UP_AFTER:
        return None
    at = now + wait * (1 + JITTER_SHARE * min(max(jitter, 0.0), 1.0))
    return at if at < end else None


def told(state: str, *, leased: bool, unsure: bool) -> Told:
    """What became of a message, from its row: `leased` while a worker holds it, `unsure` when a try broke off."""
    if state == "sent":
        return Told.YES
    if state == "sending":
        return Told.IN_FLIGHT if leased else Told.MAYBE
    return Told.MAYBE if unsure else Told.NO


def order(change: str, others: Mapping[str, Told], *, look_again: datetime) -> Quiet | Later | None:
    """Why a change must not be told now, given what else the channel was, or is to be, told of the same subject.

    An end follows its beginning: after one that was told, or may have been, it goes; one on its way is waited for
    until `look_again`; after none it keeps quiet. A beginning whose end is known is old news.
    """
    if change != RESOLVED:
        return OVER if RESOLVED in others else None
    beginnings = set(others.values())
    if Told.IN_FLIGHT in beginnings:
        return Later(look_again)
    return None if beginnings & {Told.YES, Told.MAYBE} else NEVER_TOLD


def crowded(*, in_flight: int, failing: bool, now: datetime) -> Later | None:
    """Whether a channel has enough messages under way; a failing one is tried with one at a time."""
    most = SENDS_MAX_WHILE_FAILING if failing else SENDS_MAX_PER_CHANNEL
    return Later(now + CROWDED_WAIT) if in_flight >= most else None
