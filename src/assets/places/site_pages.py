"""Pages of a site's own facts: its rooms as a tree, and the form of what is written of it."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid
from assets.places import rooms, service
from assets.places.api import SiteOut, one_site
from assets.places.nesting import tree
from assets.places.page_forms import errors_of, number, version
from assets.text import clean
from assets.web.language import N_
from assets.web.rows import from_row
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]


class RoomRow(BaseModel):
    """A room in the tree: how deep it is, what it is in, and how many assets stand in it itself."""

    id: UUID
    kind: str
    name: str
    depth: int
    parent_name: str | None
    assets: int
    version: int


class RoomsPage(BaseModel):
    """The rooms of a site, each behind the one that it is in."""

    site: SiteOut
    rooms: list[RoomRow]


_ROOMS = """
    select r.id, r.kind, r.name, r.parent, p.name as parent_name, r.version,
        (select count(*) from assets a where a.room = r.id and a.stage <> 'disposed') as assets
    from rooms r left join rooms p on p.id = r.parent where r.site = $1 order by r.sort, r.name
"""


@get(
    ["/sites/{code:str}/rooms", "/sites/{code:str}/rooms.json"], name="rooms", guards=[requires(Action.VIEW)],
    **twin(RoomsPage, "rooms"),
)  # fmt: skip
async def tree_of(request: AnyRequest, code: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The rooms of a site."""
    return await _rooms(request, actor, code)


_room = from_row(RoomRow, "depth")


async def _rooms(request: AnyRequest, actor: Actor, code: str, *, status: int = 200, **more: Any) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        site = await one_site(tx, actor, code)
        rows = await tx.fetch(_ROOMS, site.id)
    found = [_room(row, depth=depth) for depth, row in tree((row["id"], row["parent"], row) for row in rows)]
    return show(
        request, "places/rooms.html", RoomsPage(site=site, rooms=found), status=status, kinds=rooms.KINDS,
        **({"given": {}, "errors": {}, "at": ""} | more),
    )  # fmt: skip


@post("/sites/{code:str}/rooms", guards=[requires(Action.EDIT_PLACES)], include_in_schema=False)
async def add(request: AnyRequest, code: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Add a room."""
    try:
        parent = await _inside(actor, code, data)
        await rooms.add_room(actor, rooms.NewRoom(code, data.get("name", ""), data.get("kind", ""), parent))
    except (Invalid, Conflict) as error:
        errors = errors_of(request, error, "name")
        return await _rooms(request, actor, code, status=error.status, given=data, errors=errors)
    return _back(code)


@post("/sites/{code:str}/rooms/{room:uuid}/edit", guards=[requires(Action.EDIT_PLACES)], include_in_schema=False)
async def edit(
    request: AnyRequest, code: FromPath[str], room: FromPath[UUID], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Rename a room, say what it is, or move it."""
    try:
        said = {"name": data.get("name", ""), "kind": data.get("kind", ""), "parent": await _inside(actor, code, data)}
        await rooms.edit_room(actor, room, said, version=version(data))
    except (Invalid, Conflict) as error:
        errors = errors_of(request, error, "name")
        return await _rooms(request, actor, code, status=error.status, given=data, errors=errors, at=str(room))
    return _back(code)


@post("/sites/{code:str}/rooms/{room:uuid}/remove", guards=[requires(Action.EDIT_PLACES)], include_in_schema=False)
async def remove(
    request: AnyRequest, code: FromPath[str], room: FromPath[UUID], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Remove an empty room."""
    try:
        await rooms.remove_room(actor, room, version=version(data))
    except Conflict as error:
        errors = errors_of(request, error, "name")
        return await _rooms(request, actor, code, status=error.status, errors=errors, at=str(room))
    return _back(code)


async def _inside(actor: Actor, code: str, data: Mapping[str, str]) -> UUID | None:
    """The room that a form names as the one around; names stand once at a site."""
    name = clean(data.get("inside", ""), 120)
    if not name:
        return None
    async with transaction(actor.scope) as tx:
        found: UUID | None = await _room_named(tx, code, name)
    if found is None:
        raise Invalid(fields={"parent": N_("There is no such room at this site.")})
    return found


async def _room_named(tx: Connection, code: str, name: str) -> UUID | None:
    found: UUID | None = await tx.fetchval(
        "select r.id from rooms r join sites s on s.id = r.site where s.code = $1 and r.name = $2", code, name
    )
    return found


def _back(code: str) -> Response[Any]:
    return Redirect(f"/sites/{quote(code, safe='')}/rooms", status_code=303)


@get(["/sites/{code:str}/edit", "/sites/{code:str}/edit.json"], name="site_form", guards=[requires(Action.EDIT_PLACES)],
     **twin(SiteOut, "site_form"))  # fmt: skip
async def site_form(request: AnyRequest, code: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """The form of a site."""
    return await _site(request, actor, code, {}, {})


async def _site(
    request: AnyRequest, actor: Actor, code: str, given: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response[Any]:
    async with transaction(actor.scope) as tx:
        view = await one_site(tx, actor, code)
    return show(
        request, "places/site_form.html", view, status=status, given=given, errors=errors, kinds=service.SITE_KINDS
    )


TEXTS = ("name", "kind", "address", "phone", "agency_code", "closed_reason")


@post("/sites/{code:str}/edit", guards=[requires(Action.EDIT_PLACES)], include_in_schema=False)
async def edit_site(
    request: AnyRequest, code: FromPath[str], data: Form, actor: NamedDependency[Actor]
) -> Response[Any]:
    """Change what is written of a site."""
    try:
        said: dict[str, Any] = {name: data[name] for name in TEXTS if name in data}
        said |= {name: number(data, name) for name in ("latitude", "longitude") if name in data}
        if "open" in data:
            said["open"] = data["open"] == "1"
        await service.edit_site(actor, code, said, version=version(data))
    except (Invalid, Conflict) as error:
        return await _site(request, actor, code, data, errors_of(request, error, "site"), error.status)
    return Redirect(f"/sites/{quote(code, safe='')}", status_code=303)


routes: Sequence[ControllerRouterHandler] = (tree_of, add, edit, remove, site_form, edit_site)
