"""The pages that cut across features; they only read."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.audit.wording import told
from assets.dashboards import history, queries
from assets.dashboards.views import AssetPage, AssetThen, Centre, Overview, System
from assets.errors import Invalid, NotFound
from assets.inventory.api import asset_out
from assets.inventory.observed.merging import now_under
from assets.inventory.past import asset_as_of
from assets.readiness.rules import Readiness
from assets.settings import Settings
from assets.web.language import N_, choose
from assets.web.paging import Q_MAX
from assets.web.templates import JSON, show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
PAGE_MAX = 1_000
STRIP_WIDTH = 1_000.0  # of the drawing's own units
STRIP_NARROWEST = 4.0
OVERVIEW_PARAMETERS = ("q", "readiness", "page")


@get(
    ["/", "/index.json"],
    name="overview",
    guards=[requires(Action.VIEW)],
    **twin(Overview, "overview", OVERVIEW_PARAMETERS),
)
async def overview(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Which centres cannot serve citizens now and why, worst first; people of one centre are led to theirs."""
    if actor.home_site and not actor.scope.everything and request.scope["path"] == "/":
        return Redirect(f"/sites/{await queries.site_code(actor.home_site)}", status_code=303)
    q, readiness, number = _asked(request)
    view = await queries.overview(actor, q=q, readiness=readiness, page=number, now=clock.now())
    return show(request, "dashboards/overview.html", view, part="dashboards/_overview.html")


def _asked(request: AnyRequest) -> tuple[str, list[str], int]:
    given = request.query_params
    wrong = {name: "There is no such parameter." for name in given if name not in OVERVIEW_PARAMETERS}
    q = str(given.get("q") or "")
    if len(q) > Q_MAX or "\0" in q:
        wrong["q"] = f"At most {Q_MAX} characters."
    readiness = [str(value) for value in given.getall("readiness", []) if value]
    if any(value not in set(Readiness) for value in readiness):
        wrong["readiness"] = f"One of: {', '.join(Readiness)}."
    number = str(given.get("page") or "1")
    if not (number.isascii() and number.isdigit() and len(number) <= 4 and 1 <= int(number) <= PAGE_MAX):
        wrong["page"] = f"A whole number from 1 to {PAGE_MAX}."
    if wrong:
        raise Invalid(N_("Some parameters are not valid."), fields=wrong)
    return q, readiness, int(number)


@get("/sites/{code:str}", guards=[requires(Action.VIEW)], **twin(Centre, "centre"))
async def centre(request: AnyRequest, code: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Whether one centre can serve, what is wrong there now, and what it has."""
    view = await queries.centre(actor, without_suffix(code), clock.now())
    may = {
        "request": actor.may(Action.REQUEST_EQUIPMENT), "requests": actor.may(Action.VIEW_REQUESTS),
        "edit": actor.may(Action.EDIT_PLACES), "declare": actor.may(Action.DECLARE),
    }  # fmt: skip
    return show(
        request, "dashboards/centre.html", view, part="dashboards/_centre.html", may=may,
        own=not actor.scope.everything,
    )  # fmt: skip


@get("/assets/{tag:str}", guards=[requires(Action.VIEW)], **twin(AssetPage, "asset"))
async def asset(
    request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor], settings: NamedDependency[Settings]
) -> Response[Any]:
    """One asset: how it is, since when and why, what it measures and what happened to it."""
    try:
        view = await queries.asset(actor.scope, without_suffix(tag), clock.now())
    except NotFound:
        if (kept := await now_under(actor.scope, without_suffix(tag))) is None:
            raise
        json = JSON if request.scope["path"].endswith(JSON) else ""
        return Redirect(f"/assets/{quote(kept, safe='')}{json}", status_code=303)
    stretches = view.monitoring.history if view.monitoring else []
    ticks = history.ticks(view.at - queries.HISTORY, view.at, width=STRIP_WIDTH, zone=clock.LOCAL_ZONE)
    return show(
        request, "dashboards/asset.html", view, part="dashboards/_asset.html",
        blocks=history.strip(stretches, width=STRIP_WIDTH, narrowest=STRIP_NARROWEST), strip_width=STRIP_WIDTH, ticks=ticks,
        totals=history.seconds_by_condition(stretches), technical=actor.may(Action.VIEW_SYSTEM),
        audited=actor.may(Action.VIEW_AUDIT), labels=actor.may(Action.PRINT_LABELS),
        today=view.at.astimezone(clock.LOCAL_ZONE).date(),
        changed=[(one, told("asset", one.before, one.after, view.names, choose(request))) for one in view.corrections],
        may_declare=actor.may(Action.DECLARE), may_watch=actor.may(Action.EDIT_MONITORING),
        may_address=actor.may(Action.DECLARE) or actor.may(Action.EDIT_INVENTORY),
        may_attach=actor.may(Action.EDIT_INVENTORY), file_mb=settings.attachment_mb, errors={},
    )  # fmt: skip


DAY = "day"


@get(
    ["/assets/{tag:str}/as-of", "/assets/{tag:str}/as-of.json"], name="asset_as_of", guards=[requires(Action.VIEW)],
    **twin(AssetThen, "asset_as_of", (DAY,)),
)  # fmt: skip
async def asset_then(request: AnyRequest, tag: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """What the register said of an asset at the end of a day in Viet Nam; of today, what it says now."""
    now = clock.now()
    try:
        end = clock.end_of_day(day := date.fromisoformat(str(request.query_params.get(DAY, ""))))
    except (ValueError, OverflowError):
        raise Invalid(fields={DAY: N_("Please write a date as day/month/year.")}) from None
    found = asset_out(await asset_as_of(actor.scope, tag, min(end - timedelta(microseconds=1), now)))
    return show(
        request, "dashboards/asset_then.html", AssetThen(at=now, day=day, asset=found),
        today=now.astimezone(clock.LOCAL_ZONE).date(),
    )  # fmt: skip


@get(["/-/system", "/-/system.json"], name="system", guards=[requires(Action.VIEW_SYSTEM)], **twin(System, "system"))
async def system(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """How the service itself is: collectors, queues, messages, channels."""
    view = await queries.system(actor, clock.now())
    return show(request, "dashboards/system.html", view, part="dashboards/_system.html")


routes: Sequence[ControllerRouterHandler] = (overview, centre, asset, asset_then, system)
