"""Why an incident must not disturb anyone right now, asked at the last moment before a message goes out. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.phrases import Phrase

OLD_NEWS = timedelta(hours=6)


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

    change: str  # opened, worse, resolved
    state: str
    opened_at: datetime
    blamed_on: str = ""  # what stands before it and does not answer now
    windows: tuple[Window, ...] = ()
    silences: tuple[Window, ...] = ()


@dataclass(frozen=True)
class Quiet:
    """The kind of reason, and the reason as people read it."""

    code: str
    phrase: Phrase


def why_quiet(facts: Facts, now: datetime) -> Quiet | None:
    """The first reason to stay quiet, or None when people must hear of it."""
    if facts.change == "resolved":
        return None  # who was told of the beginning hears of the end; the outbox knows who that is
    if facts.state == "resolved":
        return Quiet("over", Phrase("it was over before anyone had to know"))
    if facts.blamed_on:
        return Quiet("unreachable", Phrase("behind %(name)s, which does not answer", {"name": facts.blamed_on}))
    for window in facts.windows:
        if window.covers(now):
            return Quiet("maintenance", Phrase("planned work: %(title)s", {"title": window.title}))
    for silence in facts.silences:
        if silence.covers(now):
            return Quiet("silence", Phrase("silenced: %(title)s", {"title": silence.title}))
    if now - facts.opened_at > OLD_NEWS:
        return Quiet("old_news", Phrase("it is old news"))
    return None
