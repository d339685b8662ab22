"""Equipment requests for programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests import queries, service
from assets.equipment_requests.asking import COST_MAX, LineKind
from assets.equipment_requests.asking_api import routes as asking_routes
from assets.equipment_requests.facts import Facts, beside
from assets.equipment_requests.lines import LINE_REASON_MAX, POST_MAX
from assets.equipment_requests.queries import LISTING, RequestDetail, RequestOut
from assets.equipment_requests.service import Amended, Asked, Doing, Filed, Filing
from assets.equipment_requests.workflow import Step
from assets.web.language import choose
from assets.web.paging import ListQuery, Page, listed

AnyRequest = Request[Any, Any, Any]
Note = Annotated[str, Field(max_length=service.NOTE_MAX)]
Quantity = Annotated[int, Field(ge=1, le=service.QUANTITY_MAX)]
Position = Annotated[int, Field(ge=1, le=service.LINES_MAX)]
Tag = Annotated[str, Field(max_length=40)]
Code = Annotated[str, Field(max_length=40)]


class In(BaseModel):
    """What comes in: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class LineIn(In):
    """So many of one thing. `kind` says which field names it, and the others stay empty.

    Equipment names its `category`, a consumable itself; a capability its kind, for whom it is (`holder_post`) and, where it
    is for one, the `application`; a repair the tag of an `asset` that stands at the centre.
    """

    kind: LineKind = LineKind.EQUIPMENT
    category: Code = ""
    consumable: Code = ""
    capability: Code = ""
    application: Code = ""
    holder_post: Annotated[str, Field(max_length=POST_MAX)] = ""
    asset: Tag = ""
    quantity: Quantity = 1
    unit_cost: Annotated[int, Field(ge=0, le=COST_MAX)] | None = None
    reason: Annotated[str, Field(max_length=LINE_REASON_MAX)] = ""

    def asked(self) -> Asked:
        """The line as the verbs take it."""
        return Asked(**self.model_dump())


Lines = Annotated[list[LineIn], Field(min_length=1, max_length=service.LINES_MAX)]


class RequestIn(In):
    """A new request. Without `site` it is for the caller's own centre; `draft` keeps it back.

    `key` is any UUID of the caller: the same key again answers the request that it made first.
    """

    lines: Lines
    reason: Annotated[str, Field(min_length=1, max_length=service.REASON_MAX)]
    site: Annotated[str, Field(max_length=20)] = ""
    draft: bool = False
    key: UUID | None = None


class AmendIn(In):
    """The reason, and either all lines as they shall be, or quantities by line position where they change."""

    reason: Annotated[str, Field(min_length=1, max_length=service.REASON_MAX)]
    quantities: Annotated[dict[Position, Quantity], Field(max_length=service.LINES_MAX)] = {}
    lines: Lines | None = None
    note: Note = ""
    version: int | None = None


class StepIn(In):
    """What is said with a step; `version` is the one that the caller saw (412 when it is another now)."""

    note: Note = ""
    version: int | None = None


class DecideIn(StepIn):
    """What is said with a decision; `step` is the position of the approval step that the caller means.

    It is refused with 409 when another one is due. Of a request that several steps decide, `step` or `version` must be said.
    """

    step: Annotated[int, Field(ge=1, le=99)] | None = None


class ApproveIn(DecideIn):
    """Approved quantities by line position where they are less than what was asked for, or approved before; 0 for none."""

    approved: Annotated[
        dict[Position, Annotated[int, Field(ge=0, le=service.QUANTITY_MAX)]], Field(max_length=service.LINES_MAX)
    ] = {}


class FulfilIn(StepIn):
    """Asset tags by line position; without them, what the stock has, good and long waiting things first."""

    assets: (
        Annotated[
            dict[Position, Annotated[list[Tag], Field(max_length=service.QUANTITY_MAX)]],
            Field(max_length=service.LINES_MAX),
        ]
        | None
    ) = None


_BASE = "/api/v1/equipment-requests"


@get(_BASE, operation_id="listEquipmentRequests", guards=[requires(Action.VIEW_REQUESTS)], **listed(LISTING))
async def list_requests(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Page[RequestOut]:
    """Equipment requests; what somebody has to act on first, the longest waiting before the others."""
    async with transaction(actor.scope) as tx:
        return await queries.listed_requests(tx, actor, asked, choose(request))


@get(f"{_BASE}/{{ref:str}}", operation_id="getEquipmentRequest", guards=[requires(Action.VIEW_REQUESTS)])
async def get_request(request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str]) -> RequestDetail:
    """One request, by its number or id."""
    async with transaction(actor.scope) as tx:
        return await queries.one(tx, actor, ref, choose(request))


@get(f"{_BASE}/{{ref:str}}/facts", operation_id="getEquipmentRequestFacts", guards=[requires(Action.VIEW_REQUESTS)])
async def get_facts(request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str]) -> Facts:
    """What to know before deciding: the centre's readiness, what it has of each kind, what the stores have."""
    async with transaction(actor.scope) as tx:
        return await beside(tx, actor, ref, choose(request))


@post(_BASE, operation_id="fileEquipmentRequest", guards=[requires(Action.REQUEST_EQUIPMENT)])
async def file_request(request: AnyRequest, actor: NamedDependency[Actor], data: JSONBody[RequestIn]) -> RequestDetail:
    """Ask for equipment, consumables, accounts and the like, or for repairs; lines of all kinds together."""
    filing = Filing([line.asked() for line in data.lines], data.reason, data.site, data.key, send=not data.draft)
    return await _answer(request, actor, await service.file(actor, filing, now=_now()))


@post(f"{_BASE}/{{ref:str}}/amend", operation_id="amendEquipmentRequest", status_code=200,
      guards=[requires(Action.REQUEST_EQUIPMENT)])  # fmt: skip
async def amend_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[AmendIn]
) -> RequestDetail:
    """Correct a draft, or a request that was returned."""
    lines = None if data.lines is None else [line.asked() for line in data.lines]
    amended, doing = Amended(data.quantities, data.reason, lines), Doing(data.note, data.version)
    return await _answer(request, actor, await service.amend(actor, ref, amended, doing, now=_now()))


@post(f"{_BASE}/{{ref:str}}/submit", operation_id="submitEquipmentRequest", status_code=200,
      guards=[requires(Action.REQUEST_EQUIPMENT)])  # fmt: skip
async def submit_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[StepIn | None] = None
) -> RequestDetail:
    """Send a draft, or a returned request once more."""
    return await _act(request, actor, ref, Step.SUBMIT, data)


@post(f"{_BASE}/{{ref:str}}/return", operation_id="returnEquipmentRequest", status_code=200,
      guards=[requires(Action.VIEW_REQUESTS)])  # fmt: skip
async def return_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[DecideIn | None] = None
) -> RequestDetail:
    """Give it back to the centre with a note that says what is missing."""
    return await _act(request, actor, ref, Step.RETURN, data)


@post(f"{_BASE}/{{ref:str}}/approve", operation_id="approveEquipmentRequest", status_code=200,
      guards=[requires(Action.VIEW_REQUESTS)])  # fmt: skip
async def approve_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[ApproveIn | None] = None
) -> RequestDetail:
    """Approve it at the step that is due, whole or less of some lines; it is approved once the last step has decided."""
    said = data or ApproveIn()
    doing = Doing(said.note, said.version, said.step)
    return await _answer(request, actor, await service.approve(actor, ref, doing, quantities=said.approved, now=_now()))


@post(f"{_BASE}/{{ref:str}}/refuse", operation_id="refuseEquipmentRequest", status_code=200,
      guards=[requires(Action.VIEW_REQUESTS)])  # fmt: skip
async def refuse_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[DecideIn | None] = None
) -> RequestDetail:
    """Refuse it, with a note that says why."""
    return await _act(request, actor, ref, Step.REFUSE, data)


@post(f"{_BASE}/{{ref:str}}/withdraw", operation_id="withdrawEquipmentRequest", status_code=200,
      guards=[requires(Action.REQUEST_EQUIPMENT)])  # fmt: skip
async def withdraw_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[StepIn | None] = None
) -> RequestDetail:
    """Take it back before it is decided."""
    return await _act(request, actor, ref, Step.WITHDRAW, data)


@post(f"{_BASE}/{{ref:str}}/fulfil", operation_id="fulfilEquipmentRequest", status_code=200,
      guards=[requires(Action.FULFIL_REQUEST)])  # fmt: skip
async def fulfil_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[FulfilIn | None] = None
) -> RequestDetail:
    """Issue assets from stock; they stand in use at the centre afterwards. A part is normal."""
    said = data or FulfilIn()
    doing = Doing(said.note, said.version)
    return await _answer(request, actor, await service.fulfil(actor, ref, doing, tags=said.assets, now=_now()))


@post(f"{_BASE}/{{ref:str}}/close", operation_id="closeEquipmentRequest", status_code=200,
      guards=[requires(Action.VIEW_REQUESTS)])  # fmt: skip
async def close_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[StepIn | None] = None
) -> RequestDetail:
    """Confirm that it has arrived; or end, with a note, what cannot be given."""
    return await _act(request, actor, ref, Step.CLOSE, data)


async def _act(request: AnyRequest, actor: Actor, ref: str, step: Step, data: StepIn | None) -> RequestDetail:
    said = data or StepIn()
    doing = Doing(said.note, said.version, said.step if isinstance(said, DecideIn) else None)
    return await _answer(request, actor, await service.act(actor, ref, step, doing, now=_now()))


async def _answer(request: AnyRequest, actor: Actor, filed: Filed) -> RequestDetail:
    async with transaction(actor.scope) as tx:
        return await queries.one(tx, actor, str(filed.id), choose(request))


def _now() -> datetime:
    return clock.now()


routes: Sequence[ControllerRouterHandler] = (
    *asking_routes, list_requests, get_request, get_facts, file_request, amend_request, submit_request, return_request,
    approve_request, refuse_request, withdraw_request, fulfil_request, close_request,
)  # fmt: skip
