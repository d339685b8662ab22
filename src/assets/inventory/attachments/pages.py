"""The files of a thing as a page, with the form that adds one; the asset's page shows the same."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires, requires_any
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.inventory.attachments import service
from assets.inventory.attachments.api import BODY_MAX, MB, UPLOAD, AttachmentOut, files_of, one_of
from assets.inventory.attachments.kinds import KINDS, REMOVERS
from assets.inventory.attachments.service import Subject
from assets.inventory.attachments.upload import FILE, received
from assets.settings import Settings
from assets.web.forms import Typed, told
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
SHOWN_THERE = ("asset", "transfer", "equipment_request")  # kinds whose own pages show their files


class FilesPage(BaseModel):
    """The files of a thing; `code` is what people call it by."""

    subject_kind: str
    subject: UUID
    code: str
    name: str
    files: list[AttachmentOut]


@get("/attachments/{subject_kind:str}/{subject:str}", guards=[requires(Action.VIEW)], **twin(FilesPage, "attachments"))
async def files(
    request: AnyRequest, subject_kind: FromPath[str], subject: FromPath[str], actor: NamedDependency[Actor],
    settings: NamedDependency[Settings],
) -> Response[Any]:  # fmt: skip
    """The files of a thing."""
    return await _page(request, actor, settings, subject_kind, without_suffix(subject))


@post("/attachments/{subject_kind:str}/{subject:str}", guards=[requires(Action.EDIT_INVENTORY)], include_in_schema=False,
      request_max_body_size=BODY_MAX, opt=UPLOAD)  # fmt: skip
async def add(
    request: AnyRequest, subject_kind: FromPath[str], subject: FromPath[str], actor: NamedDependency[Actor],
    settings: NamedDependency[Settings],
) -> Response[Any]:  # fmt: skip
    """Keep the file of the form on the thing."""
    try:
        async with received(request, settings.attachment_mb * MB) as sent:
            await service.attach(actor, subject_kind, subject, sent, note=sent.fields.get("note", ""), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, settings, subject_kind, subject, error)
    return await _back(actor, subject_kind, subject)


@post("/attachments/{attachment:uuid}/remove", guards=[requires_any(*REMOVERS)], include_in_schema=False)
async def remove(
    request: AnyRequest, attachment: FromPath[UUID], data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor],
    settings: NamedDependency[Settings],
) -> Response[Any]:  # fmt: skip
    """Take a file off its thing."""
    subject = await service.remove(actor, attachment, version=Typed(data).version(), now=clock.now())
    return _to(subject)


@get("/attachments/{attachment:uuid}/remove", guards=[requires(Action.VIEW)], include_in_schema=False)
async def remove_form(attachment: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """The page whose form a refused removal came from."""
    known = await one_of(actor, attachment)
    return await _back(actor, known.subject_kind, str(known.subject))


async def _page(
    request: AnyRequest,
    actor: Actor,
    settings: Settings,
    kind: str,
    thing: str,
    error: Invalid | Conflict | None = None,
) -> Response[Any]:
    if kind not in KINDS:
        raise NotFound()
    async with transaction(actor.scope) as tx:
        subject = await service.subject_of(tx, actor, kind, thing)
        removable = await service.removable(tx, actor, subject)
        view = FilesPage(
            subject_kind=kind, subject=subject.id, code=subject.code, name=subject.name,
            files=await files_of(tx, actor.scope, subject.id),
        )  # fmt: skip
    return show(
        request, "inventory/attachments.html", view, status=error.status if error else 200,
        errors=told(error, FILE) if error else {}, may_attach=may_attach(actor, subject), removable=removable,
        file_mb=settings.attachment_mb,
        back=KINDS[kind].page.format(subject.code), subject_word=KINDS[kind].word or kind,
    )  # fmt: skip


def may_attach(actor: Actor, subject: Subject) -> bool:
    """Whether the form is offered."""
    return actor.may(Action.EDIT_INVENTORY, subject.site) and (
        subject.site is not None or actor.everywhere(Action.EDIT_INVENTORY)
    )


async def _back(actor: Actor, kind: str, thing: str) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        return _to(await service.subject_of(tx, actor, kind, thing))


def _to(subject: Subject) -> Response[Any]:
    own = KINDS[subject.kind].page.format(subject.code) if subject.kind in SHOWN_THERE else ""
    return Redirect(f"{own}#files" if own else f"/attachments/{subject.kind}/{subject.code}", status_code=303)


routes: Sequence[ControllerRouterHandler] = [files, add, remove_form, remove]
