"""Reported faults over HTTP: reports, the pictures that are offered, and signed addresses."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access import signed_addresses
from assets.access.actor import Actor
from assets.access.guards import requires, requires_any
from assets.access.permissions import Action
from assets.access.signed_addresses import LENDS, Purpose
from assets.db import transaction
from assets.incidents.faults import kinds, queries, service
from assets.incidents.faults.fitting import OTHER
from assets.incidents.faults.queries import ADDRESSES, KINDS, REPORTS, FaultKindOut, FaultReportOut, SignedAddressOut
from assets.incidents.faults.service import NewReport
from assets.inventory.attachments.api import BODY_MAX, MB, UPLOAD
from assets.inventory.attachments.upload import received
from assets.settings import Settings
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.versions import IfMatch, version_of, with_version

AnyRequest = Request[Any, Any, Any]
TAGS = ("faults",)
ISSUES = requires_any(*LENDS[Purpose.REPORT_FAULT].issuer)
Family = Literal["computer", "printer", "network"]
Severity = Literal["critical", "warning"]
Name = Annotated[str, Field(min_length=1, max_length=kinds.NAME_MAX)]
Codes = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=kinds.FITTING_MAX)]
Position = Annotated[int, Field(ge=0, le=kinds.POSITION_MAX)]


class FaultReportIn(BaseModel):
    """A fault to report; the same `key` (a UUID of the caller's) is the same report, however often it is sent."""

    model_config = ConfigDict(extra="forbid")
    fault: Annotated[str, Field(max_length=40)] = OTHER
    note: Annotated[str, Field(max_length=service.NOTE_MAX)] = ""
    key: UUID | None = None


class PhotoIn(BaseModel):
    """The form that brings a photo."""

    file: Annotated[bytes, Field(description="JPEG, PNG or WebP; told by its content")]


class FaultKindIn(BaseModel):
    """A picture to add."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(min_length=1, max_length=40)]
    name: Name
    name_en: Annotated[str, Field(max_length=kinds.NAME_MAX)] = ""
    picture: Annotated[str, Field(max_length=20)] = OTHER
    categories: Codes = []
    families: list[Family] = []
    severity: Severity = "critical"
    position: Position = 1000
    active: bool = True


class FaultKindChange(BaseModel):
    """What to change of a picture; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    name_en: Annotated[str, Field(max_length=kinds.NAME_MAX)] | None = None
    picture: Annotated[str, Field(max_length=20)] | None = None
    categories: Codes | None = None
    families: list[Family] | None = None
    severity: Severity | None = None
    position: Position | None = None
    active: bool | None = None


class SignedAddressIn(BaseModel):
    """An address to issue: by it, faults of this asset can be reported for so many days without signing in."""

    model_config = ConfigDict(extra="forbid")
    asset_tag: Annotated[str, Field(min_length=1, max_length=40)]
    days: Annotated[int, Field(ge=1, le=signed_addresses.LIFE_MAX.days)] = 30


class NewSignedAddress(BaseModel):
    """The address that was issued; `url` is shown here and never again."""

    id: UUID
    url: str


@post("/api/v1/assets/{tag:str}/report", operation_id="reportFault", guards=[requires(Action.DECLARE)], tags=TAGS)
async def report(tag: FromPath[str], data: JSONBody[FaultReportIn], actor: NamedDependency[Actor]) -> FaultReportOut:
    """Report a fault: it joins the open incident of the asset or opens one, and the answer says who has it."""
    made = await service.report(actor, tag, NewReport(data.fault, data.note, data.key), now=clock.now())
    return await _report(actor, made)


async def _report(actor: Actor, report: UUID) -> FaultReportOut:
    async with transaction(actor.scope) as tx:
        return await queries.one_report(tx, actor.scope, report)


class FaultReports(Controller):
    """What was reported."""

    path = "/api/v1/fault-reports"
    tags = TAGS

    @get(operation_id="listFaultReports", guards=[requires(Action.VIEW)], **listed(REPORTS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[FaultReportOut]:
        """Reported faults of the caller's sites, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, REPORTS, asked, queries.report_out, scope=actor.scope)

    @get("/{report:uuid}", operation_id="getFaultReport", guards=[requires(Action.VIEW)])
    async def one(self, report: FromPath[UUID], actor: NamedDependency[Actor]) -> FaultReportOut:
        """One report, and how its incident stands."""
        return await _report(actor, report)

    @post("/{report:uuid}/photo", operation_id="addFaultPhoto", status_code=200, guards=[requires(Action.DECLARE)],
          request_max_body_size=BODY_MAX, opt=UPLOAD | {"form": PhotoIn})  # fmt: skip
    async def photo(
        self,
        request: AnyRequest,
        report: FromPath[UUID],
        actor: NamedDependency[Actor],
        settings: NamedDependency[Settings],
    ) -> FaultReportOut:
        """Put a photo on a report that has none."""
        async with received(request, settings.attachment_mb * MB) as sent:
            await service.add_photo(actor, report, sent, now=clock.now())
        return await _report(actor, report)


class FaultKinds(Controller):
    """The pictures that are offered, as the province wants them."""

    path = "/api/v1/fault-kinds"
    tags = TAGS

    @get(operation_id="listFaultKinds", guards=[requires(Action.VIEW)], **listed(KINDS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[FaultKindOut]:
        """What can be reported, in the order in which it is offered."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, KINDS, asked, queries.kind_out)

    @post(operation_id="addFaultKind", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def add(self, data: JSONBody[FaultKindIn], actor: NamedDependency[Actor]) -> Response[FaultKindOut]:
        """Offer another one."""
        await kinds.add_kind(actor, kinds.NewFaultKind(**data.model_dump()))
        return await _kind(actor, data.code)

    @get("/{fault:str}", operation_id="getFaultKind", guards=[requires(Action.VIEW)])
    async def one(self, fault: FromPath[str], actor: NamedDependency[Actor]) -> Response[FaultKindOut]:
        """One by its code."""
        return await _kind(actor, fault)

    @patch("/{fault:str}", operation_id="editFaultKind", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self, fault: FromPath[str], data: JSONBody[FaultKindChange], actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[FaultKindOut]:  # fmt: skip
        """Change one that is still as the caller read it; `active` takes it from the offer."""
        await kinds.edit_kind(actor, fault, data.model_dump(exclude_none=True), version=version_of(if_match))
        return await _kind(actor, fault)


async def _kind(actor: Actor, code: str) -> Response[FaultKindOut]:
    async with transaction(actor.scope) as tx:
        return with_version(await queries.one_kind(tx, code))


class SignedAddresses(Controller):
    """Web addresses that open one form without signing in."""

    path = "/api/v1/signed-addresses"
    tags = TAGS

    @get(operation_id="listSignedAddresses", guards=[ISSUES], **listed(ADDRESSES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[SignedAddressOut]:
        """Signed addresses of the caller's sites without their secrets, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, ADDRESSES, asked, queries.address_out, scope=actor.scope)

    @post(operation_id="issueSignedAddress", guards=[ISSUES])
    async def issue(
        self, data: JSONBody[SignedAddressIn], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
    ) -> NewSignedAddress:
        """Issue an address by which faults of an asset can be reported without signing in."""
        made = await service.issue_address(actor, data.asset_tag, timedelta(days=data.days), now=clock.now())
        return NewSignedAddress(id=made.id, url=f"{settings.url}/r/{made.secret}")

    @post("/{address:uuid}/withdraw", operation_id="withdrawSignedAddress", status_code=200, guards=[ISSUES])
    async def withdraw(self, address: FromPath[UUID], actor: NamedDependency[Actor]) -> SignedAddressOut:
        """End an address at once."""
        await signed_addresses.withdraw(actor, address, now=clock.now())
        async with transaction(actor.scope) as tx:
            where = [("d.id = {}", [address])]
            return (await fetch(tx, ADDRESSES, ListQuery(limit=1), queries.address_out, where=where)).items[0]


routes: Sequence[ControllerRouterHandler] = [report, FaultReports, FaultKinds, SignedAddresses]
