"""The only module that asks what time it is; everyone else is told."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

LOCAL_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def now() -> datetime:
    """The present moment, in UTC and with its zone."""
    return datetime.now(UTC)
