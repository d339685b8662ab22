"""Which reminder is due of something that ends on a day. Pure.

Points are days before the end, such as 90, 30, 7 and 0. A point is reached when no more days than it are left. Only the
nearest reached point is told, and only when neither it nor a nearer one was: so each is told once however the days are
looked at, and after days without a look one reminder stands for all that were missed. A day that changes starts anew,
for what was told belongs to a thing and its day. What ended long ago, and was only written down later, is in the lists:
the first import of a register would tell of all that ever ended.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from assets.web.language import N_

TELL_AT = time(7)  # in Viet Nam
POINTS_MAX = 10
DAYS_MAX = 730
LATE_DAYS = 30  # after the end; service and subscriptions are away for less


class Kind(StrEnum):
    """What can run out; subscriptions know them by these words."""

    WARRANTY = "warranty_end"
    CONTRACT = "contract_end"
    CAPABILITY = "capability_end"


DEFAULT_POINTS: dict[str, tuple[int, ...]] = {
    Kind.WARRANTY: (30, 0), Kind.CONTRACT: (90, 30, 7, 0), Kind.CAPABILITY: (90, 30, 7, 0),
}  # fmt: skip


def point_to_tell(ends_on: date, points: Iterable[int], told: int | None, today: date) -> int | None:
    """The point that is due; `told` is the nearest one that was told of this thing and day (None: none was)."""
    left = (ends_on - today).days
    reached = min((point for point in points if left <= point), default=None)
    if reached is None or left < -LATE_DAYS or (told is not None and told <= reached):
        return None
    return reached


def next_telling(ends_on: date, points: Iterable[int], told: int | None, today: date) -> date | None:
    """The day of the next reminder if nothing changes: today when one is due; None when all were told."""
    points = list(points)
    if point_to_tell(ends_on, points, told, today) is not None:
        return today
    left = (ends_on - today).days
    coming = max((point for point in points if point < left), default=None)
    return None if coming is None else ends_on - timedelta(days=coming)


def severity(kind: str, point: int) -> str:
    """How loud it is: what a centre cannot serve without is critical on its last day."""
    if point <= 0 and kind == Kind.CAPABILITY:
        return "critical"
    return "warning" if point <= 7 else "info"


def day_to_do(local: datetime, done: date | None) -> date | None:
    """The day whose reminders are to be told now, by the time in Viet Nam; days that were missed are not made up for."""
    today = local.date()
    return today if local.time() >= TELL_AT and (done is None or done < today) else None


def refused_points(days: list[int]) -> str | None:
    """Why these cannot be the points of a kind, as a source phrase; None when they can."""
    if len(days) > POINTS_MAX or len(set(days)) != len(days) or any(not 0 <= day <= DAYS_MAX for day in days):
        return N_("At most 10 different numbers of days, from 0 to 730.")
    return None
