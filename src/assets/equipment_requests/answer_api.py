"""Answering requests for programs: in parts, and with purchases."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests import parts, purchase_queries, purchases, queries
from assets.equipment_requests.answering import PARTS, PartOut, RequestAnswer, answer, part_out
from assets.equipment_requests.api import Note, Position, Quantity, StepIn, Tag
from assets.equipment_requests.parts import NOTE_MAX, PARTS_MAX
from assets.equipment_requests.purchase_queries import PURCHASES, PurchaseDetail, PurchaseOut
from assets.equipment_requests.purchases import ARRIVES_MAX, Arrived, NewPurchase, Order
from assets.equipment_requests.queries import RequestDetail
from assets.equipment_requests.service import LINES_MAX, QUANTITY_MAX, Doing, Filed
from assets.equipment_requests.splitting import Wanted, Way
from assets.web.language import choose
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.versions import with_version

AnyRequest = Request[Any, Any, Any]
Code = Annotated[str, Field(max_length=20)]
Money = Annotated[int, Field(ge=0, le=10**13)]


class In(BaseModel):
    """What comes in: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid")


class PartIn(In):
    """So many pieces of a line by one way.

    `from_site` is needed for a transfer, `note` to decline. `assets` chooses them, one each (none: what fits best); of
    equipment that is repaired instead, the one that is.
    """

    way: Way
    quantity: Quantity = 1
    from_site: Code = ""
    assets: Annotated[list[Tag], Field(max_length=QUANTITY_MAX)] = []
    note: Annotated[str, Field(max_length=NOTE_MAX)] = ""


class SplitIn(StepIn):
    """The parts by line position; of a line, no more than is still to be given."""

    parts: Annotated[
        dict[Position, Annotated[list[PartIn], Field(max_length=PARTS_MAX)]], Field(min_length=1, max_length=LINES_MAX)
    ]


class PurchaseIn(In):
    """A purchase of parts that wait for one (`fulfilment-parts?way=purchase&state=planned`)."""

    title: Annotated[str, Field(min_length=1, max_length=purchases.TITLE_MAX)]
    parts: Annotated[list[UUID], Field(min_length=1, max_length=purchase_queries.WAITING_MAX)]
    note: Note = ""


class OrderIn(In):
    """With whom, on which decision, until when; `version` is the one that the caller saw."""

    supplier: Annotated[str, Field(min_length=1, max_length=160)]
    decision_number: Annotated[str, Field(max_length=60)] = ""
    expected_on: date | None = None
    version: int | None = None


class ArriveIn(In):
    """What came, taken in at a store: machines of a model by serial number, so many of a consumable, or both.

    A model that is not known yet is said by `manufacturer`, `model_name` and, where the purchase waits for several kinds,
    `category`. The same `delivery_note` again, or the same serial numbers, answers as the first time; a consumable needs
    its `delivery_note` or the `version`. A note with several models is said once for each.
    """

    store: Code
    model: UUID | None = None
    manufacturer: Annotated[str, Field(max_length=80)] = ""
    model_name: Annotated[str, Field(max_length=120)] = ""
    category: Annotated[str, Field(max_length=40)] = ""
    delivery_note: Annotated[str, Field(max_length=60)] = ""
    serials: Annotated[list[Annotated[str, Field(max_length=120)]], Field(max_length=ARRIVES_MAX)] = []
    consumable: Annotated[str, Field(max_length=40)] = ""
    quantity: Annotated[int, Field(ge=0, le=100_000)] = 0
    unit_cost: Money | None = None
    funding_source: Annotated[str, Field(max_length=160)] = ""
    warranty_until: date | None = None
    version: int | None = None


@get(
    "/api/v1/equipment-requests/{ref:str}/answer", operation_id="getEquipmentRequestAnswer",
    guards=[requires(Action.FULFIL_REQUEST)],
)  # fmt: skip
async def get_answer(request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str]) -> RequestAnswer:
    """What is open of each line, what there is for it, what would be soonest, and the parts that answer it already."""
    async with transaction(actor.scope) as tx:
        return await answer(tx, actor, ref, choose(request), clock.now())


@post(
    "/api/v1/equipment-requests/{ref:str}/split", operation_id="splitEquipmentRequest", status_code=200,
    guards=[requires(Action.FULFIL_REQUEST)],
)  # fmt: skip
async def split_request(
    request: AnyRequest, actor: NamedDependency[Actor], ref: FromPath[str], data: JSONBody[SplitIn]
) -> RequestDetail:
    """RequestAnswer lines in parts, all of it or nothing; what comes from a store is sent at once."""
    wanted = {
        position: [Wanted(p.way, p.quantity, p.from_site, tuple(p.assets), p.note) for p in some]
        for position, some in data.parts.items()
    }
    return await _answer(
        request, actor, await parts.split(actor, ref, wanted, Doing(data.note, data.version), now=clock.now())
    )


async def _answer(request: AnyRequest, actor: Actor, filed: Filed) -> RequestDetail:
    async with transaction(actor.scope) as tx:
        return await queries.one(tx, actor, str(filed.id), choose(request))


@get("/api/v1/fulfilment-parts", operation_id="listFulfilmentParts", guards=[requires(Action.VIEW_REQUESTS)],
     **listed(PARTS))  # fmt: skip
async def list_parts(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Page[PartOut]:
    """How lines of requests are answered, part by part, the oldest first."""
    language = choose(request)
    async with transaction(actor.scope) as tx:
        return await fetch(tx, PARTS, asked, lambda row: part_out(row, language), scope=actor.scope)


@post("/api/v1/fulfilment-parts/{part:uuid}/finish", operation_id="finishFulfilmentPart", status_code=200,
      guards=[requires(Action.FULFIL_REQUEST)])  # fmt: skip
async def finish_part(request: AnyRequest, actor: NamedDependency[Actor], part: FromPath[UUID]) -> RequestDetail:
    """Say that a repair is done, or that what was asked for is granted; answers the request."""
    return await _answer(request, actor, await parts.finish(actor, part, now=clock.now()))


@post("/api/v1/fulfilment-parts/{part:uuid}/take-back", operation_id="takeBackFulfilmentPart", status_code=200,
      guards=[requires(Action.FULFIL_REQUEST)])  # fmt: skip
async def take_back_part(request: AnyRequest, actor: NamedDependency[Actor], part: FromPath[UUID]) -> RequestDetail:
    """Take back what is open of a part: it is to be answered anew; answers the request."""
    return await _answer(request, actor, await parts.take_back(actor, part, now=clock.now()))


class Purchases(Controller):
    """What is bought for many requests at once."""

    path = "/api/v1/purchases"

    @get(operation_id="listPurchases", guards=[requires(Action.VIEW_REQUESTS)], **listed(PURCHASES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[PurchaseOut]:
        """Purchases, those that are ordered first; a centre sees those that something is bought with for it."""
        async with transaction(actor.scope) as tx:
            return await purchase_queries.listed_purchases(tx, asked)

    @post(operation_id="planPurchase", guards=[requires(Action.FULFIL_REQUEST)])
    async def plan(
        self, request: AnyRequest, data: JSONBody[PurchaseIn], actor: NamedDependency[Actor]
    ) -> Response[PurchaseDetail]:
        """Buy parts of many requests together."""
        number = await purchases.plan(actor, NewPurchase(data.title, data.parts, data.note), now=clock.now())
        return await self._one(request, actor, number)

    @get("/{number:int}", operation_id="getPurchase", guards=[requires(Action.VIEW_REQUESTS)])
    async def one(
        self, request: AnyRequest, number: FromPath[int], actor: NamedDependency[Actor]
    ) -> Response[PurchaseDetail]:
        """One purchase with the parts that it answers."""
        return await self._one(request, actor, number)

    @post("/{number:int}/order", operation_id="orderPurchase", status_code=200,
          guards=[requires(Action.FULFIL_REQUEST)])  # fmt: skip
    async def order(
        self, request: AnyRequest, number: FromPath[int], data: JSONBody[OrderIn], actor: NamedDependency[Actor]
    ) -> Response[PurchaseDetail]:
        """Say with whom it was ordered."""
        said = Order(data.supplier, data.decision_number, data.expected_on)
        await purchases.order(actor, number, said, version=data.version, now=clock.now())
        return await self._one(request, actor, number)

    @post("/{number:int}/arrive", operation_id="arrivePurchase", status_code=200,
          guards=[requires(Action.FULFIL_REQUEST)])  # fmt: skip
    async def arrive(
        self, request: AnyRequest, number: FromPath[int], data: JSONBody[ArriveIn], actor: NamedDependency[Actor]
    ) -> Response[PurchaseDetail]:
        """Take in what came: it becomes assets and goes on to the centres that it was bought for."""
        came = Arrived(**data.model_dump(exclude={"version"}))
        await purchases.arrive(actor, number, came, version=data.version, now=clock.now())
        return await self._one(request, actor, number)

    @post("/{number:int}/cancel", operation_id="cancelPurchase", status_code=200,
          guards=[requires(Action.FULFIL_REQUEST)])  # fmt: skip
    async def cancel(
        self, request: AnyRequest, number: FromPath[int], data: JSONBody[StepIn], actor: NamedDependency[Actor]
    ) -> Response[PurchaseDetail]:
        """Give it up, with a note: what has not come waits for another purchase."""
        await purchases.cancel(actor, number, data.note, version=data.version, now=clock.now())
        return await self._one(request, actor, number)

    async def _one(self, request: AnyRequest, actor: Actor, number: int) -> Response[PurchaseDetail]:
        async with transaction(actor.scope) as tx:
            return with_version(await purchase_queries.one(tx, actor, number, choose(request)))


routes: Sequence[ControllerRouterHandler] = (
    get_answer, split_request, list_parts, finish_part, take_back_part, Purchases,
)  # fmt: skip
