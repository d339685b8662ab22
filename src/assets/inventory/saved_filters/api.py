"""Saved filters over HTTP."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Litestar, Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.inventory.saved_filters import service
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.versions import IfMatch, version_of, with_version

AnyRequest = Request[Any, Any, Any]
Name = Annotated[str, Field(min_length=1, max_length=service.NAME_MAX)]
Query = Annotated[str, Field(max_length=service.QUERY_MAX)]


class SavedFilterOut(BaseModel):
    """A filter of the list `resource`, ready to be put behind a question mark; `problem` says why it no longer fits."""

    id: UUID
    resource: str
    name: str
    query: str
    shared: bool
    owner: str
    own: bool
    problem: str
    version: int


class SavedFilterIn(BaseModel):
    """A filter to save: the parameters of a list as they stand in its address; sharing is for the province's IT."""

    model_config = ConfigDict(extra="forbid")
    resource: Annotated[str, Field(min_length=1, max_length=40)]
    name: Name
    query: Query = ""
    shared: bool = False


class SavedFilterChange(BaseModel):
    """What to change of a saved filter; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name | None = None
    query: Query | None = None
    shared: bool | None = None


FILTERS = Listing(
    select="f.*, u.name as owner_name",
    source="saved_filters f join users u on u.id = f.owner",
    key="f.id",
    columns={
        "name": Column("f.name"), "resource": Column("f.resource"), "shared": Column("f.shared", "boolean"),
        "owner": Column("u.name"),
    },
    sort="name",
    search=(folded("f.name"),),
)  # fmt: skip


def filter_out(app: Litestar, actor: Actor) -> Callable[[Mapping[str, Any]], SavedFilterOut]:
    """How a row of FILTERS is told to somebody; a filter that no longer fits its list says so."""

    def make(row: Mapping[str, Any]) -> SavedFilterOut:
        problem = service.problem(app, row["resource"], row["query"])
        same = {name: row[name] for name in ("id", "resource", "name", "query", "shared", "version")}
        return SavedFilterOut(**same, owner=row["owner_name"], own=row["owner"] == actor.id, problem=problem)

    return make


def visible(actor: Actor) -> tuple[str, list[object]]:
    """The condition for what somebody may see: their own and what is shared."""
    return "f.shared or f.owner = {}::uuid", [actor.id]


async def _one(request: AnyRequest, actor: Actor, wanted: UUID) -> Response[SavedFilterOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(
            tx, FILTERS, ListQuery(limit=1), filter_out(request.app, actor),
            where=[visible(actor), ("f.id = {}", [wanted])],
        )  # fmt: skip
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class SavedFilters(Controller):
    """Filters of lists under a name."""

    path = "/api/v1/saved-filters"
    tags = ("saved filters",)

    @get(operation_id="listSavedFilters", guards=[requires(Action.VIEW)], **listed(FILTERS))
    async def listing(
        self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], request: AnyRequest
    ) -> Page[SavedFilterOut]:
        """The caller's own filters and those that are shared with everybody."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, FILTERS, asked, filter_out(request.app, actor), where=[visible(actor)])

    @post(operation_id="saveFilter", guards=[requires(Action.VIEW)])
    async def save(
        self, data: JSONBody[SavedFilterIn], actor: NamedDependency[Actor], request: AnyRequest
    ) -> Response[SavedFilterOut]:
        """Save a filter that fits the list; 403 for who may not share and wants to."""
        new = service.NewFilter(**data.model_dump())
        return await _one(request, actor, await service.save(actor, new, app=request.app, now=clock.now()))

    @get("/{filter:uuid}", operation_id="getSavedFilter", guards=[requires(Action.VIEW)])
    async def one(
        self, filter: FromPath[UUID], actor: NamedDependency[Actor], request: AnyRequest
    ) -> Response[SavedFilterOut]:
        """One saved filter."""
        return await _one(request, actor, filter)

    @patch("/{filter:uuid}", operation_id="editSavedFilter", guards=[requires(Action.VIEW)])
    async def edit(
        self, filter: FromPath[UUID], data: JSONBody[SavedFilterChange], actor: NamedDependency[Actor],
        request: AnyRequest, if_match: IfMatch = None,
    ) -> Response[SavedFilterOut]:  # fmt: skip
        """Change one's own filter, or a shared one, that is still as the caller read it."""
        changes = data.model_dump(exclude_unset=True, exclude_none=True)
        await service.edit(actor, filter, changes, version=version_of(if_match), app=request.app)
        return await _one(request, actor, filter)

    @delete("/{filter:uuid}", operation_id="deleteSavedFilter", guards=[requires(Action.VIEW)])
    async def remove(self, filter: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Remove one's own filter, or a shared one."""
        await service.remove(actor, filter, version=version_of(if_match))


routes: Sequence[ControllerRouterHandler] = [SavedFilters]
