"""The page on which the province says what can be wrong with which equipment."""

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import FormMultiDict
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import BaseModel

from assets.access.actor import Actor
from assets.access.guards import requires
from assets.access.permissions import Action
from assets.db import transaction
from assets.errors import Conflict, Invalid
from assets.incidents.faults import kinds, queries
from assets.incidents.faults.fitting import FAMILIES, PICTURES
from assets.incidents.faults.queries import KINDS, FaultKindOut
from assets.web.forms import Typed, told
from assets.web.language import choose
from assets.web.paging import ListQuery, fetch
from assets.web.templates import show, twin

AnyRequest = Request[Any, Any, Any]
LISTS = ("categories", "families")
NEW: dict[str, Any] = {
    "code": "", "name": "", "name_en": "", "picture": "other", "categories": [], "families": [], "severity": "critical",
    "position": "1000", "active": True,
}  # fmt: skip


class CategoryName(BaseModel):
    """A kind of equipment by its code."""

    code: str
    name: str


class FaultKindsPage(BaseModel):
    """All faults that can be reported, and the kinds of equipment that they can be for."""

    kinds: list[FaultKindOut]
    categories: list[CategoryName]


@get(["/fault-kinds", "/fault-kinds.json"], name="fault_kinds", guards=[requires(Action.VIEW)],
     **twin(FaultKindsPage, "fault_kinds", ("edit",)))  # fmt: skip
async def listing(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """What can be reported of which equipment; who edits the register of the province can change it."""
    return await _page(request, actor, str(request.query_params.get("edit") or ""))


async def _page(
    request: AnyRequest, actor: Actor, edited: str = "", given: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None, status: int = 200,
) -> Response[Any]:  # fmt: skip
    name = "name" if choose(request) == "vi" else "coalesce(nullif(name_en, ''), name)"
    async with transaction(actor.scope) as tx:
        found = (await fetch(tx, KINDS, ListQuery(limit=kinds.KINDS_MAX), queries.kind_out)).items
        rows = await tx.fetch(f"select code, {name} as name from asset_categories order by sort, code")  # noqa: S608
    view = FaultKindsPage(kinds=found, categories=[CategoryName(**row) for row in rows])
    one = next((kind for kind in found if kind.code == edited), None)
    shown = {**NEW, **(one.model_dump() if one else {}), **(given or {})}
    return show(
        request, "faults/kinds.html", view, status=status, edited=one, given=shown, errors=errors or {},
        may_edit=actor.everywhere(Action.EDIT_INVENTORY), pictures=PICTURES, families=FAMILIES,
        severities=kinds.SEVERITIES, name_max=kinds.NAME_MAX, form=bool(one or given or edited == "new"),
    )  # fmt: skip


@post("/fault-kinds", guards=[requires(Action.EDIT_INVENTORY, province=True)], include_in_schema=False)
async def add(request: AnyRequest, actor: NamedDependency[Actor]) -> Response[Any]:
    """Offer another one."""
    given = _given(await request.form())
    try:
        await kinds.add_kind(actor, kinds.NewFaultKind(code=given["code"].strip(), **_values(given)))
    except (Invalid, Conflict) as error:
        return await _page(request, actor, "", given, told(error, "code"), error.status)
    return Redirect("/fault-kinds", status_code=303)


@post("/fault-kinds/{fault:str}", guards=[requires(Action.EDIT_INVENTORY, province=True)], include_in_schema=False)
async def edit(request: AnyRequest, fault: FromPath[str], actor: NamedDependency[Actor]) -> Response[Any]:
    """Change one as the form says."""
    given = _given(await request.form())
    try:
        await kinds.edit_kind(actor, fault, _values(given), version=Typed(given).version())
    except Invalid as error:
        return await _page(request, actor, fault, given, error.fields, error.status)
    return Redirect("/fault-kinds", status_code=303)


def _given(form: FormMultiDict) -> dict[str, Any]:
    texts = {
        name: str(form.get(name) or "")
        for name in ("code", "name", "name_en", "picture", "severity", "position", "version")
    }
    lists = {name: [str(value) for value in form.getall(name, [])] for name in LISTS}
    return {**texts, **lists, "active": bool(form.get("active"))}


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    typed = Typed(given)
    position = typed.whole("position")
    typed.check()
    kept = ("name", "name_en", "picture", "severity", "categories", "families", "active")
    return {**{name: given[name] for name in kept}, "position": position}


routes: Sequence[ControllerRouterHandler] = [listing, add, edit]
