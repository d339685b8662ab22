"""When an observation really happened, from two clocks of which one may be wrong. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.probing.contract import Observation

SKEW_TOLD = timedelta(seconds=5)  # above it, people are told that the collector's clock is wrong
SKEW_NOISE = timedelta(seconds=1)  # below it, it cannot be told from the way through the network
FUTURE_MAX = timedelta(seconds=60)
PAST_MAX = timedelta(days=60)


@dataclass(frozen=True)
class TooStrange:
    """Why an observation cannot be placed in time; it is counted and dropped."""

    reason: str


def skew(sent_at: datetime, received_at: datetime) -> timedelta:
    """How much the collector's clock is behind ours (negative: ahead), less what the network may explain."""
    difference = received_at - sent_at
    return difference if abs(difference) >= SKEW_NOISE else timedelta()


def happened_at(seen: Observation, *, behind: timedelta, received_at: datetime) -> datetime | TooStrange:
    """The moment of the look on our clock.

    The age by the collector's unsettable clock wins; without it (the machine was started again) its wall clock,
    corrected by the skew. What would lie in our future by no more than a minute is taken as now.
    """
    try:
        by_age = seen.age_seconds is not None
        at = received_at - timedelta(seconds=seen.age_seconds or 0) if by_age else seen.observed_at + behind
    except OverflowError:
        return TooStrange("its time cannot be computed")
    if at > received_at + FUTURE_MAX:
        return TooStrange("it lies in the future")
    if at < received_at - PAST_MAX:
        return TooStrange(f"it is older than {PAST_MAX.days} days")
    return min(at, received_at)
