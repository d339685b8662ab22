"""One's own page of delegations: who decides while one is away."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests.approval_rules.steps import deciding_roles
from assets.equipment_requests.delegations import service
from assets.equipment_requests.delegations.api import DelegationOut, concerning, listed_delegations
from assets.equipment_requests.delegations.service import Caution, NewDelegation
from assets.errors import Conflict, Invalid
from assets.web.forms import Typed, told
from assets.web.paging import LIMIT_MAX, ListQuery
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
PATH = "/delegations"


class Deputy(BaseModel):
    """Somebody who could stand in for the caller, and what speaks against it."""

    deputy: str
    name: str
    post: str
    cautions: list[Caution]


class DelegationsPage(BaseModel):
    """What the caller gave and was given; `candidates` are those who could stand in (none: the caller decides nothing)."""

    items: list[DelegationOut]
    decides: bool
    candidates: list[Deputy]


@get([PATH, f"{PATH}.json"], name="delegations", guards=[requires(Action.VIEW_REQUESTS)],
     **twin(DelegationsPage, "delegations"))  # fmt: skip
async def mine(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Who decides for whom, of what concerns the caller."""
    return await _page(request, actor)


@post(PATH, guards=[requires(Action.VIEW_REQUESTS)], include_in_schema=False)
async def delegate(
    request: AnyRequest, data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Name who decides while one is away; what speaks against somebody is told once before."""
    typed = Typed(data)
    try:
        new = NewDelegation(typed.text("deputy"), typed.day("from_on"), typed.day("until_on"), typed.text("reason"))
        typed.check()
        if await _to_be_told(actor, new) and not data.get("anyway"):
            return await _page(request, actor, data)
        await service.delegate(actor, new, now=clock.now())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, data, error)
    return Redirect(PATH, status_code=303)


@post(f"{PATH}/{{delegation:uuid}}/withdraw", guards=[requires(Action.VIEW_REQUESTS)], include_in_schema=False)
async def withdraw(request: AnyRequest, delegation: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Take one back."""
    try:
        await service.withdraw(actor, delegation, now=clock.now())
    except Conflict as error:
        return await _page(request, actor, None, error)
    return Redirect(PATH, status_code=303)


async def _to_be_told(actor: Actor, new: NewDelegation) -> bool:
    """Whether something speaks against the deputy; whoever decides nothing is refused by the verb."""
    async with transaction(actor.scope) as tx:
        if not service.decides(actor, await deciding_roles(tx)):
            return False
    people = await service.candidates(actor, clock.now())
    return any(one.cautions for one in people if one.login == new.deputy.lower())


async def _page(
    request: AnyRequest, actor: Actor, given: Mapping[str, str] | None = None, error: Invalid | Conflict | None = None
) -> Response[Any]:
    now = clock.now()
    async with transaction(actor.scope) as tx:
        found = await listed_delegations(tx, actor, ListQuery(limit=LIMIT_MAX))
        decides = service.decides(actor, await deciding_roles(tx))
    candidates = await service.candidates(actor, now) if decides else []
    view = DelegationsPage(
        items=found.items, decides=decides,
        candidates=[Deputy(deputy=one.login, name=one.name, post=one.post, cautions=list(one.cautions)) for one in candidates],
    )  # fmt: skip
    return show(
        request, "equipment_requests/delegations.html", view, status=error.status if error else 200, given=given or {},
        errors=told(error, "deputy") if error else {}, today=now.astimezone(clock.LOCAL_ZONE).date(),
        chosen=next((one for one in view.candidates if one.deputy == (given or {}).get("deputy", "").lower()), None),
        everybody=not concerning(actor), reason_max=service.REASON_MAX,
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [mine, delegate, withdraw]
