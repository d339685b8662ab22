"""How often the targets behind one network line may be looked at, so that watching it never fills it. Pure.

    costs, intervals, octets a day  →  for each target an interval and whether a look only asks if it is there

The rules: what fits is left alone. What does not is stretched, every target by the same factor, up to LONGEST_SECONDS.
If that is not enough every look becomes a light one, and the stretching begins anew. A budget that not even that keeps
(less than `least`) is overrun, and said so: a line of which nothing is known for hours is worse than a few kilobytes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from assets.probing.readings import Method

DAY_SECONDS = 86_400
LONGEST_SECONDS = 1_800  # nothing is left alone for longer, except by its own interval
STEP = 1.25  # from one factor to the next
LIGHT_OCTETS = 400  # one question and its answer, or a TCP connect
# What a look is taken to cost until one was measured.
FIRST_OCTETS: Mapping[Method, int] = {
    Method.SNMP: 6_000, Method.PING: 500, Method.TCP: 400, Method.HTTP: 30_000, Method.DNS: 300, Method.HEARTBEAT: 0,
}  # fmt: skip
SHARE = 0.005  # of what a line carries in a day, for a line that is paid by the month
MEGABYTE = 1_000_000
METERED = frozenset({"mobile", "satellite"})
METERED_OCTETS = 30 * MEGABYTE
MOST_OCTETS = 2_000 * MEGABYTE
WITHOUT_BANDWIDTH_MBPS = 10


@dataclass(frozen=True, slots=True)
class Load:
    """One target: how often it should be looked at, what a look costs, and what a light one would."""

    id: UUID
    interval_seconds: int
    octets: float
    light_octets: float = LIGHT_OCTETS


@dataclass(frozen=True, slots=True)
class Pace:
    """How a target is looked at."""

    interval_seconds: int
    light: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The pace of each target, what that costs in a day, and whether it is more than the budget."""

    paces: Mapping[UUID, Pace]
    octets_per_day: float
    over: bool = False


def default_budget(kind: str, bandwidth_mbps: int | None) -> int:
    """Octets a day for a line of which nobody has said it: a small share of what it carries, and little where it is metered."""
    carries = (bandwidth_mbps or WITHOUT_BANDWIDTH_MBPS) * 1_000_000 / 8 * DAY_SECONDS
    most = METERED_OCTETS if kind in METERED else MOST_OCTETS
    return int(min(carries * SHARE, most))


def least(targets: int) -> int:
    """The smallest budget that can be kept for so many targets."""
    return math.ceil(targets * LIGHT_OCTETS * DAY_SECONDS / LONGEST_SECONDS)


def plan(loads: Iterable[Load], octets_per_day: float) -> Plan:
    """The pace of every target within the budget."""
    loads = tuple(loads)
    steps = _steps(loads)
    for light in (False, True):
        costs = [min(load.octets, load.light_octets) if light else load.octets for load in loads]
        for factor in steps:
            spent = _spent(loads, costs, factor)
            if spent <= octets_per_day:
                return Plan(_paces(loads, factor, light=light), spent)
    return Plan(_paces(loads, steps[-1], light=True), _spent(loads, costs, steps[-1]), over=True)


def _steps(loads: Sequence[Load]) -> tuple[float, ...]:
    """Coarse on purpose: a cost that changes a little must not move every target to other moments."""
    shortest = min((load.interval_seconds for load in loads), default=LONGEST_SECONDS)
    count = max(0, math.ceil(math.log(LONGEST_SECONDS / shortest, STEP))) if shortest < LONGEST_SECONDS else 0
    return tuple(STEP**power for power in range(count + 1))


def _paces(loads: Iterable[Load], factor: float, *, light: bool) -> dict[UUID, Pace]:
    return {load.id: Pace(_stretched(load, factor), light) for load in loads}


def _stretched(load: Load, factor: float) -> int:
    return min(max(LONGEST_SECONDS, load.interval_seconds), math.ceil(load.interval_seconds * factor))


def _spent(loads: Sequence[Load], costs: Sequence[float], factor: float) -> float:
    return sum(cost * DAY_SECONDS / _stretched(load, factor) for load, cost in zip(loads, costs, strict=True))
