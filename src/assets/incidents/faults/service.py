"""The verb of reporting: a tap on a picture becomes a declaration, a line on the asset's timeline and an incident.

What a person reported ends when a person says that it works, or when whoever handles the incident says that it is mended
(`incidents.service.resolve`): the declaration ends the incident, the incident ends the declaration. A probe that finds
everything in order ends neither, since it never saw what was reported.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from assets.access import signed_addresses
from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.access.signed_addresses import Issued, Purpose, SignedAddress
from assets.audit.service import record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.incidents.faults.fitting import OTHER, fits
from assets.incidents.faults.queries import kind_out, reportable
from assets.incidents.service import Subject, join_or_open
from assets.inventory import service as inventory
from assets.inventory.attachments import service as attachments
from assets.inventory.attachments.service import Looked
from assets.inventory.attachments.upload import Sent
from assets.monitoring import declarations
from assets.monitoring.declarations import Kind, Said
from assets.probing.readings import Severity
from assets.text import clean, clean_code, uncut
from assets.web.language import N_

NOTE_MAX = 300
GONE = ("disposed", "lost")
CHOOSE = N_("Please choose what is wrong.")
SAY = N_("Please write what is wrong.")


@dataclass(frozen=True)
class NewReport:
    """What is wrong: the code of a picture or OTHER, which wants a note. The same `key` is the same report."""

    fault: str
    note: str = ""
    key: UUID | None = None
    photo: Sent | None = None
    address: SignedAddress | None = None


async def report(actor: Actor, tag: str, new: NewReport, *, now: datetime) -> UUID:
    """Report a fault of an asset; answers the report's id, and the same one when it is sent again.

    It joins the incident that is open for the asset, or opens one. NotFound when the asset is another's, Invalid when
    nothing is chosen, Conflict when the asset is no more.
    """
    actor = actor.require(Action.DECLARE)
    async with transaction(actor.scope) as tx:
        asset = await tx.fetchrow("select * from assets where tag = $1", clean_code(tag))
        if asset is None or not actor.scope.sees(asset["site"]):
            raise NotFound()
        if (earlier := await _earlier(tx, new.key, asset["id"])) is not None:
            return earlier
        if asset["stage"] in GONE or asset["merged_into"] is not None:
            raise Conflict(N_("This asset is no longer in use."))
        await _told(tx, asset["model"], new)
    # Before the report and not within it: looking at a photo takes its time, and the asset's row is locked below.
    sent = new.photo if new.photo is not None and new.photo.name else None
    looked = await attachments.look_at_picture(sent) if sent else None
    async with transaction(actor.scope) as tx:
        return await _write(tx, actor, asset["tag"], new, looked, now)


async def _earlier(tx: Connection, key: UUID | None, asset: UUID) -> UUID | None:
    found: UUID | None = await tx.fetchval("select id from fault_reports where key = $1 and asset = $2", key, asset)
    return found


async def _told(tx: Connection, model: UUID, new: NewReport) -> tuple[str, Severity]:
    """What the report says in words, and how loudly; Invalid when it says nothing."""
    note = uncut("note", new.note, NOTE_MAX, lines=True)
    if new.fault == OTHER:
        if not note:
            raise Invalid(fields={"note": SAY})
        return note, Severity.CRITICAL
    row = await tx.fetchrow("select * from fault_kinds where code = $1 and active", clean(new.fault, 40))
    category = await tx.fetchrow(
        "select c.code, c.serves from asset_models m join asset_categories c on c.id = m.category where m.id = $1",
        model,
    )
    assert category is not None
    if row is None or not fits(kind_out(row), category["code"], category["serves"]):
        raise Invalid(fields={"fault": CHOOSE})
    return (f"{row['name']}: {note}" if note else row["name"]), Severity(row["severity"])


async def _write(tx: Connection, actor: Actor, tag: str, new: NewReport, looked: Looked | None, now: datetime) -> UUID:
    asset = await inventory.lock(tx, actor, tag)
    if (earlier := await _earlier(tx, new.key, asset["id"])) is not None:  # the other half of a double tap
        return earlier
    text, severity = await _told(tx, asset["model"], new)
    subject = Subject("asset", asset["id"], await _called(tx, asset["id"]), asset["site"], asset["id"], asset["tag"])
    incident = await join_or_open(tx, subject, severity, text, by=actor.name, now=now)
    await _declare(tx, actor, asset["id"], asset["tag"], new.fault, text, incident, now)
    photo = None
    if looked is not None:
        photo = await attachments.keep(actor, "asset", tag, looked, note=text, now=now, by=Action.DECLARE)
    await inventory.write_event(tx, asset["id"], asset["site"], "fault_reported", text, actor, now)
    made = await tx.fetchrow(
        "insert into fault_reports (id, key, site, asset, incident, fault, text, photo, said_by, said_by_name, said_at, "
        "signed_address) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) returning *",
        new_id(), new.key or new_id(), asset["site"], asset["id"], incident, new.fault, text, photo, actor.id, actor.name,
        now, new.address.id if new.address else None,
    )  # fmt: skip
    assert made is not None
    await record(
        tx, by=actor, action="report", kind="fault_report", subject=made["id"], name=tag, site=asset["site"],
        after=shown(made),
    )  # fmt: skip
    if new.address is not None:
        await signed_addresses.use(tx, new.address, actor, now=now)
    found: UUID = made["id"]
    return found


async def _called(tx: Connection, asset: UUID) -> str:
    name: str = await tx.fetchval(
        "select coalesce(nullif(a.name, ''), m.manufacturer || ' ' || m.name) from assets a "
        "join asset_models m on m.id = a.model where a.id = $1", asset,
    )  # fmt: skip
    return name


async def _declare(
    tx: Connection, actor: Actor, asset: UUID, tag: str, fault: str, text: str, incident: UUID, now: datetime
) -> None:
    """Say that it is broken; whoever says the same of it once more does not make it broken since just now."""
    same = await tx.execute(
        "update declarations set incident = $3 where asset = $1 and kind = 'broken' and fault = $2 and ended_at is null",
        asset, fault, incident,
    )  # fmt: skip
    if same == "UPDATE 0":
        site = await tx.fetchval("select s.code from sites s join assets a on a.site = s.id where a.id = $1", asset)
        said = Said(site, Kind.BROKEN, tag, text, fault=fault)
        await declarations.declare(actor, said, incident=incident, now=now)


async def works(actor: Actor, tag: str, *, now: datetime) -> None:
    """Say that an asset works; what people reported of it is over with that."""
    actor = actor.require(Action.DECLARE)
    async with transaction(actor.scope) as tx:
        asset = await inventory.lock(tx, actor, tag)
        site = await tx.fetchval("select code from sites where id = $1", asset["site"])
        await declarations.declare(actor, Said(site, Kind.WORKS, asset["tag"]), now=now)


async def add_photo(actor: Actor, report: UUID, sent: Sent, *, now: datetime) -> None:
    """Put a photo on a report that has none yet, and on its asset."""
    actor = actor.require(Action.DECLARE)
    async with transaction(actor.scope) as tx:
        row = await tx.fetchrow(
            "select r.photo, r.site, r.text, a.tag from fault_reports r join assets a on a.id = r.asset where r.id = $1",
            report,
        )
    if row is None or not actor.scope.sees(row["site"]):
        raise NotFound()
    if row["photo"] is not None:
        raise Conflict(N_("This report has a photo already."))
    photo = await attachments.attach(
        actor, "asset", row["tag"], sent, note=clean(row["text"]), now=now, by=Action.DECLARE, pictures=True
    )
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select photo from fault_reports where id = $1 for update", report)
        assert before is not None
        await tx.execute("update fault_reports set photo = $2 where id = $1", report, photo)
        await record(
            tx, by=actor, action="attach_file", kind="fault_report", subject=report, name=row["tag"], site=row["site"],
            before=dict(before), after={"photo": photo},
        )  # fmt: skip


async def issue_address(actor: Actor, tag: str, life: timedelta, *, now: datetime) -> Issued:
    """A signed address by which faults of this asset can be reported for some time; NotFound when it is another's."""
    async with transaction(actor.scope) as tx:
        asset = await reportable(tx, actor.scope, tag)
        return await signed_addresses.issue(
            tx, actor, Purpose.REPORT_FAULT, asset.id, asset.site, name=asset.tag, until=now + life, now=now
        )
