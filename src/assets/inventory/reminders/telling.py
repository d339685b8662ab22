"""What is said of things that run out: an outbox subject with one message for all of a day."""

from collections.abc import Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from assets.db import Connection
from assets.notifications.notify import Message
from assets.notifications.routing import Later, Quiet
from assets.web.formats import day as written
from assets.web.formats import short_site
from assets.web.language import N_, translate
from assets.web.words import word

TITLE = N_("[Reminder] %(total)d that run out or have run out")


class ReminderTelling:
    """Reminders as the outbox sees them; `url` is the service's own web address."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def why_quiet(
        self, tx: Connection, subject: UUID, change: str, channel: UUID, now: datetime
    ) -> Quiet | Later | None:
        """Never: it is told on its day, or late."""
        return None

    async def compose(
        self, tx: Connection, subject: UUID, change: str, facts: Mapping[str, Any], language: str
    ) -> Message:
        """All of the day in the channel's language, by what runs out; the page has what does not fit."""
        today = date.fromisoformat(facts["day"])
        lines: list[str] = []
        for kind, some in groupby(sorted(facts["lines"], key=lambda line: line["kind"]), key=lambda line: line["kind"]):
            lines += [
                f"{translate(language, word('reminder_kind', kind))}:",
                *(_line(one, today, language) for one in some),
            ]
        if more := facts["total"] - len(facts["lines"]):
            lines.append(translate(language, N_("… and %(more)d more"), more=more))
        title = translate(language, TITLE, total=facts["total"])
        return Message(title, "\n".join([*lines, f"{self.url}/reminders"]))


def _line(line: Mapping[str, str], today: date, language: str) -> str:
    ends_on = date.fromisoformat(line["ends_on"])
    name = f"{line['name']} ({line['code']})" if line["code"] else line["name"]
    return f"- {written(ends_on)} · {short_site(line['site'])}: {name}, {left(ends_on, today, language)}"


def left(ends_on: date, today: date, language: str) -> str:
    """How long that is: "30 days left", "today", "ended 3 days ago"."""
    days = (ends_on - today).days
    if days == 0:
        return translate(language, N_("ends today"))
    text = N_("%(days)d days left") if days > 0 else N_("ended %(days)d days ago")
    return translate(language, text, days=abs(days))
