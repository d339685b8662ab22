"""A moment of the past in a query: `as_of`."""

from datetime import UTC, datetime
from typing import Annotated

from litestar.params import QueryParameter

from assets.errors import Invalid
from assets.web.language import N_
from assets.web.paging import moment

NAME = "as_of"
AsOf = Annotated[
    str | None, QueryParameter(name=NAME, max_length=40, description="How it was at this moment (RFC 3339)")
]


def past_moment(text: str) -> datetime:
    """The moment that a caller means; Invalid when it is none."""
    try:
        return moment(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(fields={NAME: N_("Write a moment such as 2026-11-01T00:00:00Z.")}) from None
