"""Rates from raw counters between two looks: never across a reset or a reboot, never negative.

sysUpTime is TimeTicks (hundredths of a second in 32 bits): it wraps after 497.1 days, and that is not a reboot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

UPTIME_WRAP_TICKS = 1 << 32
SECONDS_MIN = 1.0  # closer together a rate is noise
SECONDS_MAX = 3_600.0  # further apart it describes nothing that happened now
_SLACK_SECONDS = 30.0  # agents update uptime late and their clocks run a little off
_CEILING = 1.25  # interfaces report a nominal speed; some run a little above


@dataclass(frozen=True, slots=True)
class Sample:
    """The raw counters of one look, at a monotonic second."""

    at: float
    uptime_ticks: int | None
    counters: Mapping[str, int] = field(default_factory=dict)


def restarted(before: Sample, after: Sample) -> bool:
    """Whether the device began anew between two looks; False where it does not tell its uptime."""
    if before.uptime_ticks is None or after.uptime_ticks is None:
        return False
    elapsed = (after.at - before.at) * 100
    gone = after.uptime_ticks - before.uptime_ticks
    slack = _SLACK_SECONDS * 100 + elapsed * 0.1
    if gone < 0:
        return abs(gone + UPTIME_WRAP_TICKS - elapsed) > slack
    # Up for less time than has passed: it restarted in between, though the number may have grown.
    return after.uptime_ticks + slack < elapsed


def rate(
    before: int, after: int, *, seconds: float, bits: Literal[32, 64], ceiling: float | None = None
) -> float | None:
    """Units per second between two readings of one counter of one uninterrupted run; None when that cannot be told.

    A counter that went back either wrapped or was cleared: it counts as a wrap only if the rate then stays below
    `ceiling` (units per second), or, without one, if it took less than half of the counter's range.
    """
    if not SECONDS_MIN <= seconds <= SECONDS_MAX or before < 0 or after < 0:
        return None
    top = 1 << bits
    if before >= top or after >= top:
        return None
    if ceiling and bits == 32 and ceiling * seconds >= top:
        return None  # it may have wrapped more than once
    delta = after - before
    if delta < 0:
        delta += top
        if (delta / seconds > ceiling * _CEILING) if ceiling else delta >= top // 2:
            return None
    return delta / seconds
