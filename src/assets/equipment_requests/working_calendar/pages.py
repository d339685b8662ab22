"""The page of the working calendar: hours of the week, holidays and make-up days."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.equipment_requests.working_calendar import api, service
from assets.equipment_requests.working_calendar.api import WorkingCalendarOut, minutes_said
from assets.equipment_requests.working_calendar.service import Day, Kept
from assets.equipment_requests.working_calendar.working_time import NAME_MAX, DayKind, Shift
from assets.errors import Conflict, Invalid, NotFound
from assets.web.forms import Typed
from assets.web.language import N_
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
PATH = "/working-calendar"
SHIFTS_SHOWN = 2  # of a weekday, on the form


@get([PATH, f"{PATH}.json"], name="working_calendar", guards=[requires(Action.VIEW)],
     **twin(WorkingCalendarOut, "working_calendar"))  # fmt: skip
async def calendar(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """When people work, by which targets are reckoned."""
    return await _page(request, actor)


@post(f"{PATH}/hours", guards=[requires(Action.EDIT_INVENTORY, province=True)], include_in_schema=False)
async def hours(
    request: AnyRequest, data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Set the hours of the week."""

    async def work() -> None:
        found = await _kept(actor)
        await service.set_calendar(actor, _shifts(data, found), found.days, version=Typed(data).version())

    return await _done(request, actor, "hours", data, work())


@post(f"{PATH}/days", guards=[requires(Action.EDIT_INVENTORY, province=True)], include_in_schema=False)
async def add_day(
    request: AnyRequest, data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Add a holiday or a make-up day."""

    async def work() -> None:
        typed = Typed(data)
        day, kind = typed.day("day"), typed.text("kind")
        if kind not in set(DayKind):
            typed.wrong["kind"] = N_("Please choose one of the list.")
        typed.check()
        found = await _kept(actor)
        if any(one.day == day for one in found.days):
            raise Invalid(fields={"day": N_("A day stands in the calendar once.")})
        added = Day(day, DayKind(kind), typed.text("name"))
        await service.set_calendar(actor, found.calendar.shifts, [*found.days, added], version=typed.version())

    return await _done(request, actor, "days", data, work())


@post(f"{PATH}/days/{{day:str}}/remove", guards=[requires(Action.EDIT_INVENTORY, province=True)],
      include_in_schema=False)  # fmt: skip
async def remove_day(
    request: AnyRequest, day: FromPath[str], data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Take a day out of the calendar."""

    async def work() -> None:
        found = await _kept(actor)
        left = [one for one in found.days if one.day != _day(day)]
        if len(left) == len(found.days):
            raise NotFound()
        await service.set_calendar(actor, found.calendar.shifts, left, version=Typed(data).version())

    return await _done(request, actor, "days", data, work())


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound() from None


def _shifts(data: Mapping[str, str], found: Kept) -> list[Shift]:
    """The two shifts of each weekday that the form has; further ones, which only programs write, stay."""
    wrong, shifts = dict[str, str](), list[Shift]()
    for weekday in range(1, 8):
        for number in range(SHIFTS_SHOWN):
            starts, ends = (data.get(f"{name}_{weekday}_{number}", "").strip() for name in ("starts", "ends"))
            if not starts and not ends:
                continue
            try:
                shifts.append(Shift(weekday, minutes_said(starts), minutes_said(ends)))
            except Invalid:
                wrong[f"hours_{weekday}"] = api.NO_TIME
        shifts += [s for s in found.calendar.shifts if s.weekday == weekday][SHIFTS_SHOWN:]
    if wrong:
        raise Invalid(fields=wrong)
    return shifts


async def _kept(actor: Actor) -> Kept:
    async with transaction(actor.scope) as tx:
        return await service.kept(tx)


async def _done(
    request: AnyRequest, actor: Actor, tried: str, data: Mapping[str, str], work: Awaitable[None]
) -> Response[Any]:
    try:
        await work
    except (Invalid, Conflict) as error:
        return await _page(request, actor, tried, data, error)
    return Redirect(PATH, status_code=303)


async def _page(
    request: AnyRequest, actor: Actor, tried: str = "", given: Mapping[str, str] | None = None,
    error: Invalid | Conflict | None = None,
) -> Response[Any]:  # fmt: skip
    view = api.calendar_out(await _kept(actor))
    errors: Mapping[str, str] = error.fields if isinstance(error, Invalid) else {}
    return show(
        request, "equipment_requests/calendar.html", view, status=error.status if error else 200, tried=tried,
        given=given or {}, errors=errors, refused=error.detail if error and not errors else "", name_max=NAME_MAX,
        may_edit=actor.everywhere(Action.EDIT_INVENTORY), shown=range(SHIFTS_SHOWN), kinds=tuple(DayKind),
        week={w: [s for s in view.shifts if s.weekday == w] for w in range(1, 8)},
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [calendar, hours, add_day, remove_day]
