"""A week of one target as stretches of time: from its changes to segments, totals and a strip. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from assets.dashboards.views import Segment

NO_DATA = "unknown"
TICKS_MAX = 40
_RANK = {name: rank for rank, name in enumerate(("down", "unreachable", "degraded", "off_expected", "up", NO_DATA))}


@dataclass(frozen=True)
class Change:
    """A change of condition, as it is stored."""

    at: datetime
    before: str
    after: str
    reason: str = ""


def segments(
    changes: Sequence[Change],
    *,
    current: str,
    since: datetime | None,
    watched_from: datetime,
    start: datetime,
    now: datetime,
) -> list[Segment]:
    """The conditions from `start` to `now` without holes or overlaps, oldest first; before `watched_from` no data.

    `changes` rise in time and lie after `start`; what was before the first is its `before`. Without any, the present
    condition covers the time since it began, and what was before that is not known.
    """  # fmt: skip
    marks: list[tuple[datetime, str, str]] = [(start, changes[0].before if changes else NO_DATA, "")]
    if not changes and since is not None:
        marks.append((max(since, start), current, ""))
    marks += [(min(max(change.at, start), now), change.after, change.reason) for change in changes]
    begins = min(max(watched_from, start), now)
    found: list[Segment] = []
    for position, (at, condition, reason) in enumerate(marks):
        end = marks[position + 1][0] if position + 1 < len(marks) else now
        if condition != NO_DATA and at < begins < end:
            found.append(Segment(condition=NO_DATA, start=at, end=begins))
            at = begins
        if end > at:
            found.append(Segment(condition=NO_DATA if end <= begins else condition, start=at, end=end, reason=reason))
    return _joined(found)


def worst(weeks: Sequence[Sequence[Segment]]) -> list[Segment]:
    """The worst of several weeks at each moment; where one has no data the others speak."""
    marks = sorted({moment for week in weeks for segment in week for moment in (segment.start, segment.end)})
    found: list[Segment] = []
    at = [0] * len(weeks)
    for start, end in pairwise(marks):
        here = []
        for number, week in enumerate(weeks):
            while at[number] < len(week) and week[at[number]].end <= start:
                at[number] += 1
            if at[number] < len(week) and week[at[number]].start <= start:
                here.append(week[at[number]])
        if here:
            speaks = min(here, key=lambda segment: _RANK[segment.condition])
            found.append(speaks.model_copy(update={"start": start, "end": end}))
    return _joined(found)


def _joined(found: Sequence[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for segment in found:
        if joined and joined[-1].condition == segment.condition:
            joined[-1] = joined[-1].model_copy(update={"end": segment.end})
        else:
            joined.append(segment)
    return joined


def seconds_by_condition(stretches: Sequence[Segment]) -> dict[str, float]:
    """How long each condition lasted in all."""
    totals: dict[str, float] = {}
    for stretch in stretches:
        length = (stretch.end - stretch.start).total_seconds()
        totals[stretch.condition] = totals.get(stretch.condition, 0.0) + length
    return totals


@dataclass(frozen=True)
class Tick:
    """The beginning of a day on a strip."""

    x: float
    day: date


def ticks(start: datetime, end: datetime, *, width: float, zone: tzinfo) -> list[Tick]:
    """The local midnights between two moments."""
    found: list[Tick] = []
    midnight = datetime.combine(start.astimezone(zone).date(), time(), zone) + timedelta(days=1)
    while midnight < end and len(found) < TICKS_MAX:
        found.append(Tick(round((midnight - start) / (end - start) * width, 2), midnight.date()))
        midnight += timedelta(days=1)
    return found


@dataclass(frozen=True)
class Block:
    """A segment as a rectangle of a strip that is `width` wide; a short one is still seen."""

    x: float
    width: float
    segment: Segment


def strip(stretches: Sequence[Segment], *, width: float, narrowest: float) -> list[Block]:
    """Rectangles for what is known; gaps are left out. A narrow one grows to `narrowest` and may cover a neighbour."""
    if not stretches:
        return []
    start, end = stretches[0].start, stretches[-1].end
    whole = (end - start).total_seconds() or 1.0
    blocks = []
    for stretch in stretches:
        if stretch.condition == NO_DATA:
            continue
        share = (stretch.end - stretch.start).total_seconds() / whole * width
        x = (stretch.start - start).total_seconds() / whole * width
        wide = max(share, narrowest)
        blocks.append(Block(round(min(x, width - wide), 2), round(wide, 2), stretch))
    # Good times first, so that a short failure is drawn over them.
    return sorted(blocks, key=lambda block: block.segment.condition not in ("up", "off_expected"))
