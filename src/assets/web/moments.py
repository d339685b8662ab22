"""A moment or a day in a query: `as_of`."""

from datetime import UTC, date, datetime
from typing import Annotated

from litestar.params import QueryParameter

from assets.errors import Invalid
from assets.web.language import N_
from assets.web.paging import moment

NAME = "as_of"
AsOf = Annotated[
    str | None, QueryParameter(name=NAME, max_length=40, description="How it was at this moment (RFC 3339)")
]
AsOfDay = Annotated[
    str | None,
    QueryParameter(name=NAME, max_length=40, description="At the end of this day (YYYY-MM-DD); today without it"),
]
YEARS = range(1900, 3000)


def past_moment(text: str) -> datetime:
    """The moment that a caller means; Invalid when it is none."""
    try:
        return moment(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(fields={NAME: N_("Write a moment such as 2026-11-01T00:00:00Z.")}) from None


def day_of(text: str | None, today: date) -> date:
    """The day that a caller means, also one that is to come; today when none is said, Invalid when it is none."""
    if not text:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year not in YEARS:
        raise Invalid(fields={NAME: N_("Write a day such as 2026-12-31.")})
    return day
