"""The pages on which a fault is reported: find the asset, tap what is wrong, send; and the answer who has it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotFound
from assets.ids import new_id
from assets.incidents.faults import queries, service
from assets.incidents.faults.fitting import OTHER
from assets.incidents.faults.queries import CALLED_MAX, FaultKindOut, FaultReportOut, Reportable, SupplyOut
from assets.incidents.faults.service import NewReport
from assets.inventory.attachments.api import BODY_MAX, MB, UPLOAD
from assets.inventory.attachments.upload import Sent, received
from assets.inventory.stocktakes.counting import tag_of
from assets.settings import Settings
from assets.web.forms import told
from assets.web.headers import OF_SCANNERS
from assets.web.language import N_
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
NO_TAG = N_("There is no asset with this tag at your place of work. Look at the label once more.")
TOO_MANY = N_("This fits many assets; here are the first. Write more of the tag.")
FIELDS = ("fault", "note", "name")


class Called(BaseModel):
    """An asset that can be meant."""

    asset_tag: str
    asset_name: str
    site_name: str


class ReportStart(BaseModel):
    """Where reporting begins; `lately` is what was reported last at the caller's sites.

    `called` is what a part of a tag can mean, when that is more than one.
    """

    lately: list[FaultReportOut]
    called: list[Called]


class OpenIncident(BaseModel):
    """An incident of the asset that is open already."""

    number: int
    reason: str
    opened_at: datetime
    acknowledged_by: str


class ReportForm(BaseModel):
    """What can be reported of an asset, and what is open already."""

    asset_tag: str
    asset_name: str
    site: str
    site_name: str
    faults: list[FaultKindOut]
    incident: OpenIncident | None


class ReportPage(BaseModel):
    """A report with whoever looks after it: `told` are those who are told while nobody has it.

    `supplies` are consumables that would end it.
    """

    report: FaultReportOut
    told: list[str]
    supplies: list[SupplyOut]


@get(["/report", "/report.json"], name="report", guards=[requires(Action.DECLARE)],
     **twin(ReportStart, "report", ("tag",)))  # fmt: skip
async def start(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Scan the label, photograph it or type its tag; a tag that is known leads on to the pictures."""
    given = str(request.query_params.get("tag") or "")
    errors, status = {}, 200
    async with transaction(actor.scope) as tx:
        found = await _called(tx, actor, given) if given else []
        if len(found) == 1 and not request.scope["path"].endswith(".json"):
            return Redirect(_form_of(found[0].tag), status_code=303)
        if given and not found:
            errors, status = {"tag": NO_TAG}, NotFound.status
        elif len(found) > CALLED_MAX:
            errors = {"tag": TOO_MANY}
        called = [Called(asset_tag=one.tag, asset_name=one.name, site_name=one.site_name) for one in found[:CALLED_MAX]]
        view = ReportStart(lately=await queries.lately(tx, actor), called=called)
    page = show(request, "faults/start.html", view, errors=errors, given=given[:200], status=status)
    if not request.scope["path"].endswith(".json"):
        page.headers["Content-Security-Policy"] = OF_SCANNERS
    return page


async def _called(tx: Connection, actor: Actor, given: str) -> list[Reportable]:
    try:
        return [await queries.reportable(tx, actor.scope, tag_of(given))]
    except NotFound:
        return await queries.called(tx, actor.scope, tag_of(given))


def _form_of(tag: str) -> str:
    return f"/assets/{quote(tag, safe='')}/report"


@get(
    ["/assets/{tag:str}/report", "/assets/{tag:str}/report.json"], name="report_fault",
    guards=[requires(Action.DECLARE)], **twin(ReportForm, "report_fault"),
)  # fmt: skip
async def form(
    request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """The pictures of what can be wrong with an asset."""
    return await _form(request, actor, settings, tag, {"key": str(new_id())})


async def _form(
    request: AnyRequest, actor: Actor, settings: Settings, tag: str, given: Mapping[str, str],
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        view = await form_of(tx, await queries.reportable(tx, actor.scope, tag))
    return show(
        request, "faults/report.html", view, status=status, errors=errors or {}, given=filled(given), other=OTHER,
        note_max=service.NOTE_MAX, file_mb=settings.attachment_mb,
    )  # fmt: skip


def filled(given: Mapping[str, str]) -> dict[str, str]:
    """The fields of the form, empty where nothing was given."""
    return {**dict.fromkeys(FIELDS, ""), **given}


async def form_of(tx: Connection, asset: Reportable, *, incidents: bool = True) -> ReportForm:
    """What is offered for an asset; without `incidents` nothing is said of what else there is."""
    row = await tx.fetchrow(
        "select number, reason, opened_at, acknowledged_by from incidents where asset = $1 and site = $2 "
        "and state <> 'resolved' order by (subject_kind = 'asset') desc, opened_at limit 1", asset.id, asset.site,
    )  # fmt: skip
    return ReportForm(
        asset_tag=asset.tag, asset_name=asset.name, site=asset.site_code, site_name=asset.site_name,
        faults=await queries.pictures_for(tx, asset), incident=OpenIncident(**row) if row and incidents else None,
    )  # fmt: skip


@post(
    "/assets/{tag:str}/report", guards=[requires(Action.DECLARE)], include_in_schema=False,
    request_max_body_size=BODY_MAX, opt=UPLOAD,
)  # fmt: skip
async def send(
    request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """Report what was chosen; the same form sent again leads to the same answer."""
    given: dict[str, str] = {"key": str(new_id())}
    try:
        async with received(request, settings.attachment_mb * MB) as sent:
            given |= sent.fields
            made = await service.report(actor, tag, new_report(given, sent), now=clock.now())
    except (Invalid, Conflict) as error:
        return await _form(request, actor, settings, tag, given, told(error, "fault"), error.status)
    return Redirect(f"/fault-reports/{made}", status_code=303)


def new_report(given: Mapping[str, str], sent: Sent) -> NewReport:
    """What a form says; a browser sends a file without a byte when none was chosen."""
    return NewReport(given.get("fault", ""), given.get("note", ""), key_of(given), sent if sent.size else None)


def key_of(given: Mapping[str, str]) -> UUID:
    """The key that the form was made with; a new one when it is missing or none of ours."""
    try:
        key = UUID(given.get("key", ""))
    except ValueError:
        return new_id()
    return key if key.version == 7 else new_id()


@get("/fault-reports/{report:str}", guards=[requires(Action.VIEW)], **twin(ReportPage, "fault_report"))
async def answer(request: AnyRequest, report: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """What was reported, who has it and what happens next."""
    try:
        wanted = UUID(without_suffix(report))
    except ValueError:
        raise NotFound() from None
    now = clock.now()
    async with transaction(actor.scope) as tx:
        found = await queries.one_report(tx, actor.scope, wanted)
        site = await tx.fetchval("select site from fault_reports where id = $1", wanted)
        supplies = await queries.supplies_for(tx, found) if found.incident_state != "resolved" else []
    told_ones = await queries.told_of(site, now) if found.incident_state == "open" else []
    view = ReportPage(report=found, told=told_ones, supplies=supplies)
    return show(request, "faults/answer.html", view, may_say=actor.may(Action.DECLARE, site))


@post("/assets/{tag:str}/works", guards=[requires(Action.DECLARE)], include_in_schema=False)
async def works(tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Say that an asset works."""
    await service.works(actor, tag, now=clock.now())
    return Redirect(f"/assets/{quote(tag.upper(), safe='')}", status_code=303)


routes: Sequence[ControllerRouterHandler] = [start, form, send, answer, works]
