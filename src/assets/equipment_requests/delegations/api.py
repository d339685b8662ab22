"""Delegations over HTTP: one's own, those that one was given, and for who manages people all of them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel, ConfigDict, Field

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import Connection, transaction
from assets.equipment_requests.delegations import service
from assets.equipment_requests.delegations.service import NewDelegation
from assets.errors import NotFound
from assets.web.paging import Column, Listing, ListQuery, Page, fetch, folded, listed

STATES = ("coming", "running", "over", "withdrawn")


class DelegationOut(BaseModel):
    """Who decides for whom, from a day to a day, both included; `state` is coming, running, over or withdrawn."""

    id: UUID
    absent: str
    absent_name: str
    deputy: str
    deputy_name: str
    from_on: date
    until_on: date
    reason: str
    state: str
    given_by_me: bool
    created_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str


class DelegationIn(BaseModel):
    """Who decides for the caller; `deputy` is a sign-in name, the days are those of Viet Nam."""

    model_config = ConfigDict(extra="forbid")
    deputy: Annotated[str, Field(min_length=1, max_length=60)]
    from_on: date
    until_on: date
    reason: Annotated[str, Field(max_length=service.REASON_MAX)] = ""


_TODAY = "(now() at time zone 'Asia/Ho_Chi_Minh')::date"
_STATE = f"""case when d.withdrawn_at is not null then 'withdrawn' when d.until_on < {_TODAY} then 'over'
    when d.from_on > {_TODAY} then 'coming' else 'running' end"""
DELEGATIONS = Listing(
    select=f"d.*, a.name as absent, a.display_name as absent_name, p.name as deputy, p.display_name as deputy_name, {_STATE} "
    "as state",
    source="delegations d join users a on a.id = d.from_user join users p on p.id = d.to_user",
    key="d.id",
    columns={
        "from_on": Column("d.from_on", "date"), "until_on": Column("d.until_on", "date"), "absent": Column("a.name"),
        "deputy": Column("p.name"), "state": Column(_STATE, choices=STATES),
        "created_at": Column("d.created_at", "timestamptz"),
    },
    sort="-from_on",
    search=(folded("a.display_name"), folded("p.display_name")),
)  # fmt: skip


def out(actor: Actor) -> Callable[[Mapping[str, Any]], DelegationOut]:
    """How a row of DELEGATIONS is shown to somebody."""

    def shown(row: Mapping[str, Any]) -> DelegationOut:
        same = {n: row[n] for n in ("id", "absent", "deputy", "from_on", "until_on", "reason", "state", "created_at",
                                    "withdrawn_at", "withdrawn_by")}  # fmt: skip
        return DelegationOut(
            **same, absent_name=row["absent_name"] or row["absent"], deputy_name=row["deputy_name"] or row["deputy"],
            given_by_me=row["from_user"] == actor.id,
        )  # fmt: skip

    return shown


def concerning(actor: Actor) -> list[tuple[str, Sequence[object]]]:
    """Which delegations somebody may see: their own and those that they were given; who manages people all of them."""
    if actor.everywhere(Action.MANAGE_PEOPLE):
        return []
    return [("{} in (d.from_user, d.to_user)", [actor.id])]


async def listed_delegations(tx: Connection, actor: Actor, asked: ListQuery) -> Page[DelegationOut]:
    """The delegations that somebody may see."""
    return await fetch(tx, DELEGATIONS, asked, out(actor), where=concerning(actor))


class Delegations(Controller):
    """Who decides equipment requests for somebody who is away."""

    path = "/api/v1/delegations"
    tags = ("equipment requests",)

    @get(operation_id="listDelegations", guards=[requires(Action.VIEW_REQUESTS)], **listed(DELEGATIONS))
    async def listing(self, asked: NamedDependency[ListQuery], actor: NamedDependency[Actor]) -> Page[DelegationOut]:
        """Those that the caller gave or was given; all of them for who manages people."""
        async with transaction(actor.scope) as tx:
            return await listed_delegations(tx, actor, asked)

    @get("/{delegation:uuid}", operation_id="getDelegation", guards=[requires(Action.VIEW_REQUESTS)])
    async def one(self, delegation: FromPath[UUID], actor: NamedDependency[Actor]) -> DelegationOut:
        """One of them."""
        return await _one(actor, delegation)

    @post(operation_id="delegate", guards=[requires(Action.VIEW_REQUESTS)])
    async def delegate(self, data: JSONBody[DelegationIn], actor: NamedDependency[Actor]) -> DelegationOut:
        """Name who decides for the caller while they are away."""
        new = NewDelegation(data.deputy, data.from_on, data.until_on, data.reason)
        return await _one(actor, await service.delegate(actor, new, now=clock.now()))

    @post("/{delegation:uuid}/withdraw", operation_id="withdrawDelegation", status_code=200,
          guards=[requires(Action.VIEW_REQUESTS)])  # fmt: skip
    async def withdraw(self, delegation: FromPath[UUID], actor: NamedDependency[Actor]) -> DelegationOut:
        """Take it back, from now on."""
        await service.withdraw(actor, delegation, now=clock.now())
        return await _one(actor, delegation)


async def _one(actor: Actor, delegation: UUID) -> DelegationOut:
    async with transaction(actor.scope) as tx:
        where = [*concerning(actor), ("d.id = {}", [delegation])]
        found = await fetch(tx, DELEGATIONS, ListQuery(limit=1), out(actor), where=where)
    if not found.items:
        raise NotFound()
    return found.items[0]


routes: Sequence[ControllerRouterHandler] = [Delegations]
