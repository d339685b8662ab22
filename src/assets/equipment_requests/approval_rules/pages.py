"""The province's settings of approval: steps, what holds for all requests, what things are expected to cost."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests.approval_rules import api, service, steps
from assets.equipment_requests.approval_rules.api import (
    COSTS,
    STEPS,
    ApprovalRuleOut,
    ApprovalSettingsOut,
    CategoryCostOut,
)
from assets.equipment_requests.approval_rules.service import NewCost, NewStep
from assets.equipment_requests.approvals import Place
from assets.equipment_requests.forms import Fields
from assets.errors import Conflict, Invalid
from assets.web.forms import Typed
from assets.web.paging import LIMIT_MAX, ListQuery, fetch
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
PATH = "/equipment-requests/settings"
NEW = "new"  # the form of a step that is not there yet
LISTS = ("roles", "kinds")


class ApprovalPage(BaseModel):
    """What the province has set about approval."""

    steps: list[ApprovalRuleOut]
    settings: ApprovalSettingsOut
    costs: list[CategoryCostOut]


@get(
    [PATH, f"{PATH}.json"],
    name="approval_settings",
    guards=[requires(Action.VIEW_REQUESTS)],
    **twin(ApprovalPage, "approval_settings", ("saved",)),
)
async def settings(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Who decides in which order and from which value; what is set may be looked at by everybody who looks at requests."""
    return await _page(request, actor)


@post(f"{PATH}/steps", guards=[requires(Action.MANAGE_PEOPLE, province=True)], include_in_schema=False)
async def add(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Add a step."""
    fields = Fields.of(await request.form())

    async def work() -> None:
        await service.add_step(actor, NewStep(**_step(fields)))

    return await _done(request, actor, NEW, fields, work())


@post(f"{PATH}/steps/{{step:uuid}}", guards=[requires(Action.MANAGE_PEOPLE, province=True)], include_in_schema=False)
async def edit(request: AnyRequest, step: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Change a step, all of it."""
    fields = Fields.of(await request.form())

    async def work() -> None:
        await service.edit_step(actor, step, _step(fields), version=_typed(fields).version())

    return await _done(request, actor, str(step), fields, work())


@post(f"{PATH}/steps/{{step:uuid}}/remove", guards=[requires(Action.MANAGE_PEOPLE, province=True)],
      include_in_schema=False)  # fmt: skip
async def remove(request: AnyRequest, step: FromPath[UUID], actor: NamedDependency[Actor]) -> Response[Any]:
    """Remove a step."""
    fields = Fields.of(await request.form())

    async def work() -> None:
        await service.remove_step(actor, step, version=_typed(fields).version())

    return await _done(request, actor, str(step), fields, work())


@post(f"{PATH}/general", guards=[requires(Action.MANAGE_PEOPLE, province=True)], include_in_schema=False)
async def general(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Change what holds for all requests."""
    fields = Fields.of(await request.form())

    async def work() -> None:
        typed = _typed(fields)
        hours = typed.whole("fulfil_hours")
        typed.check()
        changes = {
            "same_person": bool(fields.text("same_person")), "cost_source": fields.text("cost_source"),
            "seat": fields.text("seat").strip(), "fulfil_hours": hours,
        }  # fmt: skip
        await service.set_settings(actor, changes, version=typed.version())

    return await _done(request, actor, "general", fields, work())


@post(f"{PATH}/costs", guards=[requires(Action.EDIT_INVENTORY, province=True)], include_in_schema=False)
async def costs(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Set what things are expected to cost; an empty field says that nothing is written down."""
    fields = Fields.of(await request.form())

    async def work() -> None:
        await service.set_costs(actor, _costs(fields))

    return await _done(request, actor, "costs", fields, work())


def _typed(fields: Fields) -> Typed:
    return Typed({name: values[-1] for name, values in fields.values.items() if values})


def _step(fields: Fields) -> dict[str, Any]:
    typed = _typed(fields)
    found = {
        "name": typed.text("name"), "name_en": typed.text("name_en"), "position": typed.whole("position"),
        "roles": tuple(fields.values.get("roles", ())), "place": typed.text("place"),
        "from_value": typed.whole("from_value") if typed.text("from_value") else None,
        "if_unknown": bool(typed.text("if_unknown")), "kinds": tuple(fields.values.get("kinds", ())),
        "hours": typed.whole("hours"),
    }  # fmt: skip
    try:
        service.checked(found)
    except Invalid as error:  # what cannot be read and what is not possible are told at once
        typed.wrong = {**error.fields, **typed.wrong}
    typed.check()
    return found


def _costs(fields: Fields) -> dict[str, NewCost]:
    typed, found = _typed(fields), {}
    for name in fields.values:
        if not name.startswith("unit_cost."):
            continue
        code = name.removeprefix("unit_cost.")
        cost = typed.whole(name) if typed.text(name) else None
        found[code] = NewCost(cost, fields.number(f"version.{code}") or 0)
    typed.check()
    return found


async def _done(request: AnyRequest, actor: Actor, tried: str, fields: Fields, work: Awaitable[None]) -> Response[Any]:
    try:
        await work
    except (Invalid, Conflict) as error:
        return await _page(request, actor, tried, fields, error)
    return Redirect(f"{PATH}?saved=1", status_code=303)


async def _page(
    request: AnyRequest, actor: Actor, tried: str = "", fields: Fields | None = None,
    error: Invalid | Conflict | None = None,
) -> Response[Any]:  # fmt: skip
    async with transaction(actor.scope) as tx:
        view = ApprovalPage(
            steps=(await fetch(tx, STEPS, ListQuery(limit=LIMIT_MAX), api.step_out)).items,
            settings=api.settings_out(await steps.settings(tx)),
            costs=(await fetch(tx, COSTS, ListQuery(limit=LIMIT_MAX), api.cost_out)).items,
        )
    errors: Mapping[str, str] = error.fields if isinstance(error, Invalid) else {}
    return show(
        request, "equipment_requests/settings.html", view, status=error.status if error else 200, tried=tried,
        given={name: values if name in LISTS else values[-1] for name, values in (fields or Fields()).values.items() if values},
        errors=errors, refused=error.detail if error and not errors else "", saved=bool(request.query_params.get("saved")),
        may_set=actor.everywhere(Action.MANAGE_PEOPLE), may_price=actor.everywhere(Action.EDIT_INVENTORY), new=NEW,
        deciders=service.DECIDERS, kinds=service.KINDS, places=tuple(Place), sources=tuple(steps.CostSource),
        step_max=service.STEPS_MAX,
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [settings, add, edit, remove, general, costs]
