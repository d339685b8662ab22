"""When an observation really happened, from two clocks of which one may be wrong. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.probing.contract import Observation

DELAY_MAX = timedelta(seconds=60)  # a post that takes longer has been given up by its collector
FUTURE_MAX = timedelta(seconds=60)
PAST_MAX = timedelta(days=60)


@dataclass(frozen=True)
class TooStrange:
    """Why an observation cannot be placed in time; it is counted and dropped."""

    reason: str


@dataclass(frozen=True)
class Clock:
    """How much the collector's clock is behind ours (negative: ahead), and how long this post was on its way."""

    offset: timedelta
    delay: timedelta = timedelta()


def judge_clock(sent_at: datetime, received_at: datetime, before: timedelta | None) -> Clock:
    """Tell a wrong clock from a slow way: a way only ever adds, so the smallest difference seen is the clock's.

    `before` is the offset known so far. A difference that grew by more than DELAY_MAX is a clock that was set.
    """
    measured = received_at - sent_at
    if before is None or measured - before > DELAY_MAX:
        return Clock(measured)
    return Clock(min(before, measured), max(measured - before, timedelta()))


def happened_at(seen: Observation, *, clock: Clock, received_at: datetime) -> datetime | TooStrange:
    """The moment of the look on our clock.

    The age by the collector's unsettable clock wins; without it (the machine was started again) its wall clock,
    corrected by the offset. What would lie in our future by no more than a minute is taken as now.
    """
    try:
        by_age = seen.age_seconds is not None
        age = timedelta(seconds=seen.age_seconds or 0)
        at = received_at - clock.delay - age if by_age else seen.observed_at + clock.offset
    except OverflowError:
        return TooStrange("its time cannot be computed")
    if at > received_at + FUTURE_MAX:
        return TooStrange("it lies in the future")
    if at < received_at - PAST_MAX:
        return TooStrange(f"it is older than {PAST_MAX.days} days")
    return min(at, received_at)
