"""Why an incident must not disturb anyone right now, asked at the last moment before a message goes out. Pure."""

from dataclasses import dataclass
from datetime import datetime

from assets.notifications.routing import Later, Quiet
from assets.phrases import Phrase


@dataclass(frozen=True)
class Window:
    """A planned work or a silence, as far as it concerns the incident."""

    title: str
    starts_at: datetime
    ends_at: datetime

    def covers(self, moment: datetime) -> bool:
        """From its beginning, included, to its end, excluded."""
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True)
class Facts:
    """What is known at the moment of sending."""

    change: str  # opened, worse-<version>, resolved
    state: str
    blamed_on: str = ""  # what stands before it and does not answer now
    windows: tuple[Window, ...] = ()
    silences: tuple[Window, ...] = ()


def why_quiet(facts: Facts, now: datetime) -> Quiet | Later | None:
    """The first reason to stay quiet, or until when; None when people must hear of it.

    Planned work and silences only put a message off: what is still wrong when they end is told then.
    """
    if facts.change == "resolved":
        return None  # who was told of the beginning hears of the end; the outbox knows who that is
    if facts.state == "resolved":
        return Quiet("over", Phrase("it was over before anyone had to know"))
    if facts.blamed_on:
        return Quiet("unreachable", Phrase("behind %(name)s, which does not answer", {"name": facts.blamed_on}))
    ends = [w.ends_at for w in (*facts.windows, *facts.silences) if w.covers(now)]
    return Later(max(ends)) if ends else None
