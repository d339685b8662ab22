"""Pages of units: those of a day, one with its sites and its history, and the form for a change by a decision."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets import clock
from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, Invalid
from assets.places import changes, service
from assets.places.api import UNITS, SiteOut, UnitOut, site_out, sites_on, unit_out, unit_with, units_on
from assets.places.changes_api import CHANGES, UnitChangeOut, change_out, of_unit
from assets.places.page_forms import errors_of, version
from assets.places.succession import PARTS_MAX, Kind
from assets.web.forms import written_day
from assets.web.language import N_
from assets.web.moments import NAME, AsOfDay, day_of
from assets.web.paging import LIMIT_MAX, ListQuery, Page, fetch, listed
from assets.web.templates import show, twin, without_suffix

AnyRequest = Request[Any, Any, Any]
Form = URLEncodedBody[dict[str, str]]
PROVINCE = requires(Action.EDIT_PLACES, province=True)
SUCCESSORS = 4  # that the form has lines for; more go through the API
UNIT_KINDS = ("commune", "ward", "special_zone")


class UnitList(Page[UnitOut]):
    """The units of a day."""

    as_of: date


class UnitPage(BaseModel):
    """A unit as of a day with the sites that it had then, and what became of units with its code."""

    unit: UnitOut
    as_of: date
    sites: list[SiteOut]
    changes: list[UnitChangeOut]


class ChangeForm(BaseModel):
    """What the form for a change offers, and the sites that need a successor said, once that is known."""

    units: list[UnitOut]
    sites: list[str]


def _asked(request: AnyRequest) -> ListQuery:
    # A form sends its empty fields too; they ask for nothing.
    given = request.query_params
    kept = {name: values for name in given if (values := [v for v in given.getall(name) if v])}
    return ListQuery.of(kept, UNITS, known=[NAME])


@get(
    ["/units", "/units.json"], name="units", guards=[requires(Action.VIEW)], include_in_schema=False,
    dependencies={"asked": Provide(_asked, sync_to_thread=False)},
    opt={"twin": (UnitList, "units"), "listing": UNITS, "query": [NAME]},
)  # fmt: skip
async def listing(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery], as_of: AsOfDay = None
) -> Response[Any]:
    """The units of a day."""
    when = day_of(as_of, clock.today())
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, UNITS, asked, unit_out, where=units_on(when))
    return show(
        request, "places/units.html", UnitList(**dict(found), as_of=when), query_text=asked.q, today=clock.today(),
        kept=asked.again() | ({NAME: [when.isoformat()]} if as_of else {}),
        kind=[str(value) for one in asked.filters if one.column == "kind" for value in one.values],
    )  # fmt: skip


@get("/units/{code:str}", name="unit", guards=[requires(Action.VIEW)], **twin(UnitPage, "unit", [NAME]))
async def unit(
    request: AnyRequest, code: FromPath[str], actor: NamedDependency[Actor], as_of: AsOfDay = None
) -> Response[Any]:
    """One unit."""
    return await _unit(request, actor, without_suffix(code), as_of)


async def _unit(
    request: AnyRequest, actor: Actor, code: str, as_of: str | None, *, status: int = 200, **more: Any
) -> Response[Any]:
    today = clock.today()
    when = day_of(as_of, today)
    async with transaction(actor.scope) as tx:
        found = await unit_with(tx, code, when, exactly=bool(as_of))
        sites = await fetch(
            tx, sites_on(when), ListQuery(limit=LIMIT_MAX), site_out, scope=actor.scope,
            where=[("u.id = {}", [found.id])],
        )  # fmt: skip
        story = await fetch(tx, CHANGES, ListQuery(limit=LIMIT_MAX), change_out, where=of_unit(code))
    view = UnitPage(unit=found, as_of=when, sites=sites.items, changes=story.items)
    return show(
        request, "places/unit.html", view, status=status, today=today, kinds=UNIT_KINDS,
        **({"given": {}, "errors": {}} | more),
    )  # fmt: skip


UNIT_TEXTS = ("name", "kind", "name_en", "former_province", "agency_code")


@post("/units/{code:str}/edit", guards=[PROVINCE], include_in_schema=False)
async def edit(request: AnyRequest, code: FromPath[str], data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Correct what is written of a unit."""
    try:
        said: dict[str, Any] = {name: data[name] for name in UNIT_TEXTS if name in data}
        await service.edit_unit(actor, code, said, version=version(data))
    except (Invalid, Conflict) as error:
        errors = errors_of(request, error, "unit")
        return await _unit(request, actor, code, None, status=error.status, given=data, errors=errors)
    return Redirect(f"/units/{code}", status_code=303)


@get(
    ["/unit-changes", "/unit-changes.json"], name="unit_changes", guards=[requires(Action.VIEW)],
    include_in_schema=False, dependencies=listed(CHANGES)["dependencies"],
    opt={"twin": (Page[UnitChangeOut], "unit_changes"), "listing": CHANGES},
)  # fmt: skip
async def history(
    request: AnyRequest, actor: NamedDependency[Actor], asked: NamedDependency[ListQuery]
) -> Response[Any]:
    """Which units became which, the newest first."""
    async with transaction(actor.scope) as tx:
        view = await fetch(tx, CHANGES, asked, change_out)
    return show(request, "places/changes.html", view, query_text=asked.q, kept=asked.again(), today=clock.today())


@get(["/unit-changes/new", "/unit-changes/new.json"], name="new_unit_change", guards=[PROVINCE],
     **twin(ChangeForm, "new_unit_change"))  # fmt: skip
async def change_form(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """The form for a change."""
    return await _change_form(request, actor, {}, {})


@post("/unit-changes/new", guards=[PROVINCE], include_in_schema=False)
async def record(request: AnyRequest, data: Form, actor: NamedDependency[Actor]) -> Response[Any]:
    """Write down a change and apply it."""
    try:
        await changes.record_change(actor, _change(data), today=clock.today())
    except (Invalid, Conflict) as error:
        return await _change_form(request, actor, data, errors_of(request, error, "predecessors"), error.status)
    return Redirect("/unit-changes", status_code=303)


async def _change_form(
    request: AnyRequest, actor: Actor, given: Mapping[str, str], errors: Mapping[str, str], status: int = 200
) -> Response[Any]:
    today = clock.today()
    async with transaction(actor.scope) as tx:
        found = await fetch(tx, UNITS, ListQuery(limit=LIMIT_MAX), unit_out, where=units_on(today))
    asked = {name.removeprefix("sites.") for name in errors if name.startswith("sites.")}
    asked |= {name.removeprefix("site_") for name in given if name.startswith("site_")}
    return show(
        request, "places/new_change.html", ChangeForm(units=found.items, sites=sorted(asked)), status=status,
        given=given, errors=errors, kinds=list(Kind), unit_kinds=UNIT_KINDS, lines=range(1, SUCCESSORS + 1), today=today,
    )  # fmt: skip


def _change(data: Mapping[str, str]) -> changes.NewChange:
    """The change of a form; Invalid names what cannot be read."""
    try:
        kind = Kind(data.get("kind", ""))
    except ValueError:
        raise Invalid(fields={"kind": N_("Please choose one of the list.")}) from None
    effective_on = written_day(data, "effective_on")
    if effective_on is None:
        raise Invalid(fields={"effective_on": N_("Please write a date as day/month/year.")})
    successors = [
        changes.NewUnit(code, data.get(f"name_{line}", ""), data.get(f"kind_{line}", ""))
        for line in range(1, SUCCESSORS + 1)
        if (code := data.get(f"code_{line}", "").strip())
    ]
    if any(one.kind not in ("", *UNIT_KINDS) for one in successors):
        raise Invalid(fields={"successors": N_("Please choose one of the list.")})
    sites = {name.removeprefix("site_"): code for name, code in data.items() if name.startswith("site_") and code}
    return changes.NewChange(
        kind, effective_on, data.get("decision_number", ""), tuple(successors),
        tuple(data.get("predecessors", "").replace(",", " ").split()[: 2 * PARTS_MAX]), sites,
        written_day(data, "decided_on"), data.get("issued_by", ""), data.get("web_address", "").strip(), data.get("note", ""),
    )  # fmt: skip


routes: Sequence[ControllerRouterHandler] = (listing, unit, edit, history, change_form, record)
