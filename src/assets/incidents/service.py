"""The verbs of incidents: react to changes, acknowledge, silence, plan work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from assets import phrases
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.incidents.reaction import Ends, Kind, Opens, react
from assets.monitoring import declarations
from assets.monitoring.collectors import CollectorView
from assets.monitoring.service import TargetChange, TargetRow
from assets.monitoring.targets import ASKED
from assets.notifications.service import announce
from assets.phrases import Phrase
from assets.probing.readings import Severity
from assets.text import clean, uncut
from assets.web.language import N_

SILENCE_MAX = timedelta(days=30)
NOTE_MAX = 255


@dataclass(frozen=True)
class Subject:
    """What an incident is about, and where."""

    kind: str  # target, collector, asset
    id: UUID
    name: str
    site: UUID | None
    asset: UUID | None = None
    asset_tag: str = ""


async def follow(tx: Connection, changes: Sequence[TargetChange], *, group_wait: timedelta, now: datetime) -> None:
    """Open, join and end the incidents that these changes call for, and write the messages about them."""
    for item in changes:
        subject = _subject(item.target)
        for step in react(item.change, _gone_kind(item.target)):
            if isinstance(step, Opens):
                await open_or_join(tx, subject, step, at=item.change.at, tell_at=now + group_wait, now=now)
            else:
                await end(tx, subject, step, at=item.change.at, now=now)
    await _count_affected(tx, changes)


def _subject(target: TargetRow) -> Subject:
    return Subject("target", target.id, target.name, target.site, target.asset, target.asset_tag)


def _gone_kind(target: TargetRow) -> Kind:
    if target.link is not None:
        return Kind.LINK
    return Kind.APPLICATION if target.application is not None else Kind.DEVICE


async def open_or_join(
    tx: Connection, subject: Subject, opens: Opens, *, at: datetime, tell_at: datetime, now: datetime
) -> None:
    """Open an incident, or add to the one that is open for this subject and kind."""
    reason = phrases.store(opens.reasons)
    row = await tx.fetchrow(
        "select id, severity, reason from incidents where subject_kind = $1 and subject = $2 and kind = $3 "
        "and state <> 'resolved' for update", subject.kind, subject.id, opens.kind,
    )  # fmt: skip
    row = row or await _reported_before(tx, subject, opens.kind)
    if row is None:
        await _open(tx, subject, opens, reason, at=at, tell_at=tell_at, now=now)
        return
    if row["reason"] == reason and row["severity"] == opens.severity:
        return
    worse = row["severity"] == Severity.WARNING and opens.severity == Severity.CRITICAL
    version = await tx.fetchval(
        "update incidents set reason = $2, severity = $3, version = version + 1 where id = $1 returning version",
        row["id"],
        reason,
        opens.severity,
    )
    await _story(tx, row["id"], at, "changed", reason)
    if worse:
        await _tell(tx, row["id"], f"worse-{version}", opens.kind, opens.severity, subject.site, due_at=now, now=now)


async def _reported_before(tx: Connection, subject: Subject, kind: Kind) -> Any:
    """The incident that people have opened about the same asset: from now on it is what is measured, too."""
    if subject.kind != "target" or subject.asset is None:
        return None
    return await tx.fetchrow(
        "update incidents set subject_kind = $1, subject = $2 where subject_kind = 'asset' and subject = $3 and kind = $4 "
        "and state <> 'resolved' returning id, severity, reason", subject.kind, subject.id, subject.asset, kind,
    )  # fmt: skip


async def _open(
    tx: Connection, subject: Subject, opens: Opens, reason: str, *, at: datetime, tell_at: datetime, now: datetime,
    by: str = "",
) -> UUID:  # fmt: skip
    incident = new_id()
    await tx.execute(
        "insert into incidents (id, number, kind, severity, state, site, subject_kind, subject, subject_name, asset, "
        "asset_tag, reason, opened_at, version, affected) "
        "values ($1, nextval('incident_numbers'), $2, $3, 'open', $4, $5, $6, $7, $8, $9, $10, $11, 1, 0)",
        incident, opens.kind, opens.severity, subject.site, subject.kind, subject.id, subject.name, subject.asset,
        subject.asset_tag, reason, at,
    )  # fmt: skip
    await _story(tx, incident, at, "opened", reason, by=by)
    await _tell(tx, incident, "opened", opens.kind, opens.severity, subject.site, due_at=tell_at, now=now)
    return incident


def reported(text: str) -> Phrase:
    """Why an incident is there that no probe has seen."""
    return Phrase("reported: %(text)s", {"text": text})


async def join_or_open(
    tx: Connection, subject: Subject, severity: Severity, text: str, *, by: str, now: datetime
) -> UUID:
    """The open incident of an asset with what somebody reports of it in its story, or a new one; answers its id.

    Of several the one that people opened comes first, then the one about the device itself.
    """
    row = await tx.fetchrow(
        "select id, kind, severity, subject_kind, reason from incidents where asset = $1 and site = $2 "
        "and state <> 'resolved' order by (subject_kind = 'asset') desc, (kind = 'device') desc, opened_at limit 1 for update",
        subject.asset, subject.site,
    )  # fmt: skip
    if row is None:
        opens = Opens(Kind.DEVICE, severity, (reported(text),))
        return await _open(
            tx, subject, opens, phrases.store(opens.reasons), at=now, tell_at=now, now=now, by=by
        )  # fmt: skip
    await _story(tx, row["id"], now, "reported", text, by=by)
    await _add_report(tx, row, severity, text, subject.site, now)
    incident: UUID = row["id"]
    return incident


async def _add_report(
    tx: Connection, row: Mapping[str, Any], severity: Severity, text: str, site: UUID | None, now: datetime
) -> None:
    """Let an incident say what else was reported, and tell when that is worse; why it is measured stays the probe's."""
    reasons = phrases.load(row["reason"])
    if row["subject_kind"] == "asset" and reported(text) not in reasons:
        reasons = (*reasons, reported(text))
    worse = row["severity"] == Severity.WARNING and severity == Severity.CRITICAL
    loudest = severity if worse else Severity(row["severity"])
    reason = phrases.store(reasons)
    if not worse and reason == row["reason"]:
        return
    version = await tx.fetchval(
        "update incidents set reason = $2, severity = $3, version = version + 1 where id = $1 returning version",
        row["id"], reason, loudest,
    )  # fmt: skip
    if worse:
        await _tell(tx, row["id"], f"worse-{version}", Kind(row["kind"]), severity, site, due_at=now, now=now)


@declarations.on_end
async def person_says_otherwise(tx: Connection, over: declarations.Over) -> None:
    """What people opened ends when they say that it works; what is measured as well goes on until that is over."""
    works = Phrase("%(name)s says that it works again", {"name": over.by.name})
    row = await tx.fetchrow(
        "select id, subject_kind, subject, subject_name, site, kind from incidents where id = $1 and state <> 'resolved' "
        "for update", over.incident,
    )  # fmt: skip
    if row is None:
        return
    if row["subject_kind"] == "asset":
        subject = Subject(row["subject_kind"], row["subject"], row["subject_name"], row["site"])
        await end(tx, subject, Ends(Kind(row["kind"]), works), at=over.at, now=over.at)
    else:
        await _story(tx, row["id"], over.at, "noted", phrases.store([works]), by=over.by.name)


async def end(tx: Connection, subject: Subject, ends: Ends, *, at: datetime, now: datetime) -> None:
    """Resolve what is open of this kind; nothing, when nothing is.

    What somebody has reported meanwhile and no probe can see is not over with it: the incident goes on without the probe.
    """
    row = await tx.fetchrow(
        "select i.id, i.severity, i.site, i.asset, d.text as said from incidents i "
        "left join declarations d on d.incident = i.id and d.ended_at is null "
        "where i.subject_kind = $1 and i.subject = $2 and i.kind = $3 and i.state <> 'resolved' limit 1 for update of i",
        subject.kind, subject.id, ends.kind,
    )  # fmt: skip
    if row is None:
        return
    resolution = phrases.store([ends.reason])
    if subject.kind == "target" and row["said"] is not None and row["asset"] is not None:
        await tx.execute(
            "update incidents set subject_kind = 'asset', subject = asset, reason = $2, affected = 0, version = version + 1 "
            "where id = $1", row["id"], phrases.store([reported(row["said"])]),
        )  # fmt: skip
        await _story(tx, row["id"], at, "noted", resolution)
        return
    await tx.execute(
        "update incidents set state = 'resolved', resolved_at = greatest($2, opened_at), resolution = $3, "
        "version = version + 1 where id = $1", row["id"], at, resolution,
    )  # fmt: skip
    await _story(tx, row["id"], at, "resolved", resolution)
    await _tell(tx, row["id"], "resolved", ends.kind, Severity(row["severity"]), row["site"], due_at=now, now=now)


async def _tell(
    tx: Connection,
    incident: UUID,
    change: str,
    kind: Kind,
    severity: Severity,
    site: UUID | None,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    await announce(
        tx, subject_kind="incident", subject=incident, change=change, kind=kind, severity=severity, site=site, facts={},
        due_at=due_at, now=now,
    )  # fmt: skip


async def _story(tx: Connection, incident: UUID, at: datetime, kind: str, text: str, by: str = "") -> None:
    await tx.execute(
        "insert into incident_events (id, incident, at, kind, actor_name, text) values ($1,$2,$3,$4,$5,$6)",
        new_id(), incident, at, kind, by, text,
    )  # fmt: skip


async def _count_affected(tx: Connection, changes: Sequence[TargetChange]) -> None:
    """How much is unreachable behind the things that these changes blame."""
    blamed = {c.change.cause for c in changes if c.change.cause is not None}
    blamed |= {c.target.id for c in changes}
    if changes:
        await tx.execute(
            "update incidents i set affected = n.count from (select c.id, (select count(*) from device_states d "
            "where d.cause = c.id and d.condition = 'unreachable') as count from unnest($1::uuid[]) as c(id)) n "
            "where i.subject = n.id and i.state <> 'resolved' and i.affected <> n.count", list(blamed),
        )  # fmt: skip


async def collectors_fell_silent(
    tx: Connection, silent: Sequence[CollectorView], *, group_wait: timedelta, now: datetime
) -> None:
    """One incident for each collector that stopped speaking, instead of one for each device behind it."""
    for one in silent:
        opens = Opens(Kind.COLLECTOR, Severity.CRITICAL, (Phrase("the collector is silent"),))
        subject = Subject("collector", one.id, one.name, one.site)
        await open_or_join(tx, subject, opens, at=one.since, tell_at=now + group_wait, now=now)


async def collector_is_back(tx: Connection, collector: UUID, *, now: datetime) -> None:
    """A collector spoke again."""
    ends = Ends(Kind.COLLECTOR, Phrase("the collector speaks again"))
    await end(tx, Subject("collector", collector, "", None), ends, at=now, now=now)


_UNASKED = f"""
    select i.id, i.kind, i.subject_kind, i.subject, i.subject_name, i.site from incidents i
    where i.state <> 'resolved' and (
        (i.subject_kind = 'target' and not exists (select 1 from targets t where t.id = i.subject and {ASKED}))
        or (i.subject_kind = 'collector' and not exists (
            select 1 from collectors c where c.id = i.subject and c.revoked_at is null))
        or (i.subject_kind = 'asset' and not exists (select 1 from assets a where a.id = i.subject and a.site = i.site
            and a.merged_into is null and a.stage not in ('disposed', 'lost'))))
"""  # noqa: S608 - constants only


async def end_unasked(tx: Connection, *, now: datetime) -> None:
    """End what nobody looks at any more: a target that was switched off or whose asset left, a revoked collector.

    What people reported of an asset ends when the asset stands elsewhere or is no more.
    """
    for row in await tx.fetch(_UNASKED):
        subject = Subject(row["subject_kind"], row["subject"], row["subject_name"], row["site"])
        await end(tx, subject, Ends(Kind(row["kind"]), Phrase("it is no longer asked")), at=now, now=now)


async def acknowledge(actor: Actor, number: int, *, now: datetime) -> None:
    """Say that somebody has it; Conflict when it is over, nothing new when somebody already has it."""
    actor = actor.require(Action.HANDLE_INCIDENT)
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from incidents where number = $1 for update", number)
        if row is None or not actor.scope.sees(row["site"]):
            raise NotFound()
        if row["state"] == "resolved":
            raise Conflict("This incident is already resolved.")
        if row["state"] == "acknowledged":
            return
        after = await tx.fetchrow(
            "update incidents set state = 'acknowledged', acknowledged_at = $2, acknowledged_by = $3, version = version + 1 "
            "where id = $1 returning *", row["id"], now, actor.name,
        )  # fmt: skip
        await _story(tx, row["id"], now, "acknowledged", "", by=actor.name)
        await record(
            tx, by=actor, action="acknowledge", kind="incident", subject=row["id"], name=row["subject_name"],
            site=row["site"], **differences(row, after),
        )  # fmt: skip


MEASURED = N_("This incident ends by itself when the measurement is in order again.")


async def resolve(actor: Actor, number: int, note: str = "", *, now: datetime) -> None:
    """Say that what people reported is mended, and so end what they said; Conflict when it is over or is measured."""
    actor, said = actor.require(Action.HANDLE_INCIDENT), uncut("note", note, NOTE_MAX)
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow("select * from incidents where number = $1 for update", number)
        if row is None or not actor.scope.sees(row["site"]):
            raise NotFound()
        if row["state"] == "resolved":
            raise Conflict("This incident is already resolved.")
        if row["subject_kind"] != "asset":
            raise Conflict(MEASURED)
        by = Phrase("mended, says %(name)s: %(text)s", {"name": actor.name, "text": said})
        reason = by if said else Phrase("mended, says %(name)s", {"name": actor.name})
        subject = Subject(row["subject_kind"], row["subject"], row["subject_name"], row["site"])
        await end(tx, subject, Ends(Kind(row["kind"]), reason), at=now, now=now)
        await declarations.end_of_incident(tx, actor, row["id"], now=now)
        after = await tx.fetchrow("select * from incidents where id = $1", row["id"])
        assert after is not None
        await record(
            tx, by=actor, action="resolve", kind="incident", subject=row["id"], name=row["subject_name"],
            site=row["site"], reason=said, **differences(row, after),
        )  # fmt: skip


@dataclass(frozen=True)
class Quietness:
    """A wish for quiet: over a site (or, None, everything one may see) or one target, for a time, and why."""

    site: UUID | None
    target: UUID | None
    title: str
    starts_at: datetime
    ends_at: datetime


async def plan_work(actor: Actor, wish: Quietness) -> UUID:
    """A maintenance window: conditions are recorded as ever, nobody is disturbed."""
    actor = actor.require(Action.SILENCE)
    return await _keep_quiet(actor, wish, "maintenance_windows", "title", "maintenance_window")


async def silence(actor: Actor, wish: Quietness) -> UUID:
    """Quiet at once, for at most 30 days."""
    actor = actor.require(Action.SILENCE)
    if wish.ends_at - wish.starts_at > SILENCE_MAX:
        raise Invalid(fields={"ends_at": f"at most {SILENCE_MAX.days} days after it begins"})
    return await _keep_quiet(actor, wish, "silences", "reason", "silence")


async def _keep_quiet(actor: Actor, wish: Quietness, table: str, words: str, kind: str) -> UUID:
    if wish.ends_at <= wish.starts_at:
        raise Invalid(fields={"ends_at": "after it begins"})
    if not clean(wish.title):
        raise Invalid(fields={"title": "say why"})
    async with transaction(actor.scope) as tx:
        if not actor.scope.sees(wish.site) or (table == "maintenance_windows" and wish.site is None):
            raise NotFound("There is no such site.")
        if wish.site and not await tx.fetchval("select 1 from sites where id = $1", wish.site):
            raise NotFound("There is no such site.")
        if wish.target and not await tx.fetchval(
            "select 1 from targets where id = $1 and ($2::uuid is null or site = $2)", wish.target, wish.site
        ):
            raise NotFound("There is no such target at this site.")
        row = new_id()
        made = await tx.fetchrow(
            f"insert into {table} (id, site, target, {words}, starts_at, ends_at, created_by, version) "  # noqa: S608
            "values ($1,$2,$3,$4,$5,$6,$7,1) returning *",
            row, wish.site, wish.target, clean(wish.title, 160), wish.starts_at, wish.ends_at, actor.name,
        )  # fmt: skip
        await record(
            tx, by=actor, action="add", kind=kind, subject=row, name=clean(wish.title), site=wish.site,
            after=shown(made),
        )  # fmt: skip
        return row


async def quiet_facts(tx: Connection, incident: Any, now: datetime) -> tuple[list[Any], list[Any], str]:
    """The windows and silences that touch an incident now, and the name of what stands before it and is gone."""
    windows = await tx.fetch(
        "select title, starts_at, ends_at from maintenance_windows where site = $1 and (target is null or target = $2) "
        "and starts_at <= $3 and ends_at > $3", incident["site"], incident["subject"], now,
    )  # fmt: skip
    silences = await tx.fetch(
        "select reason as title, starts_at, ends_at from silences where (site is null or site = $1) "
        "and (target is null or target = $2) and starts_at <= $3 and ends_at > $3",
        incident["site"], incident["subject"], now,
    )  # fmt: skip
    blamed = await tx.fetchval(
        "select t.name from device_states d join targets t on t.id = d.cause "
        "where d.target = $1 and d.condition = 'unreachable'", incident["subject"],
    )  # fmt: skip
    return windows, silences, blamed or ""
