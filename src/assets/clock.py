"""The only module that asks what time it is; everyone else is told."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def now() -> datetime:
    """The present moment, in UTC and with its zone."""
    return datetime.now(UTC)


def today() -> date:
    """The present day in Viet Nam."""
    return now().astimezone(LOCAL_ZONE).date()


def end_of_day(day: date) -> datetime:
    """The moment at which a day is over in Viet Nam."""
    return datetime.combine(day + timedelta(days=1), time(), LOCAL_ZONE)
