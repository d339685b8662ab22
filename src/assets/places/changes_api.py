"""The history of units over HTTP: which unit became which, when, and by what decision."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Controller, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.errors import NotFound
from assets.places import changes
from assets.places.succession import PARTS_MAX, Kind
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.rows import from_row
from assets.web.versions import IfMatch, version_of, with_version

Code = Annotated[str, Field(pattern="^[0-9]{5}$")]
OfUnit = Annotated[
    str | None, QueryParameter(name="unit", max_length=5, description="Only changes from or to a unit with this code")
]


class UnitNamed(BaseModel):
    """A unit that ended or began; `code` is empty where none was written down."""

    code: str
    name: str
    kind: str
    former_district: str


class SuccessorOut(UnitNamed):
    """A unit that began, with those that it came from."""

    comes_from: list[UnitNamed]


class SiteMoved(BaseModel):
    """A site of the caller's scope and the unit that it came to."""

    site: str
    unit_code: str


class UnitChangeOut(BaseModel):
    """A change of units with its decision, what ended by it and what began, and which sites came to which unit."""

    id: UUID
    kind: Kind
    effective_on: date
    decision_number: str
    decided_on: date | None
    issued_by: str
    web_address: str
    note: str
    predecessors: list[UnitNamed]
    successors: list[SuccessorOut]
    sites: list[SiteMoved]
    recorded_at: datetime
    version: int


class SuccessorIn(BaseModel):
    """A unit to be. What goes on under a predecessor's code keeps what is not said; any other says name and kind.

    `comes_from` are codes of predecessors; without it, it comes from all of them.
    """

    model_config = ConfigDict(extra="forbid")
    code: Code
    name: Annotated[str, Field(max_length=120)] = ""
    kind: Literal["commune", "ward", "special_zone", ""] = ""
    name_en: Annotated[str, Field(max_length=120)] = ""
    agency_code: Annotated[str, Field(max_length=60)] = ""
    province_code: Annotated[str, Field(max_length=2)] = ""
    comes_from: Annotated[list[Code], Field(min_length=1, max_length=PARTS_MAX)] | None = None


class UnitChangeIn(BaseModel):
    """A change to write down. `sites` says to which successor a site goes that could go to several: code by code."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    effective_on: date
    decision_number: Annotated[str, Field(min_length=1, max_length=80)]
    predecessors: Annotated[list[Code], Field(max_length=PARTS_MAX)] = []
    successors: Annotated[list[SuccessorIn], Field(min_length=1, max_length=PARTS_MAX)]
    sites: Annotated[dict[Annotated[str, Field(max_length=20)], Code], Field(max_length=1_000)] = {}
    decided_on: date | None = None
    issued_by: Annotated[str, Field(max_length=160)] = ""
    web_address: Annotated[str, Field(max_length=500)] = ""
    note: Annotated[str, Field(max_length=500)] = ""


class UnitChangeEdit(BaseModel):
    """What to correct of a decision; what the change did stays as it is."""

    model_config = ConfigDict(extra="forbid")
    decision_number: Annotated[str, Field(min_length=1, max_length=80)] = ""
    decided_on: date | None = None
    issued_by: Annotated[str, Field(max_length=160)] = ""
    web_address: Annotated[str, Field(max_length=500)] = ""
    note: Annotated[str, Field(max_length=500)] = ""


_NAMED = "'code', {u}.code, 'name', {u}.name, 'kind', {u}.kind, 'former_district', {u}.former_district"
_OLD = (
    "(select coalesce(json_agg(json_build_object(" + _NAMED.format(u="o") + ") order by o.sort), '[]') "  # noqa: S608
    "from administrative_units o where o.id in (select x.predecessor from unit_successions x where x.change = c.id{more}))"
)
_OF_ONE = " and x.successor = n.id"
CHANGES = Listing(
    select="c.*, " + _OLD.format(more="") + " as predecessors, (select coalesce(json_agg(json_build_object("  # noqa: S608
    + _NAMED.format(u="n") + ", 'comes_from', " + _OLD.format(more=_OF_ONE) + ") order by n.sort), '[]') "
    "from administrative_units n where n.id in (select y.successor from unit_successions y where y.change = c.id)) "
    "as successors, (select coalesce(json_agg(json_build_object('site', s.code, 'unit_code', n.code) order by s.code), '[]') "
    "from site_units m join sites s on s.id = m.site join administrative_units n on n.id = m.unit "
    "where m.valid_from = c.effective_on and c.kind <> 'new' and exists (select from unit_successions z "
    "where z.change = c.id and z.successor = m.unit) and exists (select from site_units b where b.site = m.site "
    "and b.valid_to = m.valid_from)) as sites",
    source="unit_changes c",
    key="c.id",
    columns={
        "effective_on": Column("c.effective_on", "date"), "kind": Column("c.kind", choices=tuple(Kind)),
        "decision_number": Column("c.decision_number"), "decided_on": Column("c.decided_on", "date"),
    },
    sort="-effective_on",
    search=(
        folded("c.decision_number"), folded("c.issued_by"), folded("c.note"),
        "(select string_agg(u.search, ' ') from unit_successions x join administrative_units u "
        "on u.id in (x.predecessor, x.successor) where x.change = c.id)",
    ),
)  # fmt: skip


def change_out(row: Mapping[str, Any]) -> UnitChangeOut:
    """A row of CHANGES."""
    lists = {name: json.loads(row[name]) for name in _LISTS}
    return _change(row, **lists)


_LISTS = ("predecessors", "successors", "sites")
_change = from_row(UnitChangeOut, *_LISTS)


def of_unit(code: str | None) -> list[tuple[str, Sequence[object]]]:
    """What chooses the changes from or to units with a code."""
    if not code:
        return []
    return [
        (
            "exists (select from unit_successions x join administrative_units u on u.id in (x.predecessor, x.successor) "
            "where x.change = c.id and u.code = {})", [code],
        )
    ]  # fmt: skip


async def _one(tx: Connection, change: UUID) -> Response[UnitChangeOut]:
    found = await fetch(tx, CHANGES, ListQuery(limit=1), change_out, where=[("c.id = {}", [change])])
    if not found.items:
        raise NotFound()
    return with_version(found.items[0])


class UnitChanges(Controller):
    """New, renamed, merged, split and rearranged units."""

    path = "/api/v1/unit-changes"
    tags = ("places",)

    @get(operation_id="listUnitChanges", guards=[requires(Action.VIEW)], **listed(CHANGES, known=["unit"]))
    async def listing(
        self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor], unit: OfUnit = None
    ) -> Page[UnitChangeOut]:
        """Changes, the newest first."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, CHANGES, asked, change_out, where=of_unit(unit))

    @post(operation_id="recordUnitChange", guards=[requires(Action.EDIT_PLACES, province=True)])
    async def record(self, data: JSONBody[UnitChangeIn], actor: NamedDependency[Actor]) -> Response[UnitChangeOut]:
        """Write down a change and apply it, all or nothing; one that is ahead takes effect on its day."""
        made = await changes.record_change(actor, new_change(data), today=clock.today())
        async with transaction(actor.scope) as tx:
            return await _one(tx, made)

    @get("/{change:uuid}", operation_id="getUnitChange", guards=[requires(Action.VIEW)])
    async def one(self, change: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[UnitChangeOut]:
        """One change."""
        async with transaction(actor.scope) as tx:
            return await _one(tx, change)

    @patch("/{change:uuid}", operation_id="editUnitChange", guards=[requires(Action.EDIT_PLACES, province=True)])
    async def edit(
        self,
        change: FromPath[UUID],
        data: JSONBody[UnitChangeEdit],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[UnitChangeOut]:
        """Correct what is written of the decision."""
        said, version = data.model_dump(exclude_unset=True), version_of(if_match)
        await changes.edit_change(actor, change, said, version=version, today=clock.today())
        async with transaction(actor.scope) as tx:
            return await _one(tx, change)


def new_change(data: UnitChangeIn) -> changes.NewChange:
    """What the caller wrote, as the verb takes it."""
    said = data.model_dump() | {
        "predecessors": tuple(data.predecessors),
        "successors": tuple(
            changes.NewUnit(**one.model_dump() | {"comes_from": None if one.comes_from is None else tuple(one.comes_from)})
            for one in data.successors
        ),
    }  # fmt: skip
    return changes.NewChange(**said)


routes: Sequence[ControllerRouterHandler] = [UnitChanges]
