"""The verbs of saved filters. A filter says nothing of what it finds: each list is asked again, in the reader's scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from litestar import Litestar
from litestar.routes import HTTPRoute

from assets.access.actor import Actor
from assets.access.permissions import Action
from assets.audit.service import differences, record, shown
from assets.db import Connection, transaction
from assets.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from assets.ids import new_id
from assets.inventory.kinds import CUSTOM
from assets.text import clean
from assets.web.language import N_
from assets.web.paging import PAGED, Listing, ListQuery
from assets.web.parameters import declared

API = "/api/v1/"
OWN_MAX = 100  # of one person
QUERY_MAX = 2_000
NAME_MAX = 80
PARAMETERS_MAX = 100
TOLD_MAX = 500


@dataclass(frozen=True)
class NewFilter:
    """A filter to save; `query` is what stands behind the question mark of the list's address."""

    resource: str
    name: str
    query: str
    shared: bool = False


def may_share(actor: Actor) -> bool:
    """Whether somebody may share filters with everybody: the province's IT."""
    return actor.everywhere(Action.EDIT_PLACES)


async def checked(app: Litestar, resource: str, query: str) -> str:
    """The query in one spelling, without pages. Invalid names what does not fit the list, or that there is no such list."""
    listing, known = _list(app, resource)
    asked = _asked(query)
    _refuse(await listing.widened(asked), known, asked)
    return urlencode(sorted(asked.items()), doseq=True)


def problem(app: Litestar, resource: str, query: str) -> str:
    """Why a saved query no longer fits its list; empty when it does. Fields of the province's own are not looked at."""
    try:
        listing, known = _list(app, resource)
        asked = {name: values for name, values in _asked(query).items() if not name.startswith(CUSTOM)}
        _refuse(listing, known, asked)
    except Invalid as error:
        return "; ".join(error.fields.values())
    return ""


def _list(app: Litestar, resource: str) -> tuple[Listing, frozenset[str]]:
    if (found := _lists(app).get(resource)) is None:
        raise Invalid(fields={"resource": N_("There is no such list.")})
    return found


def _asked(query: str) -> dict[str, list[str]]:
    try:
        given = parse_qs(query.removeprefix("?"), max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise Invalid(fields={"query": N_("There are too many parameters.")}) from None
    return {name: values for name, values in given.items() if name not in PAGED}


def _refuse(listing: Listing, known: frozenset[str], asked: Mapping[str, list[str]]) -> None:
    try:
        ListQuery.of(asked, listing, known=known)
    except Invalid as error:
        told = "; ".join(f"{name}: {why}" for name, why in error.fields.items())
        raise Invalid(fields={"query": clean(told, TOLD_MAX)}) from None


def _lists(app: Litestar) -> dict[str, tuple[Listing, frozenset[str]]]:
    found = {}
    for route in app.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            resource = route.path.removeprefix(API)
            if "listing" in handler.opt and "file" not in handler.opt and route.path == API + resource:
                found[resource] = (handler.opt["listing"], declared(handler))
    return found


async def save(actor: Actor, new: NewFilter, *, app: Litestar, now: datetime) -> UUID:
    """Save a filter; Conflict when one of the same name is there for this list."""
    owner = _owner(actor)
    name, query = clean(new.name, NAME_MAX), await checked(app, new.resource, new.query[:QUERY_MAX])
    if not name:
        raise Invalid(fields={"name": N_("Please fill this in.")})
    if new.shared and not may_share(actor):
        raise NotAllowed()
    async with transaction(actor.scope) as tx:
        if await tx.fetchval("select count(*) from saved_filters where owner = $1", owner) >= OWN_MAX:
            raise Conflict(N_("There are too many saved filters; remove some first."))
        row = await tx.fetchrow(
            "insert into saved_filters (id, owner, resource, name, query, shared, created_at, version) "
            "values ($1,$2,$3,$4,$5,$6,$7,1) on conflict on constraint saved_filters_name_uq do nothing returning *",
            new_id(), owner, new.resource, name, query, new.shared, now,
        )  # fmt: skip
        if row is None:
            raise Conflict(N_("There is already a saved filter of this name."))
        await _record(tx, actor, "add", row, after=shown(row))
        found: UUID = row["id"]
        return found


async def edit(actor: Actor, wanted: UUID, changes: Mapping[str, Any], *, version: int, app: Litestar) -> None:
    """Change name, query or sharing of a filter that is still as the caller saw it."""
    async with transaction(actor.scope) as tx:
        before = await _lock(tx, actor, wanted, version)
        after = {name: changes.get(name, before[name]) for name in ("name", "query", "shared")}
        after["name"] = clean(after["name"], NAME_MAX)
        after["query"] = await checked(app, before["resource"], after["query"])
        if not after["name"]:
            raise Invalid(fields={"name": N_("Please fill this in.")})
        if after["shared"] and not before["shared"] and not may_share(actor):
            raise NotAllowed()
        if await tx.fetchval(
            "select exists(select 1 from saved_filters where owner = $1 and resource = $2 and name = $3 and id <> $4)",
            before["owner"], before["resource"], after["name"], wanted,
        ):  # fmt: skip
            raise Conflict(N_("There is already a saved filter of this name."))
        row = await tx.fetchrow(
            "update saved_filters set name = $2, query = $3, shared = $4, version = version + 1 where id = $1 returning *",
            wanted, after["name"], after["query"], after["shared"],
        )  # fmt: skip
        assert row is not None
        await _record(tx, actor, "edit", row, **differences(before, row))


async def remove(actor: Actor, wanted: UUID, *, version: int) -> None:
    """Remove a filter: one's own, or a shared one by whoever may share."""
    async with transaction(actor.scope) as tx:
        row = await _lock(tx, actor, wanted, version)
        await tx.execute("delete from saved_filters where id = $1", wanted)
        await _record(tx, actor, "delete", row, before=shown(row))


async def _lock(tx: Connection, actor: Actor, wanted: UUID, version: int) -> Any:
    row = await tx.fetchrow(
        "select * from saved_filters where id = $1 and (owner = $2 or shared) for update", wanted, _owner(actor)
    )
    if row is None:
        raise NotFound()
    if row["owner"] != actor.id and not may_share(actor):
        raise NotAllowed()
    if row["version"] != version:
        raise Stale()
    return row


def _owner(actor: Actor) -> UUID:
    if actor.id is None or not actor.login:
        raise NotAllowed()
    return actor.id


async def _record(tx: Connection, actor: Actor, action: str, row: Any, **changes: Any) -> None:
    await record(
        tx, by=actor, action=action, kind="saved_filter", subject=row["id"], name=row["name"], site=actor.home_site,
        **changes,
    )  # fmt: skip
