"""The verbs of attachments: add a file to a thing, and take it off again.

Files are kept in PostgreSQL, so that one backup holds everything, row-level security stands before each, and any number of
workers have them. Their bytes are in a table of their own, once for the same content, and are read only to be served.
"""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any
from uuid import UUID

import anyio

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, as_owner, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.inventory.attachments.kinds import KINDS
from assets.inventory.attachments.photos import plain
from assets.inventory.attachments.sniffing import ENDINGS, HEAD_BYTES, PICTURES, UNKNOWN, Unfit, media_type
from assets.inventory.attachments.upload import FILE, Sent
from assets.inventory.service import write_event
from assets.text import TEXT_MAX, clean, overlong
from assets.web.language import N_

FILES_MAX = 30  # on one thing
FILES_MAX_OF = {"transfer": FILES_MAX + 2 * 200}  # a photo of each of its lines from either side as well
NAME_MAX = 120
OTHER_SIDE = N_("The other side of the transfer, or the province, added this file: only they can take it off.")
OVER = N_("The transfer is over: its files stay with it as they are.")
NO_PICTURE = Unfit(N_("Only pictures (JPEG, PNG, WebP) can be added here."))
# Files that are looked at and written at the same time: each is in memory then. Taken before a transaction, never in one.
AT_ONCE = asyncio.Semaphore(2)
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"/\\|?*', "_"))


@dataclass(frozen=True)
class Subject:
    """The thing that a file is on."""

    kind: str
    id: UUID
    code: str
    name: str
    site: UUID | None


async def subject_of(tx: Connection, actor: Actor, kind: str, thing: str, *, act: Action | None = None) -> Subject:
    """The thing of this kind, by its id or by what people call it; NotFound also when it is another's.

    Whoever may do `act` need not be allowed to look at it: a signed address lends one act and no more.
    """
    of = KINDS.get(kind)
    if of is None:
        raise Invalid(fields={"subject_kind": "one of: " + ", ".join(KINDS)})
    value: UUID | str | None
    by, value = ("id", _uuid(thing)) if _uuid(thing) else (of.key, clean(thing, NAME_MAX))
    if by == "id" and not _uuid(thing):
        raise NotFound()
    if by == "tag":
        value = str(value).upper()
    row = await tx.fetchrow(
        f"select id, {of.key}::text as code, {of.name} as name, {of.site or 'null::uuid'} as site, "  # noqa: S608
        f"{of.private} as private "
        f"from {of.table} where {f'{by}::text' if by == 'number' else by} = $1", value,
    )  # fmt: skip
    if row is None or not actor.may(act or of.seen_by) or (of.site and not actor.scope.sees(row["site"])):
        raise NotFound()
    if row["private"] and not actor.may(of.private_to, row["site"]):
        raise NotFound()
    return Subject(kind, row["id"], row["code"], row["name"], row["site"])


async def attach(
    actor: Actor,
    kind: str,
    thing: str,
    sent: Sent,
    *,
    note: str = "",
    now: datetime,
    by: Action = Action.EDIT_INVENTORY,
    pictures: bool = False,
) -> UUID:
    """Keep a file on a thing; the same file on the same thing is there once, however often it is sent.

    `by` is what somebody must be allowed to do at the thing's site; with `pictures` nothing but pictures is taken. Invalid
    says why a file is not kept, Conflict that the thing has too many.
    """
    actor = actor.require(by)
    wrong = overlong({"note": (note, TEXT_MAX)})
    if not sent.name:
        wrong[FILE] = N_("Please choose a file.")
    if wrong:
        raise Invalid(fields=wrong)
    async with transaction(actor.scope) as tx:  # before the work, and so that nobody learns of what is not theirs
        _may_write(actor, await subject_of(tx, actor, kind, thing, act=by))
    async with AT_ONCE:
        looked = await anyio.to_thread.run_sync(_looked_at, sent, pictures)
        return await keep(actor, kind, thing, looked, note=note, now=now, by=by)


@dataclass(frozen=True)
class Looked:
    """A file that may be kept: where the bytes to keep lie, what they are, and what to call them.

    The bytes lie in the file that came, on disk where they are many: of a form with many photos one is in memory at a time.
    """

    file: IO[bytes]
    sha256: str
    size: int
    media_type: str
    name: str


async def look_at_picture(sent: Sent) -> Looked:
    """A picture of a form as it can be kept with `keep`; Invalid says why it cannot."""
    async with AT_ONCE:
        return await anyio.to_thread.run_sync(_looked_at, sent, True)


async def keep(
    actor: Actor, kind: str, thing: str, looked: Looked, *, note: str = "", now: datetime, by: Action,
    side: UUID | None = None,
) -> UUID:  # fmt: skip
    """What `attach` does, with a file that was looked at before: for verbs whose transaction must not wait for that.

    `side` is the site that adds it to what two sites share; else it is the actor's own.
    """
    actor = actor.require(by)
    async with transaction(actor.scope) as tx:
        subject = await subject_of(tx, actor, kind, thing, act=by)
        _may_write(actor, subject)
        await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"attachments {subject.id}")
        file = await _stored(tx, looked, now)
        return await _attached(tx, actor, subject, file, looked.name, clean(note), now, side or _side(actor, subject))


def _may_write(actor: Actor, subject: Subject) -> None:
    if subject.site is None and not actor.scope.everything:
        raise NotAllowed()


def _side(actor: Actor, subject: Subject) -> UUID | None:
    """The side that somebody adds a file by; None for the province, and where there are no sides."""
    return subject.site if KINDS[subject.kind].shared and not actor.scope.everything else None


def _looked_at(sent: Sent, pictures: bool) -> Looked:
    try:
        type_ = media_type(sent.file.read(HEAD_BYTES), sent.file)
        if pictures and type_ not in PICTURES:
            raise NO_PICTURE
        sent.file.seek(0)
        content = sent.file.read()
        if type_ in PICTURES:
            content = plain(content, type_)
            _put_back(sent.file, content)
        return Looked(sent.file, hashlib.sha256(content).hexdigest(), len(content), type_, named(sent.name, type_))
    except Unfit as unfit:
        raise Invalid(fields={FILE: (NO_PICTURE if pictures and unfit is UNKNOWN else unfit).why}) from None


def _put_back(file: IO[bytes], content: bytes) -> None:
    file.seek(0)
    file.truncate()
    file.write(content)


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


async def _stored(tx: Connection, looked: Looked, now: datetime) -> UUID:
    known = "select id from stored_files where sha256 = $1"
    async with as_owner(tx):  # it may be there already, on a thing that this person does not see
        found: UUID | None = await tx.fetchval(known, looked.sha256)
        found = found or await tx.fetchval(
            "insert into stored_files (id, sha256, media_type, size, content, created_at) values ($1,$2,$3,$4,$5,$6) "
            "on conflict (sha256) do nothing returning id", new_id(), looked.sha256, looked.media_type, looked.size,
            await anyio.to_thread.run_sync(_read, looked.file), now,
        )  # fmt: skip
        found = found or await tx.fetchval(known, looked.sha256)
    assert found is not None
    return found


async def _attached(
    tx: Connection, actor: Actor, subject: Subject, file: UUID, name: str, note: str, now: datetime, side: UUID | None
) -> UUID:
    rows = await tx.fetch(
        "select id, file, by_site from attachments where subject_kind = $1 and subject = $2 and removed_at is null",
        subject.kind, subject.id,
    )  # fmt: skip
    for row in rows:
        # What two sides share has one picture twice when both sent it: each takes off its own.
        if row["file"] == file and (not KINDS[subject.kind].shared or row["by_site"] == side):
            there: UUID = row["id"]
            return there
    most = FILES_MAX_OF.get(subject.kind, FILES_MAX)
    if len(rows) >= most:
        raise Conflict(N_("It has as many files as a thing can have. Remove one first."), files_max=most)
    made = await tx.fetchrow(
        "insert into attachments (id, subject_kind, subject, file, name, note, added_by, added_at, by_site, removed_by, "
        "version) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,'',1) returning *",
        new_id(), subject.kind, subject.id, file, name, note, actor.name, now, side,
    )  # fmt: skip
    assert made is not None
    if subject.kind == "asset" and subject.site:
        await write_event(tx, subject.id, subject.site, "file_added", name, actor, now)
    await record(
        tx, by=actor, action="attach_file", kind="attachment", subject=made["id"], name=f"{subject.code}: {name}",
        site=subject.site, after=shown(made),
    )  # fmt: skip
    added: UUID = made["id"]
    return added


async def remove(actor: Actor, attachment: UUID, *, version: int, now: datetime) -> Subject:
    """Take a file off its thing, which is answered; who did it and when stays, and so do the bytes.

    NotAllowed when the other side added it, Conflict when what the two sides share is over (see `Kind.shared`).
    """
    async with transaction(actor.scope) as tx:
        before = await tx.fetchrow("select * from attachments where id = $1", attachment)
        if before is None:
            raise NotFound()
        of = KINDS[before["subject_kind"]]
        actor = actor.require(of.removed_by)
        subject = await subject_of(tx, actor, before["subject_kind"], str(before["subject"]))
        _may_write(actor, subject)
        if not _own(actor, subject, before["by_site"]):
            raise NotAllowed(OTHER_SIDE)
        if await _over(tx, subject, lock="for share"):
            raise Conflict(OVER)
        before = await tx.fetchrow("select * from attachments where id = $1 for update", attachment)
        assert before is not None
        if before["version"] != version:
            raise Stale()
        if before["removed_at"] is not None:
            raise Conflict(N_("It has been removed already."))
        after = await tx.fetchrow(
            "update attachments set removed_by = $2, removed_at = $3, version = version + 1 where id = $1 returning *",
            attachment, actor.name, now,
        )  # fmt: skip
        if subject.kind == "asset" and subject.site:
            await write_event(tx, subject.id, subject.site, "file_removed", before["name"], actor, now)
        await record(
            tx, by=actor, action="remove_file", kind="attachment", subject=attachment,
            name=f"{subject.code}: {before['name']}", site=subject.site, **_changed(before, after),
        )  # fmt: skip
        return subject


async def removable(tx: Connection, actor: Actor, subject: Subject) -> set[UUID]:
    """The files of a thing that somebody could take off now; of what two sites share, whichever site they look at it from."""
    of = KINDS[subject.kind]
    if not actor.may(of.removed_by, None if of.shared else subject.site):
        return set()
    actor = actor.within(of.removed_by)
    if (subject.site is None and not actor.scope.everything) or await _over(tx, subject):
        return set()
    rows = await tx.fetch(
        "select id, by_site from attachments where subject_kind = $1 and subject = $2 and removed_at is null",
        subject.kind, subject.id,
    )  # fmt: skip
    return {row["id"] for row in rows if _own(actor, subject, row["by_site"])}


def _own(actor: Actor, subject: Subject, side: UUID | None) -> bool:
    """Whether it is for this person to take a file off that `side` added."""
    if not KINDS[subject.kind].shared or actor.scope.everything:
        return True
    return side is not None and actor.scope.sees(side)


async def _over(tx: Connection, subject: Subject, lock: str = "") -> bool:
    of = KINDS[subject.kind]
    over: bool = await tx.fetchval(f"select {of.over} from {of.table} where id = $1 {lock}", subject.id)  # noqa: S608
    return over


def _changed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Any:
    assert before is not None
    assert after is not None
    return differences(before, after)


def named(name: str, type_: str) -> str:
    """A name that every system takes, with the ending of what the file is: `..\\ảnh<1>.php` → `ảnh_1_.jpg`."""
    last = clean(name.replace("\\", "/").rpartition("/")[2], NAME_MAX + 20).translate(_FORBIDDEN)
    stem = last.rpartition(".")[0] or last
    return f"{stem.strip(' .')[:NAME_MAX] or 'file'}.{ENDINGS[type_]}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
