"""Rooms over HTTP: what a site is divided into, to any depth."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from litestar import Controller, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import NotFound
from assets.places import rooms
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Kind = Literal["building", "floor", "area", "room", "counter", "cabinet", "shelf", "other"]


class RoomOut(BaseModel):
    """A building, floor, room, counter, cabinet … of a site; `parent` is the id of what it is in (null: the site)."""

    id: UUID
    site: str
    kind: str
    name: str
    parent: UUID | None
    parent_name: str | None
    version: int


class RoomIn(BaseModel):
    """A room to add; its name is the only one of its kind at the site."""

    model_config = ConfigDict(extra="forbid")
    site: Annotated[str, Field(min_length=1, max_length=20)]
    name: Annotated[str, Field(min_length=1, max_length=120)]
    kind: Kind = "room"
    parent: UUID | None = None


class RoomEdit(BaseModel):
    """What to change of a room; what is not named stays. A new `parent` moves it with all that is in it (null: out)."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=120)] = ""
    kind: Kind = "room"
    parent: UUID | None = None


ROOMS = Listing(
    select="r.id, s.code as site, r.kind, r.name, r.parent, p.name as parent_name, r.version",
    source="rooms r join sites s on s.id = r.site left join rooms p on p.id = r.parent",
    key="r.id",
    columns={
        "site": Column("s.code"), "name": Column("r.sort", filterable=False), "kind": Column("r.kind", choices=rooms.KINDS),
        "parent": Column("r.parent", "uuid", sortable=False),
    },
    sort="site",
    search=(folded("r.name"), "s.search"),
    site="r.site",
)  # fmt: skip


room_out = from_row(RoomOut)


async def _one(actor: Actor, room: UUID) -> Response[RoomOut]:
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, ROOMS, ListQuery(limit=1), room_out, scope=actor.scope, where=[("r.id = {}", [room])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class Rooms(Controller):
    """What sites are divided into."""

    path = "/api/v1/rooms"
    tags = ("places",)

    @get(operation_id="listRooms", guards=[requires(Action.VIEW)], **listed(ROOMS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[RoomOut]:
        """Rooms by site, kind or the room that they are in."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, ROOMS, asked, room_out, scope=actor.scope)

    @post(operation_id="addRoom", guards=[requires(Action.EDIT_PLACES)])
    async def add(self, data: JSONBody[RoomIn], actor: NamedDependency[Actor]) -> Response[RoomOut]:
        """Add a room to a site."""
        return await _one(actor, await rooms.add_room(actor, rooms.NewRoom(**data.model_dump())))

    @get("/{room:uuid}", operation_id="getRoom", guards=[requires(Action.VIEW)])
    async def one(self, room: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[RoomOut]:
        """One room."""
        return await _one(actor, room)

    @patch("/{room:uuid}", operation_id="editRoom", guards=[requires(Action.EDIT_PLACES)])
    async def edit(
        self, room: FromPath[UUID], data: JSONBody[RoomEdit], actor: NamedDependency[Actor], if_match: IfMatch = None
    ) -> Response[RoomOut]:
        """Rename or move a room that is still as the caller read it."""
        await rooms.edit_room(actor, room, data.model_dump(exclude_unset=True), version=version_of(if_match))
        return await _one(actor, room)

    @delete("/{room:uuid}", operation_id="removeRoom", guards=[requires(Action.EDIT_PLACES)])
    async def remove(self, room: FromPath[UUID], actor: NamedDependency[Actor], if_match: IfMatch = None) -> None:
        """Remove a room with nothing in it; 409 says what is."""
        await rooms.remove_room(actor, room, version=version_of(if_match))


routes: Sequence[ControllerRouterHandler] = [Rooms]
