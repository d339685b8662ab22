"""What runs out, by month, and when it is told of."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, Invalid
from assets.inventory.reminders import service
from assets.inventory.reminders.api import (
    KINDS,
    POINTS,
    REMINDERS,
    ReminderOut,
    ReminderPointOut,
    point_out,
    reminder_out,
)
from assets.inventory.wear_pages import asked_of, printable, sites
from assets.web.forms import Named, Typed, told
from assets.web.language import N_
from assets.web.paging import LIMIT_MAX, ListQuery, Page, fetch
from assets.web.templates import show

AnyRequest = Request[Any, Any, Any]
PATH = "/reminders"


class RemindersPage(Page[ReminderOut]):
    """What runs out from today on, unless other days are asked for; `ended` counts what has run out already."""

    ended: int
    points: list[ReminderPointOut]
    sites: list[Named]


def _asked(request: AnyRequest) -> ListQuery:
    return asked_of(request, REMINDERS)


@get(
    [PATH, f"{PATH}.json"], name="reminders", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": Provide(_asked, sync_to_thread=False)},
    opt={"twin": (RemindersPage, "reminders"), "listing": REMINDERS},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """What runs out, the soonest first."""
    return await _page(request, actor, asked)


@post(PATH + "/points/{kind:str}", guards=[requires(Action.EDIT_INVENTORY, province=True)], include_in_schema=False)
async def set_points(
    request: AnyRequest, kind: FromPath[str], data: URLEncodedBody[dict[str, str]], actor: NamedDependency[Actor]
) -> Response[Any]:
    """Set when something of a kind is told of, as numbers with commas between them."""
    typed = Typed(data)
    try:
        await service.set_points(actor, kind, _days(typed), version=typed.version())
    except (Invalid, Conflict) as error:
        return await _page(request, actor, ListQuery(), kind, data, error)
    return Redirect(PATH, status_code=303)


def _days(typed: Typed) -> list[int]:
    parts = [part.strip() for part in typed.text("days").replace(";", ",").split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        raise Invalid(fields={"days": N_("Whole numbers of days with commas between them, such as 90, 30, 7, 0.")})
    return [int(part) for part in parts]


async def _page(
    request: AnyRequest, actor: Actor, asked: ListQuery, tried: str = "", given: Mapping[str, str] | None = None,
    error: Invalid | Conflict | None = None,
) -> Response[Any]:  # fmt: skip
    today, kept = clock.today(), asked.again()
    chosen = any(f.column == "ends_on" for f in asked.filters)
    where = [] if chosen else [("t.ends_on >= {}", [today])]
    async with transaction(actor.scope) as tx:
        out = reminder_out(await service.points_of(tx), today)
        found = await fetch(tx, REMINDERS, asked, out, scope=actor.scope, where=where)
        ended = await fetch(
            tx, REMINDERS, ListQuery(limit=1), out, scope=actor.scope, where=[("t.ends_on < {}", [today])]
        )
        points = (await fetch(tx, POINTS, ListQuery(limit=LIMIT_MAX), point_out)).items
        view = RemindersPage(**dict(found), ended=ended.total, points=points, sites=await sites(tx))
    return show(
        request, "inventory/reminders.html", view, status=error.status if error else 200, kept=kept, query_text=asked.q,
        today=today, chosen=chosen, kinds=KINDS, tried=tried, given=given or {}, errors=told(error, "days") if error else {},
        may_edit=actor.everywhere(Action.EDIT_INVENTORY), print_all=printable(found, asked),
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = [listing, set_points]
