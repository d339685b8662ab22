"""Attachments over HTTP: files on things, their facts as JSON and their bytes beside them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from litestar import Controller, Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires, requires_any
from assets.access.permissions import Action
from assets.db import Connection, Scope, transaction
from assets.errors import Invalid, NotFound
from assets.inventory.attachments import service
from assets.inventory.attachments.kinds import NAMES, REMOVERS, seen_things, subjects, unseen
from assets.inventory.attachments.sniffing import ENDINGS, PICTURES
from assets.inventory.attachments.upload import AROUND_MAX, MULTIPART, received
from assets.settings import ATTACHMENT_MB_MAX, Settings
from assets.web.bodies import OWN, TAKES
from assets.web.language import N_
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

AnyRequest = Request[Any, Any, Any]
MB = 1024 * 1024
BODY_MAX = ATTACHMENT_MB_MAX * MB + AROUND_MAX  # a route's own limit; the setting is looked at beneath it
UPLOAD: dict[str, Any] = {OWN: True, TAKES: frozenset({MULTIPART})}
# Nothing in a file runs, whatever it is: it has an origin of its own, and no scripts, forms or parts from anywhere.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class AttachmentOut(BaseModel):
    """A file on a thing; `code` is what people call the thing by, `removed_at` says when it was taken off."""

    id: UUID
    subject_kind: str
    subject: UUID
    code: str
    site: str | None
    name: str
    media_type: str
    size: int
    sha256: str
    note: str
    added_by: str
    added_at: datetime
    removed_by: str
    removed_at: datetime | None
    version: int

    @property
    def picture(self) -> bool:
        """Whether a browser shows it as a picture."""
        return self.media_type in PICTURES


class AttachmentIn(BaseModel):
    """The form that brings a file."""

    file: Annotated[bytes, Field(description="JPEG, PNG, WebP, PDF, DOCX or XLSX; told by its content")]
    subject_kind: Annotated[str, Field(json_schema_extra={"enum": list(NAMES)})]
    subject: Annotated[
        str, Field(max_length=120, description="The id of the thing, or what it is called by: a tag, a code")
    ]
    note: Annotated[str, Field(max_length=255)] = ""


ATTACHMENTS = Listing(
    select="a.*, f.media_type, f.size, f.sha256, t.code, s.code as site_code",
    source="attachments a join stored_files f on f.id = a.file "
    f"join lateral ({subjects('a.subject_kind', 'a.subject')}) t on true left join sites s on s.id = t.site",
    key="a.id",
    columns={
        "added_at": Column("a.added_at", "timestamptz"), "subject_kind": Column("a.subject_kind", choices=NAMES),
        "subject": Column("a.subject", "uuid", sortable=False), "code": Column("t.code"), "site": Column("s.code"),
        "name": Column("a.name"), "media_type": Column("f.media_type", choices=tuple(ENDINGS)),
        "size": Column("f.size", "integer"), "sha256": Column("f.sha256"),
        "removed": Column("a.removed_at is not null", "boolean", sortable=False),
    },
    sort="-added_at",
    search=(folded("a.name"), folded("a.note"), folded("t.code")),
)  # fmt: skip


def seen(scope: Scope) -> list[tuple[str, Sequence[object]]]:
    """What a scope leaves of the list: files on things of its sites, and on what belongs to the province."""
    return [] if scope.everything else [("t.site is null or t.site = any({}::uuid[])", [list(scope.sites)])]


def _of_seen_kinds(actor: Actor) -> tuple[str, Sequence[object]]:
    return "a.subject_kind <> all({}::text[])", [unseen(actor)]


attachment_out = from_row(AttachmentOut, site="site_code")


async def files_of(tx: Connection, scope: Scope, subject: UUID) -> list[AttachmentOut]:
    """What is on a thing now, the newest first."""
    asked = ListQuery(limit=max(service.FILES_MAX_OF.values()))
    where = [*seen(scope), ("a.subject = {}", [subject]), ("a.removed_at is null", [])]
    return (await fetch(tx, ATTACHMENTS, asked, attachment_out, where=where)).items


async def one_of(actor: Actor, attachment: UUID) -> AttachmentOut:
    """One of them, also one that was removed; NotFound when it is another's."""
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, ATTACHMENTS, ListQuery(limit=1), attachment_out,
            where=[*seen(actor.scope), _of_seen_kinds(actor), seen_things(actor), ("a.id = {}", [attachment])],
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return found.items[0]


class Attachments(Controller):
    """Files on assets, models, lines, applications, accounts and sites."""

    path = "/api/v1/attachments"
    tags = ("inventory",)

    @get(operation_id="listAttachments", guards=[requires(Action.VIEW)], **listed(ATTACHMENTS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[AttachmentOut]:
        """Files on what the caller sees; removed ones when `removed` is asked for."""
        where = [*seen(actor.scope), _of_seen_kinds(actor), seen_things(actor)]
        if not any(wanted.column == "removed" for wanted in asked.filters):
            where = [*where, ("a.removed_at is null", [])]
        async with transaction(actor.scope) as tx:
            return await fetch(tx, ATTACHMENTS, asked, attachment_out, where=where)

    @post(operation_id="addAttachment", guards=[requires(Action.EDIT_INVENTORY)], request_max_body_size=BODY_MAX,
          opt=UPLOAD | {"form": AttachmentIn})  # fmt: skip
    async def add(
        self, request: AnyRequest, actor: NamedDependency[Actor], settings: NamedDependency[Settings]
    ) -> Response[AttachmentOut]:
        """Keep a file on a thing. Sent again, it is there once."""
        async with received(request, settings.attachment_mb * MB) as sent:
            if strange := sorted(set(sent.fields) - {"subject_kind", "subject", "note"}):
                raise Invalid(fields=dict.fromkeys((name[:60] for name in strange), N_("There is no such field.")))
            missing = [name for name in ("subject_kind", "subject") if not sent.fields.get(name)]
            if missing:
                raise Invalid(fields=dict.fromkeys(missing, N_("Please fill this in.")))
            made = await service.attach(
                actor, sent.fields["subject_kind"], sent.fields["subject"], sent, note=sent.fields.get("note", ""),
                now=clock.now(),
            )  # fmt: skip
        return with_version(await one_of(actor, made))

    @get("/{attachment:uuid}", operation_id="getAttachment", guards=[requires(Action.VIEW)])
    async def one(self, attachment: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[AttachmentOut]:
        """What is known of one file."""
        return with_version(await one_of(actor, attachment))

    @get("/{attachment:uuid}/content", operation_id="getAttachmentContent", guards=[requires(Action.VIEW)],
         media_type="application/octet-stream", opt={"file": "application/octet-stream", "packed": True})  # fmt: skip
    async def content(
        self, request: AnyRequest, attachment: FromPath[UUID], actor: NamedDependency[Actor]
    ) -> Response[bytes]:
        """The bytes of a file that is still on its thing."""
        known = await one_of(actor, attachment)
        if known.removed_at is not None:
            raise NotFound()
        headers = _headers(known)
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        async with transaction(actor.scope) as tx:
            content = await tx.fetchval(
                "select f.content from attachments a join stored_files f on f.id = a.file where a.id = $1", attachment
            )
        return Response(content, media_type=known.media_type, headers=headers)

    @delete("/{attachment:uuid}", operation_id="removeAttachment", guards=[requires_any(*REMOVERS)])
    async def remove(self, attachment: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Take a file off its thing; who did it and when stays. Off a transfer each side takes its own, while it lasts."""
        await service.remove(actor, attachment, version=version_of(if_match), now=clock.now())


def _headers(known: AttachmentOut) -> dict[str, str]:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in known.name)
    shown = "inline" if known.picture else "attachment"
    return {
        "Content-Disposition": f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(known.name, safe='')}",
        "Content-Security-Policy": SANDBOX,
        "ETag": f'"{known.sha256}"',
        "Cache-Control": "private, no-cache",  # asked again each time, for a grant may have ended; not fetched again
    }


routes: Sequence[ControllerRouterHandler] = [Attachments]
