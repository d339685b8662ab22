"""Incidents that the past brought about, who took them on, and what people were told of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from assets import phrases
from assets.db import Connection
from assets.demo.fleet import Centre, Line
from assets.demo.history import Watched
from assets.demo.people import ON_CALL, Person
from assets.demo.rows import Row, audited, write
from assets.demo.troubles import PAST, PRESENT, Trouble
from assets.ids import new_id
from assets.incidents.reaction import Ends, Kind, Opens, react
from assets.incidents.suppression import Facts, Window, why_quiet
from assets.monitoring.conditions import Condition
from assets.notifications.routing import NEVER_TOLD, OVER, Later
from assets.phrases import Phrase
from assets.probing.readings import Severity

GROUP_WAIT = timedelta(seconds=20)
SENDING = timedelta(seconds=2)


@dataclass
class Report:
    """One incident on its way from opening to its end."""

    kind: Kind
    severity: Severity
    site: UUID
    subject_kind: str
    subject: UUID
    name: str
    reason: str
    opened_at: datetime
    asset: UUID | None = None
    asset_tag: str = ""
    affected: int = 0
    trouble: Trouble | None = None
    resolved_at: datetime | None = None
    resolution: str = ""
    acknowledged_at: datetime | None = None
    id: UUID = field(default_factory=new_id)
    events: list[tuple[datetime, str, str, str]] = field(default_factory=list)  # at, kind, by, text


@dataclass(frozen=True)
class Told:
    """Where messages went, and who answered them."""

    channel: UUID
    people: Mapping[str, Person]


def reports(
    watched: Sequence[Watched], centres: Mapping[str, Centre], *, sites: Mapping[str, UUID], assets: Mapping[str, UUID]
) -> list[Report]:
    """The incidents of all targets, oldest first."""
    behind = _behind(watched)
    found = [
        report for w in watched for report in _of(w, sites[w.subject.site], assets.get(w.subject.tag), behind, centres)
    ]
    return sorted(found, key=lambda report: report.opened_at)


def _behind(watched: Sequence[Watched]) -> dict[UUID, int]:
    """How many things became unreachable because of each target; no target has two such times."""
    counted: dict[UUID, int] = {}
    for w in watched:
        for cause in {c.cause for c in w.changes if c.after is Condition.UNREACHABLE and c.cause}:
            counted[cause] = counted.get(cause, 0) + 1
    return counted


def _of(
    w: Watched, site: UUID, asset: UUID | None, behind: Mapping[UUID, int], centres: Mapping[str, Centre]
) -> Iterator[Report]:
    open_now: dict[Kind, Report] = {}
    for change in w.changes:
        for step in react(change, Kind.LINK if isinstance(w.subject, Line) else Kind.DEVICE):
            known = open_now.get(step.kind)
            if isinstance(step, Ends):
                if known:
                    _end(open_now.pop(step.kind), step, change.at)
                    yield known
            elif known:
                known.reason = phrases.store(step.reasons)
                known.events.append((change.at, "changed", "", known.reason))
            else:
                open_now[step.kind] = report = _open(w, step, site, change.at)
                report.asset, report.asset_tag = asset, w.subject.tag if asset else ""
                report.affected = behind.get(w.target, 0)
                report.trouble = _trouble(w, centres[w.subject.site])
    yield from open_now.values()


def _open(w: Watched, opens: Opens, site: UUID, at: datetime) -> Report:
    reason = phrases.store(opens.reasons)
    report = Report(opens.kind, opens.severity, site, "target", w.target, w.name, reason, at)
    report.events.append((at, "opened", "", reason))
    return report


def _end(report: Report, ends: Ends, at: datetime) -> None:
    report.resolved_at, report.resolution = at, phrases.store([ends.reason])
    report.events.append((at, "resolved", "", report.resolution))


def _trouble(w: Watched, centre: Centre) -> Trouble | None:
    # No thing is in trouble twice, so that its one trouble is the incident's.
    return next((t for t in (*PAST, *PRESENT) if t.site == centre.code and t.tag_in(centre) == w.subject.tag), None)


def take_on(reports: Sequence[Report], by: Person) -> None:
    """Have the person on call take on what the troubles say was taken on."""
    for report in reports:
        trouble = report.trouble
        if trouble and trouble.acknowledged_after:
            report.acknowledged_at = report.opened_at + trouble.acknowledged_after
            report.events.append((report.acknowledged_at, "acknowledged", by.name, ""))
            if trouble.note:
                noted = report.acknowledged_at + timedelta(minutes=3)
                report.events.append((noted, "noted", by.name, trouble.note))


async def write_reports(tx: Connection, reports: Sequence[Report], told: Told) -> None:
    """Incidents with their stories, windows, messages and audit events; the next number follows the last."""
    by = told.people[ON_CALL]
    await write(tx, "incidents", [_incident(r, number, by) for number, r in enumerate(reports, start=1)])
    await tx.execute("select setval('incident_numbers', $1)", max(1, len(reports)))
    await write(tx, "incident_events", [
        {"id": new_id(), "incident": r.id, "at": at, "kind": kind, "actor_name": who, "text": text}
        for r in reports for at, kind, who, text in sorted(r.events)
    ])  # fmt: skip
    await write(tx, "maintenance_windows", [
        {
            "id": new_id(), "site": r.site, "title": w.title, "starts_at": w.starts_at, "ends_at": w.ends_at,
            "created_by": by.name,
        }
        for r in reports if (w := _window(r))
    ])  # fmt: skip
    await write(tx, "notifications", [row for r in reports for row in _messages(r, told.channel)])
    await write(tx, "audit_events", [
        audited(
            at=r.acknowledged_at, by=(by.id, by.name), action="acknowledge", kind="incident", subject=r.id, name=r.name,
            site=r.site, before={"state": "open"}, after={"state": "acknowledged"},
        )
        for r in reports if r.acknowledged_at
    ])  # fmt: skip


def _incident(r: Report, number: int, by: Person) -> Row:
    state = "resolved" if r.resolved_at else "acknowledged" if r.acknowledged_at else "open"
    return {
        "id": r.id, "number": number, "kind": r.kind.value, "severity": r.severity.value, "state": state, "site": r.site,
        "subject_kind": r.subject_kind, "subject": r.subject, "subject_name": r.name, "asset": r.asset,
        "asset_tag": r.asset_tag, "reason": r.reason, "opened_at": r.opened_at, "acknowledged_at": r.acknowledged_at,
        "acknowledged_by": by.name if r.acknowledged_at else "", "resolved_at": r.resolved_at,
        "resolution": r.resolution, "affected": r.affected, "version": 1 + len(r.events),
    }  # fmt: skip


def _window(report: Report) -> Window | None:
    trouble = report.trouble
    if trouble is None or not trouble.planned or trouble.lasted is None:
        return None
    starts = report.opened_at - timedelta(minutes=10)
    return Window(trouble.planned, starts, starts + trouble.lasted + timedelta(minutes=30))


def _messages(report: Report, channel: UUID) -> Iterator[Row]:
    """What the channel for critical things was told of an incident, or why it was not."""
    if report.severity is not Severity.CRITICAL:
        return
    due = report.opened_at + GROUP_WAIT
    quiet = _why_quiet(report, due)
    yield _message(report, channel, "opened", due, quiet)
    if report.resolved_at:
        yield _message(report, channel, "resolved", report.resolved_at, NEVER_TOLD.phrase if quiet else None)


def _why_quiet(report: Report, due: datetime) -> Phrase | None:
    if report.resolved_at and report.resolved_at <= due:
        return OVER.phrase
    window = _window(report)
    verdict = why_quiet(Facts("opened", "open", windows=(window,) if window else ()), due)
    if isinstance(verdict, Later):
        return OVER.phrase if report.resolved_at and report.resolved_at <= verdict.at else None
    return verdict.phrase if verdict else None


def _message(report: Report, channel: UUID, change: str, due: datetime, quiet: Phrase | None) -> Row:
    return {
        "id": new_id(), "subject_kind": "incident", "subject": report.id, "change": change, "channel": channel,
        "site": report.site, "state": "suppressed" if quiet else "sent", "facts": "{}", "severity": report.severity.value,
        "created_at": due, "next_attempt_at": due, "attempts": 0 if quiet else 1,
        "sent_at": None if quiet else due + SENDING, "reason": phrases.store([quiet]) if quiet else "",
    }  # fmt: skip
