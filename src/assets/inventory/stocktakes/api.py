"""Stocktakes over HTTP: open, scan, close, settle, approve."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Invalid, NotFound
from assets.inventory.stocktakes import queries, service
from assets.inventory.stocktakes.counting import Counted, Heard, Settlement
from assets.inventory.stocktakes.queries import ITEMS, STATES, STOCKTAKES, ItemOut, StateOut, StocktakeOut
from assets.web.paging import ListQuery, Page, fetch, listed
from assets.web.versions import IfMatch, version_of, with_version

Text = Annotated[str, Field(max_length=service.NOTE_MAX)]
Tag = Annotated[str, Field(min_length=1, max_length=400)]
Room = Annotated[str, Field(max_length=120)]


class StocktakeIn(BaseModel):
    """A stocktake to open; the list is frozen as of a moment (now, when it is left out)."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(max_length=20)]
    title: Annotated[str, Field(max_length=160)] = ""
    whole_unit: bool = False
    as_of: AwareDatetime | None = None
    form_number: Annotated[str, Field(max_length=120)] = ""
    members: Annotated[str, Field(max_length=service.MEMBERS_MAX)] = ""


class StocktakeChange(BaseModel):
    """What to change of what stands on the minutes; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    title: Annotated[str, Field(max_length=160)] | None = None
    form_number: Annotated[str, Field(max_length=120)] | None = None
    members: Annotated[str, Field(max_length=service.MEMBERS_MAX)] | None = None


class ScanIn(BaseModel):
    """A look at a label: `tag` as the scanner types it; `id` and `at` are the device's own, so that it can send again."""

    model_config = ConfigDict(extra="forbid")
    id: UUID
    tag: Tag
    at: AwareDatetime | None = None
    state: Counted | None = None
    room: Room = ""
    note: Text = ""


class ScansIn(BaseModel):
    """Scans, in any order, also hours later and more than once."""

    model_config = ConfigDict(extra="forbid")
    scans: Annotated[list[ScanIn], Field(min_length=1, max_length=service.SCANS_MAX)]


class ScanOut(BaseModel):
    """What a scan is told, and what the caller may know of the thing."""

    id: UUID
    tag: str
    heard: Heard
    item: ItemOut


class SettlementIn(BaseModel):
    """How the difference of a tag is settled."""

    model_config = ConfigDict(extra="forbid")
    tag: Tag
    settlement: Settlement
    note: Text = ""
    state: Counted | None = None


class SettlementsIn(BaseModel):
    """Differences to settle: all that are named, or none."""

    model_config = ConfigDict(extra="forbid")
    settlements: Annotated[list[SettlementIn], Field(min_length=1, max_length=service.SCANS_MAX)]


class WordsIn(BaseModel):
    """Other words for a counted state."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    name_en: Annotated[str, Field(min_length=1, max_length=120)] | None = None


def _utc(moment: datetime | None, name: str) -> datetime | None:
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        raise Invalid(fields={name: "beyond the years 1 to 9999"}) from None


class CancelIn(BaseModel):
    """Why a stocktake is given up."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(min_length=1, max_length=service.NOTE_MAX)]


class Stocktakes(Controller):
    """Sessions in which somebody looks what is there."""

    path = "/api/v1/stocktakes"
    tags = ("stocktakes",)

    @get(operation_id="listStocktakes", guards=[requires(Action.VIEW)], **listed(STOCKTAKES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[StocktakeOut]:
        """Stocktakes of the caller's sites, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, STOCKTAKES, asked, queries.stocktake_out, scope=actor.scope)

    @post(operation_id="openStocktake", guards=[requires(Action.TAKE_STOCK)])
    async def open(self, data: JSONBody[StocktakeIn], actor: NamedDependency[Actor]) -> Response[StocktakeOut]:
        """Open a stocktake: what the register has at the site at that moment is frozen as the list."""
        new = service.New(**{**data.model_dump(), "as_of": _utc(data.as_of, "as_of")})
        return await _one(actor, str(await service.open_stocktake(actor, new, now=clock.now())))

    @get("/{number:str}", operation_id="getStocktake", guards=[requires(Action.VIEW)])
    async def one(self, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[StocktakeOut]:
        """One stocktake with its progress."""
        return await _one(actor, number)

    @patch("/{number:str}", operation_id="editStocktake", guards=[requires(Action.TAKE_STOCK)])
    async def edit(
        self,
        number: FromPath[str],
        data: JSONBody[StocktakeChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[StocktakeOut]:
        """Change what stands on the minutes."""
        version = version_of(if_match)
        await service.edit(actor, number, data.model_dump(exclude_none=True), version=version)
        return await _one(actor, number)

    @get("/{number:str}/items", operation_id="listItemsOfStocktake", guards=[requires(Action.VIEW)], **listed(ITEMS))
    async def items(
        self, number: FromPath[str], asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]
    ) -> Page[ItemOut]:
        """What was expected and what was found."""
        async with transaction(actor.scope) as tx:
            return await queries.items(tx, actor.scope, number, asked)

    @post("/{number:str}/scans", operation_id="scanStocktake", status_code=200, guards=[requires(Action.TAKE_STOCK)])
    async def scan(
        self, number: FromPath[str], data: JSONBody[ScansIn], actor: NamedDependency[Actor]
    ) -> list[ScanOut]:
        """Take in scans; each is answered: found, elsewhere, unknown or a duplicate. Sent again they change nothing."""
        seen = [
            service.Seen(one.tag, one.id, _utc(one.at, "scans"), one.state or "", one.room, one.note)
            for one in data.scans
        ]
        answers = await service.scan(actor, number, seen, now=clock.now())
        tags = [answer.tag for answer in answers]
        async with transaction(actor.scope) as tx:
            asked = ListQuery(limit=len(tags))
            where: list[tuple[str, Sequence[object]]] = [("t.number = {}", [int(number)]), ("i.tag = any({})", [tags])]
            rows = (await fetch(tx, ITEMS, asked, queries.item_out, scope=actor.scope, where=where)).items
        items = {item.tag: item for item in rows}
        return [ScanOut(id=a.id, tag=a.tag, heard=a.heard, item=items[a.tag]) for a in answers]

    @post("/{number:str}/close", operation_id="closeStocktake", status_code=200, guards=[requires(Action.TAKE_STOCK)])
    async def close(self, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[StocktakeOut]:
        """End the counting; what nobody saw is missing."""
        await service.close(actor, number, now=clock.now())
        return await _one(actor, number)

    @post("/{number:str}/settle", operation_id="settleStocktake", status_code=200, guards=[requires(Action.TAKE_STOCK)])
    async def settle(
        self, number: FromPath[str], data: JSONBody[SettlementsIn], actor: NamedDependency[Actor]
    ) -> Response[StocktakeOut]:
        """Decide what is done about differences; nothing of the register changes before the approval."""
        settled = [service.Settled(one.tag, one.settlement, one.note, one.state or "") for one in data.settlements]
        await service.settle(actor, number, settled, now=clock.now())
        return await _one(actor, number)

    @post(
        "/{number:str}/approve",
        operation_id="approveStocktake",
        status_code=200,
        guards=[requires(Action.APPROVE_STOCKTAKE)],
    )
    async def approve(self, number: FromPath[str], actor: NamedDependency[Actor]) -> Response[StocktakeOut]:
        """Accept the result and put the register right; by somebody who neither counted nor settled."""
        await service.approve(actor, number, now=clock.now())
        return await _one(actor, number)

    @post("/{number:str}/cancel", operation_id="cancelStocktake", status_code=200, guards=[requires(Action.TAKE_STOCK)])
    async def cancel(
        self, number: FromPath[str], data: JSONBody[CancelIn], actor: NamedDependency[Actor]
    ) -> Response[StocktakeOut]:
        """Give it up while nothing has been settled; nothing follows from it."""
        await service.cancel(actor, number, data.reason, now=clock.now())
        return await _one(actor, number)


async def _one(actor: Actor, number: str) -> Response[StocktakeOut]:
    async with transaction(actor.scope) as tx:
        return with_version(await queries.one(tx, actor.scope, number))


@get("/api/v1/stocktake-items", operation_id="listStocktakeItems", tags=["stocktakes"], guards=[requires(Action.VIEW)],
     **listed(ITEMS))  # fmt: skip
async def list_items(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ItemOut]:
    """What stocktakes expected and found; `stocktake` chooses one by its number."""
    async with transaction(actor.scope) as tx:
        return await fetch(tx, ITEMS, asked, queries.item_out, scope=actor.scope)


class CountedStates(Controller):
    """In what states things are counted, in the province's words."""

    path = "/api/v1/counted-states"
    tags = ("stocktakes",)

    @get(operation_id="listCountedStates", guards=[requires(Action.VIEW)], **listed(STATES))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[StateOut]:
        """The states; there are none before the first stocktake."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, STATES, asked, queries.state_out)

    @get("/{counted:str}", operation_id="getCountedState", guards=[requires(Action.VIEW)])
    async def one(self, counted: FromPath[str], actor: NamedDependency[Actor]) -> Response[StateOut]:
        """One state by its code."""
        return await _state(actor, counted)

    @patch("/{counted:str}", operation_id="editCountedState", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self, counted: FromPath[str], data: JSONBody[WordsIn], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[StateOut]:
        """Change the words of a state; its code is what the rules know."""
        version = version_of(if_match)
        await service.edit_words(actor, counted, data.model_dump(exclude_none=True), version=version)
        return await _state(actor, counted)


async def _state(actor: Actor, counted: str) -> Response[StateOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, STATES, ListQuery(limit=1), queries.state_out, where=[("c.code = {}", [counted])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


routes: Sequence[ControllerRouterHandler] = [Stocktakes, list_items, CountedStates]
