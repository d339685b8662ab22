"""Reminders over HTTP: what runs out and what was told of it, and the points of each kind."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get, patch
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
from assets.inventory.reminders import service
from assets.inventory.reminders.due import DAYS_MAX, DEFAULT_POINTS, POINTS_MAX, Kind, next_telling
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed
from assets.web.versions import IfMatch, version_of, with_version

KINDS = tuple(Kind)


class ReminderOut(BaseModel):
    """Something that runs out on `ends_on`; `told_point` and `told_at` are of the last reminder of it, if there was one.

    `next_on` is the day of the next one (null: there will be none).
    """

    kind: str
    subject: UUID
    code: str
    name: str
    site: str
    site_name: str
    ends_on: date
    days_left: int
    told_point: int | None
    told_at: datetime | None
    next_on: date | None

    @property
    def month(self) -> date:
        """The first day of the month in which it ends."""
        return self.ends_on.replace(day=1)


class ReminderPointOut(BaseModel):
    """How many days before the end a reminder is sent, the largest first; none: never."""

    kind: str
    days: list[int]
    version: int


class ReminderPointChange(BaseModel):
    """The points of a kind, all of them."""

    model_config = ConfigDict(extra="forbid")
    days: Annotated[list[Annotated[int, Field(ge=0, le=DAYS_MAX)]], Field(max_length=POINTS_MAX)]


REMINDERS = Listing(
    select="t.kind, t.subject, t.code, t.name, t.ends_on, s.code as site_code, s.name as site_name, r.point as told_point, "
    "r.told_at",
    source=service.SOURCE,
    key="t.subject",
    columns={
        "ends_on": Column("t.ends_on", "date"), "kind": Column("t.kind", choices=KINDS), "site": Column("s.code"),
        "code": Column("t.code"), "name": Column("t.name"), "told_at": Column("r.told_at", "timestamptz"),
    },
    sort="ends_on",
    search=("t.search", "s.search", folded("t.name")),
    site="t.site",
)  # fmt: skip
_IDS = ", ".join(f"('00000000-0000-7000-8000-{n:012d}'::uuid, '{kind}')" for n, kind in enumerate(Kind, start=1))
POINTS = Listing(
    select="k.kind, p.days, coalesce(p.version, 0) as version",
    source=f"(values {_IDS}) k(id, kind) left join reminder_points p on p.kind = k.kind",
    key="k.id",
    columns={"kind": Column("k.kind", choices=KINDS)},
    sort="kind",
    search=("k.kind",),
)


def reminder_out(points: Mapping[str, Sequence[int]], today: date) -> Callable[[Mapping[str, Any]], ReminderOut]:
    """How a row of REMINDERS is shown on a day."""

    def out(row: Mapping[str, Any]) -> ReminderOut:
        same = {name: row[name] for name in ("kind", "subject", "code", "name", "site_name", "ends_on")}
        return ReminderOut(
            **same, site=row["site_code"], days_left=(row["ends_on"] - today).days, told_point=row["told_point"],
            told_at=row["told_at"],
            next_on=next_telling(row["ends_on"], points[row["kind"]], row["told_point"], today),
        )  # fmt: skip

    return out


def point_out(row: Mapping[str, Any]) -> ReminderPointOut:
    """A row of POINTS."""
    days = list(DEFAULT_POINTS[row["kind"]]) if row["days"] is None else json.loads(row["days"])
    return ReminderPointOut(kind=row["kind"], days=days, version=row["version"])


@get("/api/v1/reminders", operation_id="listReminders", guards=[requires(Action.VIEW)], tags=["inventory"],
     **listed(REMINDERS))  # fmt: skip
async def list_reminders(asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ReminderOut]:
    """Warranties, contracts, certificates and accounts by the day on which they end, also those that have ended."""
    async with transaction(actor.scope) as tx:
        out = reminder_out(await service.points_of(tx), clock.today())
        return await fetch(tx, REMINDERS, asked, out, scope=actor.scope)


class ReminderPoints(Controller):
    """When something of a kind is told of."""

    path = "/api/v1/reminder-points"
    tags = ("inventory",)

    @get(operation_id="listReminderPoints", guards=[requires(Action.VIEW)], **listed(POINTS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[ReminderPointOut]:
        """The points of each kind."""
        async with transaction(actor.scope) as tx:
            return await fetch(tx, POINTS, asked, point_out)

    @get("/{kind:str}", operation_id="getReminderPoints", guards=[requires(Action.VIEW)])
    async def one(self, kind: FromPath[str], actor: NamedDependency[Actor]) -> Response[ReminderPointOut]:
        """The points of one kind."""
        return await _one(actor, kind)

    @patch("/{kind:str}", operation_id="editReminderPoints", guards=[requires(Action.EDIT_INVENTORY, province=True)])
    async def edit(
        self,
        kind: FromPath[str],
        data: JSONBody[ReminderPointChange],
        actor: NamedDependency[Actor],
        if_match: IfMatch = None,
    ) -> Response[ReminderPointOut]:
        """Set the points of a kind that are still as the caller read them."""
        await service.set_points(actor, kind, data.days, version=version_of(if_match))
        return await _one(actor, kind)


async def _one(actor: Actor, kind: str) -> Response[ReminderPointOut]:
    if kind not in KINDS:
        raise NotFound()
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, POINTS, ListQuery(limit=1), point_out, where=[("k.kind = {}", [kind])])
    return with_version(found.items[0])


routes: Sequence[ControllerRouterHandler] = [list_reminders, ReminderPoints]
