"""What is said about an equipment request, and the last question before it is said: an outbox subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from assets.db import Connection
from assets.equipment_requests.approvals import DEFAULT
from assets.equipment_requests.queues import DECIDED_THERE
from assets.equipment_requests.workflow import STANDING, State
from assets.notifications.outbox import Message
from assets.phrases import Phrase
from assets.web.language import N_, translate
from assets.web.words import word

TITLE = N_("[Equipment request] %(site)s: no. %(number)s – %(state)s")
# Reminders, by the first part of their change; and then how much of the target is gone, or by how much it is late.
REMINDERS = {
    "half": N_("[Reminder] %(site)s: request no. %(number)s waits"),
    "late": N_("[Reminder] %(site)s: request no. %(number)s is overdue"),
}
_GONE = {
    ("half", True): N_("It has waited for %(amount)d working days; the target is %(hours)d working hours."),
    ("half", False): N_("It has waited for %(amount)d working hours; the target is %(hours)d."),
    ("late", True): N_("It is %(amount)d working days overdue; the target was %(hours)d working hours."),
    ("late", False): N_("It is %(amount)d working hours overdue; the target was %(hours)d."),
}
MOVED_ON = N_("the request has moved on in the meantime")
_QUERY = """
    select r.number, r.state, r.reason, r.decision_note, s.name as site_name,
        (select string_agg(l.quantity || ' × ' || coalesce(nullif(case when $2 then l.name_en end, ''), l.name), ', '
            order by l.position) from equipment_request_lines l where l.request = r.id) as asked
    from equipment_requests r join sites s on s.id = r.site where r.id = $1
"""


@dataclass(frozen=True)
class Quiet:
    """Why nobody is to be disturbed."""

    code: str
    phrase: Phrase


class EquipmentRequestTelling:
    """Equipment requests as the outbox sees them; `url` is the service's own web address."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def why_quiet(self, tx: Connection, subject: UUID, change: str, channel: UUID, now: datetime) -> Quiet | None:
        """A state that has passed is no news; its successor has been announced itself. Nor is a reminder of what was done."""
        row = await tx.fetchrow("select state, due_since from equipment_requests where id = $1", subject)
        assert row is not None
        kind, _, which = change.partition("-")
        if kind in REMINDERS:
            still = row["due_since"] is not None and which == str(int(row["due_since"].timestamp()))
        else:
            still = row["state"] == kind
        return None if still else Quiet("moved_on", Phrase(MOVED_ON))

    async def compose(
        self, tx: Connection, subject: UUID, change: str, facts: Mapping[str, Any], language: str
    ) -> Message:
        """Title and body in the channel's language: who asks for what, how it stands, what happens next."""
        row = await tx.fetchrow(_QUERY, subject, language == "en")
        assert row is not None

        def line(text: str, **params: object) -> str:
            return translate(language, text, **params)

        kind = change.partition("-")[0]
        said = {"site": row["site_name"], "number": row["number"], "state": line(word("request_state", facts["state"]))}
        lines = [
            line(N_("Where: %(site)s"), site=row["site_name"]),
            line(N_("Asked for: %(asked)s"), asked=row["asked"] or "–"),
            line(N_("What for: %(reason)s"), reason=row["reason"]),
            *([line(N_("Note: %(note)s"), note=row["decision_note"])] if row["decision_note"] else []),
            *([line(N_("Step of the approval: %(step)s"), step=step)] if (step := _step(facts, language)) else []),
            line(_GONE[kind, facts["days"]], **facts) if kind in REMINDERS else line(_next(facts)),
            f"{self.url}/equipment-requests/{row['number']}",
        ]
        return Message(line(REMINDERS.get(kind, TITLE), **said), "\n".join(lines))


def _next(facts: Mapping[str, Any]) -> str:
    """What happens next; where the province has steps of its own, not that provincial IT does it."""
    own = facts.get("step") not in (None, DEFAULT.name)
    return DECIDED_THERE if own else STANDING[State(facts["state"])].next


def _step(facts: Mapping[str, Any], language: str) -> str:
    return str((facts.get("step_en") if language == "en" else "") or facts.get("step") or "")
