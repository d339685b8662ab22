"""What is said about an incident, and the last question before it is said: an outbox subject."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from assets import phrases
from assets.clock import LOCAL_ZONE
from assets.db import Connection
from assets.incidents.service import quiet_facts
from assets.incidents.suppression import Facts, Window, why_quiet
from assets.notifications.notify import Message
from assets.notifications.routing import Later, Quiet
from assets.web.language import N_, say, translate

TITLES = {
    "opened": N_("[Incident] %(site)s: %(name)s – %(reason)s"),
    "worse": N_("[Worse] %(site)s: %(name)s – %(reason)s"),
    "resolved": N_("[Resolved] %(site)s: %(name)s – %(reason)s"),
}
_QUERY = """
    select i.*, coalesce(u.name, s.name) as site_name, coalesce(m.manufacturer || ' ' || m.name, '') as model,
        l.carrier, l.hotline, l.circuit_number
    from incidents i left join sites s on s.id = i.site left join administrative_units u on u.id = s.unit and s.kind = 'centre'
    left join assets a on a.id = i.asset
    left join asset_models m on m.id = a.model left join targets t on t.id = i.subject left join links l on l.id = t.link
    where i.id = $1
"""


class IncidentTelling:
    """Incidents as the outbox sees them."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def why_quiet(
        self, tx: Connection, subject: UUID, change: str, channel: UUID, now: datetime
    ) -> Quiet | Later | None:
        """The reason to stay quiet just now, until when, or None."""
        incident = await tx.fetchrow("select * from incidents where id = $1", subject)
        if incident is None:
            return Quiet("gone", phrases.Phrase("it is no longer there"))
        windows, silences, blamed = await quiet_facts(tx, incident, now)
        facts = Facts(
            change=change, state=incident["state"], blamed_on=blamed,
            windows=tuple(Window(**dict(w)) for w in windows), silences=tuple(Window(**dict(s)) for s in silences),
        )  # fmt: skip
        return why_quiet(facts, now)

    async def compose(
        self, tx: Connection, subject: UUID, change: str, facts: Mapping[str, Any], language: str
    ) -> Message:
        """Title and body in the channel's language: what, where, since when, why, whom to call, where to look."""
        row = await tx.fetchrow(_QUERY, subject)
        assert row is not None
        reason = say(language, row["resolution"] if change == "resolved" else row["reason"])
        said: dict[str, str] = {"site": row["site_name"] or "", "name": row["subject_name"], "reason": reason}
        return Message(
            translate(language, TITLES[change.partition("-")[0]], **said),
            "\n".join(_lines(row, change, language, self.url)),
        )


def _lines(row: Any, change: str, language: str, url: str) -> list[str]:
    def line(text: str, **params: object) -> str:
        return translate(language, text, **params)

    lines = [
        line(N_("Where: %(site)s"), site=row["site_name"] or "–"),
        line(N_("What: %(name)s"), name=row["subject_name"]),
    ]
    if row["asset_tag"]:
        lines.append(line(N_("Asset: %(tag)s %(model)s"), tag=row["asset_tag"], model=row["model"]))
    lines.append(line(N_("Why: %(reason)s"), reason=say(language, row["reason"])))
    lines.append(line(N_("Since: %(time)s"), time=_local(row["opened_at"])))
    if change == "resolved" and row["resolved_at"]:
        lines.append(line(N_("Until: %(time)s"), time=_local(row["resolved_at"])))
    if row["affected"]:
        lines.append(line(N_("Also unreachable behind it: %(count)d"), count=row["affected"]))
    if row["carrier"]:
        lines.append(
            line(N_("Carrier: %(carrier)s, circuit %(circuit)s, hotline %(hotline)s"), carrier=row["carrier"],
                 circuit=row["circuit_number"] or "–", hotline=row["hotline"] or "–")
        )  # fmt: skip
    return [*lines, f"{url}/incidents/{row['number']}"]


def _local(moment: datetime) -> str:
    return moment.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
