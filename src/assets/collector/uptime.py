"""Time by a clock that nobody can set, so that an observation's age survives a wrong wall clock and a restart of ours."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from assets import clock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant by both clocks: the wall clock's opinion, and seconds since the machine was started."""

    wall: datetime
    boot: str
    up_seconds: float


class Uptime:
    """Reads both clocks; `boot` changes whenever ages counted before can no longer be compared with ages counted now.

    Linux counts suspended time too (CLOCK_BOOTTIME) and names each boot. Elsewhere the monotonic clock stands in and
    each start of the process counts as a boot, so an age is known only until the collector is started again.
    """

    def __init__(self) -> None:
        self.boot = _boot_id()

    def now(self) -> Moment:
        """This instant."""
        return Moment(wall=clock.now(), boot=self.boot, up_seconds=_seconds())


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return f"process-{uuid4()}"


def _seconds() -> float:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
