"""Signed addresses of an asset: the page that issues and withdraws them, and what opens behind one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access import signed_addresses
from assets.access.actor import Actor
from assets.access.signed_addresses import DAYS, OVER, Purpose, SignedAddress
from assets.db import Scope, transaction
from assets.errors import Conflict, Gone, Invalid, NotFound
from assets.ids import new_id
from assets.incidents.faults import queries, service
from assets.incidents.faults.api import ISSUES
from assets.incidents.faults.fitting import OTHER
from assets.incidents.faults.pages import filled, form_of, new_report
from assets.incidents.faults.queries import ADDRESSES, SignedAddressOut
from assets.inventory.attachments.api import BODY_MAX, MB, UPLOAD
from assets.inventory.attachments.upload import received
from assets.papers.codes import inline
from assets.settings import Settings
from assets.web.forms import told
from assets.web.language import N_
from assets.web.paging import ListQuery, fetch
from assets.web.parameters import ANY
from assets.web.templates import page, show, twin

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
SHOWN = 50
PUBLIC: dict[str, Any] = {"include_in_schema": False}


class AssetAddresses(BaseModel):
    """The signed addresses of an asset that are valid."""

    asset_tag: str
    asset_name: str
    site_name: str
    addresses: list[SignedAddressOut]


@get(
    ["/assets/{tag:str}/signed-addresses", "/assets/{tag:str}/signed-addresses.json"], name="signed_addresses",
    guards=[ISSUES], **twin(AssetAddresses, "signed_addresses"),
)  # fmt: skip
async def listing(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The addresses of an asset that are valid, and the form that issues one."""
    return await _listing(request, actor, tag)


async def _listing(
    request: AnyRequest, actor: Actor, tag: str, *, url: str = "", days: int = DAYS[-1],
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        asset = await queries.reportable(tx, actor.scope, tag)
        where: list[tuple[str, Sequence[object]]] = [
            ("d.subject = {}", [asset.id]), ("d.withdrawn_at is null and d.expires_at > {}", [clock.now()]),
        ]  # fmt: skip
        found = await fetch(
            tx, ADDRESSES, ListQuery(limit=SHOWN), queries.address_out, scope=actor.scope, where=where
        )  # fmt: skip
    view = AssetAddresses(asset_tag=asset.tag, asset_name=asset.name, site_name=asset.site_name, addresses=found.items)
    return show(
        request, "faults/addresses.html", view, status=status, url=url, picture=inline(url) if url else "", days=DAYS,
        chosen=days, errors=errors or {},
    )  # fmt: skip


@post("/assets/{tag:str}/signed-addresses", guards=[ISSUES], include_in_schema=False, status_code=200)
async def issue(
    request: AnyRequest, tag: FromPath[str], data: Form, actor: NamedDependency[Actor],
    settings: NamedDependency[Settings],
) -> Response[Any]:  # fmt: skip
    """Issue one; the page that answers shows it, once."""
    text = data.get("days", "")
    days = int(text) if text in map(str, DAYS) else 0
    try:
        if not days:
            raise Invalid(fields={"days": N_("Please choose one of the list.")})
        made = await service.issue_address(actor, tag, timedelta(days=days), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _listing(request, actor, tag, errors=told(error, "days"), status=error.status)
    return await _listing(request, actor, tag, url=f"{settings.url}/r/{made.secret}", days=days)


@post("/assets/{tag:str}/signed-addresses/{address:uuid}/withdraw", guards=[ISSUES], include_in_schema=False)
async def withdraw(tag: FromPath[str], address: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """End one at once."""
    await signed_addresses.withdraw(actor, address, now=clock.now())
    return Redirect(f"/assets/{quote(tag, safe='')}/signed-addresses", status_code=303)


async def _opened(request: AnyRequest, secret: str) -> SignedAddress:
    origin = request.client.host if request.client else ""
    return await signed_addresses.opened(Purpose.REPORT_FAULT, secret, now=clock.now(), origin=origin)


@get("/r/{secret:str}", opt={"public": True, "query": ("done", ANY)}, **PUBLIC)
async def behind(request: AnyRequest, secret: FromPath[str], settings: NamedDependency[Settings]) -> Response[Any]:
    """The form of one asset for whoever holds the address, and afterwards the answer; nothing else of the centre."""
    address = await _opened(request, secret)
    if done := str(request.query_params.get("done") or ""):
        return await _answer(request, address, done)
    return await _form(request, settings, address, {"key": str(new_id())})


async def _form(
    request: AnyRequest, settings: Settings, address: SignedAddress, given: Mapping[str, str],
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    scope = Scope.of_sites([address.site])
    async with transaction(scope) as tx:
        tag = await tx.fetchval(
            "select tag from assets where id = $1 and site = $2 and merged_into is null", address.subject, address.site
        )
        if tag is None:
            raise Gone(OVER)  # it stands elsewhere now
        view = await form_of(tx, await queries.reportable(tx, scope, tag), incidents=False)
    return page(
        request, "faults/by_address.html", status=status, view=view, errors=errors or {}, given=filled(given),
        other=OTHER, note_max=service.NOTE_MAX, file_mb=settings.attachment_mb, name_max=signed_addresses.GIVEN_NAME_MAX,
    )  # fmt: skip


async def _answer(request: AnyRequest, address: SignedAddress, done: str) -> Response[Any]:
    scope = Scope.of_sites([address.site])
    try:
        wanted = UUID(done)
    except ValueError:
        raise NotFound() from None
    async with transaction(scope) as tx:
        by = await tx.fetchval("select signed_address from fault_reports where id = $1", wanted)
        if by != address.id:
            raise NotFound()
        found = await queries.one_report(tx, scope, wanted)
    return page(request, "faults/by_address_sent.html", report=found)


@post("/r/{secret:str}", opt=UPLOAD | {"public": True}, request_max_body_size=BODY_MAX, **PUBLIC)
async def send(request: AnyRequest, secret: FromPath[str], settings: NamedDependency[Settings]) -> Response[Any]:
    """Report what was chosen, as whoever holds the address."""
    address = await _opened(request, secret)
    await signed_addresses.knock(address, clock.now())
    given: dict[str, str] = {"key": str(new_id())}
    try:
        async with received(request, settings.attachment_mb * MB) as sent:
            given |= sent.fields
            new = replace(new_report(given, sent), address=address)
            actor = address.actor(given.get("name", ""))
            made = await service.report(actor, await _tag(address), new, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, settings, address, given, told(error, "fault"), error.status)
    return Redirect(f"/r/{quote(secret, safe='')}?done={made}", status_code=303)


async def _tag(address: SignedAddress) -> str:
    async with transaction(Scope.of_sites([address.site])) as tx:
        tag: str | None = await tx.fetchval("select tag from assets where id = $1", address.subject)
    if tag is None:
        raise Gone(OVER)
    return tag


routes: Sequence[ControllerRouterHandler] = [listing, issue, withdraw, behind, send]
